"""Everything a drawing measures, number by number: what a file for another program carries beside its lines."""

from dataclasses import dataclass
from enum import StrEnum

from desktop.imaging import measure
from desktop.imaging.cardiothoracic import cardiothoracic_ratio
from desktop.imaging.geometry import Length, Point
from desktop.imaging.measure_lines import CLOSED, outline
from desktop.imaging.measure_region import RegionValues, ellipse_values, point_value, polygon_values
from desktop.records import AnnotationKind, Picture, Spacing, SpacingSource

Line = tuple[Point, ...]
DEGREES, RATIO, COUNTED = "deg", "ratio", "count"


class Quantity(StrEnum):
    """What a number is of."""

    LENGTH = "length"
    KNOWN_LENGTH = "known_length"
    ANGLE = "angle"
    COBB_ANGLE = "cobb_angle"
    LONG_AXIS = "long_axis"
    SHORT_AXIS = "short_axis"
    HEART_WIDTH = "heart_width"
    CHEST_WIDTH = "chest_width"
    CARDIOTHORACIC_RATIO = "cardiothoracic_ratio"
    AREA = "area"
    MEAN = "mean"
    DEVIATION = "deviation"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    VALUE = "value"
    COUNT = "count"


@dataclass(frozen=True)
class Measured:
    """One number. unit: mm, px, mm², px², deg, ratio, count, or a `ValueUnit`. source: what millimetres rest on; None
    where there are none. lines: of the drawing, those it was taken from."""

    quantity: Quantity
    value: float
    unit: str
    source: SpacingSource | None
    lines: tuple[Line, ...]


def measured(
    picture: Picture,
    kind: AnnotationKind,
    points: Line,
    manual: Spacing | None = None,
    known_mm: float | None = None,
) -> tuple[Measured, ...]:
    """The numbers of a drawing, none where it measures nothing (a line without length, a place off the picture).

    manual: a calibration by a known object on this picture. known_mm: how long the object of a CALIBRATION is.
    """
    scale = measure.scale_at(picture, points, manual)
    if kind is AnnotationKind.CALIBRATION and known_mm is not None:
        return (Measured(Quantity.KNOWN_LENGTH, known_mm, "mm", SpacingSource.MANUAL, (points,)),)
    if kind in (AnnotationKind.LENGTH, AnnotationKind.CALIBRATION):
        return (_length(Quantity.LENGTH, measure.length(scale, points[0], points[1]), points),)
    if kind is AnnotationKind.ANGLE:
        return _angle(Quantity.ANGLE, measure.angle(scale, points[0], points[1], points[2]), (points,))
    if kind is AnnotationKind.COBB:
        lines = points[:2], points[2:]
        found = measure.cobb(scale, (points[0], points[1]), (points[2], points[3]))
        return _angle(Quantity.COBB_ANGLE, found, lines)
    if kind is AnnotationKind.BIDIRECTIONAL:
        return _axes(scale, points)
    if kind is AnnotationKind.CARDIOTHORACIC:
        return _ratio(picture, points)
    if kind is AnnotationKind.COUNT:
        return (Measured(Quantity.COUNT, float(len(points)), COUNTED, None, (points,)),)
    if kind is AnnotationKind.POINT:
        value = point_value(picture, points[0])
        return () if value is None else (Measured(Quantity.VALUE, value.value, value.unit.value, None, (points,)),)
    return _region(picture, kind, points, scale) if kind in CLOSED else ()


def _length(quantity: Quantity, length: Length, line: Line) -> Measured:
    return Measured(quantity, length.value, length.unit, length.source, (line,))


def _angle(quantity: Quantity, angle: measure.Angle | None, lines: tuple[Line, ...]) -> tuple[Measured, ...]:
    return () if angle is None else (Measured(quantity, angle.degrees, DEGREES, angle.source, lines),)


def _axes(scale: Spacing | None, points: Line) -> tuple[Measured, ...]:
    """Both diameters, in the order they were drawn."""
    first = measure.length(scale, points[0], points[1])
    second = measure.length(scale, points[2], points[3])
    if not (first.value > 0 and second.value > 0):
        return ()
    names = (Quantity.LONG_AXIS, Quantity.SHORT_AXIS)
    names = names if first.value >= second.value else names[::-1]
    return _length(names[0], first, points[:2]), _length(names[1], second, points[2:])


def _ratio(picture: Picture, points: Line) -> tuple[Measured, ...]:
    midline = (points[4], points[5]) if len(points) == 6 else None
    try:
        found = cardiothoracic_ratio(picture, (points[0], points[1]), (points[2], points[3]), midline)
    except ValueError:
        return ()
    lines = tuple(points[at : at + 2] for at in range(0, len(points), 2))
    return (
        Measured(Quantity.HEART_WIDTH, found.heart, found.unit, found.source, lines[:1]),
        Measured(Quantity.CHEST_WIDTH, found.chest, found.unit, found.source, lines[1:2]),
        Measured(Quantity.CARDIOTHORACIC_RATIO, found.ratio, RATIO, found.source, lines),
    )


def _region(picture: Picture, kind: AnnotationKind, points: Line, scale: Spacing | None) -> tuple[Measured, ...]:
    found: RegionValues | None
    if kind is AnnotationKind.ELLIPSE:
        found = ellipse_values(picture, (points[0], points[1]), scale)
    else:
        found = polygon_values(picture, outline(kind, points), scale)
    if found is None:
        return ()
    unit, lines = found.unit.value, (points,)
    return (
        Measured(Quantity.AREA, found.area.value, found.area.unit, found.area.source, lines),
        Measured(Quantity.MEAN, found.mean, unit, None, lines),
        Measured(Quantity.DEVIATION, found.deviation, unit, None, lines),
        Measured(Quantity.MINIMUM, found.minimum, unit, None, lines),
        Measured(Quantity.MAXIMUM, found.maximum, unit, None, lines),
    )
