"""How well each labeller labels: against what is known for certain, and against what the others say together."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from desktop.learning.dawid_skene import Basis, Vote, merge
from desktop.learning.statistics import Interval, by_patient, wilson

TOO_FEW = 20
"""Answers under which a share tells nothing: its interval is wider than 40 points."""

# The others' merged answer counts where they are as sure as this.
_SURE = 0.75


@dataclass(frozen=True)
class LabellerRow:
    """One labeller on the board. answers: how many, unsure ones among them. sensitivity, specificity: against gold and
    what two others or more say with one voice, with Wilson's intervals. agreement: with what all others say together,
    where they are sure of it."""

    labeller: str
    answers: int
    unsure: Interval
    sensitivity: Interval
    specificity: Interval
    agreement: Interval

    def enough(self, share: Interval) -> bool:
        """Whether there are cases enough to judge anybody by."""
        return share.n >= TOO_FEW


@dataclass(frozen=True)
class Board:
    """rows: by labeller. agreement: Krippendorff's alpha of all together, 1 complete, 0 what chance gives; NaN where no
    item has two answers. shared: items with two answers or more. gold: items that are known."""

    basis: Basis
    rows: tuple[LabellerRow, ...]
    agreement: Interval
    shared: int
    gold: int


def board(votes: Iterable[Vote], gold: Mapping[str, bool]) -> Board:
    """The board of all answers; of two by the same labeller on the same item the later holds."""
    newest = {(vote.item, vote.labeller): vote for vote in votes}
    told = [newest[key] for key in sorted(newest)]
    names = sorted({vote.labeller for vote in told})
    rows = tuple(_row(name, told, gold) for name in names)
    alpha, shared = _alpha(told)
    asked = {vote.item for vote in told}
    return Board(merge(told, gold).basis, rows, alpha, shared, len(asked & set(gold)))


def agreed(votes: Iterable[Vote]) -> dict[str, bool]:
    """What two labellers or more say of an item, where none says otherwise or is unsure."""
    said: dict[str, list[bool | None]] = {}
    for vote in votes:
        said.setdefault(vote.item, []).append(vote.present)
    return {
        item: given[0]
        for item, given in said.items()
        if len(given) > 1 and given[0] is not None and all(one is given[0] for one in given)
    }


def _row(name: str, told: Sequence[Vote], gold: Mapping[str, bool]) -> LabellerRow:
    own = [vote for vote in told if vote.labeller == name]
    gold = {**agreed(vote for vote in told if vote.labeller != name), **gold}
    known = [vote for vote in own if vote.item in gold and vote.present is not None]
    there = [vote.present is True for vote in known if gold[vote.item]]
    not_there = [vote.present is False for vote in known if not gold[vote.item]]
    others = merge(vote for vote in told if vote.labeller != name).answers
    sure = {item: chance >= 0.5 for item, chance in others.items() if max(chance, 1 - chance) >= _SURE}
    met = [vote.present == sure[vote.item] for vote in own if vote.item in sure and vote.present is not None]
    return LabellerRow(
        name,
        len(own),
        wilson(sum(vote.present is None for vote in own), len(own)),
        wilson(sum(there), len(there)),
        wilson(sum(not_there), len(not_there)),
        wilson(sum(met), len(met)),
    )


def _alpha(told: Sequence[Vote]) -> tuple[Interval, int]:
    """Krippendorff's alpha for yes and no with missing answers (Krippendorff 2011), drawn again by item."""
    answers: dict[str, list[bool]] = {}
    for vote in told:
        if vote.present is not None:
            answers.setdefault(vote.item, []).append(vote.present)
    pairable = {item: given for item, given in answers.items() if len(given) > 1}
    if not pairable:
        return Interval(math.nan, math.nan, math.nan, 0), 0
    yes = np.array([sum(given) for given in pairable.values()], dtype=np.float64)
    size = np.array([len(given) for given in pairable.values()], dtype=np.float64)

    def alpha(indices: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
        some, of = yes[indices], size[indices]
        total = float(of.sum())
        differ = float((2 * some * (of - some) / (of - 1)).sum())
        by_chance = 2 * float(some.sum()) * float((of - some).sum()) / (total - 1)
        return 1.0 - differ / by_chance if by_chance > 0 else math.nan

    return by_patient(alpha, list(pairable), rounds=200), len(pairable)
