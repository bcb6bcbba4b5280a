"""The pictures of a run that are decoded now: those on the way, never all of a large clip."""

from collections import OrderedDict

from desktop.ui.viewers.cine import Cine
from desktop.ui.viewers.frames import FilmSource

BUDGET = 96 * 1024 * 1024
"""Bytes of decoded pictures, so that a clip leaves a PC of 4 GB to the rest of the program."""
_LEAST, _MOST = 4, 240
_COPIES = 1.5
"""A picture with its reduced copies, in sizes of itself."""


class FrameWindow:
    """Prepared pictures by number. first: tells what one of them takes; the others are as large, or about that."""

    def __init__(self, count: int, first: FilmSource, budget: int = BUDGET) -> None:
        self._count = count
        each = max(1, int(first.picture.pixels.nbytes * _COPIES))
        self.room = min(count, max(_LEAST, min(_MOST, budget // each)))
        self._held: OrderedDict[int, FilmSource] = OrderedDict({0: first})
        self._failed: set[int] = set()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, number: int) -> FilmSource | None:
        """A picture, where it is decoded."""
        if number in self._held:
            self._held.move_to_end(number)
        return self._held.get(number)

    def put(self, number: int, source: FilmSource, cine: Cine) -> None:
        """Keep a picture; what is furthest from being wanted goes."""
        self._held[number] = source
        self._held.move_to_end(number)
        wanted = {cine.number, number, *cine.ahead(self.room - 1)}
        for old in list(self._held):
            if len(self._held) <= self.room:
                return
            if old not in wanted:
                del self._held[old]
        while len(self._held) > self.room:
            self._held.popitem(last=False)

    def put_failed(self, number: int) -> None:
        """A picture that cannot be decoded is not tried again until somebody looks for it."""
        self._failed.add(number)

    def retry(self, number: int) -> None:
        """Somebody looks for it."""
        self._failed.discard(number)

    def missing(self, cine: Cine) -> int | None:
        """The picture to decode next; None where everything wanted soon is there."""
        for number in (cine.number, *cine.ahead(self.room - 1)):
            if number not in self._held and number not in self._failed:
                return number
        return None
