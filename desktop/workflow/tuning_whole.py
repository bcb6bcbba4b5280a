"""A whole network learning on here, where PyTorch is installed: in a process of its own, begun by an administrator who
also reads images; kept beside the model in use, and used only once somebody says so (`activate_model`), until somebody
takes it back (`roll_back_model`). What it learns and what guards it, `learning.whole_tuning` says."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.access import Permission
from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.inference import Library, PictureModel, read_picture_model
from desktop.inference.fields import ManifestError
from desktop.inference.golden import PICTURES
from desktop.inference.runner_onnx import read_weights
from desktop.jobs import Job
from desktop.learning.head_tuning import Enough, Tuned, Verdict, compared, is_locked
from desktop.learning.whole_challenger import WholeChange, build_whole
from desktop.learning.whole_process import MEGABYTES, learn_apart, whole_networks_can_learn
from desktop.learning.whole_tuning import (
    LEAST_OF_EACH_ALL,
    Learned,
    Material,
    Proof,
    WholeEnough,
    WholeEpoch,
    WholeSettings,
    farther,
    gain,
    is_inner,
    keeps_decisions,
    recalibrated,
    refuses_more,
)
from desktop.records import InstanceId
from desktop.workflow.clinic import Clinic, open_to_all, requires
from desktop.workflow.confirmed import locked_key
from desktop.workflow.importing import stored_picture
from desktop.workflow.shelf import own_library
from desktop.workflow.shelving import ModelVersion
from desktop.workflow.tuning import (
    FindingTuned,
    KnownPicture,
    ModelTuned,
    asked_findings,
    base_of,
    cases_of,
    enough_of,
    keep_challenger,
    known_truths,
    next_version,
    on_disk,
)

__all__ = ["LEAST_OF_EACH_ALL", "MEGABYTES", "SECONDS", "WholeEnough", "can_learn_whole", "tune_whole_model"]

SECONDS = 4 * 3600.0
"""What it may take unless somebody says otherwise; pictures not looked at when a third of it has gone are left out."""
_CHUNK = 32
# Of logits, in shares of the largest: what weights of half precision do.
_ROUNDING = 0.02

Floats = npt.NDArray[np.float64]


@open_to_all
def can_learn_whole() -> bool:
    """Whether what it takes is installed on this PC."""
    return whole_networks_can_learn()


@requires(Permission.MANAGE_CLINIC)
def tune_whole_model(
    clinic: Clinic,
    job: Job,
    model: str,
    *,
    findings: Sequence[str] = (),
    seconds: float = SECONDS,
    megabytes: int = MEGABYTES,
    settings: WholeSettings | None = None,
    library: Library | None = None,
) -> ModelTuned:
    """Have a model's whole network learn on, compare it with the model in use on the locked patients, and keep it where
    a finding is better, none is worse, and none that cannot be compared decides otherwise; a hint that would falls
    silent in it. It is not in use before somebody activates it. Needs a reader too: whoever may not see cases cannot
    learn from them.

    findings: only these are learned; all that there is enough of where none is named. seconds, megabytes: what it may
    take. Raises UserFacingError: PyTorch is missing, no such model or finding, the version it was tuned from is gone;
    KnownFailure; Cancelled, which leaves a checkpoint that the same lesson goes on from.
    """
    if not whole_networks_can_learn():
        raise UserFacingError("learning.whole_needs_torch", kind=ErrorKind.NOT_FOUND)
    library, began = library or own_library(), time.monotonic()
    champion = clinic.models.picture_model(model)
    asked = asked_findings(champion, findings)
    base, folder, _ = base_of(library, champion)
    known = known_truths(clinic, job, model)
    lesson = _Lesson(clinic, base, known, asked)
    worth = [key for key in asked if WholeEnough(lesson.enough(key)).to_learn]
    if not worth:
        return lesson.told({key: Tuned(Verdict.TOO_FEW, lesson.enough(key)) for key in asked})
    taught = settings or WholeSettings()
    try:
        lesson.look(job, began + seconds / 3)
        material = lesson.material(worth)
        job.report("workflow.progress.tuning_whole")
        learned = learn_apart(
            read_weights(folder, base.manifest.weights),
            material,
            lesson.proof(),
            taught,
            seconds=max(1.0, seconds - (time.monotonic() - began)),
            checkpoint=library.root / "learning" / f"{model}.pt",
            asked=tuple(worth),
            megabytes=megabytes,
            check=job.check,
            say=_Said(job, taught),
        )
        mean, error = gain(material, learned)
        if not learned.graph or mean <= error:
            verdicts = {key: Verdict.NOTHING_GAINED if key in worth else Verdict.TOO_FEW for key in asked}
            return lesson.told({key: Tuned(one, lesson.enough(key)) for key, one in verdicts.items()}, learned)
        return _judged(clinic, job, library, _Trial(lesson, champion, folder, material, learned, taught, tuple(worth)))
    finally:
        base.close()


@dataclass(frozen=True)
class _Said:
    """Tells the job of each round."""

    job: Job
    settings: WholeSettings

    def __call__(self, epoch: WholeEpoch) -> None:
        self.job.report("workflow.progress.tuning_whole", epoch.epoch, self.settings.epochs)


class _Lesson:
    """Pictures and truths, apart for learning and for comparing."""

    def __init__(self, clinic: Clinic, base: PictureModel, known: Sequence[KnownPicture], asked: Sequence[str]) -> None:
        self._clinic, self.base, self.asked = clinic, base, tuple(asked)
        self._key = locked_key(clinic)
        self.known = known
        self._tensors: dict[InstanceId, npt.NDArray[np.float16]] = {}

    def enough(self, finding: str) -> Enough:
        """What there is of a finding."""
        return enough_of(self.known, finding, self._key)

    def look(self, job: Job, until: float) -> None:
        """Have the pictures as the network is given them, the newest first, as long as there is time."""
        for number, one in enumerate(self.known):
            job.check()
            job.report("workflow.progress.tuning_looking", number, len(self.known))
            if time.monotonic() > until:
                break
            try:
                with self._clinic.store.snapshot() as tx:
                    stored = tx.studies.instance(one.instance)
                picture = stored_picture(self._clinic, stored)
            except UserFacingError:  # a damaged or missing file: the others are learned from
                continue
            self._tensors[one.instance] = self.base.prepared(picture).tensor[0].astype(np.float16)

    def learned_from(self) -> list[KnownPicture]:
        """Pictures of patients who are not locked."""
        return [one for one in self.known if one.instance in self._tensors and not is_locked(one.patient, self._key)]

    def inner(self) -> list[KnownPicture]:
        """Those of them who say when to stop."""
        return [one for one in self.learned_from() if is_inner(one.patient, self._key)]

    def material(self, worth: Sequence[str]) -> Material:
        """What is learned from. Of the inner part only firm truths count."""
        mine = self.learned_from()
        specs = self.base.manifest.findings
        truths = np.full((len(mine), len(specs)), np.nan, np.float32)
        weights = np.zeros((len(mine), len(specs)), np.float32)
        inner = np.array([is_inner(one.patient, self._key) for one in mine], dtype=np.bool_)
        for row, one in enumerate(mine):
            for key in worth:
                if key in one.truths:
                    place = self.base.manifest.finding(key).output
                    chance, weight, firm = one.truths[key]
                    truths[row, place] = chance
                    weights[row, place] = weight if firm or not inner[row] else 0.0
        fits = np.ones((len(specs), 2), np.float32)
        for spec in specs:
            fits[spec.output] = spec.calibration.temperature, spec.calibration.offset
        return Material(np.stack([self._tensors[one.instance] for one in mine]), truths, weights, inner, fits)

    def proof(self) -> Proof:
        """What the shipped model says of its golden picture."""
        light = PICTURES[self.base.manifest.golden.picture]()
        return Proof(self.base.prepared_light(light).tensor, self.base.outputs(light)[1])

    def wrote_what_was_learned(self, challenger: PictureModel, learned: Learned, inner: Sequence[KnownPicture]) -> bool:
        """Whether the file says of the inner part what PyTorch said; half-precision weights are rounded in it."""
        tensors = [self._tensors[one.instance] for one in inner[:_CHUNK]]
        said = challenger.answers(np.stack(tensors).astype(np.float32))[challenger.manifest.logits.name]
        wanted = learned.after[: len(tensors)]
        return bool(np.abs(said - wanted).max() <= _ROUNDING * max(1.0, float(np.abs(wanted).max())))

    def locked(self) -> tuple[KnownPicture, ...]:
        """Those that judge."""
        return tuple(one for one in self.known if one.instance in self._tensors and is_locked(one.patient, self._key))

    def answers(self, job: Job, model: PictureModel, pictures: Sequence[KnownPicture]) -> tuple[Floats, Floats]:
        """Calibrated log-odds (n, findings) of a model of this name, in the order of its outputs, and distances (n)."""
        specs = model.manifest.findings
        logits, away = [np.zeros((0, len(specs)))], [np.zeros(0)]
        for start in range(0, len(pictures), _CHUNK):
            job.check()
            job.report("workflow.progress.tuning_comparing", start, len(pictures))
            tensors = [self._tensors[one.instance] for one in pictures[start : start + _CHUNK]]
            said = model.answers(np.stack(tensors).astype(np.float32))
            logits.append(said[model.manifest.logits.name].astype(np.float64))
            away.append(said["distance"][:, 0].astype(np.float64))
        found = np.concatenate(logits)
        for spec in specs:
            found[:, spec.output] = found[:, spec.output] / spec.calibration.temperature + spec.calibration.offset
        return found, np.concatenate(away)

    def told(
        self,
        results: Mapping[str, Tuned],
        learned: Learned | None = None,
        kept: ModelVersion | None = None,
        *,
        stranger: bool = False,
    ) -> ModelTuned:
        """What came of it. learned: None where it did not come to that."""
        looked = len(self._tensors)
        return ModelTuned(
            self.base.name,
            tuple(FindingTuned(key, one.enough, one) for key, one in results.items()),
            looked,
            len(self.known) - looked if learned is not None else 0,
            kept,
            whole=True,
            curve=learned.curve if learned is not None else (),
            stranger=stranger,
        )


@dataclass(frozen=True, eq=False)
class _Trial:
    """What is to be compared. folder: where the shipped model lies. worth: the findings that were learned."""

    lesson: _Lesson
    champion: PictureModel
    folder: Path
    material: Material
    learned: Learned
    settings: WholeSettings
    worth: tuple[str, ...]

    def change(self, results: Mapping[str, Tuned]) -> WholeChange:
        """What is new in the challenger's pack: calibrated anew by the inner part, for the findings that learned."""
        manifest, material, learned = self.lesson.base.manifest, self.material, self.learned
        fits = {}
        for key in self.worth:
            spec = manifest.finding(key)
            truths, weights = (one[material.inner, spec.output] for one in (material.truths, material.weights))
            known = np.isfinite(truths) & (weights > 0)
            raw = learned.after[known, spec.output]
            given = truths[known].astype(np.float64), weights[known].astype(np.float64)
            fits[key] = recalibrated(raw, *given, spec.calibration.temperature, spec.calibration.offset)
        silent = tuple(key for key, one in results.items() if one.verdict is Verdict.SILENT)
        return WholeChange(learned.graph, fits, farther(learned), results, learned.curve, self.settings, silent)


def _judged(clinic: Clinic, job: Job, library: Library, trial: _Trial) -> ModelTuned:
    """Champion and challenger on the locked patients; the challenger is the very file that would be used."""
    lesson, (version, day) = trial.lesson, next_version(clinic, trial.lesson.base)
    with on_disk(), tempfile.TemporaryDirectory() as place:
        out = Path(place) / lesson.base.name
        build_whole(lesson.base, trial.folder, out, version, day, trial.change({}))
        challenger = _read(out)
        pictures = lesson.locked()
        try:
            if not lesson.wrote_what_was_learned(challenger, trial.learned, lesson.inner()):
                raise KnownFailure("inference.golden_differs", kind=ErrorKind.IO, model=challenger.name)
            before, away = lesson.answers(job, trial.champion, pictures)
            after, farther_away = lesson.answers(job, challenger, pictures)
        finally:
            challenger.close()
        results = _results(lesson, trial, pictures, before, after)
        limits = trial.champion.manifest.distance_limit, challenger.manifest.distance_limit
        strange = int((away > limits[0]).sum()), int((farther_away > limits[1]).sum())
        stranger = refuses_more(*strange, len(pictures))
        verdicts = {one.verdict for one in results.values()}
        if stranger or Verdict.BETTER not in verdicts or verdicts & {Verdict.WORSE, Verdict.MOVED}:
            return lesson.told(results, trial.learned, stranger=stranger)
        build_whole(lesson.base, trial.folder, out, version, day, trial.change(results))
        kept = keep_challenger(clinic, job, library, out, version)
        return lesson.told(results, trial.learned, kept)


def _results(
    lesson: _Lesson, trial: _Trial, pictures: Sequence[KnownPicture], before: Floats, after: Floats
) -> dict[str, Tuned]:
    """What became of each finding: those asked for, and any other that would change for the worse or unseen. before,
    after: (n, findings) calibrated log-odds of the locked pictures."""
    champion, results = trial.champion.manifest, {}
    for spec in lesson.base.manifest.findings:
        there = lesson.enough(spec.key)
        old = before[:, champion.finding(spec.key).output]
        new, thresholds = after[:, spec.output], champion.finding(spec.key).thresholds
        learned = spec.key in trial.worth
        if there.to_compare:
            firm = [place for place, one in enumerate(pictures) if spec.key in one.truths and one.truths[spec.key][2]]
            held = cases_of([pictures[place] for place in firm], spec.key, np.zeros((len(firm), 1)), old[firm])
            found = compared(there, held, old[firm], new[firm], thresholds)
            if not learned and found.verdict is not Verdict.WORSE:
                found = Tuned(Verdict.TOO_FEW, there)
        elif keeps_decisions(old, new, thresholds):
            found = Tuned(Verdict.TOO_FEW_LOCKED if learned else Verdict.TOO_FEW, there)
        else:
            found = Tuned(Verdict.SILENT if _is_hint(lesson.base, spec.key) else Verdict.MOVED, there)
        if spec.key in lesson.asked or found.verdict in (Verdict.WORSE, Verdict.MOVED, Verdict.SILENT):
            results[spec.key] = found
    return results


def _is_hint(model: PictureModel, finding: str) -> bool:
    return finding in model.manifest.hints


def _read(folder: Path) -> PictureModel:
    try:
        return read_picture_model(folder)
    except ManifestError as error:
        raise KnownFailure("inference.manifest_damaged", kind=ErrorKind.IO, model=folder.name) from error
