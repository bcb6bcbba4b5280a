"""Fields of a form: a label above, the input, one line of help or complaint below."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QFont, QFontMetrics, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

from desktop.ui.icons import icon
from desktop.ui.widgets.one_of import OneOf
from desktop.ui.widgets.parts import column, label, set_role

_CHOICE_PADDING = 30
"""What the style sheet leaves around a choice's words: 12 px and up to 2 px of border at a side, and 2 to spare."""


class Field(QWidget):
    """A line of text. The complaint takes the place of the hint, so the form does not jump."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(f"{name}_field")
        self.caption = label(f"{name}_label", "strong")
        self.edit = QLineEdit()
        self.edit.setObjectName(name)
        self.note = label(f"{name}_note", "small", wrap=True)
        self.caption.setBuddy(self.edit)
        self._hint = ""
        self._error = ""
        self.setFocusProxy(self.edit)
        layout = column(self, spacing=4)
        layout.addWidget(self.caption)
        layout.addWidget(self.edit)
        layout.addWidget(self.note)
        layout.addStretch(1)
        self._show_note()

    def text(self) -> str:
        """What was typed, without blanks around it."""
        return self.edit.text().strip()

    def set_caption(self, text: str) -> None:
        """The label, also read out for the field."""
        self.caption.setText(text)
        self.edit.setAccessibleName(text)

    def set_hint(self, text: str) -> None:
        """Help below the field."""
        self._hint = text
        self._show_note()

    def set_error(self, text: str) -> None:
        """A complaint below the field, or none."""
        self._error = text
        self._show_note()

    @property
    def has_error(self) -> bool:
        """Whether a complaint stands below the field."""
        return bool(self._error)

    def wipe(self) -> None:
        """Forget what was typed, its undo history too."""
        self.edit.setText("")
        self.set_error("")

    def _show_note(self) -> None:
        self.note.setText(self._error or self._hint)
        self.note.setVisible(bool(self._error or self._hint))
        set_role(self.note, "danger" if self._error else "small")
        if self.edit.property("invalid") != bool(self._error):
            self.edit.setProperty("invalid", bool(self._error))
            self.edit.style().unpolish(self.edit)
            self.edit.style().polish(self.edit)


class SecretField(Field):
    """A passphrase: hidden, with an eye to look at it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.edit.setEchoMode(QLineEdit.EchoMode.Password)
        self.edit.setInputMethodHints(
            Qt.InputMethodHint.ImhSensitiveData
            | Qt.InputMethodHint.ImhNoPredictiveText
            | Qt.InputMethodHint.ImhNoAutoUppercase
        )
        self._reveal = QAction(self.edit)
        self._reveal.setCheckable(True)
        self._reveal.toggled.connect(self._show_letters)
        self.edit.addAction(self._reveal, QLineEdit.ActionPosition.TrailingPosition)

    def secret(self) -> str:
        """What was typed, exactly."""
        return self.edit.text()

    def wipe(self) -> None:
        """Forget what was typed and hide the letters again."""
        super().wipe()
        self._reveal.setChecked(False)

    def set_reveal(self, text: str, colour: str) -> None:
        """Words and colour of the eye."""
        self._reveal.setText(text)
        self._reveal.setToolTip(text)
        self._reveal.setIcon(icon("eye", colour))

    def _show_letters(self, shown: bool) -> None:
        self.edit.setEchoMode(QLineEdit.EchoMode.Normal if shown else QLineEdit.EchoMode.Password)


class Choice(OneOf):
    """One of a few, side by side. A choice's first letter picks it too. Signals: chosen(value) on each pick."""

    chosen = Signal(str)

    def __init__(self, name: str, values: Sequence[str]) -> None:
        super().__init__(name)
        self._values = tuple(values)
        self._letters: tuple[str, ...] = ("",) * len(self._values)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(4)
        for value in self._values:
            made = QPushButton()
            made.setObjectName(f"{name}_{value}")
            made.setProperty("value", value)
            self._add(made)
            layout.addWidget(made)
        layout.addStretch(1)

    @property
    def value(self) -> str:
        """The chosen value, or empty."""
        return self._values[self._at] if self._at >= 0 else ""

    def set_value(self, value: str) -> None:
        """Choose without telling; an unknown value chooses nothing."""
        self._check(self._values.index(value) if value in self._values else -1)

    def set_texts(self, caption: str, texts: Sequence[str], letters: Sequence[str] = ()) -> None:
        """Words of the choices in order, and the keys that pick them."""
        self.setAccessibleName(caption)
        for made, text in zip(self._buttons, texts, strict=True):
            made.setText(text)
            made.setMinimumWidth(_bold_width(made) + _CHOICE_PADDING)
        self._letters = tuple(letters) or ("",) * len(self._values)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Letters, and what holds for all such rows."""
        if event.text() and event.text().lower() in self._letters:
            self._pick(self._letters.index(event.text().lower()))
        else:
            super().keyPressEvent(event)

    def _picked(self, at: int) -> None:
        self.chosen.emit(self._values[at])


def _bold_width(made: QPushButton) -> int:
    """Width of a button's words once it is chosen, which makes them bold."""
    made.ensurePolished()
    font = QFont(made.font())
    font.setWeight(QFont.Weight.DemiBold)
    return QFontMetrics(font).horizontalAdvance(made.text())
