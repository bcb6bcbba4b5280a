"""How right a model is in this clinic, against what its cases turned out to be: the figures of a validation table.

A model may also say that it cannot say. Both readings of such an answer are given (Schuetz et al., BMJ 2012): of all
cases, where it counts as not found and as not ruled out, and of the decided ones alone, beside the share decided.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.learning.statistics import (
    Interval,
    auc,
    by_patient,
    calibration_slope,
    offset_at,
    reliability,
    wilson,
)
from desktop.records import Decision

FEWEST_CASES = 20
"""Cases under which nothing is said of a group: any share's interval is wider than 40 points."""

FEWEST_OF_CLASS = 10
"""Cases with the finding under which no sensitivity is given, and cases without it under which no specificity is: one
case more or less would move it by ten points. What needs both, such as the AUC, is not given where either is short."""

_Z95 = 1.959963984540054
_ROUNDS = 400
_GRID = np.linspace(0.0, 1.0, 51)
_FEW_BINS, _MANY_BINS, _MANY_CASES = 5, 10, 100
# No log-odds are infinite: a probability of exactly 0 or 1 is taken for one in a million.
_CERTAIN = 1e-6


@dataclass(frozen=True)
class Judged:
    """One answer about one finding, and what was true. patient: keeps a person's pictures together. probability: as it
    was said, 0 to 1. group: what it is counted under."""

    patient: str
    probability: float
    decision: Decision
    present: bool
    group: str = ""


@dataclass(frozen=True)
class Answers:
    """How many answers of each kind."""

    likely: int
    cannot_say: int
    unlikely: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.likely + self.cannot_say + self.unlikely

    @property
    def decided(self) -> int:
        """Those that say something."""
        return self.likely + self.unlikely


@dataclass(frozen=True)
class CalibrationBin:
    """Cases whose probability fell between low and high. said: mean probability; seen: share that had the finding."""

    low: float
    high: float
    said: float
    seen: Interval


@dataclass(frozen=True)
class Calibration:
    """slope: of a logistic regression on the log-odds said, 1 is right, under 1 too bold (Cox 1958); None where it
    cannot be told. offset: what has to be added to the log-odds said so that the mean is right, 0 is right. brier: mean
    squared error. brier_of_share: that of saying the share of cases with the finding every time."""

    slope: Interval | None
    offset: Interval
    brier: Interval
    brier_of_share: float
    bins: tuple[CalibrationBin, ...]


@dataclass(frozen=True)
class ValidationRow:
    """The figures of one group; None where it has too few cases for one. All intervals are of 95 %.

    Shares have Wilson's interval, which takes cases for independent; AUC and Brier score a bootstrap that draws whole
    patients. sensitivity, specificity: of all cases; the others of the decided ones alone, where those are enough.
    """

    group: str
    patients: int
    present: Answers
    absent: Answers
    decided: Interval | None
    sensitivity: Interval | None
    specificity: Interval | None
    sensitivity_decided: Interval | None
    specificity_decided: Interval | None
    likely_right: Interval | None
    unlikely_right: Interval | None
    area: Interval | None
    calibration: Calibration | None

    @property
    def cases(self) -> int:
        """How many there are."""
        return self.present.total + self.absent.total

    @property
    def missing(self) -> tuple[int, int, int]:
        """How many cases, with the finding, and without it, are wanting before every figure can be given."""
        return (
            max(0, FEWEST_CASES - self.cases),
            max(0, FEWEST_OF_CLASS - self.present.total),
            max(0, FEWEST_OF_CLASS - self.absent.total),
        )


@dataclass(frozen=True)
class Roc:
    """points: (share of those without it called, share of those with it called) as the threshold falls, from (0, 0) to
    (1, 1). band: (share without, lowest and highest usual share with), by patients drawn with replacement."""

    points: tuple[tuple[float, float], ...]
    band: tuple[tuple[float, float, float], ...]
    area: Interval


@dataclass(frozen=True)
class ValidationTable:
    """whole: of all cases. rows: one for each group, by name. roc: None where either class is short."""

    whole: ValidationRow
    rows: tuple[ValidationRow, ...]
    roc: Roc | None


def validate(cases: Sequence[Judged]) -> ValidationTable:
    """The figures of all cases and of each group."""
    groups = sorted({case.group for case in cases})
    rows = tuple(row_of(name, [case for case in cases if case.group == name]) for name in groups)
    whole = row_of("", cases)
    return ValidationTable(whole, rows, roc(cases) if whole.area is not None else None)


def row_of(group: str, cases: Sequence[Judged]) -> ValidationRow:
    """The figures of some cases."""
    present = _counted(case for case in cases if case.present)
    absent = _counted(case for case in cases if not case.present)
    enough = len(cases) >= FEWEST_CASES
    both = enough and min(present.total, absent.total) >= FEWEST_OF_CLASS
    decided = present.decided + absent.decided
    return ValidationRow(
        group=group,
        patients=len({case.patient for case in cases}),
        present=present,
        absent=absent,
        decided=wilson(decided, len(cases)) if enough else None,
        sensitivity=_share(present.likely, present.total) if enough else None,
        specificity=_share(absent.unlikely, absent.total) if enough else None,
        sensitivity_decided=_share(present.likely, present.decided) if enough else None,
        specificity_decided=_share(absent.unlikely, absent.decided) if enough else None,
        likely_right=_share(present.likely, present.likely + absent.likely) if enough else None,
        unlikely_right=_share(absent.unlikely, present.unlikely + absent.unlikely) if enough else None,
        area=area(cases) if both else None,
        calibration=_calibration(cases) if both else None,
    )


def area(cases: Sequence[Judged]) -> Interval:
    """Area under the ROC curve. Needs both classes.

    Where classes lie so far apart that every draw gives 1, the bootstrap would claim certainty; the interval is then as
    wide as Wilson's for so many cases of the smaller class without a miss.
    """
    said, labels = _arrays(cases)

    def ranked(index: npt.NDArray[np.int64]) -> float:
        return auc(said[index], labels[index])

    found = by_patient(ranked, [case.patient for case in cases], rounds=_ROUNDS)
    if found.low == found.high:
        fewest = min(int(labels.sum()), int((~labels).sum()))
        bound = wilson(fewest, fewest).low
        low = min(found.value, bound) if found.value >= 0.5 else found.value
        high = found.value if found.value >= 0.5 else max(found.value, 1 - bound)
        return Interval(found.value, low, high, found.n)
    return found


def roc(cases: Sequence[Judged]) -> Roc:
    """The curve with its band. Needs both classes."""
    said, labels = _arrays(cases)
    without, having = _curve(said, labels)
    patients = [case.patient for case in cases]
    names = sorted(set(patients))
    places = {name: place for place, name in enumerate(names)}
    members: list[list[int]] = [[] for _ in names]
    for index, patient in enumerate(patients):
        members[places[patient]].append(index)
    generator = np.random.default_rng(7)
    drawn = []
    for _ in range(_ROUNDS):
        chosen = [index for place in generator.integers(len(names), size=len(names)) for index in members[place]]
        if labels[chosen].all() or not labels[chosen].any():
            continue
        drawn.append(_at(*_curve(said[chosen], labels[chosen]), _GRID))
    low, high = np.percentile(np.array(drawn), [2.5, 97.5], axis=0)
    return Roc(
        tuple((float(x), float(y)) for x, y in zip(without, having, strict=True)),
        tuple((float(x), float(a), float(b)) for x, a, b in zip(_GRID, low, high, strict=True)),
        area(cases),
    )


def _curve(
    said: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Shares of both classes at or above each probability, the highest first, beginning with none."""
    order = np.argsort(-said, kind="mergesort")
    ends = np.flatnonzero(np.r_[said[order][1:] != said[order][:-1], True])
    having = np.cumsum(labels[order])[ends] / labels.sum()
    without = np.cumsum(~labels[order])[ends] / (~labels).sum()
    return np.r_[0.0, without], np.r_[0.0, having]


def _at(
    without: npt.NDArray[np.float64], having: npt.NDArray[np.float64], grid: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The curve's height over the grid: straight between its points, the highest where it rises."""
    last = np.searchsorted(without, grid, side="right") - 1
    following = np.minimum(last + 1, len(without) - 1)
    width = without[following] - without[last]
    part = np.divide(grid - without[last], width, out=np.zeros_like(grid), where=width > 0)
    heights: npt.NDArray[np.float64] = having[last] + part * (having[following] - having[last])
    return heights


def _counted(cases: Iterable[Judged]) -> Answers:
    decisions = [case.decision for case in cases]
    return Answers(*(decisions.count(one) for one in (Decision.LIKELY, Decision.CANNOT_SAY, Decision.UNLIKELY)))


def _share(hits: int, n: int) -> Interval | None:
    return wilson(hits, n) if n >= FEWEST_OF_CLASS else None


def _arrays(cases: Sequence[Judged]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    said = np.array([case.probability for case in cases], dtype=np.float64)
    return said, np.array([case.present for case in cases], dtype=np.bool_)


def _calibration(cases: Sequence[Judged]) -> Calibration:
    said, labels = _arrays(cases)
    kept = np.clip(said, _CERTAIN, 1 - _CERTAIN)
    logits = np.log(kept / (1 - kept))
    slope = calibration_slope(logits, labels)
    offset = offset_at(1.0, logits, labels)
    shifted = 1 / (1 + np.exp(-(logits + offset)))
    half = _Z95 / math.sqrt(float((shifted * (1 - shifted)).sum()))
    errors = (said - labels) ** 2

    def mean(index: npt.NDArray[np.int64]) -> float:
        return float(errors[index].mean())

    share = float(labels.mean())
    bins = _MANY_BINS if len(cases) >= _MANY_CASES else _FEW_BINS
    return Calibration(
        slope=slope if math.isfinite(slope.value) else None,
        offset=Interval(offset, offset - half, offset + half, len(cases)),
        brier=by_patient(mean, [case.patient for case in cases], rounds=_ROUNDS),
        brier_of_share=share * (1 - share),
        bins=tuple(
            CalibrationBin(one.low, one.high, one.said, wilson(round(one.seen * one.n), one.n))
            for one in reliability(said, labels, bins)
        ),
    )
