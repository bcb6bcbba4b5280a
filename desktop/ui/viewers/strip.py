"""The strip of controls above a viewer, for the mouse; every one of them has a key besides."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget


class Strip(QFrame):
    """Controls in a row, as wide as their words; `row` takes whatever else belongs there."""

    def __init__(self, spacing: int = 2) -> None:
        super().__init__()
        self.setObjectName("film_bar")
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(4, 4, 4, 4)
        self.row.setSpacing(spacing)

    def add_box(self, name: str, letters: int = 0) -> QComboBox:
        """A list to choose from. letters: as wide as so many, whatever it holds; 0 for as wide as its longest words."""
        policy = QComboBox.SizeAdjustPolicy
        box = QComboBox(self)
        box.setObjectName(name)
        box.setSizeAdjustPolicy(policy.AdjustToMinimumContentsLengthWithIcon if letters else policy.AdjustToContents)
        box.setMinimumContentsLength(letters)
        box.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.row.addWidget(box)
        return box

    def add_tool(self, name: str, pressed: Callable[[], object]) -> QToolButton:
        """A button of words. pressed: a bound method; `sender` tells it which button it was."""
        tool = QToolButton(self)
        tool.setObjectName(name)
        tool.setProperty("role", "film")
        tool.setAutoRaise(True)
        tool.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        tool.clicked.connect(pressed)
        self.row.addWidget(tool)
        return tool

    def stand_above(self, viewer: QWidget, screen: QWidget) -> None:
        """Fill a screen with the strip and the viewer below it, which has the keys."""
        page = QVBoxLayout(screen)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(0)
        page.addWidget(self)
        page.addWidget(viewer, 1)
        screen.setFocusProxy(viewer)


def key_tip(action: QAction) -> str:
    """What a command does, and its key."""
    keys = action.shortcut().toString(action.shortcut().SequenceFormat.NativeText)
    return f"{action.text()} ({keys})" if keys else action.text()
