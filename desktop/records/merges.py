"""Two records of one person brought together, and edits of one record that crossed."""

from dataclasses import dataclass
from datetime import datetime

from desktop.records.ids import ConflictId, MergeId, PatientId, UserId
from desktop.records.patient_fields import FieldDifference, PatientField, Side
from desktop.records.patients import Patient


@dataclass(frozen=True)
class FieldChoice:
    """Whose value was taken in a field; the first is the record that is kept."""

    field: PatientField
    side: Side


@dataclass(frozen=True)
class PatientMerge:
    """One person had two records: from now on `kept` stands for `gone` too, which itself stays as it is.

    undoes: for a merge that was undone, the row that says so names it.
    """

    id: MergeId
    kept: PatientId
    gone: PatientId
    decided: datetime
    author: UserId
    choices: tuple[FieldChoice, ...] = ()
    undoes: MergeId | None = None

    def __post_init__(self) -> None:
        if self.kept == self.gone:
            raise ValueError("a record cannot be merged into itself")
        if self.decided.tzinfo is None:
            raise ValueError("a moment needs a time zone")


@dataclass(frozen=True)
class MergeMoves:
    """How much of the record that goes would show on the page of the one that stays."""

    studies: int = 0
    visits: int = 0
    documents: int = 0


@dataclass(frozen=True)
class MergePreview:
    """Two records side by side and what would become of them. differences: with the suggested side."""

    kept: Patient
    gone: Patient
    differences: tuple[FieldDifference, ...]
    result: Patient
    kept_version: str
    gone_version: str
    moves: MergeMoves = MergeMoves()


@dataclass(frozen=True)
class EditConflict:
    """An edit that was based on a record somebody else changed meanwhile. Both are kept until a person settles it.

    base: version the edit was based on; against: the one it met (SHA-256, hex, of the stored bytes). losing: the
    record as the edit would have left it.
    """

    id: ConflictId
    patient: PatientId
    base: str
    against: str
    losing: Patient
    edited: datetime
    author: UserId

    def __post_init__(self) -> None:
        if self.edited.tzinfo is None:
            raise ValueError("a moment needs a time zone")


@dataclass(frozen=True)
class ConflictSettled:
    """How a conflict ended. taken: the fields in which the losing edit was followed after all; none: it was not."""

    conflict: ConflictId
    taken: tuple[PatientField, ...]
    settled: datetime
    author: UserId
