"""The shipped model on real films of grown-ups (it has learned from them: its honest figures are on its card)."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.inference import PictureModel, Registry, Subject, golden
from desktop.inference.preparation import prepare
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.inference.tasks.classification import AGE_OUTSIDE, AGE_UNKNOWN
from desktop.jobs import Job
from desktop.records import AnalysisStatus, Decision, FileHeader, Modality, Photometric, Picture
from desktop.settings import model_folder

NAME = "chest-xray-adult"
PROMISED = {"effusion", "cardiomegaly", "edema"}
LEFT_OUT = {"consolidation", "emphysema", "pneumothorax"}
GROWN_UP = Subject(50.0)


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    loaded = Registry.load([model_folder()])
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def model(registry: Registry) -> PictureModel:
    return registry.picture_model(NAME)


def picture(path: Path) -> Picture:
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L"))
    return Picture(pixels, Photometric.MONOCHROME2, FileHeader(modality=Modality.PHOTO))


def phantom() -> Picture:
    pixels = np.rint(golden.lung_phantom() * 255).astype(np.uint8)
    return Picture(pixels, Photometric.MONOCHROME2, FileHeader(modality=Modality.DX))


def rows(shared_data: Path) -> list[dict[str, str]]:
    with (shared_data / "cxr" / "nih_chestxray14" / "labels.csv").open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if int(row["age"]) >= 15]


def films(shared_data: Path, step: int) -> list[Picture]:
    return [picture(shared_data / "cxr" / "nih_chestxray14" / row["file"]) for row in rows(shared_data)[::step]]


def test_it_says_what_it_promises_and_answers_its_golden_film(model: PictureModel) -> None:
    spoken = {spec.key for spec in model.manifest.findings}
    assert spoken >= PROMISED
    assert not spoken & LEFT_OUT  # they did not beat their thumbnail
    assert model.manifest.weights.size <= 8_000_000
    result = model.self_test()
    assert result.ok, result


def test_any_number_of_threads_gives_the_same_answer(model: PictureModel) -> None:
    manifest = model.manifest
    tensor = prepare(golden.lung_phantom(), manifest.preparation).tensor
    weights = read_weights(model_folder() / NAME, manifest.weights)
    one, two, four = (
        OnnxRunner(weights, manifest.input, manifest.outputs, threads=threads).run(tensor) for threads in (1, 2, 4)
    )
    for name, value in one.items():
        assert np.allclose(value, two[name], atol=1e-3), name
        assert np.allclose(value, four[name], atol=1e-3), name


def test_a_plain_picture_with_masked_corners_gives_numbers(model: PictureModel) -> None:
    manifest = model.manifest
    runner = OnnxRunner(read_weights(model_folder() / NAME, manifest.weights), manifest.input, manifest.outputs)
    side = manifest.input.shape[-1]
    assert np.isfinite(runner.run(np.zeros((1, 1, side, side), np.float32))["logits"]).all()


@pytest.mark.data
@pytest.mark.parametrize(("age", "reason"), [(14.9, AGE_OUTSIDE), (3.0, AGE_OUTSIDE), (None, AGE_UNKNOWN)])
def test_nothing_is_decided_under_15_or_of_unknown_age(
    model: PictureModel, shared_data: Path, age: float | None, reason: str
) -> None:
    for film in films(shared_data, 150):
        analysis = model.analyse(film, Subject(age), Job())
        assert analysis.status is AnalysisStatus.OK
        assert {(one.decision, one.reason) for one in analysis.findings} == {(Decision.CANNOT_SAY, reason)}
        assert all(0 < one.probability < 1 for one in analysis.findings)


@pytest.mark.data
def test_real_films_pass_and_those_with_a_finding_stand_out(model: PictureModel, shared_data: Path) -> None:
    said: dict[str, dict[bool, list[float]]] = {key: {True: [], False: []} for key in PROMISED}
    passed, chosen = 0, rows(shared_data)[::12]
    for row in chosen:
        film = picture(shared_data / "cxr" / "nih_chestxray14" / row["file"])
        analysis = model.analyse(film, GROWN_UP, Job())
        passed += analysis.status is AnalysisStatus.OK
        for one in analysis.findings:
            if one.key in PROMISED:
                said[one.key][one.key in row["label"].lower().split("|")].append(one.probability)
    assert len(chosen) >= 100
    assert passed / len(chosen) >= 0.97
    for key in PROMISED:
        assert np.mean(said[key][True]) > 1.3 * np.mean(said[key][False]), key


@pytest.mark.data
@pytest.mark.parametrize("change", ["left", "right", "upside down", "inverted"])
def test_films_the_wrong_way_are_refused(model: PictureModel, shared_data: Path, change: str) -> None:
    verdicts = []
    for film in films(shared_data, 60):
        pixels = film.pixels
        turned = 255 - pixels if change == "inverted" else np.rot90(pixels, {"left": 1, "right": 3}.get(change, 2))
        wrong = Picture(np.ascontiguousarray(turned), film.photometric, film.header)
        verdicts.append(model.analyse(wrong, GROWN_UP, Job()).status is AnalysisStatus.REFUSED)
    assert len(verdicts) >= 20
    assert np.mean(verdicts) >= 0.95


@pytest.mark.data
def test_other_pictures_are_refused(model: PictureModel, shared_data: Path) -> None:
    verdicts = []
    for pattern in ("fundus/idrid_grading/**/*.jpg", "blood_cells/images/*.jpg", "ct/head_ct_ich/brain_window/*.jpg"):
        for path in sorted(shared_data.glob(pattern))[::30]:
            verdicts.append(model.analyse(picture(path), GROWN_UP, Job()).status is AnalysisStatus.REFUSED)
    assert len(verdicts) >= 20
    assert np.mean(verdicts) >= 0.95


def test_a_film_is_asked_of_it_without_its_name(registry: Registry) -> None:
    assert {NAME, "chest-xray-child"} <= {one.name for one in registry.fitting(phantom())}
