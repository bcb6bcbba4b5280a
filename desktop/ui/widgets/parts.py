"""Labels, buttons and boxes on the 4 px grid, and sentences that follow the language."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop.ui.icons import icon

if TYPE_CHECKING:
    from desktop.ui.context import UiContext


class Texts:
    """Sentences of one screen: set once, and again whenever the language changes."""

    def __init__(self, context: "UiContext") -> None:
        self._context = context
        self._entries: list[tuple[Callable[[str], object], str]] = []

    def add(self, setter: Callable[[str], object], key: str) -> None:
        """Show the sentence through the setter, now and in every later language."""
        self._entries.append((setter, key))
        setter(self._context.tr(key))

    def retranslate(self) -> None:
        """Speak the window's language."""
        for setter, key in self._entries:
            setter(self._context.tr(key))


class Icons:
    """Icons of one screen that follow the theme."""

    def __init__(self, context: "UiContext") -> None:
        self._context = context
        self._buttons: list[tuple[QPushButton, str]] = []
        context.theme_changed.connect(self.repaint)

    def add(self, button: QPushButton, name: str) -> None:
        """Put an icon before the button's words."""
        self._buttons.append((button, name))
        button.setIconSize(QSize(20, 20))
        self._paint(button, name)

    def _paint(self, button: QPushButton, name: str) -> None:
        colours = self._context.colours
        primary = button.property("role") == "primary"
        button.setIcon(icon(name, colours.on_accent if primary else colours.ink, off=colours.faint))

    def repaint(self) -> None:
        """Draw them again: a button's role or the theme changed."""
        for button, name in self._buttons:
            self._paint(button, name)


def label(name: str = "", role: str = "", *, wrap: bool = False, selectable: bool = False) -> QLabel:
    """A label that shows plain text only: what a patient is called is never read as HTML."""
    made = QLabel()
    made.setObjectName(name)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("role", role)
    made.setWordWrap(wrap)
    if selectable:
        made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


def button(name: str, role: str = "") -> QPushButton:
    """A button that Enter presses while it has the focus."""
    made = QPushButton()
    made.setObjectName(name)
    made.setProperty("role", role)
    made.setAutoDefault(True)
    return made


def card(name: str = "", role: str = "card") -> QFrame:
    """A framed box."""
    made = QFrame()
    made.setObjectName(name)
    made.setProperty("role", role)
    return made


def line() -> QFrame:
    """A thin horizontal line."""
    return card(role="line")


def column(parent: QWidget | None = None, *, margin: int = 0, spacing: int = 8) -> QVBoxLayout:
    """A vertical layout with one margin all around."""
    made = QVBoxLayout(parent) if parent is not None else QVBoxLayout()
    made.setContentsMargins(margin, margin, margin, margin)
    made.setSpacing(spacing)
    return made


def row(parent: QWidget | None = None, *, margin: int = 0, spacing: int = 8) -> QHBoxLayout:
    """A horizontal layout with one margin all around."""
    made = QHBoxLayout(parent) if parent is not None else QHBoxLayout()
    made.setContentsMargins(margin, margin, margin, margin)
    made.setSpacing(spacing)
    return made


def narrow(widget: QWidget, width: int) -> QHBoxLayout:
    """A row with a widget of this width. In a column alone, its wrapped words would be measured at the column's."""
    widget.setFixedWidth(width)
    made = row()
    made.addWidget(widget)
    made.addStretch(1)
    return made


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget another look of the style sheet."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
