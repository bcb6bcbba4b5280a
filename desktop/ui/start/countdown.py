"""The wait that wrong tries bring: shown by the second, over by itself."""

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from desktop import workflow

_TICK_MILLISECONDS = 250


class Countdown(QObject):
    """`changed(seconds)` whenever it may have; 0 when a try is allowed."""

    changed = Signal(int)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._folder = Path()
        self._seconds = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MILLISECONDS)
        self._timer.timeout.connect(self._look)

    @property
    def seconds(self) -> int:
        """Whole seconds until the next try."""
        return self._seconds

    def watch(self, folder: Path) -> None:
        """Say how long tries in this folder have to wait now, and go on until they need not."""
        self._folder = folder
        self._look()

    def _look(self) -> None:
        self._seconds = workflow.seconds_until_next_try(self._folder)
        if self._seconds == 0:
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start()
        self.changed.emit(self._seconds)
