"""What changed between two scans that were laid over each other: the later one minus the earlier one."""

import numpy as np
import numpy.typing as npt

from desktop.imaging.registration import Rigid
from desktop.imaging.volume import OUTSIDE, Floats, Vector, Volume, VolumeGrid, as_vector
from desktop.jobs import Job
from desktop.records.picture import Array

LONGEST = 256
"""Voxels along a side of the answer: neighbours are averaged beyond, which also takes most of the noise away."""
_MOST = 32000.0


def difference_volume(now: Volume, before: Volume, motion: Rigid, job: Job) -> Volume:
    """Now minus before, in the values' own unit, on the later scan's grid, int16; OUTSIDE where one of them was not
    scanned. motion: from the later to the earlier one.

    Hounsfield units are compared as they are. Values without a unit (MR) are first brought to one scale: the earlier
    ones get the mean and the spread of the later ones where both overlap. Raises Cancelled.
    """
    factors = [-(-size // LONGEST) for size in now.shape]
    step, start = _index_map(now, before, motion)
    layers = []
    gain, offset = (1.0, 0.0) if now.unit == before.unit == "HU" else _same_scale(now, before, step, start, job)
    whole = [size // factor * factor for size, factor in zip(now.shape, factors, strict=True)]
    for first in range(0, whole[0], factors[0]):
        job.report("imaging.progress.subtracting", first, whole[0])
        planes = []
        for number in range(first, first + factors[0]):
            planes.append(_values(now, number) - (_there(before, now, number, step, start) * gain + offset))
        block = np.stack(planes)[:, : whole[1], : whole[2]]
        shape = (factors[0], whole[1] // factors[1], factors[1], whole[2] // factors[2], factors[2])
        layers.append(block.reshape(shape).mean(axis=(0, 2, 4)))
    values = np.stack(layers)
    known = np.isfinite(values)
    voxels: npt.NDArray[np.int16] = np.full(values.shape, OUTSIDE, np.int16)
    voxels[known] = np.rint(np.clip(values[known], -_MOST, _MOST)).astype(np.int16)
    return Volume(voxels, _coarser(now.grid, factors), unit=now.unit, padded=True)


def usual_width(difference: Volume) -> float:
    """The width of a window about 0 that shows most of what changed: 400 for Hounsfield units, else from the values."""
    if difference.unit == "HU":
        return 400.0
    known = difference.voxels[difference.voxels != OUTSIDE]
    return max(2 * float(np.percentile(np.abs(known), 98)), 10.0) if known.size else 10.0


def _coarser(grid: VolumeGrid, factors: list[int]) -> VolumeGrid:
    origin = as_vector(grid.to_patient([(factor - 1) / 2 for factor in factors]))
    steps: tuple[Vector, Vector, Vector] = (grid.through, grid.down, grid.across)
    longer = [as_vector(np.array(step) * factor) for step, factor in zip(steps, factors, strict=True)]
    return VolumeGrid(origin, longer[0], longer[1], longer[2])


def _index_map(now: Volume, before: Volume, motion: Rigid) -> tuple[Floats, Floats]:
    """From indices of the later scan to indices of the earlier one: index @ step.T + start."""
    start = before.grid.to_index(motion.moved(now.grid.origin))
    step = np.linalg.inv(before.grid.steps) @ motion.rotation @ now.grid.steps
    return step, start


def _values(volume: Volume, number: int) -> npt.NDArray[np.float32]:
    """A slice's values as they are meant; NaN where nothing was scanned."""
    stored = volume.voxels[number].astype(np.float32)
    meant: npt.NDArray[np.float32] = stored * np.float32(volume.slope) + np.float32(volume.intercept)
    return np.where(stored == OUTSIDE, np.float32(np.nan), meant) if volume.padded else meant


def _there(before: Volume, now: Volume, number: int, step: Floats, start: Floats) -> npt.NDArray[np.float32]:
    """The earlier scan's values at the places of a slice of the later one; NaN beside it."""
    from scipy import ndimage  # late: it would slow down every start of the window

    rows, columns = now.shape[1:]
    at = start + step[:, 0] * number
    matrix = np.stack([np.zeros(3), step[:, 1], step[:, 2]], axis=1)
    stored: Array = ndimage.affine_transform(
        before.voxels,
        matrix,
        offset=at,
        output_shape=(1, rows, columns),
        output=np.float32,
        order=1,
        mode="nearest",
        prefilter=False,
    )[0]
    inside = np.ones(stored.shape, np.bool_)
    down, across = np.arange(rows, dtype=np.float32)[:, None], np.arange(columns, dtype=np.float32)[None]
    for axis, size in enumerate(before.shape):
        index = np.float32(at[axis]) + np.float32(step[axis, 1]) * down + np.float32(step[axis, 2]) * across
        inside &= (index >= -0.5) & (index <= size - 0.5)
    if before.padded:
        inside &= stored > OUTSIDE / 2
    meant = stored * np.float32(before.slope) + np.float32(before.intercept)
    return np.where(inside, meant, np.float32(np.nan)).astype(np.float32)


def _same_scale(now: Volume, before: Volume, step: Floats, start: Floats, job: Job) -> tuple[float, float]:
    """Gain and offset for the earlier scan's values, from a dozen slices."""
    pairs = []
    for number in np.unique(np.linspace(0, now.shape[0] - 1, 12).astype(int)):
        job.check()
        here, there = _values(now, int(number)), _there(before, now, int(number), step, start)
        both = np.isfinite(here) & np.isfinite(there)
        pairs.append(np.stack([here[both], there[both]]).astype(np.float64))
    values = np.concatenate(pairs, axis=1)
    if values.shape[1] < 100 or values[1].std() < 1e-9:
        return 1.0, 0.0
    gain = float(values[0].std() / values[1].std())
    return gain, float(values[0].mean() - gain * values[1].mean())
