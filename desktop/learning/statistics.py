"""Figures with intervals: how well a model separates, how honest its probabilities are. numpy only."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.inference.calibration import ConformalThresholds, conformal_thresholds
from desktop.learning.records import Json

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_Z95 = 1.959963984540054
# An interval wider than this on either side tells nothing.
_WIDEST_SLOPE = 3.0


@dataclass(frozen=True)
class Interval:
    """A figure and its 95 % interval; NaN where it cannot be computed. n: cases it rests on."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class ReliabilityBin:
    """Cases whose probability fell into one bin: how many, mean probability said, share that had the finding."""

    low: float
    high: float
    n: int
    said: float
    seen: float


def interval(found: Interval) -> Json:
    """A figure as JSON; None where it cannot be computed."""
    if not math.isfinite(found.value):
        return None
    low, high = (None if not math.isfinite(value) else round(value, 4) for value in (found.low, found.high))
    return {"value": round(found.value, 4), "low": low, "high": high, "n": found.n}


def auc(scores: Floats, labels: Bools) -> float:
    """Area under the ROC curve by ranks (ties count half); NaN where a class is missing."""
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if positives == 0 or negatives == 0:
        return math.nan
    order = np.argsort(scores, kind="mergesort")
    ordered = scores[order]
    ranks = np.empty(len(scores))
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    ends = np.r_[starts[1:], len(ordered)]
    for start, end in zip(starts, ends, strict=True):
        ranks[order[start:end]] = (start + end + 1) / 2
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def wilson(hits: int, n: int) -> Interval:
    """A share with Wilson's score interval (1927)."""
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    share = hits / n
    centre = (share + _Z95**2 / (2 * n)) / (1 + _Z95**2 / n)
    half = _Z95 * math.sqrt(share * (1 - share) / n + _Z95**2 / (4 * n * n)) / (1 + _Z95**2 / n)
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half), n)


def by_patient(
    figure: Callable[[npt.NDArray[np.int64]], float], patients: Sequence[str], *, rounds: int = 400, seed: int = 7
) -> Interval:
    """A figure of case indices with a bootstrap that draws whole patients: their films are not independent."""
    names, numbers = np.unique(np.asarray(patients, dtype=object).astype(str), return_inverse=True)
    members = [np.flatnonzero(numbers == index) for index in range(len(names))]
    value = figure(np.arange(len(patients)))
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(rounds):
        chosen = generator.integers(len(members), size=len(members))
        drawn.append(figure(np.concatenate([members[index] for index in chosen])))
    usable = [item for item in drawn if math.isfinite(item)]
    if not math.isfinite(value) or len(usable) < rounds // 2:
        return Interval(value, math.nan, math.nan, len(patients))
    low, high = np.percentile(usable, [2.5, 97.5])
    return Interval(value, float(low), float(high), len(patients))


def reliability(probabilities: Floats, labels: Bools, bins: int = 10) -> tuple[ReliabilityBin, ...]:
    """Probabilities in bins of equal width against what was true; empty bins are left out."""
    table = []
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    for number in range(bins):
        chosen = index == number
        if chosen.any():
            said, seen = float(probabilities[chosen].mean()), float(labels[chosen].mean())
            table.append(ReliabilityBin(number / bins, (number + 1) / bins, int(chosen.sum()), said, seen))
    return tuple(table)


def calibration_error(probabilities: Floats, labels: Bools, bins: int = 10) -> float:
    """Expected calibration error: mean gap between said and seen over the bins, weighted by their cases."""
    table = reliability(probabilities, labels, bins)
    return sum(item.n * abs(item.said - item.seen) for item in table) / max(1, len(labels))


def fit_calibration(logits: Floats, labels: Bools) -> tuple[float, float]:
    """(temperature, offset) of the least log-loss, by Newton's method on slope and offset with a weak prior.

    Raises ValueError where a class is missing.
    """
    if labels.all() or not labels.any():
        raise ValueError("calibration needs both classes")
    slope, offset, targets = 1.0, 0.0, labels.astype(np.float64)
    for _ in range(100):
        probability = 1.0 / (1.0 + np.exp(-np.clip(slope * logits + offset, -60, 60)))
        residual, weight = probability - targets, probability * (1 - probability)
        gradient = np.array([residual @ logits + 1e-3 * (slope - 1.0), residual.sum() + 1e-3 * offset])
        cross = weight @ logits
        hessian = np.array([[weight @ logits**2 + 1e-3, cross], [cross, weight.sum() + 1e-3]])
        step = np.linalg.solve(hessian, gradient)
        step *= min(1.0, 1.0 / float(np.abs(step).max() + 1e-12))
        slope, offset = max(1e-3, slope - float(step[0])), offset - float(step[1])
        if float(np.abs(step).max()) < 1e-9:
            break
    return 1.0 / slope, offset


def calibration_slope(logits: Floats, labels: Bools) -> Interval:
    """How much bolder (under 1) or more timid (over 1) log-odds are than what came true (Cox 1958): the slope of a
    logistic regression on them, with Wald's interval.

    NaN where it cannot be told: a class is missing, or the classes overlap so little that any steep slope fits.
    """
    unknown = Interval(math.nan, math.nan, math.nan, len(labels))
    if labels.all() or not labels.any():
        return unknown
    design, weights = np.stack([np.ones(len(logits)), logits], axis=1), np.array([0.0, 1.0])
    hessian, settled = np.eye(2), False
    for _ in range(100):
        said = 1 / (1 + np.exp(-np.clip(design @ weights, -60, 60)))
        hessian = (design.T * (said * (1 - said) + 1e-9)) @ design
        step = np.linalg.solve(hessian, design.T @ (said - labels))
        weights = weights - step * min(1.0, 2.0 / float(np.abs(step).max() + 1e-12))
        if settled := float(np.abs(step).max()) < 1e-9:
            break
    slope, half = float(weights[1]), _Z95 * math.sqrt(float(np.linalg.inv(hessian)[1, 1]))
    return Interval(slope, slope - half, slope + half, len(labels)) if settled and half < _WIDEST_SLOPE else unknown


def offset_at(slope: float, logits: Floats, labels: Bools) -> float:
    """The offset of the least log-loss for slope * logits + offset."""
    offset = 0.0
    for _ in range(100):
        said = 1 / (1 + np.exp(-np.clip(slope * logits + offset, -60, 60)))
        step = float((said - labels).sum() / ((said * (1 - said)).sum() + 1e-9))
        offset -= max(-1.0, min(1.0, step))
        if abs(step) < 1e-9:
            break
    return offset


def thresholds_of(said: Floats, labels: Bools, alphas: Sequence[float], strictness: float = 1.0) -> ConformalThresholds:
    """Where a probability stops being usual for those with, and for those without, a finding.

    alphas: share of each class that a decision may get wrong, the largest first. Where the classes are far apart, a
    share that may be wrong would have to be made up between them; then a smaller share is taken, as far as there are
    people enough for it. strictness: how many times fewer of those without the finding may be called likely: with a
    rare one, as many of them as of those with it would be most of the likely ones.
    """
    found, fewest = None, int(min(labels.sum(), (~labels).sum() / strictness))
    for alpha in alphas:
        if found is not None and alpha * (fewest + 1) < 1:
            break
        found = conformal_thresholds(said[labels].tolist(), said[~labels].tolist(), alpha, alpha / strictness)
        if found.positive <= found.negative:
            break
    assert found is not None, "there is a share to try"
    return found
