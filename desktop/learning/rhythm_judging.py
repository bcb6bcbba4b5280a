"""What ecg-rhythm says of records and patients it has not learned from, and what follows: calibration, limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.inference.manifest import TensorSpec
from desktop.inference.rhythm_lead import AFTER, BEFORE, RATE
from desktop.inference.rhythm_reading import BeatLimits, BeatShares, Rhythm, kinds_of, rhythm_of, shares_of, softmax
from desktop.inference.rhythm_strips import SAMPLES, strip, strip_times, strips
from desktop.inference.runner_onnx import OnnxRunner
from desktop.inference.tasks.rhythm import RhythmManifest, findings
from desktop.jobs import Job
from desktop.learning.rhythm_data import BEATS, RHYTHMS, BeatRecord, StripRecords
from desktop.records import Decision

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_AT_ONCE = 64
GOALS = {"ventricular": (0.92, 0.90), "supraventricular": (0.76, 0.50)}
"""Sensitivity and positive predictive value that the limits are chosen towards."""

PLACES = {"ventricular": 2, "supraventricular": 1}
"""Where these classes are in BEATS."""

_LIMITS = tuple(round(0.05 * step, 2) for step in range(2, 19))
_IN_FIBRILLATION = 0.8


@dataclass(frozen=True, eq=False)
class JudgedStrips:
    """CinC's records by members that never saw them. index: into the records. begins, logits: of each one's strips."""

    index: Ints
    begins: tuple[list[float], ...]
    logits: tuple[Floats, ...]
    seconds: Floats


@dataclass(frozen=True, eq=False)
class JudgedBeats:
    """A half hour by the beat member that never saw the patient, and the rhythm by all strip members."""

    record: BeatRecord
    logits: Floats
    begins: list[float]
    strip_logits: Floats


class Graphs:
    """The two graphs of a trained model, and each member's own answers."""

    def __init__(self, folder: Path, strip_members: int, beat_members: int) -> None:
        """Raises KnownFailure where a graph is none of ours."""
        self._strips = _runner(folder / "model.onnx", (3, SAMPLES), len(RHYTHMS), strip_members)
        self._beats = _runner(folder / "beats.onnx", (3, BEFORE + AFTER), len(BEATS), beat_members)

    def strips(self, inputs: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
        """(n, 4) of all members, (n, members, 4) of each."""
        return _asked(self._strips, inputs, len(RHYTHMS))

    def beats(self, inputs: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
        """(n, 4) of all members, (n, members, 4) of each."""
        return _asked(self._beats, inputs, len(BEATS))


def _runner(path: Path, shape: tuple[int, ...], classes: int, members: int) -> OnnxRunner:
    outputs = (TensorSpec("logits", (classes,)), TensorSpec("member_logits", (members * classes,)))
    return OnnxRunner(path.read_bytes(), TensorSpec("image", shape), outputs, threads=1)


def _asked(runner: OnnxRunner, inputs: npt.NDArray[np.float32], classes: int) -> tuple[Floats, Floats]:
    parts = [runner.run_many(inputs[begin : begin + _AT_ONCE]) for begin in range(0, len(inputs), _AT_ONCE)]
    together = np.concatenate([part["logits"] for part in parts]).astype(np.float64)
    each = np.concatenate([part["member_logits"] for part in parts]).astype(np.float64)
    return together, each.reshape(len(inputs), -1, classes)


def judge_strips(
    records: StripRecords, parts: Ints | None, members: Sequence[int], graphs: Graphs, job: Job
) -> JudgedStrips:
    """parts: of each record; only those a member left out are judged, by that member. None: all, by all members."""
    chosen = np.arange(len(records.names)) if parts is None else np.flatnonzero(np.isin(parts, members))
    begins, logits, seconds = [], [], []
    for index in chosen:
        job.check()
        wave = records.waves[records.starts[index] : records.starts[index + 1]]
        curve = records.curves[records.starts[index] : records.starts[index + 1]]
        times = strip_times(len(wave) / RATE)
        firsts = [round(begin * RATE) for begin in times]
        made = np.stack([strip(wave[first:], curve[first:], records.counted[index]) for first in firsts])
        together, each = graphs.strips(made)
        begins.append(times)
        logits.append(together if parts is None else each[:, list(members).index(int(parts[index]))])
        seconds.append(len(wave) / RATE)
    return JudgedStrips(chosen, tuple(begins), tuple(logits), np.array(seconds))


def judge_beats(
    records: Sequence[BeatRecord], parts: Mapping[str, int] | None, graphs: Graphs, job: Job
) -> list[JudgedBeats]:
    """parts: the member that left each patient out. None: judged by all members."""
    found = []
    for record in records:
        job.check()
        together, each = graphs.beats(record.inputs)
        begins, made = strips(record.lead)
        logits = together if parts is None else each[:, parts[record.name]]
        found.append(JudgedBeats(record, logits, begins, graphs.strips(made)[0]))
    return found


def fit_rhythm_calibration(judged: JudgedStrips, rhythms: Ints) -> tuple[float, Floats]:
    """One temperature and an offset for each rhythm, of the least log-loss of the records' mean probabilities."""
    from scipy.optimize import minimize

    owner = np.repeat(np.arange(len(judged.logits)), [len(one) for one in judged.logits])
    counts = np.bincount(owner).astype(np.float64)
    stacked, true = np.concatenate(judged.logits), rhythms[judged.index]

    def loss(values: Floats) -> float:
        said = softmax(stacked / np.exp(values[0]) + np.concatenate([[0.0], values[1:]]))
        own = np.bincount(owner, said[np.arange(len(said)), true[owner]]) / counts
        return float(-np.log(own + 1e-9).mean() + 1e-4 * (values**2).sum())

    best = minimize(loss, np.zeros(len(RHYTHMS)), method="BFGS", options={"maxiter": 60}).x
    return float(np.exp(best[0])), np.concatenate([[0.0], best[1:]])


def record_probabilities(judged: JudgedStrips, temperature: float, offsets: Floats) -> Floats:
    """(records, 4) as the clinic would be told."""
    return np.stack(
        [
            rhythm_of(begins, softmax(logits / temperature + offsets), float(seconds)).probabilities
            for begins, logits, seconds in zip(judged.begins, judged.logits, judged.seconds, strict=True)
        ]
    )


def rhythm_of_half_hour(judged: JudgedBeats, temperature: float, offsets: Floats) -> Rhythm:
    """The rhythm of a MIT-BIH record; the strip networks never saw any of them."""
    said = softmax(judged.strip_logits / temperature + offsets)
    return rhythm_of(judged.begins, said, judged.record.lead.seconds)


def shares_of_half_hour(judged: JudgedBeats, temperature: float, offsets: Floats) -> BeatShares:
    """What is said of its beats before any limit."""
    return shares_of(judged.record.lead, judged.logits, rhythm_of_half_hour(judged, temperature, offsets))


@dataclass(frozen=True)
class Tally:
    """Beats of one class. hits: called so and so; missed: of the class, called otherwise or not found; wrong: called
    so and of another class, or no beat at all; fused: of the wrong, fusion beats (and unclassifiable ones)."""

    hits: int
    missed: int
    wrong: int
    fused: int


def tally(record: BeatRecord, kinds: Ints, kind: int) -> Tally:
    """What was said of one class in one half hour, against its marks. Flutter has no single beats and is left out."""
    said = (kinds == kind) & ~in_flutter(record, record.lead.beats)
    hits = int((said & (record.classes == kind)).sum())
    there = int((record.kinds == BEATS[kind]).sum())
    # Marked as fusion, or as what nobody could classify: found, but of none of the learned classes.
    fused = int((said & ((record.classes == BEATS.index("F")) | record.unclassified)).sum())
    return Tally(hits, there - hits, int(said.sum()) - hits, fused)


def in_flutter(record: BeatRecord, samples: Ints) -> npt.NDArray[np.bool_]:
    """Which samples lie in ventricular flutter."""
    inside = np.zeros(len(samples), dtype=bool)
    for begin, end in record.flutter:
        inside |= (samples >= begin) & (samples < end)
    return inside


def choose_limits(judged: Sequence[JudgedBeats], temperature: float, offsets: Floats) -> BeatLimits:
    """Of those tried, the limit that comes nearest its two goals together (the smaller share of either reached)."""
    return _Trials(judged, temperature, offsets).best(np.ones(len(judged), dtype=bool))


def limits_by_others(
    judged: Sequence[JudgedBeats], parts: Mapping[str, int], temperature: float, offsets: Floats
) -> list[BeatLimits]:
    """For each half hour the limits that the patients of all other parts would have chosen."""
    part = np.array([parts[one.record.name] for one in judged], dtype=np.int64)
    trials = _Trials(judged, temperature, offsets)
    found = {number: trials.best(part != number) for number in np.unique(part).tolist()}
    return [found[int(number)] for number in part]


def measures(word: str) -> tuple[str, str]:
    """What a learning curve calls the two figures of one kind of beats."""
    return f"{word}: sensitivity", f"{word}: predictive value"


def reached(
    judged: Sequence[JudgedBeats], limits: BeatLimits, temperature: float, offsets: Floats
) -> dict[str, tuple[float, float]]:
    """Sensitivity and predictive value of either kind, fusion beats not counted against it."""
    trials = _Trials(judged, temperature, offsets)
    return {word: trials.reached(limits, word, np.ones(len(judged), dtype=bool)) for word in GOALS}


class _Trials:
    """Every limit tried on every half hour, each once."""

    def __init__(self, judged: Sequence[JudgedBeats], temperature: float, offsets: Floats) -> None:
        self._judged = judged
        self._shares = [shares_of_half_hour(one, temperature, offsets) for one in judged]
        self._counted: dict[tuple[BeatLimits, int], Floats] = {}

    def best(self, of: npt.NDArray[np.bool_]) -> BeatLimits:
        """Limits that come nearest the goals in some of the half hours, (half hours,)."""

        def share(limits: BeatLimits, word: str) -> float:
            return min(value / goal for value, goal in zip(self.reached(limits, word, of), GOALS[word], strict=True))

        ventricular = max(_LIMITS, key=lambda at: share(BeatLimits(at, 0.5, 0.8), "ventricular"))
        above = max(_LIMITS, key=lambda at: share(_limits(ventricular, at), "supraventricular"))
        return _limits(ventricular, above)

    def reached(self, limits: BeatLimits, word: str, of: npt.NDArray[np.bool_]) -> tuple[float, float]:
        """Sensitivity and predictive value in some of the half hours."""
        hits, missed, wrong = self._counts(limits, PLACES[word])[of].sum(axis=0).tolist()
        return hits / max(1, hits + missed), hits / max(1, hits + wrong)

    def _counts(self, limits: BeatLimits, kind: int) -> Floats:
        """(half hours, 3) hits, missed, and wrong but for fusion beats."""
        if (limits, kind) not in self._counted:
            tallies = [
                tally(one.record, kinds_of(share, limits), kind)
                for one, share in zip(self._judged, self._shares, strict=True)
            ]
            rows = [(one.hits, one.missed, one.wrong - one.fused) for one in tallies]
            self._counted[limits, kind] = np.array(rows, dtype=np.float64)
        return self._counted[limits, kind]


def _limits(ventricular: float, above: float) -> BeatLimits:
    return BeatLimits(ventricular, above, max(above, _IN_FIBRILLATION))


def true_fibrillation(record: BeatRecord) -> npt.NDArray[np.bool_]:
    """(seconds,) where the marks say atrial fibrillation or flutter."""
    seconds = np.zeros(int(record.lead.seconds), dtype=bool)
    ends = [at for at, _ in record.rhythms[1:]] + [len(record.lead.wave)]
    for (begin, words), end in zip(record.rhythms, ends, strict=True):
        if words.startswith(("(AFIB", "(AFL")):
            seconds[int(begin / record.lead.rate) : int(end / record.lead.rate)] = True
    return seconds


def stated_calibration(manifest: Mapping[str, Any]) -> tuple[float, Floats, BeatLimits]:
    """Temperature, offsets and limits of a manifest document."""
    findings = sorted(manifest["findings"], key=lambda finding: int(finding["output"]))
    offsets = np.array([finding["calibration"]["offset"] for finding in findings])
    limits = manifest["beats"]
    return (
        float(findings[0]["calibration"]["temperature"]),
        offsets,
        BeatLimits(
            limits["ventricular_at"], limits["supraventricular_at"], limits["supraventricular_in_fibrillation_at"]
        ),
    )


def likely(manifest: RhythmManifest, probabilities: Floats) -> Ints:
    """(n,) the rhythm that the clinic would be told is likely, -1 where none is. probabilities: (n, 4)."""
    found = np.full(len(probabilities), -1)
    for place, row in enumerate(probabilities):
        for kind, finding in enumerate(findings(manifest, row)):
            if finding.decision is Decision.LIKELY:
                found[place] = kind
    return found
