"""Boxes and counts on photographs: a small detector for each set, from scratch on two cores."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from desktop.errors import UserFacingError, from_os_error
from desktop.inference import DetectionModel, read_model
from desktop.inference.detection_manifest import DetectionManifest
from desktop.inference.model import STUDY
from desktop.inference.registry import MANIFEST
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.jobs import Job
from desktop.learning import detector_card, detector_evaluation, detector_export, detector_sorting, detector_usual
from desktop.learning.detector_data import Photograph, data_hash, mark, read_photographs
from desktop.learning.detector_evaluation import Measured
from desktop.learning.detector_sets import DetectorSet
from desktop.learning.detector_settings import DetectorSettings
from desktop.learning.publishing import TRAINING, folder_of, make_work_folder, publish, restate
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


class Judge(Protocol):
    """What measures a detector. measured: a new graph, each photograph by the member that never saw it; asked: the
    shipped model, about photographs it has not learned from."""

    measured: Callable[[OnnxRunner, Sequence[Photograph], DetectorSet, DetectorSettings, Job], Measured]
    asked: Callable[
        [OnnxRunner, Sequence[Photograph], DetectionManifest, DetectorSet, DetectorSettings, Job], dict[str, Json]
    ]


@dataclass(frozen=True)
class Detector:
    """The recipe of one set's detector."""

    wanted: DetectorSet
    settings: DetectorSettings = field(default_factory=DetectorSettings)

    @property
    def research(self) -> bool:
        """Whether it makes a research pack."""
        return self.wanted.research

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.wanted.model

    def train(self, data: Path, out: Path, job: Job, say: Say, *, resume: bool = True) -> TrainingRecord:
        """See `Recipe.train`. Also measures the new model and writes its card."""
        require_torch()
        from desktop.learning import detector_training
        from desktop.learning.compact import halved
        from desktop.learning.detector_network import OUTPUTS
        from desktop.learning.export import export

        photographs = read_photographs(data, self.wanted)
        data_sha256 = data_hash(photographs)
        out = folder_of(out, self.name)
        work = out / ".training"
        if not resume:
            shutil.rmtree(work, ignore_errors=True)
        started = time.monotonic()
        say(f"{len(photographs)} photographs with {sum(len(one.boxes) for one in photographs)} boxes")
        try:
            make_work_folder(work)
            school = detector_training.DetectorSchool(self.settings, data_sha256, work, job, say)
            trained = detector_training.train_detector(photographs, self.wanted, school)
            path = work / detector_export.GRAPH
            export(trained.network, (3, self.wanted.height, self.wanted.width), OUTPUTS, path)
            graph = halved(path.read_bytes())
        except OSError as error:
            raise from_os_error(error) from error
        say("judging every photograph by the network that never saw it")
        runner = detector_evaluation.runner_of(graph, self.wanted, self.settings.members)
        measured = self._judge.measured(runner, photographs, self.wanted, self.settings, job)
        manifest = detector_export.document(graph, runner, self.wanted, measured, self.settings)
        record = TrainingRecord(
            model=self.name,
            version=self.wanted.version,
            sha256=hashlib.sha256(graph).hexdigest(),
            seed=self.settings.seed,
            data_sha256=data_sha256,
            films=len(photographs),
            patients=len({one.run for one in photographs}),
            seconds=round(trained.earlier_seconds + time.monotonic() - started, 1),
            threads=min(self.settings.threads, self.settings.members),
            software=detector_training.software(),
            settings=stated_settings(self.settings),
            curves={name: [asdict(epoch) for epoch in curve] for name, curve in trained.curves.items()},
            calibration={},
            gate={"distance_limit": manifest["out_of_distribution"]["limit"]},
            patient_marks=tuple(sorted(mark(one) for one in photographs)),
        )
        files = {detector_export.GRAPH: graph, TRAINING: record.to_json().encode()}
        training, figures = json.loads(record.to_json()), measured.figures
        if self.wanted.strangers:
            # The model has to lie somewhere before it can be asked as the clinic asks.
            publish(work / self.name, files | detector_card.texts(self.wanted, manifest, training, figures, None))
            figures["strangers"] = self._strangers(_detector(work / self.name), data, job, say)
        study = Study.read(out / STUDY, data_sha256)
        publish(out, files | detector_card.texts(self.wanted, manifest, training, figures, study))
        shutil.rmtree(work, ignore_errors=True)
        say(f"done in {time.monotonic() - started:.0f} s")
        return record

    def evaluate(self, data: Path, model_folder: Path, job: Job, say: Say, *, study: bool = False) -> EvaluationRecord:
        """See `Recipe.evaluate`. On the photographs it has learned from, each is judged by the network that never saw
        it; on any others, by the model as the clinic has it, without those it has learned from, and without a study."""
        training = training_document(model_folder)
        model = _detector(model_folder)
        settings = settings_of(DetectorSettings, training["settings"])
        graph = read_weights(model_folder, model.manifest.weights)
        runner = detector_evaluation.runner_of(graph, self.wanted, settings.members)
        photographs = read_photographs(data, self.wanted)
        data_sha256 = data_hash(photographs)
        figures: Mapping[str, Json]
        compared: Study | None = None
        if data_sha256 == training["data_sha256"]:
            compared = Study.read(model_folder / STUDY, data_sha256)
            if study and not self.wanted.each_once:
                compared = self._study(runner, photographs, settings, data_sha256, model_folder / ".study", job, say)
            say("judging every photograph by the network that never saw it")
            measured = self._judge.measured(runner, photographs, self.wanted, settings, job)
            figures = measured.figures | {"strangers": self._strangers(model, data, job, say)}
            manifest = json.loads((model_folder / MANIFEST).read_text(encoding="utf-8"))
            manifest = detector_export.with_tiles(manifest, measured.tiles)
            restate(model_folder, detector_card.texts(self.wanted, manifest, training, figures, compared), say)
            if study:
                shutil.rmtree(model_folder / ".study", ignore_errors=True)
        else:
            seen = set(training["patient_marks"])
            photographs = [one for one in photographs if mark(one) not in seen]
            if not photographs:
                raise UserFacingError("learning.nothing_new", model=self.name)
            say(f"asking the model about {len(photographs)} photographs it has not learned from")
            figures = self._judge.asked(runner, photographs, model.manifest, self.wanted, settings, job)
        return EvaluationRecord(
            model=self.name,
            version=training["version"],
            sha256=training["sha256"],
            data_sha256=data_sha256,
            films=len(photographs),
            figures=figures,
            study=[] if compared is None else compared.rows,
        )

    def _study(
        self,
        runner: OnnxRunner,
        photographs: Sequence[Photograph],
        settings: DetectorSettings,
        data_sha256: str,
        work: Path,
        job: Job,
        say: Say,
    ) -> Study:
        """The learning curve. Raises KnownFailure without PyTorch, or where the work folder cannot be written to."""
        require_torch()
        from desktop.learning import detector_study
        from desktop.learning.detector_training import DetectorSchool

        school = DetectorSchool(settings, data_sha256, work, job, say)
        try:
            make_work_folder(work)
            points = detector_study.curve(runner, photographs, self.wanted, school)
        except OSError as error:
            raise from_os_error(error) from error
        return Study(data_sha256, settings.epochs, [point.to_row() for point in points])

    def _strangers(self, model: DetectionModel, data: Path, job: Job, say: Say) -> list[Json]:
        if self.wanted.strangers:
            say("asking it about photographs of other kinds")
        return detector_usual.asked_strangers(model, self.wanted, data, job)

    @property
    def _judge(self) -> Judge:
        """What measures a detector of this sort."""
        return detector_sorting if self.wanted.each_once else detector_evaluation


def _detector(folder: Path) -> DetectionModel:
    """Raises UserFacingError for a model of another kind."""
    model = read_model(folder)
    if not isinstance(model, DetectionModel):
        raise UserFacingError("inference.not_for_pictures", model=model.name)
    return model
