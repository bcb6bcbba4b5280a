"""One piece of work that can report how far it is and be cancelled."""

import threading
from dataclasses import dataclass

from desktop.errors import Cancelled


@dataclass(frozen=True)
class Progress:
    """How far a job is. key names the sentence to show; total 0 means unknown."""

    key: str = ""
    done: int = 0
    total: int = 0


class Job:
    """Handed to every deed; the caller keeps it to watch and cancel. Safe to use from any thread."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._progress = Progress()

    @property
    def progress(self) -> Progress:
        """The latest report."""
        return self._progress

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked for the work to stop."""
        return self._cancelled.is_set()

    def report(self, key: str, done: int = 0, total: int = 0) -> None:
        """Say how far the work is, then stop here if it was cancelled. Raises Cancelled."""
        self._progress = Progress(key, done, total)
        self.check()

    def cancel(self) -> None:
        """Ask the work to stop at its next `check`."""
        self._cancelled.set()

    def check(self) -> None:
        """Raises Cancelled if somebody asked for the work to stop."""
        if self._cancelled.is_set():
            raise Cancelled
