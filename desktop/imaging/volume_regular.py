"""A pile of slices that leans or whose spacing varies, as a regular grid.

Slices are moved within their own plane and blended with their neighbour, in one pass, one slice of working memory.
Where a moved slice has nothing to give the result is OUTSIDE, never a value.
"""

import math

import numpy as np

from desktop.imaging.volume import OUTSIDE, Floats, Vector, VolumeGrid, as_vector
from desktop.imaging.volume_stack import SlicePlace, Stack
from desktop.records.picture import Array


def regular_shape(stack: Stack, place: SlicePlace) -> tuple[int, int, int]:
    """Slices, rows and columns of the grid `fill_regular` needs."""
    length = stack.offsets[-1] - stack.offsets[0]
    slices = math.floor(length / stack.step + 1e-6) + 1
    (before_c, after_c), (before_r, after_r) = _margins(stack, place)
    return slices, place.rows + before_r + after_r, place.columns + before_c + after_c


def regular_grid(stack: Stack, place: SlicePlace) -> VolumeGrid:
    """Where that grid lies. place: of the slice with the least offset."""
    (before_c, _), (before_r, _) = _margins(stack, place)
    row, column, normal = (_unit(v) for v in (place.along_row, place.along_column, stack.normal))
    column = _unit(np.cross(normal, row))
    origin = np.array(place.position) - before_c * place.column_mm * row - before_r * place.row_mm * column
    return VolumeGrid(
        as_vector(origin),
        as_vector(normal * stack.step),
        as_vector(column * place.row_mm),
        as_vector(row * place.column_mm),
    )


def moved(stack: Stack, place: SlicePlace, along: float) -> tuple[float, float]:
    """Pixels to the right and down by which a slice is moved in that grid. along: millimetres from the first slice."""
    (before_c, _), (before_r, _) = _margins(stack, place)
    return before_c + stack.shear[0] * along / place.column_mm, before_r + stack.shear[1] * along / place.row_mm


def fill_regular(slices: Array, stack: Stack, place: SlicePlace, out: Array) -> None:
    """Resample ordered slices (count, rows, columns) into `out`, of `regular_shape`; both int16 or float32.

    Linear in all three directions; a place is OUTSIDE where any voxel that has a say in it is.
    """
    offsets = np.array(stack.offsets) - stack.offsets[0]
    for index in range(len(out)):
        along = index * stack.step
        upper = int(np.clip(np.searchsorted(offsets, along - 1e-6), 1, len(offsets) - 1))
        weight = float(np.clip((along - offsets[upper - 1]) / (offsets[upper] - offsets[upper - 1]), 0.0, 1.0))
        total = np.zeros(out.shape[1:], np.float32)
        missing = np.zeros(out.shape[1:], np.bool_)
        for number, share in ((upper - 1, 1.0 - weight), (upper, weight)):
            if share < 1e-6:
                continue
            right, down = moved(stack, place, float(offsets[number]))
            _add_moved(slices[number], down, right, share, total, missing)
        if out.dtype == np.int16:
            np.rint(total, out=total)
        out[index] = total
        out[index][missing] = OUTSIDE


def _margins(stack: Stack, place: SlicePlace) -> tuple[tuple[int, int], tuple[int, int]]:
    """How many columns before and after, and rows before and after, moved slices need."""
    length = stack.offsets[-1] - stack.offsets[0]
    found = []
    for lean, spacing in zip(stack.shear, (place.column_mm, place.row_mm), strict=True):
        away = lean * length / spacing
        found.append((math.ceil(max(0.0, -away) - 1e-6), math.ceil(max(0.0, away) - 1e-6)))
    return found[0], found[1]


def _add_moved(picture: Array, down: float, right: float, share: float, total: Array, missing: Array) -> None:
    """Add a slice, moved down and right by pixels, to a larger picture; where it has nothing `missing` is set."""
    rows, columns = picture.shape
    covered = np.zeros(total.shape, np.float32)
    values = picture.astype(np.float32)
    there = picture != OUTSIDE
    whole_d, whole_r = math.floor(down + 1e-6), math.floor(right + 1e-6)
    part_d, part_r = max(0.0, down - whole_d), max(0.0, right - whole_r)
    for step_d, weight_d in ((0, 1.0 - part_d), (1, part_d)):
        for step_r, weight_r in ((0, 1.0 - part_r), (1, part_r)):
            weight = weight_d * weight_r
            if weight < 1e-6:
                continue
            top, left = whole_d + step_d, whole_r + step_r
            high, wide = min(rows, total.shape[0] - top), min(columns, total.shape[1] - left)
            target = np.s_[top : top + high, left : left + wide]
            total[target] += values[:high, :wide] * np.float32(weight * share)
            covered[target] += there[:high, :wide] * np.float32(weight)
    missing |= covered < 1.0 - 1e-4


def _unit(vector: Vector | Floats) -> Floats:
    unit: Floats = np.asarray(vector, dtype=np.float64) / np.linalg.norm(vector)
    return unit
