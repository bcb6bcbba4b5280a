"""The files of a backup on a folder or USB stick: written in parts that FAT32 takes, read back from the medium itself.

Every part is on the medium for certain before the next one is begun; what stops in the middle leaves a folder that is
not called a backup yet.
"""

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from sqlcipher3 import dbapi2

from desktop.errors import ErrorKind, KnownFailure, from_os_error
from desktop.store.backup_manifest import Part
from desktop.store.database import failure
from desktop.vault.files import sync_folder

# FAT32 ends at 4 GiB, older sticks and shares at 2. A database that one part holds needs no room beside the clinic.
PART_BYTES = 2_000_000_000
PARTIAL = ".partial"
MEDIUM_FULL = "backup.medium_full"
MEDIUM_SHORT, DISK_SHORT = "backup.medium_short", "backup.disk_short"

_BLOCK = 1 << 20
_ROOM_TO_SPARE = 4 << 20
_MEGABYTE = 1_000_000
_UNREADABLE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO})
# What Windows calls it.
_WRITE_PROTECTED = 19
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO, errno.ESTALE, errno.ENOTCONN})

Check = Callable[[], None]


@contextlib.contextmanager
def on_medium(folder: Path, full: str = MEDIUM_FULL) -> Iterator[None]:
    """What fails while writing to or reading from a medium leaves as KnownFailure that speaks of it: `full` where no
    room is left, `backup.medium_gone` where it was pulled out, `backup.medium_protected` where it may not be written
    to, else as `from_os_error` and `database.failure` say."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise KnownFailure(full, kind=ErrorKind.DISK_FULL) from error
        if error.errno in _GONE or not is_folder(folder):
            raise KnownFailure("backup.medium_gone", kind=ErrorKind.IO) from error
        if error.errno == errno.EROFS or getattr(error, "winerror", None) == _WRITE_PROTECTED:
            raise KnownFailure("backup.medium_protected", kind=ErrorKind.IO) from error
        raise from_os_error(error) from error
    except dbapi2.DatabaseError as error:
        told = failure(error)
        if told is None:
            raise
        if told.kind is ErrorKind.DISK_FULL:
            raise KnownFailure(full, kind=ErrorKind.DISK_FULL) from error
        if not is_folder(folder):
            raise KnownFailure("backup.medium_gone", kind=ErrorKind.IO) from error
        raise told from error


def is_folder(folder: Path) -> bool:
    """Whether a folder is there and can be reached."""
    try:
        return folder.is_dir()
    except OSError:
        return False


def need_room(folder: Path, needed: int, short: str) -> None:
    """Raises KnownFailure `short` (MEDIUM_SHORT or DISK_SHORT, with the missing megabytes) where `needed` bytes will
    not fit, before anything is written; and OSError."""
    usage = shutil.disk_usage(folder)
    missing = needed + _ROOM_TO_SPARE - usage.free
    if missing > 0 and usage.total:  # some file systems do not say how large they are
        raise KnownFailure(short, kind=ErrorKind.DISK_FULL, missing=-(-missing // _MEGABYTE))


def write_part(folder: Path, name: str, data: bytes) -> Part:
    """A small file, on the medium for certain. Raises OSError."""
    path = folder / name
    with path.open("xb") as target:
        target.write(data)
        _certain(target)
    return Part(name, len(data), hashlib.sha256(data).hexdigest())


def part_names(name: str, size: int, part_bytes: int) -> list[tuple[str, int]]:
    """How a file of that size is cut: `name` alone, or `name.001`, `name.002` …, each with its length."""
    if size <= part_bytes:
        return [(name, size)]
    starts = range(0, size, part_bytes)
    return [(f"{name}.{number:03d}", min(part_bytes, size - start)) for number, start in enumerate(starts, start=1)]


def copy_in_parts(
    source: BinaryIO, folder: Path | None, name: str, between: Check, part_bytes: int
) -> tuple[Part, ...]:
    """Copy a stream in parts, each certain on the medium; without a folder, only say what the parts are.

    between: called for each MiB, may raise to cancel. Raises OSError.
    """
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    if folder is not None:
        _make_parents(folder, name)
    return tuple(
        Part(part, length, _copy_one(source, folder / part if folder else None, length, between))
        for part, length in part_names(name, size, part_bytes)
    )


def _make_parents(folder: Path, name: str) -> None:
    """The folders of a name with `/`, below one that is there: where a stick was pulled out, its place on this PC must
    not be written to instead."""
    for parent in reversed(PurePosixPath(name).parents[:-1]):
        (folder / parent).mkdir(exist_ok=True)


def _copy_one(source: BinaryIO, path: Path | None, size: int, between: Check) -> str:
    """SHA-256 (hex) of the next `size` bytes, which are also written to `path` where there is one."""
    if path is None:
        return _digest(source, size, between)
    with path.open("xb") as target:
        digest = _digest(source, size, between, target)
        _certain(target)
    return digest


def _digest(source: BinaryIO, size: int, between: Check, target: BinaryIO | None = None) -> str:
    digest = hashlib.sha256()
    rest = size
    while rest:
        between()
        block = source.read(min(_BLOCK, rest))
        if not block:
            raise OSError(errno.EIO, "the source became shorter while it was copied")
        digest.update(block)
        if target is not None:
            target.write(block)
        rest -= len(block)
    return digest.hexdigest()


def join(root: Path, parts: Sequence[Part], target: Path, between: Check) -> Part | None:
    """Copy parts one after the other into a new file, certain on the disk; the first part that is not what the
    manifest says ends it and is returned. Raises OSError."""
    with target.open("xb") as stream:
        for part in parts:
            if not _read_whole(root, part, between, stream):
                return part
        _certain(stream)
    return None


def is_whole(root: Path, part: Part, between: Check) -> bool:
    """Whether a part is what the manifest says; one that is missing or cannot be read is not. Raises OSError."""
    return _read_whole(root, part, between)


def _read_whole(root: Path, part: Part, between: Check, target: BinaryIO | None = None) -> bool:
    digest = hashlib.sha256()
    size = 0
    for block in _blocks(root / part.name):
        between()
        size += len(block)
        if size > part.size:
            return False
        digest.update(block)
        if target is not None:
            target.write(block)
    return (size, digest.hexdigest()) == (part.size, part.sha256)


def _blocks(path: Path) -> Iterator[bytes]:
    """The file's bytes, from the medium itself; they end early where it is missing or cannot be read."""
    try:
        with path.open("rb") as source:
            _forget_cached(source)
            while block := source.read(_BLOCK):
                yield block
    except OSError as error:
        if error.errno not in _UNREADABLE:
            raise


def _forget_cached(stream: BinaryIO) -> None:
    """Ask the system to read this file from the medium again. Where it cannot, reading is still correct."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def sync_tree(folder: Path) -> None:
    """Make the names in a folder and in those below it certain. Raises OSError."""
    for inner, _, _ in os.walk(folder, topdown=False):
        sync_folder(Path(inner))


def sync_file(path: Path) -> None:
    """Make a file that somebody else wrote certain. Raises OSError."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def put_in_place(building: Path, target: Path) -> None:
    """Give a complete folder its name by one rename; the target beside it is absent or empty. Raises OSError."""
    sync_tree(building)
    if os.name == "nt" and target.is_dir():
        target.rmdir()  # elsewhere the rename takes the place of an empty folder
    building.rename(target)
    sync_folder(target.parent)


def remove_tree(folder: Path) -> None:
    """Remove a folder as far as the medium lets; what stays is swept another time."""
    shutil.rmtree(folder, ignore_errors=True)


def _certain(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())
