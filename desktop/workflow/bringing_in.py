"""What was written in another copy of this clinic after the backup it was restored from."""

from dataclasses import dataclass, replace
from pathlib import Path

from desktop import vault
from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.exports.fhir_patient import CARD_SYSTEM
from desktop.jobs import Job
from desktop.records import (
    AuditAction,
    Changes,
    ConflictId,
    EditConflict,
    Identifier,
    Patient,
    PatientId,
    new_id,
)
from desktop.store import Transaction
from desktop.store.other_copy import PatientThere, other_copy
from desktop.workflow.clinic import Clinic, requires


@dataclass(frozen=True)
class BroughtIn:
    """What became of the other copy's patients.

    added: nobody knew them here. updated: unchanged here since, so the later record was taken. conflicts: changed in
    both; both are kept until somebody settles it. visits_left, studies_left: how many are only in the other copy; they
    are not brought in.
    """

    added: tuple[PatientId, ...]
    updated: tuple[PatientId, ...]
    conflicts: tuple[ConflictId, ...]
    visits_left: int
    studies_left: int
    changes: Changes


@requires(Permission.MERGE_PATIENTS)
def bring_in_patients(clinic: Clinic, job: Job, folder: Path, *, user: str, passphrase: str) -> BroughtIn:
    """Take over what other people wrote about patients in another copy of this clinic, without a silent winner.

    The copy is only read. In one transaction; doing it twice changes nothing more. user, passphrase: what opens the
    copy. Raises UserFacingError (unlock, `merging.another_clinic`), KnownFailure where the copy is damaged.
    """
    unlocked = vault.unlock(folder, user, passphrase, touch=False)
    try:
        if unlocked.store_id != clinic.store.store_id:
            raise UserFacingError("merging.another_clinic")
        added: list[PatientId] = []
        updated: list[PatientId] = []
        conflicts: list[ConflictId] = []
        with other_copy(folder, unlocked) as copy, clinic.store.transaction() as tx:
            total = copy.count()
            for done, there in enumerate(copy.patients()):
                job.report("workflow.progress.comparing", done, total)
                _bring_in(clinic, tx, there, added, updated, conflicts)
            visits = sum(tx.visits.unknown(ids) for ids in copy.ids("encounters"))
            studies = sum(tx.studies.unknown(ids) for ids in copy.ids("imaging_studies"))
    finally:
        unlocked.close()
    changed = bool(added or updated or conflicts)
    return BroughtIn(tuple(added), tuple(updated), tuple(conflicts), visits, studies, Changes(patients=changed))


def _bring_in(
    clinic: Clinic,
    tx: Transaction,
    there: PatientThere,
    added: list[PatientId],
    updated: list[PatientId],
    conflicts: list[ConflictId],
) -> None:
    """One patient of the other copy: new, later, earlier or diverged."""
    identity = there.record.id
    past = tx.patients.past_versions(identity)
    if not past:
        tx.patients.add(_with_free_card(tx, there.record))
        tx.audit.add(AuditAction.ADD_PATIENT, identity, actor=clinic.actor)
        added.append(identity)
        return
    known = tx.patients.get(identity)
    record = _with_card(there.record, known.card_number)
    if there.version in past or record == known or tx.conflicts.knows(identity, record):
        return  # what is on file here came later, or it was brought in before
    here = tx.patients.version(identity)
    if here in there.past and tx.patients.standing(identity).id == identity:
        tx.patients.update(record)
        tx.audit.add(AuditAction.EDIT_PATIENT, identity, actor=clinic.actor)
        updated.append(identity)
        return
    conflict = EditConflict(
        ConflictId(new_id()), identity, there.version, here, record, clinic.clock(), clinic.session.user.id
    )
    tx.conflicts.add(conflict)
    tx.audit.add(AuditAction.KEEP_CONFLICT, conflict.id, actor=clinic.actor)
    conflicts.append(conflict.id)


def _with_free_card(tx: Transaction, record: Patient) -> Patient:
    """Somebody new under the card number they have, unless it was given to somebody else here meanwhile."""
    taken = tx.patients.card_is_taken(record.card_number)
    return _with_card(record, tx.patients.next_card_number()) if taken else record


def _with_card(record: Patient, card_number: str) -> Patient:
    """The record under another card number; the old one is still on the patient's card, so it stays findable."""
    if record.card_number in ("", card_number):
        return replace(record, card_number=card_number)
    old_card = Identifier(record.card_number, CARD_SYSTEM)
    return replace(record, card_number=card_number, identifiers=(*record.identifiers, old_card))
