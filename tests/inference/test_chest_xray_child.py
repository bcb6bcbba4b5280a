"""The shipped model on real films (which it has partly learned from: its honest figures are on its card)."""

import csv
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from desktop.imaging import display
from desktop.inference import PictureModel, Registry, Subject, golden
from desktop.inference.preparation import prepare
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.inference.tasks.classification import HINT
from desktop.jobs import Job
from desktop.records import AnalysisStatus, Decision, FileHeader, Modality, Photometric, Picture
from desktop.settings import model_folder

CHILD = Subject(3.0)


@pytest.fixture(scope="module")
def model() -> Iterator[PictureModel]:
    registry = Registry.load([model_folder()])
    yield registry.picture_model("chest-xray-child")
    registry.close()


def picture(path: Path) -> Picture:
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L"))
    return Picture(pixels, Photometric.MONOCHROME2, FileHeader(modality=Modality.PHOTO))


def turned(film: Picture, quarters: int) -> Picture:
    return Picture(np.ascontiguousarray(np.rot90(film.pixels, quarters)), film.photometric, film.header)


def films(shared_data: Path, name: str, label: str, step: int) -> list[Picture]:
    folder = shared_data / "cxr" / name
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["label"] == label]
    return [picture(folder / row["file"]) for row in rows[::step]]


def test_the_golden_example_holds(model: PictureModel) -> None:
    result = model.self_test()
    assert result.ok, result
    assert result.max_difference <= model.manifest.golden.tolerance


def test_a_film_lies_nearer_to_itself_made_lighter_than_to_another(model: PictureModel) -> None:
    drawn = golden.lung_phantom()
    other = np.ascontiguousarray(drawn[:, ::-1])

    def place(light: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        pixels = np.rint(np.clip(light, 0, 1) * 255).astype(np.uint8)
        film = Picture(pixels, Photometric.MONOCHROME2, FileHeader(modality=Modality.PHOTO))
        found = model.embed(film, Job()).astype(np.float64)
        return np.asarray(found / np.linalg.norm(found))

    first, lighter, mirrored = place(drawn), place(drawn**0.9), place(other)
    assert model.embedding_width == len(first) == 384
    assert np.array_equal(first, place(drawn))
    assert 1 - first @ lighter < (1 - first @ mirrored) / 2


@pytest.mark.data
def test_the_hint_is_given_with_every_answer_and_decides_nothing_where_pneumonia_is_unlikely(
    model: PictureModel, shared_data: Path
) -> None:
    said: dict[str, list[float]] = {"normal": [], "bacterial": [], "viral": []}
    with (shared_data / "cxr" / "kermany_full" / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))[::45]
    for row in rows:
        analysis = model.analyse(picture(shared_data / "cxr" / "kermany_full" / row["file"]), CHILD, Job())
        if analysis.status is AnalysisStatus.OK:
            pneumonia, hint = analysis.findings
            assert (pneumonia.key, hint.key) == ("pneumonia", "bacterial_if_pneumonia")
            assert 0 < hint.probability < 1
            if pneumonia.decision is Decision.UNLIKELY:
                assert (hint.decision, hint.reason) == (Decision.CANNOT_SAY, HINT)
            said[row["subtype"] or "normal"].append(hint.probability)
    assert min(len(found) for found in said.values()) >= 3
    assert np.mean(said["bacterial"]) > np.mean(said["viral"]) + 0.1


def test_any_number_of_threads_gives_the_same_answer(model: PictureModel) -> None:
    manifest = model.manifest
    tensor = prepare(golden.lung_phantom(), manifest.preparation).tensor
    weights = read_weights(model_folder() / manifest.name, manifest.weights)
    one, two, four = (
        OnnxRunner(weights, manifest.input, manifest.outputs, threads=threads).run(tensor) for threads in (1, 2, 4)
    )
    for name, value in one.items():
        assert np.allclose(value, two[name], atol=1e-4), name
        assert np.allclose(value, four[name], atol=1e-4), name


def test_between_two_films_its_threads_sleep(model: PictureModel) -> None:
    tensor = prepare(golden.lung_phantom(), model.manifest.preparation).tensor
    runner = OnnxRunner(
        read_weights(model_folder() / "chest-xray-child", model.manifest.weights),
        model.manifest.input,
        model.manifest.outputs,
        threads=2,
    )
    burned = 0.0
    for _ in range(5):
        runner.run(tensor)
        before = time.process_time()
        time.sleep(0.2)
        burned += time.process_time() - before
    assert burned < 0.1, "a runtime left to itself waits awake for a twentieth of a second each time"


def test_the_same_picture_gives_the_same_answer_again(model: PictureModel) -> None:
    pixels = np.rint(golden.lung_phantom() * 255).astype(np.uint8)
    film = Picture(pixels, Photometric.MONOCHROME2, FileHeader(modality=Modality.DX))
    first, second = model.outputs(display.grey(film))[1], model.outputs(display.grey(film))[1]
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_the_card_and_the_limits_are_there(model: PictureModel) -> None:
    from desktop.i18n import Language

    assert model.card_text().startswith("# chest-xray-child")
    for language in Language:
        assert len(model.limits(language)) > 80
        assert model.finding_name("pneumonia", language)


@pytest.mark.data
@pytest.mark.parametrize("name", ["kermany_full", "kermany224"])
def test_real_films_are_answered_and_mostly_right(model: PictureModel, shared_data: Path, name: str) -> None:
    right = decided = passed = total = 0
    for label, wanted in (("pneumonia", Decision.LIKELY), ("normal", Decision.UNLIKELY)):
        for film in films(shared_data, name, label, 40):
            analysis = model.analyse(film, CHILD, Job())
            total += 1
            if analysis.status is not AnalysisStatus.OK:
                continue
            passed += 1
            decision = analysis.findings[0].decision
            decided += decision is not Decision.CANNOT_SAY
            right += decision is wanted
    assert total >= 40
    assert passed / total >= 0.97
    assert decided / passed >= 0.8
    assert right / decided >= 0.95


@pytest.mark.data
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turned_films_are_refused(model: PictureModel, shared_data: Path, quarters: int) -> None:
    some = films(shared_data, "kermany_full", "normal", 20)
    refused = [model.analyse(turned(film, quarters), CHILD, Job()).status is AnalysisStatus.REFUSED for film in some]
    assert len(some) >= 20
    assert np.mean(refused) >= 0.95


@pytest.mark.data
def test_other_pictures_are_refused(model: PictureModel, shared_data: Path) -> None:
    verdicts = []
    for pattern in ("fundus/idrid_grading/**/*.jpg", "blood_cells/images/*.jpg", "ct/head_ct_ich/brain_window/*.jpg"):
        for path in sorted(shared_data.glob(pattern))[::30]:
            verdicts.append(model.analyse(picture(path), CHILD, Job()).status is AnalysisStatus.REFUSED)
    assert len(verdicts) >= 20
    assert np.mean(verdicts) >= 0.95


@pytest.mark.data
def test_a_large_dicom_like_film_is_judged_as_its_small_copy(model: PictureModel, shared_data: Path) -> None:
    for small in films(shared_data, "kermany_full", "pneumonia", 250):
        rows, columns = small.pixels.shape
        size = (round(columns * 7.8), round(rows * 7.8))
        enlarged = Image.fromarray(small.pixels).resize(size, Image.Resampling.BICUBIC)
        values = np.asarray(enlarged, dtype=np.uint16) * 16
        large = Picture(values, Photometric.MONOCHROME2, FileHeader(modality=Modality.DX), bits=12)
        first, second = (model.analyse(film, CHILD, Job()).findings[0].probability for film in (small, large))
        assert abs(first - second) < 0.08
