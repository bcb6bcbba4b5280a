"""Scheduled backups on one medium: which are kept, and the attachments they share.

Kept are the newest of each of the last 7 days, 4 weeks and 12 months on which there was one; counting what is there,
not the calendar, keeps old ones through a closed month or a clock that went wrong. Attachments never change once
written, so one copy serves all backups of the medium, and goes with the last that refers to it.
"""

import contextlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, tzinfo
from pathlib import Path

from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.jobs import Job
from desktop.records import new_id
from desktop.store.backup import MadeBackup, discard, family, make_backup
from desktop.store.backup_check import Backup
from desktop.store.backup_files import PARTIAL, on_medium
from desktop.store.backup_manifest import MANIFEST, parse
from desktop.store.places import ATTACHMENTS
from desktop.store.store import Store
from desktop.vault.files import sync_folder, write_durably

MEDIUM = "lantern-medium.json"
DAYS, WEEKS, MONTHS = 7, 4, 12

_FORMAT = "lantern-medium"
_GRAINS: Sequence[tuple[int, Callable[[datetime], tuple[int, ...]]]] = (
    (DAYS, lambda moment: (moment.year, moment.month, moment.day)),
    (WEEKS, lambda moment: moment.isocalendar()[:2]),
    (MONTHS, lambda moment: (moment.year, moment.month)),
)


def kept(moments: Iterable[datetime], zone: tzinfo | None) -> frozenset[datetime]:
    """Of the moments at which backups were made, those whose backups are kept. zone: of the clinic's days."""
    newest_first = sorted(set(moments), reverse=True)
    chosen: set[datetime] = set()
    for most, grain in _GRAINS:
        seen: set[tuple[int, ...]] = set()
        for moment in newest_first:
            when = grain(moment.astimezone(zone))
            if when not in seen and len(seen) < most:
                seen.add(when)
                chosen.add(moment)
    return frozenset(chosen)


def medium_of(folder: Path) -> str:
    """The id written on a medium for scheduled backups, or empty."""
    try:
        raw = json.loads((folder / MEDIUM).read_text(encoding="utf-8"))
        return str(raw["id"]) if raw["format"] == _FORMAT else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def mark_medium(folder: Path) -> str:
    """The medium's id, written on it now where it has none yet. Raises KnownFailure."""
    identity = medium_of(folder) or new_id()
    if not medium_of(folder):
        with on_medium(folder):
            write_durably(folder / MEDIUM, json.dumps({"format": _FORMAT, "id": identity}).encode())
    return identity


def scheduled_folder(place: Path, store_id: str) -> Path:
    """Where a clinic's scheduled backups lie on a medium, apart from those made by hand."""
    return place / f"{family(store_id)}-scheduled"


def make_scheduled(store: Store, place: Path, job: Job, *, now: datetime) -> MadeBackup:
    """Make a backup that shares its attachments with the earlier ones on the medium, then let old ones go.

    A shared file that the medium has spoilt is written once more. Raises KnownFailure `backup.medium_unreliable` where
    what was written does not come back: that backup is removed and the old ones stay; and as `make_backup` does.
    """
    root = scheduled_folder(place, store.store_id)
    with on_medium(place):
        root.mkdir(exist_ok=True)
    made = make_backup(store, root, job, now=now, shared=True)
    if _spoilt(made):
        _discard(made, root)
        made = make_backup(store, root, job, now=now, shared=True)
    if _spoilt(made):
        _discard(made, root)
        raise KnownFailure("backup.medium_unreliable", kind=ErrorKind.IO)
    with contextlib.suppress(UserFacingError), on_medium(place):
        rotate(root, job, now.tzinfo)
    return made


def rotate(root: Path, job: Job, zone: tzinfo | None) -> tuple[str, ...]:
    """Remove backups that are no longer kept, then attachments that none refers to; returns the removed folders' names.

    Where a manifest cannot be read nobody knows which attachments are superfluous, so all of them stay. Raises OSError
    and Cancelled.
    """
    backups, unread = _all(root)
    wanted = kept((backup.manifest.made for backup in backups), zone)
    old = [backup for backup in backups if backup.manifest.made not in wanted]
    for backup in old:
        job.check()
        discard(backup)
    if not unread:
        _remove_unreferenced(root, [backup for backup in backups if backup not in old], job)
    sync_folder(root)
    return tuple(backup.folder.name for backup in old)


def _remove_unreferenced(root: Path, backups: list[Backup], job: Job) -> None:
    referenced = {part.name for backup in backups for file in backup.manifest.attachments for part in file}
    for path in (root / ATTACHMENTS).glob("*/*"):
        job.check()
        if path.relative_to(root).as_posix() not in referenced:
            path.unlink(missing_ok=True)


def _all(root: Path) -> tuple[list[Backup], int]:
    """The complete backups below a scheduled folder, and how many cannot be read."""
    found, unread = [], 0
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and path.name != ATTACHMENTS):
        if folder.name.endswith(PARTIAL):
            continue
        try:
            found.append(Backup(folder, parse((folder / MANIFEST).read_bytes())))
        except (ValueError, FileNotFoundError, UserFacingError):
            unread += 1
    return found, unread


def _spoilt(made: MadeBackup) -> bool:
    """Whether the medium gave back something else than was written."""
    return any(not fault.in_clinic for fault in made.faults)


def _discard(made: MadeBackup, root: Path) -> None:
    """Remove a backup that is not what the clinic holds, and the shared files that are to be written anew."""
    with contextlib.suppress(OSError):
        discard(made.backup)
    for fault in made.faults:
        if fault.where.startswith(f"{ATTACHMENTS}/") and not fault.in_clinic:
            with contextlib.suppress(OSError):
                (root / fault.where).unlink(missing_ok=True)
