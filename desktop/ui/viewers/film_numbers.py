"""What drawings measure, in the window's language, each number with where its unit comes from."""

from desktop.imaging import measure
from desktop.imaging.cardiothoracic import cardiothoracic_ratio
from desktop.imaging.geometry import Length
from desktop.imaging.measure_lines import outline
from desktop.imaging.measure_region import (
    RegionValues,
    ValueUnit,
    ellipse_values,
    point_value,
    polygon_values,
)
from desktop.records import AnnotationKind, Picture, Spacing, SpacingSource
from desktop.ui.context import UiContext
from desktop.ui.viewers.drawing import POINTS
from desktop.ui.viewers.view_state import Point


def measured_words(
    context: UiContext, picture: Picture, kind: AnnotationKind, points: tuple[Point, ...], manual: Spacing | None
) -> str:
    """What a drawing measures, a line for each number; empty while it lacks points, or where it measures nothing."""
    if len(points) < POINTS.get(kind, 2):
        return ""
    scale = measure.scale_at(picture, points, manual)
    if kind in (AnnotationKind.LENGTH, AnnotationKind.CALIBRATION):
        return length_words(context, measure.length(scale, points[0], points[1]))
    if kind is AnnotationKind.ANGLE:
        return _angle(context, measure.angle(scale, points[0], points[1], points[2]))
    if kind is AnnotationKind.COBB:
        words = _angle(context, measure.cobb(scale, (points[0], points[1]), (points[2], points[3])))
        return words and context.tr("viewer.cobb", angle=words)
    if kind is AnnotationKind.BIDIRECTIONAL:
        return _bidirectional(context, scale, points)
    if kind is AnnotationKind.CARDIOTHORACIC:
        return _ratio(context, picture, points)
    if kind is AnnotationKind.POINT:
        return point_words(context, picture, points[0])
    return _region(context, picture, kind, points, scale)


def length_words(context: UiContext, length: Length) -> str:
    """A length with where its unit comes from; pixels where the file gives no scale."""
    if length.source is None:
        return context.tr("viewer.length.px", value=f"{length.value:.0f}")
    return context.tr("viewer.length.mm", value=f"{length.value:.1f}", source=source_words(context, length.source))


def source_words(context: UiContext, source: SpacingSource) -> str:
    """Where a millimetre comes from."""
    return context.tr(f"viewer.spacing.{source.value}")


def point_words(context: UiContext, picture: Picture, point: Point) -> str:
    """The value under a point, and which pixel it is."""
    found = point_value(picture, point)
    if found is None:
        return ""
    value = _value(context, found.value, found.unit)
    return context.tr("viewer.point", value=value, x=found.x, y=found.y)


def _angle(context: UiContext, angle: measure.Angle | None) -> str:
    if angle is None:
        return ""
    degrees = f"{angle.degrees:.1f}"
    if angle.source is None:
        return context.tr("viewer.angle", degrees=degrees)
    return context.tr("viewer.angle.scaled", degrees=degrees, source=source_words(context, angle.source))


def _bidirectional(context: UiContext, scale: Spacing | None, points: tuple[Point, ...]) -> str:
    found = measure.bidirectional(scale, (points[0], points[1]), (points[2], points[3]))
    if found is None:
        return ""
    if scale is None:
        return context.tr("viewer.two.px", long=f"{found.long.value:.0f}", short=f"{found.short.value:.0f}")
    source = source_words(context, scale.source)
    return context.tr("viewer.two.mm", long=f"{found.long.value:.1f}", short=f"{found.short.value:.1f}", source=source)


def _ratio(context: UiContext, picture: Picture, points: tuple[Point, ...]) -> str:
    try:
        midline = (points[4], points[5]) if len(points) == 6 else None
        found = cardiothoracic_ratio(picture, (points[0], points[1]), (points[2], points[3]), midline)
    except ValueError:
        return context.tr("viewer.ratio.not")
    return context.tr("viewer.ratio", percent=f"{found.ratio * 100:.0f}", ratio=f"{found.ratio:.2f}")


def _region(
    context: UiContext, picture: Picture, kind: AnnotationKind, points: tuple[Point, ...], scale: Spacing | None
) -> str:
    found: RegionValues | None
    if kind is AnnotationKind.ELLIPSE:
        found = ellipse_values(picture, (points[0], points[1]), scale)
    else:
        corners = outline(kind, points)
        found = polygon_values(picture, corners, scale) if len(corners) >= 3 else None
    if found is None:
        return ""
    area = found.area
    if area.source is None:
        size = context.tr("viewer.area.px", value=f"{area.value:.0f}")
    else:
        size = context.tr(
            "viewer.area.mm", value=_square(context, area.value), source=source_words(context, area.source)
        )
    values = {
        "mean": _value(context, found.mean, found.unit),
        "deviation": _number(found.deviation),
        "minimum": _number(found.minimum),
        "maximum": _number(found.maximum),
    }
    return f"{size}\n{context.tr('viewer.values', **values)}"


def _square(context: UiContext, square_mm: float) -> str:
    """An area as a doctor says it: in cm² from 1 cm² on."""
    return f"{square_mm / 100:.2f} cm²" if square_mm >= 100 else f"{square_mm:.1f} mm²"


def _value(context: UiContext, value: float, unit: ValueUnit) -> str:
    return context.tr(f"viewer.value.{unit.value}", value=_number(value))


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 1 else f"{value:.3g}"
