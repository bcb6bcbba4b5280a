"""The simulator itself: its disk behaves as a disk may, and carelessness does not get past it."""

import os
import random
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.survival import sabotage
from tests.survival.disk import SECTOR, Disk, Fate, File, Folder, Record, What, lay_out, possible_content, read_log
from tests.survival.power_cuts import Lost, Recording, examine, spread
from tests.survival.recording import Recorder

STATES = 120
SEED = 7
EVERYTHING = Fate(1.0, 1.0, 0.0)
CERTAIN = Fate(0.0, 0.0, 0.0)
ROOT = Path("/disk")


class Bench:
    """A disk to try calls on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "before").mkdir()
        self.disk = Disk(folder / "before", ROOT)

    def do(self, what: What, path: str = "", *, fd: int = 3, number: int = 0, data: bytes = b"", to: str = "") -> None:
        named = what in (What.OPENED, What.RENAMED, What.UNLINKED, What.MADE)
        first = os.fsencode(ROOT / path) if named else data
        self.disk.follow(Record(what, fd, 0, number, first, os.fsencode(ROOT / to) if to else b""))

    def states(self, fate: Fate, count: int = 40) -> set[tuple[tuple[str, bytes], ...]]:
        found = set()
        for seed in range(count):
            place = self.folder / f"{len(list(self.folder.iterdir()))}"
            lay_out(self.disk, place, random.Random(seed), fate)
            files = sorted(path for path in place.rglob("*") if path.is_file())
            found.add(tuple((str(path.relative_to(place)), path.read_bytes()) for path in files))
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_new_file_needs_its_own_sync_and_its_folders(bench: Bench) -> None:
    half = Fate(0.5, 0.5, 0.0)
    bench.do(What.OPENED, "a")
    bench.do(What.WRITTEN, data=b"bytes")
    assert bench.states(half) == {(), (("a", b""),), (("a", b"bytes"),)}
    bench.do(What.SYNCED)
    assert bench.states(half) == {(), (("a", b"bytes"),)}
    bench.do(What.OPENED, "", fd=4)
    bench.do(What.SYNCED, fd=4)
    assert bench.states(half) == {(("a", b"bytes"),)}


def test_a_rename_is_whole_or_not_at_all_and_certain_after_its_folder(bench: Bench) -> None:
    bench.do(What.OPENED, "", fd=4)
    for name in ("a", "b"):
        bench.do(What.OPENED, name)
        bench.do(What.WRITTEN, data=name.encode())
        bench.do(What.SYNCED)
    bench.do(What.SYNCED, fd=4)
    bench.do(What.RENAMED, "b", to="a")
    assert bench.states(Fate(0.5, 0.5, 0.0)) == {(("a", b"a"), ("b", b"b")), (("a", b"b"),)}
    bench.do(What.SYNCED, fd=4)
    assert bench.states(CERTAIN) == {(("a", b"b"),)}


def test_a_removal_is_certain_after_its_folder(bench: Bench) -> None:
    bench.do(What.OPENED, "", fd=4)
    bench.do(What.OPENED, "a")
    bench.do(What.SYNCED, fd=4)
    bench.do(What.UNLINKED, "a")
    assert bench.states(CERTAIN) == {(("a", b""),)}
    assert bench.states(EVERYTHING) == {()}
    bench.do(What.SYNCED, fd=4)
    assert bench.states(CERTAIN) == {()}


def test_writes_are_dropped_reordered_and_torn_at_sectors() -> None:
    old, new = b"o" * 3 * SECTOR, b"n" * 2 * SECTOR
    file = File(bytearray(old))
    disk_file = partial(possible_content, file)
    from tests.survival.disk import Write

    file.since = [Write(100, new), Write(3 * SECTOR, b"end")]
    found = {bytes(disk_file(random.Random(seed), Fate(1.0, 0.5, 0.7))) for seed in range(300)}
    assert old in found
    assert old + b"end" in found, "the later one without the earlier"
    assert old[:100] + new + old[100 + len(new) :] + b"end" in found
    cuts = {
        place
        for content in found
        for place in range(1, 3 * SECTOR)
        if {content[place - 1 : place], content[place : place + 1]} == {b"o", b"n"}
    }
    assert cuts == {100, SECTOR, 2 * SECTOR, 100 + len(new)}


def test_what_a_failed_sync_has_lost_no_later_one_brings_back(bench: Bench) -> None:
    bench.do(What.OPENED, "", fd=4)
    bench.do(What.OPENED, "a")
    bench.do(What.SYNCED, fd=4)
    bench.do(What.WRITTEN, data=b"lost")
    bench.do(What.FAILED, number=ord(What.SYNCED.value))
    bench.do(What.SYNCED)
    assert bench.states(CERTAIN) == {(("a", b""),)}
    bench.do(What.WRITTEN, data=b"kept")
    bench.do(What.SYNCED)
    assert bench.states(CERTAIN) == {(("a", b"kept"),)}


def test_the_log_tells_everything_that_is_on_the_disk(recorder: Recorder, scratch: Path) -> None:
    run = recorder.run("first day", record=True)
    assert run.log is not None
    disk = Disk(run.folder.with_name("before"), run.folder)
    for record in read_log(run.log):
        disk.follow(record)
    target = scratch / "replayed"
    lay_out(disk, target, random.Random(0), EVERYTHING)
    real = {path.relative_to(run.folder): path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    assert {path.relative_to(target): path.read_bytes() for path in target.rglob("*") if path.is_file()} == real
    assert len(real) > 6


CARELESS: dict[str, sabotage.Carelessness] = {
    "no folder is synced": sabotage.without_folder_syncs,
    "the keystore is not synced": partial(sabotage.without_syncs_of, "keystore"),
    "attachments are not synced": partial(sabotage.without_syncs_of, "/att/"),
    "answers come before the commit": sabotage.acknowledged_early,
}


@pytest.mark.parametrize("carelessness", CARELESS)
def test_carelessness_is_caught(careful: Recording, scratch: Path, carelessness: str) -> None:
    careless = replace(careful, records=CARELESS[carelessness](careful.records))
    assert careless.records != careful.records
    assert first_lost(careless, scratch / carelessness) is not None


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
def test_a_database_that_promises_less_is_caught(recorder: Recorder, scratch: Path, synchronous: str) -> None:
    careless = Recording.made(recorder, "busy morning", synchronous=synchronous)
    assert first_lost(careless, scratch / synchronous) is not None


def first_lost(recording: Recording, scratch: Path) -> Lost | None:
    scratch.mkdir()
    return next(examine(recording, spread(recording, STATES, SEED), scratch), None)


@pytest.fixture(scope="module")
def careful(recorder: Recorder) -> Recording:
    return Recording.made(recorder, "first day")


def test_a_write_through_a_memory_map_is_no_secret(bench: Bench) -> None:
    record = Record(What.MAPPED, 3, 0, 4096, os.fsencode(ROOT / "clinic.db"), b"")
    with pytest.raises(ValueError, match="memory map"):
        bench.disk.follow(record)
    assert isinstance(bench.disk.top, Folder)
