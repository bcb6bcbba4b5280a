"""What was read out of a damaged clinic, kept in a throwaway database, so that memory stays the same for a million
patients as for ten.

The database is encrypted under a random key that exists only in memory: what a power cut leaves of it tells nobody
anything, and the next salvage to the same place removes it.
"""

import contextlib
import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Self

from desktop.store import visits
from desktop.store.audit import COLUMNS, row_hash
from desktop.store.backup_files import remove_tree
from desktop.store.database import Connection, close, connect, value
from desktop.store.kept import KEPT
from desktop.store.rows import Row
from desktop.store.salvage_pages import Carved

_KEY_BYTES = 32
_CACHE_KIB = 32 * 1024
_PAGE = 1000
_LINES_AT_ONCE = 10_000
_BEFORE_ALL = -(1 << 63)
# No table of ours is wider than the audit trail.
_WIDEST = len(COLUMNS)
_VALUES = ", ".join(f"v{place}" for place in range(_WIDEST))
_MARKS = ", ".join("?" * _WIDEST)
_LINE = ", ".join(COLUMNS)
# Stands for the row number where a table has none: nothing is unlike NULL, and so NULL would never be replaced.
_NO_KEY = ""

_TABLES = (
    f"CREATE TABLE lines (sequence INTEGER PRIMARY KEY, {', '.join(COLUMNS[1:])})",
    """CREATE TABLE attested (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL,
       digest BLOB NOT NULL, UNIQUE (kind, subject))""",
    "CREATE INDEX attested_by_digest ON attested (digest)",
    "CREATE TABLE versions (digest BLOB, id INTEGER, PRIMARY KEY (digest, id)) WITHOUT ROWID",
    f"CREATE TABLE found (place INTEGER PRIMARY KEY, id INTEGER, key, width INTEGER, {_VALUES}, UNIQUE (id, key))",
    f"""CREATE TABLE observed (encounter INTEGER, number INTEGER, width INTEGER, {_VALUES},
        PRIMARY KEY (encounter, number)) WITHOUT ROWID""",
    "CREATE TABLE groups (id INTEGER PRIMARY KEY, encounter INTEGER)",
    "CREATE TABLE pending (kind TEXT, id INTEGER, subject TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID",
)
# Lines in their order: of a record's forms the newest one counts.
_ATTEST = """INSERT INTO attested (kind, subject, digest)
    SELECT record, subject, unhex(content_sha256) FROM lines
    WHERE sequence > ? AND sequence <= ? AND record <> '' AND unhex(content_sha256) IS NOT NULL ORDER BY sequence
    ON CONFLICT (kind, subject) DO UPDATE SET digest = excluded.digest"""
# But for kinds whose forms stand side by side.
_ATTEST_EACH = f"""INSERT OR IGNORE INTO versions
    SELECT unhex(content_sha256), id FROM lines JOIN attested ON (kind, attested.subject) = (record, lines.subject)
    WHERE sequence > ? AND sequence <= ? AND unhex(content_sha256) IS NOT NULL
    AND record IN ({", ".join(repr(kept.kind) for kept in KEPT if kept.versions)})"""
_WANTED = """SELECT id, kind, subject FROM attested WHERE digest = ?1 AND kind <> ?2
    UNION SELECT id, kind, subject FROM versions JOIN attested USING (id) WHERE versions.digest = ?1"""
# A row may be read several times, from the file and from the log: the last one counts.
_FIND = f"""INSERT INTO found (id, key, width, {_VALUES}) VALUES (?, ?, ?, {_MARKS}) ON CONFLICT (id, key) DO UPDATE SET
    width = excluded.width, {", ".join(f"v{place} = excluded.v{place}" for place in range(_WIDEST))}"""


class Finds:
    """Audit lines, and the rows they attest, as they lay in their tables. A context manager: the database lives in a
    folder of its own, which is removed at the end. Raises dbapi2 errors and OSError of the disk it lies on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        remove_tree(folder)
        folder.mkdir()
        try:
            self._connection: Connection = connect(
                folder / "carved.db", secrets.token_bytes(_KEY_BYTES), create=True, throwaway=True
            )
            for setting in ("journal_mode = OFF", f"cache_size = -{_CACHE_KIB}"):
                self._connection.execute(f"PRAGMA {setting}").fetchall()
            for table in _TABLES:
                self._connection.execute(table)
        except BaseException:
            remove_tree(folder)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        close(self._connection)
        remove_tree(self._folder)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Many changes at once, which is quicker. After an error the finds are of no use."""
        self._connection.execute("BEGIN")
        yield
        self._connection.execute("COMMIT")

    # Reading

    def take_line(self, row: Carved) -> None:
        """Keep the row if it is an audit line."""
        if row.key is None or len(row.values) != len(COLUMNS) or not all(isinstance(v, str) for v in row.values[1:]):
            return
        line: Row = (row.key, *row.values[1:])
        if row_hash(line) != line[-1]:
            return
        self._connection.execute(f"INSERT OR REPLACE INTO lines ({_LINE}) VALUES ({_MARKS})", line)

    def attest(self, between: Callable[[], None]) -> None:
        """Work out what the lines attest; between: called now and then."""
        last, bound = _BEFORE_ALL, "SELECT max(sequence) FROM (SELECT sequence FROM lines WHERE sequence > ? LIMIT ?)"
        while (until := value(self._connection, bound, (last, _LINES_AT_ONCE))) is not None:
            between()
            self._connection.execute(_ATTEST, (last, until))
            self._connection.execute(_ATTEST_EACH, (last, until))
            last = until

    def take_row(self, row: Carved) -> None:
        """Keep the row if a line attests it, or if it may be one of a group that a line attests."""
        if len(row.values) > _WIDEST:
            return
        for held in row.values:
            if isinstance(held, bytes):
                digest = hashlib.sha256(held).digest()
                for identity, kind, subject in self._all(_WANTED, (digest, visits.OBSERVATIONS)):
                    key = _NO_KEY if row.key is None else row.key
                    self._connection.execute(_FIND, (identity, key, *_padded(row)))
                    self._wait(identity, kind, subject)
        if row.key is None and len(row.values) > 2 and isinstance(row.values[-1], bytes):
            encounter, number = row.values[:2]
            if isinstance(encounter, int) and isinstance(number, int):
                self._connection.execute(
                    f"INSERT OR REPLACE INTO observed (encounter, number, width, {_VALUES}) VALUES (?, ?, ?, {_MARKS})",
                    (encounter, number, *_padded(row)),
                )

    def take_groups(self) -> None:
        """Of the visits that were found, those whose observations are all there and what was attested."""
        for identity, subject in self.pending(visits.ENCOUNTER):
            encounter = self.rows(visits.ENCOUNTER, identity)[0].key
            group = self._connection.execute(
                "SELECT id, digest FROM attested WHERE (kind, subject) = (?, ?)", (visits.OBSERVATIONS, subject)
            ).fetchone()
            if group is None or encounter is None:
                continue
            data = b"".join(record_of(row) for row in self._observed(encounter))
            if hashlib.sha256(data).digest() == group[1]:
                self._connection.execute("INSERT OR REPLACE INTO groups VALUES (?, ?)", (group[0], encounter))
                self._wait(group[0], visits.OBSERVATIONS, subject)

    def _wait(self, identity: int, kind: str, subject: str) -> None:
        self._connection.execute("INSERT OR IGNORE INTO pending VALUES (?, ?, ?)", (kind, identity, subject))

    # What was found

    @property
    def line_count(self) -> int:
        """How many audit lines were read."""
        return int(value(self._connection, "SELECT count(*) FROM lines"))

    @property
    def last_line(self) -> int:
        """The newest one's number, 0 where none was read."""
        return int(value(self._connection, "SELECT max(sequence) FROM lines") or 0)

    def lines(self) -> Iterator[Row]:
        """The audit lines as their columns, oldest first."""
        yield from self._connection.execute(f"SELECT {_LINE} FROM lines ORDER BY sequence")

    def spoken_of(self) -> Mapping[str, int]:
        """Of how many records the lines speak, by kind."""
        return dict(self._all("SELECT kind, count(*) FROM attested GROUP BY kind"))

    def pending(self, kind: str) -> Iterator[tuple[int, str]]:
        """Number and subject of each record, or group of records, of a kind that was found and is neither saved nor
        dropped, the first attested first. What is saved or dropped meanwhile is no trouble."""
        last = -1
        while page := self._all(
            "SELECT id, subject FROM pending WHERE kind = ? AND id > ? ORDER BY id LIMIT ?", (kind, last, _PAGE)
        ):
            yield from page
            last = page[-1][0]

    @property
    def pending_count(self) -> int:
        """How many there are of all kinds."""
        return int(value(self._connection, "SELECT count(*) FROM pending"))

    def is_pending(self, kind: str, subject: str) -> bool:
        """Whether that record is one of them."""
        statement = "SELECT 1 FROM attested JOIN pending USING (kind, id) WHERE (kind, attested.subject) = (?, ?)"
        return value(self._connection, statement, (kind, subject)) is not None

    def rows(self, kind: str, identity: int) -> list[Carved]:
        """The rows of one record, or group of records."""
        if kind == visits.OBSERVATIONS:
            return self._observed(value(self._connection, "SELECT encounter FROM groups WHERE id = ?", (identity,)))
        statement = f"SELECT key, width, {_VALUES} FROM found WHERE id = ? ORDER BY place"
        return [_carved(None if row[0] == _NO_KEY else row[0], row[1:]) for row in self._all(statement, (identity,))]

    def drop(self, kind: str, identity: int) -> None:
        """It need not wait any more: it is saved, or of no use."""
        self._connection.execute("DELETE FROM pending WHERE (kind, id) = (?, ?)", (kind, identity))

    def _observed(self, encounter: int) -> list[Carved]:
        statement = f"SELECT width, {_VALUES} FROM observed WHERE encounter = ? ORDER BY number"
        return [_carved(None, row) for row in self._all(statement, (encounter,))]

    def _all(self, statement: str, parameters: tuple[object, ...] = ()) -> list[Row]:
        rows: list[Row] = self._connection.execute(statement, parameters).fetchall()
        return rows


def record_of(row: Carved) -> bytes:
    """The stored bytes of an observation: its table's last column."""
    held = row.values[-1]
    assert isinstance(held, bytes)
    return held


def _padded(row: Carved) -> Row:
    return (len(row.values), *row.values, *[None] * (_WIDEST - len(row.values)))


def _carved(key: int | None, row: Row) -> Carved:
    """Undo `_padded`."""
    return Carved(key, row[1 : 1 + row[0]])


__all__ = ["Finds"]
