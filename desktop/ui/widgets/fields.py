"""Fields of a form: a label above, the input, one line of help or complaint below."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction, QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

from desktop.ui.icons import icon
from desktop.ui.widgets.parts import column, label, set_role


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


class Choice(QWidget):
    """One of a few, side by side; a single Tab stop. Arrow keys move, a choice's first letter or number picks it.

    `chosen(value)` on each pick; `entered` on Enter, as a line of text has `returnPressed`.
    """

    chosen = Signal(str)
    entered = Signal()

    def __init__(self, name: str, values: Sequence[str]) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._values = tuple(values)
        self._buttons: list[QPushButton] = []
        self._letters: tuple[str, ...] = ("",) * len(self._values)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(4)
        for value in self._values:
            made = QPushButton()
            made.setObjectName(f"{name}_{value}")
            made.setProperty("role", "choice")
            made.setProperty("value", value)
            made.setCheckable(True)
            made.setAutoExclusive(True)
            made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            made.clicked.connect(self._clicked)
            layout.addWidget(made)
            self._buttons.append(made)
        layout.addStretch(1)

    @property
    def value(self) -> str:
        """The chosen value, or empty."""
        return next((v for v, b in zip(self._values, self._buttons, strict=True) if b.isChecked()), "")

    def set_value(self, value: str) -> None:
        """Choose without telling; an unknown value chooses nothing."""
        for known, made in zip(self._values, self._buttons, strict=True):
            made.setAutoExclusive(False)
            made.setChecked(known == value)
            made.setAutoExclusive(True)

    def set_texts(self, caption: str, texts: Sequence[str], letters: Sequence[str] = ()) -> None:
        """Words of the choices in order, and the keys that pick them."""
        self.setAccessibleName(caption)
        for made, text in zip(self._buttons, texts, strict=True):
            made.setText(text)
        self._letters = tuple(letters) or ("",) * len(self._values)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows, numbers and letters."""
        count = len(self._values)
        at = self._values.index(self.value) if self.value else -1
        if event.key() == Qt.Key.Key_Right:
            self._pick(min(at + 1, count - 1))
        elif event.key() == Qt.Key.Key_Left:
            self._pick(max(at - 1, 0))
        elif event.text() and event.text().lower() in self._letters:
            self._pick(self._letters.index(event.text().lower()))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        elif event.text().isdigit() and 1 <= int(event.text()) <= count:
            self._pick(int(event.text()) - 1)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show where the keys go."""
        super().focusInEvent(event)
        self._mark(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The keys go elsewhere."""
        super().focusOutEvent(event)
        self._mark(False)

    def changeEvent(self, event: QEvent) -> None:
        """Follow being switched off."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.EnabledChange:
            self._mark(self.hasFocus())

    def _mark(self, focused: bool) -> None:
        for made in self._buttons:
            made.setProperty("focused", focused)
            made.style().unpolish(made)
            made.style().polish(made)

    def _pick(self, at: int) -> None:
        self._buttons[at].setChecked(True)
        self.chosen.emit(self.value)

    def _clicked(self) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.chosen.emit(self.value)
