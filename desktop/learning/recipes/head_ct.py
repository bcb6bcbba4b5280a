"""Haemorrhage and fracture on slices of head CT, a research pack: straight lines of measured numbers, in a minute."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from desktop.errors import ErrorKind, UserFacingError
from desktop.inference.picture_manifest import PictureManifest
from desktop.inference.registry import MANIFEST, read_picture_model
from desktop.jobs import Job
from desktop.learning import head_ct_card, head_ct_evaluation, head_ct_export
from desktop.learning.head_ct_data import FINDINGS, FOLDER, SliceTable, measure_all
from desktop.learning.head_ct_training import HeadCtSettings, fit_all, unseen
from desktop.learning.publishing import TRAINING, folder_of, publish, restate
from desktop.learning.recipe import Say, require_onnx
from desktop.learning.records import EvaluationRecord, TrainingRecord, settings_of, stated_settings, training_document

_FEWEST = 10


@dataclass(frozen=True)
class HeadCt:
    """The recipe."""

    settings: HeadCtSettings = field(default_factory=HeadCtSettings)
    research: bool = True

    @property
    def name(self) -> str:
        """Name of the model."""
        return head_ct_export.NAME

    def searching(self) -> "HeadCt":
        """See `Searching`."""
        return replace(self, settings=replace(self.settings, search=True))

    def train(self, data: Path, out: Path, job: Job, say: Say, *, resume: bool = True) -> TrainingRecord:
        """See `Recipe.train`. Also measures the new pack and writes its card. There is nothing to resume."""
        require_onnx()
        out = folder_of(out, self.name)
        started = time.monotonic()
        table = measure_all(data, job, say)
        _must_have_enough(table)
        logits = unseen(table, table.numbers, self.settings)
        fitted = fit_all(table, logits, self.settings)
        seconds = time.monotonic() - started
        graph = head_ct_export.graph_of(fitted.lines)
        record = TrainingRecord(
            model=self.name,
            version=head_ct_export.VERSION,
            sha256=hashlib.sha256(graph).hexdigest(),
            seed=self.settings.seed,
            data_sha256=table.sha256,
            films=len(table.slices),
            patients=len(set(table.patients)),
            seconds=round(seconds, 1),
            threads=1,
            software=_software(),
            settings=stated_settings(fitted.settings),
            curves={},
            calibration={key: asdict(one) for key, one in zip(FINDINGS, fitted.calibrations, strict=True)},
            gate={},
            patient_marks=tuple(sorted({patient_mark(patient) for patient in table.patients})),
            tried=fitted.tried,
        )
        say("judging everybody by lines made without him, on good slices and on spoilt ones")
        figures = head_ct_evaluation.cross_validated(table, logits, self.settings, job)
        manifest, training = head_ct_export.document(graph, fitted), json.loads(record.to_json())
        files = {head_ct_export.GRAPH: graph, TRAINING: record.to_json().encode()}
        publish(out, files | head_ct_card.texts(manifest, training, figures))
        say(f"done in {time.monotonic() - started:.0f} s")
        return record

    def evaluate(self, data: Path, model_folder: Path, job: Job, say: Say, *, study: bool = False) -> EvaluationRecord:
        """See `Recipe.evaluate`. Comparators are fitted each time, so a study adds nothing.

        On the slices it has learned from, everybody is judged by lines made without him; on any other, by the pack
        itself, without people it has learned from.
        """
        training = training_document(model_folder)
        model = read_picture_model(model_folder)
        model.load()
        table = measure_all(data, job, say)
        figures: Mapping[str, Any]
        if training["data_sha256"] == table.sha256:
            settings = settings_of(HeadCtSettings, training["settings"])
            say("judging everybody by lines made without him, on good slices and on spoilt ones")
            logits = unseen(table, table.numbers, settings)
            figures = head_ct_evaluation.cross_validated(table, logits, settings, job)
            manifest = json.loads((model_folder / MANIFEST).read_text(encoding="utf-8"))
            restate(model_folder, head_ct_card.texts(manifest, training, figures), say)
        else:
            figures = self._on_others(table, model.manifest, model_folder, training, say)
        model.close()
        return EvaluationRecord(
            model=self.name,
            version=training["version"],
            sha256=training["sha256"],
            data_sha256=table.sha256,
            films=len(table.slices),
            figures=figures,
            study=[],
        )

    def _on_others(
        self, table: SliceTable, manifest: PictureManifest, folder: Path, training: Mapping[str, Any], say: Say
    ) -> Mapping[str, Any]:
        """The pack's own figures on people it has not learned from. Raises UserFacingError where there are none."""
        seen = set(training["patient_marks"])
        new = table.part(np.array([patient_mark(patient) not in seen for patient in table.patients], dtype=bool))
        if not new.slices or (new.labels.all(axis=0) | ~new.labels.any(axis=0)).any():
            raise UserFacingError("learning.nobody_new", model=self.name)
        say(f"asking the pack about {len(new.slices)} slices of people it has not learned from")
        return head_ct_evaluation.shipped(new, manifest, folder)


def patient_mark(patient: str) -> str:
    """A short hash of a patient's number, by which he is known again without being named."""
    return hashlib.sha256(f"ct-ich:{patient}".encode()).hexdigest()[:12]


def _must_have_enough(table: SliceTable) -> None:
    """Raises UserFacingError where too few have, or have not, a finding to learn from and to judge by."""
    having = table.labels.sum(axis=0)
    if (
        min(having.min(initial=len(table.slices)), (len(table.slices) - having).min(initial=len(table.slices)))
        < _FEWEST
    ):
        raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=f"{FOLDER}/labels.csv")


def _software() -> dict[str, str]:
    import cv2
    import onnx
    import scipy

    return {
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "opencv": cv2.__version__,
        "onnx": onnx.__version__,
    }
