"""Which of several suggestions is in turn, and the way to the others."""

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.records import Suggestion
from desktop.ui.context import UiContext
from desktop.ui.reading.sitting import Sitting
from desktop.ui.reading.step_card import paragraph
from desktop.ui.review import words
from desktop.ui.widgets.parts import Icons, label


class SuggestionPlace(QWidget):
    """One line of constant height however many suggestions there are, and below it what the one in turn is about.

    Signals: stepped(int) for another one.
    """

    stepped = Signal(int)

    def __init__(self, context: UiContext, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("suggestion_place")
        self._context = context
        self._icons = Icons(context)
        self._number = label("suggestion_number", "muted")
        self._about = paragraph("suggestion_about", "strong", self)
        self._previous, self._next = self._button("previous_suggestion", -1), self._button("next_suggestion", 1)
        self._icons.add(self._previous, "back")
        self._icons.add(self._next, "forward")
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self._number, 1)
        line.addWidget(self._previous)
        line.addWidget(self._next)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(line)
        layout.addWidget(self._about)
        self.hide()

    def _button(self, name: str, by: int) -> QPushButton:
        made = QPushButton(self)
        made.setObjectName(name)
        made.setProperty("role", "quiet")
        made.clicked.connect(partial(self._step, by))
        return made

    def _step(self, by: int) -> None:
        self.stepped.emit(by)

    def show_place(self, sitting: Sitting, shown: Suggestion | None) -> None:
        """Which one it is; nothing where there is only one."""
        every = [one.id for one in sitting.reading.suggestions]
        several = shown is not None and len(every) > 1
        self.setVisible(several)
        if shown is None or not several:
            return
        tr = self._context.tr
        number = every.index(shown.id) + 1
        self._number.setText(tr("review.place", number=number, count=len(every)))
        self._about.setText(words.about(self._context, sitting, shown))
        for made, key, possible in (
            (self._previous, "review.previous", number > 1),
            (self._next, "review.next", number < len(every)),
        ):
            made.setToolTip(tr(key))
            made.setAccessibleName(tr(key))
            made.setEnabled(possible)
