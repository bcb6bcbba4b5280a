"""The inverse cosine transform of JPEG in whole numbers, as the reference library does it (`jidctint`, after Loeffler,
Ligtenberg and Moschytz), for many blocks at once.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.records.picture import Array

Numbers = npt.NDArray[Any]


def _zigzag() -> npt.NDArray[np.intp]:
    """Diagonal after diagonal, upwards and downwards in turn."""
    row, column = np.divmod(np.arange(64), 8)
    diagonal = row + column
    return np.lexsort((np.where(diagonal % 2, row, column), diagonal))


ZIGZAG = _zigzag()
"""Row-wise places of the coefficients in the order they are coded (T.81 figure 5)."""
_FRACTION = 13
_FEWER = {8: 2, 12: 1}
"""Bits kept after the first pass, by precision."""
_SAFE = 1 << 15
"""Below this no sum exceeds 32 bits."""
_STRIP = 4096


def inverse(blocks: npt.NDArray[np.int32], quantization: Array, precision: int, across: int) -> Array:
    """Samples, (rows, columns) of whole blocks, uint8 or uint16.

    blocks: (blocks, 64) coefficients row by row; quantization: their 64 steps; across: blocks side by side.
    """
    down = len(blocks) // across
    top = (1 << precision) - 1
    plane = np.empty((down, 8, across, 8), dtype=np.uint8 if precision == 8 else np.uint16)
    strip = max(1, _STRIP // across)
    for first in range(0, down, strip):
        some = blocks[first * across : (first + strip) * across].astype(np.int64) * quantization
        largest = max(int(some.max()), -int(some.min()))
        wide: Numbers = some if largest >= _SAFE else some.astype(np.int32)
        # Coefficients to the front, so that each step of the transform runs over all blocks.
        square: Numbers = np.ascontiguousarray(wide.T).reshape(8, 8, -1)
        shift = _FRACTION - _FEWER[precision]
        columns = _pass(square, shift)
        rows = _pass(columns.transpose(1, 0, 2), _FRACTION + _FEWER[precision] + 3)
        values = (rows + ((top + 1) >> 1)).clip(0, top).transpose(2, 1, 0)
        plane[first : first + strip] = values.reshape(-1, across, 8, 8).transpose(0, 2, 1, 3)
    return plane.reshape(down * 8, across * 8)


def _pass(x: Numbers, shift: int) -> Numbers:
    """One direction: x[frequency] to [place]."""
    z1 = (x[2] + x[6]) * 4433
    even2 = z1 - x[6] * 15137
    even3 = z1 + x[2] * 6270
    even0 = (x[0] + x[4]) << _FRACTION
    even1 = (x[0] - x[4]) << _FRACTION
    sums = (even0 + even3, even1 + even2, even1 - even2, even0 - even3)
    z5 = (x[7] + x[3] + x[5] + x[1]) * 9633
    z3 = z5 - (x[7] + x[3]) * 16069
    z4 = z5 - (x[5] + x[1]) * 3196
    z1 = (x[7] + x[1]) * -7373
    z2 = (x[5] + x[3]) * -20995
    odd0 = x[7] * 2446 + z1 + z3
    odd1 = x[5] * 16819 + z2 + z4
    odd2 = x[3] * 25172 + z2 + z3
    odd3 = x[1] * 12299 + z1 + z4
    out = np.empty_like(x)
    half = 1 << (shift - 1)
    for place, (total, odd) in enumerate(zip(sums, (odd3, odd2, odd1, odd0), strict=True)):
        out[place] = (total + odd + half) >> shift
        out[7 - place] = (total - odd + half) >> shift
    return out
