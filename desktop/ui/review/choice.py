"""A row of the three answers, chosen with 1, 2, 3 or the arrows and Enter."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from desktop.records import Decision
from desktop.ui.context import UiContext
from desktop.ui.review.words import decision_word

_KEYS = {Qt.Key.Key_1: Decision.LIKELY, Qt.Key.Key_2: Decision.UNLIKELY, Qt.Key.Key_3: Decision.CANNOT_SAY}


class DecisionChoice(QWidget):
    """Signals: chosen(Decision); left() on Esc."""

    chosen = Signal(object)
    left = Signal()

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("decision_choice")
        self._context = context
        self._buttons: dict[Decision, QPushButton] = {}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for decision in Decision:
            button = QPushButton(self)
            button.setObjectName(f"choose_{decision.value}")
            button.setAutoDefault(True)
            button.clicked.connect(self._clicked)
            layout.addWidget(button)
            self._buttons[decision] = button
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the window's language."""
        for number, (decision, button) in enumerate(self._buttons.items(), 1):
            button.setText(f"{number}  {decision_word(self._context, decision)}")

    def begin(self, first: Decision) -> None:
        """Show, with the focus on one answer."""
        self.show()
        self._buttons[first].setFocus(Qt.FocusReason.OtherFocusReason)

    def _clicked(self) -> None:
        for decision, button in self._buttons.items():
            if button is self.sender():
                self.chosen.emit(decision)

    def event(self, event: QEvent) -> bool:
        """Take 1, 2 and 3 before the film's presets do."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and Qt.Key(event.key()) in (*_KEYS, Qt.Key.Key_Escape)
            and not event.modifiers()
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose, or leave."""
        key = Qt.Key(event.key())
        if key in _KEYS:
            self.chosen.emit(_KEYS[key])
        elif key == Qt.Key.Key_Escape:
            self.left.emit()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.focusNextPrevChild(key == Qt.Key.Key_Right)
        else:
            super().keyPressEvent(event)
