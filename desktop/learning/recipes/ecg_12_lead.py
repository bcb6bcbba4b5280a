"""Six findings on twelve leads: a forest for each, from measured numbers, in a few minutes on one core."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from desktop.errors import ErrorKind, UserFacingError
from desktop.inference.model import STUDY
from desktop.inference.registry import MANIFEST, read_trace_model
from desktop.jobs import Job
from desktop.learning import ecg_card, ecg_evaluation, ecg_export
from desktop.learning.ecg_data import FINDINGS, TABLE, EcgTable, measure_all
from desktop.learning.ecg_study import study_of
from desktop.learning.ecg_training import EcgSettings, fit_ecg, unseen
from desktop.learning.publishing import TRAINING, folder_of, publish, restate
from desktop.learning.recipe import Say, require_onnx
from desktop.learning.records import (
    EvaluationRecord,
    Study,
    TrainingRecord,
    settings_of,
    stated_settings,
    training_document,
)

_FEWEST = 5


@dataclass(frozen=True)
class Ecg12Lead:
    """The recipe."""

    settings: EcgSettings = field(default_factory=EcgSettings)
    research: bool = False

    @property
    def name(self) -> str:
        """Name of the model."""
        return ecg_export.NAME

    def train(self, data: Path, out: Path, job: Job, say: Say, *, resume: bool = True) -> TrainingRecord:
        """See `Recipe.train`. Also measures the new model and writes its card. There is nothing to resume."""
        require_onnx()
        out = folder_of(out, self.name)
        started = time.monotonic()
        table = measure_all(data, job, say)
        _must_have_enough(table)
        say("judging every patient by forests made without him")
        logits = unseen(table, self.settings, self.settings.seed, job)
        fitted = fit_ecg(table, logits, self.settings, job)
        seconds = time.monotonic() - started
        say("again with other parts, to see how much the figures vary")
        figures = ecg_evaluation.cross_validated(table, self.settings, job, logits)
        graph = ecg_export.graph_of(fitted)
        record = TrainingRecord(
            model=self.name,
            version=ecg_export.VERSION,
            sha256=hashlib.sha256(graph).hexdigest(),
            seed=self.settings.seed,
            data_sha256=table.sha256,
            films=len(table.ids),
            patients=len(set(table.patients)),
            seconds=round(seconds, 1),
            threads=1,
            software=_software(),
            settings=stated_settings(self.settings),
            curves={},
            calibration={key: asdict(one) for key, one in zip(FINDINGS, fitted.calibrations, strict=True)},
            gate={},
            patient_marks=tuple(sorted({patient_mark(patient) for patient in table.patients})),
        )
        manifest = ecg_export.document(graph, fitted)
        training = json.loads(record.to_json())
        files = {ecg_export.GRAPH: graph, TRAINING: record.to_json().encode()}
        study = Study.read(out / STUDY, table.sha256)
        publish(out, files | ecg_card.texts(manifest, training, figures, study.rows if study else []))
        say(f"done in {time.monotonic() - started:.0f} s")
        return record

    def evaluate(self, data: Path, model_folder: Path, job: Job, say: Say, *, study: bool = False) -> EvaluationRecord:
        """See `Recipe.evaluate`.

        On the recordings it has learned from, every patient is judged by forests made without him; on any other, by
        the model itself, without patients it has learned from.
        """
        training = training_document(model_folder)
        model = read_trace_model(model_folder)
        model.load()
        table = measure_all(data, job, say)
        rows: list[Any] = []
        if training["data_sha256"] == table.sha256:
            say("judging every patient by forests made without him")
            settings = settings_of(EcgSettings, training["settings"])
            logits = unseen(table, settings, settings.seed, job)
            figures = ecg_evaluation.cross_validated(table, settings, job, logits)
            if study:
                done = study_of(data, table, settings, model, job, say)
                restate(model_folder, {STUDY: done.to_json().encode()}, say)
            kept = Study.read(model_folder / STUDY, table.sha256)
            rows = kept.rows if kept is not None else []
            manifest = json.loads((model_folder / MANIFEST).read_text(encoding="utf-8"))
            restate(model_folder, ecg_card.texts(manifest, training, figures, rows), say)
        else:
            figures = self._on_others(table, model.manifest, model_folder, training, say)
        model.close()
        return EvaluationRecord(
            model=self.name,
            version=training["version"],
            sha256=training["sha256"],
            data_sha256=table.sha256,
            films=len(table.ids),
            figures=figures,
            study=rows,
        )

    def _on_others(
        self, table: EcgTable, manifest: Any, folder: Path, training: Mapping[str, Any], say: Say
    ) -> Mapping[str, Any]:
        """The model's own figures on patients it has not learned from. Raises UserFacingError where there are none."""
        seen = set(training["patient_marks"])
        new = table.part(np.array([patient_mark(patient) not in seen for patient in table.patients], dtype=bool))
        if not new.ids or (new.labels.all(axis=0) | ~new.labels.any(axis=0)).any():
            raise UserFacingError("learning.nobody_new", model=self.name)
        say(f"asking the model about {len(new.ids)} recordings of patients it has not learned from")
        return ecg_evaluation.shipped(new, manifest, folder, self.settings.rounds)


def patient_mark(patient: str) -> str:
    """A short hash of a patient's number, by which he is known again without being named."""
    return hashlib.sha256(f"ptb-xl:{patient}".encode()).hexdigest()[:12]


def _must_have_enough(table: EcgTable) -> None:
    """Raises UserFacingError where too few have, or have not, a finding to learn from and to judge by."""
    having = table.labels.sum(axis=0)
    if min(having.min(initial=len(table.ids)), (len(table.ids) - having).min(initial=len(table.ids))) < _FEWEST:
        raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=TABLE)


def _software() -> dict[str, str]:
    import onnx
    import scipy

    return {"numpy": np.__version__, "scipy": scipy.__version__, "onnx": onnx.__version__}
