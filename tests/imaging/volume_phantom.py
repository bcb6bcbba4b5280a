"""An asymmetric phantom: a block in which every patient direction can be told from every other by its value.

The body is 100 everywhere; a marker of its own value lies at the patient's left, right, front, back, head and feet.
"""

import numpy as np
import numpy.typing as npt

from desktop.imaging.volume import Vector, Volume, VolumeGrid, as_vector

MARKERS: dict[str, tuple[Vector, int]] = {
    "L": ((30.0, 0.0, 0.0), 1000),
    "R": ((-30.0, 0.0, 0.0), 900),
    "P": ((0.0, 30.0, 0.0), 800),
    "A": ((0.0, -30.0, 0.0), 700),
    "H": ((0.0, 0.0, 30.0), 600),
    "F": ((0.0, 0.0, -30.0), 500),
}
"""LPS millimetres from the middle of the body, and the value of the marker there."""

BODY = 100
SIDE = 41


def grid_around(
    row: Vector, column: Vector, spacing: Vector = (2.0, 2.0, 2.0), shape: tuple[int, int, int] = (SIDE, SIDE, SIDE)
) -> VolumeGrid:
    """A grid whose middle is the origin of LPS. row, column: unit vectors to the next column and the next row.
    spacing: between slices, rows and columns."""
    across, down = np.array(row), np.array(column)
    steps = np.cross(across, down) * spacing[0], down * spacing[1], across * spacing[2]
    origin = -sum(step * (size - 1) / 2 for step, size in zip(steps, shape, strict=True))
    return VolumeGrid(as_vector(origin), *(as_vector(step) for step in steps))


def phantom(grid: VolumeGrid, shape: tuple[int, int, int] = (SIDE, SIDE, SIDE)) -> Volume:
    """The phantom as that grid sees it; markers are balls of 6 mm radius."""
    index = np.stack(np.meshgrid(*(np.arange(size) for size in shape), indexing="ij"), axis=-1)
    points = grid.to_patient(index)
    voxels: npt.NDArray[np.int16] = np.full(shape, BODY, np.int16)
    for place, value in MARKERS.values():
        voxels[np.linalg.norm(points - np.array(place), axis=-1) < 6.0] = value
    return Volume(voxels, grid)
