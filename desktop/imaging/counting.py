"""Counting by hand: points of several classes on a picture, the last one taken back, and what they come to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from desktop.imaging.geometry import Point

CLASSES = 9
"""As many as there are keys for."""


@dataclass(frozen=True)
class CountClass:
    """What is counted under one name. points: (x, y) in picture pixels, in the order they were set."""

    name: str
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Share:
    """What a class comes to. percent: of all that were counted; None where nothing was."""

    name: str
    count: int
    percent: float | None


@dataclass(frozen=True)
class Counting:
    """A count under way. at: the class that is counted. trail: which classes the points were set for, the last one at
    the end; what was counted before it was opened again is not in it."""

    classes: tuple[CountClass, ...]
    at: int = 0
    trail: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < len(self.classes) <= CLASSES or not 0 <= self.at < len(self.classes):
            raise ValueError("one to nine classes, and one of them is counted")

    @property
    def total(self) -> int:
        """How many were counted."""
        return sum(len(one.points) for one in self.classes)

    def shares(self) -> tuple[Share, ...]:
        """The classes that have any, in order."""
        total = self.total
        return tuple(
            Share(one.name, len(one.points), 100 * len(one.points) / total if total else None)
            for one in self.classes
            if one.points
        )

    def chosen(self, number: int) -> "Counting":
        """Another class is counted; without it nothing changes."""
        return replace(self, at=number) if 0 <= number < len(self.classes) else self

    def placed(self, point: Point) -> "Counting":
        """One more of the class that is counted."""
        return self._with(self.at, (*self.classes[self.at].points, point), (*self.trail, self.at))

    def undone(self) -> "Counting":
        """Without the point that was set last; after opening again, the last one of the class that is counted."""
        last = self.trail[-1] if self.trail else self.at
        return self._with(last, self.classes[last].points[:-1], self.trail[:-1])

    def without(self, point: Point, reach: float) -> "Counting":
        """Without the nearest point of any class within a reach (picture pixels); with none there, unchanged."""
        near = [
            (_apart(point, one), number, place)
            for number, counted in enumerate(self.classes)
            for place, one in enumerate(counted.points)
            if _apart(point, one) <= reach**2
        ]
        if not near:
            return self
        _, number, place = min(near)
        points = self.classes[number].points
        trail = list(self.trail)
        if number in trail:
            del trail[len(trail) - 1 - trail[::-1].index(number)]
        return self._with(number, points[:place] + points[place + 1 :], tuple(trail))

    def named(self, number: int, name: str) -> "Counting":
        """A class under another name; an empty name changes nothing."""
        words = " ".join(name.split())
        return self._replaced(number, replace(self.classes[number], name=words)) if words else self

    def _with(self, number: int, points: tuple[Point, ...], trail: tuple[int, ...]) -> "Counting":
        return replace(self._replaced(number, replace(self.classes[number], points=points)), trail=trail)

    def _replaced(self, number: int, counted: CountClass) -> "Counting":
        classes = tuple(counted if at == number else one for at, one in enumerate(self.classes))
        return replace(self, classes=classes)


def begun(on_record: Sequence[CountClass], names: Sequence[str], unnamed: Sequence[str] = ()) -> Counting:
    """A count opened again: what is on record first, then classes of these names that are not among it.

    unnamed: what a class is called by its place while nobody has named it.
    """
    classes = list(on_record)
    for name in names:
        if name not in (one.name for one in classes):
            classes.append(CountClass(name))
    for name in unnamed[len(classes) :]:
        if name not in (one.name for one in classes):
            classes.append(CountClass(name))
    return Counting(tuple(classes[:CLASSES]))


def _apart(one: Point, other: Point) -> float:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2
