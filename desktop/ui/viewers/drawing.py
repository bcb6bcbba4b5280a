"""Drawing on a film with the mouse or the keyboard, as frozen steps, and how far one is. Pure: no Qt."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from desktop.imaging.measure_lines import CLOSED, strokes
from desktop.records import AnnotationKind
from desktop.ui.viewers.view_state import Point


class Tool(StrEnum):
    """What the left button does."""

    WINDOW = "window"
    PAN = "pan"
    LENGTH = "length"
    REGION = "region"
    ANGLE = "angle"
    COBB = "cobb"
    BIDIRECTIONAL = "bidirectional"
    CARDIOTHORACIC = "cardiothoracic"
    ELLIPSE = "ellipse"
    FREEHAND = "freehand"
    POINT = "point"
    CALIBRATION = "calibration"

    @property
    def draws(self) -> AnnotationKind | None:
        """What the tool leaves on the film."""
        return None if self in (Tool.WINDOW, Tool.PAN) else AnnotationKind(self.value)


POINTS: Mapping[AnnotationKind, int] = {
    AnnotationKind.LENGTH: 2,
    AnnotationKind.CALIBRATION: 2,
    AnnotationKind.ELLIPSE: 2,
    AnnotationKind.ANGLE: 3,
    AnnotationKind.COBB: 4,
    AnnotationKind.BIDIRECTIONAL: 4,
    AnnotationKind.CARDIOTHORACIC: 4,
    AnnotationKind.POINT: 1,
}
"""How many points end a drawing by themselves; the others are closed by whoever draws."""

HAND_STEP = 2.0
"""Screen pixels between two corners of a line drawn by hand."""


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

    @property
    def complete(self) -> bool:
        """Whether there are as many points as this kind can have."""
        return len(self.points) == POINTS.get(self.kind)

    def moved(self, cursor: Point, least: float = 0.0) -> "Drawing":
        """The pen elsewhere; a line drawn by hand gets a corner there. least: the shortest step that counts."""
        if self.kind is AnnotationKind.FREEHAND and self.dragging and math.dist(cursor, self.points[-1]) >= least:
            return replace(self, cursor=cursor, points=(*self.points, cursor))
        return replace(self, cursor=cursor)

    def pressed(self, cursor: Point) -> "Drawing":
        """A point set with the button held."""
        return replace(self, cursor=cursor, points=(*self.points, cursor), dragging=True)

    def released(self, cursor: Point, *, far: bool) -> "Drawing":
        """The button let go; the end of a drag (`far`) that began a line is the line's other end."""
        points = self.points
        if self.dragging and far and self._begins_line():
            points = (*points, cursor)
        return replace(self, cursor=cursor, points=points, dragging=False)

    def _begins_line(self) -> bool:
        """Whether the last point begins a line that can be dragged: each first end of two, a box, an angle's first."""
        if self.kind in (AnnotationKind.FREEHAND, AnnotationKind.POINT):
            return False
        if self.kind in (AnnotationKind.COBB, AnnotationKind.BIDIRECTIONAL, AnnotationKind.CARDIOTHORACIC):
            return len(self.points) % 2 == 1
        return len(self.points) == 1

    def without_last(self) -> "Drawing":
        """One point fewer."""
        return replace(self, points=self.points[:-1], dragging=False)

    def finished_by_release(self, *, far: bool) -> tuple[Point, ...] | None:
        """The points, if letting go of the button finished the drawing: a dragged rectangle, a line drawn by hand, or
        the last point of a kind that has so many."""
        if self.complete:
            return self.closed()
        if self.kind is AnnotationKind.FREEHAND and far:
            return self.closed()
        return self.points if self.kind is AnnotationKind.REGION and len(self.points) == 2 and far else None

    def closed(self) -> tuple[Point, ...] | None:
        """The points, if the drawing can end here: all of a kind that has so many, two of a rectangle, three or more of
        a polygon or a line drawn by hand."""
        points = tuple(p for i, p in enumerate(self.points) if i == 0 or p != self.points[i - 1])
        wanted = POINTS.get(self.kind)
        if wanted is not None:
            flat = self.kind is AnnotationKind.ELLIPSE and _flat(points)
            return points if len(points) == wanted and not flat else None
        if len(points) == 2 and self.kind is AnnotationKind.REGION:
            return None if _flat(points) else points
        return points if len(points) >= 3 else None


def _flat(points: tuple[Point, ...]) -> bool:
    """Whether two corners hold nothing between them."""
    (x0, y0), (x1, y1) = points[:2] if len(points) >= 2 else ((0, 0), (0, 0))
    return x0 == x1 or y0 == y1


def distance_to(point: Point, kind: AnnotationKind, points: tuple[Point, ...]) -> float:
    """How far a point is from a drawing's lines, in picture pixels."""
    nearest = math.inf
    for line in strokes(kind, points):
        closing = (line[0],) if kind in CLOSED else ()
        ends = (*line, *closing) if len(line) > 1 else (line[0], line[0])
        nearest = min(nearest, *(_to_segment(point, a, b) for a, b in pairwise(ends)))
    return nearest


def _to_segment(point: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    along = ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / length if length else 0.0
    along = min(max(along, 0.0), 1.0)
    return math.dist(point, (a[0] + along * dx, a[1] + along * dy))
