"""The figures of a model of risk: what models that never saw a person said of him, beside plain logistic regression."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from desktop.inference import TableModel
from desktop.jobs import Job
from desktop.learning import risk_battery
from desktop.learning.additive import Bools, Floats
from desktop.learning.records import Json
from desktop.learning.risk_sets import RiskSet
from desktop.learning.risk_training import Decisions, RiskSettings, judged, plain_logistic, probabilities
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
    """What was said of each person: log-odds (n,) and decisions (n,)."""

    table: Table
    logits: Floats
    decisions: Decisions


def cross_validated(table: Table, risk: RiskSet, settings: RiskSettings, job: Job) -> Mapping[str, Json]:
    """What the card prints: everybody judged by one model made without him; the repeats show how much that varies."""
    logits, told, folds = judged(table, risk, settings, job)
    compared = plain_logistic(table, risk, settings)
    found = Judged(table, logits[0], told[0])
    return {
        **figures(found, risk),
        "judged_by": "models made without the person",
        "robustness": risk_battery.battery(table, risk, folds, settings),
        "auc_of_each_repeat": [round(auc(one, table.labels), 4) for one in logits],
        "plain_logistic": {
            "auc": _area(compared[0], table.labels),
            "calibration_slope": interval(calibration_slope(compared[0], table.labels)),
            "brier": _brier(compared[0], table.labels),
        },
    }


def shipped(model: TableModel, table: Table, risk: RiskSet, job: Job) -> Mapping[str, Json]:
    """The figures of the model itself on people it did not learn from. Raises what `TableModel.analyse` raises."""
    logits, decisions = np.zeros(len(table.labels)), np.empty(len(table.labels), dtype=object)
    for number, row in enumerate(table.rows):
        (finding,) = model.analyse(_written(row, risk), job).findings
        share = min(max(finding.probability, 1e-12), 1 - 1e-12)
        logits[number], decisions[number] = np.log(share) - np.log1p(-share), finding.decision
    return {**figures(Judged(table, logits, decisions), risk), "judged_by": "the model itself"}


def _written(row: Floats, risk: RiskSet) -> dict[str, float | str | None]:
    """A row as the clinic would give it."""
    written: dict[str, float | str | None] = {}
    for column, value in zip(risk.columns, row, strict=True):
        if np.isnan(value):
            written[column.key] = None
        else:
            written[column.key] = list(column.choices)[int(value)] if column.choices else float(value)
    return written


def figures(found: Judged, risk: RiskSet) -> dict[str, Json]:
    """Of everybody and by group."""
    everybody = np.ones(len(found.table.labels), dtype=bool)
    return {
        "people": len(everybody),
        "with_disease": int(found.table.labels.sum()),
        "all": _group(found, everybody),
        "groups": {
            name: _group(found, chosen)
            for name, chosen in _groups(found.table, risk).items()
            if found.table.labels[chosen].any() and not found.table.labels[chosen].all()
        },
    }


def _group(found: Judged, chosen: Bools) -> dict[str, Json]:
    labels, logits = found.table.labels[chosen], found.logits[chosen]
    said = probabilities(logits)
    called = said >= 0.5
    told = found.decisions[chosen]
    decided = told != Decision.CANNOT_SAY
    right = (told == Decision.LIKELY) == labels
    return {
        "people": len(labels),
        "with_disease": int(labels.sum()),
        "auc": _area(logits, labels),
        "sensitivity": interval(wilson(int((called & labels).sum()), int(labels.sum()))),
        "specificity": interval(wilson(int((~called & ~labels).sum()), int((~labels).sum()))),
        "calibration_slope": interval(calibration_slope(logits, labels)),
        "calibration_error": round(calibration_error(said, labels), 4),
        "brier": _brier(logits, labels),
        "decided": interval(wilson(int(decided.sum()), len(labels))),
        "decided_right": interval(wilson(int((decided & right).sum()), int(decided.sum()))),
    }


def _area(logits: Floats, labels: Bools) -> Json:
    """Each row is a person."""
    people = [str(number) for number in range(len(labels))]
    return interval(by_patient(lambda index: auc(logits[index], labels[index]), people))


def _brier(logits: Floats, labels: Bools) -> Json:
    return round(float(np.mean((probabilities(logits) - labels) ** 2)), 4)


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
