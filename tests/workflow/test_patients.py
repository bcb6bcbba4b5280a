"""Patients as typed in the window: no text goes on record that could not be written, signed or printed."""

from pathlib import Path

import pytest

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.records import AllergyIntolerance, HumanName, Identifier

PASTED = workflow.PatientDraft(
    names=(HumanName(" 王小\udc80明\x00"), HumanName(family="W\nang", given=("\x07", "Xiao\tming")), HumanName("\x00")),
    phones=("138\x00 0013\ud83d", "\x07"),
    village="清河\r\n村\x1b",
    identifiers=(Identifier("12\udcff3", "card\x00"), Identifier("\x00")),
    allergies=(AllergyIntolerance("青霉\ud800素", "皮\x08疹"), AllergyIntolerance("\x00")),
)


def test_what_was_pasted_with_a_name_is_not_kept(clinic: workflow.Clinic) -> None:
    patient = workflow.register_patient(clinic, Job(), PASTED).patient
    assert patient.names == (HumanName("王小明"), HumanName(family="W ang", given=("Xiao ming",)))
    assert (patient.phones, patient.village) == (("138 0013",), "清河 村")
    assert patient.identifiers == (Identifier("123", "card"),)
    assert patient.allergies == (AllergyIntolerance("青霉素", "皮疹"),)
    assert workflow.open_patient(clinic, Job(), patient.id).patient == patient
    edited = workflow.edit_patient(clinic, Job(), patient.id, PASTED)
    assert edited.patient == patient
    assert not edited.changes
    assert [one.patient for one in workflow.possible_duplicates(clinic, Job(), PASTED)] == [patient]


def test_a_name_of_which_nothing_is_left_is_refused_in_words(clinic: workflow.Clinic) -> None:
    draft = workflow.PatientDraft(names=(HumanName("\ud800\x07"),))
    with pytest.raises(UserFacingError, match=r"patients\.name_unreadable"):
        workflow.register_patient(clinic, Job(), draft)
    assert workflow.recent_patients(clinic, Job()) == ()


@pytest.mark.parametrize("name", ["石桥\ud800", "石\x07桥", "石桥\n卫生室", "\x00"])
def test_a_clinic_is_not_given_a_name_that_cannot_be_printed(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserFacingError, match=r"start\.clinic_name_unusable"):
        workflow.create_clinic(
            tmp_path / "new",
            Job(),
            name=name,
            admin="li",
            passphrase="correct horse",
            models=workflow.Registry([]),
        )
    assert not (tmp_path / "new").exists()


def test_half_a_character_in_a_search_or_a_passphrase_is_no_mistake_of_ours(clinic: workflow.Clinic) -> None:
    assert workflow.search_patients(clinic, Job(), "\ud800") == ()
    workflow.search_audit(clinic, Job(), text="x\ud800", actor="\udcff", subject="\udcff")
    with pytest.raises(UserFacingError, match=r"unlock\.wrong_passphrase"):
        workflow.people.change_passphrase(clinic, Job(), old="half \ud800", new="another passphrase")
