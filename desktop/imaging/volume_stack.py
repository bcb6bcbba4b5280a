"""Putting slices in order: along their normal, with everything that is wrong with the pile found and named.

Nothing here believes a slice number or a slice thickness where positions say otherwise (PS3.3 C.7.6.2.1.1): a volume
of wrong height looks healthy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np

from desktop.imaging.volume import Floats, Vector

SAME_PLACE_MM = 0.02
_SAME_DIRECTION = 1e-3
_EVEN = 0.01
_GAP = 1.5
_TILT_DEGREES = 0.1
_ASTRAY_PIXELS = 0.5


class StackFindingKind(StrEnum):
    """What can be said of a pile of slices."""

    NO_GEOMETRY = "no_geometry"
    SINGLE = "single"
    GAP = "gap"
    ASTRAY = "astray"
    DUPLICATES = "duplicates"
    INCOMPLETE = "incomplete"
    OTHER_GEOMETRY = "other_geometry"
    VARYING = "varying"
    TILT = "tilt"
    COLOUR = "colour"
    THINNED = "thinned"
    NO_MEMORY = "no_memory"
    UNREADABLE = "unreadable"


REFUSING = frozenset(
    {
        StackFindingKind.NO_GEOMETRY,
        StackFindingKind.SINGLE,
        StackFindingKind.GAP,
        StackFindingKind.ASTRAY,
        StackFindingKind.NO_MEMORY,
        StackFindingKind.UNREADABLE,
    }
)
"""Findings with which slices are shown one by one and nothing is made of the space between them."""


@dataclass(frozen=True)
class StackFinding:
    """One thing found. count: how many slices or places it is about. low, high: millimetres, or degrees of a tilt."""

    kind: StackFindingKind
    count: int = 0
    low: float = 0.0
    high: float = 0.0

    @property
    def refuses(self) -> bool:
        """Whether it forbids a volume."""
        return self.kind in REFUSING


@dataclass(frozen=True)
class SlicePlace:
    """Where one slice lies and when it was taken.

    position: centre of its first voxel. along_row, along_column: unit vectors to the next column and to the next row.
    row_mm, column_mm: between rows, between columns. rows, columns: its size. thickness: millimetres, None where
    unknown. moment, number: what orders slices of the same place.
    """

    position: Vector
    along_row: Vector
    along_column: Vector
    row_mm: float
    column_mm: float
    rows: int
    columns: int
    thickness: float | None = None
    moment: tuple[float, ...] = ()
    number: int = 0

    def __post_init__(self) -> None:
        row, column = np.array(self.along_row), np.array(self.along_column)
        numbers = (*self.position, *self.along_row, *self.along_column)
        if not np.isfinite(numbers).all() or not (0 < self.row_mm < 1000 and 0 < self.column_mm < 1000):
            raise ValueError("a slice has a place and a spacing")
        lengths = abs(np.linalg.norm(row) - 1), abs(np.linalg.norm(column) - 1)
        if max(float(lengths[0]), float(lengths[1]), abs(float(row @ column))) > 1e-2:
            raise ValueError("the directions of a slice are perpendicular and of length 1")

    @property
    def normal(self) -> Floats:
        """Across the slice, of length 1."""
        across = np.cross(self.along_row, self.along_column)
        unit: Floats = across / np.linalg.norm(across)
        return unit


@dataclass(frozen=True)
class Stack:
    """Slices in order.

    times: for each moment of the series the slices' numbers in what `arrange` was given, ordered along `normal`, as
    many for each. offsets: millimetres of each place along `normal`. shear: millimetres the slices move along their
    rows and along their columns for each millimetre along `normal`. step: millimetres between slices, the usual one
    where it varies.
    """

    times: tuple[tuple[int, ...], ...]
    offsets: tuple[float, ...]
    normal: Vector
    shear: tuple[float, float]
    step: float
    findings: tuple[StackFinding, ...]

    @property
    def solid(self) -> bool:
        """Whether a volume may be made of them."""
        return not any(finding.refuses for finding in self.findings)

    @property
    def regular(self) -> bool:
        """Whether they form a grid as they are."""
        return not any(f.kind in (StackFindingKind.VARYING, StackFindingKind.TILT) for f in self.findings)


def arrange(places: Sequence[SlicePlace]) -> Stack:
    """Put slices in order and name what is wrong. The largest group of one direction, spacing and size is taken.

    Raises ValueError for no slices.
    """
    if not places:
        raise ValueError("no slices")
    findings: list[StackFinding] = []
    group = _largest_group(places)
    if len(group) < len(places):
        findings.append(StackFinding(StackFindingKind.OTHER_GEOMETRY, len(places) - len(group)))
    first = places[group[0]]
    normal = first.normal
    piles = _piles(places, group, normal)
    times, spare = _times(piles)
    if spare:
        kind = StackFindingKind.INCOMPLETE if len(times) > 1 else StackFindingKind.DUPLICATES
        findings.append(StackFinding(kind, spare))
    order = times[0]
    offsets = np.array([float(np.dot(places[index].position, normal)) for index in order])
    shear = (0.0, 0.0)
    step = first.thickness or 1.0
    if len(order) == 1:
        findings.append(StackFinding(StackFindingKind.SINGLE, 1))
    else:
        spacing, step = _spacing_findings(offsets, [places[index].thickness for index in order])
        leaning, shear = _leaning([places[index] for index in order], offsets, first)
        findings += [*spacing, *leaning]
    x, y, z = (float(part) for part in normal)
    return Stack(times, tuple(float(o) for o in offsets), (x, y, z), shear, step, tuple(findings))


def _largest_group(places: Sequence[SlicePlace]) -> list[int]:
    groups: list[list[int]] = []
    for index, place in enumerate(places):
        for group in groups:
            if _alike(places[group[0]], place):
                group.append(index)
                break
        else:
            groups.append([index])
    return max(groups, key=len)


def _alike(one: SlicePlace, other: SlicePlace) -> bool:
    directions = np.subtract((*one.along_row, *one.along_column), (*other.along_row, *other.along_column))
    spacings = np.subtract((one.row_mm, one.column_mm), (other.row_mm, other.column_mm))
    return (
        (one.rows, one.columns) == (other.rows, other.columns)
        and bool(np.abs(directions).max() < _SAME_DIRECTION)
        and bool(np.abs(spacings).max() < _SAME_DIRECTION * one.row_mm)
    )


def _piles(places: Sequence[SlicePlace], group: list[int], normal: Floats) -> list[list[int]]:
    """Slices of the same place together, in order of place; within a place in order of time."""
    along = {index: float(np.dot(places[index].position, normal)) for index in group}
    piles: list[list[int]] = []
    for index in sorted(group, key=along.__getitem__):
        if piles and along[index] - along[piles[-1][0]] < SAME_PLACE_MM:
            piles[-1].append(index)
        else:
            piles.append([index])
    for pile in piles:
        pile.sort(key=lambda index: (places[index].moment, places[index].number, index))
    return piles


def _times(piles: list[list[int]]) -> tuple[tuple[tuple[int, ...], ...], int]:
    """The slices of each moment, and how many slices are left over: places filled more often than the others."""
    fewest = min(len(pile) for pile in piles)
    spare = sum(len(pile) - fewest for pile in piles)
    return tuple(tuple(pile[time] for pile in piles) for time in range(fewest)), spare


def _spacing_findings(offsets: Floats, thickness: Sequence[float | None]) -> tuple[list[StackFinding], float]:
    """Gaps and varying spacing, and the step to go on with.

    An interval is a gap where it is half as long again as usual for slices of its thickness: a scan that changes from
    thin to thick slices is no gap, one that lacks a slice is.
    """
    between = np.diff(offsets)
    usual = float(np.median(between))
    # The larger thickness of the two neighbours; without any the usual spacing stands for all.
    each = [max(t or 0.0, u or 0.0) or usual for t, u in pairwise(thickness)]
    shares = between / np.array(each)
    share = float(np.median(shares))
    gaps = shares > _GAP * share
    found = []
    if gaps.any():
        found.append(StackFinding(StackFindingKind.GAP, int(gaps.sum()), float(between[gaps].min()), usual))
    even = between[~gaps] if not gaps.all() else between
    spread = float(np.abs(even - usual).max())
    if spread > max(SAME_PLACE_MM, _EVEN * usual):
        found.append(StackFinding(StackFindingKind.VARYING, 0, float(even.min()), float(even.max())))
        # The finest spacing that more than one pair of slices has: a chance overlap must not multiply the slices.
        step = float(np.sort(even)[min(len(even) - 1, max(1, len(even) // 4))])
        return found, step
    return found, float((offsets[-1] - offsets[0]) / max(1, len(offsets) - 1)) if not gaps.any() else usual


def _leaning(
    slices: Sequence[SlicePlace], offsets: Floats, first: SlicePlace
) -> tuple[list[StackFinding], tuple[float, float]]:
    """Whether the pile leans (gantry tilt), and whether a slice lies beside the line the others are on."""
    positions = np.array([place.position for place in slices])
    inside = positions @ np.array([first.along_row, first.along_column]).T
    away = offsets - offsets[0]
    moved = inside - inside[0]
    lean = (away @ moved) / float(away @ away)
    beside = np.abs(moved - away[:, None] * lean)
    astray = (beside > _ASTRAY_PIXELS * np.array([first.column_mm, first.row_mm])).any(axis=1)
    if astray.any():
        return [StackFinding(StackFindingKind.ASTRAY, int(astray.sum()), 0.0, float(beside.max()))], (0.0, 0.0)
    degrees = float(np.degrees(np.arctan(np.hypot(*lean))))
    if degrees < _TILT_DEGREES:
        return [], (0.0, 0.0)
    return [StackFinding(StackFindingKind.TILT, 0, degrees, degrees)], (float(lean[0]), float(lean[1]))
