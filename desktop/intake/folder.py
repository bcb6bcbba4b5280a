"""What somebody chose, file by file: files themselves, everything in folders, everything in archives and on discs.

Nothing is unpacked: a file within an archive is a stream like any other, read where it lies.
"""

import io
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol

from desktop.errors import UserFacingError, from_os_error
from desktop.intake.archive import Archive, is_archive
from desktop.intake.dicomdir import Directory, read_directory
from desktop.jobs import Job

MAX_FILES = 50_000
"""Most files of one import. The largest discs hold some thousands; more is somebody's whole disk."""

_LITTER = frozenset({"thumbs.db", "desktop.ini", ".ds_store", "autorun.inf"})
_LITTER_FOLDERS = frozenset({"__macosx", "$recycle.bin", "system volume information", ".trash", ".trashes"})
DIRECTORY_NAME = "dicomdir"


class Source(Protocol):
    """One file. name: as people are told of it, `importing.archive.zip/inner/name` within an archive. size: bytes."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    def open(self) -> BinaryIO:
        """Its bytes as a seekable stream; close it. Raises UserFacingError, OSError."""


@dataclass(frozen=True)
class DiskSource:
    """A file on a disk. size: when it was found."""

    path: Path
    size: int

    @property
    def name(self) -> str:
        """As it was given, or found below the folder that was."""
        return str(self.path)

    def open(self) -> BinaryIO:
        """Raises UserFacingError `intake.not_a_file`, OSError."""
        stream = io.FileIO(self.path, opener=_without_waiting)
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            stream.close()
            raise UserFacingError("intake.not_a_file")
        return io.BufferedReader(stream)


@dataclass(frozen=True)
class NotTaken:
    """A file, or a whole archive, that cannot be brought in, and why."""

    name: str
    error: UserFacingError


class Gathered:
    """Everything that was chosen. Keeps archives open while it is; close it.

    directories: the DICOMDIRs met, each with what it says lies beside it.
    """

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.not_taken: list[NotTaken] = []
        self.directories: list[Directory] = []
        self._open = ExitStack()

    def __enter__(self) -> "Gathered":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the archives."""
        self._open.close()

    def keep_open(self, archive: Archive) -> None:
        """Close it with everything else."""
        self._open.enter_context(archive)


def gather(paths: Sequence[Path], job: Job) -> Gathered:
    """Every file that was meant, in the order of names below each path.

    A file within an archive that cannot be taken, and a path that cannot be read, is in `not_taken`. Raises
    UserFacingError `importing.too_many`, Cancelled.
    """
    found = Gathered()
    try:
        for path in paths:
            job.check()
            _add_path(found, path, job)
    except BaseException:
        found.close()
        raise
    return found


def _add_path(found: Gathered, path: Path, job: Job) -> None:
    try:
        if path.is_dir():
            _add_folder(found, path, job)
        elif path.name.lower().rstrip(".") in (DIRECTORY_NAME, f"{DIRECTORY_NAME};1") and path.is_file():
            _add_disc(found, path, job)
        else:
            _add_file(found, path, job)
    except OSError as error:
        found.not_taken.append(NotTaken(str(path), from_os_error(error)))
    except ValueError:  # a path with a NUL in it
        found.not_taken.append(NotTaken(str(path), UserFacingError("intake.not_a_file")))


def _add_folder(found: Gathered, folder: Path, job: Job) -> None:
    files = sorted(_files_below(folder, job))
    _check_count(len(found.sources) + len(files))
    for file in files:
        job.check()
        if file.name.lower().rstrip(".") in (DIRECTORY_NAME, f"{DIRECTORY_NAME};1"):
            directory = read_directory(file)
            if directory is not None:
                found.directories.append(directory)
            continue
        try:
            _add_file(found, file, job)
        except OSError as error:
            found.not_taken.append(NotTaken(str(file), from_os_error(error)))


def _files_below(folder: Path, job: Job) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        job.check()
        folders[:] = [name for name in folders if name.lower() not in _LITTER_FOLDERS]
        for name in names:
            if name.lower() not in _LITTER and not name.startswith("._"):
                yield Path(place) / name


def _add_disc(found: Gathered, path: Path, job: Job) -> None:
    """A DICOMDIR by itself stands for what it lists; where it is not true, for all that lies around it."""
    directory = read_directory(path)
    if directory is None or not directory.files:
        _add_folder(found, path.parent, job)
        return
    found.directories.append(directory)
    for file in directory.files:
        job.check()
        _add_file(found, file, job)


def _add_file(found: Gathered, path: Path, job: Job) -> None:
    state = os.stat(path)
    # A pipe or a device would block this program for ever.
    if not stat.S_ISREG(state.st_mode):
        found.not_taken.append(NotTaken(str(path), UserFacingError("intake.not_a_file")))
        return
    if _may_be_archive(path) and is_archive(path):
        _add_archive(found, path, job)
        return
    found.sources.append(DiskSource(path, state.st_size))
    _check_count(len(found.sources))


def _may_be_archive(path: Path) -> bool:
    """By its name, so that a folder of thousands is not opened file by file; a bundle of a trace is called so too."""
    return path.suffix.lower() == ".zip"


def _add_archive(found: Gathered, path: Path, job: Job) -> None:
    try:
        archive = Archive(path)
    except UserFacingError as error:
        found.not_taken.append(NotTaken(str(path), error))
        return
    found.keep_open(archive)
    for member in archive.members():
        job.check()
        name = member.inner.rpartition("/")[2].lower()
        if member.error is not None:
            found.not_taken.append(NotTaken(member.name, member.error))
        elif not _is_litter(member.inner) and name != DIRECTORY_NAME:
            found.sources.append(member)
            _check_count(len(found.sources))


def _is_litter(inner: str) -> bool:
    *folders, name = inner.lower().split("/")
    return name in _LITTER or name.startswith("._") or any(folder in _LITTER_FOLDERS for folder in folders)


def _check_count(count: int) -> None:
    if count > MAX_FILES:
        raise UserFacingError("importing.too_many", count=MAX_FILES)


def _without_waiting(name: str, flags: int) -> int:
    """Open a file; a pipe that nobody writes to opens at once, and is then refused for what it is."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
