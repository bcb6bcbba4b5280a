"""The rhythm of one lead or more: one of four findings, the class of every beat, and the episodes of a long record."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.i18n import Language
from desktop.inference import rhythm_beats, rhythm_strips
from desktop.inference.fields import Fields, ManifestError
from desktop.inference.rhythm_lead import (
    AFTER,
    BEFORE,
    RATE,
    SILENT,
    ReadyLead,
    ready_lead,
    silent_share,
    silent_stretches,
)
from desktop.inference.rhythm_reading import (
    KINDS,
    RHYTHMS,
    BeatLimits,
    Rhythm,
    beats_of,
    episodes_of,
    kinds_of,
    rhythm_of,
    shares_of,
    softmax,
)
from desktop.inference.subject import Subject
from desktop.inference.tasks.task import Task
from desktop.inference.trace_manifest import MAIN_GRAPH, TraceManifest, WantedLeads, trace_members
from desktop.inference.trace_model import Ask, TraceAnswer, TraceModel, TraceTask
from desktop.jobs import Job
from desktop.records import Decision, Episode, Finding, Trace
from desktop.signals.filters import filled
from desktop.signals.leads import LeadQuality, LeadState, lead_qualities

METHOD = "ecg-rhythm/1"
BEAT_GRAPH = "beats"
_AT_ONCE = 64

BETWEEN = "inference.reason.trace_between"
NO_CONTACT = "inference.reason.no_contact"

_PREFERRED = ("II", "MLII", "I", "MLI")
"""Where P waves and the usual complexes stand out; the beats were learned on MLII, the rhythm on lead I of a hand-held
recorder."""


@dataclass(frozen=True)
class RhythmManifest(TraceManifest):
    """beat_limits: where a beat is called ventricular or supraventricular."""

    beat_limits: BeatLimits


def read_manifest(fields: Fields) -> RhythmManifest:
    """The manifest in a document. Raises ManifestError, naming the place, for whatever does not hold."""
    limits = fields.inner("beats")
    manifest = RhythmManifest(
        **trace_members(fields),
        beat_limits=BeatLimits(
            limits.number("ventricular_at", low=0.0, high=1.0),
            limits.number("supraventricular_at", low=0.0, high=1.0),
            limits.number("supraventricular_in_fibrillation_at", low=0.0, high=1.0),
        ),
    )
    if manifest.range.leads is not WantedLeads.ANY:
        raise ManifestError("applicability.leads", "any was expected")
    if tuple(spec.key for spec in sorted(manifest.findings, key=lambda spec: spec.output)) != RHYTHMS:
        raise ManifestError("findings", f"{', '.join(RHYTHMS)} were expected")
    shapes = ((MAIN_GRAPH, (3, rhythm_strips.SAMPLES), len(RHYTHMS)), (BEAT_GRAPH, (3, BEFORE + AFTER), len(KINDS)))
    for key, shape, classes in shapes:
        if key not in {graph.key for graph in manifest.graphs}:
            raise ManifestError("graphs", f"a graph {key} was expected")
        graph = manifest.graph(key)
        if graph.input.shape != shape or "logits" not in {spec.name for spec in graph.outputs}:
            raise ManifestError("graphs", f"the tensors of {key} do not match the preparation")
        if graph.output("logits").shape != (classes,):
            raise ManifestError("graphs", f"the logits of {key} do not match what they are for")
    if len(manifest.golden.evidence) != len(RHYTHMS) + len(KINDS):
        raise ManifestError("golden.evidence", "one number per rhythm and per class of beats was expected")
    return manifest


@dataclass(frozen=True, eq=False)
class RhythmReading:
    """All that was seen in a trace. strip_logits: (strips, 4) as the graph gave them; beat_logits: (beats, 4). silent,
    gaps: see `silent_share` and `silent_stretches`."""

    lead: ReadyLead
    rhythm: Rhythm
    strip_logits: npt.NDArray[np.float64]
    beat_logits: npt.NDArray[np.float64]
    silent: float
    gaps: tuple[tuple[int, int], ...]


def best_lead(trace: Trace) -> int:
    """The row to read: a good lead II, else I, else the good lead whose beats stand out most, else the least bad."""
    qualities = lead_qualities(trace)

    def worth(quality: LeadQuality) -> tuple[bool, bool, float, float]:
        usable = quality.state not in (LeadState.FLAT, LeadState.MISSING)
        place = _PREFERRED.index(quality.name) if quality.name in _PREFERRED else len(_PREFERRED)
        return usable, quality.state is LeadState.GOOD, -float(place), quality.weight

    return max(qualities, key=worth).row


def read(manifest: RhythmManifest, trace: Trace, ask: Ask, job: Job) -> RhythmReading:
    """What the graphs say of the best lead of a trace."""
    row = best_lead(trace)
    lead = ready_lead(filled(trace.samples[[row]])[0], trace.rate)
    job.check()
    begins, strips = rhythm_strips.strips(lead)
    strip_logits = _asked(ask, MAIN_GRAPH, strips, len(RHYTHMS))
    beat_logits = _asked(ask, BEAT_GRAPH, rhythm_beats.beat_inputs(lead), len(KINDS))
    rhythm = rhythm_of(begins, calibrated(manifest, strip_logits), lead.seconds)
    recorded = trace.samples[row].astype(np.float64)
    silent = silent_share(recorded, trace.rate), silent_stretches(recorded, trace.rate)
    return RhythmReading(lead, rhythm, strip_logits, beat_logits, *silent)


def calibrated(manifest: RhythmManifest, logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n, 4) probabilities that sum to 1: each logit by its own temperature and offset, then all against each other."""
    specs = sorted(manifest.findings, key=lambda spec: spec.output)
    temperatures = np.array([spec.calibration.temperature for spec in specs])
    offsets = np.array([spec.calibration.offset for spec in specs])
    return softmax(logits / temperatures + offsets)


def _asked(ask: Ask, key: str, inputs: npt.NDArray[np.float32], classes: int) -> npt.NDArray[np.float64]:
    if not len(inputs):
        return np.zeros((0, classes))
    parts = [inputs[begin : begin + _AT_ONCE] for begin in range(0, len(inputs), _AT_ONCE)]
    return np.concatenate([ask(key, part)["logits"] for part in parts]).astype(np.float64)


def answer(manifest: RhythmManifest, trace: Trace, subject: Subject, ask: Ask, job: Job) -> TraceAnswer:
    """See `TraceTask.answer`. Age and sex change nothing."""
    seen = read(manifest, trace, ask, job)
    kinds = kinds_of(shares_of(seen.lead, seen.beat_logits, seen.rhythm), manifest.beat_limits)
    of_beats = seen.beat_logits.mean(axis=0) if len(seen.beat_logits) else np.zeros(len(KINDS))
    evidence = np.concatenate([seen.strip_logits.mean(axis=0), of_beats])
    return TraceAnswer(
        findings(manifest, seen.rhythm.probabilities, silent=seen.silent > SILENT),
        tuple(float(value) for value in evidence),
        beats_of(seen.lead, kinds),
        tuple(one for one in episodes_of(seen.rhythm, trace.rate, trace.length) if not _over_a_gap(one, seen.gaps)),
    )


def _over_a_gap(episode: Episode, gaps: Sequence[tuple[int, int]]) -> bool:
    """Whether contact was lost within an episode, so that it may be made of nothing else."""
    return any(begin < episode.end and end > episode.start for begin, end in gaps)


def findings(
    manifest: RhythmManifest, probabilities: Sequence[float] | npt.NDArray[np.float64], *, silent: bool = False
) -> tuple[Finding, ...]:
    """The four findings. Only the most probable one may be likely: a record has one rhythm. silent: contact was lost
    for so long that none is: a gap looks like a pause, and so like another rhythm."""
    first = int(np.argmax(probabilities))
    found = []
    for spec in manifest.findings:
        probability = float(min(1.0, max(0.0, probabilities[spec.output])))
        decision = spec.thresholds.decide(probability)
        # Nor is the most probable one unlikely: there is no other to believe instead.
        if decision is (Decision.UNLIKELY if spec.output == first else Decision.LIKELY):
            decision = Decision.CANNOT_SAY
        decision = Decision.CANNOT_SAY if silent else decision
        reason = NO_CONTACT if silent else spec.reason(decision, BETWEEN)
        found.append(Finding(spec.key, spec.names.text(Language.ENGLISH), probability, decision, spec.codings, reason))
    return tuple(found)


def _open(manifest: RhythmManifest, folder: Path) -> TraceModel[RhythmManifest]:
    return TraceModel(manifest, folder, TraceTask(frozenset({METHOD}), answer))


TASK = Task(read_manifest, _open)

__all__ = ["METHOD", "RATE", "TASK", "RhythmManifest", "RhythmReading", "answer", "best_lead", "read"]
