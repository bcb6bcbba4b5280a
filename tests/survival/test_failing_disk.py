"""The first, second, third … call to the disk fails, until a scenario runs through undisturbed.

The person is told what happened, nothing that was acknowledged is lost, and the clinic verifies afterwards.
"""

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from errno import EIO, ENOSPC
from pathlib import Path

import pytest

from tests.survival.disk import FATES, What, lay_out, read_log
from tests.survival.judging import faults
from tests.survival.power_cuts import Following
from tests.survival.promises import Promises
from tests.survival.recording import Recorder, Run, Strike

SWEPT = ("a new clinic", "three deeds", "staff", "new keys", "backups", "bring back", "an old clinic")
# Every single write of these; the others differ in names and syncs, not in how they write.
EVERY_WRITE = ("three deeds",)
WORDS = {ENOSPC: "disk_full", EIO: "io"}
# SQLite tells a disk that refuses a sync or a new file, for whatever reason, as an error of the disk.
TOLD_AS_IO = {What.SYNCED.value, What.OPENED.value}
# A second try that finds the first one done after all: the keystore was written, or the clinic was in its place.
DONE_ALREADY = {"bad_input", "not_empty", "unlock"}
AFTERWARDS = tuple(FATES[number][1] for number in (0, 2, 4))


@dataclass(frozen=True)
class Calls:
    """letters: of the calls that fail. at_least: so many of them each scenario makes."""

    letters: str
    at_least: int


WRITES = Calls("W", 100)
SYNCS = Calls("S", 15)
NAMES = Calls("ORUTD", 8)


def sweep(
    recorder: Recorder, scenario: str, calls: Calls, error: int, *, forever: bool, record: bool = False
) -> Iterator[Run]:
    """A run for each call that can fail. forever: the disk stays so; else the person tries again at once."""
    number = 0
    while True:
        number += 1
        strike = Strike(calls.letters, number, error=error, forever=forever)
        run = recorder.run(scenario, strike=strike, patient=not forever, record=record)
        if run.seen < number:
            break
        yield run
        recorder.forget(run)
    assert number > calls.at_least
    assert run.failure is None


def assert_whole_and_told(recorder: Recorder, scenario: str, run: Run, error: int, calls: Calls) -> None:
    """A command that failed said why, in words, and nothing that was acknowledged is gone."""
    assert "Traceback" not in run.errors
    assert "unforeseen" not in run.errors
    if run.failure is not None and "kind" in run.failure[-1]:
        kinds = {WORDS[error]} | ({"io"} if set(calls.letters) & TOLD_AS_IO else set())
        kinds |= DONE_ALREADY if len(set(run.codes)) > 1 or run.codes[-2:] == (1, 1) else set()
        assert run.failure[-1]["kind"] in kinds, run.failure
    promises = Promises()
    promises.hear(recorder.prepared_words(scenario))
    promises.hear(run.said)
    assert faults(run.folder, promises, 0, None) == []


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SWEPT)
@pytest.mark.parametrize("calls", [SYNCS, NAMES], ids=["syncs", "names"])
def test_a_disk_that_stays_full(recorder: Recorder, scenario: str, calls: Calls) -> None:
    for run in sweep(recorder, scenario, calls, ENOSPC, forever=True):
        assert_whole_and_told(recorder, scenario, run, ENOSPC, calls)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SWEPT)
def test_one_failure_with_a_name_and_a_second_try(recorder: Recorder, scenario: str) -> None:
    for run in sweep(recorder, scenario, NAMES, EIO, forever=False):
        assert_whole_and_told(recorder, scenario, run, EIO, NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", EVERY_WRITE)
@pytest.mark.parametrize(
    ("error", "forever"),
    [(ENOSPC, True), (ENOSPC, False), (EIO, False)],
    ids=["full from then on", "full once", "defective once"],
)
def test_every_write_fails_in_turn(recorder: Recorder, scenario: str, error: int, forever: bool) -> None:
    for run in sweep(recorder, scenario, WRITES, error, forever=forever):
        assert_whole_and_told(recorder, scenario, run, error, WRITES)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SWEPT)
def test_a_failed_sync_is_never_taken_for_done(recorder: Recorder, scratch: Path, scenario: str) -> None:
    """After a failed fsync the system takes the lost bytes for written: whoever only syncs again loses them at the
    next power cut."""
    for number, run in enumerate(sweep(recorder, scenario, SYNCS, EIO, forever=False, record=True), start=1):
        assert_whole_and_told(recorder, scenario, run, EIO, SYNCS)
        assert run.log is not None
        records, said_before = read_log(run.log), recorder.prepared_words(scenario)
        after = Following(run.folder.with_name("before"), run.folder, records, said_before)
        after.go_to_end()
        for place, fate in enumerate(AFTERWARDS):
            state = scratch / "after a failed sync"
            lay_out(after.disk, state, random.Random(number * 100 + place), fate)
            assert faults(state, after.promises, 0, None) == [], (scenario, number, fate)
            shutil.rmtree(state)
