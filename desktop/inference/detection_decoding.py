"""From a detector's maps to boxes."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

STRIDE = 4
"""Pixels of the prepared picture per cell of the maps, where a manifest says nothing else."""


def boxes_of(
    scores: FloatArray, reach: FloatArray, lowest: Sequence[float], overlap: float, stride: int = STRIDE
) -> Floats:
    """(n, 6): left, top, right, bottom in prepared pixels, number of the kind, score; the surest first.

    scores: (kinds, rows, columns), 0 but at peaks. reach: (4, rows, columns), pixels to the left, up, right and down.
    lowest: of each kind, scores below are left out. overlap: of two boxes of one kind that share more than that of
    their union, the less sure one is the same thing seen twice.
    """
    found = []
    for kind, (map_of, least) in enumerate(zip(scores, lowest, strict=True)):
        boxes, _, _ = _kept(map_of, reach, least, overlap, stride)
        boxes[:, 4] = kind
        found.append(boxes)
    whole = np.concatenate(found)
    return whole[np.argsort(-whole[:, 5], kind="stable")]


def told_apart(scores: FloatArray, reach: FloatArray, least: float, overlap: float, stride: int) -> Floats:
    """(n, 7): as `boxes_of` gives the first map's, and what the second map, in 0..1, says at each peak of the first:
    how probable it is that the thing there is of the second kind."""
    boxes, rows, columns = _kept(scores[0], reach, least, overlap, stride)
    return np.concatenate([boxes, scores[1, rows, columns].astype(np.float64)[:, None]], axis=1)


def _kept(
    map_of: FloatArray, reach: FloatArray, least: float, overlap: float, stride: int
) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Boxes of one map, the surest first, with kind 0, and the row and column of each one's peak."""
    rows, columns = np.nonzero(map_of >= max(least, 1e-6))
    x, y = (columns + 0.5) * stride, (rows + 0.5) * stride
    left, up, right, down = reach[:, rows, columns].astype(np.float64)
    said = map_of[rows, columns].astype(np.float64)
    boxes = np.stack([x - left, y - up, x + right, y + down, np.zeros(len(x)), said], axis=1)
    # By score, and by place where scores are equal: the order must not depend on the machine.
    order = np.lexsort((columns, rows, -said))
    order = order[_first_seen(boxes[order], overlap)]
    return boxes[order], rows[order], columns[order]


def overlaps(first: Floats, second: Floats) -> Floats:
    """Intersection over union of boxes (n, ≥ 4) with boxes (m, ≥ 4): (n, m)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:4], second[None, :, 2:4])
    inner = np.prod(np.clip(high - low, 0.0, None), axis=2)
    areas = [np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - inner
    return np.asarray(inner / np.maximum(union, 1e-12), dtype=np.float64)


def at_rim(boxes: Floats, width: float, height: float, cell: float) -> npt.NDArray[np.bool_]:
    """Which boxes (n, ≥ 4) reach to where a picture of that size ends: it may cut what they hold, and people draw such
    things less often. cell: side of a cell of the maps, of which a half is as well as they know where a thing ends. All
    in prepared pixels, or all in those of the file."""
    rim = cell / 2
    beyond = np.concatenate([boxes[:, :2] < rim, boxes[:, 2:4] > np.array([width, height]) - rim], axis=1)
    return np.asarray(beyond.any(axis=1))


def _first_seen(boxes: Floats, overlap: float) -> npt.NDArray[np.bool_]:
    """Which boxes, the surest first, are no second sight of an earlier one."""
    kept = np.zeros(len(boxes), dtype=np.bool_)
    if not len(boxes):
        return kept
    shared = overlaps(boxes, boxes)
    for index in range(len(boxes)):
        kept[index] = not (shared[index, :index][kept[:index]] > overlap).any()
    return kept
