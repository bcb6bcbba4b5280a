"""Does the audit chain hold together, and does it hold a head kept elsewhere?"""

from desktop.jobs import Job
from desktop.records import AuditHead, User
from desktop.store.anchors import Anchor
from desktop.store.audit import origin, read_rows, row_hash
from desktop.store.canonical import from_canonical
from desktop.store.rows import Row, Rows
from desktop.store.verification_findings import Findings, ProblemKind

_BETWEEN_CHECKS = 10_000


def check_chain(rows: Rows, store_id: str, found: Findings, job: Job) -> None:
    """Every line: its number, its link to the line before and its own hash."""
    sequence, previous = 0, origin(store_id)
    for row in read_rows(rows):
        if row[0] % _BETWEEN_CHECKS == 1:
            job.report("verify.step.audit", sequence)
        if fault := link_fault(row, sequence, previous):
            found.problem(ProblemKind.AUDIT, f"audit/{sequence + 1}", fault, sequence=sequence + 1)
        sequence, previous = row[0], row[-1]
    found.head = AuditHead(sequence, previous)
    if rows.one("SELECT 1 FROM audit_log WHERE sequence < 1 LIMIT 1") is not None:
        found.problem(ProblemKind.AUDIT, "audit/0", "verify.line_inserted")


def link_fault(row: Row, sequence: int, previous: str) -> str:
    """Key of what is wrong between a line and the one before, or empty. sequence, previous: number and hash of that."""
    if row[0] != sequence + 1:
        return "verify.line_missing"
    if row[-2] != previous:
        return "verify.link_broken"
    return "verify.line_changed" if row_hash(row) != row[-1] else ""


def known_keys(rows: Rows) -> frozenset[bytes]:
    """Verification keys of everybody who works or worked here; of a record that cannot be read none is known."""
    keys: set[bytes] = set()
    for (record,) in rows.all("SELECT record FROM users"):
        try:
            user = from_canonical(User, record)
        except ValueError:
            continue  # told by the record check
        keys.update(user.public_keys)
    return frozenset(keys)


def check_anchor(anchor: Anchor, rows: Rows, store_id: str, found: Findings) -> None:
    """A head kept outside the clinic: the chain must hold that very line, and its signature must be a user's."""
    where = f"audit/{anchor.sequence}"
    if anchor.store_id and anchor.store_id != store_id:
        found.problem(ProblemKind.ANCHOR, where, "verify.anchor_of_another_clinic")
        return
    if anchor.signed_by and not (anchor.authentic and anchor.signed_by in known_keys(rows)):
        found.problem(ProblemKind.ANCHOR, where, "verify.anchor_signature", sequence=anchor.sequence)
    if in_chain(rows, anchor.sequence, anchor.hash) or (anchor.sequence, anchor.hash) == (0, origin(store_id)):
        return
    last = found.head.sequence if found.head is not None else 0
    if anchor.sequence > last:
        details = {"sequence": last, "noted": anchor.sequence, "count": anchor.sequence - last}
        found.problem(ProblemKind.ANCHOR, where, "verify.anchor_beyond", **details)
    else:
        found.problem(ProblemKind.ANCHOR, where, "verify.anchor_differs", sequence=anchor.sequence)


def in_chain(rows: Rows, sequence: int, digest: str) -> bool:
    """Whether the chain holds a line of that number and hash."""
    row = rows.one("SELECT hash FROM audit_log WHERE sequence = ?", (sequence,))
    return row is not None and row[0] == digest
