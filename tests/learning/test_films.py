"""One child never stands on two sides, and a table with a wrong line is never learned from."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.errors import UserFacingError
from desktop.learning.films import data_hash, find_data, fold_of, patient_mark, read_children, read_grey, read_picture
from desktop.records import Photometric


def test_the_folder_may_hold_cxr_or_be_it(drawn_data: Path, tmp_path: Path) -> None:
    assert find_data(drawn_data).root == drawn_data
    assert find_data(drawn_data / "cxr").cxr == drawn_data / "cxr"
    with pytest.raises(UserFacingError) as caught:
        find_data(tmp_path)
    assert caught.value.key == "learning.no_data"


def test_films_come_in_one_order_with_one_hash(drawn_data: Path, tmp_path: Path) -> None:
    films = read_children(drawn_data / "cxr")
    assert len(films) == 72
    assert [film.name for film in films] == sorted(film.name for film in films)
    copied = shutil.copytree(drawn_data, tmp_path / "copy")
    again = read_children(copied / "cxr")
    assert data_hash(again) == data_hash(films)
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(again[0].path)
    assert data_hash(again) != data_hash(films)


def _edit(cxr: Path, column: str, value: str) -> None:
    path = cxr / "kermany_full" / "labels.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows[3][column] = value
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize(
    ("column", "value"), [("label", "maybe"), ("label", ""), ("patient_id", ""), ("file", "images/absent.png")]
)
def test_a_wrong_line_stops_the_training(drawn_data: Path, tmp_path: Path, column: str, value: str) -> None:
    cxr = shutil.copytree(drawn_data / "cxr", tmp_path / "cxr")
    _edit(cxr, column, value)
    with pytest.raises(UserFacingError) as caught:
        read_children(cxr)
    assert caught.value.key == "learning.bad_table"


def test_a_near_duplicate_joins_two_patients(drawn_data: Path, tmp_path: Path) -> None:
    cxr = shutil.copytree(drawn_data / "cxr", tmp_path / "cxr")
    _edit(cxr, "near_duplicate_of", "kermany224/person30_60.png")
    groups = {film.patient: film.group for film in read_children(cxr)}
    assert groups["person1"] == groups["person30"]
    assert groups["person2"] != groups["person30"]


def test_folds_depend_on_the_patient_and_the_seed_alone() -> None:
    names = [f"person{number}" for number in range(3000)]
    first = [fold_of(name, 1, 3) for name in names]
    assert first == [fold_of(name, 1, 3) for name in names]
    assert first != [fold_of(name, 2, 3) for name in names]
    assert min(np.bincount(first)) > 900
    assert len({patient_mark(name) for name in names}) == 3000


def test_grey_saved_as_colour_is_read_as_grey(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (80, 90), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(np.repeat(grey[..., None], 3, axis=2)).save(tmp_path / "colour.png")
    assert read_picture(tmp_path / "colour.png").photometric is Photometric.MONOCHROME2
    assert np.array_equal(read_grey(tmp_path / "grey.png"), read_grey(tmp_path / "colour.png"))
    assert float(read_grey(tmp_path / "grey.png").max()) <= 1.0


@pytest.mark.data
def test_no_real_child_stands_on_two_sides(shared_data: Path) -> None:
    films = read_children(find_data(shared_data).cxr)
    assert len(films) == 4651
    parts: dict[str, set[int]] = {}
    for film in films:
        parts.setdefault(film.patient, set()).add(fold_of(film.group, 20260, 3))
    assert all(len(found) == 1 for found in parts.values())
    splits: dict[str, set[str]] = {}
    for film in films:
        splits.setdefault(film.patient, set()).add(film.split)
    assert any(len(found) > 1 for found in splits.values()), "the published parts share patients; we must not"
