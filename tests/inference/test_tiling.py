"""Tiles cover a picture, hold every thing whole that is not too large, and give each thing back once."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.inference.tiling import Tile, joined, tiles_of

Floats = npt.NDArray[np.float64]

SIDES = st.tuples(st.integers(1, 400), st.integers(1, 400), st.integers(2, 150), st.integers(2, 150), st.floats(0, 0.7))
RARELY = 0.3
"""A network sees a thing of which so much is left in a tile."""


def cut(sides: tuple[int, int, int, int, float]) -> tuple[tuple[Tile, ...], int]:
    rows, columns, height, width, share = sides
    overlap = min(int(share * min(height, width)), min(height, width) - 1)
    return tiles_of(rows, columns, height, width, overlap), overlap


@given(SIDES)
def test_tiles_cover_the_picture_and_stay_in_it(sides: tuple[int, int, int, int, float]) -> None:
    rows, columns, height, width, _ = sides
    tiles, _ = cut(sides)
    seen = np.zeros((rows, columns), bool)
    for tile in tiles:
        assert 0 <= tile.left < tile.right <= columns
        assert 0 <= tile.top < tile.bottom <= rows
        assert (tile.bottom - tile.top, tile.right - tile.left) == (min(rows, height), min(columns, width))
        seen[tile.top : tile.bottom, tile.left : tile.right] = True
    assert seen.all()


@given(SIDES, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_thing_is_whole_in_the_one_tile_that_its_middle_belongs_to(
    sides: tuple[int, int, int, int, float], x: float, y: float, wide: float, high: float
) -> None:
    rows, columns, *_ = sides
    tiles, overlap = cut(sides)
    wide, high = wide * min(overlap, columns), high * min(overlap, rows)
    left, top = x * (columns - wide), y * (rows - high)
    middle = (left + wide / 2, top + high / 2)
    (own,) = [tile for tile in tiles if all(tile.own[at] <= middle[at] < tile.own[at + 2] for at in (0, 1))]
    assert own.left <= left + 1e-6
    assert own.top <= top + 1e-6
    assert left + wide <= own.right + 1e-6
    assert top + high <= own.bottom + 1e-6


@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 10_000))
def test_every_thing_comes_back_once_and_within_a_pixel(down: int, across: int, seed: int) -> None:
    """Things are up to the overlap large; each tile sees what of them lies in it, half a pixel off, and cut."""
    random = np.random.default_rng(seed)
    rows, columns, overlap = 100 * down, 140 * across, 48
    tiles = tiles_of(rows, columns, 100, 140, overlap)
    things = scattered(random, rows, columns, overlap)
    found = [seen_in(tile, things, random) for tile in tiles]
    together = joined(found, tiles, 0.45)
    assert len(together) == len(things)
    assert (np.diff(together[:, 5]) <= 0).all()
    for thing in things:
        off = np.abs(together[:, :4] - thing[:4]).max(axis=1)
        assert off.min() <= 1.0
        assert together[off.argmin(), 4] == thing[4]
    assert np.array_equal(together, joined(found, tiles, 0.45))


def scattered(random: np.random.Generator, rows: int, columns: int, largest: int) -> Floats:
    """Things (n, 6) of two kinds that do not touch."""
    things = np.empty((0, 6))
    for _ in range(60):
        size = random.uniform(8, largest, 2)
        corner = random.uniform(0, 1, 2) * ([columns, rows] - size)
        thing = np.array([*corner, *(corner + size), random.integers(2), random.uniform(0.1, 0.9)])
        apart = (things[:, :2] > thing[2:4] + 1).any(axis=1) | (things[:, 2:4] < thing[:2] - 1).any(axis=1)
        if apart.all():
            things = np.concatenate([things, thing[None]])
    return things


def seen_in(tile: Tile, things: Floats, random: np.random.Generator) -> Floats:
    place = np.array([tile.left, tile.top, tile.right, tile.bottom], float)
    cut = np.clip(things[:, :4], np.tile(place[:2], 2), np.tile(place[2:], 2))
    left = np.prod(cut[:, 2:] - cut[:, :2], axis=1) / np.prod(things[:, 2:4] - things[:, :2], axis=1)
    seen = np.concatenate([cut + random.uniform(-0.5, 0.5, cut.shape), things[:, 4:]], axis=1)
    # Each look is as sure as it happens to be: a cut thing may seem surer than a whole one.
    seen[:, 5] = random.uniform(0.05, 0.95, len(seen))
    return np.asarray(seen[left > RARELY])


def test_where_tiles_overlap_only_the_one_a_place_belongs_to_is_asked() -> None:
    tiles = tiles_of(100, 250, 100, 150, 50)
    assert [(tile.left, tile.own[0], tile.own[2]) for tile in tiles] == [(0, -np.inf, 125.0), (100, 125.0, np.inf)]
    there = np.array([[104.0, 40, 114, 50, 0, 0.9]])
    nothing = np.empty((0, 6))
    assert len(joined([there, nothing], tiles, 0.45)) == 1
    assert len(joined([nothing, there], tiles, 0.45)) == 0
    # A middle a little beyond the seam is no reason to lose a thing that the other tile missed.
    near = there + np.array([22.0, 0, 22, 0, 0, 0])
    assert len(joined([near, nothing], tiles, 0.45)) == 0
    assert len(joined([near - np.array([5.0, 0, 5, 0, 0, 0]), nothing], tiles, 0.45)) == 1
    assert len(joined([near - np.array([5.0, 0, 5, 0, 0, 0]), near], tiles, 0.2)) == 1


def test_what_one_tile_sees_is_left_as_it_is() -> None:
    tiles = tiles_of(100, 100, 100, 150, 50)
    (tile,) = tiles
    assert (tile.right, tile.bottom) == (100, 100)
    nested = np.array([[10.0, 10, 60, 60, 0, 0.9, 0.3], [12, 12, 60, 60, 0, 0.8, 0.7]])
    assert np.array_equal(joined([nested], tiles, 0.45), nested)
    assert joined([nested[:0]], tiles, 0.45).shape == (0, 7)


@pytest.mark.parametrize("sides", [(0, 10, 5, 5, 1), (10, 10, 5, 5, 5), (10, 10, 5, 5, -1), (10, 10, 0, 5, 0)])
def test_tiles_that_could_not_be_are_refused(sides: tuple[int, int, int, int, int]) -> None:
    with pytest.raises(ValueError):
        tiles_of(*sides)
