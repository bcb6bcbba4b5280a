"""Tables of one row a person, as the recipes of risk models read them."""

import csv
import hashlib
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, UserFacingError, from_os_error
from desktop.learning.additive import Bools, Floats
from desktop.learning.risk_sets import ColumnText, RiskSet

# People of each kind, and who gave an answer, from which something can be learned.
FEWEST = 5

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
    bad = UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=risk.file)
    try:
        content = path.read_bytes()
        records = list(csv.DictReader(content.decode("utf-8-sig").splitlines(), strict=True))
    except OSError as error:
        raise from_os_error(error) from error
    except (ValueError, csv.Error) as error:
        raise bad from error
    wanted = {column.key for column in risk.columns} | {risk.answer, *risk.left_out}
    if any(record.keys() != wanted or None in record.values() for record in records):
        raise bad
    # The same row twice would be learned from in one part and judged in another.
    distinct = list({tuple(record.values()): record for record in records}.values())
    try:
        rows = np.array([[_value(record[column.key], column, risk) for column in risk.columns] for record in distinct])
    except ValueError as error:
        raise bad from error
    answers = [record[risk.answer].strip() for record in distinct]
    labels = np.array([answer == risk.yes for answer in answers], dtype=bool)
    if not set(answers) <= {risk.yes, risk.no} or min(labels.sum(), (~labels).sum(), len(labels)) < FEWEST:
        raise bad
    return Table(rows, labels, hashlib.sha256(content).hexdigest())


def without_rare(table: Table, risk: RiskSet) -> tuple[Table, RiskSet]:
    """The table and its columns without answers that hardly anybody gave: of those nothing can be learned. Steps of a
    scale stay, since their neighbours tell about them."""
    rows, columns = table.rows.copy(), []
    for place, column in enumerate(risk.columns):
        if not column.choices or column.ordered:
            columns.append(column)
            continue
        values = table.rows[:, place]
        kept = [code for code in range(len(column.choices)) if int((values == code).sum()) >= FEWEST]
        rows[:, place] = np.nan
        for new, code in enumerate(kept):
            rows[values == code, place] = new
        names = list(column.choices.items())
        columns.append(replace(column, choices=dict(names[code] for code in kept)))
    return Table(rows, table.labels, table.sha256), replace(risk, columns=tuple(columns))


def row_mark(row: Floats) -> str:
    """A short hash of somebody's values, by which he is known again without being named."""
    return hashlib.sha256(np.ascontiguousarray(row, dtype="<f8").tobytes()).hexdigest()[:12]


def _value(text: str, column: ColumnText, risk: RiskSet) -> float:
    plain = text.strip().lower()
    if plain in _ABSENT:
        return math.nan
    if column.choices:
        return float(_place(plain, column))
    value = float(plain)
    if not math.isfinite(value):
        raise ValueError("no finite number")
    mistyped = value < column.least or (value == 0 and column.key in risk.never_zero)
    return math.nan if mistyped else value


def _place(plain: str, column: ColumnText) -> int:
    """Raises ValueError for an answer the column does not know."""
    for place, choice in enumerate(column.choices):
        if choice.lower() == plain or (plain[:1].isdigit() and choice[:1].isdigit() and float(choice) == float(plain)):
            return place
    raise ValueError("an answer the column does not know")
