"""A clinic that can be backed up, and the card that brings it back; faults to make while that happens."""

import errno
import hashlib
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from desktop import vault
from desktop.jobs import Job
from desktop.store import Store
from desktop.store.backup import MadeBackup, make_backup
from desktop.store.restore import Restored, restore_backup
from tests.store.helpers import NOW


@dataclass(frozen=True)
class Carried:
    """An open clinic with the code of its recovery card."""

    store: Store
    unlocked: vault.Unlocked
    card: str

    def back_up(self, into: Path, **options: object) -> MadeBackup:
        if not into.is_dir():
            into.mkdir()
        return make_backup(self.store, into, Job(), now=NOW, **options)  # type: ignore[arg-type]  # by name

    def restore(self, source: Path, target: Path) -> Restored:
        return restore_backup(source, target, self.card, Job(), clock=lambda: datetime.now(UTC))


def query(store: Store, statement: str) -> list[tuple[Any, ...]]:
    """Rows of an open store."""
    connection = store._connection
    assert connection is not None
    return connection.execute(statement).fetchall()


def everything(store: Store) -> dict[str, str]:
    """Every record's stored bytes and every attachment's plain bytes, by id, as hashes."""
    tables = ("patients", "reports", "users", "imaging_studies", "suggestions", "reviews", "annotations")
    found = {
        identity: hashlib.sha256(record).hexdigest()
        for table in tables
        for identity, record in query(store, f"SELECT id, record FROM {table}")
    }
    for (identity,) in query(store, "SELECT id FROM attachments"):
        found[identity] = hashlib.sha256(store.attachments.read(identity)).hexdigest()
    return found


def chain(store: Store) -> list[tuple[int, str]]:
    """Numbers and hashes of the audit chain, oldest first."""
    with store.snapshot() as tx:
        return [(entry.sequence, entry.hash) for entry in reversed(tx.audit.entries(100_000))]


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Breaking:
    """Lets the n-th call of the disk's operations fail, and counts them."""

    def __init__(self, failing: int, code: int) -> None:
        self.failing = failing
        self.code = code
        self.calls = 0

    def call(self) -> None:
        self.calls += 1
        if self.calls == self.failing:
            raise OSError(self.code, os.strerror(self.code))


def _writing(path: Path, mode: str, state: Breaking) -> io.BufferedWriter:
    """A file of which each write to the disk may fail."""

    class Raw(io.FileIO):
        def write(self, data: Any, /) -> int:
            state.call()
            return super().write(data)

    return io.BufferedWriter(Raw(path, mode.replace("b", "")))


@contextmanager
def breaking(monkeypatch: pytest.MonkeyPatch, failing: int, code: int = errno.EIO) -> Iterator[Breaking]:
    """Writing, fsync, rename, opening for writing and making folders fail at the n-th call.

    failing: from 1; 0 only counts. SQLite's own calls go on as they are.
    """
    state = Breaking(failing, code)

    def wrapped(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            state.call()
            return real(*args, **kwargs)

        return call

    real_open = Path.open

    def opened(path: Path, mode: str = "r", *args: object, **kwargs: object) -> object:
        if any(letter in mode for letter in "wax+"):
            state.call()
        if mode in ("wb", "xb", "ab"):
            return _writing(path, mode, state)
        return real_open(path, mode, *args, **kwargs)  # type: ignore[call-overload]  # as it came

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", wrapped(os.fsync))
        patched.setattr(Path, "rename", wrapped(Path.rename))
        patched.setattr(Path, "replace", wrapped(Path.replace))
        patched.setattr(Path, "mkdir", wrapped(Path.mkdir))
        patched.setattr(Path, "open", opened)
        yield state
