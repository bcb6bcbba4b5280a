"""Fitting the pack of head CT, and what it says of people it has not seen.

A straight line of measured numbers for each finding. What lines made without a person say of him calibrates and sets
the thresholds, so that nothing is judged by what was learned by heart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import numpy as np

from desktop.inference.calibration import Calibration, ConformalThresholds
from desktop.learning.additive import Bools, Floats
from desktop.learning.baseline import logistic_line
from desktop.learning.ecg_training import calibrated, said, split
from desktop.learning.forest import filled_in
from desktop.learning.forest_graph import Familiar, familiar_of
from desktop.learning.head_ct_data import FINDINGS, SliceTable
from desktop.learning.records import Tried
from desktop.learning.statistics import thresholds_of
from desktop.records import Decision


@dataclass(frozen=True)
class HeadCtSettings:
    """ridge: penalty of the lines. clipped: spreads from the usual beyond which a number adds no more. folds: parts of
    the cross-validation, by patient. repeats: times it is made. alphas: share of those with, and of those without, a
    finding that may be told wrongly, the first one whose thresholds leave no gap. familiar: how many times the farthest
    slice's distance is still familiar. every: one in so many slices is spoilt on purpose, to see how
    much is lost. search: whether ridge and clipped are chosen among `TRIED`, for whoever is judged anew without him.
    seed: of every split."""

    ridge: float = 1.0
    clipped: float = 3.0
    folds: int = 10
    repeats: int = 5
    alphas: tuple[float, ...] = (0.1, 0.05)
    familiar: float = 1.25
    every: int = 3
    search: bool = False
    seed: int = 20262


TRIED = tuple(product((0.3, 1.0, 3.0, 10.0), (2.0, 3.0, 4.0)))
"""Of ridge and clipped."""
_INNER = 3


@dataclass(frozen=True, eq=False)
class Lines:
    """Logits = (how many spreads each number is from the usual, within `clipped`) @ weights + biases.

    weights: (numbers, findings). biases: (findings,).
    """

    familiar: Familiar
    clipped: float
    weights: Floats
    biases: Floats

    def logits(self, numbers: Floats) -> Floats:
        """(n, findings) of (n, numbers), NaN where not measured: such a number adds what a usual one does."""
        return np.asarray(self.away(numbers) @ self.weights + self.biases)

    def away(self, numbers: Floats) -> Floats:
        """(n, numbers) as the lines see them."""
        return away(self.familiar, numbers, self.clipped)


def away(familiar: Familiar, numbers: Floats, clipped: float) -> Floats:
    """How many spreads each number is from the usual, at most `clipped` to either side."""
    known = filled_in(numbers, familiar.usual)
    return np.asarray(np.clip((known - familiar.usual) / familiar.spread, -clipped, clipped), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class FittedHeadCt:
    """Lines, calibrations and thresholds, in the order of FINDINGS. settings: those chosen, among `tried`."""

    lines: Lines
    settings: HeadCtSettings
    tried: tuple[Tried, ...]
    calibrations: tuple[Calibration, ...]
    thresholds: tuple[ConformalThresholds, ...]


def fit_lines(numbers: Floats, labels: Bools, settings: HeadCtSettings) -> Lines:
    """A line for each finding. numbers: (n, numbers). labels: (n, findings)."""
    familiar = familiar_of(numbers, settings.familiar)
    seen = away(familiar, numbers, settings.clipped)
    lines = [logistic_line(seen, labels[:, place], settings.ridge) for place in range(labels.shape[1])]
    return Lines(
        familiar,
        settings.clipped,
        np.stack([weights for weights, _ in lines], axis=1),
        np.array([bias for _, bias in lines]),
    )


def unseen(table: SliceTable, asked: Floats, settings: HeadCtSettings) -> Floats:
    """(n, findings) logits by lines made without the person, the mean of all repeats. asked: (n, numbers), the table's
    own or spoilt ones."""
    return np.asarray(np.mean(all_unseen(table, asked, settings), axis=0))


def all_unseen(table: SliceTable, asked: Floats, settings: HeadCtSettings) -> list[Floats]:
    """(n, findings) of each repeat."""
    return [_unseen(table, asked, settings, settings.seed + 1000 * again) for again in range(settings.repeats)]


def _unseen(table: SliceTable, asked: Floats, settings: HeadCtSettings, seed: int) -> Floats:
    parts = split(table.patients, settings.folds, seed)
    logits = np.zeros(table.labels.shape)
    for part, lines in _lines_without(table, settings, seed).items():
        logits[parts == part] = lines.logits(asked[parts == part])
    return logits


@lru_cache(maxsize=32)
def _lines_without(table: SliceTable, settings: HeadCtSettings, seed: int) -> Mapping[int, Lines]:
    """Lines made without each part. Kept: good slices and every kind of spoilt ones are asked of the same."""
    parts, found = split(table.patients, settings.folds, seed), {}
    for part in range(settings.folds):
        out = parts == part
        if out.any():
            inside = table.part(~out)
            found[part] = fit_lines(inside.numbers, inside.labels, chosen(inside, settings, seed + 1)[0])
    return found


def chosen(table: SliceTable, settings: HeadCtSettings, seed: int) -> tuple[HeadCtSettings, tuple[Tried, ...]]:
    """The settings whose lines say best what people are like that were held out of them, and all that were tried.
    Without a search those given. seed: of the inner parts."""
    if not settings.search:
        return settings, ()
    parts = split(table.patients, _INNER, seed)
    losses = []
    for ridge, clipped in TRIED:
        tried = replace(settings, ridge=ridge, clipped=clipped)
        logits = np.zeros(table.labels.shape)
        for part in np.unique(parts):
            out = parts == part
            if not out.all():
                logits[out] = fit_lines(table.numbers[~out], table.labels[~out], tried).logits(table.numbers[out])
        losses.append(float(np.mean(np.logaddexp(0, logits) - table.labels * logits)))
    best = int(np.argmin(losses))
    rows = tuple(
        Tried({"ridge": ridge, "clipped": clipped}, round(loss, 5), place == best)
        for place, ((ridge, clipped), loss) in enumerate(zip(TRIED, losses, strict=True))
    )
    return replace(settings, ridge=TRIED[best][0], clipped=TRIED[best][1]), rows


def fit_all(table: SliceTable, logits: Floats, settings: HeadCtSettings) -> FittedHeadCt:
    """The pack of all these slices. logits: what `unseen` said of them."""
    calibrations, thresholds = [], []
    for place in range(len(FINDINGS)):
        labels = table.labels[:, place]
        calibration = calibrated(logits[:, place], labels)
        calibrations.append(calibration)
        thresholds.append(thresholds_of(said(calibration, logits[:, place]), labels, settings.alphas))
    own, tried = chosen(table, settings, settings.seed + 2)
    lines = fit_lines(table.numbers, table.labels, own)
    return FittedHeadCt(lines, own, tried, tuple(calibrations), tuple(thresholds))


def judged(table: SliceTable, logits: Floats, settings: HeadCtSettings) -> tuple[Floats, list[list[Decision]]]:
    """Probabilities (n, findings), and a decision for each slice by finding: calibration and thresholds for each person
    are made of the others only. logits: by lines made without him."""
    parts = split(table.patients, settings.folds, settings.seed + 1)
    probabilities = np.zeros(logits.shape)
    decisions: list[list[Decision]] = [[Decision.CANNOT_SAY] * len(logits) for _ in FINDINGS]
    for place in range(len(FINDINGS)):
        labels = table.labels[:, place]
        for part in range(settings.folds):
            out = parts == part
            calibration = calibrated(logits[~out, place], labels[~out])
            thresholds = thresholds_of(said(calibration, logits[~out, place]), labels[~out], settings.alphas)
            probabilities[out, place] = said(calibration, logits[out, place])
            for index in np.flatnonzero(out):
                decisions[place][index] = thresholds.decide(float(probabilities[index, place]))
    return probabilities, decisions
