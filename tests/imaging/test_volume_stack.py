"""Order and faults of a pile of slices, and resampling one that leans."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from desktop.imaging.volume import OUTSIDE, Floats, Vector, as_vector
from desktop.imaging.volume_regular import fill_regular, regular_grid, regular_shape
from desktop.imaging.volume_stack import SlicePlace, Stack, StackFinding, StackFindingKind, arrange


def _slice(z: float, *, number: int = 0, y: float = 0.0, thickness: float | None = 3.0) -> SlicePlace:
    return SlicePlace((0.0, y, z), (1, 0, 0), (0, 1, 0), 0.5, 0.5, 64, 48, thickness, (), number)


def _pile(*heights: float, thickness: float | None = 3.0) -> list[SlicePlace]:
    return [_slice(z, number=n, thickness=thickness) for n, z in enumerate(heights)]


def _kinds(stack: Stack) -> list[StackFindingKind]:
    return [finding.kind for finding in stack.findings]


@given(order=st.permutations(range(12)), step=st.floats(0.3, 9.0), start=st.floats(-900, 900))
def test_places_decide_the_order_whatever_the_numbers_say(order: Sequence[int], step: float, start: float) -> None:
    places = [_slice(start + index * step, number=number) for number, index in enumerate(order)]
    stack = arrange(places)
    assert [order[index] for index in stack.times[0]] == list(range(12))
    assert stack.solid
    assert stack.regular
    assert stack.step == pytest.approx(step)
    assert not stack.findings


@pytest.mark.parametrize(("along_row", "along_column"), [((-1, 0, 0), (0, 1, 0)), ((0, 1, 0), (0, 0, -1))])
def test_the_order_follows_the_slices_own_normal(along_row: Vector, along_column: Vector) -> None:
    normal = np.cross(along_row, along_column)
    places = [
        replace(_slice(0), position=as_vector(normal * away), along_row=along_row, along_column=along_column)
        for away in (4.0, -2.0, 1.0, -5.0)
    ]
    assert arrange(places).offsets == (-5.0, -2.0, 1.0, 4.0)


@pytest.mark.parametrize("lacking", [1, 4, 8])
@pytest.mark.parametrize("thickness", [3.0, 5.0, 1.5, None])
def test_a_missing_slice_is_a_gap_and_forbids_a_volume(lacking: int, thickness: float | None) -> None:
    heights = [3.0 * n for n in range(10) if n != lacking]
    stack = arrange(_pile(*heights, thickness=thickness))
    assert StackFinding(StackFindingKind.GAP, 1, 6.0, 3.0) in stack.findings
    assert not stack.solid


def test_two_missing_slices_beside_a_lone_one_are_two_gaps() -> None:
    stack = arrange(_pile(0, 3, 6, 9, 15, 21, 24, 27, 30))
    assert [(f.kind, f.count) for f in stack.findings] == [(StackFindingKind.GAP, 2)]


def test_a_change_from_thin_to_thick_slices_is_no_gap() -> None:
    thin = [_slice(4.0 * n, thickness=4.0) for n in range(6)]
    thick = [_slice(20.0 + 7.0 * n, thickness=7.0) for n in range(1, 6)]
    stack = arrange(thin + thick)
    assert stack.findings == (StackFinding(StackFindingKind.VARYING, 0, 4.0, 7.0),)
    assert stack.solid
    assert stack.step == pytest.approx(4.0)


def test_slices_stored_twice_are_named_and_used_once() -> None:
    stack = arrange([*_pile(0, 3, 6, 9), _slice(6.005, number=9)])
    assert stack.findings == (StackFinding(StackFindingKind.DUPLICATES, 1),)
    assert stack.times == ((0, 1, 2, 3),)


def test_as_many_slices_of_each_place_are_moments() -> None:
    places = [replace(_slice(3.0 * z), moment=(t,), number=z * 3 + t) for z in range(5) for t in (2, 0, 1)]
    stack = arrange(places)
    assert len(stack.times) == 3
    assert [places[index].moment for index in stack.times[1]] == [(1,)] * 5
    cut_short = arrange(places[:-1])
    assert (len(cut_short.times), _kinds(cut_short)) == (2, [StackFindingKind.INCOMPLETE])


def test_a_scout_picture_is_left_out_and_counted() -> None:
    scout = replace(_slice(0), along_column=(0.0, 0.0, -1.0))
    stack = arrange([scout, *_pile(0, 3, 6)])
    assert stack.findings == (StackFinding(StackFindingKind.OTHER_GEOMETRY, 1),)
    assert stack.times == ((1, 2, 3),)


def test_one_slice_is_no_volume() -> None:
    assert _kinds(arrange(_pile(5.0))) == [StackFindingKind.SINGLE]
    with pytest.raises(ValueError):
        arrange([])


def test_a_slice_beside_the_line_of_the_others_forbids_a_volume() -> None:
    places = [*_pile(0, 3, 6, 9, 12)]
    places[2] = replace(places[2], position=(7.0, 0.0, 6.0))
    stack = arrange(places)
    assert StackFindingKind.ASTRAY in _kinds(stack)
    assert not stack.solid


@pytest.mark.parametrize("degrees", [-25.0, -3.0, 0.5, 18.5])
def test_gantry_tilt_is_measured(degrees: float) -> None:
    stack = arrange(_tilted(degrees))
    assert _kinds(stack) == [StackFindingKind.TILT]
    assert stack.findings[0].low == pytest.approx(abs(degrees))
    assert stack.solid
    assert not stack.regular


def _tilted(degrees: float, count: int = 20, table: float = 4.0) -> list[SlicePlace]:
    """Slices as a tilted gantry makes them: the table moves along z, the slices lean."""
    angle = math.radians(degrees)
    column = (0.0, math.cos(angle), -math.sin(angle))
    return [
        SlicePlace((-20.0, -10.0, table * n), (1, 0, 0), column, 0.8, 0.8, 60, 50, table, (), n) for n in range(count)
    ]


@pytest.mark.parametrize("degrees", [-20.0, 18.5])
def test_a_leaning_pile_is_resampled_to_where_its_voxels_are(degrees: float) -> None:
    """A field that is linear in the patient's coordinates stays what it is at each place: linear resampling is exact
    for it, so whatever differs would be a voxel in the wrong place."""
    places = _tilted(degrees)
    stack = arrange(places)
    slices = np.empty((20, 60, 50), np.int16)
    for n, place in enumerate(places):
        slices[n] = np.rint(_field(_points(place)))
    out = np.empty(regular_shape(stack, places[0]), np.int16)
    fill_regular(slices, stack, places[0], out)
    grid = regular_grid(stack, places[0])
    index = np.stack(np.meshgrid(*(np.arange(size) for size in out.shape), indexing="ij"), axis=-1)
    known = out != OUTSIDE
    assert known.mean() > 0.5
    assert np.abs(out - _field(grid.to_patient(index)))[known].max() <= 1.01


def test_each_moved_slice_is_as_simpleitk_moves_it() -> None:
    places = _tilted(18.5)
    stack = arrange(places)
    slices = np.random.default_rng(3).integers(0, 4000, (20, 60, 50)).astype(np.float32)
    out = np.empty(regular_shape(stack, places[0]), np.float32)
    fill_regular(slices, stack, places[0], out)
    grid = regular_grid(stack, places[0])
    tools: Any = sitk  # half of it has types
    direction = np.stack([places[0].along_row, places[0].along_column, stack.normal], axis=1).ravel().tolist()
    for number, place in enumerate(places):
        image = tools.GetImageFromArray(slices[number : number + 1].astype(np.float64))
        image.SetOrigin(place.position)
        image.SetSpacing((place.column_mm, place.row_mm, 1.0))
        image.SetDirection(direction)
        origin = grid.to_patient((number, 0, 0)).tolist()
        size, spacing = (out.shape[2], out.shape[1], 1), (place.column_mm, place.row_mm, 1.0)
        moved = tools.Resample(
            image, size, tools.Transform(), tools.sitkLinear, origin, spacing, direction, math.nan, tools.sitkFloat64
        )
        expected = np.asarray(tools.GetArrayFromImage(moved))[0]
        both = np.isfinite(expected) & (out[number] != OUTSIDE)
        assert both.sum() > 2500
        assert np.abs(out[number] - expected)[both].max() < 0.05


def _points(place: SlicePlace) -> Floats:
    rows, columns = np.meshgrid(np.arange(place.rows), np.arange(place.columns), indexing="ij")
    inside = rows[..., None] * place.row_mm * np.array(place.along_column)
    inside = inside + columns[..., None] * place.column_mm * np.array(place.along_row)
    points: Floats = np.array(place.position) + inside
    return points


def _field(points: Floats) -> Floats:
    values: Floats = points @ np.array([7.0, 11.0, 5.0]) + 300
    return values
