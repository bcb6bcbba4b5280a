"""How a run of pictures stands: which one, playing or not, how fast, round or forth and back. Pure: no Qt."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

RATES: tuple[float, ...] = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60)
"""Frames per second to choose from, besides what the file asks for."""
ASSUMED_RATE = 10.0
"""Where a file does not say how fast it was taken."""


@dataclass(frozen=True)
class Cine:
    """number: of the picture asked for, counted from 0. rate: per second. own: what the file asks for, None where it
    says nothing. sweep: forth and back. step: 1 forwards, -1 back."""

    count: int
    number: int = 0
    playing: bool = False
    rate: float = ASSUMED_RATE
    own: float | None = None
    sweep: bool = False
    step: int = 1

    @classmethod
    def of(cls, count: int, rate: float | None, sweep: bool) -> "Cine":
        """At the first picture, at the speed the file asks for."""
        return cls(count, rate=rate or ASSUMED_RATE, own=rate, sweep=sweep)

    @property
    def rates(self) -> tuple[float, ...]:
        """Every speed to choose from, the file's own among them."""
        return tuple(sorted({*RATES, self.own or ASSUMED_RATE}))

    def at(self, number: int) -> "Cine":
        """At another picture; the first or the last where there is none."""
        return replace(self, number=min(max(number, 0), self.count - 1))

    def next(self) -> "Cine":
        """What comes next when it plays."""
        if self.count == 1:
            return self
        step = self.step
        if self.sweep and not 0 <= self.number + step < self.count:
            step = -step
        elif not self.sweep:
            step = 1
        return replace(self, number=(self.number + step) % self.count, step=step)

    def ahead(self, most: int) -> Iterator[int]:
        """The pictures that are wanted soon, the next first: as it plays, or to either side while somebody pages."""
        if self.playing:
            coming = self
            for _ in range(most):
                coming = coming.next()
                yield coming.number
            return
        around = (self.number + side * distance for distance in range(1, self.count) for side in (1, -1))
        yield from islice((number for number in around if 0 <= number < self.count), most)

    def faster(self, by: int) -> "Cine":
        """The next speed up (1) or down (-1)."""
        rates = self.rates
        nearest = min(range(len(rates)), key=lambda at: abs(rates[at] - self.rate))
        return replace(self, rate=rates[min(max(nearest + by, 0), len(rates) - 1)])


class Pace:
    """How fast pictures really follow one another. Times in seconds, of any clock."""

    _OF = 12
    _BEHIND = 0.85

    def __init__(self) -> None:
        self._times: list[float] = []

    def clear(self) -> None:
        """Begin anew: it was stopped, or the speed was changed."""
        self._times.clear()

    def shown(self, moment: float) -> None:
        """Another picture came on the screen."""
        self._times = [*self._times[1 - self._OF :], moment]

    def behind(self, rate: float) -> float | None:
        """Pictures per second where that is clearly fewer than asked for; None while it keeps up, or nobody knows."""
        if len(self._times) < self._OF or self._times[-1] <= self._times[0]:
            return None
        real = (len(self._times) - 1) / (self._times[-1] - self._times[0])
        return real if real < self._BEHIND * rate else None
