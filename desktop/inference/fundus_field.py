"""The circle of the retina on a photograph of the back of an eye, and the retina at a size of its own.

Cameras show a round field on black, often cut off above and below. Everything that is measured or given to a network
is first brought to one diameter of that circle, so that it does not matter how many pixels a file has.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

_LOOK = 384
"""Pixels of the longer side of the copy in which the circle is looked for."""
_LEAST_LIGHT = 10
_LIT = 0.12
_TRIMS = 12
INSIDE = 0.985
"""The rim of the field is blurred and coloured: this share of the radius is looked at, where nothing else is said."""
_SAME_SIZE = 0.05
"""A retina whose diameter differs by less than this share is left at its size: resampling would only blur it."""


@dataclass(frozen=True)
class Circle:
    """x, y, radius: in pixels of the picture. rim: root mean square distance of its edge from the circle, as a share
    of the radius. seen: share of the circle's edge that was found. filled: share of the circle, as far as the picture
    shows it, that is lit. beyond: share of the rest of the picture that is lit too."""

    x: float
    y: float
    radius: float
    rim: float
    seen: float
    filled: float
    beyond: float


def find_circle(pixels: Bytes) -> Circle | None:
    """The lit field of a colour photograph, (rows, columns, 3) RGB; None where nothing like a circle is there."""
    import cv2  # loads in a tenth of a second; the window starts without it

    shrink = min(1.0, _LOOK / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * shrink)), max(1, round(pixels.shape[0] * shrink)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    light = cv2.medianBlur(np.ascontiguousarray(small.max(axis=2)), 3)
    lit = light > max(_LEAST_LIGHT, _LIT * float(np.percentile(light, 90)))
    count, parts, sizes, _ = cv2.connectedComponentsWithStats(lit.astype(np.uint8), connectivity=4)
    if count < 2:
        return None
    body = parts == 1 + int(np.argmax(sizes[1:, cv2.CC_STAT_AREA]))
    edge = _edge(body)
    if len(edge) < 24:
        return None
    fitted = _fit(edge)
    if fitted is None:
        return None
    x, y, radius = fitted
    off = np.abs(np.hypot(edge[:, 0] - x, edge[:, 1] - y) - radius) / radius
    near = edge[off < 0.03]
    if len(near) < 12:
        return None
    turns = np.floor((np.arctan2(near[:, 1] - y, near[:, 0] - x) + np.pi) / (2 * np.pi) * 72).astype(int)
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    inside = np.hypot(columns - x, rows - y) <= radius
    if not inside.any():
        return None
    return Circle(
        (x + 0.5) / shrink - 0.5,
        (y + 0.5) / shrink - 0.5,
        radius / shrink,
        float(np.sqrt(np.mean(np.minimum(off, 0.2) ** 2))),
        len(np.unique(np.clip(turns, 0, 71))) / 72,
        float(lit[inside].mean()),
        float(lit[~inside].mean()) if (~inside).any() else 0.0,
    )


def _edge(body: Bools) -> Floats:
    """(n, 2) x, y where rows and columns of a body begin and end, but not at the picture's own edge."""
    points = []
    for along, across in ((body, False), (body.T, True)):
        any_there = np.flatnonzero(along.any(axis=1))
        first = along.argmax(axis=1)[any_there]
        last = along.shape[1] - 1 - along[:, ::-1].argmax(axis=1)[any_there]
        for ends, free in ((first - 0.5, first > 1), (last + 0.5, last < along.shape[1] - 2)):
            lines, places = any_there[free].astype(float), ends[free]
            points.append(np.stack([lines, places] if across else [places, lines], axis=1))
    return np.concatenate(points)


def _fit(edge: Floats) -> tuple[float, float, float] | None:
    """Middle and radius of the circle that most of these points lie on, whatever a notch or a dark rim adds."""
    middle = (edge.min(axis=0) + edge.max(axis=0)) / 2
    x, y = float(middle[0]), float(middle[1])
    radius = float(np.max(edge.max(axis=0) - edge.min(axis=0))) / 2
    kept = np.ones(len(edge), dtype=bool)
    for turn in range(_TRIMS):
        chosen = edge[kept]
        if len(chosen) < 12:
            return None
        table = np.column_stack([2 * chosen, np.ones(len(chosen))])
        solved, *_ = np.linalg.lstsq(table, (chosen**2).sum(axis=1), rcond=None)
        x, y = float(solved[0]), float(solved[1])
        square = float(solved[2]) + x * x + y * y
        if square <= 0:
            return None
        radius = float(np.sqrt(square))
        off = np.abs(np.hypot(edge[:, 0] - x, edge[:, 1] - y) - radius)
        kept = off <= max(1.0, float(np.quantile(off, 0.9 - 0.02 * turn)))
    return x, y, radius


@dataclass(frozen=True, eq=False)
class Retina:
    """A retina cut out and brought to size. pixels: (side, side, 3) RGB, black where nothing was. field: (side, side)
    where the retina is seen. scale: of its pixels to the picture's; left, top: the picture's pixel (edges, not centres)
    where the cut begins."""

    pixels: Bytes
    field: Bools
    scale: float
    left: float
    top: float

    def back(self, values: FloatArray, shape: tuple[int, int]) -> FloatArray:
        """(side, side) values of the retina as (rows, columns) of the picture, 0 beyond its field."""
        import cv2

        rows, columns = shape
        # From a pixel centre of the picture to one of the cut.
        shift_x, shift_y = ((0.5 - edge) * self.scale - 0.5 for edge in (self.left, self.top))
        matrix = np.array([[self.scale, 0.0, shift_x], [0.0, self.scale, shift_y]])
        method = cv2.INTER_NEAREST if self.scale == 1.0 else cv2.INTER_LINEAR
        flags = method | cv2.WARP_INVERSE_MAP
        source = np.ascontiguousarray(values, dtype=np.float32)
        return np.asarray(cv2.warpAffine(source, matrix, (columns, rows), flags=flags, borderValue=0))


def cut_out(pixels: Bytes, circle: Circle, diameter: int, side: int, inside: float = INSIDE) -> Retina:
    """The retina in the middle of a square, its circle `diameter` pixels wide (or nearly, see `_SAME_SIZE`). inside:
    share of the circle's radius that is looked at."""
    import cv2

    scale = diameter / (2 * circle.radius)
    if abs(scale - 1) < _SAME_SIZE:
        scale = 1.0
    left, top = circle.x + 0.5 - side / scale / 2, circle.y + 0.5 - side / scale / 2
    if scale == 1.0:
        left, top = float(round(left)), float(round(top))
    reduced, own = _reduced(pixels, scale)
    rest = scale / own
    matrix = np.array([[rest, 0.0, (0.5 * rest - 0.5) - left * scale], [0.0, rest, (0.5 * rest - 0.5) - top * scale]])
    method = cv2.INTER_NEAREST if scale == 1.0 else cv2.INTER_LINEAR
    made = cv2.warpAffine(reduced, matrix, (side, side), flags=method, borderValue=(0, 0, 0))
    rows, columns = (np.arange(side) + 0.5) / scale + top, (np.arange(side) + 0.5) / scale + left
    within = np.hypot(columns[None, :] - circle.x - 0.5, rows[:, None] - circle.y - 0.5) <= inside * circle.radius
    shown = ((rows > 1) & (rows < pixels.shape[0] - 1))[:, None] & ((columns > 1) & (columns < pixels.shape[1] - 1))
    return Retina(np.asarray(made), within & shown, scale, left, top)


def _reduced(pixels: Bytes, scale: float) -> tuple[Bytes, float]:
    """A copy averaged down to nearly the size wanted, and its scale: fine detail must not alias."""
    import cv2

    if scale >= 0.75:
        return pixels, 1.0
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)), scale


def against_ground(channel: FloatArray, field: Bools, reach: float) -> FloatArray:
    """(rows, columns) → how far each value is from its surroundings, in their spreads; 0 beyond the field.

    reach: standard deviation of the surroundings in pixels. Light that is uneven, and how red a retina is, go.
    """
    import cv2

    inside = field.astype(np.float32)
    size, few = channel.shape, (max(8, channel.shape[1] // 4), max(8, channel.shape[0] // 4))

    def smooth(values: FloatArray) -> FloatArray:
        small = cv2.resize(values, few, interpolation=cv2.INTER_AREA)
        wide = cv2.GaussianBlur(small, (0, 0), reach / 4, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(cv2.resize(wide, (size[1], size[0]), interpolation=cv2.INTER_LINEAR))

    weight = np.maximum(smooth(inside), np.float32(1e-3))
    off = (channel - smooth(channel * inside) / weight) * inside
    spread = np.sqrt(smooth(np.asarray(off * off, np.float32)) / weight)
    return np.clip(off / (spread + np.float32(1e-3)), -6.0, 6.0).astype(np.float32)
