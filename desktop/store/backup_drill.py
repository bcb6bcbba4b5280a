"""Proving a backup: it is restored into a scratch folder, checked throughout, compared with the clinic and removed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.jobs import Job
from desktop.store.backup_check import Backup
from desktop.store.backup_moment import keystore_copy
from desktop.store.building_site import PROVING, building_site
from desktop.store.database import translated
from desktop.store.restore import bring, finish
from desktop.store.store import Store
from desktop.store.verification import Verification
from desktop.vault import Unlocked
from desktop.vault.keystore_file import PRIMARY, parse


def prove(backup: Backup, store: Store, unlocked: Unlocked, job: Job, clock: Callable[[], datetime]) -> Verification:
    """Restore a backup beside the clinic with the clinic's own keys, and check it.

    Beyond what `verify` looks at: the present recovery card opens it, and its audit chain is the beginning of today's.
    Raises UserFacingError `backup.former_keys` or `backup.former_card` where a newer backup is wanted; KnownFailure: as
    `restore.bring` and `finish`, `backup.other_history`, or of the disk; and Cancelled. Nothing is left behind.
    """
    _is_our_history(backup, store)
    with translated(), store.being_checked():
        if backup.manifest.epoch != unlocked.epoch:
            raise UserFacingError("backup.former_keys")
        with building_site(store.folder.resolve(), PROVING) as scratch:
            bring(backup, scratch, job)
            if _cards((scratch / PRIMARY).read_bytes()) != _cards(keystore_copy(store.folder, unlocked)):
                raise UserFacingError("backup.former_card")
            finish(backup, scratch, unlocked, job)
            with Store.open(scratch, replace(unlocked, found=()), clock=clock) as restored:
                return restored.verify(job)


def _is_our_history(backup: Backup, store: Store) -> None:
    """Raises KnownFailure `backup.other_history` unless the backup's newest audit line is one of this clinic's."""
    head = backup.manifest.head
    with store.snapshot() as tx:
        lines = tx.audit.entries(1, head.sequence + 1)
    if backup.manifest.store_id != store.store_id or [line.hash for line in lines] != [head.hash]:
        raise KnownFailure("backup.other_history", kind=ErrorKind.BACKUP_DAMAGED)


def _cards(keystore: bytes) -> frozenset[bytes]:
    """Public keys of the recovery cards that open a keystore."""
    return frozenset(slot.keys.public_key for slot in parse(keystore).recovery)
