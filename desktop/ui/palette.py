"""Ctrl+K: every command by a few letters of its name."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QDialog, QLineEdit, QWidget

from desktop.i18n import Language, catalogue
from desktop.ui.widgets.parts import column
from desktop.ui.widgets.rows import Row, RowList

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_WIDTH, _HEIGHT = 520, 420


def shown_actions(*widgets: QWidget) -> list[QAction]:
    """The declared actions of some widgets and what lies in them, in order, without those switched off and those of
    pages that are not in front."""
    found: list[QAction] = []
    for widget in widgets:
        for action in [*widget.actions(), *widget.findChildren(QAction)]:
            page = action.parent()
            if isinstance(page, QWidget) and page is not widget and not page.isVisibleTo(widget):
                continue
            if action.objectName().startswith("action_") and action.isEnabled() and action not in found:
                found.append(action)
    return found


def rank(typed: str, names: tuple[str, ...]) -> int | None:
    """How well the typed letters fit one of the names: 0 a word begins with them, 1 they stand in it together, 2 they
    stand in it in order; None they do not."""
    words = typed.lower().strip()
    wanted = "".join(words.split())
    lowered = [name.lower() for name in names]
    if any(f" {name}".find(f" {words}") >= 0 for name in lowered):
        return 0
    if any(words in name for name in lowered):
        return 1
    return 2 if any(_in_order(wanted, name) for name in lowered) else None


def _in_order(wanted: str, name: str) -> bool:
    rest = iter(name)
    return all(letter in rest for letter in wanted)


class CommandPalette(QDialog):
    """Type, arrow, Enter. Finds a command by its name in either language."""

    def __init__(self, context: "UiContext", actions: list[QAction], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("command_palette")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(context.tr("action.palette"))
        self.resize(_WIDTH, _HEIGHT)
        self._actions = {action.objectName(): action for action in actions}
        self._names = {name: _names(action) for name, action in self._actions.items()}
        self._edit = QLineEdit()
        self._edit.setObjectName("palette_edit")
        self._edit.setProperty("role", "search")
        self._edit.setPlaceholderText(context.tr("ui.palette.placeholder"))
        self._edit.setAccessibleName(context.tr("ui.palette.placeholder"))
        self._list = RowList(context, "palette_list")
        self._list.setAccessibleName(context.tr("action.palette"))
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = column(self, margin=16, spacing=12)
        layout.addWidget(self._edit)
        layout.addWidget(self._list, 1)
        self._edit.textChanged.connect(self._filter)
        self._edit.returnPressed.connect(self._list.choose_current)
        self._edit.installEventFilter(self)
        self._list.chosen.connect(self._run)
        self._filter("")
        self._edit.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrow keys in the field move in the list."""
        moves = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp)
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in moves:
            self._list.keyPressEvent(event)
            return True
        return False

    def _filter(self, typed: str) -> None:
        ranks = {name: rank(typed, names) for name, names in self._names.items()}
        found = [(best, name) for name, best in ranks.items() if best is not None]
        found.sort(key=lambda entry: entry[0])
        rows = [Row(name, self._actions[name].text(), remark=_keys(self._actions[name])) for _, name in found]
        self._list.set_rows(rows)
        if rows:
            self._list.setCurrentIndex(self._list.rows.index(0))

    def _run(self, name: str) -> None:
        action = self._actions[name]
        self.close()
        action.trigger()


def _names(action: QAction) -> tuple[str, ...]:
    key = str(action.property("text_key") or "")
    return (action.text(), *(catalogue(language).get(key, "") for language in Language))


def _keys(action: QAction) -> str:
    return action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
