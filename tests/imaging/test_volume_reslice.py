"""Cuts against SimpleITK's resampling, slabs against plain arithmetic, and geometry there and back."""

import math
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from desktop.imaging.orientation import Plane, View, plane_of
from desktop.imaging.reslice import Slicer, SliceRequest, cut, frame_of
from desktop.imaging.slab import THIN, Slab, SlabMode
from desktop.imaging.volume import OUTSIDE, Vector, Volume, VolumeGrid, as_vector
from desktop.records import VoiWindow
from desktop.records.picture import Array
from tests.imaging.volume_phantom import grid_around

SHAPE = (17, 40, 33)
LARGEST_DIFFERENCE = 0.02
"""Stored values, of a range of 4,000, between our oblique cuts and SimpleITK's; along the axes there is none above
rounding."""


def _noise(grid: VolumeGrid, shape: tuple[int, int, int] = SHAPE) -> Volume:
    generator = np.random.default_rng(7)
    return Volume(generator.integers(-1000, 3000, shape, dtype=np.int16), grid)


def _rotation(a: float, b: float, c: float) -> tuple[Vector, Vector]:
    """Row and column direction of a scan turned by three angles."""
    ca, sa, cb, sb, cc, sc = math.cos(a), math.sin(a), math.cos(b), math.sin(b), math.cos(c), math.sin(c)
    x = np.array([[1, 0, 0], [0, ca, -sa], [0, sa, ca]])
    y = np.array([[cb, 0, sb], [0, 1, 0], [-sb, 0, cb]])
    z = np.array([[cc, -sc, 0], [sc, cc, 0], [0, 0, 1]])
    whole = z @ y @ x
    return as_vector(whole[:, 0]), as_vector(whole[:, 1])


def _by_simpleitk(volume: Volume, plane: Plane) -> Array:
    frame = frame_of(volume, plane)
    tools: Any = sitk  # half of it has types
    image = tools.GetImageFromArray(volume.voxels.astype(np.float64))
    units, (through, down, across) = volume.grid.units, volume.grid.spacing
    image.SetOrigin(volume.grid.origin)
    image.SetSpacing((across, down, through))
    image.SetDirection(units[:, ::-1].ravel().tolist())
    direction = np.stack([frame.plane.right, frame.plane.down, frame.plane.normal], axis=1)
    reference = tools.Resample(
        image,
        (frame.columns, frame.rows, 1),
        tools.Transform(),
        sitk.sitkLinear,
        frame.origin,
        (frame.pixel_mm, frame.pixel_mm, 1.0),
        direction.ravel().tolist(),
        math.nan,
        sitk.sitkFloat64,
    )
    return np.asarray(tools.GetArrayFromImage(reference)[0])


@pytest.mark.parametrize("angles", [(0, 0, 0), (0.3, 0, 0), (0.2, -0.4, 0.5), (math.pi, 0, 0), (0, math.pi, 0.1)])
@pytest.mark.parametrize("view", View)
def test_planes_along_the_scan_are_as_simpleitk_has_them(angles: Vector, view: View) -> None:
    volume = _noise(grid_around(*_rotation(*angles), spacing=(2.5, 0.7, 0.7), shape=SHAPE))
    plane = plane_of(view, volume.grid, volume.middle)
    found = cut(volume, frame_of(volume, plane))
    expected = _by_simpleitk(volume, plane)
    assert found.inside is None
    inside = np.isfinite(expected)
    assert inside.mean() > 0.9
    assert np.abs(found.values - expected)[inside].max() < 2e-3


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.6, 0, 0.8)])
@pytest.mark.parametrize("degrees", [7.0, -33.0, 60.0])
def test_oblique_planes_are_as_simpleitk_has_them(axis: Vector, degrees: float) -> None:
    volume = _noise(grid_around(*_rotation(0.1, 0.2, -0.3), spacing=(2.5, 0.7, 0.9), shape=SHAPE))
    plane = plane_of(View.CORONAL, volume.grid, volume.middle).turned(axis, degrees)
    found = cut(volume, frame_of(volume, plane))
    expected = _by_simpleitk(volume, plane)
    both = np.isfinite(expected) & (found.inside if found.inside is not None else True)
    assert both.sum() > 200
    difference = float(np.abs(found.values - expected)[both].max())
    assert difference < LARGEST_DIFFERENCE
    assert np.array_equal(both, np.isfinite(expected))


_axis = st.tuples(*[st.floats(-3.1, 3.1)] * 3)
_spacing = st.tuples(*[st.floats(0.2, 9.0)] * 3)


@given(angles=_axis, spacing=_spacing, index=st.tuples(*[st.floats(-50, 600)] * 3))
def test_indices_there_and_back(angles: Vector, spacing: Vector, index: Vector) -> None:
    grid = grid_around(*_rotation(*angles), spacing=spacing)
    assert np.allclose(grid.to_index(grid.to_patient(index)), index, atol=1e-6)
    assert np.allclose(grid.spacing, spacing)


@given(angles=_axis, turn=st.floats(-180, 180), at=st.tuples(st.floats(-900, 900), st.floats(-900, 900)))
def test_picture_points_there_and_back(angles: Vector, turn: float, at: tuple[float, float]) -> None:
    volume = Volume(np.zeros((3, 4, 5), np.int16), grid_around(*_rotation(*angles), shape=(3, 4, 5)))
    plane = plane_of(View.SAGITTAL, volume.grid, volume.middle).turned((0, 0, 1), turn)
    frame = frame_of(volume, plane)
    point = frame.to_patient(*at)
    assert np.allclose(frame.to_picture(point), at, atol=1e-6)
    assert abs(frame.depth(point)) < 1e-6


@given(angles=_axis, view=st.sampled_from(View), turn=st.floats(-90, 90))
def test_the_raster_covers_the_volume(angles: Vector, view: View, turn: float) -> None:
    volume = Volume(np.zeros((5, 6, 7), np.int16), grid_around(*_rotation(*angles), shape=(5, 6, 7)))
    plane = plane_of(view, volume.grid, volume.middle).turned((0, 1, 0), turn)
    frame = frame_of(volume, plane)
    for corner in np.ndindex(2, 2, 2):
        place = as_vector(volume.grid.to_patient(np.array(corner) * (np.array(volume.shape) - 1)))
        x, y = frame.to_picture(place)
        assert -1 <= x <= frame.columns
        assert -1 <= y <= frame.rows


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("mode", SlabMode)
def test_slabs_are_what_they_say(view: View, mode: SlabMode) -> None:
    volume = _noise(grid_around((1, 0, 0), (0, 1, 0), spacing=(1.0, 1.0, 1.0), shape=SHAPE))
    plane = plane_of(view, volume.grid, volume.middle)
    found = cut(volume, frame_of(volume, plane), Slab(mode, 4.0)).values
    depth = {View.AXIAL: 0, View.CORONAL: 1, View.SAGITTAL: 2}[view]
    at = SHAPE[depth] // 2
    layers = np.moveaxis(volume.voxels, depth, 0)[at - 2 : at + 3]
    expected = {SlabMode.MEAN: layers.mean(0), SlabMode.MAXIMUM: layers.max(0), SlabMode.MINIMUM: layers.min(0)}[mode]
    if view is not View.AXIAL:
        expected = expected[::-1]  # feet at the bottom
    assert np.abs(found - expected).max() < 0.01


def test_an_oblique_slab_finds_the_brightest_on_its_way() -> None:
    volume = Volume(np.zeros((21, 21, 21), np.int16), grid_around((1, 0, 0), (0, 1, 0), (1, 1, 1), (21, 21, 21)))
    volume.voxels[14, 10, 10] = 1000
    plane = plane_of(View.AXIAL, volume.grid, volume.middle).turned((1, 0, 0), 20.0)
    frame = frame_of(volume, plane)
    assert cut(volume, frame).values.max() == 0
    assert cut(volume, frame, Slab(SlabMode.MAXIMUM, 12.0)).values.max() > 300
    assert cut(volume, frame, Slab(SlabMode.MINIMUM, 12.0)).values.max() == 0


def test_places_without_voxels_are_dark_and_count_in_no_slab() -> None:
    volume = Volume(
        np.full((5, 6, 7), 50, np.int16), grid_around((1, 0, 0), (0, 1, 0), (1, 1, 1), (5, 6, 7)), padded=True
    )
    volume.voxels[2, 0, :] = OUTSIDE
    volume.voxels[:, 5, :] = OUTSIDE
    plane = plane_of(View.AXIAL, volume.grid, volume.middle)
    window = VoiWindow(0.0, 200.0)
    thin = Slicer().render(SliceRequest(1, volume, plane, window))
    assert not thin.light[0].any()
    assert not thin.light[5].any()
    assert thin.light[1:5].all()
    for mode in SlabMode:
        thick = Slicer().render(SliceRequest(1, volume, plane, window, Slab(mode, 5.0)))
        assert (thick.light[:5] == thin.light[1, 0]).all()
        assert not thick.light[5].any()
    assert volume.value_at(as_vector(volume.grid.to_patient((2, 0, 3)))) is None
    assert volume.value_at(as_vector(volume.grid.to_patient((1, 0, 3)))) == 50


def test_light_follows_slope_window_and_inversion() -> None:
    voxels = np.array([[[0, 1000, 2000, 3000]]], np.int16)
    grid = VolumeGrid((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0))
    volume = Volume(voxels, grid, slope=2.0, intercept=-1000.0)
    plane = plane_of(View.AXIAL, grid, (0, 0, 0))
    window = VoiWindow(2000.0, 6000.0, function="LINEAR_EXACT")
    slicer = Slicer()
    assert slicer.render(SliceRequest(1, volume, plane, window)).light.tolist() == [[0, 85, 170, 255]]
    assert slicer.render(SliceRequest(2, volume, plane, window, inverted=True)).light.tolist() == [[255, 170, 85, 0]]
    floats = Volume(voxels.astype(np.float32), grid, slope=2.0, intercept=-1000.0)
    assert slicer.render(SliceRequest(3, floats, plane, window)).light.tolist() == [[0, 85, 170, 255]]


def test_a_draft_shows_the_same_in_coarser_pixels() -> None:
    ramp = np.broadcast_to(np.arange(64, dtype=np.int16)[:, None, None], (64, 64, 64))
    volume = Volume(np.ascontiguousarray(ramp), grid_around((1, 0, 0), (0, 1, 0), (1, 1, 1), (64, 64, 64)))
    plane = plane_of(View.CORONAL, volume.grid, volume.middle).turned((1, 0, 0), 10.0)
    window = VoiWindow(32.0, 64.0)
    fine = Slicer().render(SliceRequest(1, volume, plane, window, THIN))
    draft = Slicer().render(SliceRequest(2, volume, plane, window, THIN, draft=True))
    assert draft.frame.pixel_mm == 2 * fine.frame.pixel_mm
    assert draft.light.size < fine.light.size / 3
    rows, columns = draft.light.shape
    halved = fine.light[: rows // 2 * 4 : 2, ::2][:rows, :columns].astype(int)
    inner = np.s_[8 : rows - 8, 8 : columns - 8]
    assert np.abs(draft.light[: halved.shape[0]].astype(int) - halved)[inner].max() <= 6


@pytest.mark.parametrize("towards", [1.0, -1.0])
@pytest.mark.parametrize("spacing", [0.7, 0.72, 0.97, 1.25, 2.8, 3.3])
def test_slices_far_apart_are_blended_by_their_distance(spacing: float, towards: float) -> None:
    """However many rows a picture has for a slice, and where it has as many as there are slices."""
    volume = _noise(VolumeGrid((3.0, 2.0, 1.0), (0.0, 0.0, towards * spacing), (0.0, 0.7, 0.0), (0.7, 0.0, 0.0)))
    plane = plane_of(View.CORONAL, volume.grid, volume.middle)
    frame, found = frame_of(volume, plane), cut(volume, frame_of(volume, plane))
    row = round(float(volume.grid.to_index(plane.centre)[1]))
    places = [float(volume.grid.to_index(frame.to_patient(0, y))[0]) for y in range(frame.rows)]
    wanted = [np.interp(places, range(SHAPE[0]), volume.voxels[:, row, x]) for x in (0, 20, SHAPE[2] - 1)]
    columns = [round(float(frame.to_picture(as_vector(volume.grid.to_patient((0, row, x))))[0])) for x in (0, 20, 32)]
    assert np.abs(found.values[:, columns] - np.stack(wanted, axis=1)).max() < 0.01
