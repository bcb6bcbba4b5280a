"""What somebody draws on in a volume: pixels of a slice's own file, and planes that are no file's."""

from dataclasses import replace

import numpy as np
import pytest

from desktop.imaging.frame_run import FramePlace
from desktop.imaging.geometry import Orientation
from desktop.imaging.measure import length, scale_at
from desktop.imaging.measure_region import ValueUnit, point_value
from desktop.imaging.orientation import View, plane_of
from desktop.imaging.slab import THIN, Slab, SlabMode
from desktop.imaging.slice_ground import (
    Ground,
    Nearest,
    at_picture,
    lying,
    on_plane,
    on_slice,
    picture_near,
    plane_picture,
    printed,
)
from desktop.imaging.volume import Volume
from desktop.imaging.volume_series import SliceOrigin
from desktop.records import InstanceId, SpacingSource, VoiWindow
from tests.imaging.volume_phantom import MARKERS, grid_around, phantom

PLACE = FramePlace(InstanceId("one"))
PICTURES = tuple(SliceOrigin(f"1.2.{number}", 1, 41, 41, float(number)) for number in range(41))
HEAD_FIRST = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
PRONE = ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0))


def volume(row: tuple[float, float, float], column: tuple[float, float, float]) -> Volume:
    return replace(phantom(grid_around(row, column)), unit="HU", intercept=-1000.0)


@pytest.mark.parametrize(("row", "column"), [HEAD_FIRST, PRONE, ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0))])
def test_a_place_in_the_patient_is_the_pixel_of_the_file_that_shows_it(
    row: tuple[float, float, float], column: tuple[float, float, float]
) -> None:
    block = volume(row, column)
    left, value = MARKERS["L"]
    found = picture_near(block, left, PICTURES)
    assert found is not None
    assert found.alone
    ground = on_slice(block, PICTURES[found.number], PLACE)
    x, y = ground.to_picture(left)
    assert block.voxels[found.number, round(y), round(x)] == value
    assert ground.to_patient((x, y)) == pytest.approx(left)


def test_a_slice_that_was_moved_keeps_its_own_pixels() -> None:
    block = volume(*HEAD_FIRST)
    still = on_slice(block, PICTURES[20], PLACE)
    moved = on_slice(block, SliceOrigin("1.2", 1, 39, 38, 20.0, right=2.5, down=1.25), PLACE)
    x, y = still.to_picture((4.0, 6.0, 0.0))
    assert moved.to_picture((4.0, 6.0, 0.0)) == pytest.approx((x - 2.5, y - 1.25))
    assert moved.clamped((60.0, -4.0)) == (37.5, -0.5)


def test_between_two_pictures_is_on_neither_and_nearer_to_one() -> None:
    block = volume(*HEAD_FIRST)
    assert picture_near(block, (0.0, 0.0, 0.8), PICTURES) == Nearest(20, alone=False, near=True)
    assert picture_near(block, (0.0, 0.0, 2.0), PICTURES) == Nearest(21, alone=True, near=True)
    assert picture_near(block, (0.0, 0.0, 900.0), PICTURES) == Nearest(40, alone=False, near=False)
    between = SliceOrigin("1.2", 1, 41, 41, at=20.4)
    sparse = (None, between, SliceOrigin("1.3", 1, 41, 41, at=24.0))
    assert picture_near(block, (3.0, 0.0, 0.0), sparse) == Nearest(1, alone=False, near=True)
    assert picture_near(block, (3.0, 0.0, 4.0), sparse) == Nearest(1, alone=False, near=False)
    moved = at_picture(block, (3.0, 5.0, 4.0), between)
    assert moved == pytest.approx((3.0, 5.0, 0.8))
    assert picture_near(block, moved, sparse) == Nearest(1, alone=True, near=True)
    assert picture_near(block, moved, ()) is None


def test_a_plane_across_the_slices_measures_what_is_there_and_says_that_its_scale_is_the_voxels() -> None:
    block = volume(*HEAD_FIRST)
    plane = plane_of(View.CORONAL, block.grid, (0.0, 0.0, 0.0))
    ground = on_plane(block, plane, THIN, 0)
    picture = plane_picture(block, plane, THIN)
    assert (picture.rows, picture.columns) == (ground.rows, ground.columns)
    head, feet = (ground.to_picture(MARKERS[letter][0]) for letter in "HF")
    found = length(scale_at(picture, (head, feet)), head, feet)
    assert found.value == pytest.approx(60.0)
    assert found.source is SpacingSource.VOXELS
    value = point_value(picture, head)
    assert value is not None
    assert (value.value, value.unit) == (600.0 - 1000.0, ValueUnit.HOUNSFIELD)


def test_a_plane_is_the_same_wherever_in_it_the_cross_stands_and_another_one_beside_it() -> None:
    block = volume(*HEAD_FIRST)

    def through(x: float, y: float, z: float, slab: Slab = THIN) -> Ground:
        return on_plane(block, plane_of(View.CORONAL, block.grid, (x, y, z)), slab, 0)

    here = through(0.0, 0.0, 0.0)
    assert here.same(through(13.7, 0.0, -8.1))
    assert not here.same(through(0.0, 2.0, 0.0))
    assert not here.same(through(0.0, 0.0, 0.0, Slab(SlabMode.MAXIMUM, 10.0)))


@pytest.mark.parametrize(
    ("directions", "wanted"), [(HEAD_FIRST, Orientation()), (PRONE, Orientation(2)), (((-1, 0, 0), (0, 1, 0)), None)]
)
def test_how_a_slice_is_turned_to_lie_as_the_viewer_has_it(
    directions: tuple[tuple[float, float, float], tuple[float, float, float]], wanted: Orientation | None
) -> None:
    assert lying(volume(*directions)) == (wanted or Orientation(0, mirrored=True))


def test_paper_shows_the_slice_as_the_viewer_and_finds_its_pixels() -> None:
    block = volume(*PRONE)
    left, value = MARKERS["L"]
    found = picture_near(block, left, PICTURES)
    assert found is not None
    single = block.slab_of(found.number)
    page = printed(single, VoiWindow(value - 1000.0, 10.0))
    index = block.grid.to_index(left)
    x, y = page.placed((float(index[2]), float(index[1])))
    assert page.light[round(y), round(x)] > 100
    assert x > page.light.shape[1] / 2, "the patient's left is at the right, prone or not"
    assert np.count_nonzero(page.light) < page.light.size / 10
