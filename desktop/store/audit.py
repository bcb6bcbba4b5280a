"""The audit chain: one line per deed, each holding the hash of the one before, in the transaction of the deed itself.

Every record written in a transaction is attested by a line that carries the record's kind and the SHA-256 of its stored
bytes; `verify` compares. A caller names the deed once; records it touched besides get a line of the same deed each. A
transaction that changed a record and named no deed fails: nothing changes without a line.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from json.encoder import encode_basestring

from desktop.records import AuditAction, AuditEntry, AuditHead
from desktop.store.canonical import parse_time, time_text
from desktop.store.rows import Changed, Row, Rows

COLUMNS = ("sequence", "time", "actor", "action", "subject", "record", "content_sha256", "reason", "previous", "hash")

_COLUMNS = ", ".join(COLUMNS)
_LOG = f"audit_log ({_COLUMNS})"
_PAGE = 10_000
# No line says more, and SQLite takes no search for as much.
_MOST_WORDS, _LONGEST_WORD = 100, 1000
# Clocks that are set by the network step back by a little now and then.
_CLOCK_TOLERANCE = timedelta(seconds=5)
# Two indexes, as what attests a record had one before there was a search: each needs its own way of asking.
_OF_SUBJECT = """sequence IN (
    WITH RECURSIVE wanted(subject) AS (VALUES (?)), kinds(record) AS (
        SELECT min(record) FROM audit_log WHERE record <> ''
        UNION ALL
        SELECT (SELECT min(record) FROM audit_log WHERE record > kinds.record AND record <> '')
        FROM kinds WHERE kinds.record IS NOT NULL)
    SELECT sequence FROM audit_log, wanted WHERE record = '' AND audit_log.subject = wanted.subject
    UNION ALL
    SELECT sequence FROM kinds, wanted JOIN audit_log ON audit_log.record = kinds.record AND audit_log.record <> ''
        AND audit_log.subject = wanted.subject)"""


@dataclass(frozen=True)
class ChainLine:
    """A line as stored. record: kind of the record that content_sha256 attests, or empty."""

    sequence: int
    time: str
    actor: str
    action: str
    subject: str
    record: str
    content_sha256: str
    reason: str
    previous: str
    hash: str

    def expected_hash(self) -> str:
        """SHA-256 (hex) over everything else in the line, the previous hash included."""
        return row_hash(tuple(getattr(self, name) for name in COLUMNS))

    def entry(self) -> AuditEntry:
        """The line as others see it."""
        return AuditEntry(
            self.sequence,
            parse_time(self.time),
            self.actor,
            AuditAction(self.action),
            self.subject,
            self.content_sha256,
            self.reason,
            self.previous,
            self.hash,
        )


def row_hash(row: Row) -> str:
    """The hash a line must have. row: the line's columns, its own hash last, which is left out."""
    # The bytes are those of a JSON array without spaces; put together so, a million lines take seconds.
    text = f"[{row[0]},{','.join(map(encode_basestring, row[1:-1]))}]"
    return hashlib.sha256(text.encode()).hexdigest()


def origin(store_id: str) -> str:
    """What stands as the previous hash in the first line of a store."""
    return hashlib.sha256(f"lantern audit chain of {store_id}".encode()).hexdigest()


@dataclass(frozen=True)
class AuditQuery:
    """Which lines are wanted; what is left empty does not matter, and all that is given must fit.

    text: words; a number is that of a line, any other word stands in its subject, deed or remark, or in the id or name
    of who did it; more than a hundred words fit no line. actor, subject: ids. since, until: moments with a zone;
    `until` itself is left out.
    """

    text: str = ""
    action: AuditAction | None = None
    actor: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


class Audit:
    """The chain within one transaction."""

    def __init__(self, rows: Rows, store_id: str, clock: Callable[[], datetime]) -> None:
        self._rows = rows
        self._store_id = store_id
        self._origin = origin(store_id)
        self._clock = clock
        self._last: tuple[AuditAction, str] | None = None
        self._newest: tuple[int, str, str] | None = None

    def add(
        self, action: AuditAction, subject: str, *, actor: str, content: bytes = b"", reason: str = ""
    ) -> AuditEntry:
        """Append a line.

        subject: an id, never a name. content: what the deed was about, only its hash is kept; where `subject` is a
        record written in this transaction, the hash is that of the record's stored bytes instead.
        """
        self._last = (action, actor)
        changed = self._rows.take_changed(subject)
        digest = hashlib.sha256(content).hexdigest() if content else ""
        attested = (changed.kind, changed.sha256) if changed is not None else ("", digest)
        return ChainLine(*self._append([(actor, action.value, subject, *attested, reason)])).entry()

    def add_all(self, action: AuditAction, subjects: Iterable[str], *, actor: str) -> None:
        """Append a line of the same deed for each of these records, which were written in this transaction.

        Raises ValueError for one that was not.
        """
        self._last = (action, actor)
        said = []
        for subject in subjects:
            changed = self._rows.take_changed(subject)
            if changed is None:
                raise ValueError("not written in this transaction")
            said.append((actor, action.value, subject, changed.kind, changed.sha256, ""))
        if said:
            self._append(said)

    def head(self) -> AuditHead:
        """The newest line; sequence 0 and the store's origin before the first."""
        sequence, _, digest = self._end()
        return AuditHead(sequence, digest)

    def entries(self, limit: int, before: int | None = None) -> list[AuditEntry]:
        """The newest lines first; those older than sequence `before` if given."""
        rows = self._rows.all(
            f"SELECT {_COLUMNS} FROM audit_log WHERE sequence < ? ORDER BY sequence DESC LIMIT ?",
            (before if before is not None else 1 << 62, limit),
        )
        return [ChainLine(*row).entry() for row in rows]

    def rows(self, *, after: int, until: int) -> list[Row]:
        """Up to 10,000 lines as their columns, oldest first: those behind one number up to another one."""
        return self._rows.all(
            f"SELECT {_COLUMNS} FROM audit_log WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT {_PAGE}",
            (after, until),
        )

    def search(self, query: AuditQuery, limit: int, before: int | None = None) -> list[AuditEntry]:
        """Lines that fit, the newest first; those older than sequence `before` if given."""
        words = query.text.split()
        if len(words) > _MOST_WORDS or any(len(word) > _LONGEST_WORD for word in words):
            return []
        conditions = ["sequence < ?"]
        parameters: list[object] = [before if before is not None else 1 << 62]
        for condition, value in _conditions(query):
            conditions.append(condition)
            parameters.append(value)
        for word in words:
            if word.isascii() and word.isdigit() and len(word) < 19:
                conditions.append("sequence = ?")
                parameters.append(int(word))
                continue
            actors = self._rows.all("SELECT id FROM users WHERE name LIKE ? ESCAPE '!'", (_contains(word),))
            marks = ", ".join("?" * len(actors))
            conditions.append(
                "(subject LIKE ? ESCAPE '!' OR action LIKE ? ESCAPE '!' OR reason LIKE ? ESCAPE '!' "
                f"OR actor LIKE ? ESCAPE '!' OR actor IN ({marks}))"
            )
            parameters += [*[_contains(word)] * 4, *(actor for (actor,) in actors)]
        rows = self._rows.all(
            f"SELECT {_COLUMNS} FROM audit_log WHERE {' AND '.join(conditions)} ORDER BY sequence DESC LIMIT ?",
            (*parameters, limit),
        )
        return [ChainLine(*row).entry() for row in rows]

    def subjects(self, action: AuditAction, actor: str) -> frozenset[str]:
        """What somebody ever did this to."""
        rows = self._rows.all(
            "SELECT DISTINCT subject FROM audit_log WHERE actor = ? AND action = ?", (actor, action.value)
        )
        return frozenset(subject for (subject,) in rows)

    def attest_rest(self) -> None:
        """A line for each record that no line speaks of yet. Raises RuntimeError where no deed was named."""
        rest = self._rows.take_all_changed()
        if not rest:
            return
        if self._last is None:
            raise RuntimeError(f"a {rest[0].kind} was changed without an audit line")
        action, actor = self._last
        self._append([(actor, action.value, one.id, one.kind, one.sha256, "") for one in rest])

    def has_failed_unlock(self, attempt: str) -> bool:
        """Whether a failed unlock is already in the chain."""
        return (
            self._rows.one("SELECT 1 FROM audit_log WHERE action = 'unlock_failed' AND reason = ?", (attempt,))
            is not None
        )

    def _end(self) -> tuple[int, str, str]:
        """Number, time and hash of the newest line. Asked for once: in the transaction nobody else appends."""
        if self._newest is None:
            row = self._rows.one("SELECT sequence, time, hash FROM audit_log ORDER BY sequence DESC LIMIT 1")
            self._newest = (row[0], row[1], row[2]) if row else (0, "", self._origin)
        return self._newest

    def _append(self, said: Sequence[tuple[str, ...]]) -> Row:
        """Lines of this moment; returns the last. said: actor, action, subject, record, content_sha256, reason each."""
        sequence, last, previous = self._end()
        now = self._clock()
        if last and (back := parse_time(last) - now) > _CLOCK_TOLERANCE:
            seconds = f"-{back.total_seconds():.0f} s"
            noted = (said[0][0], AuditAction.CLOCK_CHANGED.value, self._store_id, "", "", seconds)
            said = [noted, *said]
        time = time_text(now)
        lines: list[Row] = []
        for number, words in enumerate(said, sequence + 1):
            line: Row = (number, time, *words, previous)
            previous = row_hash((*line, ""))
            lines.append((*line, previous))
        self._rows.insert_all(_LOG, lines)
        self._newest = (lines[-1][0], time, previous)
        return lines[-1]


def _conditions(query: AuditQuery) -> Iterator[tuple[str, object]]:
    """What a query asks for beside its words, each as SQL with its value."""
    if query.action is not None:
        yield "action = ?", query.action.value
    if query.actor:
        yield "actor = ?", query.actor
    if query.subject:
        yield _OF_SUBJECT, query.subject
    if query.since is not None:
        yield "time >= ?", time_text(query.since)
    if query.until is not None:
        yield "time < ?", time_text(query.until)


def _contains(word: str) -> str:
    """A LIKE pattern for texts that hold the word."""
    for special in "!%_":
        word = word.replace(special, "!" + special)
    return f"%{word}%"


def read_rows(rows: Rows, *, after: int = 0) -> Iterator[Row]:
    """Every line after a sequence number as its columns, oldest first; memory stays constant."""
    while page := rows.all(
        f"SELECT {_COLUMNS} FROM audit_log WHERE sequence > ? ORDER BY sequence LIMIT {_PAGE}", (after,)
    ):
        yield from page
        after = page[-1][0]


def read_lines(rows: Rows, *, after: int = 0) -> list[ChainLine]:
    """Up to 10,000 lines after a sequence number, oldest first."""
    found = rows.all(f"SELECT {_COLUMNS} FROM audit_log WHERE sequence > ? ORDER BY sequence LIMIT {_PAGE}", (after,))
    return [ChainLine(*row) for row in found]


__all__ = ["Audit", "AuditQuery", "ChainLine", "Changed", "origin", "read_lines"]
