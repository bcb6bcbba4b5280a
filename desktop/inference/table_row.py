"""One person's values as the graph of a table model takes them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.errors import UserFacingError
from desktop.inference.table_manifest import Column

FloatArray = npt.NDArray[np.float32]

Row = Mapping[str, float | str | None]


@dataclass(frozen=True, eq=False)
class Encoded:
    """A row in numbers. tensor: (1, columns) float32, NaN where absent; a choice is its place in the list, and one that
    the model has not met is the number of choices. absent, outside: keys of columns without a value, and of those whose
    value lies beyond what the model has learned from."""

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
        value = float(_place(column, given)) if column.choices else _number(column, given)
        values.append(value)
        if value == len(column.choices) if column.choices else not column.low <= value <= column.high:
            outside.append(column.key)
    return Encoded(np.array([values], dtype=np.float32), tuple(absent), tuple(outside))


def _place(column: Column, given: float | str) -> int:
    for place, choice in enumerate(column.choices):
        if _same(choice.value, given):
            return place
    return len(column.choices)


def _same(choice: str, given: float | str) -> bool:
    """1, 1.0, "1" and " 1 " are one answer; letters may be capitals or not."""
    text = str(given).strip().casefold()
    if choice.casefold() == text:
        return True
    try:
        return float(choice) == float(text)
    except ValueError:
        return False


def _number(column: Column, given: float | str) -> float:
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserFacingError("inference.not_a_number", column=column.key)
    return value
