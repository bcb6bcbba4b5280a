"""The first, second, third … call to the disk fails, until a scenario runs through undisturbed.

Whoever works there is told what happened, nothing that was acknowledged is lost, and the clinic verifies afterwards.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from errno import EIO, ENOSPC
from multiprocessing import get_context
from pathlib import Path

from tests.survival.disk import What
from tests.survival.power_cuts import WORKERS
from tests.survival.recording import Recorder, Run, Strike

WORDS = {ENOSPC: "disk_full", EIO: "io"}
# SQLite tells a disk that refuses a sync or a new file, for whatever reason, as an error of the disk.
TOLD_AS_IO = {What.SYNCED.value, What.OPENED.value}
# A later try that finds the first one done after all: the keystore was written, or the clinic was in its place.
DONE_ALREADY = {"bad_input", "not_empty", "unlock"}

# Each of them is short, and together they do everything that writes; the scenarios left out are the same deeds in turn.
SWEPT = (
    "a new clinic",
    "three deeds",
    "staff comes",
    "staff leaves",
    "new keys",
    "backups",
    "bring back",
    "an old clinic",
)


@dataclass(frozen=True)
class Calls:
    """letters: of the calls that fail. at_least: so many of them each scenario makes."""

    letters: str
    at_least: int


WRITES = Calls("W", 100)
SYNCS = Calls("S", 15)
NAMES = Calls("ORUTD", 8)


@dataclass(frozen=True)
class Trouble:
    """What the disk does, and the person. error: what a call fails with. forever: so does each later one. tries: how
    often a thing is tried in all. room_after: after so many failures of a thing there is room again; 0 for never."""

    error: int
    forever: bool = False
    tries: int = 2
    room_after: int = 0


STAYS_FULL = Trouble(ENOSPC, forever=True, tries=1)
ROOM_AGAIN = Trouble(ENOSPC, forever=True, tries=3, room_after=2)
DEFECTIVE_ONCE = Trouble(EIO)
TROUBLES = {
    "stays full": STAYS_FULL,
    "full until there is room again": ROOM_AGAIN,
    "full once": Trouble(ENOSPC),
    "defective once": DEFECTIVE_ONCE,
}


def sweep(
    recorder: Recorder,
    scenario: str,
    calls: Calls,
    trouble: Trouble,
    *,
    first: int = 1,
    stride: int = 1,
    record: bool = False,
) -> Iterator[Run]:
    """A run for each call that can fail, or for the `first` and every `stride`-th from there; what was said about it
    is looked at, what it left is not. Raises AssertionError."""
    number = first
    while True:
        strike = Strike(calls.letters, number, error=trouble.error, forever=trouble.forever)
        run = recorder.run(scenario, strike=strike, tries=trouble.tries, room_after=trouble.room_after, record=record)
        _assert_told(run, calls, trouble)
        if run.seen < number:
            break
        yield run
        recorder.forget(run)
        number += stride
    assert number > calls.at_least, "the scenario makes hardly any of these calls"
    assert run.failure is None, run.failure
    recorder.forget(run)


def survive(
    recorder: Recorder,
    scenario: str,
    calls: Calls,
    trouble: Trouble,
    *,
    first: int = 1,
    stride: int = 1,
) -> int:
    """Sweep, and judge what each run left; where the disk stayed full, somebody who has made room works on before it
    is judged once more. Returns the number of runs; raises AssertionError."""
    count = 0
    live_on = calls == WRITES and trouble == STAYS_FULL
    for run in sweep(recorder, scenario, calls, trouble, first=first, stride=stride):
        found = recorder.faults(scenario, run, live_on=live_on)
        assert found == [], f"{scenario}, call {first + count * stride}: {found}"
        count += 1
    return count


def survive_all(
    shim: Path, scratch: Path, strides: Mapping[str, int], calls: Calls, trouble: Trouble
) -> dict[str, int]:
    """Sweep scenarios, each with its stride, in two processes. Returns the number of runs of each; raises
    AssertionError."""
    tasks = [(shim, scratch / str(number), name, calls, trouble) for number, name in enumerate(strides)]
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        return dict(zip(strides, pool.map(_survive_alone, tasks, strides.values()), strict=True))


def _survive_alone(task: tuple[Path, Path, str, Calls, Trouble], stride: int) -> int:
    shim, scratch, scenario, calls, trouble = task
    with Recorder(shim, scratch) as recorder:
        return survive(recorder, scenario, calls, trouble, stride=stride)


def _assert_told(run: Run, calls: Calls, trouble: Trouble) -> None:
    """A command that failed said why, in words, and left no file open."""
    assert "Traceback" not in run.errors, run.errors
    assert "unforeseen" not in run.errors, run.errors
    assert run.left_open == 0, "files are left open"
    if run.failure is not None and "kind" in run.failure[-1]:
        kinds = {WORDS[trouble.error]} | ({"io"} if set(calls.letters) & TOLD_AS_IO else set())
        kinds |= DONE_ALREADY if len(set(run.codes)) > 1 or run.codes[-2:] == (1, 1) else set()
        assert run.failure[-1]["kind"] in kinds, run.failure
