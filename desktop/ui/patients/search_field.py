"""The field that looks for patients while one types, over a list that its arrow keys move in."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit

from desktop.ui.widgets.parts import Texts
from desktop.ui.widgets.rows import RowList

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_PAUSE_MILLISECONDS = 80


class SearchField(QLineEdit):
    """Numbers its questions, so that an answer to an earlier one can be dropped. Signals: asked after a short pause in
    the typing."""

    asked = Signal()

    def __init__(self, context: "UiContext", name: str, rows: RowList) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setProperty("role", "search")
        self.setClearButtonEnabled(True)
        self._rows = rows
        self._number = 0
        self._texts = Texts(context)
        self._texts.add(self.setPlaceholderText, "patients.search.placeholder")
        self._texts.add(self.setAccessibleName, "patients.search")
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MILLISECONDS)
        self._pause.timeout.connect(self.asked)
        self.textChanged.connect(self._pause.start)

    @property
    def waits(self) -> bool:
        """Whether a question is due and not asked yet."""
        return self._pause.isActive()

    def next_question(self) -> int:
        """Number of the question that is asked now."""
        self._pause.stop()
        self._number += 1
        return self._number

    def is_latest(self, number: int) -> bool:
        """Whether no later question was asked."""
        return number == self._number

    def forget(self) -> None:
        """Empty, without a question; answers on their way are for nobody."""
        self.blockSignals(True)
        self.setText("")
        self.blockSignals(False)
        self.next_question()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys act on the list."""
        moves = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp)
        if event.key() in moves:
            self._rows.keyPressEvent(event)
        else:
            super().keyPressEvent(event)
