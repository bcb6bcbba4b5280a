"""The common shape of a settings page: a title, and boxes below it that scroll."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from desktop.ui.widgets.parts import Icons, Texts, card, column, label

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_READABLE_WIDTH = 820


class Section(QScrollArea):
    """Subclasses add boxes to `self.body` and sentences to `self.texts`."""

    def __init__(self, context: "UiContext", name: str, title_key: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.context = context
        self.texts = Texts(context)
        self.icons = Icons(context)
        inner = QWidget()
        inner.setProperty("role", "scroll")
        inner.setMaximumWidth(_READABLE_WIDTH)
        self.body: QVBoxLayout = column(inner, margin=24, spacing=16)
        title = label(f"{name}_title", "title")
        self.texts.add(title.setText, title_key)
        self.body.addWidget(title)
        self.setWidget(inner)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)

    def box(self, heading_key: str, about_key: str = "") -> QVBoxLayout:
        """A framed box with a heading, at the end of the page."""
        frame = card()
        inside = column(frame, margin=16, spacing=12)
        heading = label(role="heading", wrap=True)
        self.texts.add(heading.setText, heading_key)
        inside.addWidget(heading)
        if about_key:
            about = label(role="muted", wrap=True)
            self.texts.add(about.setText, about_key)
            inside.addWidget(about)
        self.body.addWidget(frame)
        return inside

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.texts.retranslate()

    def activated(self) -> None:
        """Called when the page is shown."""

    def clear(self) -> None:
        """The clinic is locked."""
