"""An unsaved registration belongs to who typed it."""

from dataclasses import replace

from desktop import workflow
from desktop.jobs import Job
from desktop.records import UserId

JOB = Job()
TYPED = workflow.UnsavedPatient(name="Amina\r\n\x07 Yusuf", birth="20")


def test_it_is_given_back_as_typed_to_the_same_user_alone(clinic: workflow.Clinic) -> None:
    workflow.keep_unsaved_patient(clinic, JOB, TYPED)
    assert workflow.unsaved_patient(clinic, JOB) == workflow.UnsavedPatient(name="Amina\n Yusuf", birth="20")
    user = replace(clinic.session.user, id=UserId("somebody else"))
    other = replace(clinic, session=replace(clinic.session, user=user))
    assert workflow.unsaved_patient(other, JOB) is None
    workflow.keep_unsaved_patient(clinic, JOB, None)
    assert workflow.unsaved_patient(clinic, JOB) is None
