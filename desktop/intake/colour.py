"""Telling a grey picture that was stored in colour from a coloured one."""

import numpy as np
import numpy.typing as npt

from desktop.records import Photometric

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""

_MAX_SPREAD = 16
_MAX_MEAN_SPREAD = 3.0
_STRIP_ROWS = 256


def from_rgb(pixels: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], Photometric]:
    """(rows, columns, 3) uint8 as (rows, columns) MONOCHROME2 where its channels agree, else as it is.

    Most films that arrive as JPEG or as a screen copy are grey with three equal channels. Lossy compression lets the
    channels drift by some steps; a drift of more than 16 in over 1 pixel of 1,000, or of 3 on average, is colour.
    """
    total = 0.0
    outliers = 0
    for start in range(0, pixels.shape[0], _STRIP_ROWS):  # strips keep a 100-megapixel picture from tripling in memory
        strip = pixels[start : start + _STRIP_ROWS]
        spread = strip.max(axis=2) - strip.min(axis=2)
        total += float(spread.sum(dtype=np.float64))
        outliers += int(np.count_nonzero(spread > _MAX_SPREAD))
    count = pixels.shape[0] * pixels.shape[1]
    if outliers > count / 1000 or total > _MAX_MEAN_SPREAD * count:
        return pixels, Photometric.RGB
    if total == 0.0:
        return np.ascontiguousarray(pixels[:, :, 0]), Photometric.MONOCHROME2
    grey = np.empty(pixels.shape[:2], dtype=np.uint8)
    for start in range(0, pixels.shape[0], _STRIP_ROWS):
        strip = pixels[start : start + _STRIP_ROWS]
        grey[start : start + _STRIP_ROWS] = np.rint(strip @ LUMA).astype(np.uint8)
    return grey, Photometric.MONOCHROME2
