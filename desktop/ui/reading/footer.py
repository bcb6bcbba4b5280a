"""The foot of the reading panel: the one bright button, always in sight, and its alternatives below it."""

from collections.abc import Mapping
from enum import StrEnum

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.ui.context import UiContext
from desktop.ui.reading.actions import READING_ACTIONS
from desktop.ui.widgets.parts import button, label


class Turn(StrEnum):
    """What the foot offers."""

    NOTHING = "nothing"
    READ = "read"
    CHANGE = "change"
    DECIDE = "decide"
    PREVIEW = "preview"
    SIGN = "sign"
    DONE = "done"


# The first button of a turn is the bright one. Its keys are shown on it: those of an action, or of the primary one.
_BUTTONS: Mapping[Turn, tuple[str, ...]] = {
    Turn.NOTHING: (),
    Turn.READ: ("save_impression",),
    Turn.CHANGE: ("save_change", "keep_old"),
    Turn.DECIDE: ("accept", "amend", "reject"),
    Turn.PREVIEW: ("see_report",),
    Turn.SIGN: ("sign", "back_to_film"),
    Turn.DONE: ("print", "save_pdf", "save_fhir", "addendum"),
}
_PRIMARY = frozenset({"save_impression", "save_change", "see_report", "sign"})
_KEYS_IN_TIP = frozenset({"save_pdf", "save_fhir", "addendum"})
_KEYS = {action.id.removeprefix("reading."): action.shortcuts[0] for action in READING_ACTIONS if action.shortcuts}


class Footer(QFrame):
    """Signals: pressed(name) with the button's name, such as `save_impression`."""

    pressed = Signal(str)

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("reading_footer")
        self._context = context
        self._turn = Turn.NOTHING
        self._details: dict[str, str] = {}
        self._hint = label("footer_hint", "small", wrap=True)
        self._buttons: dict[str, QPushButton] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 12)
        layout.setSpacing(8)
        layout.addWidget(self._hint)
        below = QHBoxLayout()
        below.setSpacing(8)
        for names in _BUTTONS.values():
            for place, name in enumerate(names):
                made = button(name, "primary" if place == 0 else "")
                made.clicked.connect(self._clicked)
                made.hide()
                if place == 0:
                    layout.addWidget(made)
                else:
                    below.addWidget(made, 1)
                self._buttons[name] = made
        layout.addLayout(below)
        self.show_turn(Turn.NOTHING)

    @property
    def turn(self) -> Turn:
        """What is offered now."""
        return self._turn

    @property
    def primary(self) -> QPushButton | None:
        """The bright button."""
        names = _BUTTONS[self._turn]
        return self._buttons[names[0]] if names else None

    def show_turn(self, turn: Turn, hint: str = "", **details: str) -> None:
        """Offer the buttons of a turn. details: for the words on them."""
        self._turn, self._details = turn, details
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        focused = next((name for name, made in self._buttons.items() if made.hasFocus()), None)
        for name, made in self._buttons.items():
            made.setVisible(name in _BUTTONS[turn])
            made.setText(self._words(name) if name in _BUTTONS[turn] else "")
            if name in _BUTTONS[turn]:
                made.setToolTip(_KEYS.get(name, "") if name in _KEYS_IN_TIP else "")
        if focused is not None and focused not in _BUTTONS[turn]:
            self.focus_primary()

    def set_enabled(self, enabled: bool) -> None:
        """Whether the bright button can be pressed."""
        if self.primary is not None:
            self.primary.setEnabled(enabled)

    def focus_primary(self) -> None:
        """Put the focus on the bright button."""
        if self.primary is not None:
            self.primary.setFocus(Qt.FocusReason.OtherFocusReason)

    def press_primary(self) -> None:
        """Press the bright button, as its keys do. Accepting has its own key: a stroke too many does nothing."""
        made = self.primary
        if made is not None and made.objectName() in _PRIMARY and made.isEnabled():
            made.click()

    def _words(self, name: str) -> str:
        keys = _KEYS.get("primary" if name in _PRIMARY else name, "")
        key = f"back_to.{self._details['kind']}" if name == "back_to_film" else name
        words = self._context.tr(f"reading.button.{key}", **self._details)
        shown = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
        shown = shown.replace("Return", "Enter")
        return f"{words}   {shown}" if shown and name not in _KEYS_IN_TIP else words

    def _clicked(self) -> None:
        sender = self.sender()
        if sender is not None:
            self.pressed.emit(sender.objectName())
