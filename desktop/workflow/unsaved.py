"""What somebody began to type: kept for them, sealed in the store, until it is on file, emptied or discarded."""

from dataclasses import astuple, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.records import Encounter, EncounterId, Patient, PatientId, UserId
from desktop.store import Transaction, Unsaved, UnsavedEdit, UnsavedPatient, UnsavedVisit
from desktop.workflow.clinic import Clinic, Session, requires
from desktop.workflow.words import typed_text

F = TypeVar("F", UnsavedPatient, UnsavedEdit, UnsavedVisit)


class UnsavedKind(StrEnum):
    """What was begun about somebody on file."""

    EDIT = "edit"
    VISIT = "visit"


@dataclass(frozen=True)
class UnsavedWork:
    """Something a user began about a patient and did not put on file. saved: when the last of it was typed."""

    patient: Patient
    form: UnsavedEdit | UnsavedVisit
    saved: datetime

    @property
    def kind(self) -> UnsavedKind:
        """What was begun."""
        return UnsavedKind.EDIT if isinstance(self.form, UnsavedEdit) else UnsavedKind.VISIT


@requires(Permission.EDIT_PATIENTS)
def keep_unsaved_patient(clinic: Clinic, job: Job, typed: UnsavedPatient | None) -> None:
    """Keep what the user has typed so far into the form for somebody new; None drops what was kept."""
    job.check()
    user = clinic.session.user.id
    with clinic.store.transaction() as tx:
        if typed is None:
            tx.unsaved.clear(user, UnsavedPatient)
        else:
            tx.unsaved.save(user, _clean_patient(typed), now=clinic.clock())


@requires(Permission.EDIT_PATIENTS)
def unsaved_patient(clinic: Clinic, job: Job) -> UnsavedPatient | None:
    """What the same user typed and did not save, however the program ended."""
    job.check()
    with clinic.store.snapshot() as tx:
        kept = tx.unsaved.get(clinic.session.user.id, UnsavedPatient)
    return kept.form if kept is not None else None


@requires(Permission.EDIT_PATIENTS)
def keep_unsaved_edit(clinic: Clinic, job: Job, patient: PatientId, typed: UnsavedEdit | None) -> None:
    """Keep the changes a user is typing to a record on file; None drops them. Raises UserFacingError (not_found)."""
    job.check()
    user = clinic.session.user.id
    with clinic.store.transaction() as tx:
        place = _place(tx, user, UnsavedEdit, patient)
        if typed is None:
            tx.unsaved.clear(user, UnsavedEdit, place)
        else:
            tx.unsaved.save(user, replace(typed, form=_clean_patient(typed.form)), place, now=clinic.clock())


@requires(Permission.RECORD_VISITS)
def keep_unsaved_visit(clinic: Clinic, job: Job, patient: PatientId, typed: UnsavedVisit | None) -> None:
    """Keep a visit a user is typing; None drops it, and so does that very visit being on file by now.

    Raises UserFacingError (not_found).
    """
    job.check()
    user = clinic.session.user.id
    with clinic.store.transaction() as tx:
        place = _place(tx, user, UnsavedVisit, patient)
        if typed is None or _on_file(tx, typed.encounter):
            tx.unsaved.clear(user, UnsavedVisit, place)
        else:
            clean = UnsavedVisit(typed.encounter, *(typed_text(words) for words in astuple(typed)[1:]))
            tx.unsaved.save(user, clean, place, now=clinic.clock())


@requires(Permission.VIEW_PATIENTS)
def unsaved_work(clinic: Clinic, job: Job) -> tuple[UnsavedWork, ...]:
    """What the same user began about patients on file and did not save, the latest typed first."""
    job.check()
    with clinic.store.snapshot() as tx:
        kept = [
            (tx.patients.standing(one.patient), one) for one in _kept(tx, clinic.session) if one.patient is not None
        ]
    work = [UnsavedWork(patient, one.form, one.saved) for patient, one in kept]
    return tuple(sorted(work, key=lambda one: one.saved, reverse=True))


def unsaved_about(tx: Transaction, session: Session, patient: Patient) -> tuple[UnsavedWork, ...]:
    """What a user began about a person, under whichever of the person's records; the latest of each kind."""
    ids = _ids(tx, patient.id)
    found: dict[UnsavedKind, UnsavedWork] = {}
    for kept in _kept(tx, session):
        work = UnsavedWork(patient, kept.form, kept.saved)
        if kept.patient in ids:
            found.setdefault(work.kind, work)
    return tuple(found.values())


def _kept(tx: Transaction, session: Session) -> list[Unsaved[UnsavedEdit] | Unsaved[UnsavedVisit]]:
    """What the user may go on with."""
    user = session.user.id
    kept: list[Unsaved[UnsavedEdit] | Unsaved[UnsavedVisit]] = []
    if session.may(Permission.RECORD_VISITS):
        kept += tx.unsaved.all(user, UnsavedVisit)
    if session.may(Permission.EDIT_PATIENTS):
        kept += tx.unsaved.all(user, UnsavedEdit)
    return kept


def drop_unsaved_edit(tx: Transaction, user: UserId, patient: PatientId) -> None:
    """The user's changes to a record are on file."""
    tx.unsaved.clear(user, UnsavedEdit, _place(tx, user, UnsavedEdit, patient))


def drop_unsaved_visit(tx: Transaction, user: UserId, visit: Encounter) -> None:
    """The visit the user was typing is on file."""
    place = _place(tx, user, UnsavedVisit, visit.patient)
    kept = tx.unsaved.get(user, UnsavedVisit, place)
    if kept is not None and kept.form.encounter == visit.id:
        tx.unsaved.clear(user, UnsavedVisit, place)


def _place(tx: Transaction, user: UserId, kind: type[F], patient: PatientId) -> PatientId:
    """Under which of a person's records the latest is kept, or will be: two may have been merged since."""
    ids = _ids(tx, patient)
    return next((one.patient for one in tx.unsaved.all(user, kind) if one.patient in ids), ids[0])


def _ids(tx: Transaction, patient: PatientId) -> tuple[PatientId, ...]:
    """The record that stands for a person, and those it stands for."""
    standing = tx.patients.standing(patient)
    return (standing.id, *(gone.id for gone in tx.patients.stood_for(standing.id)))


def _on_file(tx: Transaction, encounter: EncounterId) -> bool:
    try:
        tx.visits.get(encounter)
    except UserFacingError:
        return False
    return True


def _clean_patient(typed: UnsavedPatient) -> UnsavedPatient:
    return UnsavedPatient(*(typed_text(words) for words in astuple(typed)))
