"""Edits that crossed: the losing version is kept until a person settles it, and after that as well."""

from desktop.errors import ErrorKind, UserFacingError
from desktop.records import ConflictId, ConflictSettled, EditConflict, Patient, PatientId
from desktop.store.canonical import from_canonical
from desktop.store.rows import Rows, decoded
from desktop.store.standing import marks, own_key, person

CONFLICT = "edit_conflict"
SETTLED = "conflict_settled"


class Conflicts:
    """The rows of edit_conflicts and conflict_settlements. Both only grow."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, conflict: EditConflict) -> None:
        """Keep a losing version. Raises UserFacingError `store.patient_not_found`."""
        patient = own_key(self._rows, conflict.patient)
        data = self._rows.written(CONFLICT, conflict.id, conflict)
        self._rows.run(
            "INSERT INTO edit_conflicts (id, patient, record) VALUES (?, ?, ?)", (conflict.id, patient, data)
        )

    def get(self, conflict: ConflictId) -> EditConflict:
        """Raises UserFacingError `store.conflict_not_found`."""
        row = self._rows.one("SELECT record FROM edit_conflicts WHERE id = ?", (conflict,))
        return decoded(EditConflict, row, "store.conflict_not_found")

    def settle(self, settled: ConflictSettled) -> None:
        """Note how a conflict ended. Raises UserFacingError `store.conflict_settled` where it had ended already."""
        if self.settlement(settled.conflict) is not None:
            raise UserFacingError("store.conflict_settled", kind=ErrorKind.BAD_INPUT)
        data = self._rows.written(SETTLED, f"{settled.conflict}/settled", settled)
        self._rows.run("INSERT INTO conflict_settlements (conflict, record) VALUES (?, ?)", (settled.conflict, data))

    def settlement(self, conflict: ConflictId) -> ConflictSettled | None:
        """How a conflict ended, None while it is open."""
        row = self._rows.one("SELECT record FROM conflict_settlements WHERE conflict = ?", (conflict,))
        return from_canonical(ConflictSettled, row[0]) if row else None

    def knows(self, patient: PatientId, losing: Patient) -> bool:
        """Whether this very version of exactly this record is kept already, settled or not."""
        rows = self._rows.all("SELECT record FROM edit_conflicts WHERE patient = ?", (own_key(self._rows, patient),))
        return any(from_canonical(EditConflict, row[0]).losing == losing for row in rows)

    def open_of_person(self, patient: PatientId) -> list[EditConflict]:
        """What still waits for a decision, the oldest first. Raises UserFacingError `store.patient_not_found`."""
        keys = person(self._rows, patient)
        rows = self._rows.all(
            f"SELECT record FROM edit_conflicts WHERE patient IN ({marks(keys)}) "
            "AND id NOT IN (SELECT conflict FROM conflict_settlements) ORDER BY key",
            keys,
        )
        return [from_canonical(EditConflict, row[0]) for row in rows]
