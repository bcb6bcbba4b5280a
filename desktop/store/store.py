"""The clinic's store: one encrypted database, one folder of sealed files, one heads file."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Self

from sqlcipher3 import dbapi2

from desktop.errors import ErrorKind, KnownFailure, UserFacingError, from_os_error
from desktop.jobs import Job
from desktop.records import AuditAction, AuditHead, UserId
from desktop.store import database
from desktop.store.attachment_files import AttachmentFiles
from desktop.store.attachments import SealedFolder
from desktop.store.backup_database import keep_before_migration, open_to_read
from desktop.store.backup_moment import Moment, keystore_copy
from desktop.store.building_site import sweep_dead
from desktop.store.clinic_settings import Clinics
from desktop.store.database import Connection, translated
from desktop.store.forgetting import forget_names
from desktop.store.founding import build_first_database
from desktop.store.heads import HeadsFile
from desktop.store.key_epochs import AttachmentKeys, check_present, remove_successor, settle_epochs
from desktop.store.lock import ProcessLock
from desktop.store.membership import SYSTEM
from desktop.store.migrations import migrate
from desktop.store.places import StoreFiles, anything_present
from desktop.store.rekey import Author, Present, build_successor
from desktop.store.rows import Rows
from desktop.store.signing import HeadSigner
from desktop.store.transactions import Transaction
from desktop.store.verification import (
    NOTHING_MORE,
    Findings,
    OpenClinic,
    Verification,
    Wanted,
    check_all,
    check_pages,
    check_quickly,
    empty_the_log,
    is_unclean,
    look_at_opening,
    reader,
)
from desktop.vault import HalfWritten, NextEpoch, Unlocked, attempts, catch_up, members


def _now() -> datetime:
    return datetime.now(UTC)


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
        self._connection: Connection | None = None
        self._process_lock = lock
        self._clock = clock
        self._mutex = threading.RLock()
        self._busy = False
        self._copying = threading.Lock()
        self._checks = 0
        self.ended_uncleanly = False
        self.found_at_opening = Verification(())
        self._use(connection)
        self.attachments = AttachmentFiles(self.snapshot, self.transaction, lambda: self._sealed, self._looked_at)
        rows = Rows(connection, writable=False)
        self.clinic_name = Clinics(rows).get(unlocked.store_id).name
        rows.end()

    def _use(self, connection: Connection) -> None:
        """Work with the files of the present key epoch from now on."""
        master = self._unlocked.master
        self._files = StoreFiles(self.folder, master.epoch)
        self._heads = HeadsFile(self._files.heads, self.store_id, master.derive("audit"))
        rows = Rows(connection, writable=False)
        former = AttachmentKeys(rows).former()
        rows.end()
        self._sealed = SealedFolder(self.folder, {**former, master.epoch: master.derive("attachments")})
        self._signer = HeadSigner(self._heads, self._unlocked, connection)
        self._connection = connection

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
            build_first_database(files, unlocked, clinic_name, now)
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
        check_present(files)
        with contextlib.ExitStack() as undo, translated(folder):
            lock = _locked(files.lock)
            undo.callback(lock.close)
            sweep_dead(folder)
            key = unlocked.master.derive("db")
            unclean = is_unclean(files)
            connection = database.connect(files.database, key)
            undo.callback(connection.close)
            migrate(connection, partial(keep_before_migration, connection, files.database, key))
            settle_epochs(files, connection, unlocked)
            database.guard(connection)
            store = cls(folder, unlocked, connection, lock, clock)
            store.ended_uncleanly = unclean
            store.found_at_opening = look_at_opening(files, unlocked, connection, store._heads)
            if unclean:
                # Pages that a power cut left half written are whole before anybody works with the clinic.
                with contextlib.suppress(dbapi2.Error):
                    empty_the_log(connection)
            store._take_over_keystore()
            store._take_in_failed_unlocks()
            undo.pop_all()
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether it can be used."""
        return self._connection is not None

    def close(self) -> None:
        """Sign the audit head, close everything. The keys are the caller's to wipe. Closing twice is harmless."""
        with self._mutex:
            if self._connection is None:
                return
            try:
                with contextlib.suppress(KnownFailure, dbapi2.Error):
                    self.sign_head()
            finally:
                self._shut()

    def _shut(self) -> None:
        """Close the files, forget keys and names, and let the next program in."""
        forget_names()
        self._heads.forget()
        self._sealed.forget()
        if self._connection is not None:
            database.close(self._connection)
        self._connection = None
        self._process_lock.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Read and write. What was written is on the disk for certain when the block is left without an error, and
        none of it happened when it is left with one. Raises KnownFailure where the disk or the file fails."""
        with self._mutex, self._exclusive() as connection, translated(self.folder):
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
                self._signer.note(connection, head)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """Read only, everything as of one moment."""
        with self._mutex, self._exclusive() as connection, translated(self.folder):
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
            with self._exclusive() as connection, translated():
                self._signer.sign(connection, head)
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

    def begin_epoch(self, job: Job, *, actor: str) -> int:
        """Go over to a new master key: a database of its own, verified, then the keystore, then the old one is removed.
        Sealed files follow by `reseal`. Everybody's passphrase, PIN excepted, and the recovery card stay as they are.

        Returns the new epoch. Raises KnownFailure (disk_full, io, `backup.running`, `store.being_checked`) and
        Cancelled with the present clinic untouched; HalfWritten where the disk failed during the switch itself: the
        store is closed then, and the next opening goes on with the old or the new one, whole.
        """
        if not self._copying.acquire(blocking=False):
            raise KnownFailure("backup.running", kind=ErrorKind.IO)
        with contextlib.ExitStack() as held:
            held.callback(self._copying.release)
            held.enter_context(self._mutex)
            if self._checks:
                raise KnownFailure("store.being_checked", kind=ErrorKind.IO)
            self.sign_head()
            with self.snapshot() as tx:
                barred = {user.id for user in tx.users.all() if user.disabled}
                after = tx.membership.generation()
            successor = NextEpoch(self._unlocked)
            held.callback(successor.close)
            with self._exclusive() as connection, translated():
                self._build(connection, successor, actor, job)
                self._switch(connection, successor, barred, after)
            with self.transaction() as tx:
                tx.membership.take_over(members(self.folder, self._unlocked), self._unlocked.generation, actor=actor)
        return self._unlocked.epoch

    def _build(self, connection: Connection, successor: NextEpoch, actor: str, job: Job) -> None:
        present = Present(self._files, connection, self._unlocked.master, self.store_id)
        try:
            author = Author(actor, self._unlocked.signing_key, self._clock)
            build_successor(present, successor.master, author, job)
        except BaseException:
            remove_successor(connection, StoreFiles(self.folder, successor.master.epoch))
            raise

    def _switch(self, connection: Connection, successor: NextEpoch, barred: set[UserId], after: int) -> None:
        """From the present epoch's files to the successor's. Where nobody can say which of the two the disk holds, the
        store closes rather than write to the one that may be given up."""
        files = StoreFiles(self.folder, successor.master.epoch)
        try:
            successor.begin(self.folder, barred=barred, after=after)
        except UserFacingError as error:
            if isinstance(error, HalfWritten):
                self._shut()
            else:
                remove_successor(connection, files)
            raise
        except BaseException:
            self._shut()
            raise
        self._heads.close()
        connection.close()
        try:
            opened = database.connect(files.database, self._unlocked.master.derive("db"))
            settle_epochs(files, opened, self._unlocked)
            database.guard(opened)
            self._use(opened)
        except BaseException:
            self._shut()
            raise

    def _refers_to(self, file: str) -> bool:
        with self.snapshot() as tx:
            return tx.attachments.refers_to(file)

    def verify(self, job: Job, wanted: Wanted = NOTHING_MORE) -> Verification:
        """Check everything; but for the pages, work goes on meanwhile.

        Not inside a transaction. Writes nothing but what SQLite still has to move from the -wal file. Raises Cancelled.
        """
        found = Findings()
        with self._to_check(found, job) as clinic:
            if clinic is not None:
                check_all(clinic, wanted, found, job)
        return found.verification()

    def quick_check(self, job: Job) -> Verification:
        """What was wrong when the clinic was opened and, where it had not been closed, whether the database is sound.

        Not inside a transaction. Raises Cancelled.
        """
        found = Findings()
        found.include(self.found_at_opening)
        if self.ended_uncleanly:
            with self._to_check(found, job) as clinic:
                if clinic is not None:
                    check_quickly(clinic.connection, clinic.database, found, job)
        return found.verification()

    @contextlib.contextmanager
    def _to_check(self, found: Findings, job: Job) -> Iterator[OpenClinic | None]:
        """The clinic as of now on a connection of its own, its pages checked; None where it cannot be read at all."""
        with contextlib.ExitStack() as held:
            with self._mutex:
                with self._exclusive() as connection:
                    check_pages(connection, self._files.database.name, found, job)
                reading = reader(self._files.database, self._unlocked.master.derive("db"), found)
                if reading is None:
                    yield None
                    return
                held.callback(reading.close)
                held.enter_context(self.being_checked())
                heads, noted = self._heads, self._heads.size
                clinic = OpenClinic(self._unlocked, reading, heads, self._sealed, self._files, noted)
            yield clinic

    @contextlib.contextmanager
    def being_checked(self) -> Iterator[None]:
        """While it lasts no new key epoch begins, and files that were sealed anew stay under their former names too."""
        with self._mutex:
            self._checks += 1
        try:
            yield
        finally:
            with self._mutex:
                self._checks -= 1

    def _looked_at(self) -> bool:
        """Whether a backup or a check that sees an earlier moment still needs the files of then."""
        return self._copying.locked() or self._checks > 0

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

    def _take_over_keystore(self) -> None:
        """Finish what a power cut interrupted between writing the keystore and writing the database."""
        catch_up(self.folder, self._unlocked)
        with self.snapshot() as tx:
            behind = tx.membership.generation() < self._unlocked.generation
        if behind:
            with self.transaction() as tx:
                tx.membership.take_over(members(self.folder, self._unlocked), self._unlocked.generation, actor=SYSTEM)
                tx.audit.add(AuditAction.TAKE_OVER_KEYSTORE, self.store_id, actor=SYSTEM)

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
