"""Single cells cut out of a picture."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def cut_oval(pixels: Array, x: float, y: float, width: float, height: float) -> Array:
    """An upright ellipse around (x, y) on black ground, so that what lies beside it is not shown.

    pixels: (rows, columns) or (rows, columns, 3), of any dtype; 0 is black. Returns (height, width, …), rounded; what
    would lie outside the picture is black too.
    """
    tall, wide = max(1, round(height)), max(1, round(width))
    top, left = round(y - tall / 2), round(x - wide / 2)
    found = np.zeros((tall, wide, *pixels.shape[2:]), dtype=pixels.dtype)
    rows, columns = (slice(max(0, -first), None) for first in (top, left))
    seen = pixels[max(0, top) : max(0, top + tall), max(0, left) : max(0, left + wide)]
    found[rows, columns][: seen.shape[0], : seen.shape[1]] = seen
    down = (np.arange(tall) + 0.5) / tall * 2 - 1
    across = (np.arange(wide) + 0.5) / wide * 2 - 1
    found[np.hypot(down[:, None], across[None, :]) > 1] = 0
    return found
