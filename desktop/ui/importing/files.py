"""Which files are brought in one by one, and what is sorted first."""

from collections.abc import Sequence
from pathlib import Path

from desktop.jobs import Job

FEW = 20
_PICTURES = frozenset((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"))


def plain_files(paths: Sequence[Path], chart_open: bool, job: Job) -> tuple[Path, ...] | None:
    """A few files for the open chart, as they are. None where they have to be sorted first: folders, archives and
    discs, more than a few files, and scans that say themselves whose they are while no chart is open."""
    if len(paths) > FEW:
        return None
    for path in paths:
        job.check()
        directory = path.name.lower().startswith("dicomdir")
        if directory or path.suffix.lower() == ".zip" or path.is_dir():
            return None
        if not chart_open and path.suffix.lower() not in _PICTURES:
            return None
    return tuple(paths)
