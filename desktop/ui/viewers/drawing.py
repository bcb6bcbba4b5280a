"""Drawing a length or a region with the mouse or the keyboard, as frozen steps. Pure: no Qt."""

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from desktop.records import AnnotationKind
from desktop.ui.viewers.view_state import Point


class Tool(StrEnum):
    """What the left button does."""

    WINDOW = "window"
    PAN = "pan"
    LENGTH = "length"
    REGION = "region"

    @property
    def draws(self) -> AnnotationKind | None:
        """What the tool leaves on the film."""
        return {Tool.LENGTH: AnnotationKind.LENGTH, Tool.REGION: AnnotationKind.REGION}.get(self)


@dataclass(frozen=True)
class Drawing:
    """A drawing under way, in picture coordinates.

    points: set so far. cursor: where the pen is. dragging: the button is down since the last point.
    """

    kind: AnnotationKind
    cursor: Point
    points: tuple[Point, ...] = ()
    dragging: bool = False

    @property
    def outline(self) -> tuple[Point, ...]:
        """What to show: the points and the pen."""
        return (*self.points, self.cursor) if self.points else ()

    def moved(self, cursor: Point) -> "Drawing":
        """The pen elsewhere."""
        return replace(self, cursor=cursor)

    def pressed(self, cursor: Point) -> "Drawing":
        """A point set with the button held."""
        return replace(self, cursor=cursor, points=(*self.points, cursor), dragging=True)

    def released(self, cursor: Point, *, far: bool) -> "Drawing":
        """The button let go; after a drag (`far`) that began the drawing, the end of the drag is the second point."""
        points = (*self.points, cursor) if self.dragging and far and len(self.points) == 1 else self.points
        return replace(self, cursor=cursor, points=points, dragging=False)

    def without_last(self) -> "Drawing":
        """One point fewer."""
        return replace(self, points=self.points[:-1], dragging=False)

    def finished_by_release(self, *, far: bool) -> tuple[Point, ...] | None:
        """The points, if letting go of the button finished the drawing: a dragged length or rectangle, or the second
        click of a length."""
        if len(self.points) == 2 and (far or self.kind is AnnotationKind.LENGTH):
            return self.points
        return None

    def closed(self) -> tuple[Point, ...] | None:
        """The points, if the drawing can end here: two for a length or a rectangle, three or more for a polygon."""
        points = tuple(p for i, p in enumerate(self.points) if i == 0 or p != self.points[i - 1])
        if len(points) < 2 or (self.kind is AnnotationKind.LENGTH and len(points) != 2):
            return None
        if len(points) == 2 and self.kind is AnnotationKind.REGION:
            (x0, y0), (x1, y1) = points
            return None if x0 == x1 or y0 == y1 else points
        return points


def outline(kind: AnnotationKind, points: tuple[Point, ...]) -> tuple[Point, ...]:
    """The corners to join: two points of a region are the opposite corners of a rectangle."""
    if kind is AnnotationKind.REGION and len(points) == 2:
        (x0, y0), (x1, y1) = points
        return (x0, y0), (x1, y0), (x1, y1), (x0, y1)
    return points


def distance_to(point: Point, kind: AnnotationKind, points: tuple[Point, ...]) -> float:
    """How far a point is from a drawing's lines, in picture pixels."""
    corners = outline(kind, points)
    closing = (corners[0],) if kind is AnnotationKind.REGION else ()
    ends = (*corners, *closing)
    return min(_to_segment(point, a, b) for a, b in pairwise(ends))


def _to_segment(point: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    along = ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / length if length else 0.0
    along = min(max(along, 0.0), 1.0)
    return float(((point[0] - a[0] - along * dx) ** 2 + (point[1] - a[1] - along * dy) ** 2) ** 0.5)
