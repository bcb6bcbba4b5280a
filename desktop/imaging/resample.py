"""A picture at another size, without the mistakes of scaling what is encoded for a screen.

Grey pictures are scaled as stored values, before any window: what is averaged is what the detector measured, the same
whatever the window. Colour pictures are scaled as light: an average of sRGB codes would be too dark.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from desktop.imaging.colour_tables import decode_srgb, encode_srgb
from desktop.records.picture import Array

Matrix = npt.NDArray[np.float64]

_LIGHT = 65535


def resample(
    codes: Array, matrix: Matrix, width: int, height: int, *, smooth: bool, outside: int = 0, padding: int | None = None
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Pixels as (height, width[, 3]) of the same kind, and which of them lie off the picture.

    codes: (rows, columns) uint8 or uint16 stored values, or (rows, columns, 3) uint8 sRGB. matrix: (2, 3), from an
    output pixel's centre (x, y) to a point of the picture, pixel centres at integers. smooth: between the pixels, else
    the nearest one as it is. outside: the value off the picture. padding: a value that never mixes with others.
    """
    import cv2  # loads in a tenth of a second; the window starts without it

    def warp(source: Array, how: int, border: int) -> Array:
        flags = how | cv2.WARP_INVERSE_MAP
        return np.asarray(
            cv2.warpAffine(source, matrix, (width, height), flags=flags, borderMode=border, borderValue=outside)
        )

    off = _off(codes.shape[0], codes.shape[1], matrix, width, height)
    if not smooth:
        return warp(codes, cv2.INTER_NEAREST, cv2.BORDER_REPLICATE), off
    if codes.ndim == 3:
        light = warp(light_of(codes), cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
        return codes_of(light), off
    made = warp(codes, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
    if padding is not None:
        holes = np.asarray(codes == padding, dtype=np.uint8) * np.uint8(255)
        if holes.any():
            mixed = warp(holes, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE) > 0
            made[mixed] = warp(codes, cv2.INTER_NEAREST, cv2.BORDER_REPLICATE)[mixed]
    return made, off


def light_of(srgb: Array) -> Array:
    """sRGB codes, uint8, as light, uint16."""
    return np.take(_to_light(), srgb)


def codes_of(light: Array) -> Array:
    """Light, uint16, as sRGB codes, uint8."""
    return np.take(_to_codes(), light)


@cache
def _to_light() -> Array:
    return np.rint(decode_srgb(np.arange(256) / 255) * _LIGHT).astype(np.uint16)


@cache
def _to_codes() -> Array:
    return np.rint(encode_srgb(np.arange(_LIGHT + 1) / _LIGHT) * 255).astype(np.uint8)


def covered(rows: int, columns: int, matrix: Matrix, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (the end excluded) of the output pixels that lie on a picture; all 0 where none does."""
    off_x, off_y = _off_lines(rows, columns, matrix, width, height)
    xs, ys = np.flatnonzero(~off_x), np.flatnonzero(~off_y)
    if not (xs.size and ys.size):
        return 0, 0, 0, 0
    return int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1


def _off(rows: int, columns: int, matrix: Matrix, width: int, height: int) -> npt.NDArray[np.bool_]:
    """Where output pixels lie off a picture."""
    off_x, off_y = _off_lines(rows, columns, matrix, width, height)
    return np.asarray(off_x[None, :] | off_y[:, None])


def _off_lines(
    rows: int, columns: int, matrix: Matrix, width: int, height: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """For the eight ways a film can lie, a row of flags and a column of them: which lie off it."""
    xs, ys = np.arange(width), np.arange(height)
    straight = matrix[0, 1] == 0 and matrix[1, 0] == 0
    along_x, along_y = (matrix[0, 0], matrix[1, 1]) if straight else (matrix[1, 0], matrix[0, 1])
    (first, offset_x), (second, offset_y) = ((columns, matrix[0, 2]), (rows, matrix[1, 2]))
    if not straight:
        first, offset_x, second, offset_y = second, offset_y, first, offset_x
    at_x, at_y = along_x * xs + offset_x, along_y * ys + offset_y
    off_x = (at_x < -0.5) | (at_x >= first - 0.5)
    off_y = (at_y < -0.5) | (at_y >= second - 0.5)
    return np.asarray(off_x), np.asarray(off_y)
