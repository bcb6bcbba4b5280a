"""One value of a risk model's form: a number with its unit, or one of a few answers. Not measured is an answer."""

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QSizePolicy, QWidget

from desktop.i18n import Language
from desktop.ui.risk import words
from desktop.ui.widgets.parts import column, label, row, set_role
from desktop.workflow.risks import ChartValue, RiskField, RiskUnit

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_NUMBER = re.compile(r"\d{1,6}(?:\.\d{1,4})?|\.\d{1,4}")
_SHORTEST_CHOICE = 12


class CalmBox(QComboBox):
    """A list of answers that a turn of the wheel scrolls past: no value changes unseen."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Left to the page."""
        event.ignore()


@dataclass(frozen=True)
class Kept:
    """What was given in one field: what was typed or the answer chosen, the unit, and where on the chart it stood."""

    given: str
    unit: str
    chart: ChartValue | None


class RiskInput(QWidget):
    """What two kinds of field have in common: name above, where the value comes from below. Signal: edited()."""

    edited = Signal()

    def __init__(self, context: "UiContext", field: RiskField) -> None:
        super().__init__()
        self.setObjectName(f"risk_{field.key}_field")
        self._context = context
        self._chart: ChartValue | None = None
        self.field = field
        self.caption = label(f"risk_{field.key}_label", "strong", wrap=True)
        self.caption.setText(field.name)
        self.note = label(f"risk_{field.key}_note", "small", wrap=True)

    @property
    def value(self) -> float | str | None:
        """In the model's own unit; None where it was not measured, or is no number."""
        raise NotImplementedError

    @property
    def wrong(self) -> bool:
        """Whether something was typed that is no number."""
        return False

    @property
    def unit(self) -> RiskUnit | None:
        """The unit it is given in."""
        return None

    def fill(self, chart: ChartValue) -> None:
        """Take over what the chart says."""
        raise NotImplementedError

    @property
    def kept(self) -> Kept:
        """What was given."""
        raise NotImplementedError

    def restore(self, kept: Kept) -> None:
        """Give it again, without telling."""
        raise NotImplementedError

    def text(self, value: float | str) -> str:
        """A value of this field, in the model's unit, as it is given here."""
        unit = self.unit
        if unit is not None and isinstance(value, float):
            return words.given_text(self._context, self.field, value / unit.factor, unit.code)
        return words.given_text(self._context, self.field, value, "")

    def _say(self) -> None:
        """Where the value comes from."""
        tr = self._context.tr
        if self.wrong:
            self.note.setText(tr("risk.not_a_number"))
        elif self.value is None:
            self.note.setText(tr("risk.missing"))
        elif self._chart is not None:
            self.note.setText(words.source_text(self._context, self._chart))
        else:
            self.note.setText(tr("risk.typed"))
        set_role(self.note, "danger" if self.wrong else "small")


class NumberInput(RiskInput):
    """A line for the number, and its unit; where there is more than one, it can be chosen. The number stays when
    another unit is chosen: the number was right and the unit was not."""

    def __init__(self, context: "UiContext", field: RiskField) -> None:
        super().__init__(context, field)
        self._unit = _usual(field, context.language)
        self.edit = QLineEdit()
        self.edit.setObjectName(f"risk_{field.key}")
        self.edit.setFixedWidth(112)
        self.edit.setAccessibleName(field.name)
        self.caption.setBuddy(self.edit)
        self.edit.textEdited.connect(self._typed)
        self.units = CalmBox()
        self.units.setObjectName(f"risk_{field.key}_unit")
        self.units.setAccessibleName(context.tr("risk.unit.of", name=field.name))
        for unit in field.units:
            self.units.addItem(words.unit_text(context, unit.code), unit.code)
        self.units.setCurrentIndex(field.units.index(self._unit) if self._unit is not None else -1)
        self.units.currentIndexChanged.connect(self._other_unit)
        shown = label(f"risk_{field.key}_unit_shown", "muted")
        shown.setText(words.unit_text(context, self._unit.code) if self._unit is not None else "")
        line = row(spacing=8)
        line.addWidget(self.edit)
        line.addWidget(self.units)
        line.addWidget(shown)
        line.addStretch(1)
        several = len(field.units) > 1
        self.units.setVisible(several)
        shown.setVisible(not several)
        layout = column(self, spacing=4)
        layout.addWidget(self.caption)
        layout.addLayout(line)
        layout.addWidget(self.note)
        layout.addStretch(1)
        self.setFocusProxy(self.edit)
        self._say()

    @property
    def value(self) -> float | None:
        """In the model's own unit."""
        number = self._number
        if number is None or math.isnan(number):
            return None
        return number * self._unit.factor if self._unit is not None else number

    @property
    def wrong(self) -> bool:
        """Whether something was typed that is no number."""
        number = self._number
        return number is not None and math.isnan(number)

    @property
    def unit(self) -> RiskUnit | None:
        """The unit chosen."""
        return self._unit

    @property
    def beyond(self) -> bool:
        """Whether the value lies outside what the model learned from."""
        value = self.value
        return value is not None and not self.field.low <= value <= self.field.high

    def fill(self, chart: ChartValue) -> None:
        """Take over what the chart says, in the chart's unit."""
        self.restore(Kept(f"{float(chart.value):.10g}", chart.unit, chart))

    @property
    def kept(self) -> Kept:
        """What was typed."""
        return Kept(self.edit.text(), self._unit.code if self._unit is not None else "", self._chart)

    def restore(self, kept: Kept) -> None:
        """The same words and unit."""
        units = [unit.code for unit in self.field.units]
        if kept.unit in units:
            self.units.blockSignals(True)
            self.units.setCurrentIndex(units.index(kept.unit))
            self.units.blockSignals(False)
            self._unit = self.field.units[units.index(kept.unit)]
        self.edit.setText(kept.given)
        self._chart = kept.chart
        self._say()

    @property
    def _number(self) -> float | None:
        """What was typed; NaN for what is no number."""
        plain = unicodedata.normalize("NFKC", self.edit.text()).strip().replace(",", ".")
        if not plain:
            return None
        return float(plain) if _NUMBER.fullmatch(plain) else math.nan

    def _typed(self) -> None:
        self._chart = None
        self._say()
        self.edited.emit()

    def _other_unit(self, place: int) -> None:
        self._unit = self.field.units[place]
        self._chart = None
        self._say()
        self.edited.emit()

    def _say(self) -> None:
        super()._say()
        field, unit = self.field, self._unit
        factor = unit.factor if unit is not None else 1.0
        low, high = (words.number_text(bound / factor) for bound in (field.low, field.high))
        learned = self._context.tr("risk.beyond" if self.beyond else "risk.range", low=low, high=high)
        self.note.setText(f"{self.note.text()} · {learned}")
        if self.beyond:
            set_role(self.note, "caution")
        if self.edit.property("invalid") != self.wrong:
            self.edit.setProperty("invalid", self.wrong)
            self.edit.style().unpolish(self.edit)
            self.edit.style().polish(self.edit)


class ChoiceInput(RiskInput):
    """A list of answers; the first is that nobody knows."""

    def __init__(self, context: "UiContext", field: RiskField) -> None:
        super().__init__(context, field)
        self.choices = CalmBox()
        self.choices.setObjectName(f"risk_{field.key}")
        self.choices.setAccessibleName(field.name)
        self.choices.setMinimumContentsLength(_SHORTEST_CHOICE)
        self.choices.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.choices.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.caption.setBuddy(self.choices)
        self.choices.addItem(context.tr("risk.unknown"), None)
        for value, name in field.choices:
            self.choices.addItem(name, value)
        self.choices.currentIndexChanged.connect(self._picked)
        layout = column(self, spacing=4)
        layout.addWidget(self.caption)
        layout.addWidget(self.choices)
        layout.addWidget(self.note)
        layout.addStretch(1)
        self.setFocusProxy(self.choices)
        self._say()

    @property
    def value(self) -> str | None:
        """The answer as the model writes it."""
        chosen = self.choices.currentData()
        return None if chosen is None else str(chosen)

    def fill(self, chart: ChartValue) -> None:
        """Take over what the chart says."""
        self.restore(Kept(str(chart.value), "", chart))

    @property
    def kept(self) -> Kept:
        """The answer."""
        return Kept(self.value or "", "", self._chart)

    def restore(self, kept: Kept) -> None:
        """The same answer."""
        self.choices.blockSignals(True)
        self.choices.setCurrentIndex(max(0, self.choices.findData(kept.given)))
        self.choices.blockSignals(False)
        self._chart = kept.chart
        self._say()

    def _picked(self) -> None:
        self._chart = None
        self._say()
        self.edited.emit()


def made_for(context: "UiContext", field: RiskField) -> RiskInput:
    """The input a field wants."""
    return ChoiceInput(context, field) if field.choices else NumberInput(context, field)


def _usual(field: RiskField, language: Language) -> RiskUnit | None:
    """The unit to begin with: laboratories in China report amounts in a litre, the models' data are from elsewhere."""
    if language is Language.CHINESE:
        for unit in field.units[1:]:
            if unit.code.endswith("/L"):
                return unit
    return field.units[0] if field.units else None
