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


def write_durably(path: Path, data: bytes) -> None:
    """Replace a small file: temporary beside it → fsync → rename → fsync of the folder. Raises OSError."""
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    sync_folder(path.parent)
