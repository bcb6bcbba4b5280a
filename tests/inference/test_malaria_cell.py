"""The shipped model of red cells on drawn and real cells, some of which it has learned from: see its card."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from desktop.inference import PictureModel, Registry, Subject, golden
from desktop.jobs import Job
from desktop.learning.cell_data import in_colour, light_of, small_grey
from desktop.learning.films import read_picture
from desktop.learning.statistics import auc
from desktop.records import Analysis, AnalysisStatus, FileHeader, Modality, Photometric, Picture
from desktop.settings import model_folder

FloatArray = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    loaded = Registry.load([model_folder()])
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def model(registry: Registry) -> PictureModel:
    return registry.picture_model("malaria-cell")


def picture(light: npt.NDArray[np.floating]) -> Picture:
    kind = Photometric.RGB if light.ndim == 3 else Photometric.MONOCHROME2
    return Picture(np.rint(light * 255).astype(np.uint8), kind, FileHeader(modality=Modality.PHOTO))


def asked(model: PictureModel, light: npt.NDArray[np.floating]) -> Analysis:
    return model.analyse(picture(np.ascontiguousarray(light)), Subject(), Job())


def test_the_golden_example_holds(model: PictureModel) -> None:
    result = model.self_test()
    assert result.ok, result


def test_a_cell_is_answered_whichever_way_it_lies_and_whoever_it_is_of(model: PictureModel) -> None:
    cell = golden.cell_phantom()
    answers = [asked(model, way) for way in (cell, cell[::-1], np.rot90(cell, 1), np.rot90(cell, 3)[:, ::-1])]
    assert all(answer.status is AnalysisStatus.OK for answer in answers)
    said = [answer.findings[0].probability for answer in answers]
    assert max(said) - min(said) < 0.002
    (activation,) = answers[0].activations
    assert model.manifest.activation is not None
    assert activation.heat.shape == model.manifest.activation.shape[1:]
    assert np.allclose(np.rot90(activation.heat), answers[2].activations[0].heat, atol=0.02)
    older = model.analyse(picture(cell), Subject(70.0), Job())
    assert older.findings == answers[0].findings


def test_grey_and_coarse_cells_are_answered(model: PictureModel) -> None:
    for light in (small_grey(golden.cell_phantom()), golden.cell_phantom()[::2, ::2]):
        answer = asked(model, light)
        assert (answer.status, answer.findings[0].key) == (AnalysisStatus.OK, "parasitized")


@pytest.mark.parametrize(
    "light",
    [
        golden.lung_phantom(),
        golden.lung_phantom()[::2, ::2],
        np.random.default_rng(2).random((90, 90, 3)),
        np.full((90, 90, 3), 0.7),
    ],
)
def test_what_is_no_cell_is_refused(model: PictureModel, light: npt.NDArray[np.floating]) -> None:
    answer = asked(model, light)
    assert (answer.status, answer.reason) == (AnalysisStatus.REFUSED, "inference.reason.other_kind")
    assert answer.findings == ()


def test_cells_and_films_each_have_their_models(registry: Registry) -> None:
    assert [model.name for model in registry.fitting(picture(golden.cell_phantom()))] == ["malaria-cell"]
    assert [model.name for model in registry.fitting(picture(small_grey(golden.cell_phantom())))] == ["malaria-cell"]
    films = [model.name for model in registry.fitting(picture(golden.lung_phantom()))]
    assert "chest-xray-child" in films
    assert "malaria-cell" not in films


@pytest.mark.data
def test_real_cells_are_told_apart_in_colour_and_in_grey(model: PictureModel, shared_data: Path) -> None:
    folder = shared_data / "malaria_cells_rgb"
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))[::60]
    labels = np.array([row["label"] == "parasitized" for row in rows])
    lights = [in_colour(light_of(read_picture(folder / row["file"]))) for row in rows]
    for some in (lights, [small_grey(light) for light in lights]):
        answers = [asked(model, light) for light in some]
        ok = np.array([answer.status is AnalysisStatus.OK for answer in answers])
        assert ok.mean() >= 0.97
        said = np.array([answer.findings[0].probability for answer in answers if answer.findings])
        assert auc(said, labels[ok]) >= 0.96


@pytest.mark.data
def test_real_films_are_refused(model: PictureModel, shared_data: Path) -> None:
    paths = sorted((shared_data / "cxr").glob("*/**/*.*g"))[::200]
    verdicts = [model.analyse(read_picture(path), Subject(3.0), Job()).status for path in paths]
    assert len(verdicts) >= 20
    assert all(verdict is AnalysisStatus.REFUSED for verdict in verdicts)
