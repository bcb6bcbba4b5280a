"""How much a model may lose where it decides when what it is given gets worse, and how much it does lose. numpy only.

Permitted are 5 points after every mild change, the same for all models: about as much as the three-way answers give
away by design (most thresholds may get 3 to 10 % of a class wrong), and about as little as some hundred cases can tell
from chance. Counted is what the model is used by. Of a finding that is the mean of sensitivity and specificity at its
operating point, since the area under the curve stays the same when all probabilities move to one side and the answers
turn; of more than two answers the mean share that is right of each kind; of a mask its overlap (Dice); of a count how
far it is off, as a share of what there is.

What is refused after a change counts as nothing lost, for no answer is given; how much that is always stands beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.inference.calibration import ConformalThresholds
from desktop.learning.records import Json
from desktop.learning.statistics import by_patient, interval

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

PERMITTED = 0.05
"""Share that may be lost, see above."""
FEWEST = 20
"""Cases of each kind from which on a loss is told: of fewer, one alone would be what is permitted."""
_ROUNDS = 200


@dataclass(frozen=True, eq=False)
class Scored:
    """How cases fare. right, of: (n, kinds). What is right of a kind, over all cases, is a share; the mean of the
    kinds' shares is what may not fall. cases: whether `of` counts cases that are right or wrong."""

    right: Floats
    of: Floats
    cases: bool = True


@dataclass(frozen=True, eq=False)
class Fared:
    """How the same cases fare after one change. scores: by what is told of them. refused: (n,)."""

    change: str
    scores: Mapping[str, Scored]
    refused: Bools


@dataclass(frozen=True)
class Lost:
    """What one change costs. of: what is told. value, low, high: shares, above 0 where something is lost; None where it
    cannot be told. refused: the share that is refused after the change."""

    change: str
    of: str
    value: float | None
    low: float | None
    high: float | None
    refused: float

    @property
    def beyond(self) -> bool:
        """Whether more is lost than is permitted."""
        return self.value is not None and self.value > PERMITTED

    @property
    def perhaps_chance(self) -> bool:
        """Whether the interval holds that nothing is lost."""
        return self.low is None or self.low <= 0


def operating_point(thresholds: ConformalThresholds) -> float:
    """The probability at which likely and unlikely part: midway between the two thresholds."""
    return (thresholds.positive + thresholds.negative) / 2


def by_kind(right: Bools, kinds: Ints, count: int) -> Scored:
    """Every case right or not, and of one kind; -1: of none, and not counted."""
    of = (kinds[:, None] == np.arange(count)).astype(np.float64)
    return Scored(of * right[:, None], of)


def two_sided(called: Bools, labels: Bools, known: Bools | None = None) -> Scored:
    """The mean of sensitivity and specificity. known: whose label is, None for everybody's."""
    kinds = labels.astype(np.int64)
    return by_kind(called == labels, kinds if known is None else np.where(known, kinds, -1), 2)


def overlaps(values: Sequence[float]) -> Scored:
    """The mean of shares of single cases, such as Dice."""
    right = np.array(values, dtype=np.float64)[:, None]
    return Scored(right, np.ones_like(right), cases=False)


def counted(said: Floats, true: Floats) -> Scored:
    """How far counts are off, as a share of all there is."""
    return Scored(-np.abs(said - true)[:, None], true[:, None].astype(np.float64))


def losses(fared: Sequence[Fared], groups: Sequence[str]) -> list[Json]:
    """A row for each change but the first, which is none, and each thing told; without a loss where there are too few
    of a kind. groups: whose each case is, drawn together with replacement for the intervals; before and after a change
    are always the same cases."""
    usual, rows = fared[0], list[Json]()
    for one in fared[1:]:
        for of, scored in one.scores.items():
            before = usual.scores[of]
            fallen = np.where(one.refused[:, None], 0.0, before.right - scored.right)

            def lost(index: Ints, fallen: Floats = fallen, whole: Floats = before.of) -> float:
                there = whole[index].sum(axis=0)
                told = there > 0
                return float(np.mean(fallen[index].sum(axis=0)[told] / there[told])) if told.any() else float("nan")

            whole = before.of.sum(axis=0)
            few = before.cases and bool(((whole > 0) & (whole < FEWEST)).any())
            found = None if few else interval(by_patient(lost, groups, rounds=_ROUNDS))
            rows.append({"change": one.change, "of": of, "lost": found, "refused": round(float(one.refused.mean()), 4)})
    return rows


def lost_rows(rows: Sequence[Any]) -> tuple[Lost, ...]:
    """The rows of an evaluation, read back."""
    found = []
    for row in rows:
        lost = row["lost"] or {"value": None, "low": None, "high": None}
        found.append(Lost(row["change"], row["of"], lost["value"], lost["low"], lost["high"], row["refused"]))
    return tuple(found)
