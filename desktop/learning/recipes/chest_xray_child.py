"""Pneumonia in children of 1 to 5 years, from the Guangzhou films (Kermany 2018), from scratch on two cores.

Three small networks, each trained without one third of the patients. That third stops its training early, calibrates
it and judges it, so every figure of the card comes from children the answering network never saw, and the model the
clinic gets, the mean of the three, has learned from all of them.
"""

import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from desktop.errors import from_os_error
from desktop.inference.model import STUDY
from desktop.inference.registry import MANIFEST
from desktop.jobs import Job
from desktop.learning import child_card, child_evaluation, child_manifest
from desktop.learning.child_settings import Settings
from desktop.learning.films import Film, data_hash, find_data, patient_mark, read_children
from desktop.learning.publishing import (
    TRAINING,
    folder_of,
    graph_entry,
    install,
    make_work_folder,
    manifest_text,
    restate,
)
from desktop.learning.recipe import Say, require_torch
from desktop.learning.records import EvaluationRecord, Study, TrainingRecord, stated_settings, training_document

if TYPE_CHECKING:
    from desktop.learning.child_training import TrainedModel

_FILES = ("model.onnx", "quality.onnx", TRAINING)


@dataclass(frozen=True)
class ChestXrayChild:
    """The recipe. settings: as in the record of every run."""

    settings: Settings = field(default_factory=Settings)
    name: str = child_manifest.NAME
    research: bool = False

    def train(self, data: Path, out: Path, job: Job, say: Say, *, resume: bool = True) -> TrainingRecord:
        """See `Recipe.train`. Also measures the new model and writes its card."""
        require_torch()
        from desktop.learning import child_training

        folder = find_data(data)
        films = read_children(folder.cxr)
        data_sha256 = data_hash(films)
        out = folder_of(out, self.name)
        training = out / ".training"
        if not resume:
            shutil.rmtree(training, ignore_errors=True)
        work = training / self.name
        started = time.monotonic()
        say(f"{len(films)} films of {len({film.group for film in films})} children")
        try:
            make_work_folder(work)
            trained = child_training.train_all(folder, films, data_sha256, self.settings, work, job, say)
            record = self._record(films, data_sha256, trained, started, work)
            say("measuring the new model")
            figures = child_evaluation.evaluate(folder, films, work, job, say)
            kept = {name: (work / name).read_bytes() for name in _FILES}
            install(out, kept | child_card.texts(work, figures, Study.read(out / STUDY, data_sha256)))
        except OSError as error:
            raise from_os_error(error) from error
        shutil.rmtree(training, ignore_errors=True)
        say(f"done in {time.monotonic() - started:.0f} s")
        return record

    def evaluate(self, data: Path, model_folder: Path, job: Job, say: Say, *, study: bool = False) -> EvaluationRecord:
        """See `Recipe.evaluate`. Rewrites card and limits where the data are those the model was trained on."""
        folder = find_data(data)
        films = read_children(folder.cxr)
        data_sha256 = data_hash(films)
        own = data_sha256 == training_document(model_folder)["data_sha256"]
        compared = Study.read(model_folder / STUDY, data_sha256)
        if study:
            graph = (model_folder / "model.onnx").read_bytes()
            compared = self._study(films, data_sha256, graph, model_folder / ".study", job, say)
        figures = child_evaluation.evaluate(folder, films, model_folder, job, say)
        if own:
            restate(model_folder, child_card.texts(model_folder, figures, compared), say)
        if study:
            shutil.rmtree(model_folder / ".study", ignore_errors=True)
        return child_evaluation.record(figures, compared, model_folder, data_sha256, len(films))

    def _study(self, films: Sequence[Film], data_sha256: str, graph: bytes, work: Path, job: Job, say: Say) -> Study:
        """The comparators. Raises KnownFailure without PyTorch, or where the work folder cannot be written to."""
        require_torch()
        from desktop.learning import child_study

        try:
            make_work_folder(work)
            return child_study.run(films, data_sha256, self.settings, graph, work, job, say)
        except OSError as error:
            raise from_os_error(error) from error

    def _record(
        self, films: Sequence[Film], data_sha256: str, trained: "TrainedModel", started: float, work: Path
    ) -> TrainingRecord:
        """Calibrate, choose thresholds, write manifest and record into the work folder.

        The manifest's limits tell no figure yet: those are measured on the exported graphs (`child_card.texts`).
        """
        from desktop.learning import child_lessons, side_by_side

        fit = child_manifest.fitted(
            trained.answers.logits, np.array([film.pneumonia for film in films]), self.settings.alpha
        )
        hint = None if trained.hint is None else child_manifest.fitted_hint(trained.hint, self.settings)
        distance_limit = float(np.quantile(trained.answers.distances, 1 - self.settings.distance_loss))
        gate: dict[str, object] = {
            "classes": list(child_lessons.GATE_CLASSES),
            "pass_at": trained.gate_pass_at,
            "distance_limit": trained.gate_distance_limit,
        }
        manifest = child_manifest.document(work, self.settings, fit, hint, distance_limit, gate)
        (work / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8")
        record = TrainingRecord(
            model=self.name,
            version=child_manifest.VERSION,
            sha256=str(graph_entry(work / "model.onnx")["sha256"]),
            seed=self.settings.seed,
            data_sha256=data_sha256,
            films=len(films),
            patients=len({film.group for film in films}),
            seconds=round(trained.earlier_seconds + time.monotonic() - started, 1),
            threads=self.settings.threads,
            software=side_by_side.software(),
            settings=stated_settings(self.settings),
            curves={name: [asdict(epoch) for epoch in curve] for name, curve in trained.curves.items()},
            calibration=child_manifest.calibrations(fit, hint),
            gate={"pass_at": trained.gate_pass_at, "distance_limit": trained.gate_distance_limit},
            patient_marks=tuple(sorted({patient_mark(film.group) for film in films})),
        )
        (work / TRAINING).write_text(record.to_json(), encoding="utf-8")
        return record
