"""Crash states of a recording: laid out one after the other, each judged by what had been acknowledged by then."""

import gc
import hashlib
import json
import random
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tests.survival.disk import Disk, Fate, Record, What, crash_points, draw_fate, lay_out, read_log
from tests.survival.judging import Known, faults, known_end
from tests.survival.promises import Promises
from tests.survival.quick_keys import make_keys_quick
from tests.survival.recording import Recorder, Run

_HEAD = re.compile(rb'\{"sequence": (\d+)')

WORKERS = 2
# Share of the states in which somebody goes on working afterwards.
LIVE_ON = 0.2


@dataclass(frozen=True)
class Recording:
    """A run that was recorded. root: the folder its paths name. before: what was certain at its start. said_before:
    what was acknowledged then."""

    scenario: str
    root: Path
    before: Path
    records: tuple[Record, ...]
    said_before: bytes
    known: Known

    @classmethod
    def made(cls, recorder: Recorder, scenario: str, *, synchronous: str = "") -> "Recording":
        """Perform a scenario and keep its log."""
        run = recorder.run(scenario, record=True, synchronous=synchronous)
        return cls.of(scenario, run, recorder.prepared_words(scenario))

    @classmethod
    def of(cls, scenario: str, run: Run, said_before: bytes) -> "Recording":
        """From a run with a log. Raises AssertionError where it did not go through."""
        assert run.log is not None
        assert run.failure is None, run.failure
        records = read_log(run.log)
        promises = Promises()
        promises.hear(said_before)
        promises.hear(b"".join(record.data for record in records if record.what is What.SAID))
        known = known_end(run.folder / "clinic", promises)
        return cls(scenario, run.folder, run.folder.with_name("before"), records, said_before, known)


@dataclass(frozen=True)
class Lost:
    """A state that is not what was promised. Enough to make it again."""

    scenario: str
    point: int
    seed: int
    fate: Fate
    faults: tuple[str, ...]


def spread(recording: Recording, count: int, seed: int) -> list[tuple[int, int]]:
    """Points of the log, evenly spread, each with the seed of its state; in order."""
    points = crash_points(recording.records)
    chance = random.Random(f"{recording.scenario} {seed}")
    return sorted((points[number * len(points) // count], chance.getrandbits(48)) for number in range(count))


def examine(recording: Recording, cuts: Sequence[tuple[int, int]], scratch: Path) -> Iterator[Lost]:
    """Lay out and judge a state for each (point, seed); the points in order.

    At neighbouring points the same disk may be left after the same words, a third of all: that is judged once.
    """
    disk = Following(recording.before, recording.root, recording.records, recording.said_before)
    judged: dict[tuple[bytes, int], Judgement] = {}
    for point, seed in cuts:
        disk.go_to(point)
        chance = random.Random(seed)
        fate = draw_fate(chance)
        place = scratch / "state"
        lay_out(disk.disk, place, chance, fate)
        live_on = chance.random() < LIVE_ON
        state = (fingerprint(place), disk.answers)
        known = judged.get(state)
        if known is None or (live_on and not known.lived_on):
            found = faults(place, disk.promises, disk.sequence, recording.known, live_on=live_on)
            known = judged[state] = Judgement(live_on, tuple(found))
        shutil.rmtree(place)
        if known.faults:
            yield Lost(recording.scenario, point, seed, fate, known.faults)


@dataclass(frozen=True)
class Judgement:
    """What was found in a state, and whether somebody went on working there."""

    lived_on: bool
    faults: tuple[str, ...]


def fingerprint(folder: Path) -> bytes:
    """Of every folder, file and byte."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path.relative_to(folder)}\0{path.is_file()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.digest()


class Following:
    """The model of the disk and what had been promised, at one point of a log. answers: how often something had been
    said, on which alone the promises depend."""

    def __init__(self, before: Path, root: Path, records: Sequence[Record], said_before: bytes) -> None:
        self._records = records
        self._at = 0
        self._heads: dict[int, bool] = {}
        self._noted = 0
        self.disk = Disk(before, root)
        self.promises = Promises()
        self.promises.hear(said_before)
        self.sequence = 0
        self.answers = 0

    def go_to_end(self) -> None:
        """Follow all of it."""
        self.go_to(len(self._records))

    def go_to(self, point: int) -> None:
        """Follow the log up to a point that lies further on."""
        for record in self._records[self._at : point]:
            self.disk.follow(record)
            if record.what is What.OPENED:
                self._heads[record.fd] = "audit-heads" in record.path
            elif record.what is What.WRITTEN and self._heads.get(record.fd):
                # A commit is noted there before it is acknowledged.
                self._noted = max([self._noted, *(int(number) for number in _HEAD.findall(record.data))])
            elif record.what is What.SAID:
                self.answers += 1
                self.promises.hear(record.data)
                if b'"command"' not in record.data:
                    self.sequence = self._noted
        self._at = point


@dataclass(frozen=True)
class Examined:
    """How many states were judged, and those that are not as promised."""

    count: int
    lost: tuple[Lost, ...]


def examine_all(recordings: Sequence[Recording], states: int, seed: int, scratch: Path) -> Examined:
    """At least so many states, shared among the recordings by their length, in two processes."""
    tasks: list[tuple[Recording, list[tuple[int, int]], Path]] = []
    total = sum(len(crash_points(recording.records)) for recording in recordings)
    for number, recording in enumerate(recordings):
        share = -(-states * len(crash_points(recording.records)) // total)
        cuts = spread(recording, share, seed)
        for part in range(WORKERS):
            place = scratch / f"{number}-{part}"
            place.mkdir(parents=True)
            # Not every other one: neighbours are often alike.
            tasks.append((recording, cuts[part * len(cuts) // WORKERS : (part + 1) * len(cuts) // WORKERS], place))
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        lost = tuple(lost for part in pool.map(_examined, *zip(*tasks, strict=True)) for lost in part)
    return Examined(sum(len(cuts) for _, cuts, _ in tasks), lost)


def _examined(recording: Recording, cuts: Sequence[tuple[int, int]], scratch: Path) -> list[Lost]:
    make_keys_quick()
    tempfile.tempdir = str(scratch)
    # Each lock of a clinic collects garbage: what is there by now need not be gone through again.
    gc.collect()
    gc.freeze()
    return list(examine(recording, cuts, scratch))


def described(lost: Sequence[Lost]) -> str:
    """A few of them in words, for a failing test."""
    kinds: dict[str, int] = {}
    for state in lost:
        for fault in state.faults:
            name = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+", "#", fault)
            kinds[name] = kinds.get(name, 0) + 1
    return f"{len(lost)} states\n{json.dumps(kinds, indent=1)}\n" + "\n".join(map(str, lost[:5]))
