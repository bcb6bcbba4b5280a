"""Strict reading of a JSON document that somebody else wrote: each wrong value is named by its place."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard


class ManifestError(ValueError):
    """A manifest says something impossible. `where` is the path of the value, such as `findings[0].key`."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where


@dataclass(frozen=True)
class Fields:
    """One JSON object and where it stands. Unknown members are left alone: a newer writer may know more."""

    members: Mapping[str, object]
    where: str = ""

    @classmethod
    def of(cls, value: object, where: str) -> "Fields":
        """The object at a place. Raises ManifestError for anything else."""
        if not isinstance(value, dict):
            raise ManifestError(where, "an object was expected")
        return cls(value, where)

    def place(self, name: str) -> str:
        """The path of a member."""
        return f"{self.where}.{name}" if self.where else name

    def has(self, name: str) -> bool:
        """Whether the member is there and not null."""
        return self.members.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A text that is not blank, unless a default allows its absence."""
        value = self.members.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value.strip():
            raise ManifestError(self.place(name), "a text was expected")
        return value

    def number(self, name: str, *, low: float = -math.inf, high: float = math.inf) -> float:
        """A finite number within [low, high]."""
        value = self.members.get(name)
        if not _is_number(value):
            raise ManifestError(self.place(name), "a finite number was expected")
        if not low <= value <= high:
            raise ManifestError(self.place(name), f"must lie between {low:g} and {high:g}")
        return float(value)

    def whole(self, name: str, *, low: int, high: int) -> int:
        """A whole number within [low, high]."""
        value = self.members.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ManifestError(self.place(name), "a whole number was expected")
        if not low <= value <= high:
            raise ManifestError(self.place(name), f"must lie between {low} and {high}")
        return value

    def flag(self, name: str) -> bool:
        """True or false; absent: false."""
        value = self.members.get(name, False)
        if not isinstance(value, bool):
            raise ManifestError(self.place(name), "true or false was expected")
        return value

    def inner(self, name: str) -> "Fields":
        """A member that is itself an object."""
        return Fields.of(self.members.get(name), self.place(name))

    def items(self, name: str) -> Sequence[tuple[str, object]]:
        """The values of a list, each with its place."""
        value = self.members.get(name)
        if not isinstance(value, list):
            raise ManifestError(self.place(name), "a list was expected")
        return [(f"{self.place(name)}[{index}]", item) for index, item in enumerate(value)]

    def objects(self, name: str) -> "Sequence[Fields]":
        """The objects of a list."""
        return [Fields.of(item, where) for where, item in self.items(name)]

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of a list."""
        found = []
        for where, item in self.items(name):
            if not isinstance(item, str) or not item.strip():
                raise ManifestError(where, "a text was expected")
            found.append(item)
        return tuple(found)

    def numbers(self, name: str) -> tuple[float, ...]:
        """The finite numbers of a list."""
        found = []
        for where, item in self.items(name):
            if not _is_number(item):
                raise ManifestError(where, "a finite number was expected")
            found.append(float(item))
        return tuple(found)


def _is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a finite number that fits a float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
