"""Seeing a patient: the visit, what was measured, found and prescribed, and how that stands later."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from desktop.access import Permission, require
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.records import (
    AuditAction,
    Changes,
    Coding,
    Condition,
    ConditionId,
    ConditionStatus,
    Dosage,
    Encounter,
    EncounterClass,
    EncounterId,
    EncounterStatus,
    MedicationRequest,
    MedicationRequestId,
    MedicationStatus,
    Observation,
    ObservationStatus,
    PartialDate,
    PatientId,
    RecordedObservation,
    Visit,
    new_id,
)
from desktop.store import Transaction
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.looking import looking_at_patients
from desktop.workflow.unsaved import drop_unsaved_visit
from desktop.workflow.words import plain_text


@dataclass(frozen=True)
class ConditionDraft:
    """A problem or diagnosis as the doctor words it."""

    text: str
    coding: Coding | None = None
    onset: PartialDate | None = None


@dataclass(frozen=True)
class MedicationDraft:
    """A medicine to be prescribed."""

    medication: str
    dosage: Dosage | None = None
    instruction: str = ""
    coding: Coding | None = None


@dataclass(frozen=True)
class VisitDraft:
    """A visit before it is on file. started: now, where it is not given. id: a new one, where none was chosen before;
    what the user had kept of that visit while typing is dropped with it."""

    patient: PatientId
    reason: str = ""
    note: str = ""
    started: datetime | None = None
    kind: EncounterClass = EncounterClass.AMBULATORY
    status: EncounterStatus = EncounterStatus.FINISHED
    observations: tuple[Observation, ...] = ()
    conditions: tuple[ConditionDraft, ...] = ()
    medications: tuple[MedicationDraft, ...] = ()
    id: EncounterId | None = None


@dataclass(frozen=True)
class VisitRecorded:
    """A visit now on file."""

    visit: Visit
    changes: Changes


@dataclass(frozen=True)
class ConditionChanged:
    """A problem whose status was changed. before: how it stood."""

    condition: Condition
    before: ConditionStatus
    changes: Changes


@dataclass(frozen=True)
class MedicationChanged:
    """A prescription whose status was changed. before: how it stood."""

    medication: MedicationRequest
    before: MedicationStatus
    changes: Changes


@requires(Permission.RECORD_VISITS)
def record_visit(clinic: Clinic, job: Job, visit: VisitDraft) -> VisitRecorded:
    """Put a visit on file with all that belongs to it, in one transaction.

    Diagnoses and prescriptions need the permission to prescribe besides. Raises UserFacingError (permission,
    not_found, `store.patient_merged`).
    """
    job.check()
    if visit.conditions or visit.medications:
        require(clinic.session.roles, Permission.PRESCRIBE)
    now, author = clinic.clock(), clinic.session.user.id
    encounter = Encounter(
        id=visit.id or EncounterId(new_id()),
        patient=visit.patient,
        started=visit.started or now,
        author=author,
        reason=plain_text(visit.reason),
        note=plain_text(visit.note),
        kind=visit.kind,
        status=visit.status,
    )
    conditions = tuple(
        Condition(
            ConditionId(new_id()), visit.patient, plain_text(one.text), now, author, encounter.id, one.coding, one.onset
        )
        for one in visit.conditions
    )
    medications = tuple(
        MedicationRequest(
            id=MedicationRequestId(new_id()),
            patient=visit.patient,
            medication=plain_text(one.medication),
            authored=now,
            author=author,
            encounter=encounter.id,
            coding=one.coding,
            dosage=one.dosage,
            instruction=plain_text(one.instruction),
        )
        for one in visit.medications
    )
    with clinic.store.transaction() as tx:
        tx.visits.add(encounter, visit.observations)
        for condition in conditions:
            tx.conditions.add(condition)
        for medication in medications:
            tx.medications.add(medication)
        tx.patients.touch(visit.patient)
        if visit.id is not None:
            drop_unsaved_visit(tx, author, encounter)
        tx.audit.add(AuditAction.RECORD_VISIT, encounter.id, actor=clinic.actor)
    recorded = tuple(
        RecordedObservation(encounter.id, number, one.effective or encounter.started, one)
        for number, one in enumerate(visit.observations, 1)
    )
    return VisitRecorded(Visit(encounter, recorded, conditions, medications), Changes(patients=True, visits=True))


@requires(Permission.RECORD_VISITS)
def change_visit(
    clinic: Clinic,
    job: Job,
    encounter: EncounterId,
    *,
    reason: str | None = None,
    note: str | None = None,
    status: EncounterStatus | None = None,
) -> Changes:
    """Change the words or the status of a visit; what is None stays. Raises UserFacingError (not_found)."""
    job.check()
    with clinic.store.transaction() as tx:
        old = tx.visits.get(encounter)
        tx.visits.update(
            replace(
                old,
                reason=old.reason if reason is None else plain_text(reason),
                note=old.note if note is None else plain_text(note),
                status=old.status if status is None else status,
            )
        )
        tx.audit.add(AuditAction.EDIT_VISIT, encounter, actor=clinic.actor)
    return Changes(visits=True)


@requires(Permission.RECORD_VISITS)
def add_observations(clinic: Clinic, job: Job, encounter: EncounterId, observations: Sequence[Observation]) -> Changes:
    """Add what was measured later to a visit on file. Raises UserFacingError (not_found)."""
    job.check()
    with clinic.store.transaction() as tx:
        tx.visits.append(encounter, observations)
        tx.audit.add(AuditAction.EDIT_VISIT, encounter, actor=clinic.actor)
    return Changes(visits=True)


@requires(Permission.RECORD_VISITS)
def correct_observation(
    clinic: Clinic, job: Job, wrong: RecordedObservation, right: Observation | None = None
) -> Changes:
    """Put a measurement right, or withdraw it where it was never made; the wrong one stays on file, unseen.

    right: of the same kind. Raises UserFacingError (not_found).
    """
    job.check()
    if right is None:
        correction = replace(wrong.observation, status=ObservationStatus.ENTERED_IN_ERROR, replaces=wrong.number)
    else:
        correction = replace(right, status=ObservationStatus.CORRECTED, replaces=wrong.number)
    with clinic.store.transaction() as tx:
        tx.visits.append(wrong.encounter, (correction,))
        tx.audit.add(AuditAction.EDIT_VISIT, wrong.encounter, actor=clinic.actor)
    return Changes(visits=True)


@requires(Permission.PRESCRIBE)
def set_condition_status(
    clinic: Clinic, job: Job, condition: ConditionId, status: ConditionStatus, seen: ConditionStatus | None = None
) -> ConditionChanged:
    """Say how a problem stands.

    seen: how it stood where the person looked; where somebody has changed that since, it is refused
    (`visits.status_changed`). Raises UserFacingError (not_found).
    """
    job.check()
    with clinic.store.transaction() as tx:
        old = tx.conditions.get(condition)
        if seen is not None and seen is not old.status:
            raise UserFacingError("visits.status_changed")
        new = replace(old, status=status)
        tx.conditions.update(new)
        tx.audit.add(AuditAction.EDIT_VISIT, condition, actor=clinic.actor)
    return ConditionChanged(new, old.status, Changes(visits=True))


@requires(Permission.PRESCRIBE)
def set_medication_status(
    clinic: Clinic,
    job: Job,
    medication: MedicationRequestId,
    status: MedicationStatus,
    seen: MedicationStatus | None = None,
) -> MedicationChanged:
    """Stop a medicine, or say that its course is over. seen, and what is raised: as `set_condition_status`."""
    job.check()
    with clinic.store.transaction() as tx:
        old = tx.medications.get(medication)
        if seen is not None and seen is not old.status:
            raise UserFacingError("visits.status_changed")
        new = replace(old, status=status)
        tx.medications.update(new)
        tx.audit.add(AuditAction.EDIT_VISIT, medication, actor=clinic.actor)
    return MedicationChanged(new, old.status, Changes(visits=True))


@requires(Permission.VIEW_PATIENTS)
def visits(
    clinic: Clinic, job: Job, patient: PatientId, limit: int = 50, before: datetime | None = None
) -> tuple[Visit, ...]:
    """The patient's visits, the newest first; those that began before a moment, if one is given.

    Raises UserFacingError (not_found).
    """
    job.check()
    with looking_at_patients(clinic, patient) as tx:
        return visits_of(tx, patient, limit, before)


@requires(Permission.VIEW_PATIENTS)
def observation_course(
    clinic: Clinic, job: Job, patient: PatientId, code: str, limit: int = 200
) -> tuple[RecordedObservation, ...]:
    """One kind of measurement (LOINC) over time, the newest first. Raises UserFacingError (not_found)."""
    job.check()
    with looking_at_patients(clinic, patient) as tx:
        return tuple(tx.visits.course(patient, code, limit))


def visits_of(tx: Transaction, patient: PatientId, limit: int, before: datetime | None = None) -> tuple[Visit, ...]:
    """A person's visits with all that belongs to them, the newest first."""
    conditions = tx.conditions.of_person(patient)
    medications = tx.medications.of_person(patient)
    return tuple(
        Visit(
            encounter,
            observations,
            tuple(one for one in conditions if one.encounter == encounter.id),
            tuple(one for one in medications if one.encounter == encounter.id),
        )
        for encounter, observations in tx.visits.of_person(patient, limit, before)
    )
