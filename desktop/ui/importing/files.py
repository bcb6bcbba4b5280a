"""Which files a drop or a choice means."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job

MAX_FILES = 500
_NEVER = frozenset({"thumbs.db", "desktop.ini", ".ds_store", "dicomdir", "autorun.inf"})


def expand(paths: Sequence[Path], job: Job) -> tuple[Path, ...]:
    """Files as they are; folders as every file in them, by name, without what systems leave behind.

    Raises UserFacingError where there are more than `MAX_FILES` files: that is a whole disk, not a disc of films.
    """
    found: list[Path] = []
    for path in paths:
        for file in _files_of(path) if path.is_dir() else (path,):
            job.check()
            found.append(file)
            if len(found) > MAX_FILES:
                raise UserFacingError("importing.too_many", kind=ErrorKind.BAD_INPUT, count=MAX_FILES)
    return tuple(found)


def _files_of(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and name.lower() not in _NEVER:
                yield Path(place) / name
