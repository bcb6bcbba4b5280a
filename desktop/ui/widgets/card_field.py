"""The recovery card's code, typed group by group; a mistyped group is named as soon as it is complete."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from desktop import workflow
from desktop.ui.widgets.parts import column, label, row
from desktop.ui.widgets.sentences import together

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_GROUPS = 7
_LENGTH = 5
_SMALLEST_WIDTH = 76


class _Group(QLineEdit):
    """Five characters. Signals: left_backwards, left_forwards where a key leads out of it."""

    left_backwards = Signal()
    left_forwards = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Backspace in an empty group and arrows at the ends go on in the neighbour."""
        at_start = self.cursorPosition() == 0 and not self.hasSelectedText()
        at_end = self.cursorPosition() == len(self.text()) and not self.hasSelectedText()
        if at_start and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Backspace):
            self.left_backwards.emit()
        elif at_end and event.key() == Qt.Key.Key_Right:
            self.left_forwards.emit()
        else:
            super().keyPressEvent(event)


class CardField(QWidget):
    """Seven short fields. The whole code may be pasted, or come from a scanner that types, into any of them.

    Capital letters, spaces and hyphens do not matter. Signals: changed, submitted (Enter).
    """

    changed = Signal()
    submitted = Signal()

    def __init__(self, context: "UiContext", name: str) -> None:
        super().__init__()
        self.setObjectName(f"{name}_field")
        self._context = context
        self._complaint = ""
        self.caption = label(f"{name}_label", "strong")
        self.note = label(f"{name}_note", "danger", wrap=True)
        self.groups = [_Group() for _ in range(_GROUPS)]
        layout = column(self, spacing=4)
        layout.addWidget(self.caption)
        fields = row(spacing=4)
        for place, group in enumerate(self.groups):
            group.setObjectName(f"{name}_{place + 1}")
            group.setProperty("place", place)
            group.setMinimumWidth(_SMALLEST_WIDTH)
            group.setAlignment(Qt.AlignmentFlag.AlignCenter)
            group.setInputMethodHints(
                Qt.InputMethodHint.ImhPreferUppercase
                | Qt.InputMethodHint.ImhNoPredictiveText
                | Qt.InputMethodHint.ImhSensitiveData
            )
            group.textEdited.connect(self._edited)
            group.returnPressed.connect(self.submitted)
            group.left_backwards.connect(self._go_back)
            group.left_forwards.connect(self._go_on)
            fields.addWidget(group, 1)
        layout.addLayout(fields)
        layout.addWidget(self.note)
        self.caption.setBuddy(self.groups[0])
        self.setFocusProxy(self.groups[0])
        self.retranslate()

    @property
    def code(self) -> str:
        """What was typed, groups apart by hyphens."""
        return "-".join(group.text() for group in self.groups)

    @property
    def is_right(self) -> bool:
        """Whether every group is complete and agrees with its check character."""
        return self._first_wrong() is None

    def complain(self) -> bool:
        """Go to the first group that is missing or mistyped; whether there is one."""
        wrong = self._first_wrong()
        if wrong is None:
            return False
        if len(self.groups[wrong].text()) < _LENGTH:
            self.set_error(self._context.tr("start.card.incomplete", group=wrong + 1))
        self.groups[wrong].setFocus()
        self.groups[wrong].selectAll()
        return True

    def set_error(self, sentence: str) -> None:
        """A complaint about the card as a whole, until something is typed."""
        self._complaint = sentence
        self._judge()

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        self.caption.setText(tr("start.card.code"))
        for place, group in enumerate(self.groups):
            group.setAccessibleName(tr("start.card.group", number=place + 1))
        self._judge()

    def wipe(self) -> None:
        """Forget the code, the fields' undo history too."""
        self._complaint = ""
        for group in self.groups:
            group.setText("")
        self._judge()

    def _edited(self, text: str) -> None:
        place: int = self.sender().property("place")
        self._complaint = ""
        letters = "".join(character for character in text if character.isalnum()).upper()
        cursor = self.groups[place].cursorPosition()
        if text != letters[:_LENGTH]:
            self.groups[place].setText(letters[:_LENGTH])
            self.groups[place].setCursorPosition(min(cursor, _LENGTH))
        rest = letters[_LENGTH:]
        while rest and place + 1 < _GROUPS:
            place += 1
            self.groups[place].setText(rest[:_LENGTH])
            rest = rest[_LENGTH:]
        typed_to_the_end = self.groups[place].cursorPosition() >= _LENGTH or len(letters) > _LENGTH
        if len(self.groups[place].text()) == _LENGTH and typed_to_the_end and place + 1 < _GROUPS:
            place += 1
        if not self.groups[place].hasFocus():
            self.groups[place].setFocus()
        self._judge()
        self.changed.emit()

    def _go_back(self) -> None:
        place: int = self.sender().property("place")
        if place > 0:
            self.groups[place - 1].setFocus()
            self.groups[place - 1].end(False)

    def _go_on(self) -> None:
        place: int = self.sender().property("place")
        if place + 1 < _GROUPS:
            self.groups[place + 1].setFocus()
            self.groups[place + 1].home(False)

    def _mistyped(self, place: int) -> bool:
        text = self.groups[place].text()
        return len(text) == _LENGTH and not workflow.people.card_group_fits(text, place)

    def _first_wrong(self) -> int | None:
        wrong = (
            place
            for place, group in enumerate(self.groups)
            if len(group.text()) < _LENGTH or not workflow.people.card_group_fits(group.text(), place)
        )
        return next(wrong, None)

    def _judge(self) -> None:
        """Mark each group that is complete and mistyped, and name the first one."""
        mistyped = [place for place in range(_GROUPS) if self._mistyped(place)]
        for place, group in enumerate(self.groups):
            if bool(group.property("invalid")) != (place in mistyped):
                group.setProperty("invalid", place in mistyped)
                group.style().unpolish(group)
                group.style().polish(group)
        words = self._complaint
        if mistyped:
            keys, number = ("unlock.card_group", "unlock.card_group.advice"), mistyped[0] + 1
            words = together(self._context, *(self._context.tr(key, group=number) for key in keys))
        self.note.setText(words)
        self.note.setVisible(bool(words))
