"""A short quiet notice over the bottom of the window, with a button where what it tells can be undone."""

from collections.abc import Callable

import shiboken6
from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QFrame, QWidget

from desktop.ui.widgets.parts import button, label, row

_SHOWN_MILLISECONDS = 4000
_OFFERED_MILLISECONDS = 10_000
_AGAIN_MILLISECONDS = 1000
_DISTANCE = 56


class Toast(QFrame):
    """Lies over its parent and goes by itself. It takes clicks only while it offers something; then the next Tab leads
    to its button, and it stays while the mouse or the keyboard is on it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("toast")
        self.setProperty("role", "toast")
        self._words = label("toast_words")
        self._undo = button("toast_undo", "toast")
        self._undo.clicked.connect(self._pressed)
        self._deed: Callable[[], None] | None = None
        self._before: QWidget | None = None
        inside = row(self, margin=12, spacing=16)
        inside.addWidget(self._words)
        inside.addWidget(self._undo)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._end)
        parent.installEventFilter(self)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._follow_focus)
        self.hide()

    def say(self, text: str) -> None:
        """Show a notice for four seconds."""
        self._show(text, "", None, _SHOWN_MILLISECONDS)

    def offer(self, text: str, words: str, deed: Callable[[], None]) -> None:
        """Show a notice for ten seconds, with a button of these words that does a deed."""
        self._show(text, words, deed, _OFFERED_MILLISECONDS)

    def wipe(self) -> None:
        """Forget what was said."""
        self._words.setText("")
        self._go()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay at the bottom of the window."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc on the button sends it away."""
        if event.key() == Qt.Key.Key_Escape:
            self._go()
        else:
            super().keyPressEvent(event)

    def _show(self, text: str, words: str, deed: Callable[[], None] | None, milliseconds: int) -> None:
        if self._undo.hasFocus():
            self._give_back_focus()
        self._deed = deed
        self._words.setText(text)
        self._undo.setText(words)
        self._undo.setVisible(deed is not None)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, deed is None)
        self._place()
        self.show()
        self.raise_()
        if deed is not None:
            self._come_next(QApplication.focusWidget())
        self._timer.start(milliseconds)

    def _pressed(self) -> None:
        deed = self._deed
        self._go()
        if deed is not None:
            deed()

    def _end(self) -> None:
        if self._deed is not None and (self._undo.hasFocus() or self.underMouse()):
            self._timer.start(_AGAIN_MILLISECONDS)
        else:
            self._go()

    def _go(self) -> None:
        self._deed = None
        self._timer.stop()
        if self._undo.hasFocus():
            self._give_back_focus()
        self._before = None
        self.hide()

    def _give_back_focus(self) -> None:
        """To where the keyboard was before it came here."""
        before = self._before
        if before is not None and shiboken6.isValid(before) and before.isVisible():
            before.setFocus()

    def _follow_focus(self, old: QWidget | None, now: QWidget | None) -> None:
        if self._deed is None:
            return
        if now is self._undo:
            self._before = old
        elif old is not self._undo:
            self._come_next(now)

    def _come_next(self, focused: QWidget | None) -> None:
        """Let Tab lead from what has the keyboard to the button."""
        if focused is not None and focused is not self._undo and focused.window() is self.window():
            QWidget.setTabOrder(focused, self._undo)

    def _place(self) -> None:
        self.adjustSize()
        parent = self.parentWidget()
        if parent is not None:
            self.move((parent.width() - self.width()) // 2, parent.height() - self.height() - _DISTANCE)
