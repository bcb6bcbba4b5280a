"""The cardiothoracic ratio from points set on a frontal chest film."""

import math
from dataclasses import dataclass

from desktop.imaging.geometry import Point
from desktop.records import Picture, SpacingSource

Pair = tuple[Point, Point]


@dataclass(frozen=True)
class CardiothoracicRatio:
    """ratio: widest heart by widest chest, both across the body. heart, chest: those widths in `unit`, mm with a source
    where the file gives one, else px; the ratio needs neither."""

    ratio: float
    heart: float
    chest: float
    unit: str
    source: SpacingSource | None


def cardiothoracic_ratio(
    picture: Picture, heart: Pair, chest: Pair, midline: Pair | None = None
) -> CardiothoracicRatio:
    """Measure across the body (Danzer): heart and chest each from their right-most to their left-most point.

    The points of a pair may lie at different heights: what counts is their distance along a picture row, or, with two
    points of the midline, at right angles to it (a film taken askew). Points are (x, y) in pixels, x to the right.
    Raises ValueError: a point off the picture, a midline of one point, a heart without width or wider than the chest.
    """
    points = (*heart, *chest, *(midline or ()))
    if not all(_on(picture, point) for point in points):
        raise ValueError("a point lies off the picture")
    row_mm, column_mm = (1.0, 1.0) if picture.spacing is None else (picture.spacing.row_mm, picture.spacing.column_mm)
    across = _across(midline, row_mm, column_mm)
    widths = [
        abs((b[0] - a[0]) * column_mm * across[0] + (b[1] - a[1]) * row_mm * across[1]) for a, b in (heart, chest)
    ]
    if not 0 < widths[0] <= widths[1]:
        raise ValueError("a heart lies within a chest")
    unit, source = ("px", None) if picture.spacing is None else ("mm", picture.spacing.source)
    return CardiothoracicRatio(widths[0] / widths[1], widths[0], widths[1], unit, source)


def _on(picture: Picture, point: Point) -> bool:
    return -0.5 <= point[0] <= picture.columns - 0.5 and -0.5 <= point[1] <= picture.rows - 0.5


def _across(midline: Pair | None, row_mm: float, column_mm: float) -> tuple[float, float]:
    """The direction across the body, of length 1, in the patient's own proportions."""
    if midline is None:
        return 1.0, 0.0
    (x0, y0), (x1, y1) = midline
    right, down = (x1 - x0) * column_mm, (y1 - y0) * row_mm
    length = math.hypot(right, down)
    if not length > 0:
        raise ValueError("a midline has two points")
    return down / length, -right / length
