"""Losses of a training, epoch by epoch, painted."""

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.workflow.shelf import LossCurve

_LEFT, _BOTTOM, _TOP, _RIGHT = 60, 40, 26, 14
_SMALLEST = QSize(320, 180)
_LINES = 4


class LossChart(QWidget):
    """What was learned from as a whole line, what was held out as a broken one."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("training_chart")
        self._context = context
        self._training: tuple[float, ...] = ()
        self._validation: tuple[float, ...] = ()
        self.setMinimumSize(_SMALLEST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        context.theme_changed.connect(self.update)

    def show_curve(self, curve: "LossCurve") -> None:
        """Draw another network's; told in words for who cannot see it."""
        self._training, self._validation = curve.training, curve.validation
        told = [self._told("settings.training.curve", self._training)]
        if self._validation:
            told.append(self._told("settings.training.curve.held_out", self._validation))
        words = "\n".join(told)
        self.setAccessibleName(words)
        self.setToolTip(words)
        self.update()

    def _told(self, key: str, losses: tuple[float, ...]) -> str:
        values = {"first": f"{losses[0]:.3f}", "last": f"{losses[-1]:.3f}", "count": len(losses)}
        return self._context.tr(key, **values)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Axes, the two lines, what each is."""
        if not self._training:
            return
        colours = self._context.colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPixelSize(12)
        painter.setFont(font)
        ground = QRectF(_LEFT, _TOP, self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BOTTOM)
        painter.fillRect(ground, QColor(colours.surface))
        low, high = _range((*self._training, *self._validation))
        self._paint_axes(painter, ground, low, high)
        lines = [(self._training, QPen(QColor(colours.accent), 2), "settings.training.learned")]
        if self._validation:
            broken = QPen(QColor(colours.ink), 2, Qt.PenStyle.DashLine)
            lines.append((self._validation, broken, "settings.training.held_out"))
        across = ground.left()
        for losses, pen, key in lines:
            painter.setPen(pen)
            painter.drawPolyline(_line(losses, ground, low, high))
            painter.drawLine(QPointF(across, 12), QPointF(across + 28, 12))
            words = self._context.tr(key)
            painter.setPen(QColor(colours.ink))
            painter.drawText(QPointF(across + 34, 16), words)
            across += 34 + painter.fontMetrics().horizontalAdvance(words) + 24

    def _paint_axes(self, painter: QPainter, ground: QRectF, low: float, high: float) -> None:
        colours = self._context.colours
        for number in range(_LINES + 1):
            share = number / _LINES
            height = ground.bottom() - share * ground.height()
            painter.setPen(QPen(QColor(colours.line), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(ground.left(), height), QPointF(ground.right(), height))
            painter.setPen(QColor(colours.muted))
            place = QRectF(0, height - 8, ground.left() - 6, 16)
            painter.drawText(
                place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{low + share * (high - low):.2f}"
            )
        painter.setPen(QPen(QColor(colours.muted), 1))
        painter.drawRect(ground)
        last = len(self._training)
        step = max(1, math.ceil(last / 10))
        for epoch in range(1, last + 1, step):
            along = _at(epoch - 1, last, ground)
            painter.drawText(QRectF(along - 20, ground.bottom() + 2, 40, 16), Qt.AlignmentFlag.AlignCenter, str(epoch))
        below = QRectF(ground.left(), ground.bottom() + 20, ground.width(), 18)
        painter.setPen(QColor(colours.ink))
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self._context.tr("settings.training.epochs"))


def _range(losses: tuple[float, ...]) -> tuple[float, float]:
    """From nought, or below, to a little over the highest."""
    low, high = min(0.0, *losses), max(losses)
    return low, high + 0.05 * (high - low) if high > low else low + 1.0


def _at(place: int, count: int, ground: QRectF) -> float:
    return ground.left() + (place + 0.5) / count * ground.width()


def _line(losses: tuple[float, ...], ground: QRectF, low: float, high: float) -> QPolygonF:
    return QPolygonF(
        [
            QPointF(_at(place, len(losses), ground), ground.bottom() - (loss - low) / (high - low) * ground.height())
            for place, loss in enumerate(losses)
        ]
    )
