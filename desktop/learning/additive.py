"""An additive model of a table's rows: log-odds are a sum of one curve per column, so what each value adds is exact.

A numeric column's curve is piecewise linear between knots at the column's quantiles, smoothed by a penalty on bends and
on slopes (a penalised spline: Eilers and Marx 1996); a column of choices has one height for each choice, drawn to the
average (ridge). What is absent adds nothing: that somebody was not measured says how a hospital works, not how ill he
is. numpy only, the same every time.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_KNOTS = 12
_ROUNDS = 60


@dataclass(frozen=True)
class ColumnPlan:
    """What a column holds. choices: how many answers it knows, 0 for a number. ordered: the answers are steps of a
    scale, and neighbours are alike. logarithmic: a number spread by its logarithm, as laboratory values of long tails
    are."""

    choices: int = 0
    ordered: bool = False
    logarithmic: bool = False


@dataclass(frozen=True)
class Penalty:
    """How much the data must say for a bend, for a slope, and for a choice's height."""

    bend: float
    slope: float
    choice: float


# From nearly free curves to nearly straight lines.
PENALTIES = (
    *(Penalty(bend, slope, choice) for bend in (1.0, 5.0, 20.0, 100.0) for slope, choice in ((1.0, 1.0), (5.0, 2.0))),
    Penalty(5.0, 20.0, 5.0),
    Penalty(1e4, 1.0, 1.0),
    Penalty(1e4, 0.3, 0.3),
    Penalty(1e4, 5.0, 2.0),
    Penalty(1e4, 20.0, 5.0),
)


@dataclass(frozen=True, eq=False)
class Curve:
    """What one column adds. knots: values (places, for choices) in ascending order; heights: what is added there,
    linear between, flat beyond. Nothing is added where there is no value."""

    knots: Floats
    heights: Floats

    def at(self, values: Floats) -> Floats:
        """What each value adds; NaN is absent."""
        found: Floats = np.interp(np.nan_to_num(values, nan=self.knots[0]), self.knots, self.heights)
        return np.where(np.isnan(values), 0.0, found)


@dataclass(frozen=True, eq=False)
class Additive:
    """baseline + the sum of the curves."""

    baseline: float
    curves: tuple[Curve, ...]

    def contributions(self, rows: Floats) -> Floats:
        """rows: (n, columns), NaN where absent → (n, columns)."""
        return np.stack([curve.at(rows[:, place]) for place, curve in enumerate(self.curves)], axis=1)

    def logits(self, rows: Floats) -> Floats:
        """(n, columns) → (n,)."""
        total: Floats = self.baseline + self.contributions(rows).sum(axis=1)
        return total

    def scaled(self, slope: float, offset: float) -> "Additive":
        """The model whose logits are slope * logits + offset."""
        curves = tuple(Curve(one.knots, one.heights * slope) for one in self.curves)
        return Additive(self.baseline * slope + offset, curves)


@dataclass(frozen=True, eq=False)
class _Block:
    """The columns of the design matrix that one column of the table becomes, and their penalty. centre: how much each
    knot counts for the average of those who have a value."""

    knots: Floats
    centre: Floats
    penalty: Floats


def fit(rows: Floats, labels: Bools, plans: Sequence[ColumnPlan], penalty: Penalty) -> Additive:
    """rows: (n, columns), NaN where absent. Raises ValueError where one class is missing."""
    if labels.all() or not labels.any():
        raise ValueError("both classes are needed")
    blocks = [_block(rows[:, place], plan, penalty) for place, plan in enumerate(plans)]
    parts = [_design(rows[:, place], block) for place, block in enumerate(blocks)]
    design = np.hstack([np.ones((len(rows), 1)), *parts])
    weights = _newton(design, labels.astype(np.float64), _joined([block.penalty for block in blocks]))
    curves, start = [], 1
    for block in blocks:
        heights = weights[start : start + len(block.knots)]
        start += len(block.knots)
        # Every curve says how this value differs from the average person's.
        curves.append(Curve(block.knots, heights - block.centre @ heights))
    return Additive(float(weights[0]), tuple(curves))


def _block(values: Floats, plan: ColumnPlan, penalty: Penalty) -> _Block:
    known = values[~np.isnan(values)]
    if plan.choices:
        knots = np.arange(plan.choices, dtype=np.float64)
        square = penalty.choice * np.eye(plan.choices)
        if plan.ordered and plan.choices > 1:
            square = _smoothing(knots - knots.mean(), penalty) + 1e-3 * np.eye(plan.choices)
    else:
        knots = _knots(known)
        spread, seen = (np.log(np.maximum(one, 1e-3)) if plan.logarithmic else one for one in (knots, known))
        deviation = float(np.std(seen)) if len(known) > 1 else 0.0
        square = _smoothing((spread - spread.mean()) / (deviation or 1.0), penalty)
    centre = _hats(known, knots).mean(axis=0) if len(known) else np.zeros(len(knots))
    return _Block(knots, centre, square)


def _knots(known: Floats) -> Floats:
    """Different values at equal shares of the people."""
    if not len(known):
        return np.array([0.0, 1.0])
    knots = np.unique(np.quantile(known, np.linspace(0.01, 0.99, _KNOTS)))
    return knots if len(knots) > 1 else np.array([known.min(), max(known.max(), known.min() + 1.0)])


def _smoothing(places: Floats, penalty: Penalty) -> Floats:
    """The penalty on bends and slopes of heights at these places, whose distances differ."""
    count, steps = len(places), np.diff(places)
    steps = np.maximum(steps, 1e-6)
    bends = np.zeros((max(count - 2, 0), count))
    for place, (before, after) in enumerate(itertools.pairwise(steps)):
        bend = np.array([1 / before, -1 / before - 1 / after, 1 / after])
        bends[place, place : place + 3] = bend / math.sqrt((before + after) / 2)
    slopes = np.zeros((count - 1, count))
    for place, step in enumerate(steps):
        slopes[place, place : place + 2] = np.array([-1, 1]) / math.sqrt(step)
    span = float(steps.sum())
    square: Floats = penalty.bend * bends.T @ bends + penalty.slope * slopes.T @ slopes / span + 1e-6 * np.eye(count)
    return square


def _hats(values: Floats, knots: Floats) -> Floats:
    """(n, knots): how much each knot counts for a value, linear between its neighbours."""
    held = np.clip(values, knots[0], knots[-1])
    if len(knots) == 1:
        return np.ones((len(values), 1))
    left = np.clip(np.searchsorted(knots, held, side="right") - 1, 0, len(knots) - 2)
    share = (held - knots[left]) / (knots[left + 1] - knots[left])
    hats = np.zeros((len(values), len(knots)))
    index = np.arange(len(values))
    hats[index, left], hats[index, left + 1] = 1 - share, share
    return hats


def _design(values: Floats, block: _Block) -> Floats:
    missing = np.isnan(values)
    hats = _hats(np.where(missing, block.knots[0], values), block.knots) - block.centre
    hats[missing] = 0.0
    return hats


def _joined(squares: Sequence[Floats]) -> Floats:
    """The squares along one diagonal, behind the baseline, which nothing holds back."""
    size = 1 + sum(len(square) for square in squares)
    joined, start = np.zeros((size, size)), 1
    for square in squares:
        joined[start : start + len(square), start : start + len(square)] = square
        start += len(square)
    return joined


def _newton(design: Floats, targets: Floats, penalty: Floats) -> Floats:
    """Weights of the least penalised log-loss, by Newton's method with halved steps where one goes too far."""
    weights = np.zeros(design.shape[1])
    weights[0] = math.log(targets.mean() / (1 - targets.mean()))

    def loss(tried: Floats) -> float:
        logits = design @ tried
        return float(np.logaddexp(0, logits).sum() - targets @ logits + 0.5 * tried @ penalty @ tried)

    now = loss(weights)
    for _ in range(_ROUNDS):
        said = 1 / (1 + np.exp(-np.clip(design @ weights, -60, 60)))
        gradient = design.T @ (said - targets) + penalty @ weights
        hessian = (design.T * (said * (1 - said) + 1e-9)) @ design + penalty
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while size > 1e-4 and loss(weights - size * step) > now:
            size /= 2
        weights = weights - size * step
        before, now = now, loss(weights)
        if before - now < 1e-9 * max(1.0, abs(now)):
            break
    return weights
