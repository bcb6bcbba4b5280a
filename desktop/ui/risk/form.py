"""The form of one risk model: its values in two columns, the ones that matter most first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from desktop.records import Sex
from desktop.ui.risk.inputs import Kept, RiskInput, made_for
from desktop.ui.widgets.fields import Choice
from desktop.ui.widgets.parts import column, label
from desktop.workflow.risks import ChartValues, RiskForm

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_COLUMNS = 2


@dataclass(frozen=True)
class FormKept:
    """What was given in a form."""

    values: Mapping[str, Kept]
    sex: str


class RiskFormView(QWidget):
    """Signal: edited() whenever a value changes by hand."""

    edited = Signal()

    def __init__(self, context: "UiContext", form: RiskForm) -> None:
        super().__init__()
        self.setObjectName("risk_form")
        self.setProperty("role", "scroll")
        self._context = context
        self.form = form
        self._sex: Choice | None = None
        body = column(self, spacing=12)
        body.setContentsMargins(0, 0, 12, 12)
        if form.sexes and not form.asks_sex:
            body.addWidget(self._sex_row())
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(12)
        self.inputs: dict[str, RiskInput] = {}
        fields = sorted(form.fields, key=lambda one: -one.weight)
        for place, field in enumerate(fields):
            made = made_for(context, field)
            made.edited.connect(self.edited)
            self.inputs[field.key] = made
            grid.addWidget(made, place // _COLUMNS, place % _COLUMNS)
        for at in range(_COLUMNS):
            grid.setColumnStretch(at, 1)
        body.addLayout(grid)
        body.addStretch(1)

    def _sex_row(self) -> QWidget:
        """Of whom the model learned matters, though it does not add anything."""
        tr = self._context.tr
        holder = QWidget()
        inside = column(holder, spacing=4)
        caption = label("risk_sex_label", "strong")
        caption.setText(tr("patients.form.sex"))
        values = (Sex.FEMALE.value, Sex.MALE.value, Sex.UNKNOWN.value)
        self._sex = Choice("risk_sex", values)
        self._sex.set_texts(tr("patients.form.sex"), [tr(f"patients.sex.{value}") for value in values])
        self._sex.set_value(Sex.UNKNOWN.value)
        self._sex.chosen.connect(self._sex_chosen)
        note = label(role="small", wrap=True)
        note.setText(tr("risk.sexes", sexes=tr("patients.list_comma").join(self._sexes())))
        inside.addWidget(caption)
        inside.addWidget(self._sex)
        inside.addWidget(note)
        return holder

    def _sexes(self) -> list[str]:
        return [self._context.tr(f"patients.sex.{sex.value}") for sex in self.form.sexes]

    @property
    def sex(self) -> Sex | None:
        """The person's sex as far as it is known beside the values."""
        if self._sex is None or self._sex.value == Sex.UNKNOWN.value:
            return None
        return Sex(self._sex.value)

    @property
    def wrong(self) -> tuple[RiskInput, ...]:
        """Where something is typed that is no number."""
        return tuple(one for one in self.inputs.values() if one.wrong)

    @property
    def row(self) -> dict[str, float | str | None]:
        """The values in the model's own units; None where nobody knows."""
        return {key: one.value for key, one in self.inputs.items()}

    @property
    def has_values(self) -> bool:
        """Whether anything was given."""
        return any(one.value is not None for one in self.inputs.values())

    def fill(self, values: ChartValues) -> None:
        """Take over what the chart says; what it does not say stays as it is."""
        for key, value in values.values.items():
            if key in self.inputs:
                self.inputs[key].fill(value)
        if self._sex is not None:
            sex = values.patient.sex
            self._sex.set_value(sex.value if sex in (Sex.FEMALE, Sex.MALE) else Sex.UNKNOWN.value)

    @property
    def kept(self) -> FormKept:
        """Everything that was given, to be given again in another language."""
        return FormKept(
            {key: one.kept for key, one in self.inputs.items()}, self._sex.value if self._sex is not None else ""
        )

    def restore(self, kept: FormKept) -> None:
        """Give again what was kept of the same form."""
        for key, one in kept.values.items():
            self.inputs[key].restore(one)
        if self._sex is not None:
            self._sex.set_value(kept.sex)

    def begin(self) -> None:
        """The focus goes to the first value."""
        first = next(iter(self.inputs.values()), None)
        if first is not None:
            first.setFocus()

    def _sex_chosen(self, value: str) -> None:
        self.edited.emit()
