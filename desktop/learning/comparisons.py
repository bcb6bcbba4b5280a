"""What stands beside a model's training: simpler models, parts of the data, robustness, as its records tell it."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from desktop.errors import ErrorKind, KnownFailure
from desktop.learning.learning_curve import curve_points


class Beside(StrEnum):
    """What is held against a model."""

    OTHER = "other"
    """Another way to answer, or the same on another part of the people."""
    CURVE = "curve"
    """The same with less to learn from."""
    SPOILT = "spoilt"
    """The same asked about recordings made worse."""
    LEFT_OUT = "left_out"
    """A finding that was learned, and is in no answer."""


@dataclass(frozen=True)
class Compared:
    """One line.

    name: of the other way, the spoiling or the finding, in the recipe's own words, in English; of a curve, which part
    of the model it is of, empty of the whole. value: between 0 and 1, on people not learned from: the area under the
    ROC curve, of several findings their mean, unless measure names another. low, high: its 95 % interval, None where it
    was not worked out. learned_on, tested_on: which people, where that differs from line to line. share: per cent of
    all that was learned from. learned: how many that was.
    """

    beside: Beside
    name: str
    value: float
    low: float | None = None
    high: float | None = None
    measure: str = ""
    learned_on: str = ""
    tested_on: str = ""
    share: int | None = None
    learned: int | None = None

    def __post_init__(self) -> None:
        known = [value for value in (self.value, self.low, self.high) if value is not None]
        if not all(0 <= value <= 1 and math.isfinite(value) for value in known):
            raise ValueError("what is compared lies between 0 and 1")


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
            told = float(area["value"]), float(area["low"]), float(area["high"])
            part = re.fullmatch(r"(.+), (?:(\d+) % of the children|all of them)", one["name"])
            if part is not None:
                yield Compared(Beside.CURVE, part[1], *told, share=int(part[2] or 100), tested_on=one["tested_on"])
            else:
                people = {"learned_on": one["trained_on"], "tested_on": one["tested_on"]}
                yield Compared(Beside.OTHER, one["name"], *told, **people)
        elif "macro_auc" in one:
            area = float(one["macro_auc"])
            count = re.fullmatch(r"(\d+) patients", one["name"]) if one["kind"] == "learning curve" else None
            if count is not None:
                yield Compared(Beside.CURVE, "", area, learned=int(count[1]))
            else:
                yield Compared(Beside.SPOILT, one["name"], area)
    for point in curve_points(study["rows"]):
        for measure, value in point.figures.items():
            yield Compared(Beside.CURVE, "", value, measure=measure, share=point.share, learned=point.learned)


def _from_training(record: Mapping[str, Any]) -> Iterator[Compared]:
    """Parts of the people, and what was left out of every answer because its thumbnail does as well."""
    told = record.get("calibration", {})
    for part, areas in told.get("learning_curve", {}).items():
        mean = sum(map(float, areas.values())) / len(areas)
        yield Compared(Beside.CURVE, "regressions alone", mean, share=int(part.removesuffix("%")))
    for key, one in told.get("left_out", {}).items():
        yield Compared(Beside.LEFT_OUT, key, float(one["auc"]))
