"""Fitting a model of risk, and what it says of people it has not seen.

Smoothness is chosen by cross-validated log-loss, and the spread of the log-odds is put right by what the same
cross-validation said (a slope and an offset), so that probabilities are neither too bold nor too timid.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from desktop.inference.calibration import ConformalThresholds
from desktop.jobs import Job
from desktop.learning.additive import PENALTIES, Additive, Bools, ColumnPlan, Floats, Penalty, fit
from desktop.learning.records import Tried
from desktop.learning.risk_sets import RiskSet
from desktop.learning.statistics import fit_calibration, offset_at, thresholds_of
from desktop.learning.tables import Table
from desktop.records import Decision

Ints = npt.NDArray[np.int64]
Decisions = npt.NDArray[np.object_]

# A correction beyond this says more about a handful of people than about the model.
_LARGEST_CORRECTION = 1.25


@dataclass(frozen=True)
class RiskSettings:
    """folds: parts of the cross-validation. repeats: times it is made anew, to judge and to choose. alphas: share of
    each class that a decision may get wrong, the first one whose thresholds leave no gap between the classes.
    missing_limit: as in the manifest. seed: of every split."""

    folds: int = 5
    repeats: int = 5
    choosing_repeats: int = 2
    alphas: tuple[float, ...] = (0.1, 0.05, 0.02, 0.01)
    missing_limit: float = 0.4
    seed: int = 20261122


@dataclass(frozen=True, eq=False)
class Fitted:
    """The model, the penalty that was chosen among those tried, the correction of its log-odds, where it decides, and
    each column's weight. lows, highs: ends of what it has learned from, infinite for choices."""

    model: Additive
    penalty: Penalty
    tried: tuple[Tried, ...]
    slope: float
    offset: float
    thresholds: ConformalThresholds
    weights: Floats
    lows: Floats
    highs: Floats


def fit_risk(table: Table, risk: RiskSet, settings: RiskSettings, seed: int) -> Fitted:
    """The model of these people. seed: of its inner splits."""
    plans = [column.plan for column in risk.columns]
    best: tuple[float, Penalty, Floats] | None = None
    losses: list[float] = []
    for penalty in PENALTIES:
        logits = np.stack(
            [
                unseen(table, settings.folds, seed + again, _plain(plans, penalty))
                for again in range(settings.choosing_repeats)
            ]
        )
        loss = float(np.mean(np.logaddexp(0, logits) - table.labels * logits))
        losses.append(loss)
        if best is None or loss < best[0]:
            best = (loss, penalty, logits)
    assert best is not None, "there are penalties to choose from"
    _, penalty, logits = best
    tried = tuple(
        Tried(asdict(one), round(loss, 5), one is penalty) for one, loss in zip(PENALTIES, losses, strict=True)
    )
    slope, offset = _correction(logits, np.tile(table.labels, settings.choosing_repeats))
    model = fit(table.rows, table.labels, plans, penalty).scaled(slope, offset)
    numbers = np.array([not column.choices for column in risk.columns])
    return Fitted(
        model,
        penalty,
        tried,
        slope,
        offset,
        thresholds_of(probabilities(slope * logits[0] + offset), table.labels, settings.alphas),
        column_weights(model, table.rows),
        np.where(numbers, np.nanmin(table.rows, axis=0), -np.inf),
        np.where(numbers, np.nanmax(table.rows, axis=0), np.inf),
    )


def _correction(logits: Floats, labels: Bools) -> tuple[float, float]:
    """Slope and offset that put the log-odds of unseen people right."""
    temperature, _ = fit_calibration(logits.ravel(), labels)
    slope = float(np.clip(1 / temperature, 1 / _LARGEST_CORRECTION, _LARGEST_CORRECTION))
    return slope, offset_at(slope, logits.ravel(), labels)


def column_weights(model: Additive, rows: Floats) -> Floats:
    """The spread of what each column adds, as a share of that of all columns or of the whole answer, whichever is more.

    Where columns take back what others add, the whole answer spreads less than they do: without one of them the others
    stand alone, so each weighs more.
    """
    contributions = model.contributions(rows)
    spread = contributions.var(axis=0)
    whole = max(min(float(spread.sum()), float(contributions.sum(axis=1).var())), 1e-12)
    weights: Floats = np.minimum(np.round(spread / whole, 4), 1.0)
    return weights


def probabilities(logits: Floats) -> Floats:
    """Of log-odds."""
    found: Floats = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
    return found


def decide(fitted: Fitted, rows: Floats, settings: RiskSettings) -> Decisions:
    """(n,) what the clinic would be told of each row: also nothing, where too much is absent or a value is strange."""
    said = probabilities(fitted.model.logits(rows))
    decisions = np.array([fitted.thresholds.decide(float(one)) for one in said], dtype=object)
    decisions[no_answer(fitted, rows, settings)] = Decision.CANNOT_SAY
    return decisions


def no_answer(fitted: Fitted, rows: Floats, settings: RiskSettings) -> Bools:
    """(n,) whose rows get no decision whatever the probability: too much is absent, or a value is strange."""
    silent = np.isnan(rows) @ fitted.weights > settings.missing_limit
    strange = ((rows < fitted.lows) | (rows > fitted.highs)).any(axis=1)
    return np.asarray(silent | strange)


def _plain(plans: list[ColumnPlan], penalty: Penalty) -> Callable[[Table], Additive]:
    return lambda part: fit(part.rows, part.labels, plans, penalty)


def unseen(table: Table, folds: int, seed: int, make: Callable[[Table], Additive]) -> Floats:
    """What models that did not see a person say of him, (n,): each is made without one part of the people."""
    parts, logits = split(table.labels, folds, seed), np.zeros(len(table.labels))
    for part in range(folds):
        logits[parts == part] = make(table.part(parts != part)).logits(table.rows[parts == part])
    return logits


def split(labels: Bools, folds: int, seed: int) -> Ints:
    """A part for each person, each class spread evenly."""
    generator, parts = np.random.default_rng(seed), np.zeros(len(labels), dtype=np.int64)
    for kind in (False, True):
        members = generator.permutation(np.flatnonzero(labels == kind))
        parts[members] = np.arange(len(members)) % folds
    return parts


@dataclass(frozen=True, eq=False)
class Fold:
    """out: (n,) the people left out. fitted: made of all others."""

    out: Bools
    fitted: Fitted


def judged(
    table: Table, risk: RiskSet, settings: RiskSettings, job: Job
) -> tuple[Floats, list[Decisions], tuple[Fold, ...]]:
    """(repeats, n) log-odds of people by models that never saw them, and what each would have been told: everything is
    chosen anew without them. And the models of the first repeat."""
    found, told, folds = [], [], list[Fold]()
    for again in range(settings.repeats):
        parts, logits = split(table.labels, settings.folds, settings.seed + 1000 * again), np.zeros(len(table.labels))
        decisions = np.empty(len(table.labels), dtype=object)
        for part in range(settings.folds):
            job.check()
            out = parts == part
            fitted = fit_risk(table.part(~out), risk, settings, settings.seed + 1000 * again + 10 * part)
            logits[out] = fitted.model.logits(table.rows[out])
            decisions[out] = decide(fitted, table.rows[out], settings)
            if again == 0:
                folds.append(Fold(out, fitted))
        found.append(logits)
        told.append(decisions)
    return np.stack(found), told, tuple(folds)


def plain_logistic(table: Table, risk: RiskSet, settings: RiskSettings) -> Floats:
    """(repeats, n) log-odds by the comparator: straight lines, medians for what is absent, no choice of anything."""
    found = []
    for again in range(settings.repeats):
        parts, logits = split(table.labels, settings.folds, settings.seed + 1000 * again), np.zeros(len(table.labels))
        for part in range(settings.folds):
            inside = parts != part
            middle = np.nanmedian(table.rows[inside], axis=0)
            filled = np.where(np.isnan(table.rows), middle, table.rows)
            mean, deviation = filled[inside].mean(axis=0), filled[inside].std(axis=0)
            scaled = (filled - mean) / np.where(deviation > 0, deviation, 1.0)
            logits[parts == part] = _logistic(scaled[inside], table.labels[inside], scaled[parts == part])
        found.append(logits)
    return np.stack(found)


def _logistic(rows: Floats, labels: Bools, asked: Floats) -> Floats:
    """Logistic regression with the weak ridge that common libraries use unless told otherwise (1 / C = 1)."""
    design = np.hstack([np.ones((len(rows), 1)), rows])
    weights, ridge = np.zeros(design.shape[1]), np.eye(design.shape[1])
    ridge[0, 0] = 0.0
    for _ in range(50):
        said = 1 / (1 + np.exp(-np.clip(design @ weights, -60, 60)))
        hessian = (design.T * (said * (1 - said) + 1e-9)) @ design + ridge
        weights = weights - np.linalg.solve(hessian, design.T @ (said - labels) + ridge @ weights)
    found: Floats = np.hstack([np.ones((len(asked), 1)), asked]) @ weights
    return found
