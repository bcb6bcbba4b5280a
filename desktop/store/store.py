"""The clinic's store: one encrypted database, one folder of sealed files, one heads file."""

import contextlib
import io
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Self

from sqlcipher3 import dbapi2

from desktop.errors import ErrorKind, KnownFailure, from_os_error
from desktop.jobs import Job
from desktop.records import AttachmentId, AuditAction, AuditHead, User
from desktop.store import database
from desktop.store.attachments import Attachments, SealedFolder, Staged
from desktop.store.audit import Audit
from desktop.store.backup_database import keep_before_migration, open_to_read
from desktop.store.backup_moment import Moment, keystore_copy
from desktop.store.backup_runs import Backups
from desktop.store.clinic_settings import Clinic, Clinics, Policies, Users
from desktop.store.clinical import Conditions, Documents, Medications
from desktop.store.conflicts import Conflicts
from desktop.store.consents import Consents
from desktop.store.database import Connection, translated, value
from desktop.store.heads import SIGNED_EVERY, HeadsFile
from desktop.store.lock import ProcessLock
from desktop.store.merges import Merges
from desktop.store.migrations import migrate
from desktop.store.patients import Patients
from desktop.store.places import StoreFiles, anything_present
from desktop.store.readings import Annotations, Drafts, Impressions, Reviews, Suggestions
from desktop.store.reports import Reports
from desktop.store.rows import Rows
from desktop.store.studies import Studies
from desktop.store.verification import OpenClinic, Verification, verify_open
from desktop.store.visits import Visits
from desktop.vault import Unlocked, attempts
from desktop.vault.files import sync_folder
from desktop.vault.sealed import CHUNK

_log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class Transaction:
    """Everything one transaction may touch, a module per subject. Use it only inside its `with`."""

    def __init__(self, rows: Rows, store_id: str, clock: Callable[[], datetime]) -> None:
        self.patients = Patients(rows, clock)
        self.merges = Merges(rows, self.patients)
        self.conflicts = Conflicts(rows)
        self.consents = Consents(rows)
        self.visits = Visits(rows)
        self.conditions = Conditions(rows)
        self.medications = Medications(rows)
        self.documents = Documents(rows)
        self.studies = Studies(rows)
        self.attachments = Attachments(rows)
        self.impressions = Impressions(rows)
        self.suggestions = Suggestions(rows)
        self.reviews = Reviews(rows)
        self.annotations = Annotations(rows)
        self.reports = Reports(rows)
        self.drafts = Drafts(rows)
        self.policy = Policies(rows)
        self.users = Users(rows)
        self.backups = Backups(rows)
        self.audit = Audit(rows, store_id, clock)


class AttachmentFiles:
    """The bytes of attachments, outside any transaction."""

    def __init__(self, store: "Store", folder: SealedFolder) -> None:
        self._store = store
        self._folder = folder

    def stage(self, data: bytes | Path, job: Job) -> Staged:
        """Seal bytes or a file; on the disk for certain, but nobody's until `tx.attachments.add` commits.

        Raises KnownFailure or Cancelled; nothing is left behind then.
        """
        return self._folder.write(data, job)

    def discard(self, staged: Staged) -> None:
        """Remove what was staged and is not wanted after all."""
        self._folder.discard(staged)

    def open(self, attachment: AttachmentId) -> BinaryIO:
        """The plain bytes as a seekable stream; close it. Raises UserFacingError, KnownFailure (also while reading)."""
        with self._store.snapshot() as tx:
            stored = tx.attachments.stored(attachment)
        return io.BufferedReader(self._folder.open(stored), CHUNK)

    def read(self, attachment: AttachmentId) -> bytes:
        """All plain bytes. Raises as `open`."""
        try:
            with self.open(attachment) as stream:
                return stream.read()
        except OSError as error:
            raise from_os_error(error) from error

    def sweep(self) -> int:
        """Remove files older than a day that nobody refers to; returns how many."""
        with self._store.snapshot() as tx:
            referenced = tx.attachments.referenced()
        try:
            return self._folder.sweep(referenced)
        except OSError as error:
            raise from_os_error(error) from error


class Store:
    """An open clinic. Safe to call from several threads: one transaction runs at a time.

    Make one with `create` or `open`; `close` it, or use it as a context manager.
    """

    def __init__(
        self,
        folder: Path,
        unlocked: Unlocked,
        connection: Connection,
        lock: ProcessLock,
        clock: Callable[[], datetime],
    ) -> None:
        self.folder = folder
        self.store_id = unlocked.store_id
        self._unlocked = unlocked
        self._connection: Connection | None = connection
        self._process_lock = lock
        self._clock = clock
        self._mutex = threading.RLock()
        self._busy = False
        self._copying = threading.Lock()
        self._files = StoreFiles(folder, unlocked.epoch)
        self._heads = HeadsFile(self._files.heads, unlocked.store_id, unlocked.master.derive("audit"))
        self._sealed = SealedFolder(folder, unlocked.master.derive("attachments"))
        self.attachments = AttachmentFiles(self, self._sealed)
        rows = Rows(connection, writable=False)
        self.clinic_name = Clinics(rows).get(unlocked.store_id).name
        rows.end()
        self._signed = int(_fact(connection, "signed_head"))

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether a clinic lies here, whole or not. An interrupted creation is no clinic."""
        return anything_present(folder)

    @classmethod
    def create(
        cls,
        folder: Path,
        unlocked: Unlocked,
        clinic_name: str,
        *,
        now: datetime,
        clock: Callable[[], datetime] = _now,
    ) -> "Store":
        """A new clinic beside its keystore, with the first user and the first audit line.

        The database gets its name only when it is complete. Raises KnownFailure.
        """
        with contextlib.ExitStack() as undo:
            files = StoreFiles(folder, unlocked.epoch)
            lock = _locked(files.lock)
            undo.callback(lock.close)
            if files.database.exists():
                raise KnownFailure("store.exists", kind=ErrorKind.NOT_EMPTY)
            with translated():
                for leftover in files.all_of_unfinished():
                    leftover.unlink(missing_ok=True)
                connection = database.connect(files.unfinished_database, unlocked.master.derive("db"), create=True)
                try:
                    migrate(connection)
                    _first_rows(connection, unlocked, clinic_name, now)
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                finally:
                    connection.close()
                files.unfinished_database.replace(files.database)
                sync_folder(folder)
        store = cls.open(folder, unlocked, clock=clock)
        store.sign_head()
        return store

    @classmethod
    def open(cls, folder: Path, unlocked: Unlocked, *, clock: Callable[[], datetime] = _now) -> "Store":
        """Open an existing clinic.

        Waits some seconds for another program to let go of it. Raises KnownFailure: `store.in_use`,
        `store.database_missing`, `store.database_damaged`, `store.not_encrypted`, `store.too_new`, or of the disk.
        """
        files = StoreFiles(folder, unlocked.epoch)
        if not files.database.exists():
            raise KnownFailure("store.database_missing", kind=ErrorKind.NOT_FOUND)
        with contextlib.ExitStack() as undo, translated():
            lock = _locked(files.lock)
            undo.callback(lock.close)
            key = unlocked.master.derive("db")
            connection = database.connect(files.database, key)
            undo.callback(connection.close)
            migrate(connection, partial(keep_before_migration, connection, files.database, key))
            if unlocked.generation > int(_fact(connection, "keystore_generation")):
                # Both copies were written before this, so a crash never leaves the database ahead of them.
                connection.execute(
                    "UPDATE meta SET value = ? WHERE name = 'keystore_generation'", (unlocked.generation,)
                )
            database.guard(connection)
            store = cls(folder, unlocked, connection, lock, clock)
            store._take_in_failed_unlocks()
            undo.pop_all()
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Sign the audit head, close everything. The keys are the caller's to wipe. Closing twice is harmless."""
        with self._mutex:
            if self._connection is None:
                return
            try:
                with contextlib.suppress(KnownFailure, dbapi2.Error):
                    self.sign_head()
            finally:
                self._heads.close()
                self._connection.close()
                self._connection = None
                self._process_lock.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Read and write. What was written is on the disk for certain when the block is left without an error, and
        none of it happened when it is left with one. Raises KnownFailure where the disk or the file fails."""
        with self._mutex, self._exclusive() as connection, translated():
            connection.execute("BEGIN IMMEDIATE")
            rows = Rows(connection, writable=True)
            tx = Transaction(rows, self.store_id, self._clock)
            try:
                before = tx.audit.head()
                yield tx
                tx.audit.attest_rest()
                head = tx.audit.head()
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                rows.end()
            if head != before:
                self._note(connection, head)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """Read only, everything as of one moment."""
        with self._mutex, self._exclusive() as connection, translated():
            connection.execute("BEGIN")
            rows = Rows(connection, writable=False)
            try:
                yield Transaction(rows, self.store_id, self._clock)
            finally:
                rows.end()
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def sign_head(self) -> AuditHead:
        """Sign the newest audit head with the person's key and make it certain beside the database."""
        with self._mutex:
            with self.snapshot() as tx:
                head = tx.audit.head()
            if head.sequence > self._signed:
                with self._exclusive() as connection, translated():
                    self._sign(connection, head)
            return head

    @contextlib.contextmanager
    def moment(self) -> Iterator[Moment]:
        """The clinic as it is now, for a backup; work goes on meanwhile and is not in it.

        Not inside a transaction. Raises KnownFailure: `backup.running` where another one is held already,
        `vault.keystore_damaged`, or of the disk.
        """
        if not self._copying.acquire(blocking=False):
            raise KnownFailure("backup.running", kind=ErrorKind.IO)
        with contextlib.ExitStack() as held:
            held.callback(self._copying.release)
            with self._mutex, translated():
                head = self.sign_head()
                connection = open_to_read(self._files.database, self._unlocked.master.derive("db"), still=False)
                held.callback(connection.close)
                connection.execute("BEGIN")
                # The read transaction begins with the first statement that reads.
                connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
                keystore = keystore_copy(self.folder, self._unlocked)
                noted = self._files.heads.read_bytes() if self._files.heads.exists() else b""
            yield Moment(
                self.folder,
                self._unlocked,
                connection,
                head,
                keystore,
                noted,
                self._sealed,
                self._refers_to,
            )

    def _refers_to(self, file: str) -> bool:
        with self.snapshot() as tx:
            return tx.attachments.refers_to(file)

    def verify(self, job: Job) -> Verification:
        """Check everything. Writes nothing but what SQLite still has to move from the -wal file. Raises Cancelled."""
        with self._mutex, self._exclusive() as connection:
            name = self._files.database.name
            clinic = OpenClinic(self.folder, self._unlocked, connection, self._heads, self._sealed, name)
            return verify_open(clinic, job)

    def _note(self, connection: Connection, head: AuditHead) -> None:
        """Note the head of a commit beside the database."""
        if head.sequence - self._signed >= SIGNED_EVERY:
            self._sign(connection, head)
        else:
            self._heads.note(head)

    def _sign(self, connection: Connection, head: AuditHead) -> None:
        """File first, then the database's memory of it: the other way round a power cut would look like a cut file."""
        if self._unlocked.by_card:
            # The card is nobody's signature; the next person who unlocks signs.
            self._heads.note(head)
            return
        if not self._heads.note(head, self._unlocked.signing_key):
            return
        try:
            connection.execute("UPDATE meta SET value = ? WHERE name = 'signed_head'", (head.sequence,))
        except dbapi2.Error:
            # What was committed before stays committed; an error here must not make it look undone.
            _log.warning("the database could not remember that audit head %d is signed", head.sequence)
            return
        self._signed = head.sequence

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[Connection]:
        """The connection, for one transaction at a time. Raises RuntimeError inside another one of this thread."""
        if self._connection is None:
            raise RuntimeError("the store is closed")
        if self._busy:
            raise RuntimeError("a transaction is already open")
        self._busy = True
        try:
            yield self._connection
        finally:
            self._busy = False

    def _take_in_failed_unlocks(self) -> None:
        """Move failed unlocks, noted while nobody held the key, into the chain."""
        noted = attempts.pending(self.folder)
        if not noted:
            return
        with self.transaction() as tx:
            for failure in noted:
                if not tx.audit.has_failed_unlock(failure.reason):
                    tx.audit.add(
                        AuditAction.UNLOCK_FAILED,
                        failure.user or self.store_id,
                        actor=failure.user,
                        reason=failure.reason,
                    )
        attempts.forget(self.folder, {failure.id for failure in noted})


def _locked(path: Path) -> ProcessLock:
    try:
        return ProcessLock(path)
    except OSError as error:
        raise from_os_error(error) from error


def _fact(connection: Connection, name: str) -> Any:
    """One of the facts about the store. Raises DamagedDatabase where it is gone."""
    found = value(connection, "SELECT value FROM meta WHERE name = ?", (name,))
    if found is None:
        raise database.DamagedDatabase
    return found


def _first_rows(connection: Connection, unlocked: Unlocked, clinic_name: str, now: datetime) -> None:
    """Name, first user and first audit line, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    facts = {
        "epoch": unlocked.epoch,
        "keystore_generation": unlocked.generation,
        "signed_head": 0,
        "next_card": 1,
    }
    connection.executemany("INSERT INTO meta (name, value) VALUES (?, ?)", facts.items())
    rows = Rows(connection, writable=True)
    tx = Transaction(rows, unlocked.store_id, lambda: now)
    Clinics(rows).add(Clinic(unlocked.store_id, clinic_name, now))
    tx.users.add(User(unlocked.user_id, unlocked.user_name, unlocked.roles, unlocked.public_key))
    tx.audit.add(AuditAction.CREATE_CLINIC, unlocked.store_id, actor=unlocked.user_id)
    tx.audit.attest_rest()
    rows.end()
    connection.execute("COMMIT")
