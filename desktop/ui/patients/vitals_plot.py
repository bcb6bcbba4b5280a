"""The curve itself, drawn by pyqtgraph: zoomed and read with the mouse or the keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyqtgraph
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QWidget

from desktop.i18n import format_date
from desktop.ui.context import UiContext

_COLOURS = ("#0072b2", "#d55e00")
_DARK_COLOURS = ("#56b4e9", "#e69f00")
"""Of the lines, from Okabe and Ito's; each has a sign of its own besides."""
_SIGNS = ("o", "s")
_ZOOM = 1.4
_DAY = 86_400.0
_REACH = 24.0
Moment = tuple[float, tuple[float | None, ...]]
"""Seconds since 1970, and a value for each line."""


class _Days(pyqtgraph.AxisItem):  # type: ignore[misc]  # the library ships no types
    """Dates below the curve, as the window's language writes them; hours where one looks closely."""

    def __init__(self, context: UiContext) -> None:
        super().__init__(orientation="bottom")
        self._context = context

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """One for each tick, in local time."""
        moments = [datetime.fromtimestamp(value).astimezone() for value in values if 0 <= value < 2**33]
        if len(moments) != len(values):
            return ["" for _ in values]
        if spacing < _DAY:
            return [f"{format_date(one.date(), self._context.language)}\n{one:%H:%M}" for one in moments]
        return [format_date(one.date(), self._context.language) for one in moments]

    def tickSpacing(self, minimum: float, maximum: float, size: float) -> list[tuple[float, float]]:
        """As close as the words of a date allow."""
        wanted = (maximum - minimum) / max(size / 130.0, 1.0)
        steps = (3600.0, 6 * 3600.0, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 91 * _DAY, 182 * _DAY, 365 * _DAY)
        return [(next((step for step in steps if step >= wanted), 365 * _DAY * max(1.0, wanted // (365 * _DAY))), 0.0)]


class VitalsPlot(pyqtgraph.PlotWidget):  # type: ignore[misc]  # the library ships no types
    """Keys: left and right go from value to value, + and - zoom, 0 shows all. The wheel zooms, dragging moves.

    Signals: chosen(number) for the value the pointer or the keys are at.
    """

    chosen = Signal(int)

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(parent, axisItems={"bottom": _Days(context)})
        self.setObjectName("vitals_plot")
        self._context = context
        self._moments: tuple[Moment, ...] = ()
        self._at: int | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(320, 220)
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        self._box = item.getViewBox()
        self._box.setDefaultPadding(0.06)
        self._legend = item.addLegend(offset=(-10, 10))
        self._cursor = pyqtgraph.InfiniteLine(angle=90, movable=False)
        self.scene().sigMouseMoved.connect(self._moused)

    @property
    def at(self) -> int | None:
        """Which value the cursor is at, the oldest is 0."""
        return self._at

    def show_curve(self, moments: Sequence[Moment], lines: Sequence[str], unit: str) -> None:
        """Another curve: its values, the oldest first, the names of its lines, and its unit."""
        self._moments, self._at = tuple(moments), None
        colours, item = self._context.colours, self.getPlotItem()
        dark = pyqtgraph.mkColor(colours.surface).lightness() < 128
        item.clear()
        self._legend.clear()
        self._legend.setVisible(len(lines) > 1)
        self._legend.setLabelTextColor(colours.ink)
        self.setBackground(colours.surface)
        ink = pyqtgraph.mkPen(colours.muted)
        for side in ("left", "bottom"):
            axis = item.getAxis(side)
            axis.setPen(ink)
            axis.setTextPen(pyqtgraph.mkPen(colours.ink))
        item.setLabel("left", unit)
        item.showGrid(x=True, y=True, alpha=0.25)
        self._cursor.setPen(pyqtgraph.mkPen(colours.focus, width=1, style=Qt.PenStyle.DashLine))
        for number, name in enumerate(lines):
            known = [(when, values[number]) for when, values in self._moments if values[number] is not None]
            colour = (_DARK_COLOURS if dark else _COLOURS)[number]
            item.plot(
                [when for when, _ in known],
                [value for _, value in known],
                name=name,
                pen=pyqtgraph.mkPen(colour, width=2),
                symbol=_SIGNS[number],
                symbolSize=8,
                symbolBrush=colour,
                symbolPen=pyqtgraph.mkPen(colours.surface),
            )
        self._cursor.hide()
        item.addItem(self._cursor, ignoreBounds=True)
        self.show_all()

    def show_all(self) -> None:
        """Every value; one alone with a week around it."""
        times = [when for when, _ in self._moments]
        values = [value for _, line in self._moments for value in line if value is not None]
        if not values:
            return
        spare = max((max(times) - min(times)) * 0.05, 0.0) or 3 * _DAY
        room = max((max(values) - min(values)) * 0.15, 0.0) or max(abs(values[0]) * 0.05, 1.0)
        self._box.setRange(
            xRange=(min(times) - spare, max(times) + spare),
            yRange=(min(values) - room, max(values) + room),
            padding=0,
        )

    def point_at(self, number: int) -> None:
        """Move the cursor to a value, and bring it into sight."""
        if not 0 <= number < len(self._moments):
            return
        self._at = number
        when = self._moments[number][0]
        self._cursor.setValue(when)
        self._cursor.show()
        left, right = self._box.viewRange()[0]
        if not left <= when <= right:
            half = (right - left) / 2
            self._box.setXRange(when - half, when + half, padding=0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """From value to value, closer, further, everything."""
        key = event.key()
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self._moments:
            last = len(self._moments) - 1
            step = 1 if key == Qt.Key.Key_Right else -1
            self._choose(last if self._at is None else min(max(self._at + step, 0), last))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._zoom(1 / _ZOOM)
        elif key == Qt.Key.Key_Minus:
            self._zoom(_ZOOM)
        elif key == Qt.Key.Key_0:
            self.show_all()
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The newest value first."""
        super().focusInEvent(event)
        if self._at is None and self._moments:
            self._choose(len(self._moments) - 1)

    def _zoom(self, factor: float) -> None:
        centre = None
        if self._at is not None:
            middle = self._box.viewRect().center().y()
            centre = QPointF(self._moments[self._at][0], middle)
        self._box.scaleBy((factor, 1.0), center=centre)

    def _choose(self, number: int) -> None:
        self.point_at(number)
        self.chosen.emit(number)

    def _moused(self, at: Any) -> None:
        """The value nearest to the pointer, if it is near."""
        if not self._moments or not self._box.sceneBoundingRect().contains(at):
            return
        places = [self._box.mapViewToScene(QPointF(when, 0)).x() for when, _ in self._moments]
        apart = [abs(place - at.x()) for place in places]
        nearest = apart.index(min(apart))
        if apart[nearest] <= _REACH and nearest != self._at:
            self._choose(nearest)
