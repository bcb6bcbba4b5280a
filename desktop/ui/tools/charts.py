"""Square diagrams of shares against shares, painted: a curve with its band, or points with their intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_LEFT, _BOTTOM, _TOP, _RIGHT = 52, 40, 8, 26
_SMALLEST = 220
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_SIGN = 4.0


class ShareChart(QWidget):
    """0 to 100 per cent either way. Signs have shapes of their own, not colours alone: a disc for points with their
    intervals, a square and a diamond for what is marked on a curve."""

    def __init__(self, context: "UiContext", name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._context = context
        self._axes = ("", "")
        self._curve: tuple[tuple[float, float], ...] = ()
        self._band: tuple[tuple[float, float, float], ...] = ()
        self._points: tuple[tuple[float, float, float, float], ...] = ()
        self._marks: tuple[tuple[float, float], ...] = ()
        self._nothing = ""
        self.setMinimumSize(_SMALLEST, _SMALLEST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        context.theme_changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """As small as can still be read."""
        return QSize(_SMALLEST, _SMALLEST)

    def show_curve(
        self,
        points: Sequence[tuple[float, float]],
        band: Sequence[tuple[float, float, float]],
        marks: Sequence[tuple[float, float]] = (),
    ) -> None:
        """A curve, its band (across, lowest, highest), and places marked on it: the first a square, the second a
        diamond."""
        self._curve, self._band, self._marks, self._points = tuple(points), tuple(band), tuple(marks), ()
        self.update()

    def show_points(self, points: Sequence[tuple[float, float, float, float]]) -> None:
        """Points with their intervals: (across, up, lowest, highest)."""
        self._points, self._curve, self._band, self._marks = tuple(points), (), (), ()
        self.update()

    def set_words(self, across: str, up: str, nothing: str, told: str) -> None:
        """What the axes are, what is said where there is nothing to draw, and the whole in words for who cannot see
        it."""
        self._axes, self._nothing = (across, up), nothing
        self.setAccessibleName(told)
        self.setToolTip(told)
        self.update()

    @property
    def empty(self) -> bool:
        """Whether nothing is drawn."""
        return not (self._curve or self._points)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Axes, then what is on them."""
        colours = self._context.colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = min(self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BOTTOM)
        ground = QRectF(_LEFT, _TOP, side, side)
        painter.fillRect(ground, QColor(colours.surface))
        self._paint_axes(painter, ground)
        if self.empty:
            painter.setPen(QColor(colours.muted))
            painter.drawText(
                ground.adjusted(12, 0, -12, 0), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._nothing
            )
            return
        painter.setClipRect(ground.adjusted(-6, -6, 6, 6))
        self._paint_curve(painter, ground)
        self._paint_points(painter, ground)

    def _paint_axes(self, painter: QPainter, ground: QRectF) -> None:
        colours = self._context.colours
        font = painter.font()
        font.setPixelSize(12)
        painter.setFont(font)
        for share in _TICKS:
            at = _place(ground, share, share)
            painter.setPen(QPen(QColor(colours.line), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(at.x(), ground.top()), QPointF(at.x(), ground.bottom()))
            painter.drawLine(QPointF(ground.left(), at.y()), QPointF(ground.right(), at.y()))
            painter.setPen(QColor(colours.muted))
            words = f"{100 * share:.0f}%"
            painter.drawText(
                QRectF(ground.left() - 44, at.y() - 8, 40, 16),
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                words,
            )
            painter.drawText(QRectF(at.x() - 24, ground.bottom() + 2, 48, 16), Qt.AlignmentFlag.AlignCenter, words)
        painter.setPen(QPen(QColor(colours.muted), 1))
        painter.drawRect(ground)
        if not self.empty:
            painter.setPen(QPen(QColor(colours.muted), 1, Qt.PenStyle.DashLine))
            painter.drawLine(ground.bottomLeft(), ground.topRight())
        painter.setPen(QColor(colours.ink))
        painter.drawText(
            QRectF(ground.left() - 20, ground.bottom() + 20, ground.width() + 40, 18),
            Qt.AlignmentFlag.AlignCenter,
            self._axes[0],
        )
        painter.save()
        painter.translate(9, ground.center().y())
        painter.rotate(-90)
        painter.drawText(
            QRectF(-ground.height() / 2, -9, ground.height(), 18), Qt.AlignmentFlag.AlignCenter, self._axes[1]
        )
        painter.restore()

    def _paint_curve(self, painter: QPainter, ground: QRectF) -> None:
        colours = self._context.colours
        if self._band:
            edge = [_place(ground, x, high) for x, _, high in self._band]
            edge += [_place(ground, x, low) for x, low, _ in reversed(self._band)]
            shade = QColor(colours.accent)
            shade.setAlpha(56)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(shade)
            painter.drawPolygon(QPolygonF(edge))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colours.accent), 2))
        painter.drawPolyline(QPolygonF([_place(ground, x, y) for x, y in self._curve]))
        painter.setPen(QPen(QColor(colours.surface), 1.5))
        painter.setBrush(QColor(colours.ink))
        for number, (x, y) in enumerate(self._marks):
            at = _place(ground, x, y)
            reach = 1.5 * _SIGN
            if number == 0:
                painter.drawRect(QRectF(at.x() - _SIGN, at.y() - _SIGN, 2 * _SIGN, 2 * _SIGN))
            else:
                corners = (QPointF(0, -reach), QPointF(reach, 0), QPointF(0, reach), QPointF(-reach, 0))
                painter.drawPolygon(QPolygonF([at + corner for corner in corners]))

    def _paint_points(self, painter: QPainter, ground: QRectF) -> None:
        colours = self._context.colours
        for x, y, low, high in self._points:
            painter.setPen(QPen(QColor(colours.accent), 2))
            painter.drawLine(_place(ground, x, low), _place(ground, x, high))
            painter.setPen(QPen(QColor(colours.surface), 1))
            painter.setBrush(QColor(colours.accent))
            painter.drawEllipse(_place(ground, x, y), _SIGN + 1, _SIGN + 1)


def _place(ground: QRectF, across: float, up: float) -> QPointF:
    return QPointF(ground.left() + across * ground.width(), ground.bottom() - up * ground.height())
