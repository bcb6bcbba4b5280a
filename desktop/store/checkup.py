"""Verifying a clinic that is not open yet, and may not open at all."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from desktop import vault
from desktop.errors import KnownFailure, UserFacingError, from_os_error
from desktop.jobs import Job
from desktop.records import AuditAction
from desktop.store.attachments import SealedFolder
from desktop.store.database import Connection, connect, translated
from desktop.store.heads import HeadsFile
from desktop.store.key_epochs import AttachmentKeys, check_present, later_in_use
from desktop.store.lock import is_locked
from desktop.store.migrations import migrate
from desktop.store.places import StoreFiles
from desktop.store.rows import Rows
from desktop.store.store import Store
from desktop.store.verification import (
    NOTHING_MORE,
    Findings,
    OpenClinic,
    ProblemKind,
    Verification,
    Wanted,
    check_all,
    check_keystore,
    check_pages,
)
from desktop.vault import Unlocked
from desktop.vault.derive import KdfParameters
from desktop.vault.keystore_file import read_copies

_PATIENCE = 5
_KEYSTORE = "keystore.json"
_OF_THE_KEYSTORE = frozenset(
    {
        "vault.keystore_missing",
        "vault.keystore_damaged",
        "vault.keystore_too_new",
        "vault.keystore_changed",
        "store.keystore_of_former_epoch",
    }
)


def verify_folder(
    folder: Path,
    user_name: str,
    passphrase: str,
    job: Job,
    *,
    wanted: Wanted = NOTHING_MORE,
    wait: Callable[[float], None] | None = None,
) -> Verification:
    """Unlock, open and verify a clinic, and conclude that; what keeps it from opening is a problem of the answer.

    wait: as in `vault.unlock`. Raises UserFacingError `store.in_use`, and Cancelled.
    """
    try:
        unlocked = vault.unlock(folder, user_name, passphrase, wait=wait)
    except UserFacingError as error:
        return _not_unlocked(folder, error)
    try:
        with Store.open(folder, unlocked) as store:
            checked = store.verify(job, wanted)
            conclude_check(store, unlocked.user_id, checked)
            return checked
    except UserFacingError as error:
        if error.key == "store.in_use":
            raise
        found = Findings()
        _not_opened(StoreFiles(folder, unlocked.epoch), unlocked, error, found)
        return found.verification()
    finally:
        unlocked.close()


def conclude_check(store: Store, actor: str, checked: Verification) -> None:
    """Write into the audit trail that somebody checked; nothing is written to a damaged database. Where all is well,
    what interrupted imports left behind is removed; where rows may be lost, their files must stay."""
    if any(problem.kind is ProblemKind.DATABASE for problem in checked.problems):
        return
    with store.transaction() as tx:
        tx.audit.add(
            AuditAction.VERIFY_CLINIC, store.store_id, actor=actor, reason=f"problems: {len(checked.problems)}"
        )
    if checked.ok:
        with contextlib.suppress(UserFacingError):
            store.attachments.sweep()


class Checkup:
    """Verifies closed clinics with one passphrase, and writes nothing into their folders.

    The database is looked at in a private copy, still encrypted, in the system's folder for temporary files. What a
    passphrase derives to is used again where salt and cost are the very same.
    """

    def __init__(self, passphrase: str) -> None:
        self._passphrase = passphrase
        self._derived: dict[KdfParameters, bytes] = {}

    def verify(self, folder: Path, user_name: str, job: Job, wanted: Wanted = NOTHING_MORE) -> Verification:
        """Verify one clinic; all that is wrong with it is in the answer. Raises only Cancelled."""
        try:
            unlocked = vault.unlock(folder, user_name, self._passphrase, touch=False, derived=self._derived)
        except UserFacingError as error:
            return _not_unlocked(folder, error)
        found = Findings()
        files = StoreFiles(folder, unlocked.epoch)
        try:
            check_present(files)
            if is_locked(files.lock):
                found.note(files.lock.name, "verify.checked_in_use")
            with tempfile.TemporaryDirectory(prefix="lantern-check-") as private:
                copy, noted = _copy(files, Path(private))
                _verify_copy(files, copy, noted, unlocked, wanted, found, job)
        except UserFacingError as error:
            _not_opened(files, unlocked, error, found)
        except OSError as error:
            _not_opened(files, unlocked, from_os_error(error), found)
        finally:
            unlocked.close()
        return found.verification()


def _verify_copy(
    files: StoreFiles, copy: Path, noted: int, unlocked: Unlocked, wanted: Wanted, found: Findings, job: Job
) -> None:
    """Every check: the database in the copy, all else where it lies. noted: how many bytes of the heads file belong to
    the moment of the copy."""
    with contextlib.closing(connect(copy, unlocked.master.derive("db"), throwaway=True)) as connection:
        check_pages(connection, files.database.name, found, job)
        with translated():
            migrate(connection)
            sealed = SealedFolder(files.folder, _attachment_keys(unlocked, connection))
            if later_in_use(files, connection):
                found.problem(ProblemKind.KEYSTORE, _KEYSTORE, "store.keystore_of_former_epoch")
        heads = HeadsFile(files.heads, unlocked.store_id, unlocked.master.derive("audit"))
        check_all(OpenClinic(unlocked, connection, heads, sealed, files, noted), wanted, found, job)


def _attachment_keys(unlocked: Unlocked, connection: Connection) -> dict[int, bytes]:
    """Keys of sealed files by epoch."""
    rows = Rows(connection, writable=False)
    former = AttachmentKeys(rows).former()
    rows.end()
    return {**former, unlocked.epoch: unlocked.master.derive("attachments")}


def _copy(files: StoreFiles, private: Path) -> tuple[Path, int]:
    """The database with its write-ahead log, as they were together at one moment, and the size of the heads file then.

    Raises OSError, and KnownFailure `store.in_use` where somebody writes all the time.
    """
    copy = private / files.database.name
    pairs = [(files.database, copy), (files.write_ahead_log, copy.with_name(files.write_ahead_log.name))]
    for _ in range(_PATIENCE):
        before = _state((*(source for source, _ in pairs), files.heads))
        for source, target in pairs:
            target.unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(source, target)
        if _state((*(source for source, _ in pairs), files.heads)) == before:
            return copy, before[-1][0] if before[-1] is not None else 0
    raise KnownFailure("store.in_use")


def _state(paths: Iterable[Path]) -> list[tuple[int, int] | None]:
    """Size and time of last change of files; None for one that is not there."""
    found: list[tuple[int, int] | None] = []
    for path in paths:
        try:
            now = path.stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((now.st_size, now.st_mtime_ns))
    return found


def _not_unlocked(folder: Path, error: UserFacingError) -> Verification:
    """What an unlock that failed says of the clinic."""
    found = Findings()
    if error.key in _OF_THE_KEYSTORE:
        found.problem(ProblemKind.KEYSTORE, _KEYSTORE, error.key, **error.details)
    else:
        found.problem(ProblemKind.UNLOCK, _KEYSTORE, error.key, **error.details)
        _look_at_keystore(folder, found)
    return found.verification()


def _look_at_keystore(folder: Path, found: Findings) -> None:
    """What shows of the two copies without any key: an edited one may be why nobody can unlock."""
    copies = read_copies(folder)
    for copy in copies:
        if copy.keystore is None:
            key = "verify.keystore_damaged" if copy.present else "verify.keystore_missing"
            found.problem(ProblemKind.KEYSTORE, copy.path.name, key, file=copy.path.name)
        elif not copy.exact:
            found.problem(ProblemKind.KEYSTORE, copy.path.name, "verify.keystore_changed", file=copy.path.name)
    first, second = (copy.keystore for copy in copies)
    if found.has(ProblemKind.KEYSTORE) or first is None or second is None:
        return
    if first.generation == second.generation and first != second:
        names = ", ".join(copy.path.name for copy in copies)
        found.problem(ProblemKind.KEYSTORE, names, "verify.keystore_changed", file=names)


def _not_opened(files: StoreFiles, unlocked: Unlocked, error: UserFacingError, found: Findings) -> None:
    """What a database that did not open says of the clinic."""
    check_keystore(files.folder, unlocked, None, found)
    if error.key in _OF_THE_KEYSTORE:
        found.problem(ProblemKind.KEYSTORE, _KEYSTORE, error.key, **error.details)
    elif not found.has(ProblemKind.DATABASE):
        found.problem(ProblemKind.DATABASE, files.database.name, error.key, **error.details)
