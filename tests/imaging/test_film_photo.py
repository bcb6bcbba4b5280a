"""A film photographed on a light box: corners found, proportions told, laid flat; against scenes with known answers."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.imaging.film_photo import (
    FilmFormat,
    Straightening,
    flat_size,
    flatten,
    inset_corners,
    is_convex,
    width_by_height,
)
from desktop.imaging.film_photo_corners import find_corners
from desktop.records import FileHeader, Modality, Photometric, Picture
from desktop.records.picture import Array
from tests.imaging.film_scene import Scene, outline, photographed

SCENES = (
    Scene(),
    Scene(pitch=14, yaw=-9, roll=5, seed=2),
    Scene(pitch=-12, yaw=15, roll=-4, focal=1.1, seed=3),
    Scene(yaw=18, box=190, noise=5, seed=4),
    Scene(pitch=10, covered=True, room=90, seed=5),
)


def drawn_film(rows: int = 500, columns: int = 400) -> Array:
    """A bright shape on a dark ground, lighter at its left so that mirroring and turning show."""
    down, across = np.mgrid[0:rows, 0:columns]
    film = 30 + 150 * np.exp(-(((down - 200) / 160) ** 2 + ((across - 130) / 90) ** 2))
    film[20:60, 20:60] = 250
    made: Array = film.astype(np.uint8)
    return made


def apart(found: object, true: Array) -> float:
    return float(np.hypot(*(np.array(found) - true).T).max())


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_the_corners_of_a_drawn_film_are_found(scene: Scene) -> None:
    photo, true = photographed(drawn_film(), scene, 0.8)
    found = find_corners(photo)
    assert found is not None
    assert apart(found, true) < 0.01 * photo.columns


@pytest.mark.data
def test_the_corners_of_real_films_before_a_drawn_light_box_are_found(shared_data: Path) -> None:
    files = sorted((shared_data / "cxr" / "kermany_full" / "images").iterdir())[:2]
    rng = np.random.default_rng(7)
    for number, file in enumerate(files):
        film = np.asarray(Image.open(file).convert("L"))
        askew = Scene(pitch=float(rng.uniform(-15, 15)), yaw=float(rng.uniform(-15, 15)), seed=number, part=0.65)
        photo, true = photographed(film, askew, film.shape[1] / film.shape[0])
        found = find_corners(photo)
        assert found is not None, file.name
        assert apart(found, true) < 0.01 * photo.columns, file.name


def test_a_wall_has_no_corners() -> None:
    rng = np.random.default_rng(1)
    wall = rng.normal(128, 3, (300, 400, 3)).clip(0, 255).astype(np.uint8)
    assert find_corners(Picture(wall, Photometric.RGB, FileHeader(Modality.PHOTO))) is None


@pytest.mark.parametrize("true", [0.75, 35 / 43, 1.0, 4 / 3])
@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_perspective_tells_the_proportions(scene: Scene, true: float) -> None:
    a, b, c, d = ((float(x), float(y)) for x, y in outline(scene, true))
    assert width_by_height((a, b, c, d), scene.rows, scene.columns) == pytest.approx(true, rel=0.02)


def test_a_chosen_format_overrules_what_is_seen() -> None:
    lying = ((0.0, 0.0), (400.0, 0.0), (400.0, 300.0), (0.0, 300.0))
    standing = ((0.0, 0.0), (300.0, 0.0), (300.0, 400.0), (0.0, 400.0))
    assert width_by_height(lying, 500, 500, FilmFormat.CM_35_43) == pytest.approx(43 / 35)
    assert width_by_height(standing, 500, 500, FilmFormat.CM_35_43) == pytest.approx(35 / 43)
    assert flat_size(standing, 500, 500, FilmFormat.CM_35_35) == (400, 400)


def test_the_flat_film_is_the_film() -> None:
    film = drawn_film()
    scene = Scene(pitch=14, yaw=-9, roll=5, noise=0, rows=1200, columns=1600)
    photo, corners = photographed(film, scene, 0.8)
    a, b, c, d = ((float(x), float(y)) for x, y in corners)
    flat = flatten(photo, Straightening((a, b, c, d)))
    again = np.asarray(Image.fromarray(flat).resize((400, 500), Image.Resampling.BOX), np.float64)
    expected = film.astype(np.float64)
    inner = (slice(10, -10), slice(10, -10))
    assert flat.ndim == 2
    assert np.corrcoef(again[inner].ravel(), expected[inner].ravel())[0, 1] > 0.99
    # Where the bright square begins: two pixels of 400 at most, a half per cent.
    assert abs(int(np.argmax(again[40] > 120)) - 20) <= 2
    assert abs(int(np.argmax(again[:, 40] > 120)) - 20) <= 2


def test_turning_hangs_the_film_a_quarter_further() -> None:
    photo, corners = photographed(drawn_film(), Scene(noise=0), 0.8)
    a, b, c, d = ((float(x), float(y)) for x, y in corners)
    upright = Straightening((a, b, c, d), FilmFormat.SEEN, grey=False)
    straight, turned = flatten(photo, upright), flatten(photo, upright.turned())
    assert straight.shape[2] == 3
    assert turned.shape[:2] == pytest.approx(straight.shape[1::-1], abs=1)
    expected = np.rot90(straight, -1)[: turned.shape[0], : turned.shape[1]].astype(float)
    assert np.abs(turned[: expected.shape[0], : expected.shape[1]] - expected).mean() < 3


def test_a_preview_is_the_same_film_smaller() -> None:
    photo, corners = photographed(drawn_film(), Scene(pitch=8, noise=0, rows=1200, columns=1600), 0.8)
    a, b, c, d = ((float(x), float(y)) for x, y in corners)
    whole, small = (flatten(photo, Straightening((a, b, c, d)), longest) for longest in (4096, 300))
    assert max(small.shape) == 300
    shrunk = np.asarray(Image.fromarray(whole).resize(small.shape[::-1], Image.Resampling.BOX), float)
    assert np.abs(shrunk - small).mean() < 3


def test_corners_that_cross_or_fall_together_are_none() -> None:
    a, b, c, d = inset_corners(300, 400)
    assert is_convex((a, b, c, d))
    assert not is_convex((a, c, b, d))
    assert not is_convex((a, a, c, d))
    assert not is_convex((d, c, b, a))
    with pytest.raises(ValueError):
        Straightening((a, c, b, d))
