"""Fitting a model of risk, and what it says of people it has not seen.

Smoothness is chosen by cross-validated log-loss, and the spread of the log-odds is put right by what the same
cross-validation said (a slope and an offset), so that probabilities are neither too bold nor too timid.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.jobs import Job
from desktop.learning.additive import PENALTIES, Additive, Bools, ColumnPlan, Floats, Penalty, fit
from desktop.learning.risk_sets import RiskSet
from desktop.learning.statistics import fit_calibration
from desktop.learning.tables import Table

Ints = npt.NDArray[np.int64]

# A correction beyond this says more about a handful of people than about the model.
_LARGEST_CORRECTION = 1.25


@dataclass(frozen=True)
class RiskSettings:
    """folds: parts of the cross-validation. repeats: times it is made anew, to judge and to choose. alpha: share of
    each class that a decision may get wrong. missing_limit: as in the manifest. seed: of every split."""

    folds: int = 5
    repeats: int = 5
    choosing_repeats: int = 2
    alpha: float = 0.1
    missing_limit: float = 0.4
    seed: int = 20261122


@dataclass(frozen=True, eq=False)
class Fitted:
    """The model, the penalty that was chosen, and the correction of its log-odds."""

    model: Additive
    penalty: Penalty
    slope: float
    offset: float


def fit_risk(table: Table, risk: RiskSet, settings: RiskSettings, seed: int) -> Fitted:
    """The model of these people. seed: of its inner splits."""
    plans = [column.plan for column in risk.columns]
    best: tuple[float, Penalty, Floats] | None = None
    for penalty in PENALTIES:
        logits = np.stack(
            [
                unseen(table, settings.folds, seed + again, _plain(plans, penalty))
                for again in range(settings.choosing_repeats)
            ]
        )
        loss = float(np.mean(np.logaddexp(0, logits) - table.labels * logits))
        if best is None or loss < best[0]:
            best = (loss, penalty, logits)
    assert best is not None, "there are penalties to choose from"
    _, penalty, logits = best
    labels = np.tile(table.labels, settings.choosing_repeats)
    temperature, offset = fit_calibration(logits.ravel(), labels)
    slope = float(np.clip(1 / temperature, 1 / _LARGEST_CORRECTION, _LARGEST_CORRECTION))
    offset = offset if slope == 1 / temperature else 0.0
    return Fitted(fit(table.rows, table.labels, plans, penalty).scaled(slope, offset), penalty, slope, offset)


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


def judged(table: Table, risk: RiskSet, settings: RiskSettings, job: Job) -> Floats:
    """(repeats, n) log-odds of people by models that never saw them: everything is chosen anew without them."""
    found = []
    for again in range(settings.repeats):
        parts, logits = split(table.labels, settings.folds, settings.seed + 1000 * again), np.zeros(len(table.labels))
        for part in range(settings.folds):
            job.check()
            fitted = fit_risk(table.part(parts != part), risk, settings, settings.seed + 1000 * again + 10 * part)
            logits[parts == part] = fitted.model.logits(table.rows[parts == part])
        found.append(logits)
    return np.stack(found)


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
