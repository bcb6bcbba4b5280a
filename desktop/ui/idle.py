"""Nobody at the keyboard: time to lock, and waking from sleep."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QWindow

from desktop.ui.asleep import Moment, clocks, slept_between

_ACTIVITY = frozenset(
    {
        QEvent.Type.KeyPress,
        QEvent.Type.MouseMove,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.Wheel,
        QEvent.Type.TouchBegin,
        QEvent.Type.TouchUpdate,
        QEvent.Type.TabletMove,
        QEvent.Type.InputMethod,
        QEvent.Type.Drop,
    }
)
_TICK_MILLISECONDS = 1000


class IdleWatch(QObject):
    """Counts down while nobody touches mouse or keyboard.

    Signals: ticked(seconds left) each second while it runs; expired once, when the time is over or the PC slept; slept
    whenever the PC did, whether or not it counts.
    """

    ticked = Signal(int)
    expired = Signal()
    slept = Signal()

    def __init__(
        self,
        application: QGuiApplication,
        parent: QObject,
        *,
        look: Callable[[], Moment] | None = None,
    ) -> None:
        super().__init__(parent)
        self._application = application
        self._look = look or clocks()
        self._limit = 300.0
        self._seen = self._look()
        self._last = self._seen.steady
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MILLISECONDS)
        self._timer.timeout.connect(self.tick)
        self._timer.start()
        self._counting = False

    def set_minutes(self, minutes: int) -> None:
        """How long nobody may be there."""
        self._limit = minutes * 60.0

    def start(self) -> None:
        """Begin counting, from now."""
        self.stop()
        self._last = self._look().steady
        for window in self._application.topLevelWindows():
            self._attend(window)
        self._application.focusWindowChanged.connect(self._attend)
        self._counting = True
        self.ticked.emit(round(self._limit))

    def stop(self) -> None:
        """Nothing to lock."""
        if self._counting:
            self._application.focusWindowChanged.disconnect(self._attend)
            for window in self._application.topLevelWindows():
                window.removeEventFilter(self)
        self._counting = False

    def tick(self) -> None:
        """Once a second: say how much is left, or that it is over."""
        before, now = self._seen, self._look()
        self._seen = now
        slept = slept_between(before, now, self._limit)
        if slept:
            self.slept.emit()
        if not self._counting:
            return
        left = self._limit - (now.steady - self._last)
        if slept or left <= 0:
            self.stop()
            self.expired.emit()
        else:
            self.ticked.emit(round(left))

    def _attend(self, window: QWindow | None) -> None:
        """Watch a window; a second time changes nothing."""
        if window is not None:
            window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Somebody is there. The system's windows get few events besides; widgets get tens of thousands."""
        if event.type() in _ACTIVITY:
            self._last = self._look().steady
        return False
