import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.imaging.geometry import Length, Orientation, length
from desktop.records import FileHeader, Modality, Photometric, Picture, Spacing, SpacingSource

sizes = st.tuples(st.integers(1, 9), st.integers(1, 9))
orientations = st.builds(Orientation, st.integers(-5, 9), st.booleans())
coordinates = st.floats(-50, 50, allow_nan=False)
points = st.tuples(coordinates, coordinates)


def numbered(rows: int, columns: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return np.arange(rows * columns).reshape(rows, columns)


@given(orientations, sizes)
def test_a_pixel_and_its_point_go_to_the_same_place(orientation: Orientation, size: tuple[int, int]) -> None:
    rows, columns = size
    picture = numbered(rows, columns)
    view = orientation.apply(picture)
    assert view.shape == orientation.view_size(rows, columns)
    for row in range(rows):
        for column in range(columns):
            x, y = orientation.to_view((column, row), rows, columns)
            assert view[int(y), int(x)] == picture[row, column]


@given(orientations, sizes, points)
def test_to_view_and_back_is_nothing(
    orientation: Orientation, size: tuple[int, int], point: tuple[float, float]
) -> None:
    there = orientation.to_view(point, *size)
    assert orientation.to_picture(there, *size) == pytest.approx(point, abs=1e-9)
    back = orientation.to_picture(point, *size)
    assert orientation.to_view(back, *size) == pytest.approx(point, abs=1e-9)


@given(orientations, sizes, st.integers(-5, 9))
def test_turning_the_orientation_turns_the_view(orientation: Orientation, size: tuple[int, int], quarters: int) -> None:
    picture = numbered(*size)
    assert np.array_equal(orientation.turned(quarters).apply(picture), np.rot90(orientation.apply(picture), -quarters))


@given(orientations, sizes)
def test_flipping_the_orientation_flips_the_view(orientation: Orientation, size: tuple[int, int]) -> None:
    picture = numbered(*size)
    view = orientation.apply(picture)
    assert np.array_equal(orientation.flipped_horizontally().apply(picture), view[:, ::-1])
    assert np.array_equal(orientation.flipped_vertically().apply(picture), view[::-1])


@given(orientations, sizes, points, points)
def test_distances_do_not_change(
    orientation: Orientation, size: tuple[int, int], p: tuple[float, float], q: tuple[float, float]
) -> None:
    assert math.dist(orientation.to_view(p, *size), orientation.to_view(q, *size)) == pytest.approx(
        math.dist(p, q), abs=1e-9
    )


def test_there_are_eight_orientations() -> None:
    picture = numbered(2, 3)
    ways = [Orientation(quarters, mirrored) for quarters in range(4) for mirrored in (False, True)]
    assert len({(way.view_size(2, 3), way.apply(picture).tobytes()) for way in ways}) == 8
    assert Orientation(5) == Orientation(1) == Orientation(-3)


def test_one_turn_is_clockwise() -> None:
    assert Orientation(1).apply(np.array([[1, 2], [3, 4]])).tolist() == [[3, 1], [4, 2]]


def test_colour_keeps_its_channels() -> None:
    assert Orientation(1, True).apply(np.zeros((2, 5, 3))).shape == (5, 2, 3)


class TestLength:
    def picture(self, spacing: Spacing | None) -> Picture:
        pixels = np.zeros((10, 10), np.uint16)
        return Picture(pixels, Photometric.MONOCHROME2, FileHeader(modality=Modality.CR), bits=16, spacing=spacing)

    def test_is_in_pixels_where_the_file_says_nothing(self) -> None:
        assert length(self.picture(None), (0, 0), (3, 4)) == Length(5.0, "px", None)

    def test_is_in_millimetres_with_their_source(self) -> None:
        spacing = Spacing(0.1, 0.1, SpacingSource.IMAGER_PIXEL_SPACING)
        found = length(self.picture(spacing), (1, 1), (4, 5))
        assert found.value == pytest.approx(0.5)
        assert (found.unit, found.source) == ("mm", SpacingSource.IMAGER_PIXEL_SPACING)

    def test_minds_pixels_that_are_not_square(self) -> None:
        spacing = Spacing(row_mm=2.0, column_mm=0.5, source=SpacingSource.PIXEL_SPACING)
        assert length(self.picture(spacing), (0, 0), (4, 0)).value == pytest.approx(2.0)
        assert length(self.picture(spacing), (0, 0), (0, 4)).value == pytest.approx(8.0)

    @given(points, points)
    def test_is_the_same_both_ways(self, p: tuple[float, float], q: tuple[float, float]) -> None:
        picture = self.picture(Spacing(0.2, 0.3, SpacingSource.MANUAL))
        assert length(picture, p, q) == length(picture, q, p)
