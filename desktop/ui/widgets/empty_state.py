"""What an empty screen says: what to do first, with the button."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from desktop.ui.icons import pixmap
from desktop.ui.widgets.parts import button, column, label

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_ICON_SIZE = 40


class EmptyState(QWidget):
    """A calm icon, a sentence, and at most one button."""

    pressed = Signal()

    def __init__(self, context: "UiContext", name: str, icon_name: str, *, has_button: bool = True) -> None:
        super().__init__()
        self.setObjectName(name)
        self._context = context
        self._icon_name = icon_name
        self._picture = label()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._sentence = label(f"{name}_sentence", "muted", wrap=True)
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._button = button(f"{name}_button", "primary")
        self._button.clicked.connect(self.pressed)
        layout = column(self, margin=24, spacing=12)
        layout.addStretch(1)
        layout.addWidget(self._picture)
        layout.addWidget(self._sentence)
        layout.addWidget(self._button, alignment=Qt.AlignmentFlag.AlignCenter)
        layout.addStretch(2)
        self._button.setVisible(has_button)
        context.theme_changed.connect(self._repaint)
        self._repaint()

    def set_texts(self, sentence: str, button_text: str = "") -> None:
        """What to do first, and the button that does it."""
        self._sentence.setText(sentence)
        self._button.setText(button_text)

    def _repaint(self) -> None:
        scale = max(1.0, self.devicePixelRatioF())
        self._picture.setPixmap(pixmap(self._icon_name, self._context.colours.muted, _ICON_SIZE, max(2.0, scale)))
