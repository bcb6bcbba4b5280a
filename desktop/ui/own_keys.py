"""Other keys for the commands of a screen: kept on this PC, taken back with one button."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QKeySequenceEdit, QScrollArea, QWidget

from desktop.settings import OwnKeys
from desktop.ui.widgets.parts import button, column, label, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_WIDTH, _HEIGHT = 640, 520
_FIXED = ("Esc", "Return", "Enter", "Tab", "Shift+Tab", "Backtab", "?", "F1")
"""Keys that mean the same everywhere; nobody finds the way back without them."""


class OwnKeysDialog(QDialog):
    """A row for each command of the screen. A key that another command of the screen or the window has is refused."""

    def __init__(
        self, context: "UiContext", screen: Sequence[QAction], everywhere: Sequence[QAction], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName("own_keys")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(context.tr("ui.own_keys"))
        self.resize(_WIDTH, _HEIGHT)
        self._context = context
        self._screen = {action_id(action): action for action in screen}
        self._everywhere = {action_id(action): action for action in everywhere}
        self._edits: dict[str, QKeySequenceEdit] = {}
        self._problem = label("own_keys_problem", "caution", wrap=True)
        inner = QWidget()
        inner.setProperty("role", "scroll")
        grid = QGridLayout(inner)
        grid.setHorizontalSpacing(16)
        for place, (name, action) in enumerate(self._screen.items()):
            words = label(wrap=True)
            words.setText(action.text())
            grid.addWidget(words, place, 0)
            grid.addWidget(self._edit(name, action), place, 1)
        grid.setColumnStretch(0, 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        about = label(role="muted", wrap=True)
        about.setText(context.tr("ui.own_keys.about"))
        layout = column(self, margin=24, spacing=12)
        layout.addWidget(about)
        layout.addWidget(area, 1)
        layout.addWidget(self._problem)
        ours, close = button("own_keys_ours", "quiet"), button("own_keys_close", "primary")
        ours.setText(context.tr("ui.own_keys.ours"))
        close.setText(context.tr("ui.close"))
        ours.clicked.connect(self._take_ours)
        close.clicked.connect(self.accept)
        foot = row()
        foot.addWidget(ours)
        foot.addStretch(1)
        foot.addWidget(close)
        layout.addLayout(foot)

    def _edit(self, name: str, action: QAction) -> QKeySequenceEdit:
        edit = QKeySequenceEdit(action.shortcut())
        edit.setObjectName(f"keys_{name}")
        edit.setMaximumSequenceLength(1)
        edit.setClearButtonEnabled(True)
        edit.setFixedWidth(160)
        edit.setAccessibleName(action.text())
        edit.setProperty("action_id", name)
        edit.editingFinished.connect(self._edited)
        self._edits[name] = edit
        return edit

    def _edited(self) -> None:
        """Keep the keys at once, or say who has them."""
        edit = self.sender()
        if not isinstance(edit, QKeySequenceEdit):
            return
        name = str(edit.property("action_id"))
        wanted = edit.keySequence()
        action = self._screen[name]
        if wanted == action.shortcut():
            return
        taken = self._taken_by(name, wanted)
        if taken:
            self._problem.setText(self._context.tr("ui.own_keys.taken", keys=wanted.toString(_NATIVE), command=taken))
            edit.setKeySequence(action.shortcut())
            return
        self._problem.setText("")
        text = wanted.toString(QKeySequence.SequenceFormat.PortableText)
        others = tuple(own for own in self._context.settings.own_keys if own.action != name)
        declared = [str(keys) for keys in action.property("own_keys") or ()]
        own = () if declared[:1] == [text] else (OwnKeys(name, text),)
        self._context.change_settings(replace(self._context.settings, own_keys=(*others, *own)))

    def _taken_by(self, name: str, wanted: QKeySequence) -> str:
        """The command that has these keys already; empty where they are free."""
        if wanted.isEmpty():
            return ""
        if wanted.toString(QKeySequence.SequenceFormat.PortableText) in _FIXED:
            return self._context.tr("ui.own_keys.fixed")
        for other, action in {**self._screen, **self._everywhere}.items():
            if other != name and wanted in action.shortcuts():
                return action.text()
        return ""

    def _take_ours(self) -> None:
        """Every command of this screen has the keys it was given by us."""
        kept = tuple(own for own in self._context.settings.own_keys if own.action not in self._screen)
        self._context.change_settings(replace(self._context.settings, own_keys=kept))
        self._problem.setText("")
        for name, edit in self._edits.items():
            edit.setKeySequence(self._screen[name].shortcut())


_NATIVE = QKeySequence.SequenceFormat.NativeText


def action_id(action: QAction) -> str:
    """The id a command was declared with."""
    return action.objectName().removeprefix("action_")
