"""A whole volume seen from any side: the brightest value along each line of sight (maximum intensity projection).

Made of a coarser copy, in which each voxel is the brightest of those it stands for, so that nothing bright is lost and
a view takes a fraction of a second on a small PC.
"""

from collections.abc import Callable

import numpy as np

from desktop.imaging.orientation import Plane
from desktop.imaging.reslice import Cut, Frame
from desktop.imaging.volume import OUTSIDE, Floats, Volume, VolumeGrid, as_vector
from desktop.records.picture import Array

COARSE_SIDE, DRAFT_SIDE = 112, 64
"""Most voxels along an edge of the copy: to look at, and while it is turned."""

Check = Callable[[], None]


def coarse(volume: Volume, side: int, check: Check = lambda: None) -> Volume:
    """A copy of at most `side` voxels along each edge, the brightest of each block (the darkest of a MONOCHROME1
    volume, where low values are bright); the volume itself where it is no larger."""
    steps = [max(1, -(-size // side)) for size in volume.shape]
    if max(steps) == 1:
        return volume
    gather = np.minimum if volume.inverted else np.maximum
    voxels: Array = volume.voxels
    for axis, step in enumerate(steps):
        check()
        if step > 1:
            voxels = _blocks(voxels, axis, step, gather)
    grid = volume.grid
    # A block's middle is its place; the last one of an edge may be smaller, by less than a coarse voxel.
    origin = grid.to_patient([(step - 1) / 2 for step in steps])
    through, down, across = (grid.steps[:, axis] * steps[axis] for axis in range(3))
    placed = VolumeGrid(as_vector(origin), as_vector(through), as_vector(down), as_vector(across))
    return Volume(voxels, placed, volume.slope, volume.intercept, volume.unit, volume.padded, volume.inverted)


def _blocks(voxels: Array, axis: int, step: int, gather: np.ufunc) -> Array:
    """Every `step` voxels along an axis as one; what is left over at the end is one, too."""
    ahead = np.moveaxis(voxels, axis, 0)
    out = ahead[::step].copy()
    for number in range(1, step):
        part = ahead[number::step]
        gather(out[: len(part)], part, out=out[: len(part)])
    return np.moveaxis(out, 0, axis)


def frame_around(volume: Volume, plane: Plane) -> Frame:
    """The raster of a view that holds the volume whichever way it is turned, its middle in the middle."""
    lengths = np.array(volume.grid.spacing) * volume.shape
    pixel = float(min(volume.grid.spacing))
    side = max(1, round(float(np.linalg.norm(lengths)) / pixel))
    middle = volume.grid.to_patient([(size - 1) / 2 for size in volume.shape])
    away = (side - 1) / 2 * pixel
    corner = middle - away * np.array(plane.right) - away * np.array(plane.down)
    return Frame(plane.through(as_vector(middle)), as_vector(corner), side, side, pixel)


def seen(volume: Volume, frame: Frame, check: Check = lambda: None) -> Cut:
    """The brightest stored value along each line of sight, (rows, columns), and where the line meets the volume."""
    from scipy import ndimage  # late: it would slow down every start of the window

    inverse = np.linalg.inv(volume.grid.steps)
    into = inverse @ np.array(frame.plane.normal) * frame.pixel_mm
    down = inverse @ np.array(frame.plane.down) * frame.pixel_mm
    right = inverse @ np.array(frame.plane.right) * frame.pixel_mm
    lowest = np.float32(volume.voxels.max() if volume.inverted else volume.voxels.min())
    outside = np.float32(OUTSIDE) if volume.padded else lowest
    gather = np.minimum if volume.inverted else np.maximum
    depth = frame.rows
    start: Floats = volume.grid.to_index(frame.origin) - into * (depth - 1) / 2
    values = np.full((frame.rows, frame.columns), outside, np.float32)
    matrix = np.stack([into, down, right], axis=1)
    for layer in range(0, depth, _AT_ONCE):
        check()
        count = min(_AT_ONCE, depth - layer)
        part = ndimage.affine_transform(
            volume.voxels,
            matrix,
            offset=start + into * layer,
            output_shape=(count, frame.rows, frame.columns),
            output=np.float32,
            order=0,
            mode="constant",
            cval=float(outside),
            prefilter=False,
        )
        values = gather(values, gather.reduce(part, axis=0))
    return Cut(values, _met(volume, frame, start, into, down, right, depth))


def _met(
    volume: Volume, frame: Frame, start: Floats, into: Floats, down: Floats, right: Floats, depth: int
) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    """Where a line of sight passes through the block: the stretch of it within all three pairs of faces."""
    ys, xs = np.arange(frame.rows)[:, None], np.arange(frame.columns)[None]
    near, far = np.zeros((frame.rows, frame.columns)), np.full((frame.rows, frame.columns), float(depth - 1))
    for axis, size in enumerate(volume.shape):
        base = start[axis] + down[axis] * ys + right[axis] * xs
        if abs(into[axis]) < 1e-9:
            far[(base < -0.5) | (base > size - 0.5)] = -1.0
            continue
        ends = (-0.5 - base) / into[axis], (size - 0.5 - base) / into[axis]
        near, far = np.maximum(near, np.minimum(*ends)), np.minimum(far, np.maximum(*ends))
    met: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = far >= near
    return met


_AT_ONCE = 16
