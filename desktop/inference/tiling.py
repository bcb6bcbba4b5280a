"""A large picture cut into overlapping tiles of one size, and what was found in them put together again."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from desktop.inference.detection_decoding import overlaps

Floats = npt.NDArray[np.float64]

_NEAR = 0.25
"""Two tiles see the middle of one thing in places that differ a little: by so much of its side it may lie beyond a
tile's own part."""
_SAME = 0.5
"""Of two such boxes, the share of the smaller one that lies in the other where they are one thing."""


@dataclass(frozen=True)
class Tile:
    """A part of a picture. left, top, right, bottom: in whole pixels, the last two exclusive. own: left, top, right,
    bottom of what lies deeper in this tile than in its neighbours: what has its middle there is this tile's. The own
    parts share no place and leave none out; those at the rim reach beyond the picture without end."""

    left: int
    top: int
    right: int
    bottom: int
    own: tuple[float, float, float, float]


def tiles_of(rows: int, columns: int, height: int, width: int, overlap: int) -> tuple[Tile, ...]:
    """Tiles of height × width, or the picture's side where that is less, that cover rows × columns, row by row.

    overlap: pixels that neighbours have in common at least, less than both sides: a thing of that size, wherever it
    is, lies whole in the tile that has its middle in its own part. Raises ValueError.
    """
    if min(rows, columns, height, width) < 1 or not 0 <= overlap < min(height, width):
        raise ValueError("tiles have a size, and overlap by less than that")
    height, width = min(rows, height), min(columns, width)
    down, across = _starts(rows, height, overlap), _starts(columns, width, overlap)
    return tuple(
        Tile(left, top, left + width, top + height, (low_x, low_y, high_x, high_y))
        for top, (low_y, high_y) in zip(down, _own(down, height), strict=True)
        for left, (low_x, high_x) in zip(across, _own(across, width), strict=True)
    )


def joined(found: Sequence[Floats], tiles: Sequence[Tile], overlap: float) -> Floats:
    """(n, ≥ 6): what was found in the tiles, each thing once, the surest first.

    found: of each tile (m, ≥ 6) left, top, right, bottom in pixels of the picture, kind, score. overlap: as of
    `boxes_of`, here of boxes of two tiles. Where tiles overlap, only the one a place belongs to is asked: were the
    surest of all looks taken, more would be found there than elsewhere. A box whose middle lies a little beyond its
    tile's own part is taken where no other tile gave that thing. Nothing larger than the tiles' overlap is surely
    whole, or once.
    """
    whole = np.concatenate(found)
    number = np.repeat(np.arange(len(tiles)), [len(boxes) for boxes in found])
    low, high = np.hsplit(np.array([tile.own for tile in tiles])[number], 2)
    middle, sides = (whole[:, :2] + whole[:, 2:4]) / 2, whole[:, 2:4] - whole[:, :2]
    own: npt.NDArray[np.bool_] = np.all((middle >= low) & (middle < high), axis=1)
    chosen = np.flatnonzero((np.maximum(low - middle, middle - high) <= _NEAR * sides).all(axis=1))
    # Places last, so that the order does not depend on the machine where scores are equal.
    keys = (whole[chosen, 0], whole[chosen, 1], number[chosen], -whole[chosen, 5], ~own[chosen])
    kept: list[int] = []
    for index in chosen[np.lexsort(keys)]:
        others = [at for at in kept if number[at] != number[index] and whole[at, 4] == whole[index, 4]]
        if not _seen_before(whole[index], whole[others], overlap, inside=not own[index]):
            kept.append(int(index))
    boxes = whole[kept]
    return boxes[np.argsort(-boxes[:, 5], kind="stable")]


def _starts(length: int, size: int, overlap: int) -> list[int]:
    """Where tiles along one side begin, as evenly as whole pixels allow."""
    count = 1 if size >= length else -(-(length - overlap) // (size - overlap))
    return [index * (length - size) // max(1, count - 1) for index in range(count)]


def _own(starts: Sequence[int], size: int) -> list[tuple[float, float]]:
    """Of each tile along one side what is its own: to the middle of what it has in common with the next."""
    seams = [(after + before + size) / 2 for before, after in pairwise(starts)]
    return list(pairwise([-np.inf, *seams, np.inf]))


def _seen_before(box: Floats, others: Floats, overlap: float, *, inside: bool) -> bool:
    """Whether one of the other boxes is the same thing. inside: also where little of the smaller one sticks out."""
    if (overlaps(box[None], others)[0] > overlap).any():
        return True
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:4], others[:, 2:4])
    shared = np.prod(np.clip(high - low, 0.0, None), axis=1)
    smaller = np.minimum(np.prod(box[2:4] - box[:2]), np.prod(others[:, 2:4] - others[:, :2], axis=1))
    return inside and bool((shared >= _SAME * smaller).any())
