"""The audit trail as a file that proves itself: JSON Lines, every line of the chain and last the head somebody signed.

It holds ids and hashes, never a name, and is checked without the clinic: whether a line was changed, removed, moved or
added shows in the lines themselves, whether the end is missing in the signed head.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from desktop.store.anchors import SignedHead
from desktop.store.audit import COLUMNS, origin, row_hash
from desktop.store.rows import Row
from desktop.store.verification_findings import Findings, Problem, ProblemKind

LONGEST_LINE = 1 << 16

_NAMES = ("seq", *COLUMNS[1:])


@dataclass(frozen=True)
class FileCheck:
    """What was found in an exported trail. rows: lines of the chain in it. head: its signed head, None without one."""

    problems: tuple[Problem, ...]
    rows: int
    head: SignedHead | None


def row_line(row: Row) -> bytes:
    """A line of the chain, given as its columns, as it stands in the file."""
    return _line(dict(zip(_NAMES, row, strict=True)))


def head_line(head: SignedHead) -> bytes:
    """The last line of the file."""
    return _line(head.to_json())


def check_lines(lines: Iterable[bytes]) -> FileCheck:
    """Everything that is wrong with an exported trail, the first line first; memory stays constant."""
    check = _Check()
    for number, line in enumerate(lines, start=1):
        if line.strip():
            check.line(number, line)
    return check.end()


class _Check:
    """Follows the chain from line to line. A bad line may stand for a line of the trail or have been put in between:
    that shows at the next good one."""

    def __init__(self) -> None:
        self._found = Findings()
        self._rows = 0
        self._head: SignedHead | None = None
        self._first: Row | None = None
        self._next = 1
        self._previous = ""
        self._bad = 0

    def line(self, number: int, line: bytes) -> None:
        """One line of the file."""
        raw = _parsed(line)
        if self._head is not None:
            self._problem(f"line/{number}", "verify.file_after_head", line=number)
        elif raw is not None and "signature" in raw:
            self._take_head(number, raw)
        elif (row := _row(raw)) is None or row_hash(row) != row[-1]:
            self._rows += 1
            place = self._next + self._bad
            self._problem(f"audit/{place}", "verify.line_changed", sequence=place)
            self._bad += 1
        else:
            self._rows += 1
            self._take_row(row)

    def end(self) -> FileCheck:
        """No more lines."""
        last = self._next - 1
        if self._head is None:
            self._problem(f"audit/{self._next + self._bad}", "verify.file_head_missing", sequence=last)
        else:
            self._check_head(self._head, last)
        return FileCheck(self._found.verification().problems, self._rows, self._head)

    def _take_head(self, number: int, raw: dict[str, Any]) -> None:
        try:
            self._head = SignedHead.from_json(raw)
        except ValueError:
            self._problem(f"line/{number}", "verify.file_head_changed")

    def _take_row(self, row: Row) -> None:
        sequence, previous = row[0], row[-2]
        if sequence < self._next:
            self._problem(f"audit/{sequence}", "verify.line_out_of_place", sequence=sequence)
            return
        missing = self._next + self._bad
        if sequence > missing:
            self._problem(f"audit/{missing}", "verify.line_missing", sequence=missing)
        elif self._first is not None and not self._bad and previous != self._previous:
            self._problem(f"audit/{sequence}", "verify.link_broken", sequence=sequence)
        if self._first is None:
            self._first = row
        self._next, self._previous, self._bad = sequence + 1, row[-1], 0

    def _check_head(self, head: SignedHead, last: int) -> None:
        where = f"audit/{head.sequence}"
        if not head.holds():
            self._problem(where, "verify.file_head_signature", sequence=head.sequence)
        first = self._first
        if first is not None and first[0] == 1 and first[-2] != origin(head.store_id):
            self._problem("audit/1", "verify.link_broken", sequence=1)
        if head.sequence > last + self._bad:
            details = {"sequence": last + self._bad, "noted": head.sequence, "count": head.sequence - last - self._bad}
            self._problem(f"audit/{last + self._bad + 1}", "verify.tail_missing", **details)
        elif head.sequence < last or (head.sequence == last and self._rows and head.hash != self._previous):
            self._problem(where, "verify.file_head_differs", sequence=head.sequence)

    def _problem(self, where: str, key: str, **details: object) -> None:
        self._found.problem(ProblemKind.AUDIT, where, key, **details)


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def _parsed(line: bytes) -> dict[str, Any] | None:
    """The object in a line; None for anything else, a name given twice included."""
    try:
        raw = json.loads(line, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    return raw if isinstance(raw, dict) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _row(raw: dict[str, Any] | None) -> Row | None:
    """The columns of a line; None where it is no line of the chain."""
    if raw is None or raw.keys() != set(_NAMES):
        return None
    row = tuple(raw[name] for name in _NAMES)
    if type(row[0]) is not int or not all(isinstance(field, str) and _encodable(field) for field in row[1:]):
        return None
    return row


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
