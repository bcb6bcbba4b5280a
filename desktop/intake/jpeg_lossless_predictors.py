"""Undoing the predictions of JPEG Lossless (ITU-T T.81 H.1.2.1, table H.1)."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.uint16]


def undo(differences: Values, predictor: int, start: int) -> Values:
    """Values from differences, both (rows, columns), modulo 65,536: first row from the left, first column from above.

    predictor: 1 to 7. start: the prediction of the first value. Modulo 65,536 most predictors are running sums.
    """
    values = np.array(differences, order="C")
    values[0, 0] = (int(values[0, 0]) + start) & 0xFFFF
    if predictor == 4:  # left + above - corner
        values.cumsum(axis=1, dtype=np.uint16, out=values)
        return _add_rows(values)
    if predictor != 1:
        values[0] = values[0].cumsum(dtype=np.uint16)
    if predictor == 2:  # above
        return _add_rows(values)
    values[:, 0] = values[:, 0].cumsum(dtype=np.uint16)
    if predictor == 1:  # left
        return values.cumsum(axis=1, dtype=np.uint16)
    if predictor == 3:  # corner
        for above, row in pairwise(values):
            row[1:] += above[:-1]
    elif predictor == 5:
        _add_half_slopes(values)
    elif predictor == 6:  # predictor 5 on its side
        values = np.ascontiguousarray(values.T)
        _add_half_slopes(values)
        values = np.ascontiguousarray(values.T)
    else:
        _add_means(values)
    return values


def _add_rows(values: Values) -> Values:
    """Adds to each row the one above it; numpy's own running sum down the columns takes ten times as long."""
    for above, row in pairwise(values):
        row += above
    return values


def _add_half_slopes(values: Values) -> None:
    """Undoes left + (above - corner) / 2: what is added to the left one is known once the row above is."""
    for above, row in pairwise(values):
        row[1:] += (np.diff(above.astype(np.int32)) >> 1).astype(np.uint16)
        row.cumsum(dtype=np.uint16, out=row)


def _add_means(values: Values) -> None:
    """Undoes (left + above) / 2, one anti-diagonal after the other: each depends on the one before alone."""
    rows, columns = values.shape
    # values[row, column] is leaning[row + column, row]: anti-diagonals lie side by side in memory.
    leaning = np.zeros((rows + columns - 1, rows), dtype=np.int32)
    step = leaning.itemsize
    upright = np.lib.stride_tricks.as_strided(leaning, values.shape, ((rows + 1) * step, rows * step))
    upright[:] = values
    for diagonal in range(2, rows + columns - 1):
        top, bottom = max(1, diagonal - columns + 1), min(rows, diagonal)
        before = leaning[diagonal - 1]
        here = leaning[diagonal, top:bottom]
        here += (before[top:bottom] + before[top - 1 : bottom - 1]) >> 1
        here &= 0xFFFF
    values[:] = upright
