"""Works the real window the way a person does, without a display: for the tour, the screenshots and the tests."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDropEvent, QInputMethodEvent, QKeySequence, QPainter, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from desktop.errors import ErrorKind, KnownFailure

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.ui.main_window import MainWindow

W = TypeVar("W", bound=QWidget)

_CALM_TURNS = 4
_PATIENCE_SECONDS = 120.0
_STEP_SECONDS = 0.005
_SHORT_PAUSE_MS = 500


class Driver:
    """Clicks, types, drops and looks. Widgets are named by their object name."""

    def __init__(self, context: "UiContext", window: "MainWindow", application: QApplication) -> None:
        self._context = context
        self._window = window
        self._application = application

    def find(self, name: str, kind: type[W]) -> W:
        """The visible widget of that name, in any window. Raises LookupError."""
        for top in self._application.topLevelWidgets():
            candidates = [top] if top.objectName() == name else []
            for widget in (*candidates, *top.findChildren(kind, name)):
                if isinstance(widget, kind) and widget.isVisible():
                    return widget
        raise LookupError(f"no visible {kind.__name__} named {name}")

    def shown(self, name: str) -> bool:
        """Whether a visible widget has that name."""
        try:
            self.find(name, QWidget)
        except LookupError:
            return False
        return True

    def click(self, name: str) -> None:
        """One click in the middle."""
        widget = self.find(name, QWidget)
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, widget.rect().center())

    def type(self, text: str) -> None:
        """Words into the field that has the focus, as an input method commits them."""
        target = self._focus()
        if text.isascii():
            QTest.keyClicks(target, text)
        else:
            event = QInputMethodEvent()
            event.setCommitString(text)
            QApplication.sendEvent(target, event)

    def press(self, keys: str) -> None:
        """A key or a combination, such as `Ctrl+N`, where the focus is."""
        target = self._focus()
        QTest.keySequence(target, QKeySequence(keys))

    def _focus(self) -> QWidget:
        """What has the focus. No window manager gives it back here when a dialog closes."""
        active = self._application.activeWindow()
        if active is None or not active.isVisible():
            self._window.activateWindow()
            self._application.processEvents()
        return self._application.focusWidget() or self._window

    def drop(self, path: Path) -> None:
        """Let a file go over the middle of the window.

        Qt delivers drops only while its drag manager holds one, so the event goes straight to who takes them.
        """
        target, taker = self._window.workspace, self._window.drops
        if target is None or taker is None:
            raise LookupError("the clinic is locked")
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        middle = QPointF(target.rect().center())
        event = QDropEvent(
            middle,
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
            QEvent.Type.Drop,
        )
        taker.eventFilter(target, event)

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = _PATIENCE_SECONDS) -> None:
        """Let the program work until something holds. Raises KnownFailure naming what did not come."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise KnownFailure("ui.tour.stuck", kind=ErrorKind.IO, step=what)
            self._application.processEvents()
            time.sleep(_STEP_SECONDS)

    def wait_for(self, *names: str) -> str:
        """Let the program work until one of the widgets is visible; gives its name. Raises KnownFailure."""
        self.wait(lambda: any(self.shown(name) for name in names), names[0])
        return next(name for name in names if self.shown(name))

    def settle(self) -> None:
        """Until no work runs, no short pause, such as the one before a search, is about to end, and everything is
        painted: so many turns of the event loop in a row without any of it."""
        calm, end = 0, time.monotonic() + _PATIENCE_SECONDS
        while calm < _CALM_TURNS and time.monotonic() < end:
            self._application.processEvents()
            if self._context.operations.busy or self._pausing():
                calm = 0
                time.sleep(_STEP_SECONDS)
            else:
                calm += 1

    def _pausing(self) -> bool:
        """Whether a clock runs that will ring once, and soon."""
        tops = self._application.topLevelWidgets()
        clocks = (clock for top in tops for clock in top.findChildren(QTimer) if clock.isActive())
        return any(clock.isSingleShot() and clock.interval() <= _SHORT_PAUSE_MS for clock in clocks)

    def picture(self, scale: float = 1.0) -> QPixmap:
        """The window with whatever dialog lies over it. scale: device pixels per logical pixel."""
        picture = QPixmap(self._window.size() * scale)
        picture.setDevicePixelRatio(scale)
        self._window.render(picture)
        dialog = self._application.activeModalWidget()
        if dialog is not None and dialog is not self._window:
            painter = QPainter(picture)
            painter.setOpacity(0.5)
            painter.fillRect(self._window.rect(), Qt.GlobalColor.black)
            painter.setOpacity(1.0)
            place = self._window.rect().center() - dialog.rect().center()
            part = QPixmap(dialog.size() * scale)
            part.setDevicePixelRatio(scale)
            dialog.render(part, QPoint())
            painter.drawPixmap(place, part)
            painter.end()
        return picture
