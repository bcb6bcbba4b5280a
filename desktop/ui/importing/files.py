"""Which files are brought in one by one, and what is sorted first."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from desktop.jobs import Job

if TYPE_CHECKING:
    from desktop.workflow import Clinic

FEW = 20
_PICTURES = frozenset((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"))


def plain_files(clinic: "Clinic", paths: Sequence[Path], chart_open: bool, job: Job) -> tuple[Path, ...] | None:
    """A few files for the open chart, as they are. None where they have to be sorted first: folders, archives and
    discs, more than a few files, slices and clips, and scans that say themselves whose they are while no chart is
    open."""
    from desktop.workflow import import_finding as finding  # late, as it brings pydicom along

    if len(paths) > FEW:
        return None
    for path in paths:
        job.check()
        directory = path.name.lower().startswith("dicomdir")
        if directory or path.suffix.lower() == ".zip" or path.is_dir():
            return None
        if path.suffix.lower() not in _PICTURES and (not chart_open or finding.is_of_series(clinic, job, path)):
            return None
    return tuple(paths)
