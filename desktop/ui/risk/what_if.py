"""What if a value were another: a slider for each that was given, the given one marked."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QSlider, QStyle, QStyleOptionSlider, QWidget

from desktop.ui.risk.inputs import RiskInput
from desktop.ui.theme import ROLES
from desktop.ui.widgets.parts import column, label, row
from desktop.workflow.risks import RiskField

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_STEPS = 100
_MARK = 5
_CLOSE = 1e-9


class MarkedSlider(QSlider):
    """A slider with a mark below at what was given. A turn of the wheel is left to the page."""

    def __init__(self, name: str, steps: int, given: int) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setObjectName(name)
        self.setRange(0, steps)
        self.setPageStep(max(1, steps // 10))
        self.setMinimumHeight(28)
        self.setValue(given)
        self.given = given

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Left to the page."""
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The slider, and the mark."""
        super().paintEvent(event)
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        groove = self.style().subControlRect(
            QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderGroove, self
        )
        handle = self.style().subControlRect(
            QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self
        )
        at = QStyle.sliderPositionFromValue(0, self.maximum(), self.given, groove.width() - handle.width())
        x, y = groove.left() + at + handle.width() / 2, self.height() - 1.0
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.palette().color(QPalette.ColorRole.WindowText)))
        painter.drawPolygon(QPolygonF([QPointF(x, y - 6), QPointF(x - _MARK, y), QPointF(x + _MARK, y)]))
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.palette().color(ROLES["focus"]), 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
        painter.end()


class _Line(QWidget):
    """One value: its name and what was given, the slider, and what it is moved to."""

    moved = Signal()

    def __init__(self, context: "UiContext", source: RiskInput, given: float | str) -> None:
        super().__init__()
        self._context = context
        self.source = source
        self.given = given
        self._scale = _scale(source, given)
        place = min(range(len(self._scale)), key=lambda at: _far(self._scale[at], given))
        self._scale[place] = given
        name = label(f"what_if_{source.field.key}_name", wrap=True)
        name.setText(context.tr("risk.value", name=source.field.name, value=source.text(given)))
        self.slider = MarkedSlider(f"what_if_{source.field.key}", len(self._scale) - 1, place)
        self.slider.setAccessibleName(name.text())
        self.slider.valueChanged.connect(self._moved)
        self.says = label(f"what_if_{source.field.key}_says", "strong", wrap=True)
        layout = row(self, spacing=12)
        layout.addWidget(name, 2)
        layout.addWidget(self.slider, 2)
        layout.addWidget(self.says, 1)
        self._say()

    @property
    def value(self) -> float | str:
        """Where the slider stands, in the model's own unit; exactly what was given where it stands at the mark."""
        return self._scale[self.slider.value()]

    @property
    def is_moved(self) -> bool:
        """Whether it stands elsewhere than at the mark."""
        return self.slider.value() != self.slider.given

    def reset(self) -> None:
        """Back to the mark, without telling."""
        self.slider.blockSignals(True)
        self.slider.setValue(self.slider.given)
        self.slider.blockSignals(False)
        self._say()

    def _moved(self) -> None:
        self._say()
        self.moved.emit()

    def _say(self) -> None:
        tr = self._context.tr
        self.says.setText(tr("risk.what_if.now", value=self.source.text(self.value)) if self.is_moved else "")
        self.slider.setAccessibleDescription(self.source.text(self.value))


class WhatIf(QWidget):
    """Sliders for what was given, the value that matters most first. Signal: moved() on each step of any of them."""

    moved = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("what_if")
        self._context = context
        self._lines: list[_Line] = []
        self._body = column(self, spacing=4)

    def show_values(self, inputs: Mapping[str, RiskInput]) -> None:
        """Sliders for these values, all at their marks."""
        for line in self._lines:
            self._body.removeWidget(line)
            line.hide()
            line.deleteLater()
        self._lines = []
        for source in sorted(inputs.values(), key=lambda one: -one.field.weight):
            value = source.value
            if value is not None:
                line = _Line(self._context, source, value)
                line.moved.connect(self.moved)
                self._lines.append(line)
                self._body.addWidget(line)

    @property
    def is_moved(self) -> bool:
        """Whether any slider stands elsewhere than at its mark."""
        return any(line.is_moved for line in self._lines)

    @property
    def values(self) -> dict[str, float | str]:
        """What the sliders say, in the model's own units."""
        return {line.source.field.key: line.value for line in self._lines}

    def reset(self) -> None:
        """Everything back to its mark."""
        for line in self._lines:
            line.reset()


def _scale(source: RiskInput, given: float | str) -> list[float | str]:
    """What a slider can stand at: the answers, or round numbers over what the model learned from and what was given."""
    field = source.field
    if field.choices:
        return [value for value, _ in field.choices]
    factor = source.unit.factor if source.unit is not None else 1.0
    low, high = min(field.low, float(given)), max(field.high, float(given))
    step = _round_step((high - low) / factor / _STEPS)
    if _counts(field):
        step = max(step, 1.0)
    first, last = math.ceil(low / factor / step - _CLOSE), math.floor(high / factor / step + _CLOSE)
    return [min(max(at * step * factor, low), high) for at in range(first, last + 1)] or [float(given)]


def _counts(field: RiskField) -> bool:
    """Whether it is counted in whole years or times."""
    whole = field.low.is_integer() and field.high.is_integer()
    return whole and (not field.units or field.units[0].code == "a")


def _round_step(least: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(times * power for times in (1.0, 2.0, 5.0, 10.0) if times * power >= least * (1 - 1e-9))


def _far(value: float | str, given: float | str) -> float:
    if isinstance(value, str) or isinstance(given, str):
        return 0.0 if value == given else 1.0
    return abs(value - given)
