"""Where the files of a clinic lie, by key epoch. Every name is made here and nowhere else.

The first epoch's files are `clinic.db` and `audit-heads.jsonl`, those of epoch n are `clinic-<n>.db` and
`audit-heads-<n>.jsonl`; the lock and the sealed files are shared by all epochs. Which epoch is current, the
authenticated keystore says.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ATTACHMENTS = "att"
# What a backup whose database takes several parts needs beside the clinic for a while.
UNFINISHED_BACKUP, JOINED_BACKUP = "backup-database.new", "backup-joined.new"

_DATABASE, _HEADS, _LOCK = "clinic", "audit-heads", "clinic.lock"
_UNFINISHED = ".new"
_BESIDE_A_DATABASE = ("", "-wal", "-shm", "-journal")
_FIRST_EPOCH = 1
_NUMBERED = re.compile(
    rf"(?:{_DATABASE}|{_HEADS})(?:-([0-9]{{1,9}}))?\.(?:db|jsonl)(?:\.new|\.before-[0-9]+(?:\.new)?)?(?:-wal|-shm|-journal)?"
)
_KEPT = ".before-"


@dataclass(frozen=True)
class StoreFiles:
    """The files of one clinic in one key epoch, as paths below its folder; whether they exist is another question."""

    folder: Path
    epoch: int = _FIRST_EPOCH

    def __post_init__(self) -> None:
        if self.epoch < _FIRST_EPOCH:
            raise ValueError("key epochs count from 1")

    @property
    def database(self) -> Path:
        """The encrypted database."""
        return self.folder / f"{_DATABASE}{self._number}.db"

    @property
    def unfinished_database(self) -> Path:
        """The database while it is being built; it is renamed when it is complete."""
        return self.database.with_name(self.database.name + _UNFINISHED)

    @property
    def heads(self) -> Path:
        """The audit chain's heads, beside the database."""
        return self.folder / f"{_HEADS}{self._number}.jsonl"

    @property
    def lock(self) -> Path:
        """Held by the one program that has the clinic open."""
        return self.folder / _LOCK

    @property
    def attachments(self) -> Path:
        """The folder of sealed files."""
        return self.folder / ATTACHMENTS

    @property
    def write_ahead_log(self) -> Path:
        """Committed pages that are not in the database file yet. To delete it is to lose them."""
        return self.database.with_name(self.database.name + "-wal")

    def all_of_database(self) -> tuple[Path, ...]:
        """The database and what SQLite keeps beside it."""
        return tuple(self.database.with_name(self.database.name + end) for end in _BESIDE_A_DATABASE)

    def all_of_unfinished(self) -> tuple[Path, ...]:
        """The same of a database that is still being built."""
        name = self.unfinished_database.name
        return tuple(self.database.with_name(name + end) for end in _BESIDE_A_DATABASE)

    @property
    def _number(self) -> str:
        return "" if self.epoch == _FIRST_EPOCH else f"-{self.epoch}"


DATABASE = StoreFiles(Path()).database.name
HEADS = StoreFiles(Path()).heads.name


def is_of_an_epoch(name: str) -> bool:
    """Whether a file name is one of the database, its copies or the heads, of some epoch."""
    return _NUMBERED.fullmatch(name) is not None


def anything_present(folder: Path) -> bool:
    """Whether a database, heads or sealed files lie here under a final name, whole or not. Raises OSError."""
    if (folder / ATTACHMENTS).exists():
        return True
    return any(path in (files.database, files.heads) for path, files in _numbered(folder))


def epochs_present(folder: Path) -> tuple[int, ...]:
    """Key epochs of which a database lies here under its final name, oldest first. Raises OSError."""
    return tuple(sorted(files.epoch for path, files in _numbered(folder) if path == files.database))


def files_of_other_epochs(folder: Path, current: int) -> tuple[Path, ...]:
    """Databases and heads files that are not the current epoch's, unfinished ones and those kept before a migration
    included. Raises OSError."""
    current_files = StoreFiles(folder, current)
    return tuple(
        path for path, files in _numbered(folder) if files.epoch != current or path in current_files.all_of_unfinished()
    )


def _numbered(folder: Path) -> Iterator[tuple[Path, StoreFiles]]:
    """Every file of some epoch with that epoch's files."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if match := _NUMBERED.fullmatch(path.name):
            files = StoreFiles(folder, max(_FIRST_EPOCH, int(match[1] or _FIRST_EPOCH)))
            # Not `clinic-1.db` or `clinic-007.db`: Lantern never writes those.
            if path.name in _names(files.epoch) or path.name.startswith(files.database.name + _KEPT):
                yield path, files


@lru_cache(maxsize=64)
def _names(epoch: int) -> frozenset[str]:
    """The names of an epoch's files."""
    files = StoreFiles(Path(), epoch)
    return frozenset(path.name for path in (*files.all_of_database(), *files.all_of_unfinished(), files.heads))
