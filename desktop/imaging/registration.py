"""Two scans of the same part of a person laid over each other: where a place of the one lies in the other.

Rigid: turned and moved, nothing stretched. Found by mutual information (Mattes) on coarse copies with SimpleITK, once
each way; how far the two answers are apart says whether they can be believed.
"""

import math
import os
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.errors import Cancelled
from desktop.imaging.volume import OUTSIDE, Floats, Vector, Volume, as_vector
from desktop.jobs import Job

COARSE_MM = 3.0
LONGEST = 96
"""Voxels along a side of what is compared: never finer than COARSE_MM, never more than this."""
LEAST_AGREEMENT = 0.6
LEAST_OVERLAP = 0.25
MOST_APART_MM = 5.0
MOST_DEGREES = 25.0
"""Nobody is laid into a scanner more askew than before; an answer that turns further is one gone astray."""
_BINS = 32
_SAMPLES = 30_000
_SEED = 20261121
_STEPS = 200
_LOWEST_HU, _HIGHEST_HU = -1000.0, 1200.0


class RegistrationProblem(StrEnum):
    """Why an answer is not to be believed."""

    NOT_CONVERGED = "not_converged"
    LITTLE_OVERLAP = "little_overlap"
    UNLIKE = "unlike"


@dataclass(frozen=True)
class Rigid:
    """From a place in one scan to the same place in another, both LPS millimetres: turned about the origin, then moved.

    rows: of the (3, 3) rotation.
    """

    rows: tuple[Vector, Vector, Vector] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    shift: Vector = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        turn = self.rotation
        if np.abs(turn @ turn.T - np.eye(3)).max() > 1e-6 or not np.isfinite(self.shift).all():
            raise ValueError("a rigid motion turns and moves")

    @property
    def rotation(self) -> Floats:
        """(3, 3)."""
        return np.array(self.rows, dtype=np.float64)

    def moved(self, points: npt.ArrayLike) -> Floats:
        """(…, 3) places of the one as (…, 3) places of the other."""
        places: Floats = np.asarray(points, dtype=np.float64) @ self.rotation.T + np.array(self.shift)
        return places

    def place(self, point: Vector) -> Vector:
        """One place of the other."""
        return as_vector(self.moved(point))

    @property
    def inverse(self) -> "Rigid":
        """The way back."""
        back = self.rotation.T
        return _rigid(back, -back @ np.array(self.shift))

    @property
    def degrees(self) -> float:
        """How far it turns."""
        cosine = (float(np.trace(self.rotation)) - 1) / 2
        return math.degrees(math.acos(min(max(cosine, -1.0), 1.0)))

    @classmethod
    def between(cls, here: Vector, there: Vector) -> "Rigid":
        """Moved so that one place falls on another, not turned."""
        return cls(shift=as_vector(np.array(there) - np.array(here)))


@dataclass(frozen=True)
class Registration:
    """How a scan lies over an earlier one.

    motion: from the scan to the earlier one. agreement: correlation ratio of the values where both overlap, 0 to 1 (how
    much of the one's variation the other's value explains, as a root: for scans of one kind never less than their
    correlation). overlap: share of the smaller scan that lies in the other one. apart_mm: mean distance between where
    a place comes from and where it is taken to when the search is done once each way. problem: why not to believe it.
    """

    motion: Rigid
    agreement: float
    overlap: float
    apart_mm: float
    problem: RegistrationProblem | None = None


def register_volumes(now: Volume, before: Volume, job: Job) -> Registration:
    """Lay a scan over an earlier one; takes seconds. job: told how far it is, and asked to stop. Raises Cancelled."""
    job.report("imaging.progress.registering", 0, 100)
    spacing = max(COARSE_MM, _longest(now) / LONGEST, _longest(before) / LONGEST)
    one, other = _coarse(now, spacing), _coarse(before, spacing)
    job.report("imaging.progress.registering", 5, 100)
    there = _search(one, other, job, (5, 50))
    back = _search(other, one, job, (50, 95))
    job.report("imaging.progress.registering", 95, 100)
    places = _places(now)
    apart = float(np.linalg.norm(back.moved(there.moved(places)) - places, axis=-1).mean())
    agreement, overlap = _agreement(one, other, there)
    problem = None
    if overlap < LEAST_OVERLAP:
        problem = RegistrationProblem.LITTLE_OVERLAP
    elif apart > MOST_APART_MM or there.degrees > MOST_DEGREES:
        problem = RegistrationProblem.NOT_CONVERGED
    elif agreement < LEAST_AGREEMENT:
        problem = RegistrationProblem.UNLIKE
    return Registration(there, agreement, overlap, apart, problem)


def centred(now: Volume, before: Volume) -> Rigid:
    """The middle of one scan on the middle of the other: what to go by until they are registered."""
    return Rigid.between(_centre(now), _centre(before))


def correlation_ratio(one: npt.ArrayLike, other: npt.ArrayLike, bins: int = 48) -> float:
    """How well the values of `one` tell those of `other`, 0 to 1: the root of the explained share of the variance.

    Both hold as many values; fewer than a hundred, or values that do not vary, say nothing: 0.
    """
    x, y = np.asarray(one, dtype=np.float64).ravel(), np.asarray(other, dtype=np.float64).ravel()
    total = float(y.var()) if y.size else 0.0
    if y.size < 100 or total < 1e-12:
        return 0.0
    low, high = float(x.min()), float(x.max())
    place = np.minimum(((x - low) / max(high - low, 1e-12) * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    means = np.bincount(place, weights=y, minlength=bins) / np.maximum(count, 1)
    between = float((count * (means - y.mean()) ** 2).sum()) / y.size
    return math.sqrt(min(between / total, 1.0))


# Inside


def _tools() -> Any:
    """SimpleITK, once it is needed: it takes a while to load, and half of it has types."""
    import SimpleITK

    return SimpleITK


def threads() -> int:
    """As many as there are cores but one, which the window needs."""
    return max((os.cpu_count() or 2) - 1, 1)


def _rigid(rotation: Floats, shift: npt.ArrayLike) -> Rigid:
    first, second, third = (as_vector(row) for row in rotation)
    return Rigid((first, second, third), as_vector(shift))


def _longest(volume: Volume) -> float:
    return max(size * step for size, step in zip(volume.shape, volume.grid.spacing, strict=True))


def _centre(volume: Volume) -> Vector:
    return as_vector(volume.grid.to_patient([(size - 1) / 2 for size in volume.shape]))


def _places(volume: Volume) -> Floats:
    """(125, 3): places spread over the middle half of a scan."""
    spread = np.stack(np.meshgrid(*(np.linspace(0.25, 0.75, 5),) * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return volume.grid.to_patient(spread * (np.array(volume.shape) - 1))


def _coarse(volume: Volume, spacing: float) -> Any:
    """A SimpleITK image, float32, of averages over blocks about as large as `spacing`; what was not scanned is air."""
    factors = [max(1, round(spacing / step)) for step in volume.grid.spacing]
    factors = [min(factor, max(1, size // 8)) for factor, size in zip(factors, volume.shape, strict=True)]
    whole = [size // factor * factor for size, factor in zip(volume.shape, factors, strict=True)]
    layers = []
    for start in range(0, whole[0], factors[0]):  # slice by slice: no copy of the whole scan in floats
        part = volume.voxels[start : start + factors[0], : whole[1], : whole[2]].astype(np.float32)
        if volume.padded:
            part = np.where(part == OUTSIDE, np.nan, part)
        blocks = part.reshape(factors[0], whole[1] // factors[1], factors[1], whole[2] // factors[2], factors[2])
        layers.append(blocks.mean(axis=(0, 2, 4)))
    values = np.stack(layers) * np.float32(volume.slope) + np.float32(volume.intercept)
    finite = values[np.isfinite(values)]
    if volume.unit == "HU":
        low, high = _LOWEST_HU, _HIGHEST_HU
    else:
        low, high = (float(v) for v in np.percentile(finite, (0.5, 99.5))) if finite.size else (0.0, 1.0)
    values = np.clip(np.where(np.isfinite(values), values, low), low, high).astype(np.float32)
    image = _tools().GetImageFromArray(values)
    first = volume.grid.to_patient([(factor - 1) / 2 for factor in factors])
    image.SetOrigin([float(x) for x in first])
    image.SetSpacing([step * factor for step, factor in zip(volume.grid.spacing, factors, strict=True)][::-1])
    image.SetDirection([float(x) for x in volume.grid.units[:, ::-1].ravel()])
    return image


def _method(tools: Any, fixed: Any) -> Any:
    method = tools.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(_BINS)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(min(max(_SAMPLES / fixed.GetNumberOfPixels(), 0.02), 1.0), _SEED)
    method.SetInterpolator(tools.sitkLinear)
    method.SetNumberOfThreads(threads())
    return method


def _starts(tools: Any, fixed: Any, moving: Any) -> list[Any]:
    """Where to begin: as the files say, middle on middle, mass on mass."""
    centred_by = tools.CenteredTransformInitializerFilter
    made = []
    for how in (centred_by.GEOMETRY, centred_by.MOMENTS):
        made.append(
            tools.Euler3DTransform(tools.CenteredTransformInitializer(fixed, moving, tools.Euler3DTransform(), how))
        )
    as_filed = tools.Euler3DTransform(made[0])
    as_filed.SetTranslation((0.0, 0.0, 0.0))
    return [as_filed, *made]


def _search(fixed: Any, moving: Any, job: Job, part: tuple[int, int]) -> Rigid:
    """The motion from `fixed` to `moving`. part: of a hundred, for the report."""
    tools = _tools()
    starts = []
    for start in _starts(tools, fixed, moving):
        job.check()
        method = _method(tools, fixed)
        method.SetInitialTransform(start)
        try:
            starts.append((float(method.MetricEvaluate(fixed, moving)), start))
        except RuntimeError:  # nothing of the one lies in the other
            continue
    if not starts:
        return Rigid()
    begin = min(starts, key=lambda found: found[0])[1]
    method = _method(tools, fixed)
    method.SetInitialTransform(begin, inPlace=False)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0,
        minStep=0.005,
        numberOfIterations=_STEPS,
        relaxationFactor=0.7,
        gradientMagnitudeTolerance=1e-6,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    if min(*fixed.GetSize(), *moving.GetSize()) >= 16:
        method.SetShrinkFactorsPerLevel([2, 1])
        method.SetSmoothingSigmasPerLevel([1.0, 0.0])
    follow(method, tools, job, part)
    try:
        found = method.Execute(fixed, moving)
    except RuntimeError:
        job.check()
        return _as_rigid(begin)
    job.check()
    return _as_rigid(found)


def follow(method: Any, tools: Any, job: Job, part: tuple[int, int]) -> None:
    """Let a registration tell how far it is, and stop when it is cancelled."""
    done = [0]

    def step() -> None:
        done[0] += 1
        share = 1 - math.exp(-done[0] / 60)
        try:
            job.report("imaging.progress.registering", round(part[0] + share * (part[1] - part[0])), 100)
        except Cancelled:
            method.StopRegistration()

    method.AddCommand(tools.sitkIterationEvent, step)


def _as_rigid(transform: Any) -> Rigid:
    """Any SimpleITK transform that turns and moves."""
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    axes = [np.array(transform.TransformPoint(tuple(axis))) - origin for axis in np.eye(3)]
    rotation = np.stack(axes, axis=1)
    left, _, right = np.linalg.svd(rotation)  # rounding errors of the angles go
    return _rigid(left @ right, origin)


def _agreement(one: Any, other: Any, motion: Rigid) -> tuple[float, float]:
    """Correlation ratio and overlap of two coarse images under a motion."""
    tools = _tools()
    transform = tools.AffineTransform(3)
    transform.SetMatrix([float(x) for x in motion.rotation.ravel()])
    transform.SetTranslation(list(motion.shift))
    values = tools.GetArrayFromImage(one)
    there = tools.GetArrayFromImage(
        tools.Resample(other, one, transform, tools.sitkLinear, math.nan, tools.sitkFloat32)
    )
    inside = np.isfinite(there)
    sizes = [float(np.prod(image.GetSpacing()) * np.prod(image.GetSize())) for image in (one, other)]
    overlap = float(inside.mean()) * sizes[0] / min(sizes)
    return correlation_ratio(there[inside], values[inside]), min(overlap, 1.0)
