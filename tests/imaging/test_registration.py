"""Registration on phantoms whose motion is known: how far off it is, when it refuses, and that it can be stopped."""

import numpy as np
import numpy.typing as npt
import pytest

from desktop.errors import Cancelled
from desktop.imaging.orientation import turned
from desktop.imaging.registration import (
    Registration,
    RegistrationProblem,
    Rigid,
    centred,
    correlation_ratio,
    register_volumes,
)
from desktop.imaging.registration_difference import difference_volume, usual_width
from desktop.imaging.volume import OUTSIDE, Vector, Volume, VolumeGrid, as_vector
from desktop.jobs import Job

SIDE, STEP = 36, 4.0
LARGEST_ERROR_MM = 1.0
"""Between where a place of the phantom really lies and where registration puts it; voxels measure 4 mm."""
ORGANS = (
    ((20.0, 10.0, 15.0), 14.0, 60),
    ((-25.0, -12.0, -18.0), 10.0, 300),
    ((5.0, -25.0, 22.0), 9.0, -700),
    ((-12.0, 22.0, -5.0), 12.0, 700),
    ((18.0, -8.0, -30.0), 11.0, 150),
)
"""Middle (LPS mm), radius (mm) and HU of what lies in the body."""


def grid(origin: Vector = (-70.0, -70.0, -70.0), step: float = STEP) -> VolumeGrid:
    return VolumeGrid(origin, (0.0, 0.0, step), (0.0, step, 0.0), (step, 0.0, 0.0))


def body(motion: Rigid, seed: int, extra: tuple[Vector, float, int] | None = None) -> Volume:
    """A body of no symmetry that was moved: what lay at p lies at motion(p)."""
    made = grid()
    index = np.stack(np.meshgrid(*(np.arange(SIDE),) * 3, indexing="ij"), axis=-1)
    points = motion.inverse.moved(made.to_patient(index))
    values = np.full((SIDE,) * 3, -1000.0)
    values[np.linalg.norm(points / (46.0, 34.0, 52.0), axis=-1) < 1] = 20.0
    for middle, radius, hounsfield in (*ORGANS, *((extra,) if extra is not None else ())):
        values[np.linalg.norm(points - np.array(middle), axis=-1) < radius] = hounsfield
    noise = np.random.default_rng(seed).normal(0, 12, values.shape)
    voxels: npt.NDArray[np.int16] = (values + noise).astype(np.int16)
    return Volume(voxels, made, unit="HU")


def motion_of(axis: Vector, degrees: float, shift: Vector) -> Rigid:
    columns = np.array([turned(as_vector(unit), axis, degrees) for unit in np.eye(3)]).T
    first, second, third = (as_vector(row) for row in columns)
    return Rigid((first, second, third), shift)


MOVED = motion_of((0.6, 0.0, 0.8), 6.0, (10.0, -8.0, 14.0))


@pytest.fixture(scope="module")
def now() -> Volume:
    return body(Rigid(), 1)


@pytest.fixture(scope="module")
def before() -> Volume:
    return body(MOVED, 2)


@pytest.fixture(scope="module")
def found(now: Volume, before: Volume) -> Registration:
    return register_volumes(now, before, Job())


def test_a_known_motion_is_found(found: Registration) -> None:
    assert found.problem is None
    places = np.array([middle for middle, _, _ in ORGANS])
    errors = np.linalg.norm(found.motion.moved(places) - MOVED.moved(places), axis=-1)
    assert errors.max() < LARGEST_ERROR_MM
    assert found.motion.degrees == pytest.approx(6.0, abs=1.0)
    assert found.apart_mm < LARGEST_ERROR_MM
    assert found.agreement > 0.8
    assert found.overlap > 0.6


def test_another_body_part_is_refused(now: Volume) -> None:
    noise = np.random.default_rng(3).permutation(now.voxels[:16, :16, :16].ravel()).reshape(16, 16, 16)
    refused = register_volumes(Volume(noise, now.grid, unit="HU"), now, Job())
    assert refused.problem in (RegistrationProblem.UNLIKE, RegistrationProblem.NOT_CONVERGED)


def test_it_can_be_stopped_in_the_middle(now: Volume, before: Volume) -> None:
    class Impatient(Job):
        def report(self, key: str, done: int = 0, total: int = 0) -> None:
            if done > 6:
                self.cancel()
            super().report(key, done, total)

    with pytest.raises(Cancelled):
        register_volumes(now, before, Impatient())


def test_a_motion_and_its_way_back() -> None:
    places = np.random.default_rng(0).normal(0, 50, (20, 3))
    assert np.allclose(MOVED.inverse.moved(MOVED.moved(places)), places)
    assert MOVED.inverse.degrees == pytest.approx(6.0)
    with pytest.raises(ValueError, match="turns and moves"):
        Rigid(((2.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))


def test_middles_are_what_one_goes_by_at_first(now: Volume) -> None:
    other = Volume(now.voxels, grid((30.0, 0.0, -10.0)), unit="HU")
    assert centred(now, other).shift == pytest.approx((100.0, 70.0, 60.0))


def test_the_correlation_ratio_knows_what_depends_on_what() -> None:
    values = np.linspace(-1, 1, 4000)
    assert correlation_ratio(values, values**2) > 0.99
    assert correlation_ratio(values, -values) > 0.99
    assert correlation_ratio(values, np.random.default_rng(0).normal(size=4000)) < 0.2
    assert correlation_ratio(values, np.ones(4000)) == 0.0
    assert correlation_ratio(values[:50], values[:50]) == 0.0


def test_what_changed_is_what_was_added(before: Volume) -> None:
    lesion: tuple[Vector, float, int] = ((0.0, 0.0, 0.0), 12.0, 220)
    difference = difference_volume(body(Rigid(), 4, lesion), before, MOVED, Job())
    assert difference.unit == "HU"
    assert difference.padded
    assert usual_width(difference) == 400.0
    assert difference.value_at((0.0, 0.0, 0.0)) == pytest.approx(200.0, abs=45.0)
    points = difference.grid.to_patient(np.stack(np.meshgrid(*(np.arange(SIDE),) * 3, indexing="ij"), axis=-1))
    inner = np.linalg.norm(points / (46.0, 34.0, 52.0), axis=-1) < 0.8
    for middle, radius, _ in (*ORGANS, lesion):
        inner &= np.linalg.norm(points - np.array(middle), axis=-1) > radius + 6.0
    unchanged = difference.voxels[inner & (difference.voxels != OUTSIDE)]
    assert unchanged.size > 500
    assert abs(float(unchanged.mean())) < 3.0
    assert float(unchanged.std()) < 25.0


def test_beside_the_earlier_scan_nothing_is_claimed(now: Volume) -> None:
    half = Volume(np.ascontiguousarray(now.voxels[: SIDE // 2]), now.grid, unit="HU")
    difference = difference_volume(now, half, Rigid(), Job())
    assert (difference.voxels[SIDE // 2 + 1 :] == OUTSIDE).all()
    assert (difference.voxels[: SIDE // 2] == 0).all()


def test_signal_of_another_scale_is_brought_to_one(now: Volume) -> None:
    one = Volume(now.voxels, now.grid)
    other = Volume((now.voxels // 2 + 100).astype(np.int16), now.grid)
    difference = difference_volume(one, other, Rigid(), Job())
    assert np.abs(difference.voxels).max() <= 2


def test_a_large_scan_is_averaged() -> None:
    voxels = np.zeros((2, 600, 300), np.int16)
    voxels[:, ::3] = 30
    made = Volume(voxels, grid(step=1.0), unit="HU")
    empty = Volume(np.zeros_like(voxels), made.grid, unit="HU")
    difference = difference_volume(made, empty, Rigid(), Job())
    assert difference.shape == (2, 200, 150)
    assert difference.grid.spacing == pytest.approx((1.0, 3.0, 2.0))
    assert (difference.voxels == 10).all()
