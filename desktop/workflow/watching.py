"""How often a model answers how in this clinic, month by month, version by version, and for whom."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from desktop.access import Permission
from desktop.inference import REASON_OTHER_KIND
from desktop.jobs import Job
from desktop.learning.rates import Answered, RateRow, board
from desktop.records import (
    Analysis,
    AnalysisStatus,
    ImagingStudy,
    LaterAnswer,
    Patient,
    Review,
    Sex,
    Suggestion,
    Verdict,
    standing,
)
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, requires

_PAGE = 200
UNKNOWN = "unknown"
AFTERWARDS = " / afterwards"
"""Ends the name of the group of a version's answers that were asked for once the truth was known."""
_AGES = ((5, "00-04"), (15, "05-14"), (40, "15-39"), (65, "40-64"), (200, "65-"))


class RateGroup(StrEnum):
    """What answers are counted by."""

    MONTH = "month"
    VERSION = "version"
    SEX = "sex"
    AGE = "age"
    EXAMINATION = "examination"
    DEVICE = "device"


@dataclass(frozen=True)
class RateBoard:
    """The drift board of one model. rows: one for each group, in order. answers: how many there are in all."""

    model: str
    by: RateGroup
    answers: int
    rows: tuple[RateRow, ...]


@requires(Permission.READ_IMAGES)
def model_rates(clinic: Clinic, job: Job, model: str, by: RateGroup) -> RateBoard:
    """Rates of all a model said here that somebody has seen: what is sealed stays sealed. Nobody is named in them.

    By version, what a version said that was asked about pictures known before stands in a group of its own: nobody
    decided on it, and known pictures may be others than those of every day. Raises Cancelled.
    """
    answers = []
    with clinic.store.snapshot() as tx:
        for suggestion in revealed_suggestions(tx, job):
            if suggestion.analysis.provenance.model == model:
                study = tx.studies.get(suggestion.study)
                patient = tx.patients.standing(study.patient)
                group = _GROUPS[by](suggestion, study, patient)
                answers.append(_answered(suggestion, group, tx.reviews.for_study(study.id)))
        for later in later_answers(tx, job) if by is RateGroup.VERSION else ():
            if later.analysis.provenance.model == model and later.analysis.reason != REASON_OTHER_KIND:
                answers.append(_answered(later, f"{version_words(later.analysis)}{AFTERWARDS}", []))
    return RateBoard(model, by, len(answers), board(answers))


def revealed_suggestions(tx: Transaction, job: Job) -> Iterator[Suggestion]:
    """Every suggestion that was shown, oldest first, a page at a time: maps and masks of thousands would not fit into
    memory."""
    place, seen = 0, 0
    while page := tx.suggestions.revealed_page(place, _PAGE):
        for _, suggestion in page:
            job.check()
            yield suggestion
        place = page[-1][0]
        seen += len(page)
        job.report("workflow.progress.rates", seen)


def later_answers(tx: Transaction, job: Job) -> Iterator[LaterAnswer]:
    """Every answer that was asked for once the truth was known, oldest first."""
    place = 0
    while page := tx.later_answers.page(place, _PAGE):
        for _, answer in page:
            job.check()
            yield answer
        place = page[-1][0]


def version_words(analysis: Analysis) -> str:
    """A version and the beginning of its hash."""
    return f"{analysis.provenance.version} ({analysis.provenance.sha256[:8]})"


def group_of(suggestion: "_Answer", study: ImagingStudy, patient: Patient) -> tuple[str, str, str]:
    """Sex, age and examination, as the board counts them."""
    return _sex(suggestion, study, patient), _age(suggestion, study, patient), _examination(suggestion, study, patient)


def _answered(suggestion: "_Answer", group: str, reviews: list[Review]) -> Answered:
    """What counts of an answer. The newest decision on a finding holds; where the doctor settled on the same value as
    the model after all, nothing was changed."""
    analysis = suggestion.analysis
    newest = {one.finding: one for one in standing(reviews).values() if one.suggestion == suggestion.id}
    said = {finding.key: finding.decision for finding in analysis.findings}
    changed = {
        key: review.verdict is Verdict.REJECT or (review.verdict is Verdict.AMEND and review.value is not said[key])
        for key, review in newest.items()
        if key in said
    }
    return Answered(group, analysis.status is not AnalysisStatus.OK, said, changed)


def _month(suggestion: "_Answer", study: ImagingStudy, patient: Patient) -> str:
    return f"{suggestion.created.astimezone():%Y-%m}"


def _version(suggestion: "_Answer", study: ImagingStudy, patient: Patient) -> str:
    return version_words(suggestion.analysis)


def _sex(suggestion: "_Answer", study: ImagingStudy, patient: Patient) -> str:
    return patient.sex.value if patient.sex is not Sex.UNKNOWN else UNKNOWN


def _age(suggestion: "_Answer", study: ImagingStudy, patient: Patient) -> str:
    on = study.started or suggestion.created.date()
    age = patient.birth_date.age_on(on) if patient.birth_date is not None else None
    if age is None:
        return UNKNOWN
    return next(name for end, name in _AGES if age.years < end)


def _examination(suggestion: "_Answer", study: ImagingStudy, patient: Patient) -> str:
    return study.modality.value


def _device(suggestion: "_Answer", study: ImagingStudy, patient: Patient) -> str:
    return suggestion.taken_with or UNKNOWN


_Answer = Suggestion | LaterAnswer
_GROUPS: dict[RateGroup, Callable[[_Answer, ImagingStudy, Patient], str]] = {
    RateGroup.MONTH: _month,
    RateGroup.VERSION: _version,
    RateGroup.SEX: _sex,
    RateGroup.AGE: _age,
    RateGroup.EXAMINATION: _examination,
    RateGroup.DEVICE: _device,
}
