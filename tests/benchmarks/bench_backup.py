"""Backup, read-back and restore of 500 films of 512 KiB, beside a plain copy of the same files with fsync."""

import os
import shutil
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from desktop import vault
from desktop.jobs import Job
from desktop.records import Attachment, AttachmentId, AuditAction, UserId, new_id
from desktop.store import Store
from desktop.store.backup import MadeBackup, make_backup
from desktop.store.restore import restore_backup
from tests.store.helpers import NOW, add_patient, patient

FILMS = 500
FILM_BYTES = 512 * 1024
MOST_MIB = 24
# Writing, then reading everything twice (checksums; tags and contents) from the medium.
MOST_TIMES_PLAIN_COPY = 6.0


@dataclass(frozen=True)
class Full:
    """A clinic with its films, the card's code, and seconds for the plain copy."""

    store: Store
    card: str
    plain_seconds: float


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    folder = tmp_path_factory.mktemp("bench") / "clinic"
    keys, card = vault.create(folder, new_id(), "li", UserId(new_id()), ("doctor",), "correct horse", calibrate=False)
    with Store.create(folder, keys, "bench", now=NOW) as store:
        owner = add_patient(store, patient())
        for _ in range(FILMS):
            staged = store.attachments.stage(os.urandom(FILM_BYTES), Job())
            record = Attachment(AttachmentId(new_id()), owner.id, staged.sha256, staged.size, "image/png", "f", NOW)
            with store.transaction() as tx:
                tx.attachments.add(record, staged)
                tx.audit.add(AuditAction.ADD_ATTACHMENT, record.id, actor="bench")
        plain = tmp_path_factory.mktemp("plain")
        yield Full(store, card.code, timed(lambda: copy_plainly(folder, plain))[0])
    keys.close()


def timed(work: Callable[[], object]) -> tuple[float, object]:
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done


def copy_plainly(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file():
            with path.open("rb") as reading, (target / path.name).open("xb") as writing:
                shutil.copyfileobj(reading, writing, 1 << 20)
                writing.flush()
                os.fsync(writing.fileno())


def in_memory(work: Callable[[], object]) -> tuple[float, object]:
    """Most MiB that Python held at once during the work."""
    tracemalloc.start()
    try:
        done = work()
        return tracemalloc.get_traced_memory()[1] / 2**20, done
    finally:
        tracemalloc.stop()


def test_backup_and_restore(full: Full, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    seconds, made = timed(lambda: make_backup(full.store, stick, Job(), now=NOW))
    assert isinstance(made, MadeBackup)
    assert made.faults == ()

    def restored(target: str) -> object:
        return restore_backup(
            made.backup.folder, tmp_path / target, full.card, Job(), clock=lambda: datetime.now(UTC)
        ).found.ok

    back_seconds, ok = timed(lambda: restored("timed"))
    assert ok
    shared_seconds, _ = timed(lambda: make_backup(full.store, stick, Job(), now=NOW, shared=True))
    again_seconds, _ = timed(lambda: make_backup(full.store, stick, Job(), now=NOW, shared=True))
    mebibytes, _ = in_memory(lambda: (make_backup(full.store, stick, Job(), now=NOW), restored("measured")))
    print(
        f"\nbackup of {FILMS} films: plain copy {full.plain_seconds:.1f} s, backup read back {seconds:.1f} s "
        f"({seconds / full.plain_seconds:.1f} times), restore checked {back_seconds:.1f} s "
        f"({back_seconds / full.plain_seconds:.1f} times); scheduled {shared_seconds:.1f} s, the next "
        f"{again_seconds:.1f} s; {mebibytes:.0f} MiB"
    )
    assert seconds < MOST_TIMES_PLAIN_COPY * full.plain_seconds
    assert back_seconds < MOST_TIMES_PLAIN_COPY * full.plain_seconds
    assert mebibytes < MOST_MIB
