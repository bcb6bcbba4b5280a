"""Is everything still what was written? Each check names what it found; none of them stops at damage.

What they cannot see: the whole folder put back to an earlier, complete state, heads file included (only a head kept
elsewhere shows that: a backup, a report's QR code, `audit head`), and what no audit line speaks of: unsigned drafts,
and when a patient was last looked at.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from sqlcipher3 import dbapi2

from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job
from desktop.store.anchors import Anchor
from desktop.store.attachments import SealedFolder
from desktop.store.database import Connection, connect, failure, value
from desktop.store.heads import HeadsFile
from desktop.store.migrations import migrate
from desktop.store.places import StoreFiles, files_of_other_epochs
from desktop.store.rows import Rows
from desktop.store.verification_chain import check_anchor, check_chain
from desktop.store.verification_findings import (
    Findings,
    Inventory,
    Note,
    Problem,
    ProblemKind,
    Verification,
)
from desktop.store.verification_heads import check_heads
from desktop.store.verification_records import (
    check_attachments,
    check_records,
    check_reports,
    count,
    list_patients,
)
from desktop.store.verification_search import check_search
from desktop.vault import KeystoreHealth, Unlocked, check_copies

_STEPS_BETWEEN_CHECKS = 100_000
_UNFINISHED = ".new"
_READERS_CACHE_KIB = 16 * 1024
_NEWEST_HEADS = 256 * 1024


@dataclass(frozen=True)
class OpenClinic:
    """What the checks look at. connection: sees one moment of the database, and may make temporary tables. noted: how
    many bytes of the heads file belong to that moment; all of it where None."""

    unlocked: Unlocked
    connection: Connection
    heads: HeadsFile
    sealed: SealedFolder
    files: StoreFiles
    noted: int | None = None

    @property
    def database(self) -> str:
        """The database's name in the clinic's folder."""
        return self.files.database.name


@dataclass(frozen=True)
class Wanted:
    """What a check is asked beyond whether all is well. anchor: a head kept elsewhere that the chain must hold."""

    inventory: bool = False
    anchor: Anchor | None = None


NOTHING_MORE = Wanted()


def is_unclean(files: StoreFiles) -> bool:
    """Whether the clinic was not closed the last time: closing empties the write-ahead log and removes it."""
    try:
        return files.write_ahead_log.stat().st_size > 0
    except OSError:
        return False


def look_at_opening(files: StoreFiles, unlocked: Unlocked, connection: Connection, heads: HeadsFile) -> Verification:
    """What shows before anything is written: the state in which the keystore's copies were found, and whether the audit
    chain reaches the newest heads noted beside it. Takes no time that a person would notice, and raises nothing."""
    found = Findings()
    rows = Rows(connection, writable=False)
    try:
        check_keystore(files.folder, unlocked, connection, found)
        check_heads(heads, rows, unlocked.store_id, found, Job(), newest=_NEWEST_HEADS)
    except dbapi2.DatabaseError:
        unreadable(files.database.name, found)
    rows.end()
    return found.verification()


def check_quickly(reading: Connection, database: str, found: Findings, job: Job) -> None:
    """SQLite's quick look at the database's form. Raises Cancelled."""
    with cancelling(reading, job):
        try:
            sound = value(reading, "PRAGMA quick_check(1)") == "ok"
        except dbapi2.DatabaseError:
            job.check()
            unreadable(database, found)
            return
    if not sound and not found.has(ProblemKind.DATABASE):
        found.problem(ProblemKind.DATABASE, database, "verify.database_inconsistent")


def check_pages(connection: Connection, database: str, found: Findings, job: Job) -> None:
    """Every page's HMAC. The connection must be the only one that writes, and in no transaction."""
    job.report("verify.step.database")
    try:
        empty_the_log(connection)
        damaged = connection.execute("PRAGMA cipher_integrity_check").fetchall()
    except dbapi2.DatabaseError as error:
        job.check()
        told = failure(error)
        if told is not None and told.kind is ErrorKind.DISK_FULL:
            found.note(database, "verify.pages_not_checked")
        else:
            unreadable(database, found)
        return
    if damaged:
        found.problem(ProblemKind.DATABASE, database, "verify.pages_damaged", count=len(damaged))


def empty_the_log(connection: Connection) -> None:
    """Move what the -wal file holds into the database: before this, a healthy file with a full one beside it would fail
    the check of pages.

    Nobody waits for a backup or another check that reads an earlier moment: what came after that moment stays where it
    is then, which is harmless in a database that was whole when it was opened.
    """
    patience = int(value(connection, "PRAGMA busy_timeout"))
    connection.execute("PRAGMA busy_timeout = 0").fetchall()
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}").fetchall()


def check_all(clinic: OpenClinic, wanted: Wanted, found: Findings, job: Job) -> None:
    """Everything but the pages. Raises only Cancelled."""
    rows = Rows(clinic.connection, writable=False)
    store_id = clinic.unlocked.store_id
    checks: tuple[Callable[[], None], ...] = (
        partial(check_keystore, clinic.files.folder, clinic.unlocked, clinic.connection, found),
        partial(_check_form, clinic, found),
        partial(check_chain, rows, store_id, found, job),
        partial(check_heads, clinic.heads, rows, store_id, found, job, noted=clinic.noted),
        partial(_check_wanted_anchor, clinic, wanted, rows, found),
        partial(check_records, rows, found, job),
        partial(check_reports, rows, found, job, inventory=wanted.inventory),
        partial(check_attachments, rows, clinic.sealed, found, job, inventory=wanted.inventory),
        partial(check_search, clinic.connection, found, job),
        partial(_note_leftovers, clinic.files, found),
        partial(count, rows, found),
        *((partial(list_patients, rows, found, job),) if wanted.inventory else ()),
    )
    with cancelling(clinic.connection, job):
        for check in checks:
            try:
                check()
            except dbapi2.DatabaseError:
                job.check()
                unreadable(clinic.database, found)
    rows.end()


def reader(database: Path, key: bytes, found: Findings) -> Connection | None:
    """A second connection that sees the database as of now, whatever is written meanwhile; None, and a problem, where
    it cannot be opened."""
    try:
        connection = connect(database, key)
    except UserFacingError as error:
        found.problem(ProblemKind.DATABASE, database.name, error.key, **error.details)
        return None
    try:
        connection.execute(f"PRAGMA cache_size = -{_READERS_CACHE_KIB}")
        connection.execute("BEGIN")
        # The read transaction begins with the first statement that reads.
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except dbapi2.DatabaseError:
        connection.close()
        unreadable(database.name, found)
        return None
    return connection


def unreadable(database: str, found: Findings) -> None:
    """A statement failed. Only the first one is told: one lost page fails many."""
    if not found.has(ProblemKind.DATABASE):
        found.problem(ProblemKind.DATABASE, database, "verify.database_unreadable")


@contextlib.contextmanager
def cancelling(connection: Connection, job: Job) -> Iterator[None]:
    """A cancelled job ends a long statement too."""
    connection.set_progress_handler(lambda: int(job.cancelled), _STEPS_BETWEEN_CHECKS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)


def check_keystore(folder: Path, unlocked: Unlocked, connection: Connection | None, found: Findings) -> None:
    """Both copies by their MAC, and that neither is older than the database remembers."""
    now = check_copies(folder, unlocked)
    # Unlocking mends a copy; what was wrong with it is still to be told.
    before = unlocked.found or now
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
    if connection is not None:
        generation = value(connection, "SELECT value FROM meta WHERE name = 'keystore_generation'")
        if unlocked.generation < int(generation or 0):
            found.problem(ProblemKind.KEYSTORE, "keystore.json", "verify.keystore_rolled_back")


def _check_form(clinic: OpenClinic, found: Findings) -> None:
    """SQLite's own view of tables and indexes, and that nothing of what guards them was taken away."""
    if value(clinic.connection, "PRAGMA integrity_check(1)") != "ok" and not found.has(ProblemKind.DATABASE):
        found.problem(ProblemKind.DATABASE, clinic.database, "verify.database_inconsistent")
    differing = _form(clinic.connection) ^ _expected_form()
    for name in sorted({name for _, name, _ in differing}):
        found.problem(ProblemKind.DATABASE, f"{clinic.database}/{name}", "verify.form_changed")


def _note_leftovers(files: StoreFiles, found: Findings) -> None:
    """What an interrupted writing or change of keys left in the clinic's folder."""
    with contextlib.suppress(OSError):
        for path in files_of_other_epochs(files.folder, files.epoch):
            found.note(path.name, "verify.leftover" if path.name.endswith(_UNFINISHED) else "verify.other_epoch")
        for path in sorted(files.folder.glob(f"*.json*{_UNFINISHED}")):
            found.note(path.name, "verify.leftover")


def _form(connection: Connection) -> frozenset[tuple[str, str, str]]:
    """Tables, indexes and triggers with how each was made; not what ANALYZE adds."""
    statement = "SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    return frozenset(connection.execute(statement).fetchall())


@cache
def _expected_form() -> frozenset[tuple[str, str, str]]:
    """The same of a database that this release makes."""
    with contextlib.closing(dbapi2.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh)
        return _form(fresh)


def _check_wanted_anchor(clinic: OpenClinic, wanted: Wanted, rows: Rows, found: Findings) -> None:
    if wanted.anchor is not None:
        check_anchor(wanted.anchor, rows, clinic.unlocked.store_id, found)


__all__ = [
    "NOTHING_MORE",
    "Findings",
    "Inventory",
    "Note",
    "OpenClinic",
    "Problem",
    "ProblemKind",
    "Verification",
    "Wanted",
    "check_all",
    "check_keystore",
    "check_pages",
    "check_quickly",
    "empty_the_log",
    "is_unclean",
    "look_at_opening",
    "reader",
]
