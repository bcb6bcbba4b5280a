"""What lies over a pane: crosshair, brush, the rim of the active pane. Plain painting; words: `volume_overlay`."""

from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from desktop.ui.viewers.film_painting import SELECTED
from desktop.ui.viewers.volume_state import PaneKind

PLANE_COLOURS = {
    PaneKind.AXIAL: QColor(86, 180, 233),
    PaneKind.CORONAL: QColor(230, 159, 0),
    PaneKind.SAGITTAL: QColor(0, 158, 115),
    PaneKind.OBLIQUE: QColor(204, 121, 167),
}
"""A plane's line in the other panes has its pane's own colour, and its pane a corner in it."""

_GAP = 14.0


@dataclass(frozen=True)
class CrossLine:
    """Where another pane's plane cuts this one: a direction on the screen through the crosshair."""

    kind: PaneKind
    direction: tuple[float, float]


def paint_cross(painter: QPainter, at: QPointF, lines: tuple[CrossLine, ...], width: float, height: float) -> None:
    """Lines through the crosshair, open in its middle so that what is looked at is seen."""
    reach = width + height
    for line in lines:
        x, y = line.direction
        # Straight ones are sharper without, and painted many times faster.
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, min(abs(x), abs(y)) > 1e-3)
        halves = [
            QLineF(
                *(at.x() + sign * x * _GAP, at.y() + sign * y * _GAP),
                *(at.x() + sign * x * reach, at.y() + sign * y * reach),
            )
            for sign in (-1, 1)
        ]
        for pen in (QPen(QColor(0, 0, 0, 120), 3), QPen(PLANE_COLOURS[line.kind], 1)):
            painter.setPen(pen)
            painter.drawLines(halves)


def paint_rim(painter: QPainter, kind: PaneKind, active: bool, width: float, height: float) -> None:
    """A pane's colour in its upper left corner, and a rim around the one that has the keys."""
    colour = PLANE_COLOURS.get(kind)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(Qt.PenStyle.NoPen)
    if colour is not None:
        painter.setBrush(colour)
        painter.drawRect(QRectF(0, 0, 26, 3))
        painter.drawRect(QRectF(0, 0, 3, 26))
    if active:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(SELECTED, 1))
        painter.drawRect(QRectF(0.5, 0.5, width - 1, height - 1))


def paint_brush(painter: QPainter, at: QPointF, radius: float) -> None:
    """A ring of a brush's size around the pointer."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(QColor(0, 0, 0, 160), 3), QPen(SELECTED, 1)):
        painter.setPen(pen)
        painter.drawEllipse(at, max(radius, 1.5), max(radius, 1.5))
