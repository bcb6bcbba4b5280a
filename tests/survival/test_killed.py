"""A hundred times the program is killed at a named point: right before or right after a call to the disk."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.survival.disk import Record, What, read_log, with_paths
from tests.survival.recording import Recorder, Strike
from tests.survival.scenarios import SCENARIOS

KILLS = 100


@dataclass(frozen=True)
class Point:
    """A call in a scenario: what it is called here, its letters, and a part of the file's path."""

    name: str
    letters: str
    file: str


POINTS: Sequence[Point] = (
    Point("commit", What.SYNCED.value, ".db-wal"),
    Point("checkpoint", What.SYNCED.value, "clinic.db"),
    Point("removal of the write-ahead log", What.UNLINKED.value, ".db-wal"),
    Point("sync of an attachment", What.SYNCED.value, "/att/"),
    Point("rename of an attachment", What.RENAMED.value, "/att/"),
    Point("sync of a keystore", What.SYNCED.value, "keystore"),
    Point("rename of a keystore", What.RENAMED.value, "keystore"),
    Point("sync of the audit heads", What.SYNCED.value, "audit-heads"),
    Point("sync of a folder", What.SYNCED.value, ""),
    Point("rename", What.RENAMED.value, ""),
    Point("a new file", What.OPENED.value, ""),
    Point("a write", What.WRITTEN.value, ""),
)


@dataclass(frozen=True)
class Kill:
    """One of the hundred."""

    scenario: str
    point: Point
    at: int
    after: bool

    def strike(self) -> Strike:
        """What the shim does."""
        return Strike(self.point.letters, self.at, kill=True, after=self.after, file=self.point.file)


def kills(recorder: Recorder) -> list[Kill]:
    """At least a hundred, spread over every named point of every scenario that comes by it."""
    counted = []
    for scenario in SCENARIOS:
        run = recorder.run(scenario, record=True)
        assert run.log is not None
        calls = [named for named in with_paths(read_log(run.log)) if counts(*named)]
        for point in POINTS:
            if seen := sum(record.what.value == point.letters and point.file in path for record, path in calls):
                counted.append((scenario, point, seen))
        recorder.forget(run)
    each = -(-KILLS // len(counted))
    return [
        Kill(scenario, point, 1 + (2 * number + 1) * seen // (2 * each), after=bool((number + place) % 2))
        for place, (scenario, point, seen) in enumerate(counted)
        for number in range(each)
    ]


def counts(record: Record, path: str) -> bool:
    """Whether the shim counts a call: an open only where it makes the file, and nothing about shared memory."""
    return "-shm" not in path and (record.what is not What.OPENED or bool(record.other))


@pytest.mark.slow
def test_a_kill_at_any_named_point_loses_nothing(recorder: Recorder) -> None:
    planned = kills(recorder)
    assert len(planned) >= KILLS
    assert {kill.point for kill in planned} == set(POINTS)
    for kill in planned:
        run = recorder.run(kill.scenario, strike=kill.strike())
        assert run.ended == -signal.SIGKILL, kill
        assert recorder.faults(kill.scenario, run) == [], kill
        recorder.forget(run)
