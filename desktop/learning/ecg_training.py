"""Fitting the model of twelve leads, and what it says of patients it has not seen.

A forest for each finding learns from measured numbers. What forests made without a patient say of him calibrates the
shares and sets the thresholds, so that nothing is judged by what was learned by heart.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.inference.calibration import Calibration, ConformalThresholds
from desktop.jobs import Job
from desktop.learning.additive import Bools, Floats
from desktop.learning.ecg_data import FINDINGS, EcgTable
from desktop.learning.forest import Forest, ForestPlan, grow
from desktop.learning.forest_graph import Familiar, familiar_of, log_odds
from desktop.learning.statistics import fit_calibration, thresholds_of

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class EcgSettings:
    """trees, least, share: of every forest. folds: parts of the cross-validation, by patient. repeats: times it is
    made. alphas: share of those with a finding that may be called unlikely, the first one whose thresholds leave no
    gap between the classes; of those without it `strictness` times fewer may be called likely. familiar: how many
    times the farthest patient's distance is still familiar. rounds: of every bootstrap. seed: of every split and
    forest."""

    trees: int = 300
    least: int = 2
    share: float = 0.25
    folds: int = 5
    repeats: int = 2
    alphas: tuple[float, ...] = (0.1, 0.05, 0.03)
    strictness: float = 3.0
    familiar: float = 1.25
    rounds: int = 400
    seed: int = 20261122

    @property
    def plan(self) -> ForestPlan:
        """Of every forest."""
        return ForestPlan(self.trees, self.least, self.share)


@dataclass(frozen=True, eq=False)
class FittedEcg:
    """Forests, calibrations and thresholds, in the order of FINDINGS."""

    forests: tuple[Forest, ...]
    calibrations: tuple[Calibration, ...]
    thresholds: tuple[ConformalThresholds, ...]
    familiar: Familiar


def split(patients: tuple[str, ...], folds: int, seed: int) -> Ints:
    """(n,) a part for each recording; all of a patient's are in one."""
    names, numbers = np.unique(np.array(patients), return_inverse=True)
    parts = np.asarray(np.random.default_rng(seed).permutation(len(names)) % folds, dtype=np.int64)
    chosen: Ints = parts[numbers]
    return chosen


def unseen(table: EcgTable, settings: EcgSettings, seed: int, job: Job) -> Floats:
    """(n, findings) log-odds by forests made without the patient."""
    logits: Floats = unseen_of(table, table.numbers[None], settings, seed, job)[0]
    return logits


def unseen_of(table: EcgTable, asked: Floats, settings: EcgSettings, seed: int, job: Job) -> Floats:
    """(k, n, findings) log-odds by forests made without the patient, of k versions of each recording's numbers.

    asked: (k, n, columns).
    """
    parts = split(table.patients, settings.folds, seed)
    logits = np.zeros((len(asked), *table.labels.shape))
    for part in range(settings.folds):
        out = parts == part
        for place in range(len(FINDINGS)):
            job.check()
            job.report("learning.progress.training", part * len(FINDINGS) + place, settings.folds * len(FINDINGS))
            forest = grow(table.numbers[~out], table.labels[~out, place], settings.plan, seed + 100 * part + place)
            for version, numbers in enumerate(asked):
                logits[version, out, place] = log_odds(forest.shares(numbers[out]))
    return logits


def fit_ecg(table: EcgTable, logits: Floats, settings: EcgSettings, job: Job) -> FittedEcg:
    """The model of all these recordings. logits: what `unseen` said of them."""
    forests, calibrations, thresholds = [], [], []
    for place in range(len(FINDINGS)):
        job.check()
        labels = table.labels[:, place]
        calibration = calibrated(logits[:, place], labels)
        calibrations.append(calibration)
        found = said(calibration, logits[:, place])
        thresholds.append(thresholds_of(found, labels, settings.alphas, settings.strictness))
        forests.append(grow(table.numbers, labels, settings.plan, settings.seed + 10_000 + place))
    familiar = familiar_of(table.numbers, settings.familiar)
    return FittedEcg(tuple(forests), tuple(calibrations), tuple(thresholds), familiar)


def calibrated(logits: Floats, labels: Bools) -> Calibration:
    """What puts log-odds of unseen patients right."""
    temperature, offset = fit_calibration(logits, labels)
    return Calibration(round(temperature, 6), round(offset, 6))


def said(calibration: Calibration, logits: Floats) -> Floats:
    """(n,) probabilities."""
    return np.array([calibration.probability(float(one)) for one in logits])
