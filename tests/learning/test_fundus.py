"""A model of retinas learns from drawn ones, and leaves a folder that the clinic can load."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from desktop.errors import Cancelled, UserFacingError
from desktop.inference import FundusModel, read_model
from desktop.inference.calibration import Calibration, ConformalThresholds
from desktop.inference.fundus_vessels import VesselPreparation
from desktop.inference.golden_fundus import drawn_retina, drawn_vessels
from desktop.jobs import Job
from desktop.learning import RECIPES, fundus_card, fundus_evaluation, robustness
from desktop.learning.fundus_card import OVERLAP
from desktop.learning.fundus_data import GradedEye, read_drawn, read_graded
from desktop.learning.fundus_gating import fit_sight
from desktop.learning.fundus_grading import FittedGrades, Unseen, graded, quadratic_kappa
from desktop.learning.fundus_sets import FUNDUS, FUNDUS_VESSELS_DRIVE
from desktop.learning.fundus_settings import FundusSettings
from desktop.learning.fundus_tracing import BINS, Traced
from desktop.learning.learning_curve import CurvePoint, curve_points
from desktop.learning.recipes.fundus import Fundus
from desktop.learning.records import Study
from desktop.learning.robustness import lost_rows

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

SMALL = replace(
    FUNDUS_VESSELS_DRIVE,
    preparation=VesselPreparation(96, 112, 8.0, 1.0, ("green", "blue")),
    epochs=1,
    before=FUNDUS.vessels,
    first_epochs=1,
    first="2 photographs of CHASE_DB1",
)
TINY = FundusSettings(members=2, steps=2, batch=2, patch=48, threads=1)
EYES = 4


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four small retinas with drawn vessels, each turned in its own way, and two to learn from first."""
    folder = tmp_path_factory.mktemp("data") / "fundus"
    names = [(f"DRIVE/{number + 1:02}_image.png", f"DRIVE/{number + 1:02}_vessel.png") for number in range(EYES)]
    names += [(f"CHASEDB1/Image_01{eye}.jpg", f"CHASEDB1/Image_01{eye}_1stHO.png") for eye in "LR"]
    retina, vessels = drawn_retina(), np.repeat((drawn_vessels() > 0.5)[..., None], 3, axis=2)
    for turns, (photograph, drawing) in enumerate(names):
        for name, pixels in ((photograph, retina), (drawing, vessels.astype(np.uint8) * np.uint8(255))):
            small = Image.fromarray(np.ascontiguousarray(np.rot90(pixels, turns))).resize((240, 240))
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            small.save(folder / name)
    return folder.parent


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("models")
    record = Fundus(SMALL, TINY).train(data, out, Job(), lambda _text: None)
    return out / SMALL.model, json.loads(record.to_json())


def test_a_trained_model_is_loaded_and_is_itself(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, record = trained
    assert {path.name for path in folder.iterdir()} == {"CARD.md", "manifest.json", "model.onnx", "training.json"}
    assert (record["films"], record["patients"]) == (EYES + 2, EYES + 1)
    assert list(record["curves"]) == ["first", "vessels 1", "vessels 2"]
    assert "Trained from one network that learned from 2 photographs of CHASE_DB1" in (folder / "CARD.md").read_text()
    smaller = record["calibration"]["whole_numbers"]
    assert smaller["bytes"][smaller["taken"]] == (folder / "model.onnx").stat().st_size
    assert smaller["bytes"][1] != smaller["bytes"][0]
    model = read_model(folder)
    assert isinstance(model, FundusModel)
    assert model.research
    result = model.self_test()
    assert (result.ok, result.error) == (True, "")
    model.close()


def test_the_weights_are_the_same_however_many_networks_learn_at_a_time(data: Path, tmp_path: Path) -> None:
    from desktop.learning.fundus_training import VesselSchool, train_vessels

    eyes, weights = read_drawn(data, SMALL.vessels, SMALL.preparation), []
    for count in (1, 2):
        settings = replace(TINY, threads=count, epochs=1, first_epochs=1)
        school = VesselSchool(settings, 2, "", tmp_path / str(count), Job(), lambda _text: None)
        weights.append(train_vessels(eyes, eyes[:1], school).network.state_dict())
    one, two = weights
    assert one.keys() == two.keys()
    assert [name for name in one if not torch.equal(one[name], two[name])] == []


def test_evaluation_makes_the_figures_again(trained: tuple[Path, dict[str, Any]], data: Path) -> None:
    folder, record = trained
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    figures = Fundus(SMALL, TINY).evaluate(data, folder, Job(), lambda _text: None)
    assert figures.data_sha256 == record["data_sha256"]
    assert (folder / "CARD.md").read_text(encoding="utf-8") == card
    assert "## What may be lost" in card


def test_what_it_has_learned_from_is_not_judged_elsewhere(
    trained: tuple[Path, dict[str, Any]], data: Path, tmp_path: Path
) -> None:
    (tmp_path / "DRIVE").mkdir()
    for name in ("01_image.png", "01_vessel.png"):
        (tmp_path / "DRIVE" / name).write_bytes((data / "fundus" / "DRIVE" / name).read_bytes())
    with pytest.raises(UserFacingError) as caught:
        Fundus(SMALL, TINY).evaluate(tmp_path, trained[0], Job(), lambda _text: None)
    assert caught.value.key == "learning.nothing_new"


def test_nothing_is_taught_without_the_eyes_that_come_first(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data / "fundus" / "DRIVE", tmp_path / "DRIVE")
    with pytest.raises(UserFacingError) as caught:
        Fundus(SMALL, TINY).train(tmp_path, tmp_path / "out", Job(), lambda _text: None)
    assert caught.value.details == {"wanted": "fundus/CHASEDB1"}


def test_networks_begin_from_what_came_first(data: Path, tmp_path: Path) -> None:
    from desktop.learning.fundus_network import VesselNetwork
    from desktop.learning.fundus_training import VesselSchool

    eyes = read_drawn(data, SMALL.vessels, SMALL.preparation)
    start = VesselNetwork(2).state_dict()
    school = VesselSchool(replace(TINY, epochs=1, steps=1, rate=0.0), 2, "", tmp_path, Job(), lambda _text: None)
    begun, new = (school.member(number, eyes, weights).network for number, weights in ((0, start), (1, None)))
    name = "down1.0.0.weight"
    assert torch.equal(begun.state_dict()[name], start[name])
    assert not torch.equal(new.state_dict()[name], start[name])


def test_a_study_cut_off_goes_on_and_its_curve_stays_on_the_card(
    trained: tuple[Path, dict[str, Any]], data: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(trained[0], tmp_path / SMALL.model)
    job, lines = Job(), list[str]()

    def interrupted(line: str) -> None:
        if line.startswith("vessels 1 with 25 %: epoch 1"):
            job.cancel()

    with pytest.raises(Cancelled):
        Fundus(SMALL, TINY).evaluate(data, folder, job, interrupted, study=True)
    assert not (folder / "study.json").exists()
    record = Fundus(SMALL, TINY).evaluate(data, folder, Job(), lines.append, study=True)
    assert "vessels 1 with 25 %: going on after epoch 1" in lines
    points = curve_points(record.study)
    assert [(one.share, one.learned) for one in points] == [(25, 1), (50, 1), (100, 2)]
    assert not (folder / ".study").exists()
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    assert "| 1 photographs (25 %) |" in card
    (folder / "CARD.md").unlink()
    assert Fundus(SMALL, TINY).evaluate(data, folder, Job(), lines.append).study == record.study
    assert (folder / "CARD.md").read_text(encoding="utf-8") == card


@pytest.mark.parametrize(("half", "said"), [(0.79, "still rises"), (0.799, "the curve is flat")])
def test_a_card_says_in_words_what_the_curve_shows(
    trained: tuple[Path, dict[str, Any]], half: float, said: str
) -> None:
    figures = {"vessels": {"photographs": 6}}
    points = [CurvePoint(share, eyes, {OVERLAP: dice}) for share, eyes, dice in ((50, 2, half), (100, 4, 0.8))]
    told = fundus_card.curve_section(SMALL, figures, Study("", 1, [point.to_row() for point in points]))
    assert said in told
    assert "judged on the 2 photographs" in told
    assert "Not measured yet" in fundus_card.curve_section(SMALL, figures, None)


def test_recipes_say_which_is_a_research_pack() -> None:
    assert not RECIPES[FUNDUS.model]().research
    assert RECIPES[FUNDUS_VESSELS_DRIVE.model]().research


@pytest.mark.parametrize("row", ["IDRiD_001.jpg,5,0", "IDRiD_001.jpg,0,x", "IDRiD_009.jpg,0,0", "IDRiD.jpg,0,0"])
def test_a_wrong_grade_is_never_learned(tmp_path: Path, row: str) -> None:
    folder = tmp_path / "fundus" / "idrid_grading"
    (folder / "images").mkdir(parents=True)
    for name in ("IDRiD_001.jpg", "IDRiD.jpg"):
        Image.new("RGB", (8, 8)).save(folder / "images" / name)
    with (folder / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["image", "dr_grade", "dme_risk"], row.split(",")])
    with pytest.raises(UserFacingError) as caught:
        read_graded(tmp_path, 8)
    assert caught.value.key == "learning.bad_table"


def test_what_spoilt_photographs_cost_is_told_by_grade(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robustness, "FEWEST", 0)
    paths = [eye.path for eye in read_drawn(data, SMALL.vessels, SMALL.preparation)]
    eyes = [GradedEye(path, "", place, place, 4 * (place % 2), 2 * (place % 2)) for place, path in enumerate(paths)]
    monkeypatch.setattr(fundus_evaluation, "_EVERY_GRADED", 1)
    few: Any = {"as it is": None, "darker by 30 %": fundus_evaluation.MILD["darker by 30 %"]}
    monkeypatch.setattr(fundus_evaluation, "MILD", few)
    right = np.array([[-2.0], [2.0]] * 2) * np.ones(6)
    answers = iter([right, -right])
    forests: Any = SimpleNamespace(asked=lambda _rows, _chosen: next(answers))
    familiar: Any = None
    sure = ConformalThresholds(0.4, 0.6, 0.1, 0.1)
    fitted = FittedGrades((), (Calibration(1.0, 0.0),) * 2, (sure,) * 2, familiar)
    rows, lost = fundus_evaluation.grade_battery(eyes, forests, fitted, SMALL.preparation, (), Job())
    assert [one["referable_dr"] for one in rows if isinstance(one, dict)] == [1.0, 0.0]
    told = lost_rows(lost)
    assert [(one.of, one.value, one.beyond) for one in told] == [
        ("referable_dr", 1.0, True),
        ("referable_dme", 1.0, True),
    ]


def test_what_is_said_of_eyes_of_another_camera_is_counted(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    eyes = read_drawn(data, SMALL.vessels, SMALL.preparation)
    logits = np.array([[9.0, -9.0], [9.0, 0.0], [-9.0, 0.0], [9.0, 0.0]])
    halves = iter([np.tile(logits, (1, 3)) * weight for weight in (0.5, 1.5)])
    monkeypatch.setattr(fundus_evaluation, "shares_of", lambda _forests, _rows: next(halves))
    forests = Unseen(np.zeros(4, np.int64), ((), ()), np.zeros((4, 6)))
    familiar: Any = None
    sure = ConformalThresholds(0.1, 0.9, 0.1, 0.1)  # what lies between is either
    fitted = FittedGrades((), (Calibration(1.0, 0.0),) * 2, (sure,) * 2, familiar)
    found = fundus_evaluation.grades_elsewhere(eyes, forests, fitted, Job())
    assert found == {
        "photographs": 4,
        "referable_dr": {"likely": 3, "unlikely": 1, "cannot_say": 0},
        "referable_dme": {"likely": 0, "unlikely": 1, "cannot_say": 3},
    }


def test_kappa_is_one_where_all_is_right_and_none_by_chance() -> None:
    grades = np.array([0, 1, 2, 3, 4] * 20)
    assert quadratic_kappa(grades, grades) == pytest.approx(1.0)
    assert quadratic_kappa(np.full(100, 2), grades) == pytest.approx(0.0)
    assert quadratic_kappa(np.minimum(4, grades + 1), grades) > quadratic_kappa(4 - grades, grades)


def test_a_grade_is_as_many_levels_as_are_reached_in_a_row() -> None:
    logits = np.array([[-1.0, 2.0], [0.5, -0.1], [0.0, 0.2]])
    assert graded(logits).tolist() == [0, 1, 2]


def test_overlap_counts_what_lies_beyond_the_field() -> None:
    vessel, other = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)
    vessel[[50, 150]], other[[50, 150]] = (10, 30), (60, 10)
    one = Traced(vessel, other, missed=10)
    assert one.dice()[100] == pytest.approx(2 * 30 / (40 + 50))
    assert one.dice()[40] == pytest.approx(2 * 40 / (110 + 50))
    assert one.at(100) == (30, 10, 10, 60)


def test_limits_lie_beyond_nearly_all_good_ones_and_are_lenient() -> None:
    random = np.random.default_rng(3)
    names = ("whole", "light", "black", "burnt", "contrast", "sharpness", "vessels")
    good = [{name: float(random.normal(0.5, 0.05)) for name in names} for _ in range(200)]
    limits = {limit.measure: limit for limit in fit_sight(good, 0.05)}
    for limit in limits.values():
        assert sum(limit.holds(one) for one in good) >= (199 if limit.measure in ("contrast", "sharpness") else 200)
    assert limits["sharpness"].low > 0.3
    assert limits["vessels"].low == 0.005
    assert limits["burnt"].high > 0.6
