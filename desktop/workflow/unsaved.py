"""A registration somebody began: kept for them, sealed in the store, until it is on file or emptied."""

from dataclasses import astuple

from desktop.access import Permission
from desktop.jobs import Job
from desktop.store import UnsavedPatient
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.words import typed_text


@requires(Permission.EDIT_PATIENTS)
def keep_unsaved_patient(clinic: Clinic, job: Job, typed: UnsavedPatient | None) -> None:
    """Keep what the user has typed so far into the form for somebody new; None drops what was kept."""
    job.check()
    user = clinic.session.user.id
    with clinic.store.transaction() as tx:
        if typed is None:
            tx.unsaved_patients.clear(user)
        else:
            clean = UnsavedPatient(*(typed_text(words) for words in astuple(typed)))
            tx.unsaved_patients.save(user, clean, now=clinic.clock())


@requires(Permission.EDIT_PATIENTS)
def unsaved_patient(clinic: Clinic, job: Job) -> UnsavedPatient | None:
    """What the same user typed and did not save, however the program ended."""
    job.check()
    with clinic.store.snapshot() as tx:
        kept = tx.unsaved_patients.get(clinic.session.user.id)
    return kept[0] if kept is not None else None
