"""What drawings measure: lengths, angles, areas, the values inside, and what every number rests on.

Points are (x, y) in picture pixels, pixel centres at integers, as in `geometry`. Where a picture has a scale, all is
worked out in millimetres, so that an angle is right on pixels that are not square; without one, in pixels.
"""

import math
from dataclasses import dataclass

from desktop.imaging.geometry import Length, Point
from desktop.records import Annotation, AnnotationKind, Picture, Spacing, SpacingSource

PX = "px"


@dataclass(frozen=True)
class Angle:
    """An angle in degrees. source: of the scale it was seen in; None where square pixels had to be assumed."""

    degrees: float
    source: SpacingSource | None


@dataclass(frozen=True)
class Bidirectional:
    """A lesion's longest diameter and the one across it. degrees: between the two."""

    long: Length
    short: Length
    degrees: float


def scale_at(picture: Picture, points: tuple[Point, ...], manual: Spacing | None = None) -> Spacing | None:
    """Millimetres that hold for all of the points, or None where there are none.

    manual: a calibration by a known object on this picture, which goes before what the file says. An ultrasound picture
    has a scale only inside one calibrated region; a drawing that crosses its border is measured in pixels.
    """
    if manual is not None:
        return manual
    if not picture.regions:
        return picture.spacing
    # The regions are asked from the last to the first: a later one is drawn over an earlier one (a colour box).
    for region in reversed(picture.regions):
        if all(region.holds(x, y) for x, y in points):
            return region.spacing
    return None


def calibrated(picture: Picture, ends: tuple[Point, Point], millimetres: float) -> Spacing:
    """The scale of a picture on which an object of known length lies between two points.

    The pixels keep the proportions the file gives them, square without any. Raises ValueError for an object without
    length, on the picture or off it.
    """
    wide, high = proportions(scale_at(picture, ends))
    length = math.hypot((ends[1][0] - ends[0][0]) * wide, (ends[1][1] - ends[0][1]) * high)
    if not (length > 0 and millimetres > 0):
        raise ValueError("a known object has a length")
    return Spacing(high * millimetres / length, wide * millimetres / length, SpacingSource.MANUAL)


def manual_scale(picture: Picture, annotations: tuple[Annotation, ...]) -> Spacing | None:
    """The scale by the known object that was drawn last, if one was; a calibration by hand goes before the file's."""
    for annotation in reversed(annotations):
        if annotation.kind is AnnotationKind.CALIBRATION and annotation.millimetres is not None:
            try:
                ends = annotation.points[0], annotation.points[1]
                return calibrated(picture, ends, annotation.millimetres)
            except ValueError:
                continue
    return None


def proportions(scale: Spacing | None) -> tuple[float, float]:
    """(width, height) of a pixel: in millimetres, or 1 and 1 without a scale."""
    return (1.0, 1.0) if scale is None else (scale.column_mm, scale.row_mm)


def length(scale: Spacing | None, start: Point, end: Point) -> Length:
    """Distance of two points: in mm with a scale, else in px."""
    wide, high = proportions(scale)
    value = math.hypot((end[0] - start[0]) * wide, (end[1] - start[1]) * high)
    return Length(value, PX) if scale is None else Length(value, "mm", scale.source)


def angle(scale: Spacing | None, end: Point, vertex: Point, other: Point) -> Angle | None:
    """The angle at the vertex, 0 to 180 degrees; None where a side has no length."""
    return _between(scale, (vertex, end), (vertex, other), unsigned=False)


def cobb(scale: Spacing | None, line: tuple[Point, Point], other: tuple[Point, Point]) -> Angle | None:
    """The angle of two lines, 0 to 90 degrees, whichever way each was drawn; None where a line has no length."""
    return _between(scale, line, other, unsigned=True)


def bidirectional(
    scale: Spacing | None, axis: tuple[Point, Point], across: tuple[Point, Point]
) -> Bidirectional | None:
    """The two diameters, the longer first however they were drawn; None where one has no length."""
    turned = _between(scale, axis, across, unsigned=True)
    if turned is None:
        return None
    both = sorted((length(scale, *axis), length(scale, *across)), key=lambda one: one.value, reverse=True)
    return Bidirectional(both[0], both[1], turned.degrees)


def _between(
    scale: Spacing | None, line: tuple[Point, Point], other: tuple[Point, Point], *, unsigned: bool
) -> Angle | None:
    wide, high = proportions(scale)
    ax, ay = (line[1][0] - line[0][0]) * wide, (line[1][1] - line[0][1]) * high
    bx, by = (other[1][0] - other[0][0]) * wide, (other[1][1] - other[0][1]) * high
    if not (math.hypot(ax, ay) > 0 and math.hypot(bx, by) > 0):
        return None
    degrees = abs(math.degrees(math.atan2(ax * by - ay * bx, ax * bx + ay * by)))
    if unsigned and degrees > 90:
        degrees = 180 - degrees
    return Angle(degrees, scale.source if scale is not None else None)
