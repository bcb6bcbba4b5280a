"""An error in three lines."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from desktop.ui.context import ErrorText, UiContext


class ErrorDialog(QDialog):
    """What happened, what it means for the patient's data, what to do; details can be copied."""

    def __init__(self, context: "UiContext", text: "ErrorText", parent: QWidget | None) -> None:
        super().__init__(parent.window() if parent is not None else None)
        self.setObjectName("error_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(context.tr("ui.error.title"))
        self._text = text
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 16)
        layout.setSpacing(12)
        for name, sentence in (
            ("error_message", text.message),
            ("error_data", text.data),
            ("error_advice", text.advice),
        ):
            label = QLabel(sentence, self)
            label.setObjectName(name)
            label.setProperty("role", "heading" if name == "error_message" else "body")
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setMinimumWidth(440)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            layout.addWidget(label)
        layout.addSpacing(8)
        row = QHBoxLayout()
        copy = QPushButton(context.tr("ui.error.copy"), self)
        copy.setObjectName("error_copy")
        copy.setProperty("role", "quiet")
        copy.clicked.connect(self._copy)
        close = QPushButton(context.tr("ui.close"), self)
        close.setObjectName("error_close")
        close.setProperty("role", "primary")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        row.addWidget(copy)
        row.addStretch(1)
        row.addWidget(close)
        layout.addLayout(row)
        close.setFocus()

    def _copy(self) -> None:
        lines = (self._text.message, self._text.data, self._text.advice, self._text.details)
        QGuiApplication.clipboard().setText("\n".join(lines))
