"""Putting salvaged rows into a new database as they lay in the old one, each attested anew."""

from collections.abc import Sequence

from sqlcipher3 import dbapi2

from desktop.records import AuditAction
from desktop.store import clinic_settings, merges
from desktop.store.audit import Audit
from desktop.store.backup_runs import PLAN
from desktop.store.canonical import from_canonical
from desktop.store.kept import Kept
from desktop.store.rows import Rows
from desktop.store.salvage_pages import Carved

_KEY = "key"
# A new clinic begins with its own name, its first user and no choices made: the saved ones take their place.
_REPLACED = frozenset({clinic_settings.CLINIC, clinic_settings.USER, clinic_settings.POLICY, PLAN})

# Whom a patient's record was merged into, by the merges that hold; none where it stands for itself.
_MERGED_INTO = """SELECT merge.kept FROM patient_merges AS merge WHERE merge.gone = patients.key
    AND merge.undoes IS NULL AND NOT EXISTS (SELECT 1 FROM patient_merges AS undo WHERE undo.undoes = merge.id)
    ORDER BY merge.key DESC LIMIT 1"""


class SalvageRows:
    """The rows of every table, within one transaction."""

    def __init__(self, rows: Rows, audit: Audit) -> None:
        self._rows = rows
        self._audit = audit

    def put(self, kept: Kept, subject: str, carved: Sequence[Carved], actor: str) -> None:
        """Write one record, or a group of them, as a whole or not at all.

        Columns that repeat something of the record are taken from it: the record is proven, they are not. Raises
        IntegrityError where what it belongs to is not there (yet), or the row says otherwise than the record.
        """
        columns = [row[1] for row in self._rows.all(f"PRAGMA table_info({kept.table})")]
        self._rows.run("SAVEPOINT salvaged")
        try:
            written = [self._write(kept, columns, one) for one in carved]
        except BaseException:
            self._rows.run("ROLLBACK TO salvaged")
            raise
        finally:
            self._rows.run("RELEASE salvaged")
        for data in [b"".join(written)] if kept.grouped else written:
            self._rows.attested(kept.kind, subject, data)
            self._audit.add(AuditAction.SALVAGE_CLINIC, subject, actor=actor)

    def _write(self, kept: Kept, columns: Sequence[str], carved: Carved) -> bytes:
        """Write a row; returns the record's bytes."""
        values: dict[str, object] = dict(zip(columns, carved.values, strict=False))
        if columns[0] == _KEY:
            values[_KEY] = carved.key
        data = values["record"]
        assert isinstance(data, bytes)
        said = kept.repeated(from_canonical(kept.record, data))
        values |= {name: value for name, value in zip(kept.columns.split(", "), said, strict=False) if name in values}
        verb = "INSERT OR REPLACE" if kept.kind in _REPLACED else "INSERT"
        marks = ", ".join("?" * len(values))
        self._rows.run(f"{verb} INTO {kept.table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))
        identity = columns[:2] if kept.grouped else columns[:1]
        row = self._rows.one(
            f"SELECT {kept.columns} FROM {kept.table} WHERE {' AND '.join(f'{name} = ?' for name in identity)}",
            tuple(values[name] for name in identity),
        )
        if row is None or row[: len(said)] != said:
            raise dbapi2.IntegrityError("the row says otherwise than the record")
        return data

    def settle(self, next_card: int, now: str) -> None:
        """Let what follows from other rows follow from those that were saved."""
        self._rows.run(
            "UPDATE imaging_studies SET signed = EXISTS (SELECT 1 FROM reports WHERE study = imaging_studies.id)"
        )
        for identity in merges.merge_faults(self._rows):
            self._rows.run(f"UPDATE patients SET merged_into = ({_MERGED_INTO}) WHERE id = ?", (identity,))
        # Of these two nothing can be proven; they only order lists and number cards.
        self._rows.run("UPDATE patients SET touched = ? WHERE datetime(touched) IS NULL", (now,))
        self._rows.run("UPDATE meta SET value = max(value, ?) WHERE name = 'next_card'", (next_card,))

    def patients_after(self, key: int, limit: int) -> list[int]:
        """Keys of patients behind one, in order."""
        return [
            row[0]
            for row in self._rows.all("SELECT key FROM patients WHERE key > ? ORDER BY key LIMIT ?", (key, limit))
        ]
