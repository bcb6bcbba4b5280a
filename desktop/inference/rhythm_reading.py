"""From what the two networks say of strips and beats to a record's rhythm, its beats and its episodes. numpy only."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.inference.rhythm_beats import shared
from desktop.inference.rhythm_lead import ReadyLead
from desktop.inference.rhythm_runs import told_alike
from desktop.inference.rhythm_strips import SECONDS, WHOLE
from desktop.records import Beat, BeatKind, Episode
from desktop.signals.qrs import running_median

Floats = npt.NDArray[np.float64]

RHYTHMS = ("sinus_rhythm", "atrial_fibrillation", "other_rhythm", "too_noisy")
"""The findings, in the order of the strip network's logits."""

FIBRILLATION, NOISE = 1, 3

KINDS = (BeatKind.NORMAL, BeatKind.SUPRAVENTRICULAR, BeatKind.VENTRICULAR, BeatKind.FUSION)
"""Classes of beats, in the order of the beat network's logits."""

_GRID = 1.0
_EPISODE_AT, _SHORTEST_EPISODE = 0.5, 10.0
_UNSURE = 0.4
_FUSION_AT = 0.5
_MARGIN = 1e-6


@dataclass(frozen=True)
class BeatLimits:
    """Probabilities at which a beat is called so. ventricular: against all others. supraventricular: against a normal
    one; in_fibrillation: the same where the rhythm is atrial fibrillation, which has no premature beats to speak of."""

    ventricular: float
    supraventricular: float
    in_fibrillation: float


@dataclass(frozen=True, eq=False)
class Rhythm:
    """Of a record. probabilities: (4,) that sum to 1. each_second: (seconds, 4) those of the strips about each one."""

    probabilities: Floats
    each_second: Floats


def rhythm_of(begins: list[float], strips: Floats, seconds: float) -> Rhythm:
    """begins: of the strips, in seconds; strips: (strips, 4) probabilities.

    A short record is the mean of its strips. In a long one fibrillation counts as much as in the worst minute of it,
    the others as in the mean: it comes in attacks, and one minute of it is the finding.
    """
    grid = np.arange(0.0, max(seconds, _GRID), _GRID) + _GRID / 2
    starts = np.array(begins)
    # Two strips share most moments; none lacks one.
    near = (grid[:, None] >= starts) & (grid[:, None] < np.maximum(starts + SECONDS, starts[-1:] * 0 + SECONDS))
    near[~near.any(axis=1), -1] = True
    each = near @ strips / near.sum(axis=1, keepdims=True)
    mean = strips.mean(axis=0)
    if seconds > WHOLE:
        kernel = np.ones(60) / 60
        worst = float(np.convolve(each[:, FIBRILLATION], kernel, "valid").max())
        rest = np.delete(mean, FIBRILLATION)
        mean = np.insert(rest * (1 - worst) / max(rest.sum(), _MARGIN), FIBRILLATION, worst)
    return Rhythm(mean / mean.sum(), each)


def episodes_of(rhythm: Rhythm, rate: float, length: int) -> tuple[Episode, ...]:
    """Runs of fibrillation and of noise, in samples at `rate` of a record of that length."""
    found = []
    for kind in (FIBRILLATION, NOISE):
        there = running_median((rhythm.each_second[:, kind] > _EPISODE_AT).astype(float), 5) > 0.5
        edges = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(np.int8), [0]])))
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            last = length if end == len(there) else min(length, round(float(end) * _GRID * rate))
            first = round(float(begin) * _GRID * rate)
            if last - first >= min(_SHORTEST_EPISODE * rate, length):
                found.append(Episode(RHYTHMS[kind], first, last))
    return tuple(sorted(found, key=lambda episode: episode.start))


@dataclass(frozen=True, eq=False)
class BeatShares:
    """Of each beat: the probability that it is ventricular (shared among beats of one shape); that it is
    supraventricular rather than normal (shared among beats near it that come alike); whether it is called a fusion
    where it is neither, and whether it is unsure then; whether the rhythm about it is fibrillation. All (beats,)."""

    ventricular: Floats
    above: Floats
    fusion: npt.NDArray[np.bool_]
    unsure: npt.NDArray[np.bool_]
    fibrillates: npt.NDArray[np.bool_]


def shares_of(lead: ReadyLead, logits: Floats, rhythm: Rhythm) -> BeatShares:
    """What the beat network's logits (beats, 4) mean within a record."""
    shares = softmax(logits)
    alone = np.clip(shares[:, 2], _MARGIN, 1 - _MARGIN)
    ventricular = 1 / (1 + np.exp(-shared(lead, np.log(alone / (1 - alone)))))
    second = np.clip(lead.when.astype(int), 0, len(rhythm.each_second) - 1)
    return BeatShares(
        ventricular,
        1 / (1 + np.exp(-told_alike(lead.when, logits[:, 1] - logits[:, 0]))),
        (shares[:, 3] > _FUSION_AT) & (shares[:, 3] > shares[:, 0]),
        shares[:, [0, 1, 3]].max(axis=1) < _UNSURE * (1 - ventricular),
        rhythm.each_second[second, FIBRILLATION] > _EPISODE_AT,
    )


def kinds_of(shares: BeatShares, limits: BeatLimits) -> npt.NDArray[np.int64]:
    """(beats,) index into KINDS, -1 where it is unsure."""
    above = shares.above > np.where(shares.fibrillates, limits.in_fibrillation, limits.supraventricular)
    kinds = np.where(shares.fusion, 3, np.where(above, 1, np.where(shares.unsure, -1, 0)))
    return np.where(shares.ventricular > limits.ventricular, 2, kinds)


def beats_of(lead: ReadyLead, kinds: npt.NDArray[np.int64]) -> tuple[Beat, ...]:
    """The record's beats, at its own rate."""
    said = [BeatKind.UNSURE if kind < 0 else KINDS[kind] for kind in kinds]
    return tuple(Beat(int(sample), kind) for sample, kind in zip(lead.beats, said, strict=True))


def softmax(logits: Floats) -> Floats:
    """(n, classes) probabilities."""
    if not len(logits):
        return logits
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
