"""Puts a theme on: at once on what is seen, in short pieces on what is not, so that the window never stands still."""

import time

import shiboken6
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from desktop.settings import Theme
from desktop.ui import theme

_PIECE_SECONDS = 0.01


class Dresser(QObject):
    """Dresses every widget of the application, whatever window it lies in.

    Qt resolves the palette's roles in the style sheet when a widget is polished, so a change of theme polishes anew.
    """

    def __init__(self, application: QApplication, parent: QObject) -> None:
        super().__init__(parent)
        self._application = application
        self._waiting: list[QWidget] = []
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._go_on)

    @property
    def busy(self) -> bool:
        """Whether widgets out of sight still wear the theme before."""
        return bool(self._waiting)

    def dress(self, chosen: Theme) -> None:
        """Wear a theme. Widgets made later wear it by themselves."""
        self._application.setPalette(theme.qt_palette(theme.PALETTES[chosen]))
        if self._application.styleSheet() != theme.style_sheet():
            self._application.setFont(theme.font())
            self._application.setStyleSheet(theme.style_sheet())
            self._waiting.clear()
        else:
            self._waiting = self._application.allWidgets()
            self._polish_seen()
        self._timer.start()

    def _go_on(self) -> None:
        """What came into sight meanwhile, then one short piece of the rest."""
        self._waiting = [widget for widget in self._waiting if shiboken6.isValid(widget)]
        self._polish_seen()
        end = time.monotonic() + _PIECE_SECONDS
        while self._waiting and time.monotonic() < end:
            _polish(self._waiting.pop())
        if not self._waiting:
            self._timer.stop()

    def _polish_seen(self) -> None:
        seen = [widget for widget in self._waiting if widget.isVisible()]
        self._waiting = [widget for widget in self._waiting if not widget.isVisible()]
        for widget in seen:
            _polish(widget)


def _polish(widget: QWidget) -> None:
    widget.style().polish(widget)
