"""Looking for the corners of a film in a photograph of a light box. What is found is a proposal."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from desktop.imaging.film_photo import Corners, grey, in_order, is_convex, light
from desktop.records import Picture
from desktop.records.picture import Array

_SEARCHED = 640
"""Pixels along the longer side of the copy that is searched."""
_LEAST_AREA, _MOST_AREA = 0.08, 0.985
_SAMPLES = 48
_EDGE = 8.0
"""Steps of light between inside and outside that make an edge."""
_LEAST_SUPPORT = 0.5
"""Part of each side along which there must be an edge."""
_BORDER = 3
_OFF = 2.5
"""Pixels of the searched copy on either side of an outline between which light is compared."""


def find_corners(picture: Picture) -> Corners | None:
    """The corners of the film in a photograph, in its pixels; None where no four-sided thing stands out.

    Outlines of what is darker or brighter than its surroundings are reduced to four sides; the best is the one with an
    edge all along it, large, and with light around it: a film hangs before the light box, and is not the light box.
    """
    import cv2

    photo = grey(light(picture))
    factor = min(1.0, _SEARCHED / max(photo.shape))
    size = max(8, round(photo.shape[1] * factor)), max(8, round(photo.shape[0] * factor))
    small = cv2.GaussianBlur(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), (5, 5), 0)
    best: tuple[float, npt.NDArray[np.float64]] | None = None
    for quad in _candidates(np.asarray(small)):
        worth = _worth(np.asarray(small), quad)
        if worth > 0 and (best is None or worth > best[0]):
            best = worth, quad
    if best is None:
        return None
    sharp = _refined(np.asarray(small), best[1])
    scale = np.array([photo.shape[1] / size[0], photo.shape[0] / size[1]])
    corners = in_order((sharp + 0.5) * scale - 0.5)
    return corners if is_convex(corners) else None


def _candidates(small: Array) -> Iterator[npt.NDArray[np.float64]]:
    """Four-sided outlines, (4, 2), in pixels of the searched copy."""
    import cv2

    rows, columns = small.shape
    whole = rows * columns
    for mask in _masks(small):
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        for contour in contours:
            hull = cv2.convexHull(contour)
            if cv2.contourArea(hull) < _LEAST_AREA * whole:
                continue
            quad = _four_sided(np.asarray(hull))
            if quad is not None and _LEAST_AREA * whole <= _area(quad) <= _MOST_AREA * whole:
                yield quad


def _masks(small: Array) -> Iterator[npt.NDArray[np.uint8]]:
    """What may be a film, as white on black: darker or brighter than one of several thresholds, or inside edges.

    A border all round keeps what touches the rim of the photograph an outline of its own.
    """
    import cv2

    otsu, _ = cv2.threshold(small, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    levels = {int(otsu), *(int(np.percentile(small, part)) for part in (20, 35, 50, 65, 80, 90)), 200, 230, 245}
    kernel = np.ones((5, 5), np.uint8)
    for level in sorted(levels):
        bright = np.where(small > level, np.uint8(255), np.uint8(0))
        for mask in (bright, 255 - bright):
            framed = np.zeros_like(mask)
            inner = mask[_BORDER:-_BORDER, _BORDER:-_BORDER]
            framed[_BORDER:-_BORDER, _BORDER:-_BORDER] = inner
            yield np.asarray(cv2.morphologyEx(framed, cv2.MORPH_OPEN, kernel), np.uint8)
    edges = cv2.Canny(small, 30, 90)
    yield np.asarray(cv2.dilate(edges, kernel), np.uint8)


def _four_sided(hull: Array) -> npt.NDArray[np.float64] | None:
    """A convex outline as four corners; None where it has not about four sides."""
    import cv2

    around = cv2.arcLength(hull, True)
    for tolerance in (0.01, 0.02, 0.03, 0.05, 0.08):
        few = cv2.approxPolyDP(hull, tolerance * around, True)
        if len(few) == 4:
            return few.reshape(4, 2).astype(np.float64)
        if len(few) < 4:
            return None
    return None


def _area(quad: npt.NDArray[np.float64]) -> float:
    x, y = quad[:, 0], quad[:, 1]
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def _worth(small: Array, quad: npt.NDArray[np.float64]) -> float:
    """How good a film an outline would make; 0 for none."""
    corners = in_order(quad)
    if not is_convex(corners):
        return 0.0
    sides = [_steps(small, corners[at], corners[(at + 1) % 4]) for at in range(4)]
    if any(len(steps) < _SAMPLES // 2 for steps in sides):
        return 0.0
    # Along a side light rises everywhere, or falls everywhere; where it does both, that is something in the film.
    support = [max(float(np.mean(steps > _EDGE)), float(np.mean(steps < -_EDGE))) for steps in sides]
    if min(support) < _LEAST_SUPPORT:
        return 0.0
    lit = float(np.mean(np.concatenate(sides) > _EDGE))
    return float(np.mean(support)) ** 2 * math.sqrt(_area(quad) / small.size) * (0.6 + lit)


def _steps(small: Array, start: Sequence[float], end: Sequence[float]) -> npt.NDArray[np.float64]:
    """How much lighter it is just outside a side than just inside, where both lie on the photograph."""
    a, b = np.array(start, np.float64), np.array(end, np.float64)
    along = (b - a) / np.linalg.norm(b - a)
    # Clockwise with y down: the film lies at the right hand of whoever walks along its rim.
    inward = np.array([-along[1], along[0]])
    places = a + np.linspace(0.05, 0.95, _SAMPLES)[:, None] * (b - a)
    inner, outer = places + _OFF * inward, places - _OFF * inward
    there = _on(small, inner) & _on(small, outer)
    return _light_at(small, outer[there]) - _light_at(small, inner[there])


def _on(small: Array, places: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    rows, columns = small.shape
    x, y = places[..., 0], places[..., 1]
    on: npt.NDArray[np.bool_] = (x >= 0) & (y >= 0) & (x <= columns - 1) & (y <= rows - 1)
    return on


def _light_at(small: Array, places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    under: Array = small[np.rint(places[..., 1]).astype(int), np.rint(places[..., 0]).astype(int)]
    return under.astype(np.float64)


def _refined(small: Array, quad: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Corners where lines through the steepest change of light along each side meet; as they were where none do."""
    corners = in_order(quad)
    lines = [_steepest_line(small, corners[at], corners[(at + 1) % 4]) for at in range(4)]
    met = [_meet(lines[at - 1], lines[at]) for at in range(4)]
    reach = 0.03 * max(small.shape)
    sharp = [
        place if place is not None and math.dist(place, corner) <= reach else corner
        for place, corner in zip(met, corners, strict=True)
    ]
    return np.array(sharp, np.float64)


_Line = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def _steepest_line(small: Array, start: Sequence[float], end: Sequence[float]) -> _Line:
    """A point and a direction of a side, through where light changes most across it."""
    import cv2

    a, b = np.array(start, np.float64), np.array(end, np.float64)
    along = (b - a) / np.linalg.norm(b - a)
    across = np.array([-along[1], along[0]])
    reach = max(3, round(0.012 * max(small.shape)))
    offsets = np.arange(-reach, reach + 1, dtype=np.float64)
    found = []
    for part in np.linspace(0.06, 0.94, _SAMPLES):
        places = a + part * (b - a) + offsets[:, None] * across
        if not _on(small, places).all():
            continue
        change = np.abs(np.diff(_light_at(small, places)))
        if change.max() >= _EDGE / 2:
            found.append(a + part * (b - a) + (offsets[int(change.argmax())] + 0.5) * across)
    if len(found) < _SAMPLES // 3:
        return a, along
    vx, vy, x, y = (
        float(one) for one in cv2.fitLine(np.array(found, np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01).ravel()
    )
    return np.array([x, y]), np.array([vx, vy])


def _meet(one: _Line, other: _Line) -> tuple[float, float] | None:
    crossing = one[1][0] * other[1][1] - one[1][1] * other[1][0]
    if abs(crossing) < 0.1:
        return None
    apart = other[0] - one[0]
    far = (apart[0] * other[1][1] - apart[1] * other[1][0]) / crossing
    place = one[0] + far * one[1]
    return float(place[0]), float(place[1])
