"""The store at 1,000,000 patients and 3,000,000 observations, beside the same tables and statements in plain SQLite.

LANTERN_BENCH_PATIENTS sets another number of patients. A search counts as right when the wanted patient is among the
fifty hits, or when so many fit that the list is full and typing on, the end of the telephone number, leads to him.
"""

import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pytest
from sqlcipher3 import dbapi2

from desktop import workflow
from desktop.jobs import Job
from desktop.records import AuditAction, Encounter, Observation, Patient
from desktop.store import Store, Transaction, database
from desktop.store.patients import Filing, filing_of
from desktop.store.rows import Rows
from tests.benchmarks.population import OBSERVATIONS_OF_A_VISIT, Query, Sample, people, queries, visit
from tests.store.helpers import import_file, patient

T = TypeVar("T")

PATIENTS = int(os.environ.get("LANTERN_BENCH_PATIENTS", "1000000"))
SHARE = PATIENTS / 1_000_000
GROUP = 2500
EACH = 60
LIMIT = 50
PASSPHRASE = "correct horse"

GOAL_LOAD_SECONDS = 300
GOAL_SEARCH_MS = 25
GOAL_SCREEN_MS = 50
GOAL_SAVE_MS = 5
GOAL_CHART_MS = 100
GOAL_UNLOCK_SECONDS = 1.5
GOAL_MEMORY_MB = 300


@dataclass(frozen=True)
class Loaded:
    """A full clinic: its folder, whom to ask for, seconds the load took on the clock and on the processors, MB at most
    in memory meanwhile, seconds of each unlocking. busy: the patient with the longest chart."""

    clinic: workflow.Clinic
    sample: Sample
    busy: Patient
    wall: float
    processor: float
    memory: float
    unlocks: list[float]

    @property
    def store(self) -> Store:
        return self.clinic.store


@dataclass(frozen=True)
class Portion:
    """What one transaction puts on file."""

    patients: list[Patient]
    filings: list[Filing]
    visits: list[tuple[Encounter, list[Observation]]]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    folder = tmp_path_factory.mktemp("bench") / "clinic"
    models = workflow.load_models()
    made = workflow.create_clinic(folder, Job(), name="bench", admin="li", passphrase=PASSPHRASE, models=models).clinic
    sample = Sample(PATIENTS)
    wall, processor = time.perf_counter(), time.process_time()
    load(made.store, sample)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    busy = long_chart(made)
    workflow.lock(made)
    unlocks = []
    for _ in range(3):
        started = time.perf_counter()
        clinic = workflow.unlock(folder, Job(), user="li", passphrase=PASSPHRASE, models=models)
        unlocks.append(time.perf_counter() - started)
        workflow.lock(clinic)
    clinic = workflow.unlock(folder, Job(), user="li", passphrase=PASSPHRASE, models=models)
    yield Loaded(clinic, sample, busy, wall, processor, memory, unlocks)
    workflow.lock(clinic)


def load(store: Store, sample: Sample) -> None:
    """Patients and, for every second one, a visit. The next portion is made while one is written."""
    with ThreadPoolExecutor(1) as writer:
        writing: Future[None] | None = None
        for portion in portions(sample):
            if writing is not None:
                writing.result()
            writing = writer.submit(write, store, portion)
        if writing is not None:
            writing.result()


def portions(sample: Sample) -> Iterator[Portion]:
    chance = random.Random(3)
    stream = sample.passing(people(PATIENTS))
    while patients := list(islice(stream, GROUP)):
        filings = [filing_of(person) for person in patients]
        yield Portion(patients, filings, [visit(owner, chance) for owner in patients[::2]])


def write(store: Store, portion: Portion) -> None:
    with store.transaction() as tx:
        tx.patients.add_all(portion.patients, portion.filings)
        tx.audit.add_all(AuditAction.ADD_PATIENT, [person.id for person in portion.patients], actor="bench")
        tx.visits.add_all(portion.visits)
        tx.audit.add_all(AuditAction.RECORD_VISIT, [encounter.id for encounter, _ in portion.visits], actor="bench")


def long_chart(clinic: workflow.Clinic) -> Patient:
    """Somebody with at least 200 observations and 20 studies."""
    owner, chance = patient("王长病"), random.Random(4)
    with clinic.store.transaction() as tx:
        tx.patients.add(owner)
        tx.audit.add(AuditAction.ADD_PATIENT, owner.id, actor="bench")
    for _ in range(-(-200 // OBSERVATIONS_OF_A_VISIT)):
        save_visit(clinic.store, owner, chance)
    for _ in range(20):
        import_file(clinic.store, owner, os.urandom(1000))
    return owner


def save_visit(store: Store, owner: Patient, chance: random.Random) -> None:
    encounter, observations = visit(owner, chance)
    with store.transaction() as tx:
        tx.visits.add(encounter, observations)
        tx.patients.touch(owner.id)
        tx.audit.add(AuditAction.RECORD_VISIT, encounter.id, actor="bench")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, loaded: Loaded) -> Iterator[Transaction]:
    """The same rows in an unencrypted file, for comparison only. Written in one go, it is the tidier one of the two."""
    path = tmp_path_factory.mktemp("plain") / "plain.db"
    store = loaded.store
    source = database.connect(store.folder / "clinic.db", loaded.clinic.unlocked.master.derive("db"))
    source.execute("ATTACH ? AS plain KEY ''", (str(path),))
    source.execute("SELECT sqlcipher_export('plain')").fetchall()
    source.execute("DETACH plain")
    source.close()
    connection = dbapi2.connect(str(path), isolation_level=None)
    for setting in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -65536", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {setting}").fetchall()
    yield Transaction(Rows(connection, writable=True), store.store_id, lambda: datetime.now(UTC))
    connection.close()
    path.unlink()


@dataclass(frozen=True)
class Times:
    """Milliseconds of each call: on the clock, and of the processor, which a busy machine spoils less."""

    clock: list[float]
    processor: list[float]

    def measure(self, work: Callable[[], T]) -> T:
        started, busy = time.perf_counter(), time.thread_time()
        done = work()
        self.processor.append((time.thread_time() - busy) * 1000)
        self.clock.append((time.perf_counter() - started) * 1000)
        return done

    def __add__(self, other: "Times") -> "Times":
        return Times(self.clock + other.clock, self.processor + other.processor)

    @property
    def p50(self) -> float:
        return statistics.median(self.clock)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.clock, n=20)[-1]

    def __str__(self) -> str:
        processor = statistics.quantiles(self.processor, n=20)[-1]
        return f"{self.p50:8.2f} {self.p95:8.2f} {processor:8.2f}"


HEAD = f"{'p50 ms':>8} {'p95':>8} {'p95 cpu':>8}"
BESIDE = f"{HEAD} {'plain':>8} {'p95':>8} {'ratio':>6}"


def beside(name: str, times: Times, plain: Times) -> str:
    return f"{name:<20} {times} {plain.p50:8.2f} {plain.p95:8.2f} {times.p50 / plain.p50:6.2f}"


def ask(tx: Transaction, asked: list[Query]) -> tuple[Times, float]:
    """How long the searches took, and the share that led to whom it was about."""
    times, right = Times([], []), 0
    for query in asked:
        found = timed_search(tx, query.text, times)
        if query.wanted.id not in found and len(found) == LIMIT:
            found = timed_search(tx, query.more, times)
        right += query.wanted.id in found
    return times, right / len(asked)


def timed_search(tx: Transaction, text: str, times: Times) -> set[str]:
    return {match.patient.id for match in times.measure(lambda: tx.patients.search(text, LIMIT))}


def timed(work: Callable[[Patient], object], chosen: list[Patient]) -> Times:
    times = Times([], [])
    for person in chosen:
        times.measure(partial(work, person))
    return times


def test_load(loaded: Loaded) -> None:
    size = (loaded.store.folder / "clinic.db").stat().st_size / 1e6
    with loaded.store.snapshot() as tx:
        lines = tx.audit.head().sequence
    print(
        f"\nload: {PATIENTS:,} patients with {PATIENTS // 2 * OBSERVATIONS_OF_A_VISIT:,} observations in "
        f"{loaded.wall:.0f} s, {loaded.processor:.0f} s of processor time; database {size:.0f} MB, {lines:,} audit "
        f"lines, at most {loaded.memory:.0f} MB of memory"
    )
    assert loaded.wall <= GOAL_LOAD_SECONDS * max(SHARE, 0.01)


def test_unlock(loaded: Loaded) -> None:
    print(f"\nunlock: {', '.join(f'{seconds:.2f}' for seconds in loaded.unlocks)} s")
    assert statistics.median(loaded.unlocks) <= GOAL_UNLOCK_SECONDS


def test_search(loaded: Loaded, plain: Transaction) -> None:
    asked = queries(loaded.sample, EACH)
    everything = Times([], [])
    recalls: dict[str, float] = {}
    print(f"\n{'search':<20} {BESIDE} {'recall':>7}")
    for kind in dict.fromkeys(query.kind for query in asked):
        group = [query for query in asked if query.kind == kind]
        with loaded.store.snapshot() as tx:
            times, recalls[kind] = ask(tx, group)
        print(f"{beside(kind, times, ask(plain, group)[0])} {recalls[kind]:7.3f}")
        everything += times
    print(f"{'all':<20} {everything}")
    assert not {kind: recall for kind, recall in recalls.items() if recall < (0.95 if "typo" in kind else 0.99)}
    assert everything.p95 <= GOAL_SEARCH_MS


SCREENS: dict[str, Callable[[Transaction, Patient], object]] = {
    "record": lambda tx, person: tx.patients.get(person.id),
    "latest patients": lambda tx, _: tx.patients.recent(50),
    "visits": lambda tx, person: tx.visits.of_person(person.id, 50),
    "course of one value": lambda tx, person: tx.visits.course(person.id, "8480-6", 200),
    "studies": lambda tx, person: tx.studies.for_patient(person.id),
    "work list": lambda tx, _: tx.studies.worklist(50),
    "duplicates": lambda tx, person: tx.patients.duplicates(person),
    "merges, conflicts": lambda tx, person: (tx.merges.of_person(person.id), tx.conflicts.open_of_person(person.id)),
    "consents": lambda tx, person: tx.consents.of_person(person.id),
    "audit, newest page": lambda tx, _: tx.audit.entries(200),
}


def test_screens(loaded: Loaded, plain: Transaction) -> None:
    chosen = some(loaded.sample)
    slow = []
    print(f"\n{'screen':<20} {BESIDE}")
    for name, read in SCREENS.items():
        with loaded.store.snapshot() as tx:
            times = timed(partial(read, tx), chosen)
        print(beside(name, times, timed(partial(read, plain), chosen)))
        slow += [name] if times.p95 > GOAL_SCREEN_MS else []
    assert not slow


def some(sample: Sample) -> list[Patient]:
    """Two hundred people, or as many as a small population gives."""
    han = random.Random(5).sample(sample.han, min(180, len(sample.han)))
    return [*han, *sample.latin[:20]]


def test_deeds(loaded: Loaded, tmp_path: Path) -> None:
    """What is written, each with its fsync; and the longest chart. Beside them the fsync of this disk alone."""
    clinic, chance = loaded.clinic, random.Random(6)
    chosen = some(loaded.sample)
    with (tmp_path / "appended").open("wb", buffering=0) as stream:

        def append(_: Patient) -> None:
            stream.write(bytes(24 * 4096))
            os.fsync(stream.fileno())

        bare = timed(append, chosen)
    saving = timed(lambda person: save_visit(clinic.store, person, chance), chosen)
    charts = timed(lambda _: workflow.open_patient(clinic, Job(), loaded.busy.id), chosen[:50])
    registering = timed(
        lambda person: workflow.register_patient(clinic, Job(), workflow.PatientDraft.of(person)), chosen[:100]
    )
    print(f"\n{'deed':<20} {HEAD}")
    for name, times in (
        ("96 KiB and fsync", bare),
        ("save a visit", saving),
        ("open longest chart", charts),
        ("register", registering),
    ):
        print(f"{name:<20} {times}")
    chart = workflow.open_patient(clinic, Job(), loaded.busy.id)
    assert sum(len(seen.observations) for seen in chart.visits) >= 200
    assert len(chart.studies) == 20
    assert charts.p95 <= GOAL_CHART_MS
    assert registering.p95 <= GOAL_SCREEN_MS
    assert saving.p95 <= GOAL_SAVE_MS


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for a process's memory")
def test_memory(loaded: Loaded, tmp_path: Path) -> None:
    """The command line's process with the clinic open, after some hundred searches."""
    secret = tmp_path / "secret"
    secret.write_text(PASSPHRASE + "\n", encoding="utf-8")
    workflow.lock(loaded.clinic)
    options = ("--store", str(loaded.store.folder), "--user", "li", "--passphrase-file", str(secret))
    with subprocess.Popen(
        [sys.executable, "-m", "desktop", *options, "patients", "search", "--batch", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for query in queries(loaded.sample, 20, seed=8):
            process.stdin.write(query.text + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["query"] == query.text
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        process.stdin.close()
    megabytes = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1000
    print(f"\nmemory of a process that searches: {megabytes:.0f} MB")
    assert megabytes <= GOAL_MEMORY_MB
