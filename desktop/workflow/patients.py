"""Registering, finding, editing and opening patients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.exports.fhir_patient import is_own_card, patient_from_fhir, patient_to_fhir, version_in_fhir
from desktop.jobs import Job
from desktop.records import (
    AllergyIntolerance,
    AuditAction,
    Changes,
    Condition,
    ConflictId,
    ConsentState,
    DocumentReference,
    DuplicateCandidate,
    EditConflict,
    HumanName,
    Identifier,
    MedicationRequest,
    PartialDate,
    Patient,
    PatientId,
    PatientMatch,
    PatientMerge,
    Sex,
    StudySummary,
    UserId,
    Visit,
    consent_states,
    new_id,
)
from desktop.store import Filing, filing_of
from desktop.workflow.clinic import Clinic, open_to_all, requires
from desktop.workflow.merging import ConflictView, open_conflicts
from desktop.workflow.unsaved import UnsavedWork, drop_unsaved_edit, unsaved_about
from desktop.workflow.visits import visits_of
from desktop.workflow.words import plain_line

VISITS_ON_A_CHART = 50


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

    @classmethod
    def of(cls, patient: Patient) -> "PatientDraft":
        """What a record says, without what the clinic gave it."""
        return cls(
            names=patient.names,
            sex=patient.sex,
            birth_date=patient.birth_date,
            phones=patient.phones,
            village=patient.village,
            identifiers=patient.identifiers,
            allergies=patient.allergies,
            no_known_allergies=patient.no_known_allergies,
            synthetic=patient.synthetic,
        )

    def as_patient(self, patient: PatientId, card_number: str = "") -> Patient:
        """The record this draft becomes, its texts without what no text may contain.

        Raises UserFacingError `patients.name_unreadable` where nothing of the name is left, ValueError where it cannot
        be valid.
        """
        return Patient(
            id=patient,
            names=_clean_names(self.names),
            sex=self.sex,
            birth_date=self.birth_date,
            phones=_clean_lines(self.phones),
            village=plain_line(self.village),
            identifiers=tuple(
                Identifier(value, plain_line(one.system))
                for one in self.identifiers
                if (value := plain_line(one.value))
            ),
            allergies=tuple(
                AllergyIntolerance(substance, plain_line(one.reaction))
                for one in self.allergies
                if (substance := plain_line(one.substance))
            ),
            no_known_allergies=self.no_known_allergies,
            card_number=card_number,
            synthetic=self.synthetic,
        )


def _clean_lines(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(clean for line in lines if (clean := plain_line(line)))


def _clean_names(names: Sequence[HumanName]) -> tuple[HumanName, ...]:
    """The names that are still there without what no text may contain. Raises UserFacingError where none is."""
    cleaned = ((plain_line(name.text), plain_line(name.family), _clean_lines(name.given)) for name in names)
    found = tuple(HumanName(*parts) for parts in cleaned if any(parts))
    if names and not found:
        raise UserFacingError("patients.name_unreadable")
    return found


@dataclass(frozen=True)
class Registered:
    """A patient now on file, and who else it may be."""

    patient: Patient
    duplicates: tuple[DuplicateCandidate, ...]
    changes: Changes


@dataclass(frozen=True)
class GroupRead:
    """What resources of a group tell, in order: somebody new and where the record will be filed, or why it cannot be
    read."""

    results: tuple[tuple[Patient, Filing] | UserFacingError, ...]


@dataclass(frozen=True)
class GroupRegistered:
    """What became of each resource of a group, in order: on file, or why it could not be."""

    results: tuple[Patient | UserFacingError, ...]
    changes: Changes


@dataclass(frozen=True)
class Edited:
    """A patient whose record was changed.

    patient: as it now is on file. version: SHA-256 (hex) of that. conflict: set where somebody else had changed the
    record meanwhile; then theirs stays on file, and this edit is kept beside it until somebody settles it.
    """

    patient: Patient
    changes: Changes
    version: str = ""
    conflict: EditConflict | None = None


@dataclass(frozen=True)
class PatientChart:
    """One patient and everything on file about them, newest first.

    version: of the record, for an edit to say what it is based on. visits: the latest; more_visits: there are older
    ones. merges: by which other records came under this one; merged: those records. conflicts: edits that crossed and
    wait for a decision. unsaved: what whoever looks began about the patient and did not put on file. colleagues: what
    the clinic's users are called, for "by whom".
    """

    patient: Patient
    studies: tuple[StudySummary, ...]
    version: str = ""
    visits: tuple[Visit, ...] = ()
    more_visits: bool = False
    conditions: tuple[Condition, ...] = ()
    medications: tuple[MedicationRequest, ...] = ()
    documents: tuple[DocumentReference, ...] = ()
    consents: tuple[ConsentState, ...] = ()
    merges: tuple[PatientMerge, ...] = ()
    merged: tuple[Patient, ...] = ()
    conflicts: tuple[ConflictView, ...] = ()
    unsaved: tuple[UnsavedWork, ...] = ()
    colleagues: Mapping[UserId, str] = field(default_factory=dict)


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
    return register_patient(clinic, job, PatientDraft.of(_new_patient(clinic, resource)))


@requires(Permission.EDIT_PATIENTS)
def read_fhir_group(clinic: Clinic, job: Job, resources: Sequence[object]) -> GroupRead:
    """Read many FHIR R4 Patients. Nothing is on file yet, so the next group can be read while one is written."""
    job.check()
    results: list[tuple[Patient, Filing] | UserFacingError] = []
    for resource in resources:
        try:
            patient = _new_patient(clinic, resource)
        except UserFacingError as error:
            results.append(error)
        else:
            results.append((patient, filing_of(patient)))
    return GroupRead(tuple(results))


@requires(Permission.EDIT_PATIENTS)
def register_group(clinic: Clinic, job: Job, group: GroupRead) -> GroupRegistered:
    """Put many patients on file in one transaction, without looking for duplicates.

    A resource that could not be read spoils nothing for the others. Raises KnownFailure of the disk; then none is on
    file.
    """
    job.check()
    read = [result for result in group.results if not isinstance(result, UserFacingError)]
    with clinic.store.transaction() as tx:
        numbers = tx.patients.next_card_numbers(len(read))
        patients = [replace(patient, card_number=number) for (patient, _), number in zip(read, numbers, strict=True)]
        filings = [filing.with_card(number) for (_, filing), number in zip(read, numbers, strict=True)]
        tx.patients.add_all(patients, filings)
        tx.audit.add_all(AuditAction.ADD_PATIENT, [patient.id for patient in patients], actor=clinic.actor)
    on_file = iter(patients)
    results = tuple(result if isinstance(result, UserFacingError) else next(on_file) for result in group.results)
    return GroupRegistered(results, Changes(patients=True))


def _new_patient(clinic: Clinic, resource: object) -> Patient:
    """Whom a FHIR resource tells of, somebody new; whether a person is real is not taken from it."""
    return replace(patient_from_fhir(resource, today=clinic.clock().date()), synthetic=False)


@requires(Permission.VIEW_PATIENTS)
def fhir_patient(clinic: Clinic, job: Job, patient: PatientId) -> dict[str, object]:
    """The patient as a FHIR R4 Patient resource; `meta.versionId` is what `edit_fhir_patient` compares.

    A record that was merged away is given as the one that stands for it. Raises UserFacingError (not_found).
    """
    job.check()
    with clinic.store.transaction() as tx:
        record = tx.patients.standing(patient)
        version = tx.patients.version(record.id)
        tx.audit.add(AuditAction.VIEW_PATIENT, record.id, actor=clinic.actor)
    clinic.sitting.saw(AuditAction.VIEW_PATIENT, patient, record.id)
    return patient_to_fhir(record, version=version)


@open_to_all
def conflict_in_fhir(conflict: EditConflict) -> dict[str, object]:
    """The losing edit as a FHIR R4 Patient; `meta.versionId` is the version it was based on."""
    return patient_to_fhir(conflict.losing, version=conflict.base)


@requires(Permission.VIEW_PATIENTS)
def possible_duplicates(
    clinic: Clinic, job: Job, draft: PatientDraft, besides: PatientId | None = None
) -> tuple[DuplicateCandidate, ...]:
    """Who on file the draft may be, best first; asked while the form is being typed.

    besides: the patient whose record is being edited, who is no duplicate of themselves.
    """
    job.check()
    with clinic.store.snapshot() as tx:
        return tuple(tx.patients.duplicates(draft.as_patient(besides or PatientId(new_id()))))


@requires(Permission.EDIT_PATIENTS)
def edit_patient(
    clinic: Clinic, job: Job, patient: PatientId, draft: PatientDraft, base: str | None = None, *, typed: bool = False
) -> Edited:
    """Replace what is on file, keeping the id, the card number and whether the person is real.

    base: version of the record that was edited (`PatientChart.version`). If another one is on file by now, that one
    stays and this edit is kept as a conflict; without `base` nothing is compared. typed: it comes from the form, so
    what was kept of it meanwhile is dropped. Raises UserFacingError (not_found, `store.patient_merged`).
    """
    job.check()
    with clinic.store.transaction() as tx:
        tx.patients.must_be_open(patient)
        if typed:
            drop_unsaved_edit(tx, clinic.session.user.id, patient)
        old, version = tx.patients.get(patient), tx.patients.version(patient)
        new = replace(draft, synthetic=old.synthetic).as_patient(patient, old.card_number)
        if new == old:
            return Edited(old, Changes(), version)
        if base is not None and base != version:
            conflict = EditConflict(
                ConflictId(new_id()), patient, base, version, new, clinic.clock(), clinic.session.user.id
            )
            tx.conflicts.add(conflict)
            tx.audit.add(AuditAction.KEEP_CONFLICT, conflict.id, actor=clinic.actor)
            return Edited(old, Changes(patients=True), version, conflict)
        tx.patients.update(new)
        tx.audit.add(AuditAction.EDIT_PATIENT, patient, actor=clinic.actor)
        return Edited(new, Changes(patients=True), tx.patients.version(patient))


@requires(Permission.EDIT_PATIENTS)
def edit_fhir_patient(clinic: Clinic, job: Job, patient: PatientId, resource: object) -> Edited:
    """`edit_patient` with a FHIR R4 Patient, which is the whole new record, as in FHIR's update.

    A `meta.versionId` that is one of ours is the version the edit is based on. Raises also UserFacingError (bad_input).
    """
    read = patient_from_fhir(resource, today=clinic.clock().date())
    with clinic.store.snapshot() as tx:
        card = tx.patients.get(patient).card_number
    identifiers = tuple(one for one in read.identifiers if not is_own_card(one, card))
    draft = replace(PatientDraft.of(read), identifiers=identifiers)
    return edit_patient(clinic, job, patient, draft, version_in_fhir(resource))


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
def open_patient(clinic: Clinic, job: Job, patient: PatientId, visits: int = VISITS_ON_A_CHART) -> PatientChart:
    """A patient's page; the look is written into the audit trail.

    A record that was merged away opens as the one that stands for it. visits: at most so many of the latest.
    Raises UserFacingError (not_found).
    """
    job.check()
    with clinic.store.transaction() as tx:
        record = tx.patients.standing(patient)
        latest = visits_of(tx, record.id, visits + 1)
        chart = PatientChart(
            patient=record,
            studies=tuple(tx.studies.for_patient(record.id)),
            version=tx.patients.version(record.id),
            visits=latest[:visits],
            more_visits=len(latest) > visits,
            conditions=tuple(tx.conditions.of_person(record.id)),
            medications=tuple(tx.medications.of_person(record.id)),
            documents=tuple(tx.documents.of_person(record.id)),
            consents=consent_states(tx.consents.of_person(record.id)),
            merges=tuple(tx.merges.of_person(record.id)),
            merged=tuple(tx.patients.stood_for(record.id)),
            conflicts=open_conflicts(tx, record),
            unsaved=unsaved_about(tx, clinic.session, record),
            colleagues={user.id: user.name for user in tx.users.all()},
        )
        tx.patients.touch(record.id)
        tx.audit.add(AuditAction.VIEW_PATIENT, record.id, actor=clinic.actor)
    clinic.sitting.saw(AuditAction.VIEW_PATIENT, patient, record.id)
    return chart


@requires(Permission.VIEW_IMAGES)
def worklist(clinic: Clinic, job: Job, limit: int = 50) -> tuple[StudySummary, ...]:
    """Studies of every patient, those without a signed report first, newest first."""
    job.check()
    with clinic.store.snapshot() as tx:
        return tuple(tx.studies.worklist(limit))


@requires(Permission.VIEW_IMAGES)
def count_waiting(clinic: Clinic, job: Job) -> int:
    """How many studies wait for a signed report."""
    job.check()
    with clinic.store.snapshot() as tx:
        return tx.studies.count_unsigned()
