"""One answer from those of several people, each of whom errs in their own way (Dawid and Skene 1979), for yes or no.

Expectation and maximisation over what is true and how often each labeller sees it. Priors keep a labeller of few
answers near the usual one, and tell right from mirrored: everybody is taken to be better than chance until shown not
to be. An unsure answer is no answer. What is known for certain (gold) is held fast, and is the only thing that can show
a lone honest labeller among careless ones.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from desktop.learning.statistics import Interval

ENOUGH_SHARED = 20
"""Items with three answers under which how well a labeller sees cannot be told from the answers alone."""

# A labeller is right in four of five until their own answers say otherwise: five answers' worth of prior.
_RIGHT, _WRONG = 4.0, 1.0
# One of either kind, so that no share of cases becomes 0 or 1.
_PREVALENCE = 1.0
_ROUNDS = 500
_SETTLED = 1e-8

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


class Basis(StrEnum):
    """What a merged answer rests on.

    NOBODY: no answer at all. ONE: a single labeller's word. TWO: two labellers, or more of whom never three met on
    enough items; where they differ nothing says who is right, but for the gold. MANY: each is judged by the others.
    """

    NOBODY = "nobody"
    ONE = "one"
    TWO = "two"
    MANY = "many"


@dataclass(frozen=True)
class Vote:
    """One answer of one labeller about one item. present: None where they were unsure."""

    item: str
    labeller: str
    present: bool | None


@dataclass(frozen=True)
class Skill:
    """How often a labeller sees what is there, and what is not, with 95 % credible intervals (of the counts that the
    merged answers give, as if these were sure); NaN where the answers cannot tell. answers: how many, unsure ones not
    among them."""

    sensitivity: Interval
    specificity: Interval
    answers: int


@dataclass(frozen=True)
class Merged:
    """answers: probability, 0 to 1, that it is present, for every item somebody answered or that is known. skills: by
    labeller. prevalence: share of the items that have it; NaN where nobody answered."""

    basis: Basis
    answers: Mapping[str, float]
    skills: Mapping[str, Skill]
    prevalence: float


@dataclass(frozen=True, eq=False)
class _Table:
    """The answers as numbers. item, who: indices (answers,). yes: (answers,) 0 or 1. known: (items,) 0, 1 or NaN."""

    items: tuple[str, ...]
    labellers: tuple[str, ...]
    item: Counts
    who: Counts
    yes: Floats
    known: Floats

    def by_item(self, values: Floats) -> Floats:
        """Sums of what belongs to each answer, for each item."""
        return np.bincount(self.item, values, len(self.items)).astype(np.float64)

    def by_labeller(self, values: Floats) -> Floats:
        """Sums of what belongs to each answer, for each labeller."""
        return np.bincount(self.who, values, len(self.labellers)).astype(np.float64)


def merge(votes: Iterable[Vote], gold: Mapping[str, bool] | None = None) -> Merged:
    """Merge the answers; of two by the same labeller on the same item the later holds.

    gold: what is known for certain, by item. The result does not depend on the order of votes or on anybody's name.
    """
    table = _table(votes, gold or {})
    basis = _basis(table)
    truth, prevalence = _settle(table, learn=basis is Basis.MANY)
    # Fewer than three tell nothing of each other: only what is known does.
    weights = truth if basis is Basis.MANY else np.where(np.isnan(table.known), np.nan, truth)
    skills = _skills(table, weights)
    answers = {item: float(value) for item, value in zip(table.items, truth, strict=True)}
    return Merged(basis, answers, skills, prevalence if answers else math.nan)


def _table(votes: Iterable[Vote], gold: Mapping[str, bool]) -> _Table:
    newest = {(vote.item, vote.labeller): vote.present for vote in votes}
    told = sorted((item, who, present) for (item, who), present in newest.items() if present is not None)
    items = tuple(sorted({item for item, _, _ in told} | set(gold)))
    labellers = tuple(sorted({who for _, who, _ in told}))
    place = {item: index for index, item in enumerate(items)}
    seat = {who: index for index, who in enumerate(labellers)}
    return _Table(
        items,
        labellers,
        np.array([place[item] for item, _, _ in told], dtype=np.int64),
        np.array([seat[who] for _, who, _ in told], dtype=np.int64),
        np.array([present for _, _, present in told], dtype=np.float64),
        np.array([float(gold[item]) if item in gold else np.nan for item in items], dtype=np.float64),
    )


def _basis(table: _Table) -> Basis:
    if len(table.labellers) < 2:
        return Basis.ONE if table.labellers else Basis.NOBODY
    shared = int((np.bincount(table.item, minlength=len(table.items)) >= 3).sum())
    return Basis.MANY if shared >= ENOUGH_SHARED else Basis.TWO


def _settle(table: _Table, *, learn: bool) -> tuple[Floats, float]:
    """Probability that each item has it, and the share of items that do.

    learn: whether labellers are judged by all items; else only by those that are known, and how frequent the thing is
    does not speak against anybody's word."""
    sure = ~np.isnan(table.known)
    answers = table.by_item(np.ones_like(table.yes))
    # It begins with the share of yes, drawn a little to the middle.
    truth = np.where(sure, table.known, (table.by_item(table.yes) + 0.5) / (answers + 1.0))
    prevalence = 0.5
    for _ in range(_ROUNDS):
        weight = np.ones(len(truth)) if learn else sure.astype(np.float64)
        has, lacks = (truth * weight)[table.item], ((1 - truth) * weight)[table.item]
        seen = (_RIGHT + table.by_labeller(has * table.yes)) / (_RIGHT + _WRONG + table.by_labeller(has))
        cleared = (_RIGHT + table.by_labeller(lacks * (1 - table.yes))) / (_RIGHT + _WRONG + table.by_labeller(lacks))
        prevalence = float((truth.sum() + _PREVALENCE) / (len(truth) + 2 * _PREVALENCE))
        yes, no = np.log(seen / (1 - cleared)), np.log((1 - seen) / cleared)
        odds = (math.log(prevalence / (1 - prevalence)) if learn else 0.0) + table.by_item(
            np.where(table.yes > 0, yes[table.who], no[table.who])
        )
        found = np.where(sure, table.known, 1.0 / (1.0 + np.exp(-np.clip(odds, -60, 60))))
        moved = float(np.abs(found - truth).max(initial=0.0))
        truth = found
        if moved < _SETTLED:
            break
    return truth, prevalence


def _skills(table: _Table, truth: Floats) -> dict[str, Skill]:
    """truth: (items,) probability, NaN for items that judge nobody."""
    held = truth[table.item]
    judged = ~np.isnan(held)
    has, lacks = np.where(judged, held, 0.0), np.where(judged, 1 - held, 0.0)
    counts = table.by_labeller(np.ones_like(table.yes))
    hits, present = table.by_labeller(has * table.yes), table.by_labeller(has)
    clear, absent = table.by_labeller(lacks * (1 - table.yes)), table.by_labeller(lacks)
    return {
        name: Skill(
            _credible(float(hits[index]), float(present[index])),
            _credible(float(clear[index]), float(absent[index])),
            int(counts[index]),
        )
        for index, name in enumerate(table.labellers)
    }


def _credible(right: float, of: float) -> Interval:
    """A share of soft counts with the interval that its Beta posterior gives; NaN under half a case."""
    if of < 0.5:
        return Interval(math.nan, math.nan, math.nan, 0)
    # Late: the window starts without it.
    from scipy.special import betaincinv

    right = min(right, of)
    first, second = _RIGHT + right, _WRONG + of - right
    low, high = (float(betaincinv(first, second, edge)) for edge in (0.025, 0.975))
    return Interval(first / (first + second), low, high, round(of))
