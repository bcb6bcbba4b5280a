"""One question about a picture: is the finding there, is it not, or is it not to be told."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton

from desktop.records import LabelValue
from desktop.ui.widgets.one_of import OneOf
from desktop.ui.widgets.parts import column, label, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

VALUES = (LabelValue.PRESENT, LabelValue.ABSENT, LabelValue.UNSURE)


class FindingQuestion(OneOf):
    """1, 2, 3 or the arrows answer. Signal: answered() on every answer."""

    answered = Signal()

    def __init__(self, context: "UiContext", place: int, finding: str) -> None:
        super().__init__(f"question_{place}")
        self.finding = finding
        self._context = context
        self._name = label(f"question_name_{place}", "strong", wrap=True)
        buttons = row(spacing=4)
        for value in VALUES:
            made = QPushButton()
            made.setObjectName(f"answer_{place}_{value.value}")
            self._add(made)
            buttons.addWidget(made, 1)
        layout = column(self, spacing=4)
        layout.addWidget(self._name)
        layout.addLayout(buttons)

    @property
    def value(self) -> LabelValue | None:
        """What was answered; None where nothing was."""
        return VALUES[self._at] if self._at >= 0 else None

    def set_value(self, value: LabelValue | None) -> None:
        """Show an answer without telling."""
        self._check(VALUES.index(value) if value is not None else -1)

    def answer(self, value: LabelValue) -> None:
        """As a click on it."""
        self._pick(VALUES.index(value))

    def show_words(self, name: str) -> None:
        """Speak the window's language. name: of the finding."""
        self._name.setText(name)
        self.setAccessibleName(name)
        for number, (value, made) in enumerate(zip(VALUES, self._buttons, strict=True), 1):
            made.setText(f"{number}  {self._context.tr(f'feedback.value.{value.value}')}")

    def _picked(self, at: int) -> None:
        self.answered.emit()
