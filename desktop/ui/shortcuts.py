"""`?`: the keys of the screen one is looking at."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from desktop.ui.own_keys import OwnKeysDialog
from desktop.ui.widgets.parts import button, column, label, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_WIDTH, _HEIGHT = 760, 520


class ShortcutSheet(QDialog):
    """Two columns: this screen, and everywhere. Esc closes."""

    def __init__(
        self, context: "UiContext", screen: Sequence[QAction], everywhere: Sequence[QAction], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName("shortcut_sheet")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(context.tr("action.shortcuts"))
        self.resize(_WIDTH, _HEIGHT)
        inner = QWidget()
        inner.setProperty("role", "scroll")
        columns = row(inner, spacing=40)
        if any(action.shortcuts() for action in screen):
            columns.addLayout(_block(context.tr("ui.shortcuts.screen"), screen), 1)
        columns.addLayout(_block(context.tr("ui.shortcuts.everywhere"), everywhere), 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        self._context, self._screen, self._everywhere = context, screen, everywhere
        change = button("shortcut_change", "quiet")
        change.setText(context.tr("ui.own_keys.change"))
        change.clicked.connect(self._change)
        close = button("shortcut_close", "primary")
        close.setText(context.tr("ui.close"))
        close.clicked.connect(self.accept)
        layout = column(self, margin=24, spacing=16)
        layout.addWidget(area, 1)
        foot = row()
        foot.addWidget(change)
        foot.addStretch(1)
        foot.addWidget(close)
        layout.addLayout(foot)
        close.setFocus()

    def _change(self) -> None:
        """Other keys for this screen's commands."""
        window = self.parentWidget()
        self.close()
        if window is not None:
            OwnKeysDialog(self._context, self._screen, self._everywhere, window).open()


def _block(title: str, actions: Sequence[QAction]) -> QVBoxLayout:
    block = column(spacing=12)
    heading = label(role="heading")
    heading.setText(title)
    block.addWidget(heading)
    grid = QGridLayout()
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(8)
    for action in actions:
        told = (shortcut.toString(QKeySequence.SequenceFormat.NativeText) for shortcut in action.shortcuts())
        keys = list(dict.fromkeys(told))  # both keys called Enter have one name in Chinese
        if not keys:
            continue
        words = label(wrap=True)
        words.setText(action.text())
        place = grid.rowCount()
        grid.addWidget(words, place, 0)
        chips = row(spacing=4)
        chips.addStretch(1)
        for key in keys:
            chip = label(role="key")
            chip.setText(key)
            chips.addWidget(chip)
        grid.addLayout(chips, place, 1)
    grid.setColumnStretch(0, 1)
    block.addLayout(grid)
    block.addStretch(1)
    return block
