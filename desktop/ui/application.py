"""Starts the window, and does the same work off-screen for screenshots and the tour."""

import logging
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from desktop.jobs import Pools
from desktop.settings import Places, SettingsFile, describe
from desktop.ui import theme
from desktop.ui.collector import Collector
from desktop.ui.context import UiContext
from desktop.ui.main_window import MainWindow, window_icon

if TYPE_CHECKING:
    from desktop.workflow import Registry

_log = logging.getLogger(__name__)

_SIGNAL_POLL_MILLISECONDS = 250


def application(arguments: Sequence[str] = ("lantern",)) -> QApplication:
    """The one application object, with the bundled font registered."""
    made = QApplication.instance()
    if not isinstance(made, QApplication):
        made = QApplication(list(arguments))
    made.setApplicationName("Lantern")
    made.setApplicationDisplayName("Lantern")
    made.setStyle("Fusion")
    made.setQuitOnLastWindowClosed(False)
    theme.bundled_families()
    return made


def run(*, pools: Pools, places: Places, settings_file: SettingsFile, registry: "Registry") -> int:
    """Open the window and stay until it is closed. Returns the process's exit status."""
    qt = application()
    context = UiContext(pools=pools, places=places, settings_file=settings_file, registry=registry)
    crashes = _Crashes(context)
    collector = Collector(qt)
    window = MainWindow(context, qt)
    qt.setWindowIcon(window_icon(context))
    crashes.watch()
    interrupts = _allow_interrupt(window)
    window.closed.connect(qt.quit)
    window.show()
    window.start.focus_page()
    status = qt.exec()
    del collector, interrupts
    return status


def tour(out: Path, *, pools: Pools, places: Places, settings_file: SettingsFile, registry: "Registry") -> int:
    """Do the main job on the demo clinic through the real widgets; see `desktop.ui.tour`."""
    from desktop.ui.tour import take_tour

    qt = application()
    context = UiContext(pools=pools, places=places, settings_file=settings_file, registry=registry)
    return take_tour(out, context, qt)


def screenshots(out: Path, *, pools: Pools, places: Places, settings_file: SettingsFile, registry: "Registry") -> int:
    """Render every screen; see `desktop.ui.screenshots`."""
    from desktop.ui.screenshots import render_all

    qt = application()
    context = UiContext(pools=pools, places=places, settings_file=settings_file, registry=registry)
    return render_all(out, context, qt)


class _Crashes:
    """Mistakes of ours outside any operation: logged without their message, told to the person."""

    def __init__(self, context: UiContext) -> None:
        self._context = context

    def watch(self) -> None:
        """From now on."""
        sys.excepthook = self._caught
        threading.excepthook = self._caught_in_thread

    def _caught(self, kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
        _log.error("unexpected failure\n%s", describe(error))
        if not issubclass(kind, KeyboardInterrupt):
            self._context.show_error(error, QApplication.activeWindow())

    def _caught_in_thread(self, caught: threading.ExceptHookArgs) -> None:
        if caught.exc_value is not None:
            _log.error("unexpected failure in a thread\n%s", describe(caught.exc_value))


def _allow_interrupt(window: MainWindow) -> QTimer:
    """Ctrl+C and a polite kill close the window properly; the timer gives Python its turn to notice."""

    def close(number: int, frame: object) -> None:
        window.close()

    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), close)
    timer = QTimer(window)
    timer.setInterval(_SIGNAL_POLL_MILLISECONDS)
    timer.timeout.connect(_nothing)
    timer.start()
    return timer


def _nothing() -> None:
    """Runs so that Python looks at its signals."""
