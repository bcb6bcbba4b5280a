"""Cases of which it is known what is true, beside what a model said about them: what models are judged by and learn
from here."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from desktop.access import Permission
from desktop.jobs import Job
from desktop.records import (
    Decision,
    InstanceId,
    Label,
    LabelBasis,
    LabelValue,
    PatientId,
    Review,
    StudyId,
    Suggestion,
    Verdict,
)
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.labelling import newest
from desktop.workflow.watching import UNKNOWN, group_of, revealed_suggestions

__all__ = ["ConfirmedCase", "Strength", "Truth", "confirmed_cases"]


class Strength(IntEnum):
    """How much a truth is worth. REVIEWED: what the doctor settled on after seeing the suggestion, and so leans towards
    it. BLIND: what people saw without it. REFERENCE: found out otherwise than from the picture."""

    REVIEWED = 1
    BLIND = 2
    REFERENCE = 3


@dataclass(frozen=True)
class Truth:
    """Whether a finding was there, as far as is known."""

    present: bool
    strength: Strength


@dataclass(frozen=True, eq=False)
class ConfirmedCase:
    """One answer of a model and what was true, by the finding's key. patient: the standing record, to keep a person's
    pictures together. sex, age, examination: groups as the drift board counts them. on: the day of the examination,
    else of the answer. device: maker and model of what took the picture, else `unknown`."""

    suggestion: Suggestion
    patient: PatientId
    truths: Mapping[str, Truth]
    sex: str
    age: str
    examination: str
    on: date
    device: str

    @property
    def study(self) -> StudyId:
        """The examination."""
        return self.suggestion.study


@requires(Permission.READ_IMAGES)
def confirmed_cases(
    clinic: Clinic, job: Job, model: str, *, least: Strength = Strength.REVIEWED
) -> tuple[ConfirmedCase, ...]:
    """Every answer of a model, of any version, that somebody has seen and for which the truth of at least one of its
    findings is known, oldest first.

    The strongest truth of a finding holds: reference standards first, then blind looks, then the decision in the
    reading room; where those of one strength disagree, the majority, and nothing where that is even. least: weaker
    truths are left out. Raises Cancelled.
    """
    cases = []
    with clinic.store.snapshot() as tx:
        for suggestion in revealed_suggestions(tx, job):
            if suggestion.analysis.provenance.model != model:
                continue
            truths = {key: truth for key, truth in _truths(tx, suggestion).items() if truth.strength >= least}
            if truths:
                cases.append(_case(tx, suggestion, truths))
    return tuple(cases)


def _case(tx: Transaction, suggestion: Suggestion, truths: Mapping[str, Truth]) -> ConfirmedCase:
    study = tx.studies.get(suggestion.study)
    patient = tx.patients.standing(study.patient)
    sex, age, examination = group_of(suggestion, study, patient)
    on = study.started or suggestion.created.astimezone().date()
    return ConfirmedCase(suggestion, patient.id, truths, sex, age, examination, on, suggestion.taken_with or UNKNOWN)


def _truths(tx: Transaction, suggestion: Suggestion) -> dict[str, Truth]:
    """What is known of each finding the model spoke of."""
    said = newest(tx.labels.for_study(suggestion.study))
    decided = {
        review.finding: review
        for review in tx.reviews.for_study(suggestion.study)
        if review.suggestion == suggestion.id
    }
    known = {}
    for finding in suggestion.analysis.findings:
        votes = list(_labelled(said, suggestion.instance, finding.key))
        review = decided.get(finding.key)
        if review is not None and (present := held(review, finding.decision)) is not None:
            votes.append(Truth(present, Strength.REVIEWED))
        truth = settled(votes)
        if truth is not None:
            known[finding.key] = truth
    return known


def _labelled(said: Iterable[Label], instance: InstanceId, finding: str) -> Iterator[Truth]:
    for label in said:
        if label.instance == instance and label.finding == finding and label.value is not LabelValue.UNSURE:
            yield Truth(label.value is LabelValue.PRESENT, _STRENGTHS.get(label.basis, Strength.REFERENCE))


_STRENGTHS = {LabelBasis.BLIND: Strength.BLIND, LabelBasis.REVIEWED: Strength.REVIEWED}


def held(review: Review, said: Decision) -> bool | None:
    """Whether the finding is there in the doctor's view; None where that is not said.

    Who rejects "likely" holds that it is not there; who rejects anything else only says that the model was wrong.
    """
    if review.verdict is Verdict.REJECT:
        return False if said is Decision.LIKELY else None
    return {Decision.LIKELY: True, Decision.UNLIKELY: False}.get(review.value) if review.value is not None else None


def settled(votes: Iterable[Truth]) -> Truth | None:
    """The strongest truth: the majority of those of the highest strength that is not evenly split."""
    by_strength: dict[Strength, Counter[bool]] = {}
    for vote in votes:
        by_strength.setdefault(vote.strength, Counter())[vote.present] += 1
    if not by_strength:
        return None
    strongest = max(by_strength)
    counted = by_strength[strongest]
    if counted[True] == counted[False]:
        return None
    return Truth(counted[True] > counted[False], strongest)
