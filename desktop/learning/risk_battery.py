"""Rows of values made worse as who measures may make them, and what that costs a model of risk where it decides.

Units mixed up are left out: no value of another unit is a worse measurement of the same, and most lie beyond what was
learned from, where nothing is decided.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from desktop.learning.additive import Bools, Floats
from desktop.learning.records import Json
from desktop.learning.risk_sets import RiskSet
from desktop.learning.risk_training import Fold, RiskSettings, no_answer, probabilities
from desktop.learning.robustness import Fared, losses, two_sided
from desktop.learning.tables import Table

_KNOWN = ("age", "Age")
_SEED = 5


@dataclass(frozen=True, eq=False)
class _Measured:
    """numbers: (columns,) which are measured. weights: (columns,) of a model."""

    numbers: Bools
    weights: Floats


_Worsen = Callable[[Floats, _Measured, np.random.Generator], Floats]


def _off(share: float) -> _Worsen:
    """Every number off by a normal error of that share of itself, each by its own."""
    return lambda rows, of, random: np.where(of.numbers, rows * (1 + random.normal(0, share, rows.shape)), rows)


def _too_high(share: float) -> _Worsen:
    return lambda rows, of, _random: np.where(of.numbers, rows * (1 + share), rows)


def _two_digits(rows: Floats, of: _Measured, _random: np.random.Generator) -> Floats:
    size = 10.0 ** (np.floor(np.log10(np.maximum(np.abs(rows), 1e-12))) - 1)
    return np.where(of.numbers, np.round(rows / size) * size, rows)


def _one_missing(rows: Floats, _of: _Measured, random: np.random.Generator) -> Floats:
    """Of each person one value that is there, whichever."""
    left = rows.copy()
    chances = np.where(np.isnan(rows), -1.0, random.random(rows.shape))
    left[np.arange(len(rows)), chances.argmax(axis=1)] = np.nan
    return left


def _weightiest_missing(rows: Floats, of: _Measured, _random: np.random.Generator) -> Floats:
    left = rows.copy()
    left[:, int(of.weights.argmax())] = np.nan
    return left


CHANGES: Mapping[str, _Worsen | None] = {
    "as it is": None,
    "every number off by 5 % at random": _off(0.05),
    "every number off by 10 % at random": _off(0.1),
    "every number 5 % too high": _too_high(0.05),
    "every number rounded to two digits": _two_digits,
    "one value left out": _one_missing,
    "the weightiest value left out": _weightiest_missing,
}


def battery(table: Table, risk: RiskSet, folds: Sequence[Fold], settings: RiskSettings) -> list[Json]:
    """What is lost of the mean of sensitivity and specificity at one half, see `robustness`; who gets no decision is
    counted as refused. folds: of one round over everybody."""
    numbers = np.array([not column.choices and column.key not in _KNOWN for column in risk.columns])
    fared = []
    for name, worsen in CHANGES.items():
        called, silent = np.zeros(len(table.labels), dtype=bool), np.zeros(len(table.labels), dtype=bool)
        random = np.random.default_rng(_SEED)
        for fold in folds:
            rows = table.rows[fold.out]
            if worsen is not None:
                rows = worsen(rows, _Measured(numbers, fold.fitted.weights), random)
            called[fold.out] = probabilities(fold.fitted.model.logits(rows)) >= 0.5
            silent[fold.out] = no_answer(fold.fitted, rows, settings)
        fared.append(Fared(name, {risk.finding: two_sided(called, table.labels)}, silent))
    return losses(fared, [str(number) for number in range(len(table.labels))])
