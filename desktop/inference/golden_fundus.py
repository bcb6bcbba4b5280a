"""Photographs of retinas drawn by our own code, to see whether a model still answers as it did when it was made. No
patient."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

_ROWS, _COLUMNS = 600, 620
_MIDDLE, _RADIUS = (306.0, 300.0), 280.0
_DISC, _DISC_RADIUS = (172.0, 292.0), 42.0
_MACULA = (392.0, 312.0)
# Of each vessel: the angle in degrees at which it leaves the disc, how it bends, its half width at the disc.
_VESSELS = (
    (-72, 0.0052, 5.0), (-58, 0.0066, 3.6), (-100, -0.0040, 4.0), (-20, -0.0030, 2.0), (64, -0.0056, 5.2),
    (80, -0.0064, 3.6), (104, 0.0044, 4.2), (22, 0.0030, 2.0), (-150, -0.0050, 2.6), (150, 0.0050, 2.6),
)  # fmt: skip  # vessels, five to a line
_DARK = ((300, 170, 3), (420, 410, 4), (350, 240, 2), (470, 250, 3), (250, 430, 6), (440, 180, 2))
_BRIGHT = ((410, 262, 4), (424, 270, 3), (402, 276, 2), (330, 400, 5), (342, 396, 3))


def drawn_retina(*, ill: bool = True) -> Bytes:
    """(600, 620, 3) uint8 RGB: a round field on black, darker towards its rim, a disc to the left, ten vessels that
    bend away from it and branch, a dark macula, and, where it is ill, dark and bright spots."""
    rows, columns = np.mgrid[0:_ROWS, 0:_COLUMNS].astype(np.float64)
    far = np.hypot(columns - _MIDDLE[0], rows - _MIDDLE[1])
    shade = 1.0 - 0.25 * (far / _RADIUS) ** 2
    speckle = 0.02 * np.cos(columns / 5.3 + np.sin(rows / 7.1)) * np.cos(rows / 6.1)
    green = 105.0 * (shade + speckle)
    green *= 1.0 - 0.35 * _bell(columns, rows, _MACULA, 26.0)
    vessels = drawn_vessels()
    green *= 1.0 - 0.42 * np.clip(vessels, 0.0, 1.0)
    disc = _step(_DISC_RADIUS - np.hypot(columns - _DISC[0], rows - _DISC[1]), 3.0)
    green += disc * (1.0 - 0.3 * np.clip(vessels, 0.0, 1.0)) * 80.0
    blue = 0.35 * green
    if ill:
        for x, y, size in _DARK:
            green *= 1.0 - 0.45 * _step(size - np.hypot(columns - x, rows - y), 0.8)
        for x, y, size in _BRIGHT:
            green += 75.0 * _step(size - np.hypot(columns - x, rows - y), 0.8)
    red = np.minimum(250.0, 1.9 * 105.0 * shade * (1.0 - 0.12 * np.clip(vessels, 0.0, 1.0)) + 30.0 * disc)
    field = _step(_RADIUS - far, 1.0)
    picture = np.stack([red, green, blue], axis=2) * field[:, :, None]
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8)


def drawn_vessels() -> Floats:
    """(600, 620) how much of each point of the drawn retina is vessel, 0 to 1 and, in the middle of one, nearly 1."""
    vessels = np.zeros((_ROWS, _COLUMNS))
    for angle, bend, width in _VESSELS:
        _draw_vessel(vessels, np.deg2rad(angle), bend, width, 360)
    return vessels


RETINAS: Mapping[str, Callable[[], Bytes]] = {"retina/1": drawn_retina}


def _draw_vessel(vessels: Floats, angle: float, bend: float, width: float, length: int) -> None:
    """Add a vessel that starts on the disc, bends steadily and gets thinner; halfway a branch leaves it."""
    x, y = _DISC
    for step in range(length):
        size = width * (1.0 - 0.75 * step / length)
        _dot(vessels, x, y, size)
        x, y = x + np.cos(angle), y + np.sin(angle)
        angle += bend + 0.012 * np.cos(step / 17.0)
        if step == length // 2 and width > 3.0:
            fork, fork_x, fork_y = angle + np.sign(bend) * 0.6, x, y
            for further in range(length // 3):
                _dot(vessels, fork_x, fork_y, 0.5 * size * (1.0 - further / length))
                fork_x, fork_y = fork_x + np.cos(fork), fork_y + np.sin(fork)
                fork -= 1.2 * bend


def _dot(vessels: Floats, x: float, y: float, size: float) -> None:
    """The darkest of what is there and a soft dot."""
    reach = int(np.ceil(size)) + 2
    top, left = max(0, int(y) - reach), max(0, int(x) - reach)
    part = vessels[top : int(y) + reach + 1, left : int(x) + reach + 1]
    if part.size:
        rows, columns = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]]
        np.maximum(part, _step(size - np.hypot(columns - x, rows - y), 0.7), out=part)


def _bell(columns: Floats, rows: Floats, middle: tuple[float, float], reach: float) -> Floats:
    return np.exp(-((columns - middle[0]) ** 2 + (rows - middle[1]) ** 2) / (2 * reach * reach))


def _step(depth: Floats, edge: float) -> Floats:
    """1 well inside, 0 well outside, smooth over `edge` pixels."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(4.0 * depth / edge, -60.0, 60.0))), dtype=np.float64)
