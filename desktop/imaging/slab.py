"""Several voxels thick: what a slab shows of the values that lie behind one another."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from desktop.imaging.volume import OUTSIDE
from desktop.records.picture import Array

Floats32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


class SlabMode(StrEnum):
    """How a slab becomes a picture: its average, its brightest or its darkest values."""

    MEAN = "mean"
    MAXIMUM = "mip"
    MINIMUM = "minip"


@dataclass(frozen=True)
class Slab:
    """thickness_mm: 0 is a thin slice."""

    mode: SlabMode = SlabMode.MEAN
    thickness_mm: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.thickness_mm <= 1000:
            raise ValueError("a slab is 0 to 1000 mm thick")


THIN = Slab()


def across(layers: Array, axis: int, mode: SlabMode, padded: bool) -> tuple[Array, Mask | None]:
    """Layers of a block as one: the values, and where there are any (None: everywhere).

    Places without a voxel take part in no average and no extreme.
    """
    if axis == layers.ndim - 1:
        layers = np.ascontiguousarray(layers)
    outside = layers == OUTSIDE if padded else None
    empty = outside.all(axis=axis) if outside is not None else None
    inside = None if empty is None or not empty.any() else ~empty
    if mode is SlabMode.MAXIMUM:  # OUTSIDE lies below every value
        return _extreme(np.maximum, layers, axis), inside
    if outside is None or not outside.any():
        return (_extreme(np.minimum, layers, axis) if mode is SlabMode.MINIMUM else _mean(layers, axis)), inside
    if mode is SlabMode.MINIMUM:
        return np.where(outside, np.iinfo(np.int16).max, layers).min(axis=axis), inside
    total = np.where(outside, 0, layers).sum(axis=axis, dtype=np.float32)
    return total / np.maximum((~outside).sum(axis=axis), 1).astype(np.float32), inside


def _extreme(of: np.ufunc, layers: Array, axis: int) -> Array:
    """The larger or smaller of the layers, one after the other: numpy is slow along a short last axis."""
    parts = np.moveaxis(layers, axis, 0)
    found = np.array(parts[0])
    for part in parts[1:]:
        of(found, part, out=found)
    return found


def _mean(layers: Array, axis: int) -> Array:
    mean: Array = layers.mean(axis=axis, dtype=np.float32)
    return mean


def gathered(samples: Iterator[tuple[Floats32, Mask]], mode: SlabMode) -> tuple[Floats32, Mask]:
    """Pictures of parallel planes as one, taken one at a time: values, and where any of them lies inside.

    Raises ValueError for none.
    """
    values: Floats32 | None = None
    count = np.zeros((), np.float32)
    for layer, inside in samples:
        empty = {SlabMode.MEAN: 0.0, SlabMode.MAXIMUM: -np.inf, SlabMode.MINIMUM: np.inf}[mode]
        layer = np.where(inside, layer, np.float32(empty))
        if values is None:
            values, count = layer, inside.astype(np.float32)
            continue
        if mode is SlabMode.MEAN:
            values += layer
        else:
            (np.maximum if mode is SlabMode.MAXIMUM else np.minimum)(values, layer, out=values)
        count += inside
    if values is None:
        raise ValueError("a slab has at least one layer")
    there = count > 0
    if mode is SlabMode.MEAN:
        values /= np.maximum(count, 1)
    return np.where(there, values, np.float32(0)), there
