"""Folders in which a clinic is put together before it gets its place, and what becomes of them after a power cut.

A site lies beside the place, `.<name>.restoring`, so that one rename puts the clinic there. Where the place is the root
of a disk or its parent may not be written to, the site lies in it. Whoever builds holds the site's lock, and the system
drops that when the program ends: a site that nobody holds is dead.
"""

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from desktop.errors import ErrorKind, KnownFailure
from desktop.store.backup_files import put_in_place, remove_tree, sync_tree
from desktop.store.lock import ProcessLock
from desktop.store.places import ATTACHMENTS, JOINED_BACKUP, UNFINISHED_BACKUP, StoreFiles, is_of_an_epoch
from desktop.vault.files import sync_folder
from desktop.vault.keystore_file import COPY, PRIMARY

_log = logging.getLogger(__name__)

RESTORING, SALVAGING, PROVING = ".restoring", ".salvaging", ".drill"

# Beside the clinic: what is needed only while it is put together.
ASIDE = "aside"

_ENDINGS = (RESTORING, SALVAGING, PROVING)
_LOCK, _CLINIC = "lock", "clinic"
_OF_A_SITE = frozenset({_LOCK, _CLINIC, ASIDE})
_KEYSTORES = (PRIMARY, COPY)
_PATIENCE_SECONDS = 1.0


@contextlib.contextmanager
def building_site(place: Path, ending: str) -> Iterator[Path]:
    """An empty folder to put a clinic together in, on the disk of `place`; what is still in it afterwards goes.

    place: absolute; its parent is there. ending: RESTORING, SALVAGING or PROVING. What an earlier, interrupted try left
    is removed. Raises KnownFailure `backup.site_in_use` where another program builds for the same place, and OSError.
    """
    site = _site(place, ending)
    lock = _hold(site)
    try:
        sync_folder(site)  # a lock that a power cut could take away would leave a site that nobody may sweep
        _remove_contents(site)
        if site.parent == place and not _has_keystore(place):
            _remove_put(place, ending)
        (site / _CLINIC).mkdir()
        yield site / _CLINIC
    finally:
        _clear(site, lock)


def settle(building: Path, place: Path) -> None:
    """Give a complete clinic its place: by one rename or, where it was built inside, piece by piece with the key files
    last, before which nothing opens. Raises OSError; the place is then as it was or, where only the rename could not be
    made certain, holds all of the clinic."""
    if place in building.parents:
        sync_tree(building)
        _put_inside(building, place)
    else:
        put_in_place(building, place)


def is_free(place: Path, ending: str = RESTORING) -> bool:
    """Whether a place is absent or empty, but for what an interrupted `settle` left there. Raises OSError."""
    if not place.exists():
        return True
    if not place.is_dir():
        return False
    names = {path.name for path in place.iterdir()}
    return not names or (ending in names and all(name == ending or _is_put(name) for name in names))


def sweep_dead(folder: Path) -> None:
    """Remove what killed programs left beside a clinic and in it; the caller holds the clinic's own lock.

    Sites that some program holds, and folders that no site looks like, stay. What cannot be removed stays until another
    time.
    """
    try:
        for name in (UNFINISHED_BACKUP, JOINED_BACKUP):
            (folder / name).unlink(missing_ok=True)
        home = folder.resolve()
        beside = [path for path in home.parent.iterdir() if path.name.startswith(".") and path.suffix in _ENDINGS]
        for site in (*beside, *(home / ending for ending in _ENDINGS)):
            if site.is_dir() and not site.is_symlink():
                _remove_if_dead(site)
    except OSError as error:
        _log.warning("what an interrupted program left could not be removed: errno %s", error.errno)


def _site(place: Path, ending: str) -> Path:
    if place.is_dir() and (os.path.ismount(place) or not os.access(place.parent, os.W_OK)):
        return place / ending
    return place.with_name(f".{place.name}{ending}")


def _hold(site: Path) -> ProcessLock:
    """The lock of a site that is made where it is not there. Raises KnownFailure `backup.site_in_use`, OSError."""
    while True:
        site.mkdir(exist_ok=True)
        try:
            lock = ProcessLock(site / _LOCK, _PATIENCE_SECONDS)
        except FileNotFoundError:
            continue  # its last holder, or a sweep, has just removed it
        except KnownFailure as failure:
            raise KnownFailure("backup.site_in_use", kind=ErrorKind.IO) from failure
        except OSError:
            with contextlib.suppress(OSError):
                site.rmdir()  # where this has made it
            raise
        if lock.in_force:
            return lock
        lock.close()


def _clear(site: Path, lock: ProcessLock) -> None:
    """Remove a site while it is held, as far as the disk lets."""
    _remove_contents(site)
    if os.name == "nt":
        lock.close()  # an open file cannot be removed there
    with contextlib.suppress(OSError):
        (site / _LOCK).unlink()
    lock.close()
    with contextlib.suppress(OSError):
        site.rmdir()


def _remove_contents(site: Path) -> None:
    for name in (_CLINIC, ASIDE):
        remove_tree(site / name)


def _remove_if_dead(site: Path) -> None:
    names = {path.name for path in site.iterdir()}
    if not names:
        site.rmdir()
    elif _LOCK in names and names <= _OF_A_SITE:
        try:
            lock = ProcessLock(site / _LOCK, 0)
        except (KnownFailure, FileNotFoundError):
            return
        if lock.in_force:
            _log.info("removing what an interrupted program left: %s", site.suffix)
            _clear(site, lock)
        lock.close()


# A place that takes no folder in its stead


def _put_inside(building: Path, place: Path) -> None:
    pieces = sorted(building.iterdir(), key=lambda path: (path.name in _KEYSTORES, path.name))
    keys = [path.name for path in pieces if path.name in _KEYSTORES]
    put: list[Path] = []
    try:
        for piece in pieces:
            if piece.name == keys[0]:
                sync_folder(place)
            piece.rename(place / piece.name)
            put.append(piece)
        sync_folder(place)
    except BaseException:
        for piece in reversed(put):
            with contextlib.suppress(OSError):
                (place / piece.name).rename(piece)
        raise


def _has_keystore(place: Path) -> bool:
    return any((place / name).exists() for name in _KEYSTORES)


def _is_put(name: str) -> bool:
    """Whether a name is one that `settle` gives before the key files."""
    return name in (ATTACHMENTS, StoreFiles(Path()).lock.name) or is_of_an_epoch(name)


def _remove_put(place: Path, ending: str) -> None:
    """Remove what an interrupted `settle` left of a clinic that never opened. Raises OSError."""
    for path in place.iterdir():
        if path.name != ending and _is_put(path.name):
            remove_tree(path) if path.is_dir() else path.unlink()
