"""Labels: who may know what, what holds, and what is true of a case."""

from datetime import UTC, datetime

import pytest

from desktop import workflow
from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job
from desktop.records import (
    AuditAction,
    Decision,
    InstanceId,
    Label,
    LabelBasis,
    LabelId,
    LabelValue,
    Review,
    ReviewId,
    StudyId,
    SuggestionId,
    UserId,
    Verdict,
    new_id,
)
from desktop.workflow.confirmed import ConfirmedCase, Strength, Truth, confirmed_cases, held, settled
from desktop.workflow.labelling import add_labels, labels, newest
from tests.workflow.test_model_rates import MODEL, keep, study

__all__ = ["study"]

JOB = Job()
WHEN = datetime(2026, 10, 5, 9, tzinfo=UTC)
YES, NO, UNSURE = LabelValue.PRESENT, LabelValue.ABSENT, LabelValue.UNSURE


def the_instance(clinic: workflow.Clinic, study: StudyId) -> InstanceId:
    with clinic.store.snapshot() as tx:
        return tx.studies.get(study).main.id


def said(author: str, value: LabelValue, basis: LabelBasis, finding: str = "pneumonia") -> Label:
    """A label of some study; the same picture each time."""
    return Label(LabelId(new_id()), StudyId("s"), InstanceId("i"), finding, value, basis, UserId(author), WHEN)


def by_another(clinic: workflow.Clinic, study: StudyId, value: LabelValue, basis: LabelBasis) -> None:
    label = Label(
        LabelId(new_id()), study, the_instance(clinic, study), "pneumonia", value, basis, UserId(new_id()), WHEN
    )
    with clinic.store.transaction() as tx:
        tx.labels.add(label)
        tx.audit.add(AuditAction.ADD_LABEL, label.id, actor=label.author)


def test_a_look_is_blind_until_the_suggestion_was_shown(clinic: workflow.Clinic, study: StudyId) -> None:
    instance = the_instance(clinic, study)
    suggestion = keep(clinic, study, instance, WHEN, Decision.LIKELY)
    first = add_labels(clinic, JOB, study, instance, {"pneumonia": YES})
    assert [one.basis for one in first.labels] == [LabelBasis.BLIND]
    assert first.changes.labels
    workflow.reading(clinic, JOB, study)
    again = add_labels(clinic, JOB, study, instance, {"pneumonia": NO}, LabelBasis.REVIEWED)
    assert again.labels[0].basis is LabelBasis.BLIND, "it is still sealed, so it cannot be after the suggestion"
    with clinic.store.snapshot() as tx:
        assert tx.suggestions.revealed_at(suggestion) is None, "a label breaks no seal"
    workflow.record_impression(clinic, JOB, study, "Patchy.")
    workflow.reading(clinic, JOB, study)
    later = add_labels(clinic, JOB, study, instance, {"pneumonia": NO}, LabelBasis.BLIND)
    assert later.labels[0].basis is LabelBasis.REVIEWED, "nobody is blind by saying so"
    known = add_labels(clinic, JOB, study, instance, {"pneumonia": YES}, LabelBasis.LABORATORY, " 痰培养 ")
    assert (known.labels[0].basis, known.labels[0].note) == (LabelBasis.LABORATORY, "痰培养")
    trail = [entry.action for entry in workflow.audit_entries(clinic, JOB, limit=50)]
    assert trail.count(AuditAction.ADD_LABEL) == 4


def test_somebody_who_never_opened_a_revealed_study_is_still_blind(clinic: workflow.Clinic, study: StudyId) -> None:
    instance = the_instance(clinic, study)
    keep(clinic, study, instance, WHEN, Decision.LIKELY)
    with clinic.store.transaction() as tx:
        for one in tx.suggestions.mark_revealed(study, UserId("another"), WHEN):
            tx.audit.add(AuditAction.REVEAL_SUGGESTION, one, actor="another")
    assert add_labels(clinic, JOB, study, instance, {"pneumonia": YES}).labels[0].basis is LabelBasis.BLIND
    workflow.reading(clinic, JOB, study)
    assert add_labels(clinic, JOB, study, instance, {"pneumonia": YES}).labels[0].basis is LabelBasis.REVIEWED


def test_what_others_saw_is_hidden_until_one_has_said_it_oneself(clinic: workflow.Clinic, study: StudyId) -> None:
    instance = the_instance(clinic, study)
    by_another(clinic, study, YES, LabelBasis.BLIND)
    by_another(clinic, study, NO, LabelBasis.LABORATORY)
    assert [one.basis for one in labels(clinic, JOB, study)] == [LabelBasis.LABORATORY]
    add_labels(clinic, JOB, study, instance, {"oedema": NO})
    assert {one.finding for one in labels(clinic, JOB, study) if not one.basis.is_reference} == {"oedema"}
    add_labels(clinic, JOB, study, instance, {"pneumonia": NO})
    assert len(labels(clinic, JOB, study)) == 4


def test_nonsense_is_refused_and_nothing_is_kept(clinic: workflow.Clinic, study: StudyId) -> None:
    instance = the_instance(clinic, study)
    with pytest.raises(UserFacingError, match="label_empty"):
        add_labels(clinic, JOB, study, instance, {})
    with pytest.raises(UserFacingError) as refusal:
        add_labels(clinic, JOB, study, InstanceId(new_id()), {"pneumonia": YES})
    assert refusal.value.kind is ErrorKind.NOT_FOUND
    with pytest.raises(UserFacingError) as refusal:
        add_labels(clinic, JOB, StudyId(new_id()), instance, {"pneumonia": YES})
    assert refusal.value.kind is ErrorKind.NOT_FOUND
    with pytest.raises(ValueError, match="names a finding"):
        add_labels(clinic, JOB, study, instance, {"pneumonia": YES, " ": NO})
    assert labels(clinic, JOB, study) == ()


def test_the_newest_word_of_each_holds() -> None:
    blind, changed = said("a", YES, LabelBasis.BLIND), said("a", NO, LabelBasis.BLIND)
    other, after = said("b", YES, LabelBasis.BLIND), said("a", YES, LabelBasis.REVIEWED)
    assert newest([blind, other, changed, after]) == (other, changed, after)
    assert newest([]) == ()


def case(clinic: workflow.Clinic, least: Strength = Strength.REVIEWED) -> ConfirmedCase | None:
    found = confirmed_cases(clinic, JOB, MODEL, least=least)
    assert len(found) <= 1
    return found[0] if found else None


def test_a_case_is_known_by_its_strongest_truth(clinic: workflow.Clinic, study: StudyId) -> None:
    instance = the_instance(clinic, study)
    suggestion = keep(clinic, study, instance, WHEN, Decision.LIKELY)
    by_another(clinic, study, NO, LabelBasis.BLIND)
    assert case(clinic) is None, "what is sealed is no case"
    workflow.record_impression(clinic, JOB, study, "Patchy.")
    workflow.reading(clinic, JOB, study)
    workflow.review_finding(clinic, JOB, suggestion, "pneumonia", Verdict.ACCEPT)
    found = case(clinic)
    assert found is not None
    assert found.truths == {"pneumonia": Truth(present=False, strength=Strength.BLIND)}
    assert (found.answer.id, found.study, found.sex, found.age) == (suggestion, study, "male", "00-04")
    by_another(clinic, study, YES, LabelBasis.BLIND)
    found = case(clinic)
    assert found is None, "two blind looks that differ settle nothing, and a weaker word does not outvote them"
    by_another(clinic, study, YES, LabelBasis.FOLLOW_UP)
    found = case(clinic, Strength.REFERENCE)
    assert found is not None
    assert found.truths["pneumonia"] == Truth(present=True, strength=Strength.REFERENCE)
    assert confirmed_cases(clinic, JOB, "ecg-12-lead") == ()


def test_unsure_is_no_truth(clinic: workflow.Clinic, study: StudyId) -> None:
    keep(clinic, study, the_instance(clinic, study), WHEN, Decision.LIKELY)
    workflow.record_impression(clinic, JOB, study, "Patchy.")
    workflow.reading(clinic, JOB, study)
    by_another(clinic, study, UNSURE, LabelBasis.LABORATORY)
    assert case(clinic) is None
    by_another(clinic, study, YES, LabelBasis.REVIEWED)
    assert case(clinic, Strength.BLIND) is None
    assert case(clinic) is not None


@pytest.mark.parametrize(
    ("verdict", "value", "model_said", "present"),
    [
        (Verdict.ACCEPT, Decision.LIKELY, Decision.LIKELY, True),
        (Verdict.ACCEPT, Decision.UNLIKELY, Decision.UNLIKELY, False),
        (Verdict.ACCEPT, Decision.CANNOT_SAY, Decision.CANNOT_SAY, None),
        (Verdict.AMEND, Decision.LIKELY, Decision.UNLIKELY, True),
        (Verdict.AMEND, Decision.UNLIKELY, Decision.LIKELY, False),
        (Verdict.REJECT, None, Decision.LIKELY, False),
        (Verdict.REJECT, None, Decision.UNLIKELY, None),
        (Verdict.REJECT, None, Decision.CANNOT_SAY, None),
    ],
)
def test_what_a_decision_says_is_true(
    verdict: Verdict, value: Decision | None, model_said: Decision, present: bool | None
) -> None:
    review = Review(ReviewId("r"), StudyId("s"), SuggestionId("g"), "pneumonia", verdict, value, "", UserId("u"), WHEN)
    assert held(review, model_said) is present


def test_an_even_split_settles_nothing() -> None:
    yes, no = Truth(present=True, strength=Strength.BLIND), Truth(present=False, strength=Strength.BLIND)
    assert settled([]) is None
    assert settled([yes, no]) is None
    assert settled([yes, no, yes]) == yes
    assert settled([yes, yes, Truth(present=False, strength=Strength.REFERENCE)]) == Truth(
        present=False, strength=Strength.REFERENCE
    )
