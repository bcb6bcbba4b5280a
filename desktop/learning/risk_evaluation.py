"""The figures of a model of risk: what models that never saw a person said of him, beside plain logistic regression."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from desktop.inference.calibration import ConformalThresholds, conformal_thresholds
from desktop.jobs import Job
from desktop.learning.additive import Bools, Floats
from desktop.learning.records import Json
from desktop.learning.risk_sets import RiskSet
from desktop.learning.risk_training import RiskSettings, judged, plain_logistic, split
from desktop.learning.statistics import (
    auc,
    by_patient,
    calibration_error,
    calibration_slope,
    interval,
    wilson,
)
from desktop.learning.tables import Table
from desktop.records import Decision

_SEXES = ("sex", "Gender")
_AGES = ("age", "Age")


@dataclass(frozen=True, eq=False)
class Judged:
    """(repeats, n) log-odds of the model and of the comparator, all by models that never saw the person."""

    table: Table
    logits: Floats
    compared: Floats

    @property
    def mean(self) -> Floats:
        """(n,) log-odds averaged over the repeats."""
        found: Floats = self.logits.mean(axis=0)
        return found


def judge(table: Table, risk: RiskSet, settings: RiskSettings, job: Job) -> Judged:
    """Everybody, by models made without him."""
    return Judged(table, judged(table, risk, settings, job), plain_logistic(table, risk, settings))


def thresholds(found: Judged, settings: RiskSettings) -> ConformalThresholds:
    """Where a probability stops being usual for those with, and for those without, the disease."""
    return _thresholds(_probabilities(found.mean), found.table.labels, settings)


def figures(found: Judged, risk: RiskSet, settings: RiskSettings) -> Mapping[str, Json]:
    """What the card prints."""
    everybody = np.ones(len(found.table.labels), dtype=bool)
    decisions = _decisions(found, settings)
    return {
        "people": len(everybody),
        "with_disease": int(found.table.labels.sum()),
        "all": _group(found, decisions, everybody),
        "auc_of_each_repeat": [round(auc(logits, found.table.labels), 4) for logits in found.logits],
        "plain_logistic": _compared(found, everybody),
        "groups": {
            name: _group(found, decisions, chosen)
            for name, chosen in _groups(found.table, risk).items()
            if found.table.labels[chosen].any() and not found.table.labels[chosen].all()
        },
    }


def _group(found: Judged, decisions: "np.typing.NDArray[np.object_]", chosen: Bools) -> dict[str, Json]:
    labels, logits = found.table.labels[chosen], found.mean[chosen]
    probabilities = _probabilities(logits)
    called = probabilities >= 0.5
    said = decisions[chosen]
    decided = said != Decision.CANNOT_SAY
    right = (said == Decision.LIKELY) == labels
    return {
        "people": len(labels),
        "with_disease": int(labels.sum()),
        "auc": interval(by_patient(lambda index: auc(logits[index], labels[index]), _numbers(len(labels)))),
        "sensitivity": interval(wilson(int((called & labels).sum()), int(labels.sum()))),
        "specificity": interval(wilson(int((~called & ~labels).sum()), int((~labels).sum()))),
        "calibration_slope": interval(calibration_slope(logits, labels)),
        "calibration_error": round(calibration_error(probabilities, labels), 4),
        "brier": round(float(np.mean((probabilities - labels) ** 2)), 4),
        "decided": interval(wilson(int(decided.sum()), len(labels))),
        "decided_right": interval(wilson(int((decided & right).sum()), int(decided.sum()))),
    }


def _compared(found: Judged, chosen: Bools) -> dict[str, Json]:
    labels, logits = found.table.labels[chosen], found.compared.mean(axis=0)[chosen]
    return {
        "auc": interval(by_patient(lambda index: auc(logits[index], labels[index]), _numbers(len(labels)))),
        "calibration_slope": interval(calibration_slope(logits, labels)),
        "brier": round(float(np.mean((_probabilities(logits) - labels) ** 2)), 4),
    }


def _decisions(found: Judged, settings: RiskSettings) -> "np.typing.NDArray[np.object_]":
    """Each person's three-way answer, by thresholds of the other people."""
    probabilities, labels = _probabilities(found.mean), found.table.labels
    parts = split(labels, settings.folds, settings.seed)
    decisions = np.empty(len(labels), dtype=object)
    for part in range(settings.folds):
        others = parts != part
        limits = _thresholds(probabilities[others], labels[others], settings)
        for index in np.flatnonzero(~others):
            decisions[index] = limits.decide(float(probabilities[index]))
    return decisions


def _thresholds(probabilities: Floats, labels: Bools, settings: RiskSettings) -> ConformalThresholds:
    return conformal_thresholds(
        probabilities[labels].tolist(), probabilities[~labels].tolist(), settings.alpha, settings.alpha
    )


def _groups(table: Table, risk: RiskSet) -> dict[str, Bools]:
    """By sex, by the two halves of age, and by how much is missing, as far as the table tells."""
    found: dict[str, Bools] = {}
    for place, column in enumerate(risk.columns):
        values = table.rows[:, place]
        if column.key in _SEXES:
            for code, name in enumerate(column.choices.values()):
                found[str(name["en"])] = np.equal(values, code)
        elif column.key in _AGES:
            middle = float(np.nanmedian(values))
            found[f"up to {middle:.0f} years"] = np.less_equal(values, middle)
            found[f"above {middle:.0f} years"] = np.greater(values, middle)
    missing: Bools = np.any(np.isnan(table.rows), axis=1, keepdims=False).astype(np.bool_)
    if missing.mean() > 0.05:
        found["something not measured"] = missing
        found["everything measured"] = np.logical_not(missing)
    return found


def _probabilities(logits: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
    return found


def _numbers(count: int) -> list[str]:
    """Each row is a person."""
    return [str(number) for number in range(count)]
