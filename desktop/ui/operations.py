"""The one way off the main thread.

    context.operations.run(partial(workflow.search_patients, clinic, text=…), initiator=self, done=self._show)

Results come back on the main thread, to bound methods held weakly: a screen that was closed meanwhile gets
nothing and is not kept alive. Work over 0.6 s is shown with its progress and can be cancelled.
"""

import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, cast

import shiboken6
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from desktop.errors import Cancelled, UserFacingError, from_os_error
from desktop.jobs import Job, Pools, Progress
from desktop.records import Changes

T = TypeVar("T")
Pool = Literal["store", "compute", "display", "decoding", "background", "media"]

POLL_MILLISECONDS = 100
SHOW_AFTER_SECONDS = 0.6


class Operation(Generic[T]):
    """A piece of work on its way. Keep it to cancel; nothing else needs doing with it.

    title: sentence shown beside the bar. started: monotonic seconds.
    """

    def __init__(
        self,
        work: Callable[[Job], T],
        initiator: QObject,
        done: Callable[[T], None] | None,
        failed: Callable[[Exception], None] | None,
        ended: Callable[[], None] | None,
        title: str,
        outlasts: bool = False,
    ) -> None:
        self.job = Job()
        self.title = title
        self.outlasts = outlasts
        self.started = time.monotonic()
        self.finished = False
        self._over = threading.Event()
        self._work: Callable[[Job], T] | None = work
        self._result: T | None = None
        self._error: BaseException | None = None
        self._initiator = weakref.ref(initiator)
        self._done = _weak(done)
        self._failed = _weak(failed)
        self._ended = _weak(ended)

    @property
    def progress(self) -> Progress:
        """How far the work says it is."""
        return self.job.progress

    def cancel(self) -> None:
        """Ask the work to stop; silence follows."""
        self.job.cancel()

    def wait(self, job: Job) -> None:
        """In another worker: until this work is over. job: of the worker that waits; cancelled, it cancels this too."""
        while not self._over.wait(POLL_MILLISECONDS / 1000):
            if job.cancelled:
                self.cancel()

    def _run(self) -> None:
        """In the worker. Everything stays on this object until the main thread lets go of it.

        A widget captured by `work`, or by the frames of an error, must not die in a worker thread.
        """
        work = self._work
        try:
            if work is not None:
                if not self.outlasts:
                    self.job.check()
                self._result = work(self.job)
        except BaseException as error:  # carried to the main thread, where it is shown or logged
            self._error = error
        finally:
            del work
            self._over.set()


class Operations(QObject):
    """Runs work in the pools and delivers on the main thread.

    Signals: unhandled(error, initiator or None) for what nobody took; changed(Changes, initiator or None) for
    every result that says what it changed; shown() when the visible work, or its progress, wants repainting.
    """

    unhandled = Signal(object, object)
    changed = Signal(object, object)
    shown = Signal()
    _arrived = Signal(object)

    def __init__(self, pools: Pools, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pools = pools
        self._running: list[Operation[Any]] = []
        self._dropped: set[Operation[Any]] = set()
        self._was_visible = False
        self._poll = QTimer(self)
        self._poll.setInterval(POLL_MILLISECONDS)
        self._poll.timeout.connect(self._tick)
        self._arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def run(
        self,
        work: Callable[[Job], T],
        *,
        initiator: QObject,
        done: Callable[[T], None] | None = None,
        failed: Callable[[Exception], None] | None = None,
        ended: Callable[[], None] | None = None,
        pool: Pool = "store",
        title: str = "",
        outlasts: bool = False,
    ) -> Operation[T]:
        """Run `work(job)` off the main thread.

        done gets the result, failed a UserFacingError (without it the error dialog opens); anything else is
        a bug and always opens the crash dialog. ended comes last in every case, cancelled included. All three
        must be bound methods (ValueError otherwise): only those can be held weakly. outlasts: locking lets it end, and
        the work itself sees to being cancelled before it begins.
        """
        operation = Operation(work, initiator, done, failed, ended, title, outlasts)
        self._running.append(operation)
        submit = {
            "store": self._pools.store,
            "compute": self._pools.compute,
            "display": self._pools.display,
            "decoding": self._pools.decoding,
            "background": self._pools.background,
            "media": self._pools.media,
        }[pool]
        submit(lambda: self._work(operation))
        if not self._poll.isActive():
            self._poll.start()
        return operation

    @property
    def visible(self) -> tuple[Operation[Any], ...]:
        """Work that has been running for more than 0.6 s, oldest first."""
        limit = time.monotonic() - SHOW_AFTER_SECONDS
        return tuple(operation for operation in self._running if operation.started <= limit)

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits."""
        return bool(self._running)

    @property
    def outlasting(self) -> tuple[Operation[Any], ...]:
        """What runs and would go on after locking."""
        return tuple(operation for operation in self._running if operation.outlasts)

    def hurry(self) -> None:
        """Cancel what outlasts locking too: somebody waits for its end."""
        for operation in self.outlasting:
            operation.cancel()

    def drop_all(self) -> None:
        """Cancel everything but what outlasts it, and deliver nothing of either: the clinic is being locked."""
        for operation in self._running:
            if not operation.outlasts:
                operation.cancel()
        self._dropped.update(self._running)

    def _work(self, operation: Operation[Any]) -> None:
        operation._run()
        if shiboken6.isValid(self):
            self._arrived.emit(operation)

    def _tick(self) -> None:
        visible = bool(self.visible)
        if visible or self._was_visible:
            self.shown.emit()
        self._was_visible = visible
        if not self._running and not visible:
            self._poll.stop()

    def _deliver(self, operation: Operation[Any]) -> None:
        operation.finished = True
        operation._work = None
        self._running.remove(operation)
        dropped = operation in self._dropped
        self._dropped.discard(operation)
        result, error = operation._result, operation._error
        operation._result = operation._error = None
        initiator = operation._initiator()
        if initiator is not None and not shiboken6.isValid(initiator):
            initiator = None
        if not dropped:
            if error is None:
                self._succeed(operation, result, initiator)
            elif not isinstance(error, Cancelled):
                self._fail(operation, error, initiator)
            ended = operation._ended()
            if initiator is not None and ended is not None and shiboken6.isValid(initiator):
                ended()

    def _succeed(self, operation: Operation[Any], result: object, initiator: QObject | None) -> None:
        done = operation._done()
        if initiator is not None and done is not None:
            done(result)
        changes = getattr(result, "changes", None)
        if isinstance(changes, Changes) and changes:
            self.changed.emit(changes, initiator)

    def _fail(self, operation: Operation[Any], error: BaseException, initiator: QObject | None) -> None:
        if isinstance(error, OSError):
            error = from_os_error(error)
        failed = operation._failed()
        if isinstance(error, UserFacingError):
            if initiator is None:
                return
            if failed is not None:
                failed(error)
                return
        self.unhandled.emit(error, initiator)


@dataclass(frozen=True)
class _Nothing:
    """A reference to no method."""

    def __call__(self) -> None:
        return None


_MethodReference = Callable[[], Callable[..., None] | None]


def _weak(method: Callable[..., None] | None) -> _MethodReference:
    if method is None:
        return _Nothing()
    if not hasattr(method, "__self__"):
        raise ValueError("results go to bound methods only: a lambda would keep a closed screen alive")
    return cast(_MethodReference, weakref.WeakMethod(cast(Any, method)))
