"""What stands behind a suggestion, when somebody asks: the most similar cases here of which the truth is known, and
what the answer would be with a part of the picture hidden. Nothing here changes a suggestion or decides anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from desktop.access import Permission
from desktop.errors import ErrorKind, UserFacingError
from desktop.imaging import display
from desktop.inference import PictureModel, Registry
from desktop.inference.embedding import Alikeness, alikeness, cosines
from desktop.inference.occlusion import AGREES, AGREES_IN_PART, Occlusion, hide_parts
from desktop.jobs import Job
from desktop.records import (
    Analysis,
    AnalysisStatus,
    Finding,
    Instance,
    InstanceId,
    PatientId,
    StudyId,
    Suggestion,
    SuggestionId,
)
from desktop.workflow.clinic import Clinic, open_to_all, requires
from desktop.workflow.confirmed import ConfirmedCase, Truth, confirmed_cases
from desktop.workflow.importing import stored_picture
from desktop.workflow.looking import looking_at_study
from desktop.workflow.reading import read_state

__all__ = [
    "Agreement",
    "Alikeness",
    "Explained",
    "HiddenParts",
    "SimilarCase",
    "SimilarCases",
    "can_explain",
    "hidden_parts",
    "points_weakly",
    "similar_cases",
]

SHOWN = 5
MOST_COMPARED = 1000
"""The newest; each takes about a tenth of a second the first time."""
_THUMBNAIL = 320

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SimilarCase:
    """Another patient's picture that the model finds alike, and what was true of the finding.

    picture: as it is first shown, (rows, columns) or (rows, columns, 3) uint8, small. said: what the model answered
    then. sex, age: groups as the drift board counts them. cosine: -1 to 1.
    """

    study: StudyId
    picture: npt.NDArray[np.uint8]
    truth: Truth
    said: Finding
    sex: str
    age: str
    on: date
    cosine: float
    alikeness: Alikeness


@dataclass(frozen=True, eq=False)
class SimilarCases:
    """The nearest first. compared: pictures with a known truth that were compared; unreadable: that could not be.
    older: left out because there are so many. other_weights: cases that only another version of the model has judged.
    """

    suggestion: SuggestionId
    finding: str
    cases: tuple[SimilarCase, ...]
    compared: int
    unreadable: int = 0
    older: int = 0
    other_weights: int = 0


class Agreement(StrEnum):
    """How well the map of hidden parts and the activation overlay agree. NOTHING: there is no map to compare."""

    AGREES = "agrees"
    IN_PART = "in_part"
    DIFFERS = "differs"
    NOTHING = "nothing"


@dataclass(frozen=True, eq=False)
class HiddenParts:
    """What happens to one finding of a picture when a part is hidden. occlusion: the figures and the map."""

    suggestion: SuggestionId
    instance: InstanceId
    finding: str
    occlusion: Occlusion
    agreement: Agreement


@dataclass(frozen=True)
class Explained:
    """What can be asked about a suggestion. similar: confirmed cases like it. hiding: hiding parts of its picture.
    changed: the model that made it is gone, or another version is in use."""

    similar: bool
    hiding: bool
    changed: bool = False


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A case and its picture."""

    case: ConfirmedCase
    instance: Instance


@requires(Permission.READ_IMAGES)
def similar_cases(clinic: Clinic, job: Job, suggestion: SuggestionId, finding: str, limit: int = SHOWN) -> SimilarCases:
    """The confirmed cases of other patients that the model finds most like this one, one of each study.

    Where a picture lies is worked out when first asked for and kept until the clinic is locked, so that work that was
    cancelled goes on where it was. The cases given are looked at, and audited as such. Raises UserFacingError: no such
    suggestion or finding, still sealed, a model that is gone, has changed or gives no places; KnownFailure where the
    picture or the weights are damaged; Cancelled.
    """
    said, instance, patient = unsealed(clinic, suggestion, finding)
    model = model_that_said(clinic, said)
    confirmed = [
        case
        for case in confirmed_cases(clinic, job, model.name)
        if finding in case.truths
        and case.patient != patient
        and case.analysis.status is AnalysisStatus.OK
        and case.study != said.study
    ]
    same = [case for case in confirmed if case.analysis.provenance.sha256 == model.sha256]
    every = _with_pictures(clinic, same)
    candidates, older = every[:MOST_COMPARED], len(every[MOST_COMPARED:])
    query = _place(clinic, job, model, instance)
    placed: list[tuple[_Candidate, FloatArray]] = []
    unreadable = 0
    for number, candidate in enumerate(candidates):
        job.report("workflow.progress.similar", number, len(candidates))
        try:
            placed.append((candidate, _place(clinic, job, model, candidate.instance)))
        except UserFacingError:
            unreadable += 1
    cases = _nearest(clinic, query, placed, finding, limit) if placed else ()
    judged = {case.instance for case in same}
    elsewhere = {case.instance for case in confirmed} - judged
    return SimilarCases(suggestion, finding, cases, len(placed), unreadable, older, len(elsewhere))


@requires(Permission.READ_IMAGES)
def hidden_parts(clinic: Clinic, job: Job, suggestion: SuggestionId, finding: str) -> HiddenParts:
    """Ask the model again with one part of the picture hidden after the other; nothing is stored.

    Raises as `similar_cases`.
    """
    said, instance, _ = unsealed(clinic, suggestion, finding)
    model = model_that_said(clinic, said)
    occlusion = hide_parts(model, stored_picture(clinic, instance), finding, job)
    return HiddenParts(suggestion, instance.id, finding, occlusion, _agreement(occlusion))


@open_to_all
def can_explain(models: Registry, suggestion: Suggestion) -> Explained:
    """Whether the very model that made a suggestion is still here and can be asked these things."""
    made = suggestion.analysis.provenance
    try:
        model = models.get(made.model)
    except UserFacingError:
        return Explained(similar=False, hiding=False, changed=True)
    if model.sha256 != made.sha256:
        return Explained(similar=False, hiding=False, changed=True)
    looks = isinstance(model, PictureModel)
    return Explained(similar=looks, hiding=isinstance(model, PictureModel) and model.has_maps)


@open_to_all
def points_weakly(models: Registry, analysis: Analysis) -> bool:
    """Whether the maps of the very model that gave an answer were found to point no better than what looks at no
    picture; False also where it is gone or nobody measured that."""
    made = analysis.provenance
    try:
        model = models.get(made.model)
    except UserFacingError:
        return False
    return isinstance(model, PictureModel) and model.sha256 == made.sha256 and model.manifest.weak_map


def _agreement(occlusion: Occlusion) -> Agreement:
    if occlusion.agreement is None:
        return Agreement.NOTHING
    if occlusion.agreement >= AGREES:
        return Agreement.AGREES
    return Agreement.IN_PART if occlusion.agreement >= AGREES_IN_PART else Agreement.DIFFERS


def model_that_said(clinic: Clinic, said: Suggestion) -> PictureModel:
    """The very model that made a suggestion. Raises UserFacingError where it is gone, another one, or none of
    pictures."""
    made = said.analysis.provenance
    model = clinic.models.get(made.model)
    if model.sha256 != made.sha256:
        raise UserFacingError("explaining.model_changed")
    if not isinstance(model, PictureModel):
        raise UserFacingError("explaining.not_this_model")
    return model


def unsealed(clinic: Clinic, suggestion: SuggestionId, finding: str) -> tuple[Suggestion, Instance, PatientId]:
    """A suggestion that may be shown, its picture, and whose it is. The look is audited where the study was not open.

    Raises UserFacingError: no such suggestion or finding, still sealed, refused by the model.
    """
    with clinic.store.snapshot() as tx:
        study = tx.suggestions.get(suggestion).study
    with looking_at_study(clinic, study) as tx:
        said = tx.suggestions.get(suggestion)
        if read_state(tx, study, clinic.session.user.id).sealed:
            raise UserFacingError("workflow.sealed")
        if finding not in {one.key for one in said.analysis.findings}:
            raise UserFacingError("workflow.no_such_finding", kind=ErrorKind.NOT_FOUND)
        record = tx.studies.get(study)
        patient = tx.patients.standing(record.patient).id
    return said, next(one for one in record.instances if one.id == said.instance), patient


def _with_pictures(clinic: Clinic, cases: Sequence[ConfirmedCase]) -> list[_Candidate]:
    """The newest answer about each picture, newest picture first."""
    newest = {case.instance: case for case in cases}
    found = []
    with clinic.store.snapshot() as tx:
        for case in newest.values():
            instances = {one.id: one for one in tx.studies.get(case.study).instances}
            found.append(_Candidate(case, instances[case.instance]))
    return sorted(found, key=lambda one: (one.case.on, one.instance.id), reverse=True)


def _place(clinic: Clinic, job: Job, model: PictureModel, instance: Instance) -> FloatArray:
    """Where the model places a picture. Raises UserFacingError and Cancelled."""
    job.check()
    kept = clinic.embeddings.get(model.sha256, instance.id)
    if kept is None:
        kept = model.embed(stored_picture(clinic, instance), job)
        clinic.embeddings.put(model.sha256, instance.id, kept)
    return kept


def _nearest(
    clinic: Clinic, query: FloatArray, placed: Sequence[tuple[_Candidate, FloatArray]], finding: str, limit: int
) -> tuple[SimilarCase, ...]:
    """The nearest pictures, one of each study, looked at."""
    others = np.stack([vector for _, vector in placed])
    near = cosines(query, others)
    owners = [candidate.case.patient for candidate, _ in placed]
    chosen: dict[StudyId, int] = {}
    for at in np.argsort(-near, kind="stable"):
        chosen.setdefault(placed[at][0].case.study, int(at))
        if len(chosen) == limit:
            break
    found = []
    for study, at in chosen.items():
        candidate, cosine = placed[at][0], float(near[at])
        with looking_at_study(clinic, study):
            pass
        picture = stored_picture(clinic, candidate.instance)
        case = candidate.case
        found.append(
            SimilarCase(
                study=study,
                picture=display.thumbnail(picture, _THUMBNAIL),
                truth=case.truths[finding],
                said=next(one for one in case.analysis.findings if one.key == finding),
                sex=case.sex,
                age=case.age,
                on=case.on,
                cosine=cosine,
                alikeness=alikeness(cosine, others, owners),
            )
        )
    return tuple(found)
