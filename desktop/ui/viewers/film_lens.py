"""What may lie over a film besides drawings: a magnifier, and the histogram with the window on it. Plain painting."""

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from desktop.imaging.window import Histogram
from desktop.records import VoiWindow
from desktop.ui.viewers.film_painting import HALO, LINE, SELECTED, TEXT
from desktop.ui.viewers.frames import FilmSource, FrameRequest, film_image
from desktop.ui.viewers.view_state import Point, ViewState

LENS = 200
"""Logical pixels across."""
MAGNIFIES = 2.5
HISTOGRAM_WIDTH, HISTOGRAM_HEIGHT = 220.0, 72.0
_BARS = QColor(200, 200, 200, 170)
_GROUND = QColor(0, 0, 0, 190)
_GAP = 10.0


def paint_lens(painter: QPainter, source: FilmSource, state: ViewState, at: Point, size: Point, ratio: float) -> None:
    """A round magnifier about a point of the viewer: the film there, larger, at the screen's own resolution."""
    held = state.to_picture(at, *size)
    zoom = max(state.zoom * MAGNIFIES, 1 / ratio)
    closer = replace(state, zoom=zoom, center=held, fitted=False)
    # A source of its own: the view's frame keeps its samples.
    apart = replace(source, _sampled=[])
    image = film_image(FrameRequest(0, apart, closer, LENS, LENS, ratio))
    image.setDevicePixelRatio(ratio)
    circle = QRectF(at[0] - LENS / 2, at[1] - LENS / 2, LENS, LENS)
    inside = QPainterPath()
    inside.addEllipse(circle)
    painter.save()
    painter.setClipPath(inside)
    painter.drawImage(circle.topLeft(), image)
    painter.restore()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(HALO, 4), QPen(TEXT, 1.5)):
        painter.setPen(pen)
        painter.drawEllipse(circle)


def histogram_box(width: float, height: float) -> QRectF:
    """Where the histogram lies in a viewer: bottom, in the middle, clear of the corners' words."""
    wide = min(HISTOGRAM_WIDTH, max(width - 2 * _GAP, 1.0))
    return QRectF((width - wide) / 2, height - HISTOGRAM_HEIGHT - _GAP, wide, HISTOGRAM_HEIGHT)


def value_at(histogram: Histogram, box: QRectF, x: float) -> float:
    """The value under a place of the histogram."""
    return histogram.low + (x - box.left()) / box.width() * (histogram.high - histogram.low)


def edges(window: VoiWindow) -> tuple[float, float]:
    """The values that a window maps to black and to white."""
    return window.center - window.width / 2, window.center + window.width / 2


def paint_histogram(painter: QPainter, histogram: Histogram, window: VoiWindow | None, box: QRectF) -> None:
    """How often each value occurs (as roots, so that small peaks show), and the window as a ramp from black to white.

    window: None where the file's own table is in use.
    """
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_GROUND)
    painter.drawRoundedRect(box.adjusted(-6, -6, 6, 6), 4, 4)
    heights = np.sqrt(histogram.counts / max(int(histogram.counts.max()), 1)) * box.height()
    step = box.width() / len(heights)
    painter.setBrush(_BARS)
    for place, high in enumerate(heights):
        painter.drawRect(QRectF(box.left() + place * step, box.bottom() - high, step, high))
    if window is None:
        return
    span = histogram.high - histogram.low
    black, white = (
        box.left() + min(max((edge - histogram.low) / span, 0.0), 1.0) * box.width() for edge in edges(window)
    )
    ramp = QPolygonF(
        [
            QPointF(box.left(), box.bottom()),
            QPointF(black, box.bottom()),
            QPointF(white, box.top()),
            QPointF(box.right(), box.top()),
        ]
    )
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(HALO, 4), QPen(SELECTED, 2)):
        painter.setPen(pen)
        painter.drawPolyline(ramp)
    painter.setPen(QPen(LINE, 1, Qt.PenStyle.DashLine))
    for edge in (black, white):
        painter.drawLine(QPointF(edge, box.top()), QPointF(edge, box.bottom()))
