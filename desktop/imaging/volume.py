"""A block of voxels and where it lies in the patient.

Coordinates are LPS millimetres (PS3.3 C.7.6.2.1.1): x towards the patient's left, y towards the back, z towards the
head. Indices are (slice, row, column), voxel centres at integers, as numpy counts the array.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from desktop.records.picture import Array

Vector = tuple[float, float, float]
Floats = npt.NDArray[np.float64]

OUTSIDE = -32768
"""The stored int16 value of "no voxel here": beside the scanned field, or outside a slice that was moved."""

_PERPENDICULAR = 1e-3


@dataclass(frozen=True)
class VolumeGrid:
    """Where the voxels of a block lie: a regular grid, not sheared.

    origin: centre of voxel (0, 0, 0). through, down, across: to the next slice, the next row, the next column; LPS
    millimetres each, perpendicular to one another. Raises ValueError otherwise.
    """

    origin: Vector
    through: Vector
    down: Vector
    across: Vector

    def __post_init__(self) -> None:
        steps = self.steps
        if not (np.isfinite(steps).all() and np.isfinite(self.origin).all()):
            raise ValueError("a grid needs numbers")
        lengths = np.linalg.norm(steps, axis=0)
        if lengths.min() < 1e-6:
            raise ValueError("voxels have a size")
        units = steps / lengths
        if np.abs(units.T @ units - np.eye(3)).max() > _PERPENDICULAR:
            raise ValueError("a volume's axes are perpendicular")

    @cached_property
    def steps(self) -> Floats:
        """(3, 3): the columns are the steps to the next slice, row and column."""
        return _fixed(np.array([self.through, self.down, self.across], dtype=np.float64).T)

    @cached_property
    def units(self) -> Floats:
        """(3, 3): the directions of `steps`, each of length 1."""
        return _fixed(self.steps / np.linalg.norm(self.steps, axis=0))

    @cached_property
    def inverse(self) -> Floats:
        """(3, 3): from LPS millimetres to steps."""
        return _fixed(np.linalg.inv(self.steps))

    @cached_property
    def spacing(self) -> Vector:
        """Millimetres between slices, between rows and between columns."""
        between = np.linalg.norm(self.steps, axis=0)
        return float(between[0]), float(between[1]), float(between[2])

    def to_patient(self, index: npt.ArrayLike) -> Floats:
        """(…, 3) indices as (…, 3) LPS millimetres."""
        points: Floats = np.asarray(index, dtype=np.float64) @ self.steps.T + np.array(self.origin)
        return points

    def to_index(self, point: npt.ArrayLike) -> Floats:
        """(…, 3) LPS millimetres as (…, 3) indices, fractions included; the inverse of `to_patient`."""
        away = np.asarray(point, dtype=np.float64) - np.array(self.origin)
        found: Floats = away @ self.inverse.T
        return found


@dataclass(frozen=True, eq=False)
class Volume:
    """A block of voxels.

    voxels: (slices, rows, columns) int16 stored values, or float32 where a file's values need it. slope, intercept:
    stored value to the value meant, applied where a value is asked for and never to the whole block. unit: of the
    value meant, `HU` or empty. padded: whether OUTSIDE marks places without a voxel. inverted: low values are bright
    (MONOCHROME1).
    """

    voxels: Array
    grid: VolumeGrid
    slope: float = 1.0
    intercept: float = 0.0
    unit: str = ""
    padded: bool = False
    inverted: bool = False

    def __post_init__(self) -> None:
        if self.voxels.ndim != 3 or 0 in self.voxels.shape:
            raise ValueError("a volume has slices, rows and columns")
        if self.voxels.dtype not in (np.int16, np.float32):
            raise ValueError("voxels are int16 or float32")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        slices, rows, columns = self.voxels.shape
        return slices, rows, columns

    @cached_property
    def middle(self) -> Vector:
        """The voxel centre nearest to the middle of the block, in LPS millimetres."""
        x, y, z = self.grid.to_patient([size // 2 for size in self.shape])
        return float(x), float(y), float(z)

    def value_at(self, point: Vector) -> float | None:
        """The value meant of the voxel around an LPS point; None outside the block or where nothing was scanned."""
        index = np.floor(self.grid.to_index(point) + 0.5).astype(int)
        if (index < 0).any() or (index >= self.shape).any():
            return None
        stored = self.voxels[tuple(index)]
        if self.padded and stored == OUTSIDE:
            return None
        return float(stored) * self.slope + self.intercept

    def slab_of(self, index: int) -> "Volume":
        """One slice as a volume of its own; a view of the same memory."""
        x, y, z = self.grid.to_patient((index, 0, 0))
        grid = VolumeGrid((float(x), float(y), float(z)), self.grid.through, self.grid.down, self.grid.across)
        part = self.voxels[index : index + 1]
        return Volume(part, grid, self.slope, self.intercept, self.unit, self.padded, self.inverted)


def _fixed(matrix: npt.ArrayLike) -> Floats:
    """Kept for as long as the grid is, so nobody may write into it."""
    kept: Floats = np.asarray(matrix, dtype=np.float64)
    kept.flags.writeable = False
    return kept


def as_vector(values: npt.ArrayLike) -> Vector:
    """Three numbers as a plain tuple."""
    x, y, z = (float(value) for value in np.asarray(values, dtype=np.float64).reshape(3))
    return x, y, z
