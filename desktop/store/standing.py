"""Which record stands for a person who had several: after a merge the kept one stands for the other as well."""

from collections.abc import Sequence

from desktop.errors import ErrorKind, UserFacingError
from desktop.records import PatientId
from desktop.store.rows import Rows

_UPWARDS = """
WITH RECURSIVE standing (key, above) AS (
  SELECT key, merged_into FROM patients WHERE key = ?
  UNION SELECT patients.key, patients.merged_into FROM patients JOIN standing ON patients.key = standing.above
) SELECT key FROM standing WHERE above IS NULL
"""
_DOWNWARDS = """
WITH RECURSIVE stood_for (key) AS (
  SELECT ? UNION SELECT patients.key FROM patients JOIN stood_for ON patients.merged_into = stood_for.key
) SELECT key FROM stood_for
"""


def own_key(rows: Rows, patient: PatientId) -> int:
    """The row of exactly this record, merged or not. Raises UserFacingError `store.patient_not_found`."""
    row = rows.one("SELECT key FROM patients WHERE id = ?", (patient,))
    if row is None:
        raise UserFacingError("store.patient_not_found", kind=ErrorKind.NOT_FOUND)
    return int(row[0])


def open_key(rows: Rows, patient: PatientId) -> int:
    """The row of a record that may be written to. Raises UserFacingError `store.patient_not_found`, or
    `store.patient_merged`, which names the record that stands for it."""
    row = rows.one("SELECT key, merged_into FROM patients WHERE id = ?", (patient,))
    if row is None:
        raise UserFacingError("store.patient_not_found", kind=ErrorKind.NOT_FOUND)
    key, above = int(row[0]), row[1]
    if above is not None:
        raise UserFacingError("store.patient_merged", kept=identity(rows, top_key(rows, key)))
    return key


def top_key(rows: Rows, key: int) -> int:
    """The row that stands for this one: itself, or where the merges lead."""
    row = rows.one(_UPWARDS, (key,))
    return int(row[0]) if row else key


def group(rows: Rows, key: int) -> list[int]:
    """The row and all it stands for."""
    return [int(row[0]) for row in rows.all(_DOWNWARDS, (key,))]


def person(rows: Rows, patient: PatientId) -> list[int]:
    """All rows of the person, whichever of them is named, the standing one first. Raises as `own_key`."""
    return group(rows, top_key(rows, own_key(rows, patient)))


def identity(rows: Rows, key: int) -> PatientId:
    """The id of a row."""
    row = rows.one("SELECT id FROM patients WHERE key = ?", (key,))
    if row is None:
        raise UserFacingError("store.patient_not_found", kind=ErrorKind.NOT_FOUND)
    return PatientId(row[0])


def marks(values: Sequence[object]) -> str:
    """Placeholders for a list of values."""
    return ", ".join("?" * len(values))
