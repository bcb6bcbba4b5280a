"""Extremely randomised trees (Geurts, Ernst and Wehenkel 2006): many trees whose cuts are drawn at random, averaged.

Made for a few hundred rows of some hundred measured numbers, where a network has too little to learn from and a sum of
curves misses what only numbers together tell. numpy only, the same every time from the same seed. Rows and cuts are in
single precision, as the graph compares them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.learning.additive import Bools, Floats

Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ForestPlan:
    """trees: how many. least: rows in a leaf. share: of the columns tried at each cut."""

    trees: int
    least: int
    share: float


@dataclass(frozen=True, eq=False)
class Tree:
    """Nodes by number, the first is the root. column: (nodes,) that is looked at, -1 in a leaf. cut: a row whose value
    is at most this goes to `low`, another to `high`. share: (nodes,) of the weight there that has the finding."""

    column: Ints
    cut: Singles
    low: Ints
    high: Ints
    share: Floats

    def answer(self, rows: Singles) -> Floats:
        """(n,) the share in the leaf each row falls into. rows: (n, columns), nothing missing."""
        place = np.zeros(len(rows), dtype=np.int64)
        while (inner := self.column[place] >= 0).any():
            at = place[inner]
            below = rows[np.flatnonzero(inner), self.column[at]] <= self.cut[at]
            place[inner] = np.where(below, self.low[at], self.high[at])
        return self.share[place]


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees of equal weight. usual: (columns,) what a missing value is taken for."""

    trees: tuple[Tree, ...]
    usual: Singles

    def shares(self, rows: Floats) -> Floats:
        """(n,) between 0 and 1. rows: (n, columns), NaN where missing."""
        known = filled_in(rows, self.usual)
        return np.asarray(np.mean([tree.answer(known) for tree in self.trees], axis=0))


def filled_in(rows: Floats, usual: Singles) -> Singles:
    """Rows in single precision with what is usual where something is missing."""
    single = rows.astype(np.float32)
    return np.where(np.isnan(single), usual, single)


def usual_of(rows: Floats) -> Singles:
    """The median of each column, 0 of an empty one."""
    known = np.where(np.isnan(rows).all(axis=0), 0.0, rows)
    return np.nanmedian(known, axis=0).astype(np.float32)


def grow(rows: Floats, labels: Bools, plan: ForestPlan, seed: int) -> Forest:
    """A forest of these rows, NaN where missing; those with and those without the finding weigh the same together.

    Raises ValueError where a class is missing.
    """
    if labels.all() or not labels.any():
        raise ValueError("a forest needs both classes")
    usual = usual_of(rows)
    known = filled_in(rows, usual)
    weights = np.where(labels, 0.5 / labels.sum(), 0.5 / (~labels).sum())
    seeds = np.random.SeedSequence(seed).spawn(plan.trees)
    columns = np.flatnonzero(np.ptp(known, axis=0) > 0)
    trees = (_tree(known, labels, weights, columns, plan, np.random.default_rng(one)) for one in seeds)
    return Forest(tuple(trees), usual)


def _tree(
    rows: Singles, labels: Bools, weights: Floats, columns: Ints, plan: ForestPlan, random: np.random.Generator
) -> Tree:
    """Grown until a leaf holds one class only, or no cut leaves `least` rows on both sides."""
    having = weights * labels
    column, cut, low, high, share = [-1], [0.0], [0], [0], [0.0]
    waiting = [(0, np.arange(len(rows)))]
    tried = max(1, round(plan.share * len(columns)))
    while waiting:
        node, members = waiting.pop()
        total, positive = float(weights[members].sum()), float(having[members].sum())
        share[node] = positive / total
        if len(members) < 2 * plan.least or positive < 1e-12 or total - positive < 1e-12:
            continue
        found = _cut(rows, weights, having, members, random.choice(columns, tried, replace=False), plan, random)
        if found is None:
            continue
        column[node], cut[node], below = found
        for side, part in ((low, members[below]), (high, members[~below])):
            side[node] = len(column)
            waiting.append((len(column), part))
            column.append(-1)
            cut.append(0.0)
            low.append(0)
            high.append(0)
            share.append(0.0)
    return Tree(
        np.array(column, dtype=np.int64),
        np.array(cut, dtype=np.float32),
        np.array(low, dtype=np.int64),
        np.array(high, dtype=np.int64),
        np.array(share),
    )


def _cut(
    rows: Singles,
    weights: Floats,
    having: Floats,
    members: Ints,
    columns: Ints,
    plan: ForestPlan,
    random: np.random.Generator,
) -> tuple[int, float, Bools] | None:
    """The best of one random cut for each column (Gini), or None where none leaves rows enough on both sides."""
    values = rows[np.ix_(members, columns)]
    least, most = values.min(axis=0), values.max(axis=0)
    cuts = (least + random.random(len(columns)) * (most - least)).astype(np.float32)
    below = values <= cuts
    count = below.sum(axis=0)
    weight, positive = weights[members], having[members]
    low, low_positive = weight @ below, positive @ below
    high, high_positive = weight.sum() - low, positive.sum() - low_positive
    allowed = (count >= plan.least) & (len(members) - count >= plan.least) & (most > least)
    if not allowed.any():
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        impurity = low_positive * (1 - low_positive / low) + high_positive * (1 - high_positive / high)
    best = int(np.argmin(np.where(allowed, impurity, np.inf)))
    return int(columns[best]), float(cuts[best]), below[:, best]


def ensemble(forests: Sequence[Forest]) -> dict[str, Any]:
    """The attributes of ai.onnx.ml TreeEnsembleRegressor, version 3: (n, columns) to (n, forests) shares."""
    inner = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")
    outer = ("treeids", "nodeids", "ids", "weights")
    found: dict[str, list[object]] = {f"nodes_{name}": [] for name in inner}
    found |= {f"target_{name}": [] for name in outer}
    number = 0
    for target, forest in enumerate(forests):
        for tree in forest.trees:
            for place, column in enumerate(tree.column.tolist()):
                leaf = column < 0
                kind = "LEAF" if leaf else "BRANCH_LEQ"
                sides = int(tree.low[place]), int(tree.high[place])
                row = (number, place, max(column, 0), float(tree.cut[place]), kind, *sides)
                for name, held in zip(inner, row, strict=True):
                    found[f"nodes_{name}"].append(held)
                if leaf:
                    answer = (number, place, target, float(tree.share[place]) / len(forest.trees))
                    for name, held in zip(outer, answer, strict=True):
                        found[f"target_{name}"].append(held)
            number += 1
    return {**found, "n_targets": len(forests), "aggregate_function": "SUM", "post_transform": "NONE"}
