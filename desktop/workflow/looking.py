"""Looks at what is on file, as the audit trail tells them: each record that is opened is a line.

Opening a chart or a study always leaves one. What a person then sees of it (older visits, a course, conflicts, what the
models said) adds none; whoever comes to that by another way leaves the line there. Lists that only say who is on file
(a search, the worklist, possible duplicates, consents that ran out) leave none.
"""

import contextlib
from collections.abc import Iterator

from desktop.records import AuditAction, PatientId, StudyId
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic


@contextlib.contextmanager
def looking_at_patients(clinic: Clinic, *patients: PatientId) -> Iterator[Transaction]:
    """Read patients' records; a line for each that was not opened since unlocking.

    Raises UserFacingError (not_found).
    """
    if all(clinic.sitting.has_seen(AuditAction.VIEW_PATIENT, patient) for patient in patients):
        with clinic.store.snapshot() as tx:
            yield tx
        return
    with clinic.store.transaction() as tx:
        standing = tuple(tx.patients.standing(patient).id for patient in patients)
        yield tx
        for record in dict.fromkeys(standing):
            if not clinic.sitting.has_seen(AuditAction.VIEW_PATIENT, record):
                tx.audit.add(AuditAction.VIEW_PATIENT, record, actor=clinic.actor)
    clinic.sitting.saw(AuditAction.VIEW_PATIENT, *patients, *standing)


@contextlib.contextmanager
def looking_at_study(clinic: Clinic, study: StudyId) -> Iterator[Transaction]:
    """Read what is on file of a study; a line where it was not opened since unlocking."""
    if clinic.sitting.has_seen(AuditAction.VIEW_STUDY, study):
        with clinic.store.snapshot() as tx:
            yield tx
        return
    with clinic.store.transaction() as tx:
        yield tx
        tx.audit.add(AuditAction.VIEW_STUDY, study, actor=clinic.actor)
    clinic.sitting.saw(AuditAction.VIEW_STUDY, study)
