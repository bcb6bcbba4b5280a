"""A control chart of one share: every group's with its interval, between the limits the other groups let expect."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_LEFT, _BOTTOM, _TOP, _RIGHT = 52, 26, 10, 12
_SMALLEST = QSize(320, 150)
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_SIGN, _BAND, _WIDEST = 4.5, 0.7, 150.0


@dataclass(frozen=True)
class DrawnRate:
    """One group. share, low, high: with its 95 % interval. limits: None where there are too few cases for them. words:
    the whole told."""

    group: str
    share: float
    low: float
    high: float
    limits: tuple[float, float] | None
    words: str

    @property
    def outside(self) -> int:
        """1 above the limits, -1 below them, else 0."""
        if self.limits is None:
            return 0
        low, high = self.limits
        return (self.share > high) - (self.share < low)


class RateChart(QWidget):
    """A disc for each group; beyond its limits a triangle that points the way, so that colour alone tells nothing."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("rates_chart")
        self._context = context
        self._groups: tuple[DrawnRate, ...] = ()
        self.setMinimumSize(_SMALLEST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        context.theme_changed.connect(self.update)

    @property
    def groups(self) -> tuple[DrawnRate, ...]:
        """What is drawn."""
        return self._groups

    def show_groups(self, what: str, groups: Sequence[DrawnRate]) -> None:
        """Another share. what: its name, for who cannot see it."""
        self._groups = tuple(groups)
        words = "\n".join([what, *(one.words for one in self._groups)])
        self.setAccessibleName(words)
        self.setToolTip(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The axis, each group's limits, interval and share."""
        if not self._groups:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPixelSize(12)
        painter.setFont(font)
        ground = QRectF(_LEFT, _TOP, self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BOTTOM)
        painter.fillRect(ground, QColor(self._context.colours.surface))
        self._paint_axis(painter, ground)
        each = min(_WIDEST, ground.width() / len(self._groups))
        for place, one in enumerate(self._groups):
            self._paint_group(painter, ground, QRectF(ground.left() + place * each, ground.top(), each, 0), one)

    def _paint_axis(self, painter: QPainter, ground: QRectF) -> None:
        colours = self._context.colours
        for tick in _TICKS:
            height = _up(tick, ground)
            painter.setPen(QPen(QColor(colours.line), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(ground.left(), height), QPointF(ground.right(), height))
            painter.setPen(QColor(colours.muted))
            place = QRectF(0, height - 8, ground.left() - 6, 16)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{100 * tick:.0f}%")

    def _paint_group(self, painter: QPainter, ground: QRectF, column: QRectF, one: DrawnRate) -> None:
        colours, middle = self._context.colours, column.center().x()
        if one.limits is not None:
            low, high = (_up(limit, ground) for limit in one.limits)
            band = QRectF(middle - _BAND * column.width() / 2, high, _BAND * column.width(), max(low - high, 2.0))
            painter.fillRect(band, QColor(colours.raised))
            painter.setPen(QPen(QColor(colours.muted), 1, Qt.PenStyle.DashLine))
            for height in (low, high):
                painter.drawLine(QPointF(band.left(), height), QPointF(band.right(), height))
        ink = QColor(colours.caution if one.outside else colours.accent)
        painter.setPen(QPen(ink, 1.5))
        painter.drawLine(QPointF(middle, _up(one.low, ground)), QPointF(middle, _up(one.high, ground)))
        painter.setBrush(ink)
        height = _up(one.share, ground)
        if one.outside:
            side = 1.6 * _SIGN * one.outside
            painter.drawPolygon(
                QPolygonF(
                    [
                        QPointF(middle, height - side),
                        QPointF(middle - 1.5 * _SIGN, height + 0.6 * side),
                        QPointF(middle + 1.5 * _SIGN, height + 0.6 * side),
                    ]
                )
            )
        else:
            painter.drawEllipse(QPointF(middle, height), _SIGN, _SIGN)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QColor(colours.ink if one.outside else colours.muted))
        words = painter.fontMetrics().elidedText(one.group, Qt.TextElideMode.ElideRight, int(column.width()) - 6)
        below = QRectF(column.left(), ground.bottom() + 4, column.width(), 18)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, words)


def _up(share: float, ground: QRectF) -> float:
    return ground.bottom() - share * ground.height()
