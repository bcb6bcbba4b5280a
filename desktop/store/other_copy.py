"""Another copy of this very clinic, such as the disk it was restored from: read, and never written to."""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop.errors import ErrorKind, KnownFailure
from desktop.records import Patient
from desktop.store import patients
from desktop.store.backup_database import open_to_read
from desktop.store.canonical import from_canonical
from desktop.store.database import Connection, translated, value
from desktop.store.migrations import MIGRATIONS
from desktop.store.places import StoreFiles
from desktop.store.rows import Row
from desktop.vault import Unlocked

_PAGE = 500
_ATTESTED = "SELECT content_sha256 FROM audit_log WHERE record = ? AND record <> '' AND subject = ?"


@dataclass(frozen=True)
class PatientThere:
    """A patient's record in the other copy. version: SHA-256 (hex) of it; past: of all it ever was there."""

    record: Patient
    version: str
    past: frozenset[str]


class OtherCopy:
    """The copy, open. Use it as a context manager's value only."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def count(self) -> int:
        """How many patients it has."""
        with translated():
            return int(value(self._connection, "SELECT count(*) FROM patients"))

    def patients(self) -> Iterator[PatientThere]:
        """Every patient's record, the first registered first. Raises KnownFailure where the copy cannot be read."""
        last = -1
        while page := self._rows(
            "SELECT key, id, record FROM patients WHERE key > ? ORDER BY key LIMIT ?", last, _PAGE
        ):
            for key, identity, record in page:
                data = bytes(record)
                past = frozenset(row[0] for row in self._rows(_ATTESTED, patients.KIND, identity))
                yield PatientThere(from_canonical(Patient, data), hashlib.sha256(data).hexdigest(), past)
                last = key

    def ids(self, table: str) -> Iterator[list[str]]:
        """The ids of a table, some hundred at a time; none where an older release did not know it."""
        if not self._rows("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", table):
            return
        last = ""
        while page := self._rows(f"SELECT id FROM {table} WHERE id > ? ORDER BY id LIMIT ?", last, _PAGE):
            yield [row[0] for row in page]
            last = page[-1][0]

    def _rows(self, statement: str, *parameters: object) -> list[Row]:
        with translated():
            rows: list[Row] = self._connection.execute(statement, parameters).fetchall()
        return rows


@contextlib.contextmanager
def other_copy(folder: Path, unlocked: Unlocked) -> Iterator[OtherCopy]:
    """Open the copy in a folder. unlocked: its keys.

    Raises KnownFailure: `store.database_missing`, `store.database_damaged`, `store.too_new`, or of the disk.
    """
    files = StoreFiles(folder, unlocked.epoch)
    if not files.database.exists():
        raise KnownFailure("store.database_missing", kind=ErrorKind.NOT_FOUND)
    # What a crash left in the -wal file is only seen by a connection that may make the file beside it.
    still = not files.write_ahead_log.exists()
    connection = open_to_read(files.database, unlocked.master.derive("db"), still=still)
    try:
        if int(value(connection, "PRAGMA user_version")) > len(MIGRATIONS):
            raise KnownFailure("store.too_new", kind=ErrorKind.BAD_INPUT)
        yield OtherCopy(connection)
    finally:
        connection.close()
