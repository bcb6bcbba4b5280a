"""Two records of one person: looking at both, merging them, undoing it; and edits that crossed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.records import (
    AuditAction,
    Changes,
    ConflictId,
    ConflictSettled,
    EditConflict,
    FieldChoice,
    MergeId,
    MergeMoves,
    MergePreview,
    Patient,
    PatientField,
    PatientId,
    PatientMerge,
    Side,
    combined,
    differences,
    new_id,
    suggested_choices,
    values_of,
)
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.looking import looking_at_patients


@dataclass(frozen=True)
class Merged:
    """Two records that now stand as one. patient: the one that is kept. choices: whose value was taken."""

    merge: PatientMerge
    patient: Patient
    changes: Changes


@dataclass(frozen=True)
class Unmerged:
    """A merge undone. kept, gone: both records, each standing for itself again unless another merge says otherwise."""

    merge: PatientMerge
    kept: Patient
    gone: Patient
    changes: Changes


@dataclass(frozen=True)
class ConflictView:
    """A conflict beside what is on file. differing: fields in which the losing edit says something else."""

    conflict: EditConflict
    differing: tuple[PatientField, ...]


@dataclass(frozen=True)
class Settled:
    """A conflict that was settled, and the record as it now is."""

    patient: Patient
    changes: Changes


@requires(Permission.MERGE_PATIENTS)
def merge_preview(
    clinic: Clinic,
    job: Job,
    kept: PatientId,
    gone: PatientId,
    choices: Mapping[PatientField, Side] | None = None,
) -> MergePreview:
    """Both records, where they differ, what would stand afterwards, and what moves with the one that goes. Each that
    was not opened before is a line of the audit trail.

    choices: fields chosen otherwise than suggested. Raises UserFacingError (not_found, `merging.same`,
    `store.patient_merged`).
    """
    job.check()
    with looking_at_patients(clinic, kept, gone) as tx:
        preview = _preview(tx, kept, gone, choices or {})
        moves = MergeMoves(len(tx.studies.for_patient(gone)), tx.visits.count(gone), len(tx.documents.of_person(gone)))
    return replace(preview, moves=moves)


@requires(Permission.MERGE_PATIENTS)
def merge_patients(
    clinic: Clinic,
    job: Job,
    kept: PatientId,
    gone: PatientId,
    choices: Mapping[PatientField, Side] | None = None,
    previewed: MergePreview | None = None,
) -> Merged:
    """Let one record stand for the other too. Nothing is lost, and `unmerge` undoes it.

    choices: fields chosen otherwise than suggested. previewed: what the person decided on; where either record has
    changed since, it is refused (`merging.changed`). Raises also UserFacingError (not_found, `merging.same`,
    `store.patient_merged`).
    """
    job.check()
    with clinic.store.transaction() as tx:
        now = _preview(tx, kept, gone, choices or {})
        if previewed is not None and (previewed.kept_version, previewed.gone_version) != (
            now.kept_version,
            now.gone_version,
        ):
            raise UserFacingError("merging.changed")
        chosen = {**suggested_choices(now.kept, now.gone), **(choices or {})}
        merge = PatientMerge(
            id=MergeId(new_id()),
            kept=kept,
            gone=gone,
            decided=clinic.clock(),
            author=clinic.session.user.id,
            choices=tuple(FieldChoice(field, chosen[field]) for field in PatientField if field in chosen),
        )
        patient = tx.merges.merge(merge)
        tx.patients.touch(kept)
        tx.audit.add(AuditAction.MERGE_PATIENTS, merge.id, actor=clinic.actor)
    return Merged(merge, patient, Changes(patients=True, studies=True, visits=True, consents=True))


@requires(Permission.MERGE_PATIENTS)
def unmerge(clinic: Clinic, job: Job, what: str) -> Unmerged:
    """Undo a merge: both records are as they were, but for what somebody changed meanwhile, which stays.

    what: the record that was merged away, the merge itself, or the kept record where only one was merged into it.
    Raises UserFacingError (not_found, `merging.not_merged`, `merging.which`, `store.merge_undone`).
    """
    job.check()
    with clinic.store.transaction() as tx:
        merge = _merge_meant(tx, what)
        undo = PatientMerge(
            id=MergeId(new_id()),
            kept=merge.kept,
            gone=merge.gone,
            decided=clinic.clock(),
            author=clinic.session.user.id,
            undoes=merge.id,
        )
        kept = tx.merges.undo(undo)
        tx.audit.add(AuditAction.UNMERGE_PATIENTS, undo.id, actor=clinic.actor)
        gone = tx.patients.get(merge.gone)
    return Unmerged(undo, kept, gone, Changes(patients=True, studies=True, visits=True, consents=True))


@requires(Permission.VIEW_PATIENTS)
def merges(clinic: Clinic, job: Job, patient: PatientId) -> tuple[PatientMerge, ...]:
    """Every merge and undoing this very record took part in, the oldest first. Raises UserFacingError (not_found)."""
    job.check()
    with looking_at_patients(clinic, patient) as tx:
        return tuple(tx.merges.history(patient))


@requires(Permission.VIEW_PATIENTS)
def conflicts(clinic: Clinic, job: Job, patient: PatientId) -> tuple[ConflictView, ...]:
    """The edits of a patient's record that crossed and wait for a decision, the oldest first.

    Raises UserFacingError (not_found).
    """
    job.check()
    with looking_at_patients(clinic, patient) as tx:
        return open_conflicts(tx, tx.patients.standing(patient))


@requires(Permission.EDIT_PATIENTS)
def settle_conflict(
    clinic: Clinic, job: Job, conflict: ConflictId, take: Collection[PatientField] = (), base: str | None = None
) -> Settled:
    """End a conflict: what is on file stays, but for the fields in which the losing edit is followed after all.

    base: version of the record the person looked at; where it has changed since, it is refused (`merging.changed`).
    The losing edit stays on file. Raises UserFacingError (not_found, `store.conflict_settled`).
    """
    job.check()
    with clinic.store.transaction() as tx:
        lost = tx.conflicts.get(conflict)
        old = tx.patients.standing(lost.patient)
        if base is not None and base != tx.patients.version(old.id):
            raise UserFacingError("merging.changed")
        taken = tuple(field for field in PatientField if field in take)
        tx.conflicts.settle(ConflictSettled(conflict, taken, clinic.clock(), clinic.session.user.id))
        new = combined(old, lost.losing, dict.fromkeys(taken, Side.SECOND))
        if new != old:
            tx.patients.update(new)
        tx.audit.add(AuditAction.SETTLE_CONFLICT, f"{conflict}/settled", actor=clinic.actor)
    return Settled(new, Changes(patients=True))


def open_conflicts(tx: Transaction, standing: Patient) -> tuple[ConflictView, ...]:
    """A person's open conflicts beside the record that stands."""
    return tuple(
        ConflictView(
            conflict,
            tuple(field for field in PatientField if values_of(conflict.losing, field) != values_of(standing, field)),
        )
        for conflict in tx.conflicts.open_of_person(standing.id)
    )


def _preview(tx: Transaction, kept: PatientId, gone: PatientId, choices: Mapping[PatientField, Side]) -> MergePreview:
    if kept == gone:
        raise UserFacingError("merging.same")
    for patient in (kept, gone):
        tx.patients.must_be_open(patient)
    first, second = tx.patients.get(kept), tx.patients.get(gone)
    return MergePreview(
        first,
        second,
        differences(first, second),
        combined(first, second, {**suggested_choices(first, second), **choices}),
        tx.patients.version(kept),
        tx.patients.version(gone),
    )


def _merge_meant(tx: Transaction, what: str) -> PatientMerge:
    """The merge of that id, or the one by which the record of that id is gone, or the only one into it."""
    found = tx.merges.find(MergeId(what)) or tx.merges.holding(PatientId(what))
    if found is not None:
        return found
    into = [merge for merge in tx.merges.of_person(PatientId(what)) if merge.kept == what]
    if len(into) > 1:
        raise UserFacingError("merging.which")
    if not into:
        raise UserFacingError("merging.not_merged")
    return into[0]
