"""Key epochs of one clinic: which files are the current ones, and the keys of sealed files not yet under the newest.

The authenticated keystore says which epoch is current, so writing it is what switches a clinic over. What a crash
leaves of the other epoch, before or after that, is removed at the next opening.
"""

import contextlib
import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path

from sqlcipher3 import dbapi2

from desktop.errors import ErrorKind, KnownFailure
from desktop.store.backup_database import copies_of_other_epochs
from desktop.store.database import Connection, value
from desktop.store.places import StoreFiles, epochs_present, files_of_other_epochs
from desktop.store.rows import Rows
from desktop.vault import KeystoreHealth, Unlocked, check_copies, mend
from desktop.vault.files import sync_folder

_log = logging.getLogger(__name__)

EPOCH = "epoch"

_PREPARED = "prepared_epoch"
_KEY = "attachment_key/"
_BLOCK = 1 << 20


class AttachmentKeys:
    """Keys of sealed files by epoch, kept until the last file of that epoch is sealed anew."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def former(self) -> Mapping[int, bytes]:
        """Keys of past epochs that some file may still need."""
        rows = self._rows.all("SELECT name, value FROM meta WHERE name GLOB ?", (f"{_KEY}*",))
        return {int(name.removeprefix(_KEY)): bytes(key) for name, key in rows}

    def keep(self, epoch: int, key: bytes) -> None:
        """Remember a past epoch's key."""
        self._rows.run("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (f"{_KEY}{epoch}", key))

    def forget(self, epoch: int) -> None:
        """No file needs that epoch's key any more."""
        self._rows.run("DELETE FROM meta WHERE name = ?", (f"{_KEY}{epoch}",))


def check_present(files: StoreFiles) -> None:
    """Raises KnownFailure: `store.database_missing`, or `store.keystore_of_former_epoch` where a later epoch's database
    lies here instead, so that it is the keystore that was put back."""
    if files.database.exists():
        return
    if any(epoch > files.epoch for epoch in epochs_present(files.folder)):
        raise _former_epoch()
    raise KnownFailure("store.database_missing", kind=ErrorKind.NOT_FOUND)


def prepare(connection: Connection, successor: StoreFiles) -> None:
    """Note in the present database that its successor was built and nobody has worked with it yet."""
    note = f"{successor.epoch}:{_sha256(successor.unfinished_database)}"
    connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (_PREPARED, note))


def settle_epochs(files: StoreFiles, connection: Connection, unlocked: Unlocked) -> None:
    """Remove what an interrupted new epoch left, on whichever side of the switch; mend the keystore's copies.

    connection: to the database of `files`, open under `unlocked`'s keys. Raises KnownFailure
    `store.keystore_of_former_epoch` where somebody has worked with a later database: then nothing is touched.
    """
    for epoch in epochs_present(files.folder):
        if epoch > files.epoch and not _never_used(StoreFiles(files.folder, epoch), connection):
            raise _former_epoch()
    mend(files.folder, unlocked)
    # A copy kept from before a migration is readable to whoever the new epoch shuts out.
    others = (*files_of_other_epochs(files.folder, files.epoch), *copies_of_other_epochs(files.database))
    prepared = value(connection, "SELECT value FROM meta WHERE name = ?", (_PREPARED,))
    if not others and prepared is None:
        return
    if any(finding.health is not KeystoreHealth.WHOLE for finding in check_copies(files.folder, unlocked)):
        return
    try:
        # What the keystore says must be certain before the other epoch's files go.
        sync_folder(files.folder)
        for path in others:
            path.unlink(missing_ok=True)
        sync_folder(files.folder)
    except OSError:
        _log.warning("files of another key epoch could not be removed")
        return
    connection.execute("DELETE FROM meta WHERE name = ?", (_PREPARED,))


def later_in_use(files: StoreFiles, connection: Connection) -> bool:
    """Whether somebody has worked with a later epoch's database, so that it is the keystore that was put back."""
    later = (StoreFiles(files.folder, epoch) for epoch in epochs_present(files.folder) if epoch > files.epoch)
    return any(not _never_used(successor, connection) for successor in later)


def remove_successor(connection: Connection, successor: StoreFiles) -> None:
    """Undo the building of a later epoch that did not come about. What a failing disk will not let go of, the next
    opening removes: the note that says what it is stays as long as it may be there."""
    try:
        for path in (*successor.all_of_unfinished(), *successor.all_of_database(), successor.heads):
            path.unlink(missing_ok=True)
        sync_folder(successor.folder)
    except OSError:
        _log.warning("files of a key epoch that was not begun could not be removed")
        return
    # On a full disk the note stays; the next opening removes it.
    with contextlib.suppress(dbapi2.Error):
        connection.execute("DELETE FROM meta WHERE name = ?", (_PREPARED,))


def _never_used(successor: StoreFiles, connection: Connection) -> bool:
    """Whether a later database is byte for byte the one built here, before any keystore knew of it."""
    note = value(connection, "SELECT value FROM meta WHERE name = ?", (_PREPARED,))
    log = successor.write_ahead_log
    if note is None or (log.exists() and log.stat().st_size > 0):
        return False
    return str(note) == f"{successor.epoch}:{_sha256(successor.database)}"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _former_epoch() -> KnownFailure:
    return KnownFailure("store.keystore_of_former_epoch", kind=ErrorKind.UNLOCK)
