"""What was begun and not saved belongs to who typed it, until it is on file."""

from dataclasses import replace

import pytest

from desktop import workflow
from desktop.access import Role
from desktop.jobs import Job
from desktop.records import EncounterId, HumanName, Patient, UserId, new_id
from desktop.workflow import Clinic, PatientDraft, UnsavedEdit, UnsavedKind, UnsavedPatient, UnsavedVisit

JOB = Job()
TYPED = UnsavedPatient(name="Amina\r\n\x07 Yusuf", birth="20")


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return registered(clinic, "王小明")


def registered(clinic: Clinic, name: str) -> Patient:
    return workflow.register_patient(clinic, JOB, PatientDraft((HumanName(name),))).patient


def visit(words: str = "cough") -> UnsavedVisit:
    return UnsavedVisit(EncounterId(new_id()), reason=words, temperature="38.")


def somebody_else(clinic: Clinic) -> Clinic:
    user = replace(clinic.session.user, id=UserId("somebody else"))
    return replace(clinic, session=replace(clinic.session, user=user))


def begun(clinic: Clinic) -> list[tuple[UnsavedKind, str]]:
    return [(one.kind, one.patient.display_name) for one in workflow.unsaved_work(clinic, JOB)]


def test_it_is_given_back_as_typed_to_the_same_user_alone(clinic: Clinic) -> None:
    workflow.keep_unsaved_patient(clinic, JOB, TYPED)
    assert workflow.unsaved_patient(clinic, JOB) == UnsavedPatient(name="Amina\n Yusuf", birth="20")
    assert workflow.unsaved_patient(somebody_else(clinic), JOB) is None
    workflow.keep_unsaved_patient(clinic, JOB, None)
    assert workflow.unsaved_patient(clinic, JOB) is None


def test_a_visit_and_an_edit_are_told_with_the_chart_to_who_typed_them(clinic: Clinic, patient: Patient) -> None:
    half, base = visit(), workflow.open_patient(clinic, JOB, patient.id).version
    workflow.keep_unsaved_edit(clinic, JOB, patient.id, UnsavedEdit(base, TYPED))
    workflow.keep_unsaved_visit(clinic, JOB, patient.id, half)
    assert begun(clinic) == [(UnsavedKind.VISIT, "王小明"), (UnsavedKind.EDIT, "王小明")]
    assert begun(somebody_else(clinic)) == []
    found = {one.kind: one.form for one in workflow.open_patient(clinic, JOB, patient.id).unsaved}
    assert found[UnsavedKind.VISIT] == half
    assert found[UnsavedKind.EDIT] == UnsavedEdit(base, UnsavedPatient(name="Amina\n Yusuf", birth="20"))
    workflow.keep_unsaved_edit(clinic, JOB, patient.id, None)
    workflow.keep_unsaved_visit(clinic, JOB, patient.id, None)
    assert begun(clinic) == []


def test_a_visit_on_file_is_not_offered_again_and_later_words_of_it_are_not_kept(
    clinic: Clinic, patient: Patient
) -> None:
    half = visit()
    workflow.keep_unsaved_visit(clinic, JOB, patient.id, half)
    draft = workflow.VisitDraft(patient.id, reason="cough", id=half.encounter)
    assert workflow.record_visit(clinic, JOB, draft).visit.encounter.id == half.encounter
    assert begun(clinic) == []
    workflow.keep_unsaved_visit(clinic, JOB, patient.id, half)  # as when the clinic locks while it is being saved
    assert begun(clinic) == []


def test_a_visit_recorded_otherwise_leaves_the_half_typed_one_alone(clinic: Clinic, patient: Patient) -> None:
    workflow.keep_unsaved_visit(clinic, JOB, patient.id, visit())
    workflow.record_visit(clinic, JOB, workflow.VisitDraft(patient.id, reason="fever"))
    assert begun(clinic) == [(UnsavedKind.VISIT, "王小明")]


def test_saving_the_form_drops_the_edit_and_a_record_that_changed_meanwhile_makes_it_a_conflict(
    clinic: Clinic, patient: Patient
) -> None:
    base, draft = workflow.open_patient(clinic, JOB, patient.id).version, PatientDraft.of(patient)
    workflow.keep_unsaved_edit(clinic, JOB, patient.id, UnsavedEdit(base, UnsavedPatient(village="清河")))
    workflow.edit_patient(clinic, JOB, patient.id, replace(draft, village="石桥"))
    assert begun(clinic) == [(UnsavedKind.EDIT, "王小明")]
    edited = workflow.edit_patient(clinic, JOB, patient.id, replace(draft, village="清河"), base, typed=True)
    assert edited.conflict is not None
    assert edited.conflict.losing.village == "清河"
    assert edited.patient.village == "石桥"
    assert begun(clinic) == []


def test_what_was_begun_goes_with_a_record_that_was_merged_away(clinic: Clinic, patient: Patient) -> None:
    gone, half = registered(clinic, "王晓明"), visit()
    workflow.keep_unsaved_visit(clinic, JOB, gone.id, half)
    workflow.merge_patients(clinic, JOB, patient.id, gone.id)
    assert begun(clinic) == [(UnsavedKind.VISIT, "王小明")]
    (found,) = workflow.open_patient(clinic, JOB, patient.id).unsaved
    assert found.form == half
    workflow.record_visit(clinic, JOB, workflow.VisitDraft(patient.id, reason="cough", id=half.encounter))
    assert begun(clinic) == []


def test_of_two_visits_begun_before_a_merge_neither_is_lost(clinic: Clinic, patient: Patient) -> None:
    gone, first, second = registered(clinic, "王晓明"), visit("cough"), visit("fever")
    workflow.keep_unsaved_visit(clinic, JOB, patient.id, first)
    workflow.keep_unsaved_visit(clinic, JOB, gone.id, second)
    workflow.merge_patients(clinic, JOB, patient.id, gone.id)
    assert [one.form for one in workflow.open_patient(clinic, JOB, patient.id).unsaved] == [second]
    second = replace(second, note="clear chest")
    workflow.keep_unsaved_visit(clinic, JOB, patient.id, second)
    workflow.record_visit(clinic, JOB, workflow.VisitDraft(patient.id, reason="fever", id=second.encounter))
    assert [one.form for one in workflow.open_patient(clinic, JOB, patient.id).unsaved] == [first]


def test_who_may_not_do_it_any_more_is_not_asked_to_go_on(clinic: Clinic, patient: Patient) -> None:
    workflow.keep_unsaved_visit(clinic, JOB, patient.id, visit())
    workflow.keep_unsaved_edit(clinic, JOB, patient.id, UnsavedEdit("", TYPED))
    user = replace(clinic.session.user, roles=(Role.TECHNICIAN.value,))
    technician = replace(clinic, session=replace(clinic.session, user=user))
    assert begun(technician) == [(UnsavedKind.EDIT, "王小明")]
    assert [one.kind for one in workflow.open_patient(technician, JOB, patient.id).unsaved] == [UnsavedKind.EDIT]
