"""The bytes of attachments in an open clinic, and sealing them anew after a key epoch."""

import contextlib
import io
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from desktop.errors import KnownFailure, from_os_error
from desktop.jobs import Job
from desktop.records import AttachmentId, AuditAction
from desktop.store.attachments import Laid, SealedFolder, Staged, StoredFile
from desktop.vault.sealed import CHUNK

if TYPE_CHECKING:
    from desktop.store.transactions import Transaction

_PAUSE_SECONDS = 0.05
# Nothing to seal anew: `verify` names the file, and a backup may bring it back.
_UNREADABLE = frozenset({"store.attachment_missing", "vault.sealed_damaged"})

Transactions = Callable[[], "contextlib.AbstractContextManager[Transaction]"]


class AttachmentFiles:
    """The bytes of attachments, outside any transaction.

    folder: the sealed files under the keys of now. looked_at: whether a backup or a check reads them as they were at
    an earlier moment.
    """

    def __init__(
        self,
        snapshot: Transactions,
        transaction: Transactions,
        folder: Callable[[], SealedFolder],
        looked_at: Callable[[], bool],
    ) -> None:
        self._snapshot = snapshot
        self._transaction = transaction
        self._folder = folder
        self._looked_at = looked_at

    def stage(self, data: bytes | Path | BinaryIO, job: Job) -> Staged:
        """Seal bytes, a file or a seekable stream.

        It is on the disk for certain then, but nobody's until `tx.attachments.add` commits. Raises KnownFailure or
        Cancelled; nothing is left behind then.
        """
        return self._folder().write(data, job)

    def lay(self, data: bytes | Path | BinaryIO, job: Job) -> Laid:
        """As `stage`, for one of many files: nobody's until `settle` made the names of all of them certain."""
        return self._folder().lay(data, job)

    def settle(self, laid: Sequence[Laid]) -> tuple[Staged, ...]:
        """Make files certain that were laid. Raises KnownFailure; none is left behind then."""
        return self._folder().settle(laid)

    def discard(self, staged: Staged | Laid) -> None:
        """Remove what was sealed and is not wanted after all."""
        self._folder().discard(staged)

    def open(self, attachment: AttachmentId) -> BinaryIO:
        """The plain bytes as a seekable stream; close it. Raises UserFacingError, KnownFailure (also while reading)."""
        stored = self._stored(attachment)
        try:
            reader = self._folder().open(stored)
        except KnownFailure:
            # Between the two steps the file may have been sealed anew under another name.
            moved = self._stored(attachment)
            if moved == stored:
                raise
            reader = self._folder().open(moved)
        return io.BufferedReader(reader, CHUNK)

    def read(self, attachment: AttachmentId) -> bytes:
        """All plain bytes. Raises as `open`."""
        try:
            with self.open(attachment) as stream:
                return stream.read()
        except OSError as error:
            raise from_os_error(error) from error

    def _stored(self, attachment: AttachmentId) -> StoredFile:
        with self._snapshot() as tx:
            return tx.attachments.stored(attachment)

    def sweep(self) -> int:
        """Remove files older than a day that nobody refers to; returns how many."""
        with self._snapshot() as tx:
            referenced = tx.attachments.referenced()
        try:
            return self._folder().sweep(referenced)
        except OSError as error:
            raise from_os_error(error) from error

    def reseal(self, job: Job, *, actor: str) -> int:
        """Seal the files of past key epochs under the present one; where it was interrupted it goes on.

        Returns how many could not be, because they are damaged or missing: `verify` names them. Raises KnownFailure of
        the disk, and Cancelled.
        """
        with self._snapshot() as tx:
            epoch = self._folder().epoch
            waiting = tx.attachments.not_of_epoch(epoch) if tx.attachment_keys.former() else []
        left = 0
        for done, stored in enumerate(waiting):
            job.report("people.step.resealing", done, len(waiting))
            left += not self._reseal_one(stored, job, actor)
        with self._transaction() as tx:
            if not tx.attachments.not_of_epoch(epoch):
                for former in tx.attachment_keys.former():
                    tx.attachment_keys.forget(former)
        return left

    def to_reseal(self) -> bool:
        """Whether sealed files of a past key epoch are still to be sealed anew."""
        with self._snapshot() as tx:
            return bool(tx.attachment_keys.former())

    def _reseal_one(self, stored: StoredFile, job: Job, actor: str) -> bool:
        try:
            staged = self._folder().write_again(stored, job)
        except KnownFailure as error:
            if error.key in _UNREADABLE:
                return False
            raise
        replaced = False
        try:
            with self._transaction() as tx:
                replaced = tx.attachments.replace_file(stored, staged)
                if replaced:
                    tx.audit.add(AuditAction.RESEAL_ATTACHMENTS, stored.attachment.id, actor=actor)
        finally:
            if not replaced:
                self._folder().discard(staged)
        while self._looked_at():  # what began before still reads the former file
            job.check()
            time.sleep(_PAUSE_SECONDS)
        self._folder().remove(stored)
        return True
