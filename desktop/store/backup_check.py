"""Is a backup, as it lies on its medium, the clinic it was made from? Checksums first, then what needs its key."""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlcipher3 import dbapi2

from desktop.errors import KnownFailure
from desktop.jobs import Job
from desktop.store.attachments import SealedFolder, StoredFile
from desktop.store.backup_database import counts_of, head_of, is_sound, open_to_read
from desktop.store.backup_files import is_whole, join
from desktop.store.backup_manifest import DATABASE, MANIFEST, Manifest, Part, attachment_name
from desktop.store.canonical import from_canonical
from desktop.store.database import Connection
from desktop.store.places import JOINED_BACKUP
from desktop.store.rows import Rows
from desktop.store.verification_chain import known_keys
from desktop.vault import DamagedFile, Unlocked

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Backup:
    """A complete backup on a medium. folder: its own."""

    folder: Path
    manifest: Manifest

    @property
    def attachments_root(self) -> Path:
        """The folder that the attachments' names start from."""
        return self.folder.parent if self.manifest.shared else self.folder


@dataclass(frozen=True)
class Fault:
    """What is wrong with a backup. where: a part's name, or `attachments/<id>` of the clinic. key: names the sentence.
    in_clinic: the medium is fine; the clinic itself had lost or damaged the file before the backup was made."""

    where: str
    key: str
    in_clinic: bool = False


def backup_key(unlocked: Unlocked, backup: str) -> bytes:
    """The key of a backup's database: 32 bytes, another for every backup."""
    return unlocked.master.derive(f"backup/{backup}")


def faults_of(backup: Backup, unlocked: Unlocked, sealed: SealedFolder, scratch: Path, job: Job) -> tuple[Fault, ...]:
    """Everything that is wrong with a backup; nothing where it is verified.

    sealed: the clinic's sealed files, with their keys. scratch: where the database is joined if it lies in several
    parts. Raises OSError and dbapi2 errors of the medium, and Cancelled.
    """
    manifest = backup.manifest
    found: list[Fault] = []
    if not _is_manifest(backup):
        found.append(Fault(MANIFEST, "backup.fault.part"))
    for done, part in enumerate(manifest.own_parts):
        job.report("backup.step.check_parts", done, len(manifest.own_parts))
        if not is_whole(backup.folder, part, job.check):
            found.append(Fault(part.name, "backup.fault.part"))
    if found:
        return tuple(found)
    with database_of(backup, scratch, job) as path, contextlib.ExitStack() as opened:
        job.report("backup.step.check_database")
        try:
            connection = open_to_read(path, backup_key(unlocked, manifest.id), still=True)
        except KnownFailure:
            return (Fault(DATABASE, "backup.fault.part"),)
        opened.callback(connection.close)
        if not is_sound(connection, job) or not database_agrees(connection, manifest):
            return (Fault(DATABASE, "backup.fault.content"),)
        return tuple(_attachment_faults(backup, connection, sealed, job))


@contextlib.contextmanager
def database_of(backup: Backup, scratch: Path, job: Job) -> Iterator[Path]:
    """The database as one file: where it lies, or joined from its parts for as long as it is needed."""
    parts = backup.manifest.database
    if len(parts) == 1:
        yield backup.folder / parts[0].name
        return
    path = scratch / JOINED_BACKUP
    try:
        path.unlink(missing_ok=True)
        join(backup.folder, parts, path, job.check)
        yield path
    finally:
        path.unlink(missing_ok=True)


def database_agrees(connection: Connection, manifest: Manifest) -> bool:
    """Whether the database is the one that the manifest speaks of, and the manifest signed by one of its users."""
    try:
        return (
            head_of(connection) == manifest.head
            and counts_of(connection) == dict(manifest.counts)
            and manifest.public_key in known_keys(Rows(connection, writable=False))
            and manifest.signature_holds()
        )
    except dbapi2.DatabaseError:
        return False


def _is_manifest(backup: Backup) -> bool:
    try:
        return (backup.folder / MANIFEST).read_bytes() == backup.manifest.to_bytes()
    except FileNotFoundError:
        return False


def _attachment_faults(backup: Backup, connection: Connection, sealed: SealedFolder, job: Job) -> Iterator[Fault]:
    """Each attachment's checksum on the medium, then its header and the tag of every chunk."""
    files: Mapping[str, tuple[Part, ...]] = {attachment_name(parts): parts for parts in backup.manifest.attachments}
    missing = frozenset(backup.manifest.missing)
    on_medium = sealed.elsewhere(backup.attachments_root)
    total = backup.manifest.counts["attachments"]
    rows = connection.execute("SELECT id, file, record FROM attachments ORDER BY file")
    for done, (identity, file, record) in enumerate(rows):
        job.report("backup.step.check_attachments", done, total)
        parts = files.get(file)
        if parts is None:
            key = "backup.fault.attachment_missing" if file in missing else "backup.fault.content"
            yield Fault(f"attachments/{identity}", key, in_clinic=file in missing)
            continue
        broken = [part for part in parts if not is_whole(backup.attachments_root, part, job.check)]
        if broken:
            yield Fault(broken[0].name, "backup.fault.part")
        # One in several parts is byte for byte the clinic's, which its checksums just proved: that one is opened.
        elif not _opens(on_medium if len(parts) == 1 else sealed, record, job):
            yield Fault(f"attachments/{identity}", "backup.fault.attachment_damaged", in_clinic=True)


def _opens(sealed: SealedFolder, record: bytes, job: Job) -> bool:
    """Whether a sealed file decrypts to what was imported."""
    try:
        stored = from_canonical(StoredFile, record)
        digest = hashlib.sha256()
        with sealed.open(stored) as stream:
            while block := stream.read(_BLOCK):
                job.check()
                digest.update(block)
    except (DamagedFile, ValueError):
        return False
    return digest.hexdigest() == stored.attachment.sha256
