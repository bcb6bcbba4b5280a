"""A line of text that Esc leaves without losing it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget


class EscapingLine(QLineEdit):
    """Signals: left() on Esc."""

    left = Signal()

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName(name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc leaves; the text stays."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
            return
        super().keyPressEvent(event)
