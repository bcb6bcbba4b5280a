"""The statements of one transaction, and which records it wrote."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, TypeVar

from desktop.errors import ErrorKind, UserFacingError
from desktop.store.canonical import canonical_bytes, from_canonical
from desktop.store.database import Connection

R = TypeVar("R")
Row = tuple[Any, ...]

# Few enough that SQLite takes the values of ten columns at once.
_ROWS_AT_ONCE = 500

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class Changed:
    """A record written in this transaction. sha256: hex, of its stored bytes."""

    kind: str
    id: str
    sha256: str


def listed(items: Sequence[object]) -> str:
    """A list as a statement reads it with `json_each`."""
    return _encode(items)


@cache
def _insertion(into: str, rows: int, columns: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"INSERT INTO {into} VALUES {', '.join([row] * rows)}"


class Rows:
    """What the modules of one subject each are given: they run statements here and nowhere else.

    After the transaction it refuses, so that a kept `tx` cannot write without one.
    """

    def __init__(self, connection: Connection, *, writable: bool) -> None:
        self._connection = connection
        self._writable = writable
        self._open = True
        self._changed: dict[str, dict[str, Changed]] = {}

    def run(self, statement: str, parameters: Sequence[object] = ()) -> int:
        """Run one changing statement; returns the rows it touched."""
        self._check()
        if not self._writable:
            raise RuntimeError("a snapshot only reads")
        return int(self._connection.execute(statement, parameters).rowcount)

    def insert(self, statement: str, parameters: Sequence[object]) -> int:
        """Run one INSERT into a table with row numbers; returns the new row's."""
        self._check()
        if not self._writable:
            raise RuntimeError("a snapshot only reads")
        return int(self._connection.execute(statement, parameters).lastrowid or 0)

    def run_many(self, statement: str, parameters: Sequence[Sequence[object]]) -> None:
        """Run one changing statement once for each of the parameters."""
        self._check()
        if not self._writable:
            raise RuntimeError("a snapshot only reads")
        self._connection.executemany(statement, parameters)

    def insert_all(self, into: str, rows: Sequence[Row]) -> None:
        """Put many rows of one length into a table. into: its name and columns, as after INSERT INTO.

        Many rows to a statement: SQLite runs it from end to end, and other threads work meanwhile; with one statement a
        row, each would hand over Python's lock and wait for it again.
        """
        self._check()
        if not self._writable:
            raise RuntimeError("a snapshot only reads")
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[start : start + _ROWS_AT_ONCE]
            self._connection.execute(_insertion(into, len(some), len(some[0])), list(chain.from_iterable(some)))

    def one(self, statement: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row, or None."""
        self._check()
        row: Row | None = self._connection.execute(statement, parameters).fetchone()
        return row

    def all(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows."""
        self._check()
        rows: list[Row] = self._connection.execute(statement, parameters).fetchall()
        return rows

    def written(self, kind: str, subject: str, record: object) -> bytes:
        """Note that a record is being written; returns the bytes to store."""
        return self.attested(kind, subject, canonical_bytes(record))

    def attested(self, kind: str, subject: str, data: bytes) -> bytes:
        """`written` for bytes that are in their form already: the audit line will hold their hash."""
        self._changed.setdefault(subject, {})[kind] = Changed(kind, subject, hashlib.sha256(data).hexdigest())
        return data

    def take_changed(self, subject: str) -> Changed | None:
        """The record of that id if it was written and no audit line speaks of it yet; the first one, if several kinds
        of record go by that id."""
        kinds = self._changed.get(subject)
        if not kinds:
            return None
        changed = kinds.pop(next(iter(kinds)))
        if not kinds:
            del self._changed[subject]
        return changed

    def take_all_changed(self) -> list[Changed]:
        """All records written that no audit line speaks of yet."""
        changed = [changed for kinds in self._changed.values() for changed in kinds.values()]
        self._changed.clear()
        return changed

    def end(self) -> None:
        """The transaction is over."""
        self._open = False

    def _check(self) -> None:
        if not self._open:
            raise RuntimeError("the transaction is over")


def decoded(kind: type[R], row: Row | None, missing: str) -> R:
    """The record in the row's last column. Raises UserFacingError `missing` (NOT_FOUND) where there is no row."""
    if row is None:
        raise UserFacingError(missing, kind=ErrorKind.NOT_FOUND)
    return from_canonical(kind, row[-1])
