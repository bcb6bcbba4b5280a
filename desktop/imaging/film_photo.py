"""A film photographed on a light box: where its corners are, what shape it has, and the film laid flat.

Points are (x, y) in pixels, x to the right, y down, pixel centres at integers. Nothing here decides anything: corners
are proposed, and whoever looks at them moves them.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from desktop.imaging.geometry import Point
from desktop.records import Photometric, Picture
from desktop.records.picture import Array

Corners = tuple[Point, Point, Point, Point]
"""Of the film as it shall hang: top left, top right, bottom right, bottom left."""

LONGEST = 4096
"""Pixels along the longer side of a film laid flat; a phone's photograph holds no more of one."""
SHORTEST = 8.0
"""Pixels; a side shorter than this is no film's."""
_INSET = 0.1
_PHONE_FOCAL = 0.75
"""Focal length of a phone's main camera in long sides of its picture: 26 or 27 mm for 36 mm of film."""
_PLAUSIBLE_FOCAL = (0.5, 2.5)


class FilmFormat(StrEnum):
    """How a film is proportioned, the long side against the short one; SEEN is worked out from the photograph."""

    SEEN = "seen"
    CM_35_43 = "35x43"
    CM_35_35 = "35x35"
    CM_30_40 = "30x40"
    CM_24_30 = "24x30"
    CM_18_24 = "18x24"

    @property
    def long_by_short(self) -> float | None:
        """43/35 for a film of 35 by 43 cm; None for SEEN."""
        if self is FilmFormat.SEEN:
            return None
        short, long = (float(part) for part in self.value.split("x"))
        return long / short


@dataclass(frozen=True)
class Straightening:
    """What somebody confirmed: the corners in the photograph, the film's proportions, and whether colour is dropped."""

    corners: Corners
    form: FilmFormat = FilmFormat.SEEN
    grey: bool = True

    def __post_init__(self) -> None:
        if not is_convex(self.corners):
            raise ValueError("four corners of a film lie around it")

    def turned(self) -> "Straightening":
        """The film hung a quarter turn further, clockwise."""
        a, b, c, d = self.corners
        return Straightening((d, a, b, c), self.form, self.grey)


def inset_corners(rows: int, columns: int) -> Corners:
    """Corners to begin with where none were found."""
    left, right = _INSET * columns, (1 - _INSET) * columns
    top, bottom = _INSET * rows, (1 - _INSET) * rows
    return (left, top), (right, top), (right, bottom), (left, bottom)


def is_convex(corners: Corners) -> bool:
    """Whether the corners go round clockwise (y down) without crossing, each side long enough to be one."""
    for at in range(4):
        (x0, y0), (x1, y1), (x2, y2) = (corners[(at + step) % 4] for step in range(3))
        first, second = (x1 - x0, y1 - y0), (x2 - x1, y2 - y1)
        lengths = math.hypot(*first), math.hypot(*second)
        if min(lengths) < SHORTEST:
            return False
        # A corner of less than six degrees, or more than 174, is none.
        if first[0] * second[1] - first[1] * second[0] < 0.1 * lengths[0] * lengths[1]:
            return False
    return True


def in_order(points: npt.NDArray[np.float64]) -> Corners:
    """Four points as corners: clockwise, the one nearest to the picture's own top left corner first."""
    middle = points.mean(axis=0)
    around = points[np.argsort(np.arctan2(points[:, 1] - middle[1], points[:, 0] - middle[0]))]
    first = int(np.argmin(around.sum(axis=1)))
    a, b, c, d = ((float(x), float(y)) for x, y in np.roll(around, -first, axis=0))
    return a, b, c, d


def width_by_height(corners: Corners, rows: int, columns: int, form: FilmFormat = FilmFormat.SEEN) -> float:
    """The width of the flat film for a height of one.

    SEEN: by the perspective of a pinhole camera whose axis meets the middle of the photograph (Zhang and He,
    "Whiteboard scanning and image enhancement", Digital Signal Processing 17, 2007, section 3). Where the perspective
    is too weak to tell the camera's focal length, that of a phone's main camera stands for it; the weaker the
    perspective, the less it matters.
    """
    seen = _seen_proportion(corners, rows, columns)
    known = form.long_by_short
    if known is None:
        return seen
    return known if seen >= 1 else 1 / known


def _seen_proportion(corners: Corners, rows: int, columns: int) -> float:
    long_side = max(rows, columns)
    middle = (columns - 1) / 2, (rows - 1) / 2
    m1, m2, m4, m3 = (np.array([(x - middle[0]) / long_side, (y - middle[1]) / long_side, 1.0]) for x, y in corners)
    k2 = float(np.dot(np.cross(m1, m4), m3) / np.dot(np.cross(m2, m4), m3))
    k3 = float(np.dot(np.cross(m1, m4), m2) / np.dot(np.cross(m3, m4), m2))
    across, down = k2 * m2 - m1, k3 * m3 - m1
    both = across[2] * down[2]
    squared = -(across[0] * down[0] + across[1] * down[1]) / both if abs(both) > 1e-9 else -1.0
    focal = math.sqrt(squared) if squared > 0 else 0.0
    if not _PLAUSIBLE_FOCAL[0] <= focal <= _PLAUSIBLE_FOCAL[1]:
        focal = _PHONE_FOCAL
    scale = np.array([1 / focal, 1 / focal, 1.0])
    return float(np.linalg.norm(across * scale) / np.linalg.norm(down * scale))


def flat_size(corners: Corners, rows: int, columns: int, form: FilmFormat = FilmFormat.SEEN) -> tuple[int, int]:
    """Rows and columns of the film laid flat: as fine as the photograph is where it is finest, at most LONGEST."""
    proportion = width_by_height(corners, rows, columns, form)
    a, b, c, d = corners
    wide = max(math.dist(a, b), math.dist(d, c))
    high = max(math.dist(a, d), math.dist(b, c))
    height = max(high, wide / proportion)
    height *= min(1.0, LONGEST / max(height, height * proportion))
    return max(1, round(height)), max(1, round(height * proportion))


def flatten(picture: Picture, straightening: Straightening, longest: int = LONGEST) -> Array:
    """The film alone, straight: (rows, columns) or (rows, columns, 3) uint8. longest: of its sides, for a preview.

    Light as in the photograph: nothing is brightened, and what is dark stays dark.
    """
    import cv2  # loads in a tenth of a second; the window starts without it

    corners = straightening.corners
    rows, columns = flat_size(corners, picture.rows, picture.columns, straightening.form)
    smaller = min(1.0, longest / max(rows, columns))
    rows, columns = max(1, round(rows * smaller)), max(1, round(columns * smaller))
    pixels = light(picture)
    if straightening.grey:
        pixels = grey(pixels)
    source = np.array(corners, np.float32)
    # The outer edges of the corner pixels, not their centres: the film ends where its last pixel ends.
    target = np.array(
        [(-0.5, -0.5), (columns - 0.5, -0.5), (columns - 0.5, rows - 0.5), (-0.5, rows - 0.5)], np.float32
    )
    matrix = cv2.getPerspectiveTransform(source, target)
    reduction = max(math.dist(corners[0], corners[1]) / columns, math.dist(corners[1], corners[2]) / rows)
    if reduction >= 2:
        # A preview: averaged first, so that fine lines do not flicker.
        step = int(reduction)
        pixels, matrix = _reduced(pixels, step), matrix @ _enlarging(step)
    made: Array = cv2.warpPerspective(
        pixels, matrix, (columns, rows), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0
    )
    return made


def light(picture: Picture) -> Array:
    """A photograph's pixels as (rows, columns[, 3]) uint8 of light."""
    if picture.photometric is Photometric.RGB or picture.pixels.dtype == np.uint8:
        pixels: Array = picture.pixels
        return 255 - pixels if picture.photometric is Photometric.MONOCHROME1 else pixels
    from desktop.imaging.display import RenderSettings, render

    return render(picture, RenderSettings())


def grey(pixels: Array) -> Array:
    """(rows, columns[, 3]) uint8 as (rows, columns): how bright each point looks (ITU-R BT.601)."""
    import cv2

    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)) if pixels.ndim == 3 else pixels


def _reduced(pixels: Array, step: int) -> Array:
    import cv2

    rows, columns = -(-pixels.shape[0] // step), -(-pixels.shape[1] // step)
    below, beside = rows * step - pixels.shape[0], columns * step - pixels.shape[1]
    even = cv2.copyMakeBorder(pixels, 0, below, 0, beside, cv2.BORDER_REPLICATE) if below or beside else pixels
    return np.asarray(cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA))


def _enlarging(step: int) -> npt.NDArray[np.float64]:
    """From pixels of a picture reduced by a step to those of the picture itself."""
    return np.array([[step, 0, (step - 1) / 2], [0, step, (step - 1) / 2], [0, 0, 1]], np.float64)
