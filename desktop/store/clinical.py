"""Records that belong to a patient and may belong to a visit: conditions, prescriptions, documents."""

from typing import Generic, Protocol, TypeVar

from desktop.errors import ErrorKind, UserFacingError
from desktop.records import (
    Condition,
    DocumentReference,
    EncounterId,
    MedicationRequest,
    PatientId,
)
from desktop.store.canonical import from_canonical
from desktop.store.rows import Rows, decoded
from desktop.store.standing import marks, open_key, own_key, person

CONDITION = "condition"
MEDICATION = "medication_request"
DOCUMENT = "document"


class _OfPatient(Protocol):
    """What these records have in common."""

    @property
    def id(self) -> str: ...

    @property
    def patient(self) -> PatientId: ...

    @property
    def encounter(self) -> EncounterId | None: ...


T = TypeVar("T", bound=_OfPatient)


class PatientRecords(Generic[T]):
    """One table of them. missing: key of the sentence for an id nobody knows."""

    def __init__(self, rows: Rows, kind: str, table: str, record: type[T], missing: str) -> None:
        self._rows = rows
        self._kind = kind
        self._table = table
        self._record = record
        self._missing = missing

    def get(self, identity: str) -> T:
        """Raises UserFacingError (not_found)."""
        row = self._rows.one(f"SELECT record FROM {self._table} WHERE id = ?", (identity,))
        return decoded(self._record, row, self._missing)

    def of_person(self, patient: PatientId) -> list[T]:
        """All of the person's, the latest written first. Raises UserFacingError `store.patient_not_found`."""
        keys = person(self._rows, patient)
        rows = self._rows.all(
            f"SELECT record FROM {self._table} WHERE patient IN ({marks(keys)}) ORDER BY key DESC", keys
        )
        return [from_canonical(self._record, row[0]) for row in rows]


class VisitRecords(PatientRecords[T]):
    """A table of those whose status changes while the patient gets better."""

    def add(self, record: T) -> None:
        """Keep one.

        Raises UserFacingError `store.patient_not_found`, `store.patient_merged`, `store.visit_not_found`.
        """
        patient = open_key(self._rows, record.patient)
        data = self._rows.written(self._kind, record.id, record)
        self._rows.run(
            f"INSERT INTO {self._table} (id, patient, encounter, record) VALUES (?, ?, ?, ?)",
            (record.id, patient, _visit(self._rows, record.encounter), data),
        )

    def update(self, record: T) -> None:
        """Put a record in place of the earlier one; it stays the same patient's.

        Raises UserFacingError (not_found), and ValueError for another patient or visit.
        """
        row = self._rows.one(f"SELECT patient, encounter FROM {self._table} WHERE id = ?", (record.id,))
        if row is None:
            raise UserFacingError(self._missing, kind=ErrorKind.NOT_FOUND)
        if (own_key(self._rows, record.patient), _visit(self._rows, record.encounter)) != tuple(row):
            raise ValueError("a record cannot go to another patient or visit")
        data = self._rows.written(self._kind, record.id, record)
        self._rows.run(f"UPDATE {self._table} SET record = ? WHERE id = ?", (data, record.id))


class Conditions(VisitRecords[Condition]):
    """Problems and diagnoses."""

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows, CONDITION, "conditions", Condition, "store.condition_not_found")


class Medications(VisitRecords[MedicationRequest]):
    """Prescriptions."""

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows, MEDICATION, "medication_requests", MedicationRequest, "store.medication_not_found")


class Documents(PatientRecords[DocumentReference]):
    """Documents; their bytes are attachments."""

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows, DOCUMENT, "documents", DocumentReference, "store.document_not_found")

    def add(self, document: DocumentReference) -> None:
        """Keep one whose attachment is on file. Raises UserFacingError `store.patient_not_found`,
        `store.patient_merged`."""
        patient = open_key(self._rows, document.patient)
        data = self._rows.written(DOCUMENT, document.id, document)
        self._rows.run(
            "INSERT INTO documents (id, patient, attachment, record) VALUES (?, ?, ?, ?)",
            (document.id, patient, document.attachment, data),
        )


def _visit(rows: Rows, encounter: EncounterId | None) -> int | None:
    """The visit's row, None for none. Raises UserFacingError `store.visit_not_found`."""
    if encounter is None:
        return None
    row = rows.one("SELECT key FROM encounters WHERE id = ?", (encounter,))
    if row is None:
        raise UserFacingError("store.visit_not_found", kind=ErrorKind.NOT_FOUND)
    return int(row[0])
