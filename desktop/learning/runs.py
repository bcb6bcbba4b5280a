"""The record of a training as people look at it: what was learned from, how long it took, how the loss fell."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from desktop.errors import ErrorKind, KnownFailure


@dataclass(frozen=True)
class LossCurve:
    """One network, epoch by epoch. training, validation: losses, the second empty where nothing was held out."""

    name: str
    training: tuple[float, ...]
    validation: tuple[float, ...]


@dataclass(frozen=True)
class TriedSettings:
    """Settings that were tried, by name. loss: on people held out of the inner trainings. chosen: taken."""

    settings: Mapping[str, str]
    loss: float
    chosen: bool


@dataclass(frozen=True)
class TrainingRun:
    """One training. cases: films, traces, photographs or rows; people: patients or what stands for them. seconds: on
    threads. software: versions by name. settings: by name, as the recipe writes them. curves: none where the model is
    fitted in one step. tried: what the settings were chosen among, the best first; none where they stood fixed."""

    seed: int
    data_sha256: str
    cases: int
    people: int
    seconds: float
    threads: int
    software: Mapping[str, str]
    settings: Mapping[str, str]
    curves: tuple[LossCurve, ...]
    tried: tuple[TriedSettings, ...] = ()


def read_run(model: str, text: str) -> TrainingRun:
    """The run in the text of a training record. Raises KnownFailure where it is damaged."""
    try:
        record = json.loads(text)
        return TrainingRun(
            seed=int(record["seed"]),
            data_sha256=str(record["data_sha256"]),
            cases=int(record["films"]),
            people=int(record["patients"]),
            seconds=float(record["seconds"]),
            threads=int(record["threads"]),
            software={str(name): str(version) for name, version in record["software"].items()},
            settings={str(name): _said(value) for name, value in record["settings"].items()},
            curves=tuple(_curve(str(name), epochs) for name, epochs in record["curves"].items() if epochs),
            tried=_tried(record.get("tried", [])),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise KnownFailure("learning.no_record", kind=ErrorKind.BAD_INPUT, model=model) from error


def _tried(rows: list[Mapping[str, Any]]) -> tuple[TriedSettings, ...]:
    found = []
    for row in rows:
        settings = {str(name): _said(value) for name, value in row["settings"].items()}
        found.append(TriedSettings(settings, float(row["loss"]), bool(row["chosen"])))
    if not all(math.isfinite(one.loss) for one in found):
        raise ValueError("a loss is a number")
    return tuple(sorted(found, key=lambda one: one.loss))


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _curve(name: str, epochs: list[Mapping[str, Any]]) -> LossCurve:
    training = tuple(float(epoch["training_loss"]) for epoch in epochs)
    validation = tuple(float(epoch["validation_loss"]) for epoch in epochs)
    if not all(map(math.isfinite, (*training, *validation))):
        raise ValueError("a loss is a number")
    # Recipes that hold nothing out while they learn write noughts.
    return LossCurve(name, training, validation if any(validation) else ())
