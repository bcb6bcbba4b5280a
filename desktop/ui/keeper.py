"""Keeps what is being typed, so that neither a crash nor a power cut loses a sentence."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.jobs import Job
from desktop.ui.context import UiContext
from desktop.workflow import Clinic

REST_MILLISECONDS = 500
AT_LATEST_MILLISECONDS = 3000


class Keeper(QObject):
    """Saves half a second after the last key, and at the latest every three seconds while somebody types on. What could
    not be saved is tried again with the next key, or by `save_now`.

    Signals: saved() once the newest words are durable; failed(error) where they could not be kept; turned() when
    `failing` changed.
    """

    saved = Signal()
    failed = Signal(object)
    turned = Signal()

    def __init__(self, context: UiContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._waiting: Callable[[Clinic, Job], None] | None = None
        self._sent: Callable[[Clinic, Job], None] | None = None
        self._failing = False
        self._rest = self._timer(REST_MILLISECONDS)
        self._latest = self._timer(AT_LATEST_MILLISECONDS)

    def _timer(self, milliseconds: int) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(self.save_now)
        return timer

    @property
    def waiting(self) -> bool:
        """Whether there are words that are not on their way to the disk yet."""
        return self._waiting is not None

    @property
    def failing(self) -> bool:
        """Whether the last words could not be kept."""
        return self._failing

    def keep(self, deed: Callable[[Clinic, Job], None]) -> None:
        """Note new words: the deed that saves them, in place of an earlier one that still waits."""
        self._waiting = deed
        self._rest.start()
        if not self._latest.isActive():
            self._latest.start()

    def save_now(self) -> None:
        """Put the newest words in the store's queue at once; whatever is queued later comes after them."""
        self._rest.stop()
        self._latest.stop()
        deed, self._waiting = self._waiting, None
        clinic = self._context.clinic
        if deed is None or clinic is None:
            return
        self._sent = deed
        self._context.operations.run(
            lambda job: deed(clinic, job), initiator=self, done=self._was_saved, failed=self._was_not_saved
        )

    def forget(self) -> None:
        """Drop what waits: it was signed, or the clinic is locked."""
        self._rest.stop()
        self._latest.stop()
        self._waiting = self._sent = None
        self._turn(False)

    def _was_saved(self, nothing: None) -> None:
        self._turn(False)
        self.saved.emit()

    def _was_not_saved(self, error: Exception) -> None:
        self._waiting = self._waiting or self._sent
        self._turn(True)
        self.failed.emit(error)

    def _turn(self, failing: bool) -> None:
        if failing != self._failing:
            self._failing = failing
            self.turned.emit()
