"""The turning view: what is bright is seen from every side, where it lies."""

import numpy as np
import pytest

from desktop.imaging.orientation import View, true_plane
from desktop.imaging.volume import Volume, VolumeGrid
from desktop.imaging.volume_turn import coarse, frame_around, seen
from tests.imaging.volume_phantom import MARKERS, grid_around, phantom

GRID = grid_around((1, 0, 0), (0, 1, 0))


@pytest.mark.parametrize("angles", [(0.0, 0.0), (30.0, 0.0), (125.0, -40.0)])
def test_markers_are_seen_where_they_lie_from_every_side(angles: tuple[float, float]) -> None:
    volume = phantom(GRID)
    plane = true_plane(View.CORONAL, (0.0, 0.0, 0.0)).turned((0.0, 0.0, 1.0), angles[0])
    plane = plane.turned(plane.right, angles[1])
    frame = frame_around(volume, plane)
    view = seen(volume, frame)
    place, value = MARKERS["L"]  # the brightest: nothing can hide it
    x, y = frame.to_picture(place)
    assert view.values[round(y), round(x)] == value
    assert view.values.max() == value
    brightest = np.argwhere(view.values == value)
    assert np.abs(brightest.mean(axis=0) - (y, x)).max() < 1.0


def test_the_view_is_the_maximum_along_an_axis() -> None:
    random = np.random.default_rng(1).integers(0, 1000, (19, 19, 19)).astype(np.int16)
    volume = Volume(random, VolumeGrid((0.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)))
    frame = frame_around(volume, true_plane(View.AXIAL, (0.0, 0.0, 0.0)))
    view = seen(volume, frame)
    x, y = (round(part) for part in frame.to_picture((0.0, 0.0, 9.0)))
    assert np.array_equal(view.values[y : y + 19, x : x + 19], random.max(axis=0))
    assert view.inside is not None
    assert view.inside[y : y + 19, x : x + 19].all()
    assert not view.inside[0].any()


def test_a_coarse_copy_keeps_what_is_bright_and_its_place() -> None:
    voxels = np.zeros((50, 333, 201), np.int16)
    voxels[37, 301, 11] = 900
    volume = Volume(voxels, VolumeGrid((5.0, -7.0, 2.0), (0.0, 0.0, 3.0), (0.0, 0.5, 0.0), (0.5, 0.0, 0.0)))
    small = coarse(volume, 64)
    assert max(small.shape) <= 64
    assert small.voxels.max() == 900
    found = small.grid.to_patient(np.argwhere(small.voxels == 900)[0])
    assert np.abs(found - volume.grid.to_patient((37, 301, 11))).max() <= 0.5 * max(small.grid.spacing)
    assert coarse(volume, 400) is volume
    inverted = coarse(Volume(1000 - voxels, volume.grid, inverted=True), 64)
    assert inverted.voxels.min() == 100
