"""A detector learns from drawn fields, and leaves a model that the clinic can load; its boxes go where pictures go."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from desktop.errors import Cancelled, UserFacingError
from desktop.inference import read_model
from desktop.inference.detection_model import DetectionModel
from desktop.inference.golden_fields import smear_field
from desktop.inference.subject import Subject
from desktop.jobs import Job
from desktop.learning import detector_card, detector_evaluation
from desktop.learning.detector_data import read_photographs
from desktop.learning.detector_evaluation import fit
from desktop.learning.detector_sets import BLOOD_CELLS
from desktop.learning.detector_settings import DetectorSettings
from desktop.learning.films import read_picture
from desktop.learning.learning_curve import CurvePoint, curve_points
from desktop.learning.recipes.detector import Detector
from desktop.learning.records import Study
from desktop.records import AnalysisStatus

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

FIELDS = 12
SMALL = replace(BLOOD_CELLS, width=96, height=64, run=2)
TINY = DetectorSettings(members=2, epochs=1, batch=3, widths=(8, 12, 16, 20, 8), threads=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve photographs: a dark disc on pale ground each, and a table of boxes."""
    folder = tmp_path_factory.mktemp("data") / "blood_cells"
    (folder / "images").mkdir(parents=True)
    random = np.random.default_rng(4)
    rows, columns = np.mgrid[0:240, 0:320]
    with (folder / "boxes.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "label", "xmin", "ymin", "xmax", "ymax"])
        for index in range(FIELDS):
            pixels = np.empty((240, 320, 3), np.uint8)
            pixels[:] = (226, 219, 221)
            for label in ("RBC", "WBC", "Platelets"):
                radius = {"RBC": 24, "WBC": 44, "Platelets": 10}[label]
                x, y = random.integers(60, 260), random.integers(60, 180)
                pixels[np.hypot(columns - x, rows - y) < radius] = (150, 90, 150)
                writer.writerow([f"f{index:02}.png", label, x - radius, y - radius, x + radius, y + radius])
            Image.fromarray(pixels).save(folder / "images" / f"f{index:02}.png")
    return folder.parent


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("models")
    record = Detector(SMALL, TINY).train(data, out, Job(), lambda _text: None)
    return out / "blood-cells", json.loads(record.to_json())


def test_a_trained_detector_is_loaded_and_is_itself(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, record = trained
    assert {path.name for path in folder.iterdir()} == {"CARD.md", "manifest.json", "model.onnx", "training.json"}
    assert record["films"] == FIELDS
    model = read_model(folder)
    assert isinstance(model, DetectionModel)
    result = model.self_test()
    assert (result.ok, result.error) == (True, "")
    model.close()


def test_the_weights_are_the_same_however_many_networks_learn_at_a_time(data: Path, tmp_path: Path) -> None:
    from desktop.learning.detector_training import DetectorSchool, train_detector

    photographs, weights = read_photographs(data, SMALL), []
    for count in (1, 2):
        school = DetectorSchool(replace(TINY, threads=count), "", tmp_path / str(count), Job(), lambda _text: None)
        weights.append(train_detector(photographs, SMALL, school).network.state_dict())
    one, two = weights
    assert one.keys() == two.keys()
    assert [name for name in one if not one[name].equal(two[name])] == []


def test_the_boxes_named_add_up_to_the_counts(trained: tuple[Path, dict[str, Any]]) -> None:
    model = read_model(trained[0])
    assert isinstance(model, DetectionModel)
    analysis = model.analyse(smear_field(), Subject(), Job())
    if analysis.status is AnalysisStatus.OK:
        for count, kind in zip(analysis.counts, model.manifest.kinds, strict=True):
            assert count.kind == kind.key
            named = [box for box in analysis.boxes if box.kind == kind.key and box.probability >= kind.threshold]
            assert count.number == len(named)
    model.close()


def test_evaluation_makes_the_figures_again(trained: tuple[Path, dict[str, Any]], data: Path) -> None:
    folder, record = trained
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    figures = Detector(SMALL, TINY).evaluate(data, folder, Job(), lambda _text: None)
    assert figures.data_sha256 == record["data_sha256"]
    lost: Any = figures.figures["robustness"]
    assert {row["of"] for row in lost} == {"red_cell", "white_cell", "platelet"}
    assert len(lost) == 3 * (len(detector_evaluation.SPOILT) - 1)
    assert "## What may be lost" in card
    assert (folder / "CARD.md").read_text(encoding="utf-8") == card


def test_a_study_cut_off_goes_on_and_its_curve_stays_on_the_card(
    trained: tuple[Path, dict[str, Any]], data: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(trained[0], tmp_path / "blood-cells")
    job, lines = Job(), list[str]()

    def interrupted(line: str) -> None:
        if line == "learning curve: 4 of 6 photographs":
            job.cancel()

    with pytest.raises(Cancelled):
        Detector(SMALL, TINY).evaluate(data, folder, job, interrupted, study=True)
    assert not (folder / "study.json").exists()
    record = Detector(SMALL, TINY).evaluate(data, folder, Job(), lines.append, study=True)
    assert "member 1 with 25 %: going on after epoch 1" in lines
    points = curve_points(record.study)
    assert [(one.share, one.learned) for one in points] == [(25, 2), (50, 4), (100, 6)]
    assert not (folder / ".study").exists()
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    assert "| 2 photographs (25 %) |" in card
    (folder / "CARD.md").unlink()
    assert Detector(SMALL, TINY).evaluate(data, folder, Job(), lines.append).study == record.study
    assert (folder / "CARD.md").read_text(encoding="utf-8") == card


@pytest.mark.parametrize(
    ("half", "whole", "said"),
    [
        ({"`red_cell`": 0.7, "`platelet`": 0.8}, {"`red_cell`": 0.7, "`platelet`": 0.85}, "still rises for `platelet`"),
        ({"`red_cell`": 0.7, "`platelet`": 0.8}, {"`red_cell`": 0.7, "`platelet`": 0.8}, "the curve is flat"),
    ],
)
def test_a_card_says_in_words_what_the_curve_shows(
    trained: tuple[Path, dict[str, Any]], half: dict[str, float], whole: dict[str, float], said: str
) -> None:
    manifest, training = (json.loads((trained[0] / name).read_text()) for name in ("manifest.json", "training.json"))
    drawn = {"value": 0.8, "low": 0.7, "high": 0.9, "n": 12}
    kind: dict[str, Any] = {
        "drawn": 12,
        "count_error_all": 0.02,
        "count_error_of_the_mean": 0.4,
        "calibration_error": 0.1,
    }
    kind |= dict.fromkeys(("average_precision", "recall", "precision", "count_error", "interval_holds"), drawn)
    figures: dict[str, Any] = {
        "photographs": 12,
        "mean_average_precision": drawn,
        "kinds": {one.key: kind for one in SMALL.kinds},
        "battery": [{"spoilt": "as it is", "photographs": 2, "mean_average_precision": 0.8, "count_error": 0.4}],
    }
    points = [
        CurvePoint(share, learned, {"mean average precision": sum(of.values()) / 2} | of)
        for share, learned, of in ((50, 4, half), (100, 6, whole))
    ]
    study = Study("", 1, [point.to_row() for point in points])
    card = " ".join(detector_card.card(SMALL, manifest, training, figures, study).split())
    assert said in card
    assert "Not reached: the mean; the count of a photograph, of `red_cell` and `white_cell` and `platelet`" in card


def test_what_the_rim_may_cut_is_calibrated_by_itself() -> None:
    inner, rim = (30.0, 20, 50, 40, 0), (1.0, 20, 21, 40, 0)
    found = [np.array([(*inner, 0.5), (*rim, 0.5)]) for _ in range(20)]
    # Nine in ten are drawn within, two in ten at the rim.
    drawn = [np.array([inner] * (number % 10 > 0) + [rim] * (number % 10 > 7)).reshape(-1, 5) for number in range(20)]
    cells = replace(SMALL, kinds=SMALL.kinds[:1])
    (apart,) = fit(found, drawn, cells, TINY)
    assert apart.rim is not None
    assert apart.calibration_of(False).probability(0.0) == pytest.approx(0.9, abs=0.03)
    assert apart.calibration_of(True).probability(0.0) == pytest.approx(0.2, abs=0.03)
    (together,) = fit(found, drawn, replace(cells, rim_apart=False), TINY)
    assert together.rim is None
    assert together.calibration_of(True).probability(0.0) == pytest.approx(0.55, abs=0.03)


def test_only_what_it_has_not_learned_from_is_judged_elsewhere(
    trained: tuple[Path, dict[str, Any]], data: Path, tmp_path: Path
) -> None:
    (tmp_path / "images").mkdir()
    lines = (data / "blood_cells" / "boxes.csv").read_text().splitlines()
    for name in ("f00.png", "f01.png"):
        picture = read_picture(data / "blood_cells" / "images" / name).pixels
        if name == "f01.png":
            picture = picture[::-1].copy()
        Image.fromarray(picture).save(tmp_path / "images" / name)
    chosen = [lines[0], *(line for line in lines[1:] if line.startswith(("f00", "f01")))]
    (tmp_path / "boxes.csv").write_text("\n".join(chosen))
    figures = Detector(SMALL, TINY).evaluate(tmp_path, trained[0], Job(), lambda _text: None)
    assert figures.films == 1


@pytest.mark.parametrize(
    "row", ["f00.png,RBC,40,10,20,30", "f00.png,Amoeba,10,10,20,30", "gone.png,RBC,10,10,20,30", "f00.png,RBC,a,b,c,d"]
)
def test_a_wrong_table_is_never_learned(data: Path, tmp_path: Path, row: str) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "f00.png").write_bytes((data / "blood_cells" / "images" / "f00.png").read_bytes())
    (tmp_path / "boxes.csv").write_text(f"image,label,xmin,ymin,xmax,ymax\n{row}\n")
    with pytest.raises(UserFacingError) as caught:
        read_photographs(tmp_path, BLOOD_CELLS)
    assert caught.value.key == "learning.bad_table"


def test_boxes_go_where_the_picture_goes() -> None:
    from desktop.learning.detector_data import Photograph
    from desktop.learning.detector_lesson import Change, changed

    pixels = np.full((3, 240, 320), 220, np.uint8)
    rows, columns = np.mgrid[0:240, 0:320]
    pixels[:, np.hypot(columns - 190, rows - 100) < 20] = 20
    one = Photograph("a", "b", pixels, np.array([[170.0, 80, 210, 120, 0]]), 0)
    steady = Change(gain=0, lamp=0, gamma=0, blurred=0, grey=0, aspect=0)
    seen = 0
    for seed in range(20):
        pictures, boxes = changed([one], steady, torch.Generator().manual_seed(seed))
        if not len(boxes[0]):
            continue
        left, top, right, bottom = boxes[0][0, :4]
        dark = np.argwhere(pictures[0, 0].numpy() < 120)
        assert np.allclose([left, top], dark[:, ::-1].min(axis=0), atol=2.5)
        assert np.allclose([right, bottom], dark[:, ::-1].max(axis=0) + 1, atol=2.5)
        seen += 1
    assert seen > 10


def test_a_perfect_answer_costs_least() -> None:
    from desktop.learning.detector_lesson import detector_loss, target

    wanted = torch.from_numpy(target(np.array([[40.0, 40, 80, 100, 1]]), 2, 60, 80))[None]
    said = torch.logit(wanted[:, :2].clamp(1e-3, 1 - 1e-3))
    perfect = detector_loss(torch.cat([said, wanted[:, 2:6]], 1), wanted, 2)
    smaller = detector_loss(torch.cat([said, wanted[:, 2:6] - 0.3], 1), wanted, 2)
    blind = detector_loss(torch.cat([torch.full_like(said, -4.0), wanted[:, 2:6]], 1), wanted, 2)
    assert float(perfect) < float(smaller)
    assert float(perfect) < float(blind)
