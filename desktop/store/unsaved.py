"""What somebody typed and has not put on file: about somebody new, to mend a record, about a visit.

No record, so no audit line speaks of it: it is replaced and dropped.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from desktop.records import EncounterId, PatientId, UserId
from desktop.store.canonical import canonical_bytes, from_canonical, parse_time, time_text
from desktop.store.rows import Rows

_NOBODY = ""
"""Whom a form is about that is about somebody new."""


@dataclass(frozen=True)
class UnsavedPatient:
    """The fields about a person, exactly as typed: half a date of birth is kept as half a date."""

    name: str = ""
    sex: str = ""
    birth: str = ""
    phone: str = ""
    village: str = ""
    identifiers: str = ""
    asked: str = ""
    allergies: str = ""


@dataclass(frozen=True)
class UnsavedEdit:
    """Changes to a record on file. base: version of the record they began from, as `Patients.version` gives it."""

    base: str
    form: UnsavedPatient


@dataclass(frozen=True)
class UnsavedVisit:
    """The form of a visit, field by field. encounter: the id the visit will have once it is on file."""

    encounter: EncounterId
    reason: str = ""
    temperature: str = ""
    pulse: str = ""
    breaths: str = ""
    oxygen: str = ""
    weight: str = ""
    pressure: str = ""
    problems: str = ""
    medicines: str = ""
    note: str = ""


F = TypeVar("F", UnsavedPatient, UnsavedEdit, UnsavedVisit)

_KINDS: dict[type, str] = {UnsavedPatient: "registration", UnsavedEdit: "edit", UnsavedVisit: "visit"}


@dataclass(frozen=True)
class Unsaved(Generic[F]):
    """A kept form. patient: whom it was typed about; None for somebody new. saved: when it was kept, in UTC."""

    form: F
    patient: PatientId | None
    saved: datetime


class UnsavedForms:
    """One form of each kind for each user and patient; everybody sees their own alone."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def save(self, user: UserId, form: F, patient: PatientId | None = None, *, now: datetime) -> None:
        """Keep a form, in place of an earlier one."""
        self._rows.run(
            """INSERT INTO unsaved_forms (user, kind, patient, form, saved) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT (user, kind, patient) DO UPDATE SET form = excluded.form, saved = excluded.saved""",
            (user, _KINDS[type(form)], patient or _NOBODY, canonical_bytes(form), time_text(now)),
        )

    def get(self, user: UserId, kind: type[F], patient: PatientId | None = None) -> Unsaved[F] | None:
        """The kept form, or None."""
        row = self._rows.one(
            "SELECT patient, form, saved FROM unsaved_forms WHERE user = ? AND kind = ? AND patient = ?",
            (user, _KINDS[kind], patient or _NOBODY),
        )
        return _read(kind, *row) if row else None

    def all(self, user: UserId, kind: type[F]) -> list[Unsaved[F]]:
        """Every form of that kind that the user has not put on file, the latest typed first."""
        rows = self._rows.all(
            "SELECT patient, form, saved FROM unsaved_forms WHERE user = ? AND kind = ? ORDER BY saved DESC",
            (user, _KINDS[kind]),
        )
        return [_read(kind, *row) for row in rows]

    def clear(self, user: UserId, kind: type[F], patient: PatientId | None = None) -> None:
        """Drop a form: it was put on file, emptied or discarded."""
        self._rows.run(
            "DELETE FROM unsaved_forms WHERE user = ? AND kind = ? AND patient = ?",
            (user, _KINDS[kind], patient or _NOBODY),
        )


def _read(kind: type[F], patient: str, form: bytes, saved: str) -> Unsaved[F]:
    return Unsaved(from_canonical(kind, form), PatientId(patient) if patient else None, parse_time(saved))
