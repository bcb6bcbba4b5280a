"""Tables of one row a person, as the recipes of risk models read them."""

import csv
import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, UserFacingError
from desktop.learning.additive import Bools, Floats
from desktop.learning.risk_sets import ColumnText, RiskSet

_ABSENT = frozenset({"", "?", "nan", "na", "n/a"})


@dataclass(frozen=True, eq=False)
class Table:
    """rows: (n, columns) float64; NaN where absent; a choice is its place in the column's list. labels: (n,)."""

    rows: Floats
    labels: Bools
    sha256: str

    def part(self, index: npt.NDArray[np.bool_]) -> "Table":
        """The people chosen."""
        return Table(self.rows[index], self.labels[index], self.sha256)


def read_table(data: Path, risk: RiskSet) -> Table:
    """The rows of a data set below `data`, which may be the folder of `tabular` or `tabular` itself.

    Raises UserFacingError where it is missing or not as it should be: a wrong label must never be learned.
    """
    for path in (data / "tabular" / risk.file, data / risk.file):
        if path.is_file():
            break
    else:
        raise UserFacingError("learning.no_data", kind=ErrorKind.NOT_FOUND, wanted=f"tabular/{risk.file}")
    content = path.read_bytes()
    records = list(csv.DictReader(content.decode("utf-8-sig").splitlines()))
    wanted = {column.key for column in risk.columns}
    found = set(records[0]) if records else set()
    if found != wanted | {risk.answer, *risk.left_out}:
        raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=risk.file)
    try:
        rows = np.array([[_value(record[column.key], column, risk) for column in risk.columns] for record in records])
    except ValueError as error:
        raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=risk.file) from error
    labels = np.array([record[risk.answer].strip() == risk.yes for record in records])
    return Table(rows, labels, hashlib.sha256(content).hexdigest())


def _value(text: str, column: ColumnText, risk: RiskSet) -> float:
    plain = text.strip().lower()
    if plain in _ABSENT:
        return math.nan
    if column.choices:
        return float(_place(plain, column))
    value = float(plain)
    if not math.isfinite(value):
        raise ValueError("no finite number")
    return math.nan if value == 0 and column.key in risk.never_zero else value


def _place(plain: str, column: ColumnText) -> int:
    """Raises ValueError for an answer the column does not know."""
    for place, choice in enumerate(column.choices):
        if choice.lower() == plain or (plain[:1].isdigit() and choice[:1].isdigit() and float(choice) == float(plain)):
            return place
    raise ValueError("an answer the column does not know")
