"""Sealing and opening attachments, beside plain copies of the same files.

The plain copy is as certain as ours: the file's fsync, and that of its folder, without which a power cut may take the
name. The ratio to a copy that leaves the folder out is printed as well. Opening reads all plain bytes back.
"""

import io
import os
import shutil
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from desktop.jobs import Job
from desktop.records import Attachment, AttachmentId, PatientId, new_id
from desktop.store.attachments import SealedFolder, Staged, StoredFile
from desktop.vault.files import sync_folder
from desktop.vault.sealed import CHUNK
from tests.store.helpers import NOW

KEY = bytes(range(32))
MIB = 1 << 20
ROUNDS = 3
GROUP = 16  # files on record together, as imports keep them
MOST_TIMES_PLAIN = 1.3
MOST_MIB = 4


@dataclass(frozen=True)
class Case:
    """Files of one size."""

    name: str
    count: int
    size: int


CASES = (Case("500 files of 512 KiB", 500, 512 * 1024), Case("one file of 500 MB", 1, 500_000_000))


@dataclass(frozen=True)
class Seconds:
    """Of one round."""

    bare: float
    copy: float
    seal: float
    read: float
    open: float


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_sealing_costs_little_more_than_copying(case: Case, tmp_path: Path) -> None:
    sources = written(tmp_path / "sources", case)
    rounds = [one_round(sources, tmp_path / f"round{number}") for number in range(ROUNDS)]
    seal = statistics.median(one.seal / one.copy for one in rounds)
    opened = statistics.median(one.open / one.copy for one in rounds)
    best = min(rounds, key=lambda one: one.seal)
    print(
        f"\n{case.name}: seal {best.seal:.2f} s, {seal:.2f} times a certain copy ({best.copy:.2f} s), "
        f"{statistics.median(one.seal / one.bare for one in rounds):.2f} times one without its folder; "
        f"open {best.open:.2f} s, {opened:.2f} times the copy, "
        f"{statistics.median(one.open / one.read for one in rounds):.2f} times reading a copy from memory"
    )
    assert seal <= MOST_TIMES_PLAIN
    assert opened <= MOST_TIMES_PLAIN


def test_memory_is_constant(tmp_path: Path) -> None:
    (source,) = written(tmp_path / "sources", Case("", 1, 100 * MIB))
    tracemalloc.start()
    try:
        sealed = SealedFolder(tmp_path / "clinic", {1: KEY})
        (tmp_path / "clinic").mkdir()
        read_all(sealed, [sealed.write(source, Job())])
        peak = tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()
    print(f"\nmemory for 100 MiB: {peak:.1f} MiB")
    assert peak <= MOST_MIB


def written(folder: Path, case: Case) -> list[Path]:
    folder.mkdir()
    block = os.urandom(MIB)
    for number in range(case.count):
        with (folder / f"{number}").open("wb") as stream:
            for start in range(0, case.size, MIB):
                stream.write(block[: case.size - start])
    os.sync()
    return sorted(folder.iterdir())


def one_round(sources: list[Path], folder: Path) -> Seconds:
    bare, plain, clinic = folder / "bare", folder / "plain", folder / "clinic"
    for made in (folder, bare, plain, clinic):
        made.mkdir()
    sealed = SealedFolder(clinic, {1: KEY})
    copying_bare = seconds(lambda: copy_all(sources, bare, with_folder=False))
    copying = seconds(lambda: copy_all(sources, plain, with_folder=True))
    staged: list[Staged] = []
    sealing = seconds(lambda: staged.extend(seal_all(sealed, sources)))
    reading = seconds(lambda: drain_all(plain))
    opening = seconds(lambda: read_all(sealed, staged))
    shutil.rmtree(folder)
    return Seconds(copying_bare, copying, sealing, reading, opening)


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def copy_all(sources: list[Path], folder: Path, *, with_folder: bool) -> None:
    for source in sources:
        with source.open("rb") as reading, (folder / source.name).open("xb") as writing:
            shutil.copyfileobj(reading, writing, MIB)
            writing.flush()
            os.fsync(writing.fileno())
        if with_folder:
            sync_folder(folder)


def seal_all(sealed: SealedFolder, sources: list[Path]) -> list[Staged]:
    """As an import does it: in groups, each certain before its rows are written."""
    groups = [sources[start : start + GROUP] for start in range(0, len(sources), GROUP)]
    return [staged for group in groups for staged in sealed.settle([sealed.lay(source, Job()) for source in group])]


def drain_all(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as stream:
            while stream.read(CHUNK):
                pass


def read_all(sealed: SealedFolder, staged: list[Staged]) -> None:
    for one in staged:
        record = Attachment(AttachmentId(new_id()), PatientId(new_id()), one.sha256, one.size, "image/png", "f", NOW)
        stored = StoredFile(record, one.file, one.wrapped_key, one.epoch)
        with io.BufferedReader(sealed.open(stored), CHUNK) as stream:
            while stream.read(CHUNK):
                pass
