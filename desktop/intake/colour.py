"""Telling a grey picture that was stored in colour from a coloured one.

Most films that arrive as JPEG or as a screen copy are grey in three channels. Lossy compression lets the channels drift
by some steps; a drift of more than 16 in over 1 pixel of 1,000, or of 3 on average, is colour.
"""

import numpy as np
import numpy.typing as npt

from desktop.records import Photometric

Pixels8 = npt.NDArray[np.uint8]

_MAX_SPREAD = 16
_MAX_MEAN_SPREAD = 3.0
# A step of chroma moves red or blue by up to 1.8 steps (ITU-R BT.601).
_CHROMA_GAIN = 1.8
_STRIP_ROWS = 256


def from_rgb(pixels: Pixels8) -> tuple[Pixels8, Photometric]:
    """(rows, columns, 3) RGB as (rows, columns) MONOCHROME2 where its channels agree, else as it is."""
    total, outliers = 0.0, 0
    for strip in _strips(pixels):
        red, green, blue = strip[..., 0], strip[..., 1], strip[..., 2]
        spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
        total += float(spread.sum(dtype=np.float64))
        outliers += int(np.count_nonzero(spread > _MAX_SPREAD))
    if not _is_grey(total, outliers, pixels):
        return pixels, Photometric.RGB
    if total == 0.0:
        return np.ascontiguousarray(pixels[:, :, 0]), Photometric.MONOCHROME2
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
    rows = [np.rint(strip @ weights).astype(np.uint8) for strip in _strips(pixels)]
    return np.concatenate(rows), Photometric.MONOCHROME2


def grey_from_ybr(pixels: Pixels8) -> Pixels8 | None:
    """The brightness of a (rows, columns, 3) YCbCr picture without colour, or None where there is colour.

    Saves a film that came as colour JPEG the way to RGB and back, half a second for a large one.
    """
    total, outliers = 0.0, 0
    for strip in _strips(pixels):
        blue, red = (np.abs(strip[..., channel].astype(np.int16) - 128) for channel in (1, 2))
        chroma = np.maximum(blue, red)
        total += _CHROMA_GAIN * float(chroma.sum(dtype=np.float64))
        outliers += int(np.count_nonzero(chroma > _MAX_SPREAD / _CHROMA_GAIN))
    return np.ascontiguousarray(pixels[:, :, 0]) if _is_grey(total, outliers, pixels) else None


def _is_grey(total_spread: float, outliers: int, pixels: Pixels8) -> bool:
    count = pixels.shape[0] * pixels.shape[1]
    return bool(outliers <= count / 1000 and total_spread <= _MAX_MEAN_SPREAD * count)


def _strips(pixels: Pixels8) -> list[Pixels8]:
    """Some rows at a time: a 100-megapixel picture must not triple in memory for a question."""
    return [pixels[start : start + _STRIP_ROWS] for start in range(0, pixels.shape[0], _STRIP_ROWS)]
