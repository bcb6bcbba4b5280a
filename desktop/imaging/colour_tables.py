"""Colours for grey pictures: tables of our own, made so that equal steps of light look equally large.

Each runs through OKLab (Ottosson 2020) from black to white with evenly rising CIE lightness, so that it stays right for
colour-blind eyes and on a black-and-white printer; only hue and chroma differ. What sRGB cannot show is brought nearer
to grey, never lighter or darker.
"""

import math
from enum import StrEnum
from functools import cache

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

SHADES = 256


class ColourTable(StrEnum):
    """Which table. GREY: none."""

    GREY = "grey"
    WARM = "warm"
    COLD = "cold"
    SPECTRUM = "spectrum"


_HUES = {ColourTable.WARM: (20.0, 105.0), ColourTable.COLD: (290.0, 190.0), ColourTable.SPECTRUM: (300.0, -255.0)}
"""Degrees of hue at black, and at white; the spectrum goes from violet by red and yellow to green and blue-green."""

_CHROMA = 0.16
_HALVINGS = 16


@cache
def colours(table: ColourTable) -> Table:
    """(256, 3) uint8 sRGB: light 0 (dark) to 255 (bright) as a colour. Read-only."""
    steps = np.linspace(0.0, 1.0, SHADES)
    if table is ColourTable.GREY:
        made = np.repeat(np.arange(SHADES, dtype=np.uint8)[:, None], 3, axis=1)
    else:
        begin, end = _HUES[table]
        hue = np.radians(begin + (end - begin) * steps)
        chroma = _CHROMA * np.sin(math.pi * steps) ** 0.6
        lightness = _even(steps, chroma, hue)
        made = _srgb8(lightness, _fitting(lightness, chroma, hue), hue)
    made.setflags(write=False)
    return made


def _even(steps: Floats, chroma: Floats, hue: Floats) -> Floats:
    """The OKLab lightness at which each step has its share of CIE lightness (L*), by halving."""
    low, high = np.zeros_like(steps), np.ones_like(steps)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        luminance = _linear(middle, _fitting(middle, chroma, hue), hue) @ np.array([0.2126, 0.7152, 0.0722])
        cie = np.where(luminance > 0.008856, 1.16 * np.cbrt(luminance) - 0.16, 9.033 * luminance)
        low, high = np.where(cie < steps, middle, low), np.where(cie < steps, high, middle)
    return (low + high) / 2


def _fitting(lightness: Floats, chroma: Floats, hue: Floats) -> Floats:
    """As much of the chroma as sRGB can show at that lightness, by halving."""
    low, high = np.zeros_like(chroma), chroma.copy()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        linear = _linear(lightness, middle, hue)
        fits = ((linear >= -1e-9) & (linear <= 1 + 1e-9)).all(axis=1)
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return low


def _linear(lightness: Floats, chroma: Floats, hue: Floats) -> Floats:
    """OKLCh to linear sRGB."""
    a, b = chroma * np.cos(hue), chroma * np.sin(hue)
    roots = np.stack(
        (
            lightness + 0.3963377774 * a + 0.2158037573 * b,
            lightness - 0.1055613458 * a - 0.0638541728 * b,
            lightness - 0.0894841775 * a - 1.2914855480 * b,
        )
    )
    cones = roots**3
    matrix = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear: Floats = (matrix @ cones).T
    return linear


def _srgb8(lightness: Floats, chroma: Floats, hue: Floats) -> Table:
    encoded = encode_srgb(np.clip(_linear(lightness, chroma, hue), 0.0, 1.0))
    return np.rint(encoded * 255).astype(np.uint8)


def encode_srgb(linear: Floats) -> Floats:
    """Light in 0..1 as sRGB in 0..1 (IEC 61966-2-1)."""
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


def decode_srgb(encoded: Floats) -> Floats:
    """sRGB in 0..1 as light in 0..1."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
