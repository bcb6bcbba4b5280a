"""Putting salvaged rows into a new database as they lay in the old one, each attested anew."""

from collections.abc import Sequence

from desktop.records import AuditAction
from desktop.store import clinic_settings, merges
from desktop.store.audit import Audit
from desktop.store.backup_runs import PLAN
from desktop.store.kept import Kept
from desktop.store.rows import Row, Rows
from desktop.store.salvage_pages import Carved

# A new clinic begins with its own name, its first user and no choices made: the saved ones take their place.
_REPLACED = frozenset({clinic_settings.CLINIC, clinic_settings.USER, clinic_settings.POLICY, PLAN})


class SalvageRows:
    """The rows of every table, within one transaction."""

    def __init__(self, rows: Rows, audit: Audit) -> None:
        self._rows = rows
        self._audit = audit

    def put(self, kept: Kept, subject: str, carved: Sequence[Carved], actor: str) -> None:
        """Write one record, or a group of them. Raises IntegrityError where what it belongs to is not there (yet)."""
        info = self._rows.all(f"PRAGMA table_info({kept.table})")
        columns = [row[1] for row in info]
        numbered = columns[0] == "key"
        verb = "INSERT OR REPLACE" if kept.kind in _REPLACED else "INSERT"
        for one in carved:
            values: Row = (one.key, *one.values[1:]) if numbered else one.values
            names = ", ".join(columns[: len(values)])
            marks = ", ".join("?" * len(values))
            self._rows.run(f"{verb} INTO {kept.table} ({names}) VALUES ({marks})", values)
            if not kept.grouped:
                self._attest(kept, subject, _record(columns, values), actor)
        if kept.grouped:
            self._attest(kept, subject, b"".join(_record(columns, one.values) for one in carved), actor)

    def settle(self, next_card: int) -> None:
        """Let what follows from other rows follow from those that were saved."""
        self._rows.run(
            "UPDATE imaging_studies SET signed = EXISTS (SELECT 1 FROM reports WHERE study = imaging_studies.id)"
        )
        for identity in merges.merge_faults(self._rows):
            self._rows.run("UPDATE patients SET merged_into = NULL WHERE id = ?", (identity,))
        self._rows.run("UPDATE meta SET value = max(value, ?) WHERE name = 'next_card'", (next_card,))

    def patients_after(self, key: int, limit: int) -> list[int]:
        """Keys of patients behind one, in order."""
        return [
            row[0]
            for row in self._rows.all("SELECT key FROM patients WHERE key > ? ORDER BY key LIMIT ?", (key, limit))
        ]

    def _attest(self, kept: Kept, subject: str, data: bytes, actor: str) -> None:
        self._rows.attested(kept.kind, subject, data)
        self._audit.add(AuditAction.SALVAGE_CLINIC, subject, actor=actor)


def _record(columns: Sequence[str], values: Row) -> bytes:
    value = values[columns.index("record")]
    assert isinstance(value, bytes)
    return value
