"""One person's values as the graph of a table model takes them."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.errors import UserFacingError
from desktop.inference.table_manifest import LARGEST, Column

FloatArray = npt.NDArray[np.float32]

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

Row = Mapping[str, float | str | None]


@dataclass(frozen=True, eq=False)
class Encoded:
    """A row in numbers. tensor: (1, columns) float32, NaN where absent; a choice is its place in the list, and one that
    the model has not met adds nothing, as if it were absent. absent, outside: keys of columns without a value, and of
    those whose value lies beyond what the model has learned from."""

    tensor: FloatArray
    absent: tuple[str, ...]
    outside: tuple[str, ...]


def encode(columns: Sequence[Column], row: Row) -> Encoded:
    """A row as numbers. Raises UserFacingError for a column the model does not know and for what is no number."""
    unknown = sorted(row.keys() - {column.key for column in columns})
    if unknown:
        known = ", ".join(column.key for column in columns)
        raise UserFacingError("inference.unknown_column", column=unknown[0], known=known)
    values, absent, outside = [], [], []
    for column in columns:
        given = row.get(column.key)
        if given is None or (isinstance(given, str) and not given.strip()):
            values.append(math.nan)
            absent.append(column.key)
            continue
        value = _place(column, given) if column.choices else _number(column, given)
        values.append(max(-LARGEST, min(LARGEST, value)))
        if math.isnan(value) or (not column.choices and not column.low <= value <= column.high):
            outside.append(column.key)
    return Encoded(np.array([values], dtype=np.float32), tuple(absent), tuple(outside))


def _place(column: Column, given: float | str) -> float:
    """NaN for an answer the model has not met."""
    for place, choice in enumerate(column.choices):
        if _same(choice.value, given):
            return float(place)
    return math.nan


def _same(choice: str, given: float | str) -> bool:
    """1, 1.0, "1" and " 1 " are one answer; letters may be capitals or not."""
    text = str(given).strip().casefold()
    if choice.casefold() == text:
        return True
    return bool(_NUMBER.fullmatch(choice) and _NUMBER.fullmatch(text)) and float(choice) == float(text)


def _number(column: Column, given: float | str) -> float:
    try:
        value = float(given) if not isinstance(given, str) or _NUMBER.fullmatch(given.strip()) else math.nan
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise UserFacingError("inference.not_a_number", column=column.key)
    return value
