"""Buttons side by side of which one is chosen: a single Tab stop."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QPushButton, QWidget


class OneOf(QWidget):
    """Left and Right move, a number picks, a click does; Enter is whoever's who listens to `entered`, as a line of text
    has `returnPressed`. Whoever inherits lays the buttons out and tells in `_picked` what was picked."""

    entered = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._buttons: list[QPushButton] = []

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows and numbers."""
        count, at = len(self._buttons), self._at
        if event.key() == Qt.Key.Key_Right:
            self._pick(min(at + 1, count - 1))
        elif event.key() == Qt.Key.Key_Left:
            self._pick(max(at - 1, 0))
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

    @property
    def _at(self) -> int:
        """Place of the chosen button; -1 where none is."""
        return next((at for at, made in enumerate(self._buttons) if made.isChecked()), -1)

    def _add(self, made: QPushButton) -> None:
        """One more to choose."""
        made.setProperty("role", "choice")
        made.setCheckable(True)
        made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        made.clicked.connect(self._clicked)
        self._buttons.append(made)

    def _check(self, chosen: int) -> None:
        """Choose without telling; -1 chooses none."""
        for at, made in enumerate(self._buttons):
            made.setChecked(at == chosen)

    def _picked(self, at: int) -> None:
        """Somebody picked this one."""
        raise NotImplementedError

    def _pick(self, at: int) -> None:
        self._check(at)
        self._picked(at)

    def _clicked(self) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        clicked = self.sender()
        self._pick(next(at for at, made in enumerate(self._buttons) if made is clicked))

    def _mark(self, focused: bool) -> None:
        for made in self._buttons:
            made.setProperty("focused", focused)
            made.style().unpolish(made)
            made.style().polish(made)
