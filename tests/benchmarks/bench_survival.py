"""Twenty thousand power cuts (LANTERN_BENCH_STATES sets another number), and what each kind of carelessness loses."""

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

STATES = int(os.environ.get("LANTERN_BENCH_STATES", "20000"))
CARELESS_STATES = 300
SEED = 5

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
