"""Writing so that a power cut leaves the old file or the new one, never half of one."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make names, renames and removals in a folder certain. Windows has no such call and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def staging_name(path: Path) -> Path:
    """Where a file lies until it is renamed into place."""
    return path.with_name(path.name + ".new")


def stage(path: Path, data: bytes) -> Path:
    """Write a small file under its temporary name, whole and certain; the caller renames it. Raises OSError."""
    temporary = staging_name(path)
    with temporary.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    return temporary


def write_durably(path: Path, data: bytes) -> None:
    """Replace a small file: temporary beside it → fsync → rename → fsync of the folder. Raises OSError."""
    stage(path, data).replace(path)
    sync_folder(path.parent)
