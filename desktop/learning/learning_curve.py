"""A learning curve over the amount of data: the same recipe with fewer to learn from, judged on the same ones kept
apart. Where a goal is missed it tells whether more data would help."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from desktop.learning.records import Json

RISES = 0.01
"""Of a figure, by twice as many to learn from; less may be chance."""

_KIND = "learning curve"


@dataclass(frozen=True)
class CurvePoint:
    """share: per cent of what there was to learn from; learned: how many that was. figures: by the name of the measure,
    each from 0 to 1, on the same ones kept apart at every point."""

    share: int
    learned: int
    figures: Mapping[str, float]

    def __post_init__(self) -> None:
        if not 0 < self.share <= 100 or self.learned <= 0:
            raise ValueError("a share lies between 0 and 100 per cent, and somebody was learned from")
        if not self.figures or not all(0 <= value <= 1 for value in self.figures.values()):
            raise ValueError("figures lie between 0 and 1, and there is at least one")

    def to_row(self) -> dict[str, Json]:
        """As it stands in a study's rows."""
        figures = {name: round(value, 4) for name, value in self.figures.items()}
        return {"kind": _KIND, "share": self.share, "learned": self.learned, "figures": figures}


def curve_points(rows: Sequence[Any]) -> tuple[CurvePoint, ...]:
    """Those among a study's rows, least data first. Raises ValueError, KeyError or TypeError for damaged ones."""
    found = [
        CurvePoint(row["share"], row["learned"], {name: float(one) for name, one in row["figures"].items()})
        for row in rows
        if row.get("kind") == _KIND and "share" in row
    ]
    return tuple(sorted(found, key=lambda one: one.share))


def curve_table(points: Sequence[CurvePoint], unit: str) -> str:
    """A table for a card, a line for each point. unit: of what is learned from, in English and the plural."""
    names = list(points[0].figures)
    rows = "\n".join(
        f"| {one.learned:,} {unit} ({one.share} %) | " + " | ".join(f"{one.figures[name]:.3f}" for name in names) + " |"
        for one in points
    )
    return f"| learned from | {' | '.join(names)} |\n|---|{'---|' * len(names)}\n{rows}"


def not_measured(model: str) -> str:
    """What stands in the curve's place."""
    return f"Not measured yet (`lantern models evaluate {model} --study`)."


def some_of(names: Iterable[str], share: int, seed: int) -> frozenset[str]:
    """That many per cent of people, or of what else stays together: the same ones in every run, one at least. Smaller
    shares lie within larger ones."""
    drawn = sorted(set(names), key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    return frozenset(drawn[: max(1, round(share * len(drawn) / 100))])
