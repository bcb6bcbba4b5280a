"""What somebody typed about a new patient and has not put on file. No record, so no audit line speaks of it."""

from dataclasses import dataclass
from datetime import datetime

from desktop.records import UserId
from desktop.store.canonical import canonical_bytes, from_canonical, parse_time, time_text
from desktop.store.rows import Rows


@dataclass(frozen=True)
class UnsavedPatient:
    """The registration form, field by field, exactly as typed: half a date of birth is kept as half a date."""

    name: str = ""
    sex: str = ""
    birth: str = ""
    phone: str = ""
    village: str = ""
    identifiers: str = ""
    asked: str = ""
    allergies: str = ""


class UnsavedPatients:
    """One form for each user."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def save(self, user: UserId, typed: UnsavedPatient, *, now: datetime) -> None:
        """Keep the form, in place of an earlier one."""
        self._rows.run(
            """INSERT INTO unsaved_patients (user, form, saved) VALUES (?, ?, ?)
               ON CONFLICT (user) DO UPDATE SET form = excluded.form, saved = excluded.saved""",
            (user, canonical_bytes(typed), time_text(now)),
        )

    def get(self, user: UserId) -> tuple[UnsavedPatient, datetime] | None:
        """The kept form and when it was typed, or None."""
        row = self._rows.one("SELECT form, saved FROM unsaved_patients WHERE user = ?", (user,))
        return (from_canonical(UnsavedPatient, row[0]), parse_time(row[1])) if row else None

    def clear(self, user: UserId) -> None:
        """Drop the form: it was put on file or emptied."""
        self._rows.run("DELETE FROM unsaved_patients WHERE user = ?", (user,))
