"""The rhythm of one lead: strips of CinC 2017 and beats of MIT-BIH, an hour on one core; a few minutes where the
networks for strips have learned from the same before."""

import hashlib
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from desktop.errors import UserFacingError, from_os_error
from desktop.inference.model import STUDY
from desktop.inference.registry import MANIFEST, read_trace_model
from desktop.jobs import Job
from desktop.learning import rhythm_battery, rhythm_card, rhythm_evaluation, rhythm_export, rhythm_judging
from desktop.learning.publishing import TRAINING, folder_of, install, make_work_folder, restate
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
from desktop.learning.rhythm_data import (
    BeatRecord,
    StripRecords,
    data_hash,
    ecg_folder,
    read_beats,
    read_strips,
)
from desktop.learning.rhythm_parts import beat_parts, strip_parts
from desktop.learning.rhythm_settings import RhythmSettings
from desktop.learning.statistics import thresholds_of

if TYPE_CHECKING:
    from desktop.learning.training import Epoch

_GRAPHS = (rhythm_export.MODEL, rhythm_export.BEAT_GRAPH)
_DIFFICULT = "cpsc2019_qrs"


@dataclass(frozen=True)
class EcgRhythm:
    """The recipe. settings: as in the record of every run."""

    settings: RhythmSettings = field(default_factory=RhythmSettings)
    name: str = rhythm_export.NAME
    research: bool = False

    def train(self, data: Path, out: Path, job: Job, say: Say, *, resume: bool = True) -> TrainingRecord:
        """See `Recipe.train`. Also measures the new model and writes its card.

        Where the model's folder holds networks for strips that would be learned alike again, they are taken over,
        unless resume is False.
        """
        require_torch()
        from desktop.learning import rhythm_members

        folder = ecg_folder(data)
        out = folder_of(out, self.name)
        training = out / ".training"
        if not resume:
            shutil.rmtree(training, ignore_errors=True)
        work = training / self.name
        began = started = time.monotonic()
        try:
            make_work_folder(work)
            sha256 = data_hash(folder)
            strips, beats = read_strips(folder, job, say), read_beats(folder, job, say)
            learned = rhythm_members.learned_strips(out, self.settings, sha256) if resume else None
            trained = rhythm_members.train_all(strips, beats, self.settings, sha256, work, job, say, learned=learned)
            started -= learned.seconds if learned is not None else 0.0
            record = self.publish(folder, strips, beats, sha256, trained, work, out, started, job, say)
        except OSError as error:
            raise from_os_error(error) from error
        shutil.rmtree(training, ignore_errors=True)
        say(f"done in {time.monotonic() - began:.0f} s")
        return record

    def publish(
        self,
        folder: Path,
        strips: StripRecords,
        beats: Sequence[BeatRecord],
        sha256: str,
        trained: "Mapping[str, tuple[Epoch, ...]]",
        work: Path,
        out: Path,
        started: float,
        job: Job,
        say: Say,
    ) -> TrainingRecord:
        """Calibrate the graphs in the work folder, measure them and put all files in place. trained: the curves.
        started: when, were all that was taken over learned before it."""
        from desktop.learning.side_by_side import software

        settings = self.settings
        graphs = rhythm_judging.Graphs(work, len(settings.members), settings.beat_members)
        say("judging every record by networks that never saw it")
        judged = rhythm_judging.judge_strips(strips, strip_parts(strips, settings), settings.members, graphs, job)
        half_hours = rhythm_judging.judge_beats(beats, beat_parts(beats, settings), graphs, job)
        temperature, offsets = rhythm_judging.fit_rhythm_calibration(judged, strips.rhythms)
        limits = rhythm_judging.choose_limits(half_hours, temperature, offsets)
        probabilities = rhythm_judging.record_probabilities(judged, temperature, offsets)
        true = strips.rhythms[judged.index]
        thresholds = [
            thresholds_of(probabilities[:, kind], true == kind, (settings.alpha,))
            for kind in range(probabilities.shape[1])
        ]
        counts = (len(settings.members), settings.beat_members)
        rhythm_export.write_manifest(work, temperature, offsets.tolist(), thresholds, limits, counts)
        names = [*strips.names, *(record.name for record in beats)]
        record = TrainingRecord(
            model=self.name,
            version=rhythm_export.VERSION,
            sha256=hashlib.sha256((work / rhythm_export.MODEL).read_bytes()).hexdigest(),
            seed=settings.seed,
            data_sha256=sha256,
            films=len(names),
            patients=len(names),
            seconds=round(time.monotonic() - started, 1),
            threads=min(settings.threads, settings.beat_members),
            software=software(),
            settings=stated_settings(settings),
            curves={name: [asdict(epoch) for epoch in curve] for name, curve in trained.items()},
            calibration={"temperature": temperature, "offsets": [float(offset) for offset in offsets]},
            gate={},
            patient_marks=tuple(sorted({record_mark(name) for name in names})),
        )
        manifest = json.loads((work / MANIFEST).read_text(encoding="utf-8"))
        figures = _figures(folder, strips, judged, half_hours, beat_parts(beats, settings), manifest, work)
        figures = figures | _lost(folder, strips, beats, settings, graphs, manifest, job)
        files = {name: (work / name).read_bytes() for name in _GRAPHS} | {TRAINING: record.to_json().encode()}
        study = Study.read(out / STUDY, sha256)
        install(out, files | rhythm_card.texts(manifest, json.loads(record.to_json()), figures, study))
        return record

    def evaluate(self, data: Path, model_folder: Path, job: Job, say: Say, *, study: bool = False) -> EvaluationRecord:
        """See `Recipe.evaluate`. A study is the learning curve.

        On the data it has learned from, every record is judged by a network that never saw it; on others, by all of
        them, without records it has learned from.
        """
        training = training_document(model_folder)
        read_trace_model(model_folder).load()
        manifest = json.loads((model_folder / MANIFEST).read_text(encoding="utf-8"))
        settings = settings_of(RhythmSettings, training["settings"])
        folder = ecg_folder(data)
        sha256 = data_hash(folder)
        own = sha256 == training["data_sha256"]
        graphs = rhythm_judging.Graphs(model_folder, len(settings.members), settings.beat_members)
        strips, beats = read_strips(folder, job, say), read_beats(folder, job, say)
        if not own:
            seen = set(training["patient_marks"])
            strips = strips.part(np.array([record_mark(name) not in seen for name in strips.names], dtype=bool))
            beats = [record for record in beats if record_mark(record.name) not in seen]
            if not strips.names or not beats:
                raise UserFacingError("learning.nobody_new", model=self.name)
        say("judging every record by networks that never saw it")
        parts = strip_parts(strips, settings) if own else None
        of_beats = beat_parts(beats, settings) if own else None
        judged = rhythm_judging.judge_strips(strips, parts, settings.members, graphs, job)
        half_hours = rhythm_judging.judge_beats(beats, of_beats, graphs, job)
        figures = _figures(folder, strips, judged, half_hours, of_beats, manifest, model_folder)
        compared: Study | None = None
        if own:
            say("traces made worse")
            figures = figures | _lost(folder, strips, beats, settings, graphs, manifest, job)
            work = model_folder / ".study"
            compared = Study.read(model_folder / STUDY, sha256)
            if study:
                compared = _study(half_hours, manifest, settings, sha256, work, job, say)
            restate(model_folder, rhythm_card.texts(manifest, training, figures, compared), say)
            if study:
                shutil.rmtree(work, ignore_errors=True)
        return EvaluationRecord(
            model=self.name,
            version=training["version"],
            sha256=training["sha256"],
            data_sha256=sha256,
            films=len(strips.names) + len(beats),
            figures=figures,
            study=[] if compared is None else compared.rows,
        )


def record_mark(name: str) -> str:
    """A short hash of a record's name, by which it is known again."""
    return hashlib.sha256(f"ecg-rhythm:{name}".encode()).hexdigest()[:12]


def _study(
    half_hours: list[rhythm_judging.JudgedBeats],
    manifest: Mapping[str, Any],
    settings: RhythmSettings,
    sha256: str,
    work: Path,
    job: Job,
    say: Say,
) -> Study:
    """The learning curve. Raises KnownFailure without PyTorch, or where the work folder cannot be written to."""
    require_torch()
    from desktop.learning import rhythm_study

    temperature, offsets, _ = rhythm_judging.stated_calibration(manifest)
    try:
        make_work_folder(work)
        points = rhythm_study.curve(half_hours, (temperature, offsets), settings, sha256, work, job, say)
    except OSError as error:
        raise from_os_error(error) from error
    return Study(sha256, settings.beat_epochs, [point.to_row() for point in points])


def _lost(
    folder: Path,
    strips: StripRecords,
    beats: Sequence[BeatRecord],
    settings: RhythmSettings,
    graphs: rhythm_judging.Graphs,
    manifest: Mapping[str, Any],
    job: Job,
) -> dict[str, Json]:
    parts = strip_parts(strips, settings)
    rhythms = rhythm_battery.battery(folder, strips, parts, settings.members, graphs, manifest, job)
    of_beats = rhythm_battery.beat_battery(folder, beats, beat_parts(beats, settings), graphs, manifest, job)
    return {"robustness": [*rhythms, *of_beats]}


def _figures(
    folder: Path,
    strips: StripRecords,
    judged: rhythm_judging.JudgedStrips,
    half_hours: list[rhythm_judging.JudgedBeats],
    parts: Mapping[str, int] | None,
    manifest: Mapping[str, Any],
    model_folder: Path,
) -> dict[str, Json]:
    temperature, offsets, limits = rhythm_judging.stated_calibration(manifest)
    stated = read_trace_model(model_folder).manifest

    def decided(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        return rhythm_judging.likely(stated, probabilities)

    return {
        "rhythm": rhythm_evaluation.rhythm_figures(strips, judged, temperature, offsets, decided),
        "beats": rhythm_evaluation.beat_figures(half_hours, parts, temperature, offsets, limits),
        "qrs": rhythm_evaluation.qrs_figures([one.record for one in half_hours], folder / _DIFFICULT),
    }
