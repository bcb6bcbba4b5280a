"""A small correction of a finished model, learned from what a clinic's own people say: the challenger.

The network stays as it is. To the log-odds of a finding a linear function of the network's own features is added, by
logistic regression with the shipped log-odds as offset and a ridge penalty, over the directions in which the clinic's
pictures differ most. How strong the penalty is, cross-validation by patient decides; it may decide that nothing is
gained. Patients of a locked part, drawn by a keyed hash and so the same for ever, are never learned from: on them
champion and challenger are compared. No answer moves by more than LIMIT in log-odds, whatever was learned.
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from desktop.inference.calibration import ConformalThresholds
from desktop.learning.statistics import Interval, auc, by_patient, wilson
from desktop.records import Decision

LEAST_CASES = 50
"""Cases to learn a finding from, under which nothing is learned."""
LEAST_OF_EACH = 10
"""Of those with, and of those without it."""
LEAST_LOCKED = 20
"""Cases of either class in the locked part, under which nobody can tell whether anything got worse."""
LOCKED_SHARE = 0.3
REVIEWED_WEIGHT = 0.25
"""What a word counts that was said after the suggestion was seen: it leans towards the suggestion, so that much of it
is the model's own voice. It is never used to compare."""
LIMIT = 1.5
"""In log-odds: the odds change by a factor of 4.5 at most."""

_DIRECTIONS = 64
# Of log-loss, in nats: less is rounding, or nothing that anybody would notice.
_LEAST_GAIN = 1e-4
_FOLDS = 5
_STRENGTHS = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, math.inf)
"""Penalties; the last lets nothing but the base rate move."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Cases:
    """What is known of one finding, a row for each picture.

    features: (n, width) of the shipped network. logits: (n,) its calibrated log-odds. truth: (n,) probability that the
    finding is there, 0 or 1 where it is certain. weight: (n,). patients: (n,) whose picture it is. firm: (n,) whether
    it was said without the suggestion, or found out otherwise.
    """

    features: Floats
    logits: Floats
    truth: Floats
    weight: Floats
    patients: tuple[str, ...]
    firm: Bools

    def part(self, chosen: Bools) -> "Cases":
        """Some of them."""
        return Cases(
            self.features[chosen],
            self.logits[chosen],
            self.truth[chosen],
            self.weight[chosen],
            tuple(np.asarray(self.patients, dtype=object)[chosen]),
            self.firm[chosen],
        )

    @property
    def present(self) -> Bools:
        """Which of them have it, more likely than not."""
        return self.truth > 0.5


@dataclass(frozen=True)
class Enough:
    """Whether there is enough to learn from. cases, present, absent: of the part that is learned from. missing_*: how
    many more are needed. locked_present, locked_absent: firm ones of the locked part."""

    cases: int
    present: int
    absent: int
    locked_present: int
    locked_absent: int

    @property
    def missing_cases(self) -> int:
        """Cases wanting."""
        return max(0, LEAST_CASES - self.cases)

    @property
    def missing_present(self) -> int:
        """Cases with the finding wanting."""
        return max(0, LEAST_OF_EACH - self.present)

    @property
    def missing_absent(self) -> int:
        """Cases without it wanting."""
        return max(0, LEAST_OF_EACH - self.absent)

    @property
    def to_learn(self) -> bool:
        """Whether something may be learned."""
        return not (self.missing_cases or self.missing_present or self.missing_absent)

    @property
    def to_compare(self) -> bool:
        """Whether the locked part can tell better from worse."""
        return min(self.locked_present, self.locked_absent) >= LEAST_LOCKED


@dataclass(frozen=True, eq=False)
class Correction:
    """Added to the log-odds: clip(features @ weights + bias) to ± LIMIT. strength: the penalty that was chosen."""

    weights: Floats
    bias: float
    strength: float

    def of(self, features: Floats) -> Floats:
        """For each row."""
        found: Floats = np.clip(features @ self.weights + self.bias, -LIMIT, LIMIT)
        return found


class Point(StrEnum):
    """The shares that are guarded: of those with the finding, how many are called likely, and how many are not called
    unlikely; of those without, how many are called unlikely, and how many are not called likely."""

    CALLED_LIKELY = "called_likely"
    NOT_MISSED = "not_missed"
    CALLED_UNLIKELY = "called_unlikely"
    NOT_ALARMED = "not_alarmed"


@dataclass(frozen=True)
class Figures:
    """How a model does on the locked part. points: with Wilson's intervals. auc: with an interval that draws whole
    patients. loss: mean log-loss."""

    auc: Interval
    loss: float
    points: Mapping[Point, Interval]


class Verdict(StrEnum):
    """What became of one finding. TOO_FEW: not enough to learn from. NOTHING_GAINED: cross-validation chose to leave it
    as it is. TOO_FEW_LOCKED: learned, but nobody can tell whether it is better. WORSE: a guarded share fell below the
    champion's interval. NO_BETTER: the log-loss did not fall. MOVED: of a
    whole network: nobody can tell whether it is better, and it decides otherwise than before. SILENT: so it is with a
    hint, which says nothing in the challenger. BETTER: may be promoted."""

    TOO_FEW = "too_few"
    NOTHING_GAINED = "nothing_gained"
    TOO_FEW_LOCKED = "too_few_locked"
    WORSE = "worse"
    NO_BETTER = "no_better"
    MOVED = "moved"
    SILENT = "silent"
    BETTER = "better"


@dataclass(frozen=True, eq=False)
class Tuned:
    """One finding. correction, champion, challenger: None where it did not come to that. worse: the shares that fell
    below the champion's interval."""

    verdict: Verdict
    enough: Enough
    correction: Correction | None = None
    champion: Figures | None = None
    challenger: Figures | None = None
    worse: tuple[Point, ...] = ()


def is_locked(patient: str, key: str) -> bool:
    """Whether a patient belongs to the locked part. key: of the clinic; with the same one it is the same for ever."""
    mark = hashlib.blake2b(patient.encode(), key=hashlib.blake2b(key.encode()).digest(), digest_size=8).digest()
    return int.from_bytes(mark, "big") < LOCKED_SHARE * 2**64


def enough(cases: Cases, key: str) -> Enough:
    """What there is of a finding. key: as for `is_locked`."""
    locked = _locked(cases, key)
    learned, compared = cases.part(~locked), cases.part(locked & cases.firm)
    present, held = int(learned.present.sum()), int(compared.present.sum())
    return Enough(len(learned.truth), present, len(learned.truth) - present, held, len(compared.truth) - held)


def tune(
    cases: Cases,
    thresholds: ConformalThresholds,
    key: str,
    *,
    champion: Floats | None = None,
    check: Callable[[], None] = lambda: None,
) -> Tuned:
    """Learn a correction for one finding and compare it on the locked part.

    champion: (n,) calibrated log-odds of the model in use, where that is not the shipped one. check: called now and
    then, may raise to stop.
    """
    there = enough(cases, key)
    if not there.to_learn:
        return Tuned(Verdict.TOO_FEW, there)
    locked = _locked(cases, key)
    correction = fit(cases.part(~locked), check)
    if correction is None:
        return Tuned(Verdict.NOTHING_GAINED, there)
    if not there.to_compare:
        return Tuned(Verdict.TOO_FEW_LOCKED, there, correction)
    held = cases.part(locked & cases.firm)
    before = held.logits if champion is None else champion[locked & cases.firm]
    after = held.logits + correction.of(held.features)
    return compared(there, held, before, after, thresholds, correction)


def fit(cases: Cases, check: Callable[[], None] = lambda: None) -> Correction | None:
    """The correction of the penalty that cross-validation by patient chooses; None where it is best to leave all as it
    is. Of penalties that are as good within one standard error, the strongest is taken."""
    centre, basis = _directions(cases.features)
    reduced = (cases.features - centre) @ basis
    folds = _folds(cases.patients)
    losses: dict[float, Floats] = {}
    for strength in _STRENGTHS:
        held = np.zeros(len(cases.truth))
        for fold in np.unique(folds):
            check()
            learned = folds != fold
            slopes, base = _ridge(reduced[learned], cases.part(learned), strength)
            moved = np.clip(reduced[~learned] @ slopes + base, -LIMIT, LIMIT)
            held[~learned] = _loss(cases.logits[~learned] + moved, cases.truth[~learned])
        losses[strength] = held
    left_alone = _loss(cases.logits, cases.truth)
    strength = _simplest(losses, cases.weight)
    gain, error = _mean(left_alone - losses[strength], cases.weight)
    if gain <= error:
        return None
    slopes, base = _ridge(reduced, cases, strength)
    weights = basis @ slopes
    return Correction(weights, float(base - centre @ weights), strength)


def _simplest(losses: Mapping[float, Floats], weight: Floats) -> float:
    """The strongest penalty whose loss is within a standard error of the least one's."""
    best = min(losses, key=lambda one: _mean(losses[one], weight)[0])
    good = []
    for strength, loss in losses.items():
        more, error = _mean(loss - losses[best], weight)
        if more <= error:
            good.append(strength)
    return max(good)


def _mean(values: Floats, weight: Floats) -> tuple[float, float]:
    """Weighted mean and its standard error."""
    share = weight / weight.sum()
    mean = float(share @ values)
    return mean, float(np.sqrt((share**2) @ (values - mean) ** 2))


def _directions(features: Floats) -> tuple[Floats, Floats]:
    """Mean, and the directions in which the pictures differ most, each scaled so that the first has unit variance."""
    centre = features.mean(axis=0)
    _, sizes, rows = np.linalg.svd(features - centre, full_matrices=False)
    kept = min(_DIRECTIONS, len(features) // 2, int((sizes > 1e-6 * max(float(sizes[0]), 1e-12)).sum()))
    spread = float(sizes[0]) / math.sqrt(max(1, len(features) - 1)) or 1.0
    return centre, rows[:kept].T / spread


def _ridge(reduced: Floats, cases: Cases, strength: float) -> tuple[Floats, float]:
    """Slopes and base of the least penalised log-loss, by Newton's method; the base is hardly penalised."""
    width = reduced.shape[1]
    if math.isinf(strength):
        reduced = reduced[:, :0]
    design = np.c_[reduced, np.ones(len(reduced))]
    penalty = np.r_[np.full(reduced.shape[1], strength), 1.0]
    found = np.zeros(design.shape[1])
    for _ in range(50):
        said = _probability(cases.logits + design @ found)
        gradient = design.T @ (cases.weight * (said - cases.truth)) + penalty * found
        curve = (design.T * (cases.weight * said * (1 - said))) @ design + np.diag(penalty)
        step = np.linalg.solve(curve, gradient)
        step *= min(1.0, 2.0 / float(np.abs(step).max() + 1e-12))
        found = found - step
        if float(np.abs(step).max()) < 1e-8:
            break
    return np.r_[found[:-1], np.zeros(width - len(found) + 1)], float(found[-1])


def compared(
    there: Enough,
    held: Cases,
    before: Floats,
    after: Floats,
    thresholds: ConformalThresholds,
    correction: Correction | None = None,
) -> Tuned:
    """Champion beside challenger. held: firm cases of the locked part; before, after: (n,) what either says of them, in
    calibrated log-odds."""
    champion, challenger = _figures(before, held, thresholds), _figures(after, held, thresholds)
    worse = tuple(point for point in Point if challenger.points[point].value < champion.points[point].low)
    verdict = Verdict.BETTER
    if worse:
        verdict = Verdict.WORSE
    elif champion.loss - challenger.loss < _LEAST_GAIN:
        verdict = Verdict.NO_BETTER
    return Tuned(verdict, there, correction, champion, challenger, worse)


def _figures(logits: Floats, held: Cases, thresholds: ConformalThresholds) -> Figures:
    present = held.present
    decided = [thresholds.decide(float(chance)) for chance in _probability(logits)]
    likely = np.array([one is Decision.LIKELY for one in decided])
    unlikely = np.array([one is Decision.UNLIKELY for one in decided])
    points = {
        Point.CALLED_LIKELY: likely[present],
        Point.NOT_MISSED: ~unlikely[present],
        Point.CALLED_UNLIKELY: unlikely[~present],
        Point.NOT_ALARMED: ~likely[~present],
    }

    def area(indices: npt.NDArray[np.int64]) -> float:
        return auc(logits[indices], present[indices])

    shares = {point: wilson(int(hits.sum()), len(hits)) for point, hits in points.items()}
    return Figures(by_patient(area, held.patients), float(_loss(logits, held.truth).mean()), shares)


def _locked(cases: Cases, key: str) -> Bools:
    known: dict[str, bool] = {}
    for patient in cases.patients:
        if patient not in known:
            known[patient] = is_locked(patient, key)
    return np.array([known[patient] for patient in cases.patients], dtype=np.bool_)


def _folds(patients: Sequence[str]) -> npt.NDArray[np.int64]:
    """A number for each picture; a patient's pictures have the same, and it does not depend on their order."""
    marks = {one: hashlib.blake2b(one.encode(), digest_size=8).digest() for one in set(patients)}
    ranked = {one: place for place, one in enumerate(sorted(marks, key=lambda one: marks[one]))}
    return np.array([ranked[one] % _FOLDS for one in patients], dtype=np.int64)


def _probability(logits: Floats) -> Floats:
    found: Floats = 1.0 / (1.0 + np.exp(-np.clip(logits, -60, 60)))
    return found


def _loss(logits: Floats, truth: Floats) -> Floats:
    """Log-loss of each case."""
    found: Floats = np.logaddexp(0.0, logits) - truth * logits
    return found
