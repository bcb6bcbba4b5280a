"""Asking whether sticks, disks and network folders are there, without ever waiting for one that hangs.

A folder on a share whose server is gone may block whoever asks for it for minutes, or for good.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from desktop.errors import ErrorKind, KnownFailure

T = TypeVar("T")

# A disk that sleeps takes some seconds to wake up.
PATIENCE_SECONDS = 8.0


class Media:
    """Asks each place in a thread of its own, all at once. One that does not answer in time counts as absent, and is
    not asked again before it has. Safe to call from several threads; nothing waits for its threads at the end.

    patience: seconds that an answer may take.
    """

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self._patience = patience
        self._guard = threading.Lock()
        self._hanging: dict[Path, Future[Any]] = {}

    def ask(self, questions: Mapping[Path, Callable[[], T]], absent: T) -> dict[Path, T]:
        """The answer of each place; `absent` where none came. Questions are small: whether something is there.
        Raises what a question raises."""
        asked = {place: self._begin(question) for place, question in questions.items() if not self._hangs(place)}
        wait(asked.values(), self._patience)
        late = {place: future for place, future in asked.items() if not future.done()}
        with self._guard:
            self._hanging.update(late)
        return {place: asked[place].result() if place in asked.keys() - late.keys() else absent for place in questions}

    def require(self, place: Path) -> None:
        """Raises KnownFailure `backup.medium_gone` where asking for a place would hang; it need not be there."""
        if not self.ask({place: partial(_answers, place)}, False)[place]:
            raise KnownFailure("backup.medium_gone", kind=ErrorKind.IO)

    def _hangs(self, place: Path) -> bool:
        with self._guard:
            former = self._hanging.get(place)
            if former is not None and former.done():
                del self._hanging[place]
            return place in self._hanging

    def _begin(self, question: Callable[[], T]) -> "Future[T]":
        future: Future[T] = Future()

        def answer() -> None:
            try:
                future.set_result(question())
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=answer, name="medium", daemon=True).start()
        return future


def _answers(place: Path) -> bool:
    with suppress(OSError):
        place.exists()
    return True
