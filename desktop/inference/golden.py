"""Pictures and traces drawn by our own code, to see whether a graph still answers as it did when made. No patient."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from desktop.records import Trace
from desktop.signals.synthetic import DrawnHeart, draw

FloatArray = npt.NDArray[np.float32]


def lung_phantom() -> FloatArray:
    """(300, 340) float32 in 0..1: a bright trunk, two dark lungs of unequal size, a heart to the right of the
    middle, ribs, and a shadow in the lower left of the picture. Not symmetric on purpose."""
    rows, columns = np.mgrid[0:300, 0:340].astype(np.float64)
    y, x = rows / 300 - 0.5, columns / 340 - 0.5
    trunk = 0.75 * _soft(1.0 - (x / 0.46) ** 4 - (y / 0.62) ** 4)
    left = _soft(1.0 - ((x + 0.19) / 0.125) ** 2 - ((y + 0.02) / 0.33) ** 2)
    right = _soft(1.0 - ((x - 0.20) / 0.115) ** 2 - ((y + 0.04) / 0.31) ** 2)
    heart = _soft(1.0 - ((x - 0.07) / 0.12) ** 2 - ((y - 0.12) / 0.14) ** 2)
    spine = np.exp(-((x / 0.035) ** 2))
    ribs = 0.5 + 0.5 * np.cos(2 * np.pi * (y * 9 + np.abs(x) * 2.2))
    shadow = np.exp(-(((x + 0.2) / 0.06) ** 2) - ((y - 0.17) / 0.05) ** 2)
    lungs = np.clip(left + right - 1.4 * heart, 0.0, 1.0)
    picture = trunk * (1.0 - 0.72 * lungs) + 0.12 * spine * trunk + 0.06 * ribs * lungs + 0.22 * shadow * lungs
    found: FloatArray = np.clip(picture, 0.0, 1.0).astype(np.float32)
    return found


def _soft(level: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """0 below zero, 1 well above it, smooth between."""
    return 1.0 / (1.0 + np.exp(-np.clip(level * 14.0, -60.0, 60.0)))


def cell_phantom() -> FloatArray:
    """(96, 88, 3) float32 in 0..1: one stained red cell on black, paler in the middle, a dark ring with a dot in it off
    the middle."""
    rows, columns = np.mgrid[0:96, 0:88].astype(np.float64)
    y, x = rows / 48 - 0.99, columns / 44 - 0.99
    far = np.hypot(x, y)
    body = _soft(8.0 * (0.97 - far))
    shade = 1.0 - 0.12 * _soft(3.0 * (far - 0.55)) + 0.02 * np.cos(9 * x + 4 * y)
    ring = np.exp(-(((np.hypot(x - 0.28, y + 0.2) - 0.16) / 0.05) ** 2))
    dot = np.exp(-(((x - 0.43) / 0.06) ** 2) - ((y + 0.24) / 0.06) ** 2)
    stain = np.clip(0.8 * ring + dot, 0.0, 1.0)
    colours = np.stack([0.82 - 0.34 * stain, 0.66 - 0.38 * stain, 0.70 - 0.14 * stain], axis=2)
    found: FloatArray = np.clip(colours * (shade * body)[:, :, None], 0.0, 1.0).astype(np.float32)
    return found


def head_phantom() -> FloatArray:
    """(300, 280) float32 in 0..1: a slice of a head a little turned, in a brain window: scalp, skull with a gap, brain
    with dark hollows, a bright lens under the skull on one side and a swelling outside it."""
    rows, columns = np.mgrid[0:300, 0:280].astype(np.float64)
    down, across = (rows - 148) / 115, (columns - 148) / 115
    y, x = down * np.cos(0.12) - across * np.sin(0.12), across * np.cos(0.12) + down * np.sin(0.12)
    far = np.hypot(x / 0.72, y / 0.86)
    swelling = np.exp(-(((x + 0.75) / 0.14) ** 2) - ((y - 0.1) / 0.25) ** 2)
    scalp, skull, brain = (_soft(8.0 * (edge - far)) for edge in (1.0 + 0.13, 1.0 + 0.05, 0.93))
    gap = np.exp(-(((x + 0.6) / 0.2) ** 2) - ((y - 0.12) / 0.012) ** 2)
    lens = _soft(6.0 * (1.0 - ((x + 0.62) / 0.14) ** 2 - ((y - 0.1) / 0.32) ** 2)) * brain
    hollows = sum(np.exp(-(((x - side) / 0.05) ** 2) - ((y + 0.1) / 0.16) ** 2) for side in (-0.1, 0.11))
    inside = 0.46 + 0.02 * np.cos(23 * x) * np.cos(19 * y) + 0.22 * lens - 0.2 * hollows
    picture = (
        0.42 * np.maximum(scalp, swelling) * (1 - skull) + (1.05 - 0.75 * gap) * skull * (1 - brain) + inside * brain
    )
    found: FloatArray = np.clip(picture, 0.0, 1.0).astype(np.float32)
    return found


PICTURES: Mapping[str, Callable[[], FloatArray]] = {
    "lung-phantom/1": lung_phantom,
    "cell-phantom/1": cell_phantom,
    "head-phantom/1": head_phantom,
}


def resting_heart() -> Trace:
    """Ten seconds of twelve leads at 500 Hz: beats that come a little unevenly, on a slowly wandering line."""
    return draw(DrawnHeart(rr=(820.0, 840.0, 800.0)), wander_mv=0.05).trace


def irregular_heart() -> Trace:
    """Half a minute of twelve leads at 300 Hz: no P waves, and beats at uneven intervals."""
    heart = DrawnHeart(rr=(520.0, 810.0, 640.0, 930.0, 580.0, 700.0, 1010.0), qt=340.0, p_wave=False)
    return draw(heart, rate=300.0, seconds=30.0).trace


TRACES: Mapping[str, Callable[[], Trace]] = {
    "resting-heart/1": resting_heart,
    "irregular-heart/1": irregular_heart,
}
