"""Colour tables and scaling: what an eye may rely on."""

import numpy as np
import numpy.typing as npt
import pytest

from desktop.imaging.colour_tables import ColourTable, colours, decode_srgb, encode_srgb
from desktop.imaging.resample import codes_of, light_of, resample

HALF = np.array([[2.0, 0.0, 0.5], [0.0, 2.0, 0.5]])
"""Two picture pixels to one of the output."""


def lightness(table: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """CIE L* of each entry, worked out apart from OKLab."""
    linear = decode_srgb(table / 255)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.asarray(np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance))


@pytest.mark.parametrize("table", ColourTable)
def test_every_table_runs_from_black_to_white_and_never_back(table: ColourTable) -> None:
    made = colours(table)
    assert made.shape == (256, 3)
    assert made[0].tolist() == [0, 0, 0]
    assert made[255].tolist() == [255, 255, 255]
    light = lightness(made)
    # Rounding to 8 bits may cost a step of a deep shade a little; it never shows as a step back.
    assert np.diff(light).min() > -0.35
    assert np.diff(light[::4]).min() > 0


@pytest.mark.parametrize("table", [table for table in ColourTable if table is not ColourTable.GREY])
def test_equal_steps_look_alike(table: ColourTable) -> None:
    """Every eighth of the table has its eighth of the lightness, to a tenth: no false edges."""
    steps = np.diff(lightness(colours(table))[::32])
    assert steps.min() > 100 / 8 * 0.9
    assert steps.max() < 100 / 8 * 1.1


@pytest.mark.parametrize("table", [table for table in ColourTable if table is not ColourTable.GREY])
def test_a_coloured_table_has_colour(table: ColourTable) -> None:
    made = colours(table).astype(int)
    assert (made.max(axis=1) - made.min(axis=1))[64:192].min() > 25


def test_srgb_there_and_back() -> None:
    values = np.linspace(0, 1, 257)
    assert np.allclose(decode_srgb(encode_srgb(values)), values, atol=1e-7)
    codes = np.arange(256, dtype=np.uint8)
    assert codes_of(light_of(codes)).tolist() == codes.tolist()


def test_a_chequered_photograph_keeps_its_light_when_it_shrinks() -> None:
    """Half black, half white is sRGB 188, not 128: averaged as light, not as codes."""
    board = np.indices((64, 64)).sum(axis=0) % 2 * 255
    rgb = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    made, _ = resample(rgb, HALF, 32, 32, smooth=True)
    assert set(made.ravel().tolist()) == {188}


def test_a_chequered_film_keeps_its_mean_value() -> None:
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 4000).astype(np.uint16)
    made, off = resample(board, HALF, 32, 32, smooth=True)
    assert set(made.ravel().tolist()) == {2000}
    assert not off.any()


def test_exact_pixels_are_the_pixels() -> None:
    film = np.arange(16, dtype=np.uint16).reshape(4, 4)
    enlarged = np.array([[0.25, 0.0, -0.375], [0.0, 0.25, -0.375]])
    made, off = resample(film, enlarged, 16, 16, smooth=False)
    assert np.array_equal(made, np.repeat(np.repeat(film, 4, axis=0), 4, axis=1))
    assert not off.any()
    smooth, _ = resample(film, enlarged, 16, 16, smooth=True)
    assert len(np.unique(smooth)) > 16 / 2
    assert smooth.max() <= 15


@pytest.mark.parametrize("turned", [False, True])
def test_what_lies_off_the_picture_is_told(turned: bool) -> None:
    matrix = np.array([[0.0, 1.0, -2.0], [1.0, 0.0, -3.0]] if turned else [[1.0, 0.0, -2.0], [0.0, 1.0, -3.0]])
    _, off = resample(np.ones((4, 6), np.uint8), matrix, 12, 12, smooth=True)
    expected = np.ones((12, 12), bool)
    expected[(slice(2, 8), slice(3, 7)) if turned else (slice(3, 7), slice(2, 8))] = False
    assert np.array_equal(off, expected)


def test_padding_never_mixes_with_a_picture() -> None:
    film = np.full((8, 8), 100, np.uint16)
    film[:, 4:] = 60000
    matrix = np.array([[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]])
    made, _ = resample(film, matrix, 16, 16, smooth=True, padding=60000)
    assert set(made.ravel().tolist()) == {100, 60000}
