"""Folders for clinics that are brought back: never one that holds something."""

from pathlib import Path


def free_folder(wanted: Path) -> Path:
    """The folder itself where it is absent or empty, else the first free one beside it: `clinic-2`, `clinic-3` …"""
    number, folder = 1, wanted
    while _is_taken(folder):
        number += 1
        folder = wanted.with_name(f"{wanted.name}-{number}")
    return folder


def inside(chosen: Path, name: str) -> Path:
    """A chosen folder where it is empty, else a free one of that name in it."""
    return free_folder(chosen / name) if _is_taken(chosen) else chosen


def _is_taken(folder: Path) -> bool:
    try:
        return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError:
        return True
