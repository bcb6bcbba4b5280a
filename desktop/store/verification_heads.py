"""Does the audit chain reach the heads noted beside it, and is the file of them whole?"""

from collections.abc import Collection
from dataclasses import dataclass

from desktop.jobs import Job
from desktop.store.heads import KEPT_LINES, HeadLine, HeadsFile, NotedHead
from desktop.store.rows import Rows
from desktop.store.verification_chain import in_chain, known_keys
from desktop.store.verification_findings import Findings, ProblemKind

_BETWEEN_CHECKS = 10_000


@dataclass(frozen=True)
class _Memory:
    """How far the database remembers heads to be signed. last: number of its newest audit line. signed: of the last
    signed head, None where that is gone. begun: of the head that was about to be signed, None where an earlier release
    noted no such thing."""

    last: int
    signed: int | None
    begun: int | None

    @classmethod
    def read(cls, rows: Rows) -> "_Memory":
        """As it stands in the database."""
        (last, signed, begun) = rows.all(
            "SELECT (SELECT max(sequence) FROM audit_log), (SELECT value FROM meta WHERE name = 'signed_head'), "
            "(SELECT value FROM meta WHERE name = 'begun_head')"
        )[0]
        return cls(int(last or 0), None if signed is None else int(signed), None if begun is None else int(begun))

    def is_behind(self, signed: Collection[int]) -> bool:
        """Whether these heads, all signed and in the chain, show that it is from an earlier time."""
        if self.signed is None:
            return False
        if self.begun is None:
            # One is what a power cut leaves between the file and the database's memory of it.
            return sum(sequence > self.signed for sequence in signed) > 1
        return any(sequence > max(self.signed, self.begun) for sequence in signed)


def check_heads(
    heads: HeadsFile,
    rows: Rows,
    store_id: str,
    found: Findings,
    job: Job,
    *,
    noted: int | None = None,
    newest: int | None = None,
) -> None:
    """The heads noted beside the database, or in the first `noted` or about the last `newest` bytes there, against the
    lines they speak of."""
    _Heads(heads, rows, store_id, found).check(job, noted, newest)


class _Heads:
    """One reading of the file."""

    def __init__(self, heads: HeadsFile, rows: Rows, store_id: str, found: Findings) -> None:
        self._heads = heads
        self._rows = rows
        self._store_id = store_id
        self._found = found
        self._keys = known_keys(rows)
        self._memory = _Memory.read(rows)
        self._previous: HeadLine | None = None
        self._furthest = self._furthest_signed = 0
        self._signed: set[int] = set()
        self._differs = self._cut_off = self._misplaced = False

    def check(self, job: Job, noted: int | None, newest: int | None) -> None:
        """Every line, and then what they come to."""
        first = count = 0
        for line in self._heads.lines(noted, newest):
            if line.number % _BETWEEN_CHECKS == 1:
                job.report("verify.step.audit", self._memory.last)
            count += 1
            if line.head is not None:
                first = line.head.number if line.number == 1 else first
                self._take_head(line, line.head)
            elif line.torn:
                self._found.note(self._heads.name, "verify.head_torn")
                self._cut_off = line.may_be(self._remembered)
            else:
                self._audit_problem("verify.head_changed", line=line.number)
        # Where the oldest lines were dropped because there were so many, very many are left.
        if first > 1 and count < KEPT_LINES and not self._misplaced:
            self._audit_problem("verify.head_taken_out", line=1)
        self._compare()

    @property
    def _remembered(self) -> int:
        return self._memory.last if self._memory.signed is None else self._memory.signed

    def _take_head(self, line: HeadLine, head: NotedHead) -> None:
        if head.sequence < self._furthest:
            self._misplaced = True
            self._audit_problem("verify.head_misplaced", line=line.number)
        elif self._is_one_missing_before(line, head):
            self._audit_problem("verify.head_taken_out", line=line.number)
        self._previous = line
        self._furthest = max(self._furthest, head.sequence)
        reached = head.sequence <= self._memory.last
        if reached and not self._differs and not in_chain(self._rows, head.sequence, head.hash):
            self._differs = True
            where, sequence = f"audit/{head.sequence}", head.sequence
            self._found.problem(ProblemKind.ROLLBACK, where, "verify.head_differs", sequence=sequence)
        if head.signed:
            self._furthest_signed = max(self._furthest_signed, head.sequence)
            if head.public_key not in self._keys or not head.signature_holds(self._store_id):
                self._audit_problem("verify.head_signature", sequence=head.sequence)
            elif reached:
                self._signed.add(head.sequence)

    def _is_one_missing_before(self, line: HeadLine, head: NotedHead) -> bool:
        """Whether a line follows another one immediately without having its next number. Between the two of which a
        power cut left something, that something stands."""
        previous = self._previous
        if previous is None or previous.head is None or previous.number + 1 != line.number:
            return False
        return (head.number or previous.head.number) > 0 and head.number != previous.head.number + 1

    def _compare(self) -> None:
        """The file as a whole with the chain and with the database's memory."""
        memory, furthest, last = self._memory, self._furthest, self._memory.last
        if memory.signed is None:
            self._found.problem(ProblemKind.DATABASE, "meta/signed_head", "verify.form_changed")
        if furthest < last:
            self._found.note(self._heads.name, "verify.heads_behind", count=last - furthest)
        if furthest > last:
            details = {"sequence": last, "noted": furthest, "count": furthest - last}
            self._found.problem(ProblemKind.ROLLBACK, f"audit/{last + 1}", "verify.tail_missing", **details)
        if memory.signed is not None and memory.signed > self._furthest_signed and not self._cut_off:
            self._audit_problem("verify.heads_cut" if self._heads.present else "verify.heads_missing")
        if memory.is_behind(self._signed):
            where, sequence = "meta/signed_head", memory.signed
            self._found.problem(ProblemKind.ROLLBACK, where, "verify.signed_head_rolled_back", sequence=sequence)

    def _audit_problem(self, key: str, **details: object) -> None:
        self._found.problem(ProblemKind.AUDIT, self._heads.name, key, **details)
