"""Is everything still what was written? Each check names what it found; none of them stops at damage.

What it cannot see: the whole folder put back to an earlier, complete state, heads file included. Only a head kept
elsewhere (a backup, a report's QR code) shows that.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from sqlcipher3 import dbapi2

from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.jobs import Job
from desktop.records import Addendum, AuditHead
from desktop.records.canonical_report import addendum_canonical_bytes
from desktop.store.attachments import SealedFolder, StoredFile
from desktop.store.audit import ChainLine, origin, read_lines
from desktop.store.canonical import from_canonical
from desktop.store.database import Connection, failure, value
from desktop.store.heads import HeadsFile, NotedHead
from desktop.store.kept import KEPT, Kept, record_faults
from desktop.store.reports import Seal
from desktop.store.rows import Rows
from desktop.vault import KeystoreHealth, Unlocked, check_copies, verify_signature

_BLOCK = 1 << 20


class ProblemKind(StrEnum):
    """Where something is wrong, as the command line names it."""

    KEYSTORE = "keystore"
    UNLOCK = "unlock"
    DATABASE = "database"
    ROLLBACK = "rollback"
    AUDIT = "audit"
    ANCHOR = "anchor"
    RECORD = "record"
    ATTACHMENT = "attachment"


@dataclass(frozen=True)
class Problem:
    """Something is not what was written.

    where: a file of the clinic's folder, `audit/<sequence>`, or `<table>/<id>`; never a name. key: names the sentence
    (`key`) and what to do (`key.advice`). details: values for both.
    """

    kind: ProblemKind
    where: str
    key: str
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    """An honest remain of a crash; nothing to do. key names the sentence."""

    where: str
    key: str
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Verification:
    """What was found. counts: rows by table. head: the audit chain's newest line, None where it cannot be read."""

    problems: tuple[Problem, ...]
    notes: tuple[Note, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    head: AuditHead | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@dataclass(frozen=True)
class OpenClinic:
    """What the checks look at."""

    folder: Path
    unlocked: Unlocked
    connection: Connection
    heads: HeadsFile
    sealed: SealedFolder
    database: str


class _Findings:
    """Collects while the checks run."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.notes: list[Note] = []
        self.counts: dict[str, int] = {}
        self.head: AuditHead | None = None

    def problem(self, kind: ProblemKind, where: str, key: str, **details: object) -> None:
        self.problems.append(Problem(kind, where, key, details))

    def note(self, where: str, key: str, **details: object) -> None:
        self.notes.append(Note(where, key, details))


Check = Callable[[OpenClinic, Rows, _Findings, Job], None]


def verify_open(clinic: OpenClinic, job: Job) -> Verification:
    """Run every check on an open clinic, outside any transaction. Raises only Cancelled."""
    found = _Findings()
    _check_keystore(clinic, found)
    try:
        # Before this, a healthy file with a full -wal beside it would fail the page check.
        clinic.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        _check_pages(clinic, found, job)
    except dbapi2.DatabaseError as error:
        told = failure(error)
        if told is not None and told.kind is ErrorKind.DISK_FULL:
            found.note(clinic.database, "verify.pages_not_checked")
        else:
            _unreadable(clinic, found)
    rows = Rows(clinic.connection, writable=False)
    checks: tuple[Check, ...] = (_check_chain, _check_records, _check_reports, _check_attachments, _count)
    for check in checks:
        try:
            check(clinic, rows, found, job)
        except dbapi2.DatabaseError:
            _unreadable(clinic, found)
    rows.end()
    return Verification(tuple(found.problems), tuple(found.notes), found.counts, found.head)


def _unreadable(clinic: OpenClinic, found: _Findings) -> None:
    """A statement failed. Only the first one is told: one lost page fails many."""
    if not any(problem.kind is ProblemKind.DATABASE for problem in found.problems):
        found.problem(ProblemKind.DATABASE, clinic.database, "verify.database_unreadable")


def _check_keystore(clinic: OpenClinic, found: _Findings) -> None:
    now = check_copies(clinic.folder, clinic.unlocked)
    # Unlocking mends a copy; what was wrong with it is still to be told.
    before = clinic.unlocked.found or now
    for then, finding in zip(before, now, strict=True):
        finding = finding if then.health is KeystoreHealth.WHOLE else then
        match finding.health:
            case KeystoreHealth.MISSING:
                found.problem(ProblemKind.KEYSTORE, finding.file, "verify.keystore_missing", file=finding.file)
            case KeystoreHealth.DAMAGED:
                found.problem(ProblemKind.KEYSTORE, finding.file, "verify.keystore_damaged", file=finding.file)
            case KeystoreHealth.CHANGED:
                found.problem(ProblemKind.KEYSTORE, finding.file, "verify.keystore_changed", file=finding.file)
            case KeystoreHealth.OLDER:
                found.note(finding.file, "verify.keystore_older", file=finding.file)
            case KeystoreHealth.WHOLE:
                pass


def _check_pages(clinic: OpenClinic, found: _Findings, job: Job) -> None:
    """Every page's HMAC, then SQLite's own view of tables and indexes."""
    job.report("verify.step.database")
    damaged = clinic.connection.execute("PRAGMA cipher_integrity_check").fetchall()
    if damaged:
        found.problem(ProblemKind.DATABASE, clinic.database, "verify.pages_damaged", count=len(damaged))
    job.check()
    if value(clinic.connection, "PRAGMA integrity_check(1)") != "ok" and not damaged:
        found.problem(ProblemKind.DATABASE, clinic.database, "verify.database_inconsistent")
    for table, rowid, *_ in clinic.connection.execute("PRAGMA foreign_key_check").fetchall():
        found.problem(ProblemKind.RECORD, f"{table}/{rowid}", "verify.record_without_parent", table=table)
    generation = value(clinic.connection, "SELECT value FROM meta WHERE name = 'keystore_generation'")
    if clinic.unlocked.generation < int(generation or 0):
        found.problem(ProblemKind.KEYSTORE, "keystore.json", "verify.keystore_rolled_back")


def _check_chain(clinic: OpenClinic, rows: Rows, found: _Findings, job: Job) -> None:
    """Links, then the heads noted beside the database against the lines they speak of."""
    read = clinic.heads.read()
    noted: dict[int, set[str]] = {}
    for head in read.heads:
        noted.setdefault(head.sequence, set()).add(head.hash)
    previous, sequence, broken, differs = origin(clinic.unlocked.store_id), 0, False, False
    while lines := read_lines(rows, after=sequence):
        job.report("verify.step.audit", sequence)
        for line in lines:
            if not broken and (fault := _link_fault(line, sequence, previous)):
                found.problem(ProblemKind.AUDIT, f"audit/{sequence + 1}", fault, sequence=sequence + 1)
                broken = True
            if noted.pop(line.sequence, {line.hash}) != {line.hash} and not differs:
                differs = True
                found.problem(
                    ProblemKind.ROLLBACK,
                    f"audit/{line.sequence}",
                    "verify.head_differs",
                    sequence=line.sequence,
                )
            previous, sequence = line.hash, line.sequence
    found.head = AuditHead(sequence, previous)
    if beyond := [number for number in noted if number > sequence]:
        found.problem(
            ProblemKind.ROLLBACK,
            f"audit/{sequence + 1}",
            "verify.tail_missing",
            sequence=sequence,
            noted=max(beyond),
            count=max(beyond) - sequence,
        )
    _check_heads_file(clinic, rows, found)


def _link_fault(line: ChainLine, sequence: int, previous: str) -> str:
    """Key of what is wrong between the line and the one before, or empty."""
    if line.sequence != sequence + 1:
        return "verify.line_missing"
    if line.previous != previous:
        return "verify.link_broken"
    return "verify.line_changed" if line.expected_hash() != line.hash else ""


def _check_heads_file(clinic: OpenClinic, rows: Rows, found: _Findings) -> None:
    read = clinic.heads.read()
    name = clinic.heads.name
    for number in read.bad_lines:
        found.problem(ProblemKind.AUDIT, name, "verify.head_changed", line=number)
    if read.torn:
        found.note(name, "verify.head_torn")
    users = {row[0] for row in rows.all("SELECT public_key FROM users")}
    for head in read.heads:
        if head.signed and not _signed_by_somebody(head, clinic.unlocked.store_id, users):
            found.problem(ProblemKind.AUDIT, name, "verify.head_signature", sequence=head.sequence)
    row = rows.one("SELECT value FROM meta WHERE name = 'signed_head'")
    remembered = int(row[0]) if row else 0
    if remembered > max((head.sequence for head in read.heads if head.signed), default=0):
        found.problem(ProblemKind.AUDIT, name, "verify.heads_cut" if read.present else "verify.heads_missing")


def _signed_by_somebody(head: NotedHead, store_id: str, keys: set[bytes]) -> bool:
    return head.public_key in keys and head.signature_holds(store_id)


def _check_records(clinic: OpenClinic, rows: Rows, found: _Findings, job: Job) -> None:
    """Every record against the last hash the audit chain holds of it."""
    for place, kept in enumerate(KEPT):
        job.report("verify.step.records", place, len(KEPT))
        for fault in record_faults(rows, kept, job.check):
            kind = ProblemKind.ROLLBACK if fault.key == "verify.record_older" else ProblemKind.RECORD
            found.problem(kind, f"{kept.table}/{fault.subject}", fault.key, table=kept.table)


def _check_reports(clinic: OpenClinic, rows: Rows, found: _Findings, job: Job) -> None:
    """Signed reports and their addenda: the bytes, their hash, the signature, and that none was dropped between."""
    keys = {row[0] for row in rows.all("SELECT public_key FROM users")}
    for identity, content, record in rows.all("SELECT id, content, record FROM reports ORDER BY key"):
        job.check()
        try:
            seal = from_canonical(Seal, record)
            holds = (
                hashlib.sha256(content).hexdigest() == seal.sha256
                and seal.public_key in keys
                and verify_signature(seal.public_key, content, seal.signature)
                and _addenda_hold(rows, identity, seal.sha256, keys)
            )
        except ValueError:
            continue  # told by the record check
        if not holds:
            found.problem(ProblemKind.RECORD, f"reports/{identity}", "verify.report_changed")


def _addenda_hold(rows: Rows, report: str, report_sha256: str, keys: set[bytes]) -> bool:
    """Whether each addendum is signed by one of the clinic's users and follows from the one before."""
    previous = ""
    for (record,) in rows.all("SELECT record FROM addenda WHERE report = ? ORDER BY number", (report,)):
        addendum = from_canonical(Addendum, record)
        data = addendum_canonical_bytes(report_sha256, previous, addendum.text, addendum.author_name, addendum.signed)
        if hashlib.sha256(data).hexdigest() != addendum.sha256:
            return False
        if not any(verify_signature(key, data, addendum.signature) for key in keys):
            return False
        previous = addendum.sha256
    return True


def _check_attachments(clinic: OpenClinic, rows: Rows, found: _Findings, job: Job) -> None:
    """Every imported file opens and holds the bytes that were imported."""
    referenced = set()
    stored = rows.all("SELECT id, file, record FROM attachments ORDER BY id")
    for done, (identity, file, record) in enumerate(stored):
        job.report("verify.step.attachments", done, len(stored))
        referenced.add(file)
        try:
            attachment = from_canonical(StoredFile, record)
            digest = _plain_sha256(clinic.sealed, attachment, job)
        except ValueError:
            continue  # told by the record check
        except (KnownFailure, OSError) as error:
            missing = isinstance(error, UserFacingError) and error.key == "store.attachment_missing"
            key = "verify.attachment_missing" if missing else "verify.attachment_damaged"
            found.problem(ProblemKind.ATTACHMENT, f"attachments/{identity}", key)
            continue
        if digest != attachment.attachment.sha256:
            found.problem(ProblemKind.ATTACHMENT, f"attachments/{identity}", "verify.attachment_damaged")
    for path in clinic.sealed.files():
        if path.name not in referenced:
            found.note(f"{path.parent.parent.name}/{path.parent.name}/{path.name}", "verify.orphan")


def _plain_sha256(sealed: SealedFolder, stored: StoredFile, job: Job) -> str:
    digest = hashlib.sha256()
    with sealed.open(stored) as stream:
        while block := stream.read(_BLOCK):
            job.check()
            digest.update(block)
    return digest.hexdigest()


def _count(clinic: OpenClinic, rows: Rows, found: _Findings, job: Job) -> None:
    names: Iterator[Kept] = (kept for kept in KEPT if kept.counted)
    for kept in names:
        row = rows.one(f"SELECT count(*) FROM {kept.table}")
        found.counts[kept.counted] = int(row[0]) if row else 0
