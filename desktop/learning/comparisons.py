"""What stands beside a model's training: simpler models, parts of the data, robustness, as its records tell it."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from desktop.errors import ErrorKind, KnownFailure


@dataclass(frozen=True)
class Compared:
    """One line. name: in the recipe's own words, in English. area: under the ROC curve, of several findings their mean,
    on people that were not learned from. low, high: its 95 % interval, None where it was not worked out."""

    name: str
    area: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        known = [value for value in (self.area, self.low, self.high) if value is not None]
        if not all(0 <= value <= 1 and math.isfinite(value) for value in known):
            raise ValueError("an area lies between 0 and 1")


def read_comparisons(model: str, training: str, study: str) -> tuple[Compared, ...]:
    """What the texts of both records tell, each may be empty. Raises KnownFailure where one is damaged."""
    try:
        found = list(_from_study(json.loads(study))) if study else []
        return tuple([*found, *_from_training(json.loads(training))] if training else found)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise KnownFailure("learning.no_record", kind=ErrorKind.BAD_INPUT, model=model) from error


def _from_study(study: Mapping[str, Any]) -> Iterator[Compared]:
    for one in study["rows"]:
        if "auc" in one:
            area = one["auc"]
            where = f"{one['name']} ({one['trained_on']} → {one['tested_on']})"
            yield Compared(where, float(area["value"]), float(area["low"]), float(area["high"]))
        elif "macro_auc" in one:
            yield Compared(f"{one['kind']}: {one['name']}", float(one["macro_auc"]))


def _from_training(record: Mapping[str, Any]) -> Iterator[Compared]:
    """Parts of the people, and what was left out of every answer because its thumbnail does as well."""
    told = record.get("calibration", {})
    for part, areas in told.get("learning_curve", {}).items():
        yield Compared(f"learning curve: {part}", sum(map(float, areas.values())) / len(areas))
    for key, one in told.get("left_out", {}).items():
        yield Compared(f"left out: {key}", float(one["auc"]))
