"""What lies over a film: drawings, the corner texts, the badges. Plain painting, no state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from desktop.imaging.measure_lines import CLOSED, strokes
from desktop.records import AnnotationKind
from desktop.ui.viewers.label_places import leader, places
from desktop.ui.viewers.view_state import Point

MARGIN = 10.0
TEXT_PIXELS = 13
LINE = QColor(86, 180, 233)
SELECTED = QColor(240, 228, 66)
FOREIGN = QColor(230, 159, 0)
HALO = QColor(0, 0, 0, 200)
RIM = QColor(0, 0, 0, 230)
VEIL = QColor(0, 0, 0, 110)
TEXT = QColor(232, 232, 232)
_RIM = tuple(QPointF(x, y) for x in (-1.2, 0.0, 1.2) for y in (-1.2, 0.0, 1.2) if x or y)
BADGE_TEXT = QColor(20, 20, 20)
BADGE = QColor(240, 228, 66)


@dataclass(frozen=True)
class Corner:
    """Lines of text in one corner of the film, badges (dark on yellow) after them."""

    lines: tuple[str, ...] = ()
    badges: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """A drawing to show: points in picture coordinates, words beside it. foreign: it came in another program's file."""

    kind: AnnotationKind
    points: tuple[Point, ...]
    words: str
    selected: bool = False
    open: bool = False
    foreign: bool = False


class Placing(Protocol):
    """Where a picture's points lie on the screen: a film's view, or a pane of a volume."""

    def to_view(self, point: Point, width: float, height: float) -> Point:
        """Where a picture point lies in a viewer of that logical size."""


def overlay_font(base: QFont) -> QFont:
    """The font of everything over the film: one size in every theme, figures of one width where the font has them."""
    font = QFont(base)
    font.setPixelSize(TEXT_PIXELS)
    return font


def paint_marks(
    painter: QPainter,
    marks: Sequence[Mark],
    state: Placing,
    width: float,
    height: float,
    taken: Sequence[QRectF] = (),
    corners: Sequence[QRectF] = (),
) -> list[QRectF]:
    """Drawings as lines with a dark rim, so that they show on white bone and black air; the words of all over them.

    taken, corners: where words of drawings, and others, stand already. Returns where these stand.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def seen(points: Sequence[Point]) -> QPolygonF:
        return QPolygonF([QPointF(*state.to_view(point, width, height)) for point in points])

    for mark in marks:
        _paint_mark(painter, mark, [seen(line) for line in _lines(mark)], seen(mark.points))
    metrics = QFontMetricsF(painter.font())
    told = [(mark.words, seen(mark.points).boundingRect()) for mark in marks if mark.words]
    bounds = [box for _, box in told]
    boxes = places(bounds, [_words_size(metrics, words) for words, _ in told], QSizeF(width, height), taken, corners)
    for (words, drawn), box in zip(told, boxes, strict=True):
        _paint_words(painter, words, box, leader(box, drawn))
    return boxes


def _lines(mark: Mark) -> tuple[tuple[Point, ...], ...]:
    """What to draw: a polygon under way is a line of its corners, not yet a box."""
    return (mark.points,) if mark.open and mark.kind is AnnotationKind.REGION else strokes(mark.kind, mark.points)


def _paint_mark(painter: QPainter, mark: Mark, lines: Sequence[QPolygonF], ends: QPolygonF) -> None:
    # A line of many corners drawn by hand has no handles.
    handles = (
        not mark.foreign
        and mark.kind not in (AnnotationKind.FREEHAND, AnnotationKind.CARDIOTHORACIC)
        and (mark.kind not in CLOSED or mark.selected or mark.open)
    )
    line = QPen(FOREIGN if mark.foreign else SELECTED if mark.selected else LINE, 2)
    if mark.foreign:
        line.setStyle(Qt.PenStyle.DashLine)
    for pen in (QPen(HALO, 4), line):
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for polygon in lines:
            if mark.kind in CLOSED and not (mark.open and polygon.size() < 3):
                painter.drawPolygon(polygon)
            else:
                painter.drawPolyline(polygon)
        if handles:
            for end in ends.toList():
                painter.drawEllipse(end, 3, 3)


def _words_size(metrics: QFontMetricsF, words: str) -> QSizeF:
    lines = words.split("\n")
    wide = max(metrics.horizontalAdvance(line) for line in lines)
    return QSizeF(wide + 12, len(lines) * metrics.lineSpacing() + 4)


def _paint_words(painter: QPainter, words: str, box: QRectF, line: QLineF | None) -> None:
    """Words of a drawing, line by line, and a thin line to it where they stand far away."""
    if line is not None:
        for pen in (QPen(HALO, 3), QPen(TEXT, 1)):
            painter.setPen(pen)
            painter.drawLine(line)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(HALO)
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(TEXT)
    painter.drawText(box.adjusted(6, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)


def paint_corners(
    painter: QPainter, corners: tuple[Corner, Corner, Corner, Corner], width: float, height: float
) -> None:
    """Texts top left, top right, bottom left, bottom right."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    metrics = QFontMetricsF(painter.font())
    step = metrics.height() + 3
    for index, corner in enumerate(corners):
        right, bottom = index % 2 == 1, index >= 2
        count = len(corner.lines) + len(corner.badges)
        top = height - MARGIN - count * step if bottom else MARGIN
        _paint_ground(painter, metrics, corner, right, width, top, step)
        for number, line in enumerate((*corner.lines, *corner.badges)):
            wide = metrics.horizontalAdvance(line)
            left = width - MARGIN - wide if right else MARGIN
            at = QPointF(left, top + number * step + metrics.ascent())
            if number >= len(corner.lines):
                _paint_badge(painter, line, QRectF(left, top + number * step - 1, wide, step - 1), right)
            else:
                _paint_line(painter, line, at)


def corner_boxes(metrics: QFontMetricsF, corners: Sequence[Corner], width: float, height: float) -> list[QRectF]:
    """Where `paint_corners` puts the texts, for words that should leave them free."""
    step = metrics.height() + 3
    boxes = []
    for index, corner in enumerate(corners):
        lines = (*corner.lines, *corner.badges)
        if lines:
            wide, high = max(metrics.horizontalAdvance(line) for line in lines) + 12, len(lines) * step + 2
            left = width - MARGIN - wide + 6 if index % 2 else MARGIN - 6
            boxes.append(QRectF(left, (height - MARGIN - high if index >= 2 else MARGIN) - 2, wide, high))
    return boxes


def _paint_ground(
    painter: QPainter, metrics: QFontMetricsF, corner: Corner, right: bool, width: float, top: float, step: float
) -> None:
    """A dark veil behind a corner's lines, so that they are read over bone and over letters burnt into the film."""
    if not corner.lines:
        return
    wide = max(metrics.horizontalAdvance(line) for line in corner.lines) + 12
    left = width - MARGIN - wide + 6 if right else MARGIN - 6
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(VEIL)
    painter.drawRoundedRect(QRectF(left, top - 2, wide, len(corner.lines) * step + 2), 4, 4)


def _paint_line(painter: QPainter, line: str, at: QPointF) -> None:
    """White with a dark rim: it must be read on white bone too. The rim is the words themselves, a little to each side:
    stroking their outline takes twenty times as long, and every frame has these words."""
    painter.setPen(RIM)
    for aside in _RIM:
        painter.drawText(at + aside, line)
    painter.setPen(TEXT)
    painter.drawText(at, line)


def _paint_badge(painter: QPainter, words: str, box: QRectF, right: bool) -> None:
    box = box.adjusted(-12, 0, 0, 0) if right else box.adjusted(0, 0, 12, 0)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(BADGE)
    painter.drawRoundedRect(box, 3, 3)
    painter.setPen(BADGE_TEXT)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)


def paint_pen(painter: QPainter, at: Point) -> None:
    """The keyboard's pen: a small cross."""
    for pen in (QPen(HALO, 3), QPen(SELECTED, 1)):
        painter.setPen(pen)
        painter.drawLine(QPointF(at[0] - 9, at[1]), QPointF(at[0] + 9, at[1]))
        painter.drawLine(QPointF(at[0], at[1] - 9), QPointF(at[0], at[1] + 9))
