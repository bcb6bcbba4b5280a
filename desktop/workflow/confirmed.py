"""Cases of which it is known what is true, beside what a model said about them: what models are judged by and learn
from here."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import IntEnum

from desktop.access import Permission
from desktop.inference import REASON_OTHER_KIND
from desktop.jobs import Job
from desktop.learning.head_tuning import is_locked
from desktop.records import (
    Analysis,
    AuditAction,
    Decision,
    InstanceId,
    Label,
    LabelBasis,
    LabelValue,
    LaterAnswer,
    PatientId,
    Question,
    Review,
    StudyId,
    Suggestion,
    SuggestionId,
    Verdict,
    standing,
)
from desktop.store import AuditQuery, Transaction
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.labelling import newest
from desktop.workflow.watching import UNKNOWN, group_of, later_answers, revealed_suggestions

__all__ = ["ConfirmedCase", "Strength", "Truth", "confirmed_cases"]

_MOST_TUNINGS = 1000


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
    else of the answer. device: maker and model of what took the picture, else `unknown`. learned: the version that
    answered was tuned here, and may have learned from this patient: no fair case of it."""

    answer: Suggestion | LaterAnswer
    patient: PatientId
    truths: Mapping[str, Truth]
    sex: str
    age: str
    examination: str
    on: date
    device: str
    learned: bool = False

    @property
    def study(self) -> StudyId:
        """The examination."""
        return self.answer.study

    @property
    def instance(self) -> InstanceId:
        """The picture or trace."""
        return self.answer.instance

    @property
    def analysis(self) -> Analysis:
        """What the model said."""
        return self.answer.analysis

    @property
    def afterwards(self) -> bool:
        """Whether the model was asked when the truth was known already; nobody has seen that answer."""
        return isinstance(self.answer, LaterAnswer)


@requires(Permission.READ_IMAGES)
def confirmed_cases(
    clinic: Clinic, job: Job, model: str, *, least: Strength = Strength.REVIEWED, afterwards: bool = False
) -> tuple[ConfirmedCase, ...]:
    """Every answer of a model, of any version, that somebody has seen and for which the truth of at least one of its
    findings is known, oldest first.

    The strongest truth of a finding holds: reference standards first, then blind looks, then the decision in the
    reading room; where those of one strength disagree, the majority, and nothing where that is even. least: weaker
    truths are left out. afterwards: then, too, what versions said that were asked once the truth was known; what is
    known of their pictures includes what was decided about the model's earlier answers. Raises Cancelled.
    """
    with clinic.store.snapshot() as tx:
        finder = _Finder(clinic, tx, model, least)
        for suggestion in revealed_suggestions(tx, job):
            finder.take(suggestion)
        if afterwards:
            for answer in later_answers(tx, job):
                finder.take_later(answer)
        return finder.cases()


@dataclass(frozen=True)
class Said:
    """What one suggestion said, in short. sha256: of the weights."""

    suggestion: SuggestionId
    sha256: str
    decisions: Mapping[str, Decision]


class _Finder:
    """Puts answers of one model and truths together, in one pass over the record."""

    def __init__(self, clinic: Clinic, tx: Transaction, model: str, least: Strength) -> None:
        self._tx, self._model, self._least, self._key = tx, model, least, locked_key(clinic)
        self._found: list[tuple[ConfirmedCase, bool]] = []
        self._asked: dict[InstanceId, list[Said]] = {}
        self._first: dict[PatientId, datetime] = {}
        lines = tx.audit.search(AuditQuery(action=AuditAction.TUNE_MODEL), _MOST_TUNINGS)
        self._tuned = {line.subject: line.time for line in lines}

    def take(self, suggestion: Suggestion) -> None:
        """An answer that was seen."""
        if suggestion.analysis.provenance.model == self._model:
            said = in_short(suggestion)
            self._asked.setdefault(suggestion.instance, []).append(said)
            self._keep(suggestion, [said])

    def take_later(self, answer: LaterAnswer) -> None:
        """An answer nobody has seen; it does not count where the same version was also asked in the reading room."""
        made, earlier = answer.analysis.provenance, self._asked.get(answer.instance, [])
        if made.model == self._model and counts(answer) and all(one.sha256 != made.sha256 for one in earlier):
            self._keep(answer, earlier)

    def cases(self) -> tuple[ConfirmedCase, ...]:
        """All of them, with what a version may have learned from."""
        return tuple(replace(case, learned=self._may_have_learned(case, locked)) for case, locked in self._found)

    def _keep(self, answer: Suggestion | LaterAnswer, said: Sequence[Said]) -> None:
        study = self._tx.studies.get(answer.study)
        patient = self._tx.patients.standing(study.patient)
        first = self._first.get(patient.id)
        self._first[patient.id] = answer.created if first is None else min(first, answer.created)
        findings = [one.key for one in answer.analysis.findings]
        known = truths_of(self._tx, answer.study, answer.instance, findings, said)
        truths = {key: truth for key, truth in known.items() if truth.strength >= self._least}
        if truths:
            sex, age, examination = group_of(answer, study, patient)
            on = study.started or answer.created.astimezone().date()
            device = answer.taken_with or UNKNOWN
            locked = is_locked(patient.id, self._key) and is_locked(study.patient, self._key)
            self._found.append((ConfirmedCase(answer, patient.id, truths, sex, age, examination, on, device), locked))

    def _may_have_learned(self, case: ConfirmedCase, locked: bool) -> bool:
        """Whoever was here before a tuning and is not of the locked part may have been learned from."""
        tuned = self._tuned.get(case.analysis.provenance.sha256)
        return tuned is not None and not locked and self._first[case.patient] <= tuned


def in_short(suggestion: Suggestion) -> Said:
    """Without its maps, of which thousands would not fit into memory."""
    analysis = suggestion.analysis
    return Said(suggestion.id, analysis.provenance.sha256, {one.key: one.decision for one in analysis.findings})


def locked_key(clinic: Clinic) -> str:
    """Which patients are never learned from: the same in this clinic for ever (see `is_locked`)."""
    return f"{clinic.store.store_id}/locked"


def counts(answer: LaterAnswer) -> bool:
    """Whether it says something of the picture; one that found itself the wrong model says it of the model."""
    return answer.analysis.reason != REASON_OTHER_KIND


def truths_of(
    tx: Transaction, study: StudyId, instance: InstanceId, findings: Iterable[str], said: Sequence[Said]
) -> dict[str, Truth]:
    """What is known of findings of a picture. said: answers whose decisions count."""
    labels, decided = newest(tx.labels.for_study(study)), standing(tx.reviews.for_study(study))
    known = {}
    for finding in findings:
        votes = list(_labelled(labels, instance, finding))
        for one in said:
            review = decided.get(Question(one.suggestion, finding))
            present = held(review, one.decisions[finding]) if review and finding in one.decisions else None
            if present is not None:
                votes.append(Truth(present, Strength.REVIEWED))
        truth = settled(votes)
        if truth is not None:
            known[finding] = truth
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
