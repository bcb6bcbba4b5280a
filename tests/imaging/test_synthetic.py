import csv
import io
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pydicom import dcmread

from desktop.imaging.display import grey
from desktop.imaging.synthetic import Opacity, demo_film
from desktop.imaging.synthetic.film import BITS, FILM_COLUMNS, FILM_ROWS, draw_film, marks
from desktop.imaging.synthetic.fit import fit
from desktop.imaging.synthetic.shape import COLUMNS, DIRECTIONS, ROWS, save, shape_model
from desktop.intake import NameVerdict, names_fit, read_picture
from desktop.records import HumanName, Modality, PartialDate, Patient, PatientId, Sex, SpacingSource

TAKEN = date(2026, 11, 20)
CHILD = Patient(
    id=PatientId("demo-1"),
    names=(HumanName(family="吕", given=("安然",)), HumanName(family="Lü", given=("Anran",))),
    sex=Sex.FEMALE,
    birth_date=PartialDate(2024, 1, 5),
    synthetic=True,
)


class TestFilm:
    def test_is_large_and_uses_twelve_bits(self) -> None:
        film = draw_film(1)
        assert film.shape == (FILM_ROWS, FILM_COLUMNS)
        assert min(film.shape) >= 900
        assert max(film.shape) >= 1000
        assert film.max() < 1 << BITS
        assert len(np.unique(film)) > 2000

    def test_is_the_same_for_the_same_seed(self) -> None:
        assert np.array_equal(draw_film(3), draw_film(3))
        assert np.abs(draw_film(3).astype(int) - draw_film(4)).mean() > 50

    def test_says_in_its_pixels_that_it_is_synthetic(self) -> None:
        words = marks()
        assert words.sum() > 1000
        for opacity in (None, Opacity.LEFT_LOWER):
            film = draw_film(5, opacity)
            rows, columns = words.shape
            left = (FILM_COLUMNS - columns) // 2
            for edge in (film[24 : 24 + rows], film[-24 - rows : -24]):
                place = edge[:, left : left + columns]
                assert (place[words] == (1 << BITS) - 1).all()
                assert (place[~words] < (1 << BITS) / 3).all()

    @pytest.mark.parametrize("opacity", Opacity)
    def test_an_opacity_is_denser_lung_on_its_own_side(self, opacity: Opacity) -> None:
        change = draw_film(6, opacity).astype(np.int64) - draw_film(6)
        change[np.abs(change) < 150] = 0  # the grain differs
        right, left = change[:, : FILM_COLUMNS // 2].sum(), change[:, FILM_COLUMNS // 2 :].sum()
        assert right + left > 0
        if opacity in (Opacity.RIGHT_LOWER, Opacity.RIGHT_UPPER):
            assert right > 10 * abs(left)
        elif opacity is Opacity.LEFT_LOWER:
            assert left > 10 * abs(right)
        else:
            assert min(right, left) > 0.2 * max(right, left)
        centre = (change.sum(axis=1) * np.arange(FILM_ROWS)).sum() / change.sum() / FILM_ROWS
        assert (centre < 0.48) == (opacity is Opacity.RIGHT_UPPER)

    def test_is_drawn_in_well_under_a_second(self) -> None:
        import time

        draw_film(0)
        start = time.process_time()
        draw_film(1, Opacity.BOTH_LOWER)
        assert time.process_time() - start < 2


class TestFile:
    def test_is_read_like_any_film(self) -> None:
        picture = read_picture(demo_film(7, CHILD, None, TAKEN))
        assert np.array_equal(picture.pixels, draw_film(7))
        assert picture.header.modality is Modality.CR
        assert picture.header.age_years == 2
        assert picture.header.sex is Sex.FEMALE
        assert picture.header.birth_date == PartialDate(2024, 1, 5)
        assert picture.header.study_date == TAKEN
        assert picture.spacing is not None
        assert picture.spacing.source is SpacingSource.IMAGER_PIXEL_SPACING
        assert 0.2 < float(np.median(grey(picture))) < 0.8

    def test_fits_the_patient_it_was_drawn_for(self) -> None:
        header = read_picture(demo_film(7, CHILD, None, TAKEN)).header
        assert header.name_groups == ("Lü^Anran", "吕^安然")
        check = names_fit(header, CHILD)
        assert (check.verdict, check.remarks) == (NameVerdict.FITS, ())

    def test_says_in_its_tags_that_it_is_synthetic(self) -> None:
        data = demo_film(7, CHILD, None, TAKEN)
        dataset = dcmread(io.BytesIO(data))
        assert dataset.ImageType == ["DERIVED", "SECONDARY"]
        assert dataset.BurnedInAnnotation == "YES"
        assert dataset.ImageComments == "SYNTHETIC, not a patient"
        assert dataset.ContentQualification == "RESEARCH"
        assert read_picture(data).header.burned_in_synthetic

    def test_is_the_same_bytes_for_the_same_wish(self) -> None:
        first = demo_film(7, CHILD, Opacity.RIGHT_LOWER, TAKEN)
        assert demo_film(7, CHILD, Opacity.RIGHT_LOWER, TAKEN) == first
        assert demo_film(7, CHILD, None, TAKEN) != first

    def test_has_uids_of_its_own(self) -> None:
        headers = [read_picture(demo_film(7, CHILD, o, TAKEN)).header for o in (None, Opacity.LEFT_LOWER)]
        uids = {uid for header in headers for uid in (header.study_uid, header.series_uid, header.instance_uid)}
        assert len(uids) == 6
        assert all(uid.startswith("2.25.") and int(uid[5:]) < 1 << 128 for uid in uids)


class TestShapeModel:
    def test_is_small(self) -> None:
        model = shape_model()
        assert model.mean.shape == (ROWS, COLUMNS)
        assert model.directions.shape == (DIRECTIONS, ROWS, COLUMNS)

    def test_fits_and_comes_back(self, tmp_path: Path) -> None:
        random = np.random.default_rng(8)
        films = random.uniform(0.2, 0.8, (40, ROWS, COLUMNS)).astype(np.float32)
        mean, directions = fit(films)
        assert np.allclose(mean, films.mean(axis=0))
        flat = directions.reshape(DIRECTIONS, -1)
        products = flat @ flat.T
        assert np.abs(products - np.diag(np.diag(products))).max() < 1e-3 * products.max()
        assert (np.diff(np.diag(products)) <= 1e-6).all()
        save(mean, directions, tmp_path / "one.npz")
        save(mean, directions, tmp_path / "two.npz")
        assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


@pytest.mark.data
def test_no_drawn_film_is_a_childs(shared_data: Path) -> None:
    """The nearest child is no nearer to a drawn film, and stands out no more, than children do among themselves."""
    children = _children(shared_data / "cxr" / "kermany_full")
    drawn = np.stack([_signature(draw_film(seed).astype(np.float32)) for seed in range(12)])
    near, second = _two_nearest(drawn @ children.T)
    alike, alike_second = _two_nearest(children @ children.T - 4 * np.eye(len(children)))
    assert near.min() > alike.min()
    assert (near / second).min() > (alike / alike_second).min()


def _children(folder: Path) -> npt.NDArray[np.float64]:
    from PIL import Image

    films = {}
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            if row["label"] == "normal" and row["patient_id"] not in films:
                with Image.open(folder / row["file"]) as film:
                    films[row["patient_id"]] = _signature(np.asarray(film.convert("L"), dtype=np.float32))
    return np.stack(list(films.values()))


def _signature(film: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """A film at the shape model's size, of mean 0 and length 1."""
    from PIL import Image

    small = np.asarray(Image.fromarray(film).resize((COLUMNS, ROWS), Image.Resampling.BOX), dtype=np.float64).ravel()
    small = small - small.mean()
    return np.asarray(small / np.linalg.norm(small))


def _two_nearest(products: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    ordered = np.sqrt(2 - 2 * np.sort(products, axis=1))
    return ordered[:, -1], ordered[:, -2]
