"""A clinic was restored from a backup; later its old disk turns up, with what was written there since."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from desktop import workflow
from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job
from desktop.records import HumanName, Patient, PatientField
from desktop.workflow import BroughtIn, Clinic, PatientDraft, VisitDraft

USER, PASSPHRASE = "li", "correct horse"
DRAFT = PatientDraft((HumanName("王小明"),), phones=("138 1234 5678",), village="清河村")


@dataclass
class Twins:
    """The restored clinic, open, and the folder of its old disk."""

    here: Clinic
    old_disk: Path
    patient: Patient

    def on_the_old_disk(self) -> Clinic:
        """Open the old disk, as on the day before it failed."""
        return workflow.unlock(
            self.old_disk, Job(), user=USER, passphrase=PASSPHRASE, models=workflow.load_models(), wait=None
        )

    def bring_in(self) -> BroughtIn:
        return workflow.bring_in_patients(self.here, Job(), self.old_disk, user=USER, passphrase=PASSPHRASE)


@pytest.fixture
def twins(clinic: Clinic, tmp_path: Path) -> Iterator[Twins]:
    patient = workflow.register_patient(clinic, Job(), DRAFT).patient
    folder = clinic.store.folder
    workflow.lock(clinic)
    shutil.copytree(folder, tmp_path / "old")
    here = workflow.unlock(folder, Job(), user=USER, passphrase=PASSPHRASE, models=workflow.load_models(), wait=None)
    yield Twins(here, tmp_path / "old", patient)
    assert workflow.verify(here, Job()).ok
    workflow.lock(here)


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".db-shm"
    }


def test_equal_copies_change_nothing(twins: Twins) -> None:
    before = contents(twins.old_disk)
    brought = twins.bring_in()
    assert (brought.added, brought.updated, brought.conflicts, brought.visits_left) == ((), (), (), 0)
    assert not brought.changes
    assert contents(twins.old_disk) == before


def test_what_was_only_changed_there_is_taken_and_who_is_only_there_is_added(twins: Twins) -> None:
    there = twins.on_the_old_disk()
    workflow.edit_patient(there, Job(), twins.patient.id, replace(DRAFT, village="石桥村"))
    newcomer = workflow.register_patient(there, Job(), PatientDraft((HumanName("李秀英"),))).patient
    workflow.record_visit(there, Job(), VisitDraft(newcomer.id))
    workflow.lock(there)
    namesake = workflow.register_patient(twins.here, Job(), PatientDraft((HumanName("张伟"),))).patient
    assert namesake.card_number == newcomer.card_number
    brought = twins.bring_in()
    assert (brought.added, brought.updated, brought.conflicts) == ((newcomer.id,), (twins.patient.id,), ())
    assert (brought.visits_left, brought.studies_left) == (1, 0)
    assert workflow.open_patient(twins.here, Job(), twins.patient.id).patient.village == "石桥村"
    added = workflow.open_patient(twins.here, Job(), newcomer.id).patient
    assert added.card_number not in (newcomer.card_number, "")
    found = workflow.search_patients(twins.here, Job(), newcomer.card_number)
    assert {match.patient.id for match in found} == {newcomer.id, namesake.id}
    assert not twins.bring_in().changes


def test_what_was_changed_in_both_is_kept_twice_until_somebody_settles_it(twins: Twins) -> None:
    there = twins.on_the_old_disk()
    workflow.edit_patient(there, Job(), twins.patient.id, replace(DRAFT, phones=("137 0000 0000",)))
    workflow.lock(there)
    workflow.edit_patient(twins.here, Job(), twins.patient.id, replace(DRAFT, village="石桥村"))
    (conflict,) = twins.bring_in().conflicts
    chart = workflow.open_patient(twins.here, Job(), twins.patient.id)
    assert (chart.patient.village, chart.patient.phones) == ("石桥村", DRAFT.phones)
    assert [view.conflict.id for view in chart.conflicts] == [conflict]
    assert not twins.bring_in().changes
    settled = workflow.settle_conflict(twins.here, Job(), conflict, [PatientField.PHONES]).patient
    assert (settled.village, settled.phones) == ("石桥村", ("137 0000 0000",))
    assert not twins.bring_in().changes


def test_an_older_record_there_does_not_come_back(twins: Twins) -> None:
    workflow.edit_patient(twins.here, Job(), twins.patient.id, replace(DRAFT, village="石桥村"))
    assert not twins.bring_in().changes
    assert workflow.open_patient(twins.here, Job(), twins.patient.id).patient.village == "石桥村"


def test_an_edit_of_somebody_merged_away_here_is_a_conflict_of_the_kept_record(twins: Twins) -> None:
    there = twins.on_the_old_disk()
    workflow.edit_patient(there, Job(), twins.patient.id, replace(DRAFT, phones=("137 0000 0000",)))
    workflow.lock(there)
    kept = workflow.register_patient(twins.here, Job(), PatientDraft((HumanName("王晓明"),))).patient
    workflow.merge_patients(twins.here, Job(), kept.id, twins.patient.id)
    (conflict,) = twins.bring_in().conflicts
    assert [view.conflict.id for view in workflow.open_patient(twins.here, Job(), kept.id).conflicts] == [conflict]


def test_another_clinic_and_a_wrong_passphrase_are_refused(twins: Twins, tmp_path: Path) -> None:
    with pytest.raises(UserFacingError) as wrong:
        workflow.bring_in_patients(twins.here, Job(), twins.old_disk, user=USER, passphrase="no")
    assert wrong.value.kind is ErrorKind.UNLOCK
    stranger = workflow.create_clinic(
        tmp_path / "stranger", Job(), name="N", admin=USER, passphrase=PASSPHRASE, models=workflow.load_models()
    ).clinic
    workflow.lock(stranger)
    with pytest.raises(UserFacingError) as other:
        workflow.bring_in_patients(twins.here, Job(), tmp_path / "stranger", user=USER, passphrase=PASSPHRASE)
    assert other.value.key == "merging.another_clinic"
