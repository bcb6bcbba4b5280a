"""Making a backup: the clinic as of one moment, written to a folder or USB stick, then read back and checked.

A backup is a folder of its own: a plain manifest, the keystore (whose card slot is what opens it), the audit heads, the
database under a key of its own and the sealed attachments as they are. It is called a backup only when all of it is on
the medium for certain. Scheduled backups of one medium share their attachments, which never change once written.
"""

import contextlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from desktop.errors import ErrorKind, KnownFailure
from desktop.jobs import Job
from desktop.records import new_id
from desktop.store.backup_check import Backup, Fault, backup_key, faults_of
from desktop.store.backup_database import copy_database, counts_of, database_size
from desktop.store.backup_files import (
    DISK_SHORT,
    MEDIUM_SHORT,
    PART_BYTES,
    PARTIAL,
    copy_in_parts,
    need_room,
    on_medium,
    part_names,
    remove_tree,
    sync_tree,
    write_part,
)
from desktop.store.backup_manifest import DATABASE, HEADS, KEYSTORE, MANIFEST, Manifest, Part
from desktop.store.backup_moment import Moment
from desktop.store.database import translated, value
from desktop.store.places import ATTACHMENTS, JOINED_BACKUP, UNFINISHED_BACKUP
from desktop.store.store import Store
from desktop.vault.files import sync_folder

_TRIES = 3


class _ClinicMoved(Exception):
    """A file that the moment refers to was replaced meanwhile: a new key epoch seals the files anew."""


@dataclass(frozen=True)
class MadeBackup:
    """A backup and what was found wrong when it was read back; nothing where it is verified."""

    backup: Backup
    faults: tuple[Fault, ...]


def make_backup(
    store: Store, into: Path, job: Job, *, now: datetime, shared: bool = False, part_bytes: int = PART_BYTES
) -> MadeBackup:
    """Write a backup below `into`, then check it as it lies on the medium.

    into: an existing folder. shared: attachments go to a folder that all backups in `into` use. Raises KnownFailure
    (`backup.medium_short`, `backup.disk_short`, `backup.medium_full`, `backup.medium_gone`, `backup.running`, …) or
    Cancelled; then nothing new is called a backup and no other backup was touched.
    """
    for _ in range(_TRIES):
        try:
            with store.moment() as moment:
                backup = _write(moment, into, job, now, shared, part_bytes)
                moment.connection.execute("ROLLBACK")
                return MadeBackup(backup, _read_back(backup, moment, job))
        except _ClinicMoved:
            continue
    raise KnownFailure("backup.clinic_moved", kind=ErrorKind.IO)


def _read_back(backup: Backup, moment: Moment, job: Job) -> tuple[Fault, ...]:
    """What is wrong with a backup that was just written; one that could not be read to its end is removed."""
    with on_medium(backup.folder.parent):
        try:
            with on_medium(backup.folder):
                faults = faults_of(backup, moment.unlocked, moment.sealed, moment.folder, job)
        except BaseException:
            discard(backup)
            raise
    if faults and not backup.folder.is_dir():
        raise KnownFailure("backup.medium_gone", kind=ErrorKind.IO)
    return faults


def discard(backup: Backup) -> None:
    """Remove a backup as far as the medium lets; from the first moment on it is called one no more. Raises OSError."""
    going = backup.folder.with_name(backup.folder.name + PARTIAL)
    with contextlib.suppress(FileNotFoundError):
        backup.folder.rename(going)
        sync_folder(going.parent)
    remove_tree(going)


def family(store_id: str) -> str:
    """What the folder names of a clinic's backups begin with. Short, so that old file systems take the whole path."""
    return f"lantern-{store_id[:8]}"


def sweep_unfinished(into: Path, store_id: str) -> None:
    """Remove what a power cut or a pulled stick left of this clinic's earlier tries."""
    for leftover in into.glob(f"{family(store_id)}-*{PARTIAL}"):
        remove_tree(leftover)


def _write(moment: Moment, into: Path, job: Job, now: datetime, shared: bool, part_bytes: int) -> Backup:
    identity = new_id()
    store_id = moment.unlocked.store_id
    name = f"{family(store_id)}-{now:%Y%m%d-%H%M%S}-{identity[:4]}"
    partial = into / (name + PARTIAL)
    root = into if shared else partial
    with on_medium(into):
        sweep_unfinished(into, store_id)
        for leftover in (UNFINISHED_BACKUP, JOINED_BACKUP):
            (moment.folder / leftover).unlink(missing_ok=True)
        files = [row[0] for row in moment.connection.execute("SELECT file FROM attachments ORDER BY file")]
        _need_room(moment, into, _bytes_to_copy(moment, files, root, part_bytes), part_bytes)
        partial.mkdir()
        try:
            # Where a stick was pulled out, the folder that it was mounted on stays, and this one does not.
            with on_medium(partial):
                manifest = _fill(moment, partial, root, files, identity, now, job, part_bytes)
                write_part(partial, MANIFEST, manifest.to_bytes())
                sync_tree(partial)
                if shared and files:
                    sync_tree(root / ATTACHMENTS)
            partial.rename(into / name)
            sync_folder(into)
        except BaseException:
            remove_tree(partial)
            raise
    return Backup(into / name, manifest)


def _need_room(moment: Moment, into: Path, films: int, part_bytes: int) -> None:
    """Raises KnownFailure where the medium lacks room, or the clinic's disk for a database to be built beside it."""
    database = database_size(moment.connection)
    need_room(into, database + films, MEDIUM_SHORT)
    if database > part_bytes:
        one_disk = moment.folder.stat().st_dev == into.stat().st_dev
        need_room(moment.folder, 2 * database + films if one_disk else database, DISK_SHORT)


def _fill(
    moment: Moment,
    partial: Path,
    root: Path,
    files: list[str],
    identity: str,
    now: datetime,
    job: Job,
    part_bytes: int,
) -> Manifest:
    """Everything but the manifest itself."""
    keys = moment.unlocked
    keystore = write_part(partial, KEYSTORE, moment.keystore)
    heads = write_part(partial, HEADS, moment.heads)
    database = _copy_database(moment, partial, backup_key(keys, identity), job, part_bytes)
    attachments, missing = _copy_attachments(moment, root, files, job, part_bytes)
    return Manifest(
        id=identity,
        store_id=keys.store_id,
        made=now,
        epoch=keys.epoch,
        generation=keys.generation,
        store_format=int(value(moment.connection, "PRAGMA user_version")),
        head=moment.head,
        counts=counts_of(moment.connection),
        keystore=keystore,
        heads=heads,
        database=database,
        attachments=attachments,
        shared=root != partial,
        missing=missing,
        user=keys.user_id,
    ).signed(keys.signing_key)


def _copy_database(moment: Moment, partial: Path, key: bytes, job: Job, part_bytes: int) -> tuple[Part, ...]:
    """Straight onto the medium where one part holds it; else beside the clinic first: SQLite writes one file only."""
    step = "backup.step.database"
    if database_size(moment.connection) <= part_bytes:
        copy_database(moment.connection, partial / DATABASE, key, job, step)
        with (partial / DATABASE).open("rb") as stream:
            return copy_in_parts(stream, None, DATABASE, job.check, part_bytes)
    built = moment.folder / UNFINISHED_BACKUP
    try:
        with translated():
            copy_database(moment.connection, built, key, job, step)
        with built.open("rb") as stream:
            return copy_in_parts(stream, partial, DATABASE, job.check, part_bytes)
    finally:
        built.unlink(missing_ok=True)


def _copy_attachments(
    moment: Moment, root: Path, files: list[str], job: Job, part_bytes: int
) -> tuple[tuple[tuple[Part, ...], ...], tuple[str, ...]]:
    """The sealed files as they are; and the names of those that the clinic itself has lost."""
    copied: list[tuple[Part, ...]] = []
    missing: list[str] = []
    for done, file in enumerate(files):
        job.report("backup.step.attachments", done, len(files))
        try:
            source = moment.sealed.path(file).open("rb")
        except FileNotFoundError:
            if not moment.refers_now(file):
                raise _ClinicMoved from None
            missing.append(file)
            continue
        with source:
            copied.append(_copy_attachment(source, root, file, job, part_bytes))
    return tuple(copied), tuple(missing)


def _copy_attachment(source: BinaryIO, root: Path, file: str, job: Job, part_bytes: int) -> tuple[Part, ...]:
    """Copy a sealed file, or only describe it where another backup of the medium brought it there already."""
    name = part_path(file)
    size = os.fstat(source.fileno()).st_size
    if not _bytes_lacking(root, name, size, part_bytes):
        return copy_in_parts(source, None, name, job.check, part_bytes)
    for part, _ in part_names(name, size, part_bytes):
        (root / part).unlink(missing_ok=True)
    return copy_in_parts(source, root, name, job.check, part_bytes)


def _bytes_lacking(root: Path, name: str, size: int, part_bytes: int) -> int:
    """How many more bytes the medium must take for a file to lie there whole; 0 where it does. Parts that lie there
    give their room back where others are missing: the file is copied anew then."""
    lengths = part_names(name, size, part_bytes)
    there = {part: (root / part).stat().st_size for part, _ in lengths if (root / part).is_file()}
    return 0 if there == dict(lengths) else max(1, size - sum(there.values()))


def part_path(file: str) -> str:
    """Where a sealed file lies in a backup, as in the clinic."""
    return f"{ATTACHMENTS}/{file[:2]}/{file}"


def _bytes_to_copy(moment: Moment, files: list[str], root: Path, part_bytes: int) -> int:
    """Bytes of the attachments that the medium does not hold yet."""
    total = 0
    for file in files:
        path = moment.sealed.path(file)
        if path.is_file():
            total += _bytes_lacking(root, part_path(file), path.stat().st_size, part_bytes)
    return total
