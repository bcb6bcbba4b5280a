"""The shipped detector: it counts a drawn field, and will not look at what is none."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from desktop.inference import REASON_OTHER_KIND, DetectionModel, Registry, Subject, golden
from desktop.inference.field_picture import prepare_field
from desktop.inference.golden_fields import smear_field
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.jobs import Job
from desktop.records import Analysis, AnalysisStatus, FileHeader, Modality, Photometric, Picture

MODELS = Path(__file__).resolve().parents[2] / "models"
NAME = "blood-cells"


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    loaded = Registry.load([MODELS])
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def model(registry: Registry) -> DetectionModel:
    found = registry.looking_model(NAME)
    assert isinstance(found, DetectionModel)
    return found


def photograph(pixels: np.ndarray, kind: Photometric = Photometric.RGB) -> Picture:
    return Picture(pixels.astype(np.uint8), kind, FileHeader(modality=Modality.PHOTO))


def counts(analysis: Analysis) -> dict[str, int]:
    return {count.kind: count.number for count in analysis.counts}


def test_it_answers_its_golden_field(model: DetectionModel) -> None:
    result = model.self_test()
    assert (result.ok, result.error) == (True, "")


def test_a_drawn_field_is_counted(model: DetectionModel) -> None:
    analysis = model.analyse(smear_field(), Subject(), Job())
    assert analysis.status is AnalysisStatus.OK
    assert counts(analysis).keys() == {"red_cell", "white_cell", "platelet"}
    assert counts(analysis)["red_cell"] >= 5
    assert analysis.findings == ()
    for box in analysis.boxes:
        assert box.probability >= 0.05
        assert box.x >= 0
        assert box.x + box.width <= 640.01
        assert box.y >= 0
        assert box.y + box.height <= 480.01
    said = [box.probability for box in analysis.boxes if box.kind == "red_cell"]
    assert said == sorted(said, reverse=True)


def test_twice_as_many_pixels_are_counted_alike(model: DetectionModel) -> None:
    field = smear_field().pixels
    large = photograph(np.repeat(np.repeat(field, 2, axis=0), 2, axis=1))
    small, twice = (counts(model.analyse(one, Subject(), Job())) for one in (photograph(field), large))
    assert all(abs(small[kind] - twice[kind]) <= 2 for kind in small)


def test_every_thread_count_says_the_same(model: DetectionModel) -> None:
    manifest = model.manifest
    weights = read_weights(MODELS / NAME, manifest.weights)
    tensor = prepare_field(smear_field(), manifest.preparation).tensor
    runners = [OnnxRunner(weights, manifest.input, (manifest.scores,), threads=count) for count in (1, 2, 4)]
    answers = [runner.run(tensor)["scores"] for runner in runners]
    assert all(np.allclose(answer, answers[0], atol=1e-4) for answer in answers)


@pytest.mark.parametrize("name", ["grey film", "tiny", "noise", "plain", "sky"])
def test_what_is_no_field_is_refused(model: DetectionModel, registry: Registry, name: str) -> None:
    random = np.random.default_rng(1)
    rows, columns = np.mgrid[0:480, 0:640]
    pictures = {
        "grey film": photograph(np.round(golden.lung_phantom() * 255), Photometric.MONOCHROME2),
        "tiny": photograph(smear_field().pixels[:100, :120]),
        "noise": photograph(random.integers(0, 255, (480, 640, 3))),
        "plain": photograph(np.full((480, 640, 3), 220)),
        "sky": photograph(np.stack([rows / 4, 120 + columns / 8, np.full((480, 640), 230)], axis=2)),
    }
    analysis = model.analyse(pictures[name], Subject(), Job())
    assert analysis.status is AnalysisStatus.REFUSED
    assert analysis.reason == REASON_OTHER_KIND
    assert (analysis.boxes, analysis.counts) == ((), ())
    assert len(analysis.quality.problems) == 1


def test_it_is_asked_about_colour_photographs_only(registry: Registry) -> None:
    assert NAME in [model.name for model in registry.fitting(smear_field())]
    film = photograph(np.round(golden.lung_phantom() * 255), Photometric.MONOCHROME2)
    assert NAME not in [model.name for model in registry.fitting(film)]
