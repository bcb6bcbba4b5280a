"""Retinas: vessels by small networks, grades by forests of measured spots; from scratch on two cores."""

import hashlib
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop.errors import ErrorKind, UserFacingError, from_os_error
from desktop.inference.fundus_field import find_circle
from desktop.inference.fundus_gate import Limit, problems
from desktop.inference.fundus_model import FundusModel, SeenRetina
from desktop.inference.fundus_vessels import prepare_vessels
from desktop.inference.model import STUDY
from desktop.inference.registry import MANIFEST, read_model
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.jobs import Job
from desktop.learning import fundus_card, fundus_evaluation, fundus_export, fundus_gating
from desktop.learning.additive import Floats
from desktop.learning.fundus_data import (
    Bytes,
    DrawnEye,
    GradedEye,
    colours_of,
    data_hash,
    find_fundus,
    grade_parts,
    mark,
    read_drawn,
    read_graded,
)
from desktop.learning.fundus_evaluation import TracedEyes
from desktop.learning.fundus_export import GRADES_GRAPH, GRAPH, Graphs
from desktop.learning.fundus_grading import FittedGrades, Unseen, fit_grades, measure_all, reached, unseen
from desktop.learning.fundus_sets import FundusSet
from desktop.learning.fundus_settings import FundusSettings
from desktop.learning.fundus_tracing import BINS, best_threshold, tracing_figures
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
from desktop.learning.statistics import interval, wilson
from desktop.learning.whole_numbers import in_whole_numbers

if TYPE_CHECKING:
    from desktop.learning.fundus_training import VesselSchool

_RANGES = 3
"""Of the drawn photographs, to learn the ranges of whole numbers from; of the graded ones a tenth as many."""

_MOST_LOST = 0.005
"""Of sensitivity or overlap, to whole numbers."""

_SPOILT_EVERY = 40
"""Of the graded photographs, to be spoilt."""


@dataclass(frozen=True, eq=False)
class _Eyes:
    """What one model learns from. before: eyes of another data set, which its networks of vessels learn from first."""

    drawn: list[DrawnEye]
    graded: list[GradedEye]
    before: list[DrawnEye]

    @property
    def sha256(self) -> str:
        return data_hash([*self.drawn, *self.before], self.graded)

    @property
    def marks(self) -> list[str]:
        drawn, graded = [*self.drawn, *self.before], self.graded
        return sorted([mark(one.sha256) for one in drawn] + [mark(one.sha256) for one in graded])

    @property
    def count(self) -> int:
        return len(self.drawn) + len(self.graded)

    def without(self, seen: set[str]) -> "_Eyes":
        return _Eyes(
            [one for one in self.drawn if mark(one.sha256) not in seen],
            [one for one in self.graded if mark(one.sha256) not in seen],
            self.before,
        )


@dataclass(frozen=True, eq=False)
class _Graded:
    """rows: (n, measures). forests: made without each part."""

    rows: Floats
    forests: Unseen
    fitted: FittedGrades


@dataclass(frozen=True)
class Fundus:
    """The recipe of one model of retinas."""

    wanted: FundusSet
    settings: FundusSettings = field(default_factory=FundusSettings)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.wanted.model

    @property
    def research(self) -> bool:
        """Whether it is a research pack."""
        return self.wanted.research

    @property
    def _settings(self) -> FundusSettings:
        return replace(self.settings, epochs=self.wanted.epochs, first_epochs=self.wanted.first_epochs)

    def train(self, data: Path, out: Path, job: Job, say: Say, *, resume: bool = True) -> TrainingRecord:
        """See `Recipe.train`. Also measures the new model and writes its card."""
        require_torch()
        from desktop.learning import fundus_training

        settings, started = self._settings, time.monotonic()
        eyes = self._read(data)
        if self.wanted.before is not None and not eyes.before:
            raise UserFacingError(
                "learning.no_data", kind=ErrorKind.NOT_FOUND, wanted=f"fundus/{self.wanted.before.folder}"
            )
        out = folder_of(out, self.name)
        work = out / ".training"
        if not resume:
            shutil.rmtree(work, ignore_errors=True)
        say(f"{len(eyes.drawn)} photographs with drawn vessels, {len(eyes.graded)} with grades")
        try:
            make_work_folder(work)
            school = self._school(eyes, settings, work, job, say)
            trained = fundus_training.train_vessels(eyes.drawn, eyes.before, school)
            vessels = fundus_training.exported(trained.network, self.wanted.preparation, work / GRAPH)
        except OSError as error:
            raise from_os_error(error) from error
        vessels, smaller = self.in_whole_numbers(vessels, eyes, settings, job, say)
        runner = fundus_export.vessel_runner(vessels, self.wanted.preparation, settings.members)
        grades = self._grades(eyes.graded, settings, job, say) if self.wanted.graded else None
        grades_graph = fundus_export.grades_graph(grades.fitted) if grades is not None else None
        manifest, figures = self._measured(Graphs(vessels, grades_graph), runner, eyes, grades, data, job, say)
        record = TrainingRecord(
            model=self.name,
            version=self.wanted.version,
            sha256=hashlib.sha256(vessels).hexdigest(),
            seed=settings.seed,
            data_sha256=eyes.sha256,
            films=eyes.count + len(eyes.before),
            patients=sum(len({eye.subject for eye in drawn}) for drawn in (eyes.drawn, eyes.before))
            + len({eye.run for eye in eyes.graded}),
            seconds=round(trained.earlier_seconds + time.monotonic() - started, 1),
            threads=min(settings.threads, settings.members),
            software=fundus_training.software(),
            settings=stated_settings(settings),
            curves={name: [asdict(epoch) for epoch in curve] for name, curve in trained.curves.items()},
            calibration={"whole_numbers": smaller},
            gate={},
            patient_marks=tuple(eyes.marks),
        )
        files = {GRAPH: vessels, TRAINING: record.to_json().encode()}
        if grades_graph is not None:
            files[GRADES_GRAPH] = grades_graph
        study = Study.read(out / STUDY, eyes.sha256)
        stated = fundus_card.texts(self.wanted, manifest, json.loads(record.to_json()), figures, study)
        publish(out, files | stated)
        shutil.rmtree(work, ignore_errors=True)
        say(f"done in {time.monotonic() - started:.0f} s")
        return record

    def evaluate(self, data: Path, model_folder: Path, job: Job, say: Say, *, study: bool = False) -> EvaluationRecord:
        """See `Recipe.evaluate`. On the photographs it has learned from, each is judged by what never saw it; on any
        others, by the model as the clinic has it, without those it has learned from, and without a study."""
        training = training_document(model_folder)
        model = read_model(model_folder)
        if not isinstance(model, FundusModel):
            raise UserFacingError("inference.not_for_pictures", model=model.name)
        settings = settings_of(FundusSettings, training["settings"])
        eyes = self._read(data)
        data_sha256 = eyes.sha256
        graph = read_weights(model_folder, model.manifest.weights)
        runner = fundus_export.vessel_runner(graph, self.wanted.preparation, settings.members)
        figures: Mapping[str, Json]
        compared: Study | None = None
        if data_sha256 == training["data_sha256"]:
            compared = Study.read(model_folder / STUDY, data_sha256)
            if study:
                compared = self._study(runner, eyes, settings, model_folder / ".study", job, say)
            grades = self._grades(eyes.graded, settings, job, say, again=True) if self.wanted.graded else None
            traced = self._traced(runner, eyes, settings, job, say)
            good = self._sights(runner, self._good(eyes, 1), job)
            sight = model.manifest.sight
            figures = self._figures(runner, eyes, traced, grades, sight, good, data, settings, job, say)
            manifest = json.loads((model_folder / MANIFEST).read_text(encoding="utf-8"))
            restate(model_folder, fundus_card.texts(self.wanted, manifest, training, figures, compared), say)
            if study:
                shutil.rmtree(model_folder / ".study", ignore_errors=True)
        else:
            eyes = eyes.without(set(training["patient_marks"]))
            figures = self._on_others(model, runner, eyes, job, say)
        model.close()
        return EvaluationRecord(
            model=self.name,
            version=training["version"],
            sha256=training["sha256"],
            data_sha256=data_sha256,
            films=eyes.count,
            figures=figures,
            study=[] if compared is None else compared.rows,
        )

    def _study(
        self, runner: OnnxRunner, eyes: _Eyes, settings: FundusSettings, work: Path, job: Job, say: Say
    ) -> Study:
        """The learning curve. Raises KnownFailure without PyTorch, or where the work folder cannot be written to."""
        require_torch()
        from desktop.learning import fundus_study

        try:
            make_work_folder(work)
            school = self._school(eyes, settings, work, job, say)
            points = fundus_study.curve(runner, eyes.drawn, eyes.before, school)
        except OSError as error:
            raise from_os_error(error) from error
        return Study(eyes.sha256, settings.epochs, [point.to_row() for point in points])

    def _school(self, eyes: _Eyes, settings: FundusSettings, work: Path, job: Job, say: Say) -> "VesselSchool":
        from desktop.learning.fundus_training import VesselSchool

        identity = f"{self.wanted.preparation}{data_hash(eyes.drawn, [])}{data_hash(eyes.before, [])}"
        return VesselSchool(settings, len(self.wanted.preparation.lights), identity, work, job, say)

    def in_whole_numbers(
        self, vessels: bytes, eyes: _Eyes, settings: FundusSettings, job: Job, say: Say
    ) -> tuple[bytes, dict[str, Json]]:
        """The network of vessels in whole numbers, where the members still see what they saw in eyes they never saw:
        half a point of sensitivity or overlap is lost at most, else it stays as it was. And the figures."""
        say("calculating in whole numbers, and looking what is lost")
        tensors = [eye.light[None] for eye in eyes.drawn[::_RANGES]]
        for graded in eyes.graded[:: 10 * _RANGES]:
            job.check()
            pixels = colours_of(graded.path)
            circle = find_circle(pixels)
            assert circle is not None, "the circle was found when it was read"
            tensors.append(prepare_vessels(pixels, circle, self.wanted.preparation)[0])
        small = in_whole_numbers(vessels, "image", tensors)
        found = []
        for graph in (vessels, small):
            runner = fundus_export.vessel_runner(graph, self.wanted.preparation, settings.members)
            traced = fundus_evaluation.trace_unseen(runner, eyes.drawn, settings, job)
            found.append(fundus_evaluation.at_best_threshold(traced))
        (sensitivity, dice), (less_sensitive, less_dice) = found
        kept = min(less_sensitive - sensitivity, less_dice - dice) >= -_MOST_LOST
        figures: dict[str, Json] = {
            "taken": kept,
            "bytes": [len(vessels), len(small)],
            "sensitivity": [round(sensitivity, 4), round(less_sensitive, 4)],
            "dice": [round(dice, 4), round(less_dice, 4)],
        }
        return (small if kept else vessels), figures

    def _read(self, data: Path) -> _Eyes:
        wanted = self.wanted
        drawn = read_drawn(data, wanted.vessels, wanted.preparation)
        graded = read_graded(data, self.settings.run) if wanted.graded else []
        beside, before = find_fundus(data, wanted.vessels.folder), list[DrawnEye]()
        # Whoever only judges a model may not have what it learned from first.
        if wanted.before is not None and (beside / wanted.before.folder).is_dir():
            before = read_drawn(beside, wanted.before, wanted.preparation)
        return _Eyes(drawn, graded, before)

    def _grades(
        self, eyes: Sequence[GradedEye], settings: FundusSettings, job: Job, say: Say, *, again: bool = False
    ) -> _Graded:
        """again: the model's own forests are there already."""
        rows, levels = measure_all(eyes, job, say), reached(eyes)
        forests = unseen(rows, levels, grade_parts(eyes, settings.folds, settings.seed), settings, job, say)
        plan = replace(settings, trees=1) if again else settings
        return _Graded(rows, forests, fit_grades(rows, levels, forests.logits, plan, job))

    def _traced(self, runner: OnnxRunner, eyes: _Eyes, settings: FundusSettings, job: Job, say: Say) -> TracedEyes:
        say("drawing the vessels of every eye by the network that never saw it")
        return fundus_evaluation.trace_unseen(runner, eyes.drawn, settings, job)

    def _measured(
        self,
        graphs: Graphs,
        runner: OnnxRunner,
        eyes: _Eyes,
        grades: _Graded | None,
        data: Path,
        job: Job,
        say: Say,
    ) -> tuple[dict[str, Any], dict[str, Json]]:
        """The manifest of new graphs, and their figures."""
        settings = self._settings
        traced = self._traced(runner, eyes, settings, job, say)
        threshold = fundus_evaluation.threshold_of(best_threshold(traced.found))
        good = self._sights(runner, self._good(eyes, 1), job)
        sight = fundus_gating.fit_sight(good, settings.margin)
        fitted = grades.fitted if grades is not None else None
        manifest = fundus_export.document(graphs, runner, self.wanted, threshold, sight, fitted)
        return manifest, self._figures(runner, eyes, traced, grades, sight, good, data, settings, job, say)

    def _figures(
        self,
        runner: OnnxRunner,
        eyes: _Eyes,
        traced: TracedEyes,
        grades: _Graded | None,
        sight: Sequence[Limit],
        good: Sequence[Mapping[str, float]],
        data: Path,
        settings: FundusSettings,
        job: Job,
        say: Say,
    ) -> dict[str, Json]:
        preparation = self.wanted.preparation
        battery, lost = fundus_evaluation.vessel_battery(
            runner, preparation, eyes.drawn, best_threshold(traced.found), sight, settings, job
        )
        figures: dict[str, Json] = {
            "vessels": fundus_evaluation.vessel_figures(eyes.drawn, traced, settings),
            "vessel_battery": battery,
        }
        if grades is not None:
            say("judging every graded photograph by forests that never saw it")
            battery, lost_grades = fundus_evaluation.grade_battery(
                eyes.graded, grades.forests, grades.fitted, preparation, sight, job
            )
            lost += lost_grades
            figures |= {
                "graded_photographs": len(eyes.graded),
                "grades": fundus_evaluation.grade_figures(eyes.graded, grades.forests.logits, settings),
                "thumbnails": fundus_evaluation.thumbnail_figures(eyes.graded, settings),
                "grade_battery": battery,
                "grades_elsewhere": fundus_evaluation.grades_elsewhere(eyes.drawn, grades.forests, grades.fitted, job),
            }
        say("spoiling photographs to see what is refused")
        return figures | {"robustness": lost} | self._gate_figures(runner, eyes, sight, good, data, job)

    def _sights(self, runner: OnnxRunner, paths: Sequence[Path], job: Job) -> list[dict[str, float]]:
        """How well good photographs can be seen, by the gate's measures."""
        found = []
        for path in paths:
            job.check()
            seen = fundus_export.look_with(runner, self.wanted.preparation, colours_of(path))
            assert seen is not None, "the circle was found when it was read"
            found.append(fundus_gating.sight_of(seen))
        return found

    def _gate_figures(
        self,
        runner: OnnxRunner,
        eyes: _Eyes,
        sight: Sequence[Limit],
        good: Sequence[Mapping[str, float]],
        data: Path,
        job: Job,
    ) -> dict[str, Json]:
        def look(pixels: Bytes) -> SeenRetina | None:
            return fundus_export.look_with(runner, self.wanted.preparation, pixels)

        refused = sum(bool(problems(sight, one)) for one in good)
        spoilt = [colours_of(path) for path in self._good(eyes, _SPOILT_EVERY)]
        root = find_fundus(data, self.wanted.vessels.folder).parent
        return {
            "good_refused": interval(wilson(refused, len(good))),
            "refusals": fundus_gating.refusals(spoilt, look, sight, job),
            "others": fundus_gating.other_pictures(root, job),
        }

    def _good(self, eyes: _Eyes, every: int) -> list[Path]:
        """Some graded photographs, and of those with drawn vessels as large a share, or more where there are few."""
        few = 1 if every == 1 or not eyes.graded else 4
        return [eye.path for eye in eyes.graded[::every]] + [eye.path for eye in eyes.drawn[::few]]

    def _on_others(self, model: FundusModel, runner: OnnxRunner, eyes: _Eyes, job: Job, say: Say) -> dict[str, Json]:
        """The model's own figures on eyes it has not learned from. Raises UserFacingError where there are none."""
        if not eyes.drawn and not eyes.graded:
            raise UserFacingError("learning.nothing_new", model=self.name)
        say(f"asking the model about {eyes.count} photographs it has not learned from")
        figures: dict[str, Json] = {}
        if eyes.drawn:
            traced = fundus_evaluation.trace_by_all(runner, eyes.drawn, job)
            threshold = round(model.manifest.threshold * BINS)
            figures["vessels"] = tracing_figures(eyes.drawn, traced.found, [threshold] * len(eyes.drawn), traced.plain)
        if eyes.graded:
            logits = fundus_evaluation.ask_model(model, eyes.graded, job)
            figures["grades"] = fundus_evaluation.own_grade_figures(eyes.graded, logits, model.manifest)
        return figures
