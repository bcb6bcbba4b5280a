"""The common shape of the screens before the clinic is open: one calm card in the middle."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from desktop.ui.widgets.parts import Icons, Texts, card, column

if TYPE_CHECKING:
    from desktop.ui.context import UiContext


class StartPage(QScrollArea):
    """A card of a fixed width in the middle of the window; scrolls where the window is low.

    Subclasses fill `self.body` and add their sentences to `self.texts`.
    """

    def __init__(self, context: "UiContext", name: str, width: int) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.context = context
        self.texts = Texts(context)
        self.icons = Icons(context)
        self.card = card(f"{name}_card")
        self.card.setFixedWidth(width)
        self.body: QVBoxLayout = column(self.card, margin=32, spacing=16)
        inner = QWidget()
        inner.setProperty("role", "scroll")
        outer = column(inner, margin=16)
        outer.addStretch(2)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(self.card)
        middle.addStretch(1)
        outer.addLayout(middle)
        outer.addStretch(3)
        self.setWidget(inner)

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.texts.retranslate()

    def activated(self) -> None:
        """Called when the page is shown."""

    def clear(self) -> None:
        """Forget what was typed."""
