"""What can be done in a screen, declared once: its sentence, its keys, the screen it belongs to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

WINDOW = "window"
"""Screen of the actions that hold everywhere once the clinic is unlocked."""


@dataclass(frozen=True)
class Action:
    """One command of the window.

    id: stable slug. screen: where its keys hold. shortcuts: portable text such as `Ctrl+N`; the first one is shown.
    text_key: its sentence, `action.<id>` unless another is named.
    """

    id: str
    screen: str
    shortcuts: tuple[str, ...] = ()
    text_key: str = ""

    @property
    def key(self) -> str:
        """Key of its sentence."""
        return self.text_key or f"action.{self.id}"


class BoundActions(QObject):
    """The `QAction`s of one widget, by id. Their keys are ours until somebody chose others on this PC."""

    def __init__(self, context: "UiContext", actions: Mapping[str, tuple[Action, QAction]], widget: QWidget) -> None:
        super().__init__(widget)
        self._context = context
        self._actions = actions
        context.settings_changed.connect(self.take_keys)
        self.take_keys()

    def take_keys(self) -> None:
        """Give each action the keys that were chosen for it, else those it was declared with."""
        own = {chosen.action: chosen.keys for chosen in self._context.settings.own_keys}
        for name, (declared, action) in self._actions.items():
            keys = declared.shortcuts if name not in own else tuple(part for part in (own[name],) if part)
            wanted = [QKeySequence(text) for text in keys]
            if action.shortcuts() != wanted:
                action.setShortcuts(wanted)

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name][1]

    def retranslate(self) -> None:
        """Speak the window's language."""
        for declared, action in self._actions.values():
            action.setText(self._context.tr(declared.key))


def bind(
    context: "UiContext",
    widget: QWidget,
    actions: Sequence[Action],
    handlers: Mapping[str, Callable[[], object]],
) -> BoundActions:
    """Give a widget its actions; their keys hold while the focus is in it (in its whole window for WINDOW).

    Raises KeyError where an action has no handler.
    """
    made: dict[str, tuple[Action, QAction]] = {}
    for declared in actions:
        action = QAction(context.tr(declared.key), widget)
        action.setObjectName(f"action_{declared.id}")
        action.setProperty("text_key", declared.key)
        action.setProperty("own_keys", list(declared.shortcuts))
        action.setShortcutContext(
            Qt.ShortcutContext.WindowShortcut
            if declared.screen == WINDOW
            else Qt.ShortcutContext.WidgetWithChildrenShortcut
        )
        action.triggered.connect(handlers[declared.id])
        widget.addAction(action)
        made[declared.id] = (declared, action)
    return BoundActions(context, made, widget)
