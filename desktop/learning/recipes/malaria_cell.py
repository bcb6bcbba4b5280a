"""Malaria parasites in single red cells (NIH/NLM thin films), in colour and grey, from scratch on two cores.

Two small networks, each trained without one part of the patients: the first one's part calibrates, the second one's
part gives the card's figures, and the model the clinic gets, the mean of both, has learned from everybody.
"""

import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from desktop.errors import from_os_error
from desktop.inference.calibration import Calibration
from desktop.inference.model import STUDY
from desktop.inference.registry import MANIFEST
from desktop.jobs import Job
from desktop.learning import cell_card, cell_evaluation, cell_manifest
from desktop.learning.cell_settings import Settings
from desktop.learning.cells import Cell, data_hash, find_cells, patient_mark, read_cells
from desktop.learning.learning_curve import CurvePoint
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
from desktop.learning.records import (
    EvaluationRecord,
    Json,
    Study,
    TrainingRecord,
    settings_of,
    stated_settings,
    training_document,
)
from desktop.learning.statistics import fit_calibration, thresholds_of

if TYPE_CHECKING:
    from desktop.learning.cell_training import TrainedCells

_GRAPH = "model.onnx"


@dataclass(frozen=True)
class MalariaCell:
    """The recipe. settings: as in the record of every run."""

    settings: Settings = field(default_factory=Settings)
    name: str = cell_manifest.NAME
    research: bool = False

    def train(self, data: Path, out: Path, job: Job, say: Say, *, resume: bool = True) -> TrainingRecord:
        """See `Recipe.train`. Also measures the new model and writes its card."""
        require_torch()
        from desktop.learning import cell_training

        folder = find_cells(data)
        cells = read_cells(folder)
        data_sha256 = data_hash(cells)
        out = folder_of(out, self.name)
        training = out / ".training"
        if not resume:
            shutil.rmtree(training, ignore_errors=True)
        work = training / self.name
        started = time.monotonic()
        say(f"{len(cells)} cells of {len({cell.patient for cell in cells})} people")
        try:
            make_work_folder(work)
            trained = cell_training.train_all(cells, data_sha256, self.settings, work, job, say)
            record = self._record(cells, data_sha256, trained, started, work)
            say("measuring the new model")
            figures = cell_evaluation.evaluate(folder.parent, cells, work, job, say)
            kept = {name: (work / name).read_bytes() for name in (_GRAPH, TRAINING)}
            install(out, kept | cell_card.texts(work, figures, Study.read(out / STUDY, data_sha256)))
        except OSError as error:
            raise from_os_error(error) from error
        shutil.rmtree(training, ignore_errors=True)
        say(f"done in {time.monotonic() - started:.0f} s")
        return record

    def evaluate(self, data: Path, model_folder: Path, job: Job, say: Say, *, study: bool = False) -> EvaluationRecord:
        """See `Recipe.evaluate`. Rewrites card and limits where the data are those the model was trained on; elsewhere
        no study is made."""
        folder = find_cells(data)
        cells = read_cells(folder)
        data_sha256 = data_hash(cells)
        training, work = training_document(model_folder), model_folder / ".study"
        own = data_sha256 == training["data_sha256"]
        compared = Study.read(model_folder / STUDY, data_sha256) if own else None
        settings = replace(settings_of(Settings, training["settings"]), threads=self.settings.threads)
        fewer = self._fewer(cells, data_sha256, settings, work, job, say) if study and own else ()
        figures = cell_evaluation.evaluate(folder.parent, cells, model_folder, job, say)
        if fewer:
            rows: list[Json] = [
                point.to_row() for point in (*fewer, cell_evaluation.whole_point(cells, settings, figures))
            ]
            compared = Study(data_sha256, settings.epochs, rows)
        if own:
            restate(model_folder, cell_card.texts(model_folder, figures, compared), say)
        if fewer:
            shutil.rmtree(work, ignore_errors=True)
        return cell_evaluation.record(figures, compared, model_folder, data_sha256, len(cells))

    def _fewer(
        self, cells: Sequence[Cell], data_sha256: str, settings: Settings, work: Path, job: Job, say: Say
    ) -> tuple[CurvePoint, ...]:
        """The learning curve but for its end. Raises KnownFailure without PyTorch, or where the work folder cannot be
        written to."""
        require_torch()
        from desktop.learning import cell_study

        try:
            make_work_folder(work)
            return cell_study.fewer(cells, data_sha256, settings, work, job, say)
        except OSError as error:
            raise from_os_error(error) from error

    def _record(
        self, cells: Sequence[Cell], data_sha256: str, trained: "TrainedCells", started: float, work: Path
    ) -> TrainingRecord:
        """Calibrate, choose thresholds, write manifest and record into the work folder, all on the first part.

        The manifest's limits tell no figure yet: those are measured on the exported graph (`cell_card.texts`).
        """
        from desktop.learning import side_by_side

        settings, answers = self.settings, trained.answers
        labels = np.tile(np.array([cells[index].parasitized for index in answers.cells]), 2)
        logits = answers.logits.reshape(-1)
        calibration = Calibration(*fit_calibration(logits, labels))
        probabilities = np.array([calibration.probability(float(logit)) for logit in logits])
        thresholds = thresholds_of(probabilities, labels, settings.alphas)
        distance_limit = float(np.quantile(answers.distances, 1 - settings.distance_loss))
        manifest = cell_manifest.document(work, settings, calibration, thresholds, distance_limit)
        (work / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8")
        record = TrainingRecord(
            model=self.name,
            version=cell_manifest.VERSION,
            sha256=str(graph_entry(work / _GRAPH)["sha256"]),
            seed=settings.seed,
            data_sha256=data_sha256,
            films=len(cells),
            patients=len({cell.patient for cell in cells}),
            seconds=round(trained.earlier_seconds + time.monotonic() - started, 1),
            threads=settings.threads,
            software=side_by_side.software(),
            settings=stated_settings(settings),
            curves={name: [asdict(epoch) for epoch in curve] for name, curve in trained.curves.items()},
            calibration={"temperature": calibration.temperature, "offset": calibration.offset},
            gate={"distance_limit": distance_limit},
            patient_marks=tuple(sorted({patient_mark(cell.patient) for cell in cells})),
        )
        (work / TRAINING).write_text(record.to_json(), encoding="utf-8")
        return record
