"""Tuning a model to the clinic: learned in the background from what its people say, kept beside the model in use, and
used only once somebody says so (`activate_model`), until somebody takes it back (`roll_back_model`)."""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.access import Permission
from desktop.errors import ErrorKind, KnownFailure, UserFacingError, from_os_error
from desktop.inference import Incoming, Library, PictureModel, Trust, read_picture_model, try_out
from desktop.inference.fields import ManifestError
from desktop.inference.preparation import light_of
from desktop.jobs import Job
from desktop.learning.challenger import build, corrections_in, figures_json, origin_of
from desktop.learning.dawid_skene import Basis, Vote, merge
from desktop.learning.head_tuning import (
    LEAST_CASES,
    LEAST_LOCKED,
    LEAST_OF_EACH,
    LIMIT,
    REVIEWED_WEIGHT,
    Cases,
    Correction,
    Enough,
    Figures,
    Point,
    Tuned,
    Verdict,
    enough,
    tune,
)
from desktop.learning.whole_tuning import WholeEpoch
from desktop.records import AuditAction, InstanceId, LabelBasis, LabelValue, PatientId
from desktop.settings import model_folder
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.confirmed import ConfirmedCase, Strength, confirmed_cases, locked_key
from desktop.workflow.importing import stored_picture
from desktop.workflow.labelling import newest
from desktop.workflow.shelf import own_library
from desktop.workflow.shelving import ModelVersion, model_versions

__all__ = [
    "LEAST_CASES",
    "LEAST_LOCKED",
    "LEAST_OF_EACH",
    "LIMIT",
    "Enough",
    "Figures",
    "FindingTuned",
    "ModelTuned",
    "Point",
    "TuningState",
    "Verdict",
    "figures_json",
    "tunable_models",
    "tune_model",
    "tuning_state",
]

SECONDS = 1800.0
"""What a tuning may take; pictures that were not looked at when half of it has gone are left out."""
MOST_PICTURES = 5000
"""The newest so many are learned from: their features fit into 80 MB."""

_PAGE = 500


@dataclass(frozen=True)
class FindingTuned:
    """One finding. enough: what there is to learn from. tuned: what became of it; None before."""

    finding: str
    enough: Enough
    tuned: Tuned | None = None


@dataclass(frozen=True)
class TuningState:
    """How much there is to learn from. version: in use; tuned: whether that one was tuned here; versions: all of its
    name on this PC."""

    model: str
    version: str
    tuned: bool
    findings: tuple[FindingTuned, ...]
    versions: tuple[ModelVersion, ...]


@dataclass(frozen=True)
class ModelTuned:
    """What a tuning came to. pictures: looked at. left_out: not looked at, for want of time or because they could not
    be read. kept: the challenger, on the shelf and not in use; None where nothing may be promoted. whole: the whole
    network learned; its rounds stand in `curve`. stranger: it would call more of the locked pictures strange."""

    model: str
    findings: tuple[FindingTuned, ...]
    pictures: int
    left_out: int
    kept: ModelVersion | None
    whole: bool = False
    curve: tuple[WholeEpoch, ...] = ()
    stranger: bool = False


@dataclass(frozen=True, eq=False)
class KnownPicture:
    """A picture and what is known of it: probability, weight, whether it is firm, by finding."""

    instance: InstanceId
    patient: PatientId
    truths: Mapping[str, tuple[float, float, bool]]


@requires(Permission.READ_IMAGES)
def tunable_models(clinic: Clinic, job: Job) -> tuple[str, ...]:
    """Names of the models that may be tuned here: those of pictures that have features."""
    job.check()
    return tuple(name for name in clinic.models.names() if isinstance(clinic.models.get(name), PictureModel))


@requires(Permission.READ_IMAGES)
def tuning_state(clinic: Clinic, job: Job, model: str, *, library: Library | None = None) -> TuningState:
    """How much there is to learn a model's findings from, without looking at any picture. Raises UserFacingError where
    there is no such model, or it is none of pictures; Cancelled."""
    library = library or own_library()
    champion = clinic.models.picture_model(model)
    known = known_truths(clinic, job, model)
    findings = []
    for finding in tunable_findings(champion):
        findings.append(FindingTuned(finding, enough_of(known, finding, _key(clinic))))
    versions = tuple(one for one in model_versions(library) if one.name == model)
    tuned = origin_of(folder_of_version(library, model, champion.sha256)) is not None
    return TuningState(model, champion.version, tuned, tuple(findings), versions)


@requires(Permission.READ_IMAGES)
def tune_model(
    clinic: Clinic,
    job: Job,
    model: str,
    *,
    findings: Sequence[str] = (),
    seconds: float = SECONDS,
    library: Library | None = None,
) -> ModelTuned:
    """Learn corrections of a model's findings, compare them with the model in use on the locked patients, and keep a
    challenger with those that are better and in no guarded share worse; the other findings stay as they are. It is not
    in use before somebody activates it.

    findings: only these; all where none is named. seconds: what it may take. Raises UserFacingError: no such model, no
    such finding, none of pictures, the version it was tuned from is gone; KnownFailure; Cancelled.
    """
    library, began = library or own_library(), time.monotonic()
    champion = clinic.models.picture_model(model)
    asked = asked_findings(champion, findings)
    base, folder, before = base_of(library, champion)
    origin = origin_of(folder_of_version(library, model, champion.sha256))
    whole = origin is not None and origin.whole
    known = [one for one in known_truths(clinic, job, model) if set(asked) & set(one.truths)]
    state = {key: enough_of(known, key, _key(clinic)) for key in asked}
    results = {key: Tuned(Verdict.TOO_FEW, there) for key, there in state.items() if not there.to_learn}
    worth = [key for key in asked if key not in results]
    wanted = [one for one in known if set(worth) & set(one.truths)]
    try:
        looked = _look(clinic, job, base, wanted, began + seconds / 2) if wanted else {}
        others = _look(clinic, job, champion, wanted, began + seconds) if wanted and whole else {}
        job.report("workflow.progress.tuning")
        for key in worth:
            results[key] = _tuned(clinic, job, base, key, known, looked, before.get(key), others)
        better = {key: one.correction for key, one in results.items() if one.verdict is Verdict.BETTER}
        corrections = {**before, **{key: one for key, one in better.items() if one is not None}}
        kept = _keep(clinic, job, library, base, folder, corrections, results) if better else None
    finally:
        base.close()
    told = tuple(FindingTuned(key, results[key].enough, results[key]) for key in asked)
    return ModelTuned(model, told, len(looked), len(wanted) - len(looked), kept)


@dataclass(frozen=True, eq=False)
class _Looked:
    """What the shipped network makes of a picture. features: (width,); logits: (findings,)."""

    features: npt.NDArray[np.float32]
    logits: npt.NDArray[np.float32]


def tunable_findings(model: PictureModel) -> list[str]:
    """Its findings but for hints, which mean something only for some of the pictures."""
    return [spec.key for spec in model.manifest.findings if spec.key not in model.manifest.hints]


def asked_findings(champion: PictureModel, findings: Sequence[str]) -> list[str]:
    known = tunable_findings(champion)
    if unknown := [key for key in findings if key not in known]:
        raise UserFacingError("workflow.tuning_no_finding", kind=ErrorKind.NOT_FOUND, finding=unknown[0])
    return [key for key in known if not findings or key in findings]


@requires(Permission.READ_IMAGES)
def known_truths(clinic: Clinic, job: Job, model: str) -> list[KnownPicture]:
    """Pictures to learn from: the newest first, each once, with what is known of it. What several said blind is merged
    by how well each of them sees, where that can be told; else the majority holds. Raises Cancelled."""
    cases = {case.instance: case for case in confirmed_cases(clinic, job, model, afterwards=True)}
    newest_first = list(cases.values())[::-1][:MOST_PICTURES]
    with clinic.store.snapshot() as tx:
        merged = _merged(tx, job, newest_first)
    found = []
    for case in newest_first:
        truths = {}
        for key, truth in case.truths.items():
            chance = float(truth.present)
            if truth.strength is Strength.BLIND:
                chance = merged.get(key, {}).get(case.instance, chance)
            firm = truth.strength is not Strength.REVIEWED
            truths[key] = (chance, 1.0 if firm else REVIEWED_WEIGHT, firm)
        found.append(KnownPicture(case.instance, case.patient, truths))
    return found


def _merged(tx: Transaction, job: Job, cases: Sequence[ConfirmedCase]) -> dict[str, dict[str, float]]:
    """Probability that a finding is there, by finding and picture, where enough people labelled it."""
    pictures = {case.instance for case in cases}
    votes: dict[str, list[Vote]] = {}
    gold: dict[str, dict[str, bool]] = {}
    place, said = 0, []
    while page := tx.labels.page(place, _PAGE):
        job.check()
        said += [label for _, label in page if label.instance in pictures]
        place = page[-1][0]
    for label in newest(said):
        present = None if label.value is LabelValue.UNSURE else label.value is LabelValue.PRESENT
        if label.basis is LabelBasis.BLIND:
            votes.setdefault(label.finding, []).append(Vote(label.instance, label.author, present))
        elif label.basis.is_reference and present is not None:
            gold.setdefault(label.finding, {})[label.instance] = present
    together = {key: merge(given, gold.get(key)) for key, given in votes.items()}
    return {key: dict(one.answers) for key, one in together.items() if one.basis is Basis.MANY}


def cases_of(
    known: Sequence[KnownPicture], finding: str, features: npt.NDArray[np.float64], logits: npt.NDArray[np.float64]
) -> Cases:
    told = [one.truths[finding] for one in known]
    return Cases(
        features,
        logits,
        np.array([truth for truth, _, _ in told], dtype=np.float64),
        np.array([weight for _, weight, _ in told], dtype=np.float64),
        tuple(one.patient for one in known),
        np.array([firm for _, _, firm in told], dtype=np.bool_),
    )


def enough_of(known: Sequence[KnownPicture], finding: str, key: str) -> Enough:
    mine = [one for one in known if finding in one.truths]
    empty = np.zeros((len(mine), 1))
    return enough(cases_of(mine, finding, empty, empty[:, 0]), key)


def _look(
    clinic: Clinic, job: Job, base: PictureModel, known: Sequence[KnownPicture], until: float
) -> dict[InstanceId, _Looked]:
    """Have the shipped network look at the pictures, the newest first, as long as there is time."""
    found: dict[InstanceId, _Looked] = {}
    for number, one in enumerate(known):
        job.check()
        job.report("workflow.progress.tuning_looking", number, len(known))
        if time.monotonic() > until:
            break
        try:
            with clinic.store.snapshot() as tx:
                stored = tx.studies.instance(one.instance)
            picture = stored_picture(clinic, stored)
        except UserFacingError:  # a damaged or missing file: the others are learned from
            continue
        light = light_of(picture, base.manifest.preparation)
        _, outputs = base.outputs(light)
        found[one.instance] = _Looked(outputs[base.manifest.embedding.name], outputs[base.manifest.logits.name])
    return found


def _tuned(
    clinic: Clinic,
    job: Job,
    base: PictureModel,
    finding: str,
    known: Sequence[KnownPicture],
    looked: Mapping[InstanceId, _Looked],
    before: Correction | None,
    others: Mapping[InstanceId, _Looked],
) -> Tuned:
    """before: the correction that the model in use has for the finding. others: what the model in use says, where its
    whole network learned here; only then."""
    spec = base.manifest.finding(finding)
    mine = [one for one in known if finding in one.truths and one.instance in looked]
    if others:
        mine = [one for one in mine if one.instance in others]
    if not mine:
        empty = np.zeros((0, 1))
        return Tuned(Verdict.TOO_FEW, enough(cases_of(mine, finding, empty, empty[:, 0]), _key(clinic)))
    seen = [looked[one.instance] for one in mine]
    features = np.stack([one.features for one in seen]).astype(np.float64)
    raw = np.array([float(one.logits[spec.output]) for one in seen])
    logits = raw / spec.calibration.temperature + spec.calibration.offset
    in_use = logits + before.of(features) if before is not None else None
    if others:
        own = clinic.models.picture_model(base.name).manifest.finding(finding)
        said = np.array([float(others[one.instance].logits[own.output]) for one in mine])
        in_use = said / own.calibration.temperature + own.calibration.offset
    cases = cases_of(mine, finding, features, logits)
    return tune(cases, spec.thresholds, _key(clinic), champion=in_use, check=job.check)


def _keep(
    clinic: Clinic,
    job: Job,
    library: Library,
    base: PictureModel,
    folder: Path,
    corrections: Mapping[str, Correction],
    results: Mapping[str, Tuned],
) -> ModelVersion:
    """Write the challenger, and put it on the shelf, not in use."""
    version, day = next_version(clinic, base)
    with on_disk(), tempfile.TemporaryDirectory() as place:
        out = Path(place) / base.name
        build(base, folder, out, version, day, corrections, results)
        return keep_challenger(clinic, job, library, out, version)


def next_version(clinic: Clinic, base: PictureModel) -> tuple[str, str]:
    """What a challenger that is made now is called, and the day."""
    now = clinic.clock()
    return f"{base.version}+clinic.{now:%Y%m%d.%H%M%S}", f"{now:%Y-%m-%d}"


@requires(Permission.READ_IMAGES)
def keep_challenger(clinic: Clinic, job: Job, library: Library, out: Path, version: str) -> ModelVersion:
    """Try a challenger's pack in a process of its own and put it on the shelf, not in use. Raises KnownFailure where it
    does not answer as it should, OSError, Cancelled."""
    job.report("workflow.progress.model_testing")
    with Incoming(library, out) as incoming:
        tested = try_out(incoming.folder, check=job.check)
        if not tested.ok:
            raise KnownFailure(tested.error or "inference.golden_differs", kind=ErrorKind.IO, model=out.name)
        job.check()
        with clinic.store.transaction() as tx:
            tx.audit.add(AuditAction.TUNE_MODEL, tested.sha256, actor=clinic.actor, reason=f"{out.name} {version}")
            kept = library.keep(incoming.folder, Trust.TRAINED_HERE, clinic.session.user.name, _iso(clinic))
    return ModelVersion(kept.name, kept.version, kept.digest, kept.trust, kept.vouched, kept.since, in_use=False)


def base_of(library: Library, champion: PictureModel) -> tuple[PictureModel, Path, Mapping[str, Correction]]:
    """The model that a tuning starts from, where it lies, and what the model in use adds to it: always the shipped one,
    so that corrections never pile up, and read anew, so that its sessions are not those that doctors wait for. Raises
    UserFacingError where it is gone."""
    folder = folder_of_version(library, champion.name, champion.sha256)
    origin = origin_of(folder)
    shipped = folder if origin is None else folder_of_version(library, champion.name, origin.sha256)
    try:
        return read_picture_model(shipped), shipped, {} if origin is None else corrections_in(folder)
    except ManifestError as error:
        raise KnownFailure("inference.manifest_damaged", kind=ErrorKind.IO, model=champion.name) from error


def folder_of_version(library: Library, name: str, sha256: str) -> Path:
    """Where the version with these weights lies. Raises UserFacingError where none has them any more."""
    places = [model_folder() / name, library.trained / name]
    places += [library.folder_of(kept) for kept in library.shelf().kept if kept.name == name]
    for place in places:
        try:
            if read_picture_model(place).sha256 == sha256:
                return place
        except (UserFacingError, ManifestError):
            continue
    raise UserFacingError("workflow.tuned_from_is_gone", kind=ErrorKind.NOT_FOUND, model=name)


def _key(clinic: Clinic) -> str:
    """Which patients are locked: the same in this clinic for ever."""
    return locked_key(clinic)


def _iso(clinic: Clinic) -> str:
    return clinic.clock().astimezone(UTC).isoformat(timespec="microseconds")


@contextmanager
def on_disk() -> Iterator[None]:
    """What the disk refuses is told in words. Raises KnownFailure."""
    try:
        yield
    except OSError as error:
        raise from_os_error(error) from error
