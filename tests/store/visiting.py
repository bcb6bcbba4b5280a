"""A patient with a visit and everything around it, for tests of the store."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from desktop.records import (
    Condition,
    ConditionId,
    ConflictId,
    ConflictSettled,
    Consent,
    ConsentDecision,
    ConsentId,
    ConsentPurpose,
    ConsentTerms,
    DocumentId,
    DocumentKind,
    DocumentReference,
    Dosage,
    EditConflict,
    Encounter,
    EncounterId,
    FieldChoice,
    MedicationRequest,
    MedicationRequestId,
    MergeId,
    Observation,
    Patient,
    PatientId,
    PatientMerge,
    UserId,
    new_id,
    suggested_choices,
)
from desktop.records.audit import AuditAction
from desktop.store import Store
from tests.store.helpers import NOW, add_patient, full_patient, import_file, patient

TESTER = UserId("tester")
TEMPERATURE, PULSE, SYSTOLIC, DIASTOLIC = "8310-5", "8867-4", "8480-6", "8462-4"


@dataclass(frozen=True)
class Seen:
    """What `see_a_patient` left in the store. gone: somebody who was merged into the patient and out again."""

    patient: Patient
    gone: Patient
    encounter: Encounter
    merge: MergeId
    conflict: ConflictId


def encounter_of(owner: PatientId, started: datetime = NOW, reason: str = "咳嗽三天") -> Encounter:
    return Encounter(EncounterId(new_id()), owner, started, TESTER, reason, "右下肺湿啰音")


def vitals(temperature: float = 38.5) -> tuple[Observation, ...]:
    return (
        Observation(TEMPERATURE, temperature, "Cel"),
        Observation(PULSE, 104, "/min"),
        Observation(SYSTOLIC, 96, "mm[Hg]"),
        Observation(DIASTOLIC, 61, "mm[Hg]"),
    )


def record_visit(store: Store, owner: PatientId, started: datetime = NOW, temperature: float = 38.5) -> Encounter:
    encounter = encounter_of(owner, started)
    with store.transaction() as tx:
        tx.visits.add(encounter, vitals(temperature))
        tx.audit.add(AuditAction.RECORD_VISIT, encounter.id, actor=TESTER)
    return encounter


def consent_of(owner: PatientId, purpose: ConsentPurpose, decision: ConsentDecision) -> Consent:
    terms = ConsentTerms(owner, purpose, decision, decided_by="母亲")
    return Consent.of(terms, ConsentId(new_id()), decided=NOW, author=TESTER)


def merge(store: Store, kept: PatientId, gone: PatientId) -> MergeId:
    """Merge with the suggested fields."""
    with store.transaction() as tx:
        choices = suggested_choices(tx.patients.get(kept), tx.patients.get(gone))
        wanted = PatientMerge(
            MergeId(new_id()),
            kept,
            gone,
            NOW,
            TESTER,
            tuple(FieldChoice(field, side) for field, side in choices.items()),
        )
        tx.merges.merge(wanted)
        tx.audit.add(AuditAction.MERGE_PATIENTS, wanted.id, actor=TESTER)
    return wanted.id


def unmerge(store: Store, merged: MergeId) -> None:
    with store.transaction() as tx:
        done = tx.merges.get(merged)
        undo = PatientMerge(MergeId(new_id()), done.kept, done.gone, NOW, TESTER, undoes=merged)
        tx.merges.undo(undo)
        tx.audit.add(AuditAction.UNMERGE_PATIENTS, undo.id, actor=TESTER)


def see_a_patient(store: Store) -> Seen:
    """A visit with all its parts, a consent, a merge that was undone, a conflict that was settled: every table of
    records of patients holds something afterwards."""
    owner = add_patient(store, full_patient())
    attachment, _ = import_file(store, owner)
    encounter = record_visit(store, owner.id)
    with store.transaction() as tx:
        tx.conditions.add(Condition(ConditionId(new_id()), owner.id, "肺炎", NOW, TESTER, encounter.id))
        tx.medications.add(
            MedicationRequest(
                MedicationRequestId(new_id()),
                owner.id,
                "阿莫西林",
                NOW,
                TESTER,
                encounter.id,
                dosage=Dosage(250, "mg", 3, days=5),
            )
        )
        document = DocumentReference(
            DocumentId(new_id()), owner.id, attachment.id, DocumentKind.REFERRAL, "转诊单", NOW, TESTER
        )
        tx.documents.add(document)
        tx.consents.add(consent_of(owner.id, ConsentPurpose.TEACHING, ConsentDecision.GIVEN))
        version = tx.patients.version(owner.id)
        conflict = EditConflict(
            ConflictId(new_id()), owner.id, "00" * 32, version, full_patient(), NOW + timedelta(hours=1), TESTER
        )
        tx.conflicts.add(conflict)
        tx.conflicts.settle(ConflictSettled(conflict.id, (), NOW + timedelta(hours=2), TESTER))
        tx.audit.add(AuditAction.RECORD_VISIT, encounter.id, actor=TESTER)
    gone = add_patient(store, patient("王晓明", phones=("13900001111",)))
    merged = merge(store, owner.id, gone.id)
    unmerge(store, merged)
    return Seen(owner, gone, encounter, merged, conflict.id)
