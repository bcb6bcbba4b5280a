"""A model that reads traces. What every such model does alike is here; what a kind does is its `TraceTask`."""

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, KnownFailure
from desktop.inference import golden
from desktop.inference.model import Model
from desktop.inference.preparation import fingerprint
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.inference.subject import Subject
from desktop.inference.trace_manifest import MAIN_GRAPH, TraceManifest, WantedLeads
from desktop.inference.withheld import withhold
from desktop.jobs import Job
from desktop.records import (
    MILLIVOLT,
    STANDARD_LEADS,
    Analysis,
    AnalysisStatus,
    Beat,
    Episode,
    Finding,
    Provenance,
    Quality,
    QualityProblem,
    Recording,
    Trace,
)
from desktop.signals.leads import with_calculated_limb_leads

FloatArray = npt.NDArray[np.float32]
Ask = Callable[[str, FloatArray], Mapping[str, FloatArray]]
"""Ask a graph by its key. tensor: (n, *input shape) float32, n >= 1; the answer: outputs by name, (n, *output shape).
Raises KnownFailure where the graph misbehaves, Cancelled."""

M = TypeVar("M", bound=TraceManifest)

REASON_TRACE = "inference.reason.trace"
LEADS_MISSING = "leads_missing"
TOO_SHORT = "too_short"
TOO_LONG = "too_long"
SLOW_SAMPLING = "slow_sampling"
FLAT = "flat"
TRACE_PROBLEMS = (LEADS_MISSING, TOO_SHORT, TOO_LONG, SLOW_SAMPLING, FLAT)

_STILL_MV = 0.05


@dataclass(frozen=True)
class TraceAnswer:
    """What a model says of a trace. evidence: the numbers behind it that the golden example compares, of a length that
    does not depend on the trace. beats, episodes: in samples of the trace that was given."""

    findings: tuple[Finding, ...]
    evidence: tuple[float, ...]
    beats: tuple[Beat, ...] = ()
    episodes: tuple[Episode, ...] = ()


@dataclass(frozen=True)
class TraceTask(Generic[M]):
    """One way from a trace to an answer.

    methods: the preparations (`TracePreparation.method`) it knows. answer: judge a trace whose leads, length and rate
    are within the manifest's range. It has only ECG leads (all twelve in the usual order where the manifest wants
    them), its own rate, NaN where nothing was recorded, and may have flat, noisy or uncalibrated leads.
    """

    methods: frozenset[str]
    answer: Callable[[M, Trace, Subject, Ask, Job], TraceAnswer]


class TraceModel(Model, Generic[M]):
    """Lead, length and rate are looked at first, then the task answers."""

    def __init__(self, manifest: M, folder: Path, task: TraceTask[M]) -> None:
        """Raises KnownFailure where this release does not know the preparation or the golden trace."""
        super().__init__(manifest, folder)
        if manifest.golden.trace not in golden.TRACES or manifest.preparation.method not in task.methods:
            raise KnownFailure("inference.model_too_new", kind=ErrorKind.BAD_INPUT, model=manifest.name)
        self.manifest = manifest
        self._task = task
        self._runners: dict[str, OnnxRunner] | None = None
        self._loading = threading.Lock()

    def fits(self, recording: Recording) -> bool:
        """Whether the recording has the leads the model wants, whatever else may be wrong with it."""
        return _chosen(recording, self.manifest.range.leads) is not None

    def analyse(self, recording: Recording, subject: Subject, job: Job) -> Analysis:
        """The answer to a recording's electrocardiogram.

        Refused where leads are missing, it is too short, too long or sampled too slowly, or nothing moves in it. Beats
        and episodes are samples of `recording.main` as recorded. Raises KnownFailure where the weights are damaged or
        a graph misbehaves, Cancelled.
        """
        started = time.perf_counter()
        runners = self._ready()
        job.check()
        trace = _chosen(recording, self.manifest.range.leads)
        problem = LEADS_MISSING if trace is None else self._problem(trace)
        if trace is None or problem:
            seen = fingerprint(recording.main.samples)
            verdict = Quality(False, (QualityProblem(problem),))
            provenance = self._provenance(runners[MAIN_GRAPH], seen, started)
            return Analysis(AnalysisStatus.REFUSED, provenance, verdict, reason=REASON_TRACE)
        answer, seen = self._answer(trace, subject, job)
        provenance = self._provenance(runners[MAIN_GRAPH], seen, started)
        findings = withhold(answer.findings, self.manifest.withheld, subject)
        return Analysis(
            AnalysisStatus.OK, provenance, Quality(True), findings, beats=answer.beats, episodes=answer.episodes
        )

    def answer(self, trace: Trace, subject: Subject, job: Job) -> TraceAnswer:
        """What the task says of a trace as `TraceTask.answer` wants it. For measuring a model; the clinic uses
        `analyse`."""
        return self._answer(trace, subject, job)[0]

    def load(self) -> None:
        """Read and check the weights now rather than with the first trace. Raises what `analyse` raises."""
        self._ready()

    def close(self) -> None:
        """Let go of the sessions' memory; the next question loads them again."""
        with self._loading:
            self._runners = None

    def _golden_difference(self) -> tuple[float, float]:
        expected = self.manifest.golden
        found = self.answer(golden.TRACES[expected.trace](), Subject(), Job()).evidence
        if len(found) != len(expected.evidence):
            raise KnownFailure("inference.bad_output", kind=ErrorKind.IO)
        return float(np.max(np.abs(np.array(found) - np.array(expected.evidence)))), expected.tolerance

    def _problem(self, trace: Trace) -> str:
        """Slug of why the model does not read a trace, empty where it does."""
        limits = self.manifest.range
        # A recorder may write one sample less than the seconds it was asked for.
        if trace.seconds + 1.5 / trace.rate < limits.shortest_seconds:
            return TOO_SHORT
        if trace.seconds > limits.longest_seconds:
            return TOO_LONG
        if trace.rate < limits.lowest_rate * 0.99:
            return SLOW_SAMPLING
        return FLAT if _still(trace) else ""

    def _answer(self, trace: Trace, subject: Subject, job: Job) -> tuple[TraceAnswer, str]:
        """The answer, and the fingerprint of all the graphs were given."""
        runners = self._ready()
        seen: list[str] = []

        def ask(key: str, tensor: FloatArray) -> Mapping[str, FloatArray]:
            job.check()
            seen.append(fingerprint(tensor))
            return runners[key].run_many(tensor)

        answer = self._task.answer(self.manifest, trace, subject, ask, job)
        whole = seen[0] if len(seen) == 1 else hashlib.sha256("".join(seen).encode("ascii")).hexdigest()
        return answer, whole

    def _provenance(self, runner: OnnxRunner, seen: str, started: float) -> Provenance:
        milliseconds = (time.perf_counter() - started) * 1000.0
        return Provenance(self.name, self.version, self.sha256, runner.device, seen, round(milliseconds, 1))

    def _ready(self) -> dict[str, OnnxRunner]:
        with self._loading:
            if self._runners is None:
                # One thread: these graphs are small, and so the answer is the same on every PC.
                self._runners = {
                    graph.key: OnnxRunner(read_weights(self._folder, graph.file), graph.input, graph.outputs, threads=1)
                    for graph in self.manifest.graphs
                }
            return self._runners


def _chosen(recording: Recording, leads: WantedLeads) -> Trace | None:
    """The trace to read with its electrocardiogram's leads only, None where those wanted are not all there."""
    trace = recording.main
    if trace.derived or not trace.ecg:
        return None
    if leads is WantedLeads.ANY:
        return _of_rows(trace, trace.ecg)
    whole, _ = with_calculated_limb_leads(trace)
    rows = [row for name in STANDARD_LEADS if (row := whole.row(name)) is not None]
    return _of_rows(whole, tuple(rows)) if len(rows) == len(STANDARD_LEADS) else None


def _still(trace: Trace) -> bool:
    """Whether nothing moves in any lead, from the first sample to the last: hardly at all in mV, or not in any unit."""
    moves = np.fmax.reduce(trace.samples, axis=1) - np.fmin.reduce(trace.samples, axis=1)
    least = np.array([_STILL_MV if lead.unit == MILLIVOLT else 0.0 for lead in trace.leads])
    return not bool((moves > least).any())


def _of_rows(trace: Trace, rows: tuple[int, ...]) -> Trace:
    if rows == tuple(range(len(trace.leads))):
        return trace
    return replace(trace, samples=trace.samples[list(rows)], leads=tuple(trace.leads[row] for row in rows), marks=())
