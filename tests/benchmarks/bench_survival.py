"""Twenty thousand power cuts (LANTERN_BENCH_STATES sets another number), what each kind of carelessness loses, and
every write that fails, of which the test command tries a sample.

Of the two long scenarios every eighth write: they do in turn what the short ones do once. LANTERN_BENCH_STRIDE=10 takes
a tenth of them all.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.survival import sabotage
from tests.survival.disk import crash_points
from tests.survival.power_cuts import Recording, described, examine_all
from tests.survival.quick_keys import make_keys_quick
from tests.survival.recording import Recorder, build_shim, fast_folder
from tests.survival.scenarios import SCENARIOS
from tests.survival.sweeping import NAMES, ROOM_AGAIN, SWEPT, SYNCS, TROUBLES, WRITES, Calls, survive_all

STATES = int(os.environ.get("LANTERN_BENCH_STATES", "20000"))
CARELESS_STATES = 300
SEED = 5
STRIDE = int(os.environ.get("LANTERN_BENCH_STRIDE", "1"))
LONG = {"first day": 8, "busy morning": 8}

CARELESS: dict[str, sabotage.Carelessness] = {
    "no folder is synced": sabotage.without_folder_syncs,
    "the keystore is not synced": partial(sabotage.without_syncs_of, "keystore"),
    "attachments are not synced": partial(sabotage.without_syncs_of, "/att/"),
    "answers come before the commit": sabotage.acknowledged_early,
}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    make_keys_quick()
    with fast_folder(tmp_path_factory.mktemp("survival")) as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        yield folder


@pytest.fixture(scope="module")
def recorder(scratch: Path) -> Iterator[Recorder]:
    with Recorder(build_shim(scratch), scratch / "runs") as running:
        yield running


def test_power_cuts(recorder: Recorder, scratch: Path) -> None:
    recordings = [Recording.made(recorder, name) for name in SCENARIOS]
    points = sum(len(crash_points(recording.records)) for recording in recordings)
    started = time.perf_counter()
    examined = examine_all(recordings, STATES, SEED, scratch / "states")
    seconds = time.perf_counter() - started
    print(f"\n{examined.count} states at {points} points of {len(recordings)} scenarios in {seconds:.0f} s")
    print(f"lost: {len(examined.lost)}")
    assert examined.lost == (), described(examined.lost)


@pytest.mark.parametrize("carelessness", CARELESS)
def test_careless_orders(recorder: Recorder, scratch: Path, carelessness: str) -> None:
    careful = Recording.made(recorder, "first day")
    careless = replace(careful, records=CARELESS[carelessness](careful.records))
    examined = examine_all([careless], CARELESS_STATES, SEED, scratch / carelessness)
    print(f"\n{carelessness}: {len(examined.lost)} of {examined.count} states lost something")
    assert examined.lost


@pytest.mark.parametrize("synchronous", ["NORMAL", "OFF"])
def test_weaker_settings(recorder: Recorder, scratch: Path, synchronous: str) -> None:
    careless = Recording.made(recorder, "busy morning", synchronous=synchronous)
    examined = examine_all([careless], CARELESS_STATES, SEED, scratch / synchronous)
    print(f"\nsynchronous={synchronous}: {len(examined.lost)} of {examined.count} states lost something")
    assert examined.lost


@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_write_fails_in_turn(scratch: Path, trouble: str) -> None:
    """In every scenario; the long ones first, so that no worker is left alone with one at the end."""
    strides = {**LONG, **dict.fromkeys((name for name in SCENARIOS if name not in LONG), 1)}
    strides = {name: stride * STRIDE for name, stride in strides.items()}
    started = time.perf_counter()
    runs = survive_all(build_shim(scratch), scratch / trouble, strides, WRITES, TROUBLES[trouble])
    print(f"\nwrites, {trouble}: {sum(runs.values())} runs in {time.perf_counter() - started:.0f} s; {runs}")
    assert all(count >= WRITES.at_least // strides[name] for name, count in runs.items())


@pytest.mark.parametrize("calls", [SYNCS, NAMES], ids=["syncs", "names"])
def test_room_again_after_syncs_and_names(scratch: Path, calls: Calls) -> None:
    """The test command has the disk stay full, or fail once; here there is room again after two failed tries."""
    strides = dict.fromkeys(SWEPT, STRIDE)
    runs = survive_all(build_shim(scratch), scratch / calls.letters, strides, calls, ROOM_AGAIN)
    print(f"\n{calls.letters}, then room again: {sum(runs.values())} runs; {runs}")
    assert min(runs.values()) >= calls.at_least // STRIDE
