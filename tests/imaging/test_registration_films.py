"""Films laid over earlier ones: a known motion, what changed, and when nothing is shown."""

import csv
import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from desktop.imaging.registration_films import (
    BRIGHTER,
    DARKER,
    FilmDifference,
    FilmMotion,
    FilmProblem,
    FilmRegistration,
    film_difference,
    not_comparable,
    register_films,
)
from desktop.jobs import Job
from desktop.records import FileHeader, Modality, Photometric, Picture

ROWS, COLUMNS = 300, 360
LARGEST_ERROR_PIXELS = 1.5
"""Of a film of 300 × 360 pixels."""
HEADER = FileHeader(modality=Modality.DX, body_part="CHEST", view_position="PA")
Pixels = npt.NDArray[np.uint8]


def drawn(seed: int = 0) -> Pixels:
    """A chest as a child would draw it: two dark lungs, a bright heart to one side, ribs."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float64)
    film = 150 + 20 * np.sin(y / 11)
    for middle in (110, 250):
        film[np.hypot((x - middle) / 55, (y - 140) / 95) < 1] -= 90
    film[np.hypot((x - 205) / 48, (y - 190) / 52) < 1] += 60
    film[abs(x - 180) < 10] += 30
    film[y > 260] += 30
    film += np.random.default_rng(seed).normal(0, 4, film.shape)
    return np.asarray(np.clip(film, 0, 255), np.uint8)


def film(pixels: Pixels, header: FileHeader = HEADER, photometric: Photometric = Photometric.MONOCHROME2) -> Picture:
    return Picture(pixels, photometric, header)


def moved(pixels: Pixels, motion: FilmMotion) -> Pixels:
    """The film whose place motion(p) shows what p of `pixels` shows."""
    size = (pixels.shape[1], pixels.shape[0])
    return np.asarray(cv2.warpAffine(pixels, motion.matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


MOTION = FilmMotion(1.06, math.radians(4.0), (-2.0, -18.0))


@pytest.fixture(scope="module")
def changed() -> FilmDifference:
    """A film with a white spot at (110, 150) and a dark one at (250, 100) that the earlier, moved one had not."""
    now = drawn(1).astype(np.int16)
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    now[np.hypot(x - 110, y - 150) < 14] += 90
    now[np.hypot(x - 250, y - 230) < 10] -= 70
    found = film_difference(film(np.clip(now, 0, 255).astype(np.uint8)), film(moved(drawn(2), MOTION)), Job())
    assert isinstance(found, FilmDifference)
    return found


def test_a_known_motion_is_found(changed: FilmDifference) -> None:
    motion = changed.registration.motion
    assert motion is not None
    places = np.array([[80.0, 80.0], [280.0, 80.0], [180.0, 150.0], [90.0, 240.0]])
    errors = np.linalg.norm(motion.moved(places) - MOTION.moved(places), axis=-1)
    assert errors.max() < LARGEST_ERROR_PIXELS
    assert motion.scale == pytest.approx(1.06, abs=0.01)
    assert math.degrees(motion.turn) == pytest.approx(4.0, abs=0.5)
    assert changed.registration.correlation > 0.9


def test_a_mirrored_film_is_warned_of_and_not_turned(changed: FilmDifference) -> None:
    assert not changed.registration.mirrored
    found = register_films(film(drawn(1)), film(np.ascontiguousarray(drawn(2)[:, ::-1])), Job())
    assert found.mirrored
    assert found.correlation < 0.95
    assert found.motion is not None


def test_what_changed_has_its_colour_and_nothing_else_has(changed: FilmDifference) -> None:
    pixels = changed.picture.pixels
    assert tuple(pixels[150, 110]) == BRIGHTER
    assert np.abs(pixels[230, 250].astype(int) - DARKER).max() < 60
    assert changed.values[150, 110] > 0.25
    assert changed.values[230, 250] < -0.2
    still = changed.values[100:140, 150:210]
    assert abs(float(np.nanmean(still))) < 0.03


def test_brightness_of_the_whole_film_is_no_change() -> None:
    dim = (drawn(2).astype(np.float64) * 0.7 + 20).astype(np.uint8)
    found = film_difference(film(drawn(1)), film(dim), Job())
    assert isinstance(found, FilmDifference)
    assert float(np.nanpercentile(np.abs(found.values), 95)) < 0.06


def test_monochrome1_is_turned() -> None:
    negative = film(np.asarray(255 - drawn(2), np.uint8), photometric=Photometric.MONOCHROME1)
    found = film_difference(film(drawn(1)), negative, Job())
    assert isinstance(found, FilmDifference)
    assert float(np.nanpercentile(np.abs(found.values), 95)) < 0.06


def test_another_size_of_the_same_film() -> None:
    large = np.asarray(cv2.resize(drawn(2), (COLUMNS * 2, ROWS * 2), interpolation=cv2.INTER_LINEAR), np.uint8)
    found = register_films(film(drawn(1)), film(large), Job())
    assert found.problem is None
    assert found.motion is not None
    assert found.motion.moved((99.5, 99.5)) == pytest.approx((199.5, 199.5), abs=3.0)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"body_part": "HAND"}, FilmProblem.OTHER_PART),
        ({"view_position": "LL"}, FilmProblem.OTHER_VIEW),
        ({"laterality": "L"}, FilmProblem.OTHER_SIDE),
        ({"modality": Modality.PHOTO}, FilmProblem.OTHER_KIND),
        ({"view_position": "AP"}, None),
        ({"view_position": ""}, None),
        ({"body_part": ""}, None),
        ({"modality": Modality.CR}, None),
    ],
)
def test_what_files_say_decides_first(change: dict[str, str], problem: FilmProblem | None) -> None:
    now = replace(HEADER, laterality="R")
    other = replace(now, **change)  # type: ignore[arg-type]  # the names and types stand above
    assert not_comparable(now, other) is problem
    assert not_comparable(other, now) is problem


def test_films_of_other_views_are_not_even_tried() -> None:
    found = film_difference(film(drawn()), film(drawn(), replace(HEADER, view_position="LL")), Job())
    assert found == FilmRegistration(None, problem=FilmProblem.OTHER_VIEW)


def test_unlike_films_are_refused_by_measure() -> None:
    upside_down = film(np.ascontiguousarray(drawn(2)[::-1]))
    found = film_difference(film(drawn(1)), upside_down, Job())
    assert isinstance(found, FilmRegistration)
    assert found.problem in (FilmProblem.UNLIKE, FilmProblem.NOT_CONVERGED, FilmProblem.LITTLE_OVERLAP)
    blank = film_difference(film(drawn(1)), film(np.full((ROWS, COLUMNS), 90, np.uint8)), Job())
    assert isinstance(blank, FilmRegistration)
    assert blank.problem is not None


@pytest.mark.data
def test_follow_up_films_of_one_person_and_a_slice_of_a_head(shared_data: Path) -> None:
    folder = shared_data / "cxr" / "nih_chestxray14"
    films: dict[str, list[str]] = defaultdict(list)
    with (folder / "labels.csv").open(encoding="utf-8") as stream:
        for line in csv.DictReader(stream):
            films[line["patient_id"]].append(line["file"])

    def opened(path: Path) -> Picture:
        return film(np.asarray(Image.open(path).convert("L")), FileHeader(modality=Modality.DX))

    before, now = (opened(folder / name) for name in films["1568"][-2:])
    found = register_films(now, before, Job())
    assert found.problem is None
    assert found.correlation > 0.9
    head = sorted((shared_data / "ct" / "head_ct_ich" / "bone_window").iterdir())[0]
    assert register_films(now, opened(head), Job()).problem is not None
