"""Sends what waits, in the background, for as long as the clinic is open."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from desktop.jobs import Job, Progress
from desktop.records.dicom_node import SendingId
from desktop.workflow.clinic import Clinic
from desktop.workflow.network_keeping import OwedAnswers
from desktop.workflow.network_sending import send_what_waits

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 30.0


@dataclass(frozen=True)
class UnderWay:
    """What is being sent now, and how far it is."""

    sending: SendingId
    progress: Progress


class Outbox:
    """A thread of its own until `stop`, which should come before the clinic is locked; it ends then too.

    sent: hears, in that thread, that something was tried. Answers to storage commitment are delivered on the way.
    """

    def __init__(self, clinic: Clinic, sent: Callable[[], None]) -> None:
        self._clinic = clinic
        self._sent = sent
        self._owed = OwedAnswers(clinic)
        self._lock = threading.Lock()
        self._current: tuple[SendingId, Job] | None = None
        self._stopping = False
        self._wanted = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dicom-sender", daemon=True)
        self._thread.start()

    @property
    def under_way(self) -> UnderWay | None:
        """What is being sent now."""
        with self._lock:
            current = self._current
        return UnderWay(current[0], current[1].progress) if current is not None else None

    def wake(self) -> None:
        """Something is due now."""
        self._wanted.set()

    def leave_off(self, sending: SendingId) -> None:
        """Stop sending this one, if it is being sent, after the object that is on its way."""
        with self._lock:
            if self._current is not None and self._current[0] == sending:
                self._current[1].cancel()

    def stop(self) -> None:
        """Let the object that is on its way come to its end; the rest waits for the next time. Harmless twice."""
        with self._lock:
            self._stopping = True
            if self._current is not None:
                self._current[1].cancel()
        self._wanted.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping and self._clinic.store.is_open:
            try:
                self._owed.deliver(self._is_stopping)
                if send_what_waits(self._clinic, self._is_stopping, self._begun):
                    self._sent()
            except Exception as error:  # the next round tries again, unless the clinic was locked in the middle
                if self._clinic.store.is_open:
                    _log.warning("what waits could not be sent: %s", type(error).__name__)
            with self._lock:
                self._current = None
            self._wanted.wait(_LOOK_SECONDS)
            self._wanted.clear()

    def _is_stopping(self) -> bool:
        return self._stopping

    def _begun(self, sending: SendingId, job: Job) -> None:
        with self._lock:
            self._current = (sending, job)
            if self._stopping:
                job.cancel()
        self._sent()
