"""Imported files: sealed beside the database, each under a random name and its own key.

A file is whole and certain on the disk before its row commits; what a crash leaves behind is a file without a row,
which nobody refers to and `sweep` removes after a day.
"""

import contextlib
import copy
import io
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from desktop.errors import ErrorKind, KnownFailure, from_os_error
from desktop.jobs import Job
from desktop.records import Attachment, AttachmentId
from desktop.store.canonical import from_canonical
from desktop.store.places import ATTACHMENTS
from desktop.store.rows import Rows, decoded
from desktop.vault.files import sync_folder
from desktop.vault.sealed import CHUNK, DamagedFile, SealedReader, seal_as

KIND = "attachment"

_TEMPORARY = ".new"
_ORPHAN_SECONDS = 24 * 3600
_NAME_BYTES = 16
# What Lantern may have put here, whole or not; anything else is somebody else's.
SEALED_NAME = re.compile(r"[0-9a-f]{32}(\.new)?")


@dataclass(frozen=True)
class Staged:
    """A sealed file that no row refers to yet. file: its name. sha256, size: of the plain bytes. epoch: of the key that
    wraps the file's own."""

    file: str
    sha256: str
    size: int
    wrapped_key: bytes
    epoch: int = 1


@dataclass(frozen=True)
class Laid:
    """A sealed file whose bytes are certain and whose name is not yet: `SealedFolder.settle` makes it so."""

    unsettled: Staged


@dataclass(frozen=True)
class StoredFile:
    """An attachment, the name its bytes lie under and the wrapped key they must have: what a row holds.

    epoch: of the key that wraps the file's own.
    """

    attachment: Attachment
    file: str
    wrapped_key: bytes
    epoch: int = 1


class SealedFolder:
    """The files, without the database. keys: 32 bytes each, by epoch; they wrap the files' own keys. New files are
    sealed under the newest."""

    def __init__(self, clinic: Path, keys: Mapping[int, bytes]) -> None:
        self._folder = clinic / ATTACHMENTS
        self._keys = dict(keys)
        self.epoch = max(keys)

    def forget(self) -> None:
        """Let go of the keys; nothing opens any more."""
        self._keys.clear()

    def elsewhere(self, clinic: Path) -> "SealedFolder":
        """The same keys for the sealed files of another folder: a backup's."""
        other = copy.copy(self)
        other._folder = clinic / ATTACHMENTS
        return other

    def path(self, file: str) -> Path:
        """Where a file of that name lies."""
        return self._folder / file[:2] / file

    def write(self, data: bytes | Path | BinaryIO, job: Job) -> Staged:
        """Seal bytes, a file or a seekable stream in constant memory: temporary, fsync, rename, fsync of the folder.

        Raises KnownFailure, or Cancelled through the job; nothing is left behind then.
        """
        (staged,) = self.settle([self.lay(data, job)])
        return staged

    def lay(self, data: bytes | Path | BinaryIO, job: Job) -> Laid:
        """As `write`, but for the folder's fsync: of many files, `settle` does it once for each folder. Raises as it
        does."""
        if not isinstance(data, Path):
            return self._lay(data, job)
        try:
            with data.open("rb") as stream:
                return self._lay(stream, job)
        except OSError as error:
            raise from_os_error(error) from error

    def settle(self, laid: Sequence[Laid]) -> tuple[Staged, ...]:
        """Make the names of files certain, so that rows may refer to them. Raises KnownFailure; none is left then."""
        staged = tuple(one.unsettled for one in laid)
        try:
            for folder in dict.fromkeys(self.path(one.file).parent for one in staged):
                sync_folder(folder)
        except OSError as error:
            for one in staged:
                with contextlib.suppress(OSError):
                    self.path(one.file).unlink(missing_ok=True)
            raise from_os_error(error) from error
        return staged

    def write_again(self, stored: StoredFile, job: Job) -> Staged:
        """The same bytes in a new file under the newest key. Raises as `write` and `open` do; DamagedFile where they
        are not what the record says."""
        with self.open(stored) as reader:
            staged = self.write(io.BufferedReader(reader, CHUNK), job)
        if staged.sha256 != stored.attachment.sha256:
            self.discard(staged)
            raise DamagedFile
        return staged

    def _lay(self, source: bytes | BinaryIO, job: Job) -> Laid:
        name = os.urandom(_NAME_BYTES).hex()
        path = self.path(name)
        temporary = path.with_name(name + _TEMPORARY)
        try:
            self._make_folder(path.parent)
            info = seal_as(source, temporary, name, self._keys[self.epoch], between=job.check)
            temporary.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise from_os_error(error) from error
        return Laid(Staged(name, info.sha256, info.size, info.wrapped_key, self.epoch))

    def open(self, stored: StoredFile) -> SealedReader:
        """The plain bytes as a stream. Raises KnownFailure `store.attachment_missing`, DamagedFile, or of the disk;
        ValueError once the keys are forgotten."""
        if not self._keys:
            raise ValueError("the clinic is locked")
        try:
            return SealedReader(self.path(stored.file), self._keys[stored.epoch], wrapped_key=stored.wrapped_key)
        except KeyError:
            raise DamagedFile from None
        except FileNotFoundError:
            raise KnownFailure("store.attachment_missing", kind=ErrorKind.IO) from None
        except OSError as error:
            raise from_os_error(error) from error

    def discard(self, staged: Staged | Laid) -> None:
        """Remove a file that was sealed and will not be used."""
        if isinstance(staged, Laid):
            staged = staged.unsettled
        try:
            self.path(staged.file).unlink(missing_ok=True)
        except OSError as error:
            raise from_os_error(error) from error

    def remove(self, stored: StoredFile) -> None:
        """Remove a file that no row refers to any more; one that is held open elsewhere is swept later."""
        with contextlib.suppress(OSError):
            self.path(stored.file).unlink(missing_ok=True)

    def files(self) -> Iterator[Path]:
        """Every file that lies here, complete or not."""
        if self._folder.is_dir():
            for entry in sorted(self._folder.glob("*/*")):
                if entry.is_file():
                    yield entry

    def sweep(self, referenced: frozenset[str]) -> int:
        """Remove our own files older than a day that no row refers to, as far as the disk lets; returns how many."""
        swept = 0
        oldest = time.time() - _ORPHAN_SECONDS
        for path in self.files():
            if path.name in referenced or not SEALED_NAME.fullmatch(path.name):
                continue
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < oldest:
                    path.unlink()
                    swept += 1
        return swept

    def _make_folder(self, folder: Path) -> None:
        """Sixteen at a time: making one name certain takes as long as making all of them."""
        if not folder.is_dir():
            _make_certain(self._folder)
            _make_certain(*(self._folder / f"{folder.name[0]}{digit:x}" for digit in range(16)))


def _make_certain(*folders: Path) -> None:
    """Make those of one parent's folders that are missing. Raises OSError, and leaves none of them then: the next file
    would take it for certain."""
    missing = [folder for folder in folders if not folder.is_dir()]
    try:
        for folder in missing:
            folder.mkdir(exist_ok=True)
        if missing:
            sync_folder(missing[0].parent)
    except BaseException:
        for folder in missing:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


class Attachments:
    """The rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, attachment: Attachment, staged: Staged) -> None:
        """Refer to a staged file. Raises ValueError where the record does not describe it."""
        if (attachment.sha256, attachment.size) != (staged.sha256, staged.size):
            raise ValueError("the attachment does not describe what was sealed")
        self._check_epoch(staged)
        stored = StoredFile(attachment, staged.file, staged.wrapped_key, staged.epoch)
        self._rows.run(
            "INSERT INTO attachments (id, patient, sha256, file, record) VALUES (?, ?, ?, ?, ?)",
            (
                attachment.id,
                attachment.patient or None,
                attachment.sha256,
                staged.file,
                self._rows.written(KIND, attachment.id, stored),
            ),
        )

    def replace_file(self, old: StoredFile, staged: Staged) -> bool:
        """Refer to another sealed file with the same bytes; False where the row no longer refers to the old one."""
        self._check_epoch(staged)
        identity = old.attachment.id
        row = self._rows.one("SELECT 1 FROM attachments WHERE id = ? AND file = ?", (identity, old.file))
        if row is None:
            return False
        stored = StoredFile(old.attachment, staged.file, staged.wrapped_key, staged.epoch)
        data = self._rows.written(KIND, identity, stored)
        self._rows.run("UPDATE attachments SET file = ?, record = ? WHERE id = ?", (staged.file, data, identity))
        return True

    def not_of_epoch(self, epoch: int) -> list[StoredFile]:
        """Records whose files are sealed under another epoch's key."""
        rows = self._rows.all("SELECT record FROM attachments ORDER BY id")
        return [stored for row in rows if (stored := from_canonical(StoredFile, row[0])).epoch != epoch]

    def _check_epoch(self, staged: Staged) -> None:
        """Raises KnownFailure where the key that sealed the file has been given up meanwhile."""
        names = ("epoch", f"attachment_key/{staged.epoch}")
        known = {row[0]: row[1] for row in self._rows.all("SELECT name, value FROM meta WHERE name IN (?, ?)", names)}
        if known.get("epoch") != staged.epoch and names[1] not in known:
            raise KnownFailure("store.sealed_too_early", kind=ErrorKind.IO)

    def get(self, attachment: AttachmentId) -> Attachment:
        """The record. Raises UserFacingError `store.attachment_not_found`."""
        return self.stored(attachment).attachment

    def stored(self, attachment: AttachmentId) -> StoredFile:
        """The record and where its bytes lie. Raises UserFacingError `store.attachment_not_found`."""
        row = self._rows.one("SELECT record FROM attachments WHERE id = ?", (attachment,))
        return decoded(StoredFile, row, "store.attachment_not_found")

    def refers_to(self, file: str) -> bool:
        """Whether a row refers to the file of that name."""
        return self._rows.one("SELECT 1 FROM attachments WHERE file = ?", (file,)) is not None

    def referenced(self) -> frozenset[str]:
        """Names of all files that rows refer to."""
        return frozenset(row[0] for row in self._rows.all("SELECT file FROM attachments"))


__all__ = ["Attachments", "Laid", "SealedFolder", "Staged", "StoredFile"]
