"""What lines a drawing has, on the screen and on paper."""

from desktop.imaging.fundus import GridReference, RetinalGrid
from desktop.imaging.geometry import Point
from desktop.imaging.measure_region import ellipse_outline
from desktop.records import AnnotationKind

CLOSED = (AnnotationKind.REGION, AnnotationKind.FREEHAND, AnnotationKind.ELLIPSE)
"""Kinds whose last point is joined to the first."""

GRIDS = {AnnotationKind.GRID_DISC: GridReference.DISC, AnnotationKind.GRID_FOVEA: GridReference.FOVEA}
LAYERED = (AnnotationKind.COUNT, *GRIDS)
"""Kinds that the viewer shows in layers of their own, with their own commands."""


def outline(kind: AnnotationKind, points: tuple[Point, ...]) -> tuple[Point, ...]:
    """The corners to join: two points of a region are the opposite corners of a rectangle, of an ellipse its box."""
    if kind is AnnotationKind.REGION and len(points) == 2:
        (x0, y0), (x1, y1) = points
        return (x0, y0), (x1, y0), (x1, y1), (x0, y1)
    if kind is AnnotationKind.ELLIPSE and len(points) == 2:
        return ellipse_outline((points[0], points[1]))
    return points


def strokes(kind: AnnotationKind, points: tuple[Point, ...]) -> tuple[tuple[Point, ...], ...]:
    """The separate lines of a drawing, complete or under way, each as points to join (the last to the first where the
    kind is closed)."""
    if kind is AnnotationKind.CARDIOTHORACIC:
        return _guides(points)
    if kind in (AnnotationKind.COBB, AnnotationKind.BIDIRECTIONAL):
        return tuple(points[at : at + 2] for at in range(0, len(points), 2))
    if kind is AnnotationKind.COUNT:
        return tuple((point,) for point in points)
    if kind in GRIDS:
        return RetinalGrid(points[0], points[1], points[2], GRIDS[kind]).lines()
    return (outline(kind, points),)


def _guides(points: tuple[Point, ...]) -> tuple[tuple[Point, ...], ...]:
    """Heart and chest as level lines with an upright at each end; a midline as it is."""
    lines: list[tuple[Point, ...]] = []
    tall = max((abs(a[0] - b[0]) for a in points for b in points), default=0.0) / 16 + 1.0
    for pair in (points[0:2], points[2:4]):
        lines += [((x, y - tall), (x, y + tall)) for x, y in pair]
        if len(pair) == 2:
            level = (pair[0][1] + pair[1][1]) / 2
            lines.append(((pair[0][0], level), (pair[1][0], level)))
    if len(points) > 4:
        lines.append(points[4:6])
    return tuple(lines)
