"""Painting in volumes against discs and balls of known size."""

from itertools import product

import numpy as np
import pytest

from desktop.imaging.orientation import Plane, View, plane_of
from desktop.imaging.reslice import frame_of
from desktop.imaging.volume import Volume, VolumeGrid
from desktop.imaging.volume_labels import Brush, LabelVolume, Packed, cut_labels, lit, unpacked_bits

SPACING = (2.0, 0.5, 1.0)
SHAPE = (30, 80, 60)
GRID = VolumeGrid((-30.0, -20.0, 5.0), (0.0, 0.0, 2.0), (0.0, 0.5, 0.0), (1.0, 0.0, 0.0))
MIDDLE = (0.0, 0.0, 35.0)
AXIAL, CORONAL, SAGITTAL = (plane_of(view, GRID, MIDDLE) for view in (View.AXIAL, View.CORONAL, View.SAGITTAL))


@pytest.fixture
def painted() -> LabelVolume:
    return LabelVolume(GRID, SHAPE)


@pytest.mark.parametrize(("plane", "axis", "thick"), [(AXIAL, 0, 2.0), (CORONAL, 1, 0.5), (SAGITTAL, 2, 1.0)])
def test_a_disc_lies_in_the_plane_looked_at_and_has_its_area(
    painted: LabelVolume, plane: Plane, axis: int, thick: float
) -> None:
    painted.begin()
    assert painted.paint(plane, MIDDLE, MIDDLE, Brush(1, 9.0))
    there = np.argwhere(painted.labels == 1)
    assert np.ptp(there[:, axis]) == 0
    assert painted.millilitres(1) == pytest.approx(np.pi * 81 * thick / 1000, rel=0.03)
    assert painted.labels[tuple(np.rint(GRID.to_index(MIDDLE)).astype(int))] == 1


def test_a_ball_has_its_volume(painted: LabelVolume) -> None:
    assert painted.paint(AXIAL, MIDDLE, MIDDLE, Brush(2, 12.0, ball=True))
    assert painted.millilitres(2) == pytest.approx(4 / 3 * np.pi * 12**3 / 1000, rel=0.02)
    assert painted.millilitres(2) == painted.count(2) * 2.0 * 0.5 * 1.0 / 1000


def test_a_stroke_leaves_no_holes(painted: LabelVolume) -> None:
    assert painted.paint(AXIAL, (-20.0, -10.0, 35.0), (20.0, 10.0, 35.0), Brush(1, 2.0))
    length = np.hypot(40, 20)
    assert painted.millilitres(1) == pytest.approx((length * 4 + np.pi * 4) * 2 / 1000, rel=0.04)


def test_an_oblique_stroke_lies_on_its_plane(painted: LabelVolume) -> None:
    plane = CORONAL.turned((0.0, 0.0, 1.0), 40.0)
    assert painted.paint(plane, MIDDLE, MIDDLE, Brush(1, 10.0))
    away = GRID.to_patient(np.argwhere(painted.labels == 1)) - np.array(MIDDLE)
    assert np.abs(away @ np.array(plane.normal)).max() <= 1.0 + 1e-6
    assert np.linalg.norm(away, axis=1).max() <= np.hypot(10.0, 1.0) + 1e-6


def test_the_smallest_brush_paints_one_voxel_even_of_a_click_between_two(painted: LabelVolume) -> None:
    assert painted.paint(AXIAL, MIDDLE, MIDDLE, Brush(1, 0.01))
    assert 1 <= painted.count(1) <= 3
    off = LabelVolume(GRID, SHAPE)
    between = (0.0, 0.0, 36.0)  # as far from one slice as from the next
    assert off.paint(AXIAL.through(between), between, between, Brush(1, 5.0))
    assert len(np.unique(np.argwhere(off.labels)[:, 0])) == 1


def test_rubbing_out_and_taking_back(painted: LabelVolume) -> None:
    brush = Brush(1, 8.0)
    states = [painted.labels.copy()]
    for start, label in ((-10.0, 1), (0.0, 2), (5.0, 0)):
        painted.begin()
        for step in range(4):
            point = (start + step, 0.0, 35.0)
            painted.paint(AXIAL, point, (start + step + 1, 0.0, 35.0), Brush(label, brush.radius))
        states.append(painted.labels.copy())
    for before in reversed(states[:-1]):
        assert painted.undo()
        assert np.array_equal(painted.labels, before)
        assert [painted.count(label) for label in (1, 2)] == [int((before == label).sum()) for label in (1, 2)]
    assert not painted.undo()
    for after in states[1:]:
        assert painted.redo()
        assert np.array_equal(painted.labels, after)
    assert not painted.may_redo
    painted.begin()
    assert not painted.paint(AXIAL, (500.0, 0.0, 35.0), (500.0, 0.0, 35.0), brush)
    assert painted.undo()  # a stroke beside the volume is none
    assert np.array_equal(painted.labels, states[-2])


def test_a_label_is_cleared_as_one_stroke(painted: LabelVolume) -> None:
    painted.paint(AXIAL, MIDDLE, MIDDLE, Brush(1, 8.0))
    painted.begin()
    painted.paint(CORONAL, MIDDLE, MIDDLE, Brush(2, 8.0))
    both = painted.labels.copy()
    assert painted.clear(1)
    assert (painted.count(1), painted.count(2)) == (0, int((both == 2).sum()))
    assert painted.undo()
    assert np.array_equal(painted.labels, both)
    assert not painted.clear(7)


def test_what_is_kept_comes_back(painted: LabelVolume) -> None:
    painted.paint(AXIAL, MIDDLE, MIDDLE, Brush(1, 8.0))
    painted.paint(CORONAL, (5.0, 3.0, 20.0), (9.0, 3.0, 30.0), Brush(2, 4.0))
    again = LabelVolume(GRID, SHAPE)
    for label in (1, 2, 3):
        packed = painted.pack(label)
        again.unpack(label, packed)
        assert packed.voxels == painted.count(label)
    assert np.array_equal(again.labels, painted.labels)
    assert [again.count(label) for label in (1, 2, 3)] == [painted.count(label) for label in (1, 2, 3)]
    one = painted.pack(1)
    for spoilt in (one.bits[:-6], b"", one.bits[:4] + b"\x55" + one.bits[5:]):
        with pytest.raises(ValueError, match="voxels"):
            LabelVolume(GRID, SHAPE).unpack(1, Packed(one.box, spoilt, one.voxels))
    assert unpacked_bits(one.box, one.bits).sum() == one.voxels


def test_the_raster_shows_the_nearest_voxel_in_every_plane(painted: LabelVolume) -> None:
    rng = np.random.default_rng(3)
    painted.labels[...] = rng.integers(0, 4, SHAPE)
    volume = Volume(painted.labels.astype(np.int16), GRID)
    oblique = AXIAL.turned((1.0, 0.0, 0.0), 25.0)
    for plane in (AXIAL, CORONAL, SAGITTAL, oblique):
        frame = frame_of(volume, plane)
        found = cut_labels(painted.labels, GRID, frame)
        for row, column in product(range(0, frame.rows, 9), range(0, frame.columns, 7)):
            index = GRID.to_index(frame.to_patient(column, row))
            if np.abs(index - np.floor(index) - 0.5).min() < 1e-3:
                continue  # as near to one voxel as to another
            value = volume.value_at(frame.to_patient(column, row))
            assert found[row, column] == (0 if value is None else value)


def test_light_is_premultiplied() -> None:
    labels = np.array([[0, 1], [2, 0]], np.uint8)
    light = lit(labels, {1: (200, 100, 0), 2: (0, 0, 255)}, 0.5)
    assert light is not None
    assert light[0, 1].tolist() == [100, 50, 0, 128]
    assert light[1, 0].tolist() == [0, 0, 128, 128]
    assert light[0, 0].tolist() == [0, 0, 0, 0]
    assert lit(labels, {}, 0.0) is None
    assert lit(np.zeros((2, 2), np.uint8), {1: (1, 2, 3)}, 1.0) is None
