"""Registering, finding and opening patients."""

from dataclasses import dataclass, replace

from desktop.access import Permission
from desktop.exports.fhir_patient import patient_from_fhir, patient_to_fhir
from desktop.jobs import Job
from desktop.records import (
    AllergyIntolerance,
    AuditAction,
    Changes,
    DuplicateCandidate,
    HumanName,
    Identifier,
    PartialDate,
    Patient,
    PatientId,
    PatientMatch,
    Sex,
    StudySummary,
    new_id,
)
from desktop.workflow.clinic import Clinic, requires


@dataclass(frozen=True)
class PatientDraft:
    """What was typed or read before the clinic gave it an id and a card number."""

    names: tuple[HumanName, ...]
    sex: Sex = Sex.UNKNOWN
    birth_date: PartialDate | None = None
    phones: tuple[str, ...] = ()
    village: str = ""
    identifiers: tuple[Identifier, ...] = ()
    allergies: tuple[AllergyIntolerance, ...] = ()
    no_known_allergies: bool = False
    synthetic: bool = False

    def as_patient(self, patient: PatientId, card_number: str = "") -> Patient:
        """The record this draft becomes. Raises ValueError where it cannot be valid."""
        return Patient(
            id=patient,
            names=self.names,
            sex=self.sex,
            birth_date=self.birth_date,
            phones=self.phones,
            village=self.village,
            identifiers=self.identifiers,
            allergies=self.allergies,
            no_known_allergies=self.no_known_allergies,
            card_number=card_number,
            synthetic=self.synthetic,
        )


@dataclass(frozen=True)
class Registered:
    """A patient now on file, and who else it may be."""

    patient: Patient
    duplicates: tuple[DuplicateCandidate, ...]
    changes: Changes


@dataclass(frozen=True)
class Edited:
    """A patient whose record was changed."""

    patient: Patient
    changes: Changes


@dataclass(frozen=True)
class PatientChart:
    """One patient and what was taken of them, newest first."""

    patient: Patient
    studies: tuple[StudySummary, ...]


@requires(Permission.EDIT_PATIENTS)
def register_patient(clinic: Clinic, job: Job, draft: PatientDraft) -> Registered:
    """Put a patient on file; possible duplicates are told, never refused."""
    job.check()
    with clinic.store.transaction() as tx:
        patient = draft.as_patient(PatientId(new_id()), tx.patients.next_card_number())
        duplicates = tuple(tx.patients.duplicates(patient))
        tx.patients.add(patient)
        tx.audit.add(AuditAction.ADD_PATIENT, patient.id, actor=clinic.actor)
    return Registered(patient, duplicates, Changes(patients=True))


@requires(Permission.EDIT_PATIENTS)
def register_fhir_patient(clinic: Clinic, job: Job, resource: object) -> Registered:
    """Put a patient on file from a FHIR R4 Patient. The clinic gives its own id. Raises UserFacingError (bad_input)."""
    read = patient_from_fhir(resource, today=clinic.clock().date())
    draft = PatientDraft(
        names=read.names,
        sex=read.sex,
        birth_date=read.birth_date,
        phones=read.phones,
        village=read.village,
        identifiers=read.identifiers,
        allergies=read.allergies,
        no_known_allergies=read.no_known_allergies,
    )
    return register_patient(clinic, job, draft)


@requires(Permission.VIEW_PATIENTS)
def fhir_patient(clinic: Clinic, job: Job, patient: PatientId) -> dict[str, object]:
    """The patient as a FHIR R4 Patient resource. Raises UserFacingError (not_found)."""
    job.check()
    with clinic.store.snapshot() as tx:
        return patient_to_fhir(tx.patients.get(patient))


@requires(Permission.VIEW_PATIENTS)
def possible_duplicates(clinic: Clinic, job: Job, draft: PatientDraft) -> tuple[DuplicateCandidate, ...]:
    """Who on file the draft may be, best first; asked while the form is being typed."""
    job.check()
    with clinic.store.snapshot() as tx:
        return tuple(tx.patients.duplicates(draft.as_patient(PatientId(new_id()))))


@requires(Permission.EDIT_PATIENTS)
def edit_patient(clinic: Clinic, job: Job, patient: PatientId, draft: PatientDraft) -> Edited:
    """Replace what is on file, keeping the id and the card number. Raises UserFacingError (not_found)."""
    job.check()
    with clinic.store.transaction() as tx:
        old = tx.patients.get(patient)
        new = replace(draft, synthetic=old.synthetic).as_patient(patient, old.card_number)
        tx.patients.update(new)
        tx.audit.add(AuditAction.EDIT_PATIENT, patient, actor=clinic.actor)
    return Edited(new, Changes(patients=True))


@requires(Permission.VIEW_PATIENTS)
def search_patients(clinic: Clinic, job: Job, text: str, limit: int = 50) -> tuple[PatientMatch, ...]:
    """Whoever fits every word of the text in any field; empty text gives the most recent."""
    job.check()
    with clinic.store.snapshot() as tx:
        found = tx.patients.search(text, limit) if text.strip() else tx.patients.recent(limit)
        return tuple(found)


@requires(Permission.VIEW_PATIENTS)
def recent_patients(clinic: Clinic, job: Job, limit: int = 20) -> tuple[PatientMatch, ...]:
    """Who was seen last."""
    job.check()
    with clinic.store.snapshot() as tx:
        return tuple(tx.patients.recent(limit))


@requires(Permission.VIEW_PATIENTS)
def open_patient(clinic: Clinic, job: Job, patient: PatientId) -> PatientChart:
    """A patient's page; the look is written into the audit trail. Raises UserFacingError (not_found)."""
    job.check()
    with clinic.store.transaction() as tx:
        record = tx.patients.get(patient)
        studies = tuple(tx.studies.for_patient(patient))
        tx.patients.touch(patient)
        tx.audit.add(AuditAction.VIEW_PATIENT, patient, actor=clinic.actor)
    return PatientChart(record, studies)


@requires(Permission.VIEW_IMAGES)
def worklist(clinic: Clinic, job: Job, limit: int = 50) -> tuple[StudySummary, ...]:
    """Studies of every patient, those without a signed report first, newest first."""
    job.check()
    with clinic.store.snapshot() as tx:
        return tuple(tx.studies.worklist(limit))
