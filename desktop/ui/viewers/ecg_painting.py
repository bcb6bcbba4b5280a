"""ECG paper: grid, calibration pulses, names of leads, calipers. Plain painting, no state; traces: `ecg_tiles`."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from desktop.settings import Theme
from desktop.ui.viewers.ecg_state import LEAD_IN, Caliper, EcgView, Page, Strip

_PULSE_BEFORE, _PULSE_WIDTH = 7.0, 5.0
_TRACE_WIDTH = 1.0
_LABEL_PIXELS = 12


@dataclass(frozen=True)
class Inks:
    """Colours of one theme."""

    paper: QColor
    minor: QColor
    major: QColor
    trace: QColor
    earlier: QColor
    label: QColor
    caliper: QColor
    mark: QColor


# In the order of the fields.
_COLOURS = {
    Theme.LIGHT: "#fffdfa #fae0de #ecb0ac #101014 #0072b2 #3c3c42 #005aa0 #006e50",
    Theme.DARK: "#0e0f11 #261d1f #482e30 #ecece8 #56b4e9 #c8c8c8 #f0e442 #00be8c",
    Theme.HIGH_CONTRAST: "#000000 #343434 #6e6e6e #ffffff #56dcff #ffffff #ffff00 #00ffaa",
}
_INKS = {theme: Inks(*(QColor(colour) for colour in colours.split())) for theme, colours in _COLOURS.items()}


def inks(theme: Theme) -> Inks:
    """The colours for a theme: paper by day, a dark screen by night, black and white for who needs it."""
    return _INKS[theme]


def paint_grid(painter: QPainter, width: float, height: float, pixels: float, colours: Inks) -> None:
    """Squares of 1 mm and of 5 mm. pixels: logical pixels for a millimetre of paper."""
    painter.fillRect(QRectF(0, 0, width * pixels, height * pixels), colours.paper)
    for every, colour, thick in ((1, colours.minor, 1.0), (5, colours.major, 1.0)):
        if every * pixels < 2.5:
            continue
        lines = [
            QLineF(x * pixels, 0, x * pixels, height * pixels) for x in np.arange(LEAD_IN % 5 % every, width, every)
        ]
        lines += [QLineF(0, y * pixels, width * pixels, y * pixels) for y in np.arange(0, height, every)]
        pen = QPen(colour, thick)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.drawLines(lines)


def trace_pen(colour: QColor) -> QPen:
    """A fine line that keeps its width at every scale."""
    pen = QPen(colour, _TRACE_WIDTH)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return pen


def paint_pulse(painter: QPainter, strip: Strip, view: EcgView, pixels: float) -> None:
    """The calibration pulse at the beginning of a row: 1 mV high, 5 mm wide."""
    base, top = strip.middle * pixels, (strip.middle - view.gain) * pixels
    left = (LEAD_IN - _PULSE_BEFORE) * pixels
    right = left + _PULSE_WIDTH * pixels
    painter.drawPolyline(
        [
            QPointF(left - pixels, base),
            QPointF(left, base),
            QPointF(left, top),
            QPointF(right, top),
            QPointF(right, base),
            QPointF(right + pixels, base),
        ]
    )


def label_font(base: QFont) -> QFont:
    """Names of leads."""
    font = QFont(base)
    font.setPixelSize(_LABEL_PIXELS)
    font.setBold(True)
    return font


def paint_label(painter: QPainter, strip: Strip, words: str, pixels: float, colours: Inks) -> None:
    """The lead's name where its stretch begins, above the line, on a patch of paper."""
    metrics = QFontMetricsF(painter.font())
    box = QRectF(
        strip.left * pixels + 3,
        max(strip.top * pixels + 1, (strip.middle - 11.0) * pixels - metrics.height()),
        metrics.horizontalAdvance(words) + 4,
        metrics.height(),
    )
    patch = QColor(colours.paper)
    patch.setAlpha(190)
    painter.fillRect(box, patch)
    painter.setPen(colours.label)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)


def paint_caliper(painter: QPainter, caliper: Caliper, page: Page, view: EcgView, pixels: float, colours: Inks) -> None:
    """Two lines across the page, the active one bolder; heights as short lines; the distance repeated if wished."""

    def line_at(moment: float) -> float:
        x = page.place_of(moment, view) * pixels
        painter.drawLine(QLineF(x, 0, x, page.height * pixels))
        return x

    for end, moment in enumerate(caliper.times):
        painter.setPen(QPen(colours.caliper, 2.0 if end == caliper.active else 1.0))
        x = line_at(moment)
        if caliper.heights is not None:
            y = caliper.heights[end] * pixels
            painter.drawLine(QLineF(x - 24, y, x + 24, y))
    if view.march and caliper.seconds * view.speed * pixels > 6:
        painter.setPen(QPen(colours.caliper, 1.0, Qt.PenStyle.DotLine))
        last, step = max(caliper.times), caliper.seconds
        moment = view.start + (min(caliper.times) - view.start) % step
        while moment < view.start + page.seconds:
            if min(abs(moment - one) for one in caliper.times) > 1e-6 * max(1.0, last):
                line_at(moment)
            moment += step


def paint_r_marks(
    painter: QPainter, peaks: npt.NDArray[np.float64], page: Page, view: EcgView, pixels: float, colours: Inks
) -> None:
    """A small triangle at the top of the page for each R peak. peaks: seconds."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colours.mark)
    for moment in peaks[(peaks >= view.start) & (peaks <= view.start + page.seconds)]:
        x = page.place_of(float(moment), view) * pixels
        painter.drawPolygon([QPointF(x - 4, 1), QPointF(x + 4, 1), QPointF(x, 8)])
    painter.setBrush(Qt.BrushStyle.NoBrush)
