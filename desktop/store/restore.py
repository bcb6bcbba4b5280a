"""Bringing a clinic back from a backup: plain checksums first, then the card, then the clinic, then its place.

Everything is put together elsewhere (`building_site`) and gets its place when it is whole, so a power cut leaves a
clinic or none. The backup is only read.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from desktop import vault
from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.jobs import Job
from desktop.records import AuditAction, new_id
from desktop.store import migrations
from desktop.store.backup_check import Backup, backup_key, database_agrees
from desktop.store.backup_database import copy_database, is_sound, open_to_read
from desktop.store.backup_files import (
    DISK_SHORT,
    PARTIAL,
    is_whole,
    join,
    need_room,
    on_medium,
    sync_tree,
)
from desktop.store.backup_manifest import (
    DATABASE,
    HEADS,
    KEYSTORE,
    LARGEST,
    MANIFEST,
    DamagedManifest,
    Part,
    attachment_name,
    looks_like_one,
    parse,
)
from desktop.store.backup_runs import BackupRun, RunKind
from desktop.store.building_site import RESTORING, building_site, is_free, settle
from desktop.store.database import DamagedDatabase, translated
from desktop.store.places import ATTACHMENTS, StoreFiles
from desktop.store.store import Store
from desktop.store.verification import Verification
from desktop.vault import Unlocked
from desktop.vault.files import write_durably
from desktop.vault.keystore_file import COPY, PRIMARY

_JOINED = "joined.new"
# Whoever holds the card is known to nobody.
_NOBODY = "system"


@dataclass(frozen=True)
class Restored:
    """A clinic that came from a backup. found: its full check, made before it was put in place."""

    store_id: str
    backup: Backup
    found: Verification


def find_backups(source: Path) -> tuple[Backup, ...]:
    """The backup in a folder, or all that lie below it, newest first. Manifests only: quick, and needs no key.

    Raises UserFacingError: `backup.not_a_backup`, `backup.unfinished`; KnownFailure: `backup.part_damaged` where the
    folder itself is a backup with a damaged manifest, `backup.too_new`, or of the medium.
    """
    with on_medium(source):
        if not source.is_dir():
            raise UserFacingError("backup.not_a_backup", kind=ErrorKind.NOT_A_BACKUP)
        if source.name.endswith(PARTIAL) and not (source / MANIFEST).is_file():
            raise UserFacingError("backup.unfinished", kind=ErrorKind.NOT_A_BACKUP)
        if _is_one(source):
            return (_read(source),)
        return _all_below(source)


def _all_below(source: Path) -> tuple[Backup, ...]:
    found, damaged = [], None
    for folder in sorted({*source.glob("*"), *source.glob("*/*")}):
        try:
            if not folder.name.endswith(PARTIAL) and folder.is_dir() and _is_one(folder):
                found.append(_read(folder))
        except PermissionError:
            continue  # the system's own folders on a stick
        except KnownFailure as failure:
            damaged = failure
    if not found:
        raise damaged or UserFacingError("backup.not_a_backup", kind=ErrorKind.NOT_A_BACKUP)
    return tuple(sorted(found, key=lambda backup: backup.manifest.made, reverse=True))


def the_backup(source: Path) -> Backup:
    """The one backup in or below a folder. Raises as `find_backups`, and UserFacingError `backup.which`."""
    found = find_backups(source)
    if len(found) > 1:
        names = ", ".join(backup.folder.name for backup in found)
        raise UserFacingError("backup.which", kind=ErrorKind.BAD_INPUT, count=len(found), names=names)
    return found[0]


def restore_backup(source: Path, target: Path, card: str, job: Job, *, clock: Callable[[], datetime]) -> Restored:
    """Restore the backup in `source` with the recovery card's code into a folder that is absent or empty.

    Raises UserFacingError: as `the_backup`, `backup.target_not_empty`, of the card (WRONG_RECOVERY_CARD); KnownFailure:
    `backup.part_damaged` naming the part, `store.too_new`, `backup.medium_gone`, `backup.disk_short`,
    `backup.site_in_use`, of the target's disk; Cancelled. Then the target is as it was.
    """
    with translated():
        target = target.resolve()
        refuse_occupied(target)
    backup = the_backup(source)
    with translated():
        target.parent.mkdir(parents=True, exist_ok=True)
        with building_site(target, RESTORING) as building:
            bring(backup, building, job)
            with contextlib.closing(_open_with_card(building, card)) as unlocked:
                finish(backup, building, unlocked, job)
                found = _begin_again(building, unlocked, backup, job, clock)
            settle(building, target)
    return Restored(backup.manifest.store_id, backup, found)


def _open_with_card(folder: Path, card: str) -> Unlocked:
    try:
        return vault.unlock_with_card(folder, card, touch=False)
    except KnownFailure as failure:
        if failure.kind is not ErrorKind.UNLOCK:
            raise
        # The card is right and the keystore is not what Lantern wrote, although its checksum fits.
        raise _forged(KEYSTORE) from failure


def check_card(source: Path, card: str, job: Job) -> None:
    """Whether the card opens the backup in `source`, without reading all of it: for telling a typing error at once.

    Raises as `restore_backup` does for a backup that is none, for a damaged keystore and for the card.
    """
    backup = the_backup(source)
    with on_medium(source):
        if not is_whole(backup.folder, backup.manifest.keystore, job.check):
            raise part_damaged(KEYSTORE)
        _open_with_card(backup.folder, card).close()


def refuse_occupied(target: Path) -> None:
    """Raises UserFacingError `backup.target_not_empty` for anything but an absent or empty folder, and OSError."""
    if not is_free(target):
        raise UserFacingError("backup.target_not_empty", kind=ErrorKind.NOT_EMPTY)


def bring(backup: Backup, building: Path, job: Job) -> None:
    """Copy a backup into an empty folder, each part against its checksum; needs no key. Raises as `restore_backup`,
    and OSError where the folder cannot be written."""
    manifest = backup.manifest
    if manifest.store_format > len(migrations.MIGRATIONS):
        raise KnownFailure("store.too_new", kind=ErrorKind.BAD_INPUT)
    need_room(building, manifest.size + manifest.database_size, DISK_SHORT)
    _bring(backup, backup.folder, (manifest.keystore,), building / PRIMARY, job)
    _bring(backup, backup.folder, (manifest.heads,), StoreFiles(building, manifest.epoch).heads, job)
    job.report("backup.step.restore_database", 0, 0)
    _bring(backup, backup.folder, manifest.database, building / _JOINED, job)
    for done, parts in enumerate(manifest.attachments):
        job.report("backup.step.restore_attachments", done, len(manifest.attachments))
        name = attachment_name(parts)
        path = building / ATTACHMENTS / name[:2] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _bring(backup, backup.attachments_root, parts, path, job)
    write_durably(building / COPY, (building / PRIMARY).read_bytes())


def finish(backup: Backup, building: Path, unlocked: Unlocked, job: Job) -> None:
    """Make a closed clinic of what `bring` copied. Raises as `bring` does, and KnownFailure `backup.part_forged`."""
    manifest = backup.manifest
    if (unlocked.store_id, unlocked.epoch) != (manifest.store_id, manifest.epoch):
        raise _forged(MANIFEST)
    joined = building / _JOINED
    try:
        with contextlib.closing(open_to_read(joined, backup_key(unlocked, manifest.id), still=True)) as copy:
            if not is_sound(copy, job) or not database_agrees(copy, manifest):
                raise _forged(DATABASE)
            database = StoreFiles(building, manifest.epoch).database
            copy_database(copy, database, unlocked.master.derive("db"), job, "backup.step.restore_database")
    except DamagedDatabase:
        # Checksums fit and the key does not: somebody put the manifest together anew.
        raise _forged(DATABASE) from None
    joined.unlink()
    sync_tree(building)


def _bring(backup: Backup, root: Path, parts: Sequence[Part], target: Path, job: Job) -> None:
    """Copy one file while its parts' checksums are made. Raises KnownFailure naming the part that is damaged."""
    with on_medium(backup.folder, full="error.disk_full"):
        damaged = join(root, parts, target, job.check)
        if damaged is not None:
            if not (backup.folder / MANIFEST).is_file():
                raise KnownFailure("backup.medium_gone", kind=ErrorKind.IO)
            raise part_damaged(damaged.name)


def part_damaged(name: str) -> KnownFailure:
    """The failure that names a damaged or missing part."""
    return KnownFailure("backup.part_damaged", kind=ErrorKind.BACKUP_DAMAGED, part=name)


def _forged(name: str) -> KnownFailure:
    """The failure of a part that has the checksum it should have, and yet is not the clinic's."""
    return KnownFailure("backup.part_forged", kind=ErrorKind.BACKUP_DAMAGED, part=name)


def _begin_again(
    folder: Path, unlocked: Unlocked, backup: Backup, job: Job, clock: Callable[[], datetime]
) -> Verification:
    """Open the clinic (an older form migrates), go on with its audit chain, check everything."""
    with Store.open(folder, unlocked, clock=clock) as store:
        with store.transaction() as tx:
            manifest = backup.manifest
            run = BackupRun(
                new_id(),
                RunKind.RESTORE,
                clock(),
                True,
                backup=manifest.id,
                made=manifest.made,
                sequence=manifest.head.sequence,
                place=str(backup.folder.absolute()),
            )
            tx.backups.add(run)
            tx.audit.add(AuditAction.RESTORE_BACKUP, run.id, actor=_NOBODY, reason=manifest.id)
        return store.verify(job)


def is_backup(folder: Path) -> bool:
    """Whether a complete backup lies in the folder and can be reached."""
    try:
        return (folder / MANIFEST).is_file()
    except OSError:
        return False


def _is_one(folder: Path) -> bool:
    """Whether the folder is a backup, however damaged: by its manifest, or by the parts that only a backup has."""
    path = folder / MANIFEST
    if path.is_file():
        with path.open("rb") as stream:
            if looks_like_one(stream.read(4096)):
                return True
    # A clinic itself has the first two, under the same names.
    others = (folder / HEADS).is_file() or (folder / KEYSTORE).is_file()
    return others and any((folder / name).is_file() for name in (DATABASE, f"{DATABASE}.001"))


def _read(folder: Path) -> Backup:
    path = folder / MANIFEST
    try:
        if path.stat().st_size > LARGEST:
            raise DamagedManifest
        return Backup(folder, parse(path.read_bytes()))
    except (DamagedManifest, FileNotFoundError):
        raise part_damaged(MANIFEST) from None
