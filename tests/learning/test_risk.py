"""Models of risk: curves that are found again, graphs that say the same, cards that say what was measured."""

import csv
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.errors import Cancelled, KnownFailure, UserFacingError
from desktop.inference import read_model
from desktop.inference.manifest import TensorSpec
from desktop.inference.runner_onnx import OnnxRunner
from desktop.jobs import Job
from desktop.learning import RECIPES, risk_battery
from desktop.learning.additive import Additive, ColumnPlan, Curve, Penalty, fit
from desktop.learning.recipes.risk import Risk
from desktop.learning.risk_export import graph_of
from desktop.learning.risk_sets import DIABETES, RISK_SETS, ColumnText
from desktop.learning.risk_training import RiskSettings, column_weights, decide, fit_risk, judged, probabilities, split
from desktop.learning.robustness import lost_rows
from desktop.learning.statistics import auc, calibration_slope
from desktop.learning.tables import Table, read_table, without_rare
from desktop.records import Decision

pytest.importorskip("onnx", reason="needs the package onnx to write graphs")

PENALTY = Penalty(0.1, 0.1, 0.1)
SETTINGS = RiskSettings(folds=3, repeats=1, choosing_repeats=1)


def quiet(_: str) -> None:
    """Nobody listens."""


def people(count: int, seed: int = 0) -> tuple[Any, Any]:
    """Three columns: a U-shaped one with gaps, one of no meaning, and a choice of three."""
    generator = np.random.default_rng(seed)
    rows = np.stack(
        [generator.uniform(-2, 2, count), generator.normal(size=count), generator.integers(0, 3, count)], axis=1
    )
    logits = 1.5 * rows[:, 0] ** 2 - 2.0 + np.array([-1.0, 0.0, 1.0])[rows[:, 2].astype(int)]
    labels = generator.random(count) < 1 / (1 + np.exp(-logits))
    rows[generator.random(count) < 0.1, 0] = np.nan
    return rows, labels


@pytest.fixture(scope="module")
def bowl() -> Additive:
    rows, labels = people(4000)
    return fit(rows, labels, [ColumnPlan(), ColumnPlan(), ColumnPlan(choices=3)], PENALTY)


def test_a_bowl_is_found_again_and_noise_stays_flat(bowl: Additive) -> None:
    added = bowl.curves[0].at(np.array([-1.5, 0.0, 1.5]))
    assert added[0] - added[1] == pytest.approx(1.5 * 1.5**2, abs=0.6)
    assert added[2] - added[1] == pytest.approx(1.5 * 1.5**2, abs=0.6)
    noise = bowl.curves[1].at(np.linspace(-1.5, 1.5, 9))
    assert np.ptp(noise) < 0.4
    choice = bowl.curves[2].at(np.array([0.0, 1.0, 2.0]))
    assert np.diff(choice) == pytest.approx([1.0, 1.0], abs=0.35)


def test_what_is_added_is_about_the_average_person(bowl: Additive) -> None:
    rows, _ = people(4000)
    known = ~np.isnan(rows)
    assert bowl.contributions(rows).sum(axis=0) / known.sum(axis=0) == pytest.approx([0, 0, 0], abs=1e-9)
    assert bowl.logits(np.full((1, 3), np.nan))[0] == bowl.baseline
    assert bowl.logits(rows) == pytest.approx(bowl.baseline + bowl.contributions(rows).sum(axis=1))
    beyond = bowl.curves[0]
    assert beyond.at(np.array([99.0]))[0] == beyond.heights[-1]
    twice = bowl.scaled(2.0, 0.5)
    assert twice.logits(rows) == pytest.approx(2 * bowl.logits(rows) + 0.5)


def test_one_class_alone_teaches_nothing() -> None:
    with pytest.raises(ValueError, match="both classes"):
        fit(np.zeros((5, 1)), np.ones(5, dtype=bool), [ColumnPlan()], PENALTY)


def test_the_graph_says_what_the_model_says(bowl: Additive) -> None:
    rows, _ = people(60, seed=5)
    rows[0, 0], rows[1, 1] = 1e6, -1e6
    runner = OnnxRunner(
        graph_of(bowl), TensorSpec("values", (3,)), (TensorSpec("logits", (1,)), TensorSpec("contributions", (3,)))
    )
    for row in rows:
        answer = runner.run(row[None].astype(np.float32))
        assert answer["contributions"] == pytest.approx(bowl.contributions(row[None])[0], abs=1e-4)
        assert float(answer["logits"][0]) == pytest.approx(float(bowl.logits(row[None])[0]), abs=1e-4)


def test_every_person_is_in_one_part_and_classes_are_spread() -> None:
    labels = np.arange(100) < 20
    parts = split(labels, 5, seed=1)
    assert [int((labels & (parts == part)).sum()) for part in range(5)] == [4] * 5
    assert (parts == split(labels, 5, seed=1)).all()
    assert (parts != split(labels, 5, seed=2)).any()


@pytest.mark.parametrize("true", [0.5, 1.0, 2.0])
def test_the_slope_tells_bold_from_timid(true: float) -> None:
    generator = np.random.default_rng(3)
    logits = generator.normal(0, 1.5, 4000)
    labels = generator.random(4000) < 1 / (1 + np.exp(-true * logits))
    found = calibration_slope(logits, labels)
    assert found.low < true < found.high
    assert math.isnan(calibration_slope(logits, labels | True).value)
    assert math.isnan(calibration_slope(logits, logits > 0).value), "classes that do not overlap tell no slope"


def write_table(folder: Path, count: int = 160, ill: int = 1, seed: int = 8) -> Path:
    """A made-up table of the columns of the diabetes set: sugar decides. ill: what is written for high sugar."""
    generator = np.random.default_rng(seed)
    path = folder / "tabular" / DIABETES.file
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*(column.key for column in DIABETES.columns), DIABETES.answer])
        for number in range(count):
            sugar, high = generator.uniform(60, 200), number % 2
            row = [number % 7, round(sugar + 90 * high), 70, 0 if number % 3 else 25, number % 90, 30.5, 0.3, 40]
            writer.writerow([*row, ill if high else 1 - ill])
    return path


def test_zeros_that_cannot_be_are_absent(tmp_path: Path) -> None:
    write_table(tmp_path)
    table = read_table(tmp_path, DIABETES)
    skinfold, pregnancies = table.rows[:, 3], table.rows[:, 0]
    assert np.isnan(skinfold).sum() == 106
    assert not np.isnan(pregnancies).any()
    assert table.labels.sum() == 80
    assert (read_table(tmp_path / "tabular", DIABETES).rows[:, 0] == pregnancies).all()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("bmi", "weight"),
        lambda text: text.replace(",30.5,", ",heavy,"),
        lambda text: text.replace(",30.5,", ",inf,"),
        lambda text: text.replace(",40,1\n", ",40,1.0\n").replace(",40,1\r\n", ",40,1.0\r\n"),
        lambda text: text.replace(",40,1", ",40,"),
        lambda text: text + "1,2\n",
        lambda text: text + "1,100,70,25,3,30.5,0.3,40,1,7\n",
        lambda text: "\n".join(text.splitlines()[:8]),
        lambda text: "",
    ],
)
def test_a_table_that_is_not_as_it_should_be_teaches_nothing(tmp_path: Path, spoil: Any) -> None:
    path = write_table(tmp_path)
    path.write_text(spoil(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(UserFacingError) as caught:
        read_table(tmp_path, DIABETES)
    assert caught.value.key == "learning.bad_table"


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserFacingError) as caught:
        read_table(tmp_path, DIABETES)
    assert caught.value.details == {"wanted": "tabular/pima_diabetes.csv"}


def test_from_the_table_to_a_model_that_answers_and_a_card(tmp_path: Path) -> None:
    write_table(tmp_path)
    recipe = Risk(DIABETES, SETTINGS)
    record = recipe.train(tmp_path, tmp_path / "models", Job(), quiet)
    folder = tmp_path / "models" / DIABETES.model
    model = read_model(folder)
    assert model.self_test().ok
    assert record.sha256 == model.sha256
    card = model.card_text()
    figures = recipe.evaluate(tmp_path, folder, Job(), quiet)
    area: Any = figures.figures["all"]
    assert area["auc"]["value"] > 0.8
    assert f"{area['auc']['value']:.3f}" in card
    assert (folder / "CARD.md").read_text(encoding="utf-8") == card
    assert "| one value left out |" in card
    again = recipe.train(tmp_path, tmp_path / "again", Job(), quiet)
    assert again.sha256 == record.sha256


def test_values_made_worse_cost_what_they_should_and_too_many_missing_cost_nothing(tmp_path: Path) -> None:
    write_table(tmp_path)
    table = read_table(tmp_path, DIABETES)
    settings = replace(SETTINGS, folds=2, repeats=1)
    folds = judged(table, DIABETES, settings, Job())[2]
    lost = {one.change: one for one in lost_rows(risk_battery.battery(table, DIABETES, folds, settings))}
    assert set(lost) == set(risk_battery.CHANGES) - {"as it is"}
    assert lost["the weightiest value left out"].refused == 1.0, "without the sugar there is nothing to say"
    assert lost["the weightiest value left out"].value == 0.0
    assert abs(lost["every number rounded to two digits"].value or 0.0) < 0.1
    again = risk_battery.battery(table, DIABETES, folds, settings)
    assert lost_rows(again) == tuple(lost.values()), "the same again"


def test_other_people_are_judged_by_the_model_itself_and_the_card_stays(tmp_path: Path) -> None:
    write_table(tmp_path)
    recipe = Risk(DIABETES, replace(SETTINGS, folds=2))
    recipe.train(tmp_path, tmp_path, Job(), quiet)
    folder = tmp_path / DIABETES.model
    card = (folder / "CARD.md").read_bytes()
    others = write_table(tmp_path / "others", 120, ill=0, seed=9)
    found: Any = recipe.evaluate(tmp_path / "others", folder, Job(), quiet).figures
    assert found["judged_by"] == "the model itself"
    assert found["all"]["auc"]["value"] < 0.3, "among these, high sugar means health"
    assert found["people"] == 120
    assert (folder / "CARD.md").read_bytes() == card
    known = (tmp_path / "tabular" / DIABETES.file).read_text(encoding="utf-8")
    others.write_text("\n".join(known.splitlines()[:100]), encoding="utf-8")
    with pytest.raises(UserFacingError) as caught:
        recipe.evaluate(tmp_path / "others", folder, Job(), quiet)
    assert caught.value.key == "learning.nobody_new"
    graph = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(graph[:-1])
    with pytest.raises(KnownFailure):
        recipe.evaluate(tmp_path / "others", folder, Job(), quiet)
    (folder / "model.onnx").write_bytes(graph)
    (folder / "training.json").unlink()
    with pytest.raises(KnownFailure):
        recipe.evaluate(tmp_path, folder, Job(), quiet)


def test_rare_answers_are_not_learned_and_equal_rows_count_once(tmp_path: Path) -> None:
    path = write_table(tmp_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text + text.splitlines()[-1] + "\n", encoding="utf-8")
    assert len(read_table(tmp_path, DIABETES).labels) == 160
    column = ColumnText("colour", {"en": "", "zh": ""}, choices={one: {"en": one, "zh": one} for one in "abc"})
    steps = replace(column, ordered=True)
    codes = np.array([0.0] * 20 + [1.0] * 2 + [2.0] * 20)
    table = Table(np.stack([codes, codes], axis=1), codes == 2, "")
    kept, risk = without_rare(table, replace(DIABETES, columns=(column, steps)))
    assert [list(one.choices) for one in risk.columns] == [["a", "c"], ["a", "b", "c"]]
    assert np.isnan(kept.rows[:, 0]).sum() == 2
    assert set(kept.rows[22:, 0]) == {1.0}
    assert (kept.rows[:, 1] == codes).all()


def test_nobody_gets_an_answer_in_the_figures_whom_the_clinic_would_give_none(tmp_path: Path) -> None:
    write_table(tmp_path)
    table = read_table(tmp_path, DIABETES)
    fitted = fit_risk(table, DIABETES, SETTINGS, 1)
    rows = table.rows[:4].copy()
    rows[0, 1], rows[1, 1], rows[2, 5] = np.nan, 1000.0, np.nan
    told = decide(fitted, rows, SETTINGS)
    assert fitted.weights[1] > SETTINGS.missing_limit
    assert list(told[:2]) == [Decision.CANNOT_SAY] * 2
    assert told[3] == fitted.thresholds.decide(float(probabilities(fitted.model.logits(rows[3:]))[0]))


def test_columns_that_take_back_what_others_add_weigh_more() -> None:
    line = np.array([-1.0, 1.0])
    curves = (Curve(line, 4 * line), Curve(line, -4 * line), Curve(line, line))
    ends = np.tile(np.linspace(-1, 1, 50), (3, 1)).T
    assert column_weights(Additive(0.0, curves), ends).tolist() == [1.0, 1.0, 1.0]
    assert column_weights(Additive(0.0, curves[:1] + curves[2:]), ends[:, :2]) == pytest.approx(
        [16 / 17, 1 / 17], abs=1e-3
    )


def test_it_can_be_cancelled(tmp_path: Path) -> None:
    write_table(tmp_path)
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        Risk(DIABETES, SETTINGS).train(tmp_path, tmp_path, job, quiet)
    assert not (tmp_path / DIABETES.model).exists()


@pytest.mark.parametrize("risk", RISK_SETS, ids=lambda risk: risk.model)
@pytest.mark.data
def test_the_shipped_graph_is_what_the_recipe_makes_of_the_real_table(risk: Any, shared_data: Path) -> None:
    """The same again from the same seed: the curves that were shipped are those of this table."""
    from desktop.learning.additive import PENALTIES
    from desktop.settings import model_folder

    table, risk = without_rare(read_table(shared_data, risk), risk)
    folder = model_folder() / risk.model
    training = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    assert training["data_sha256"] == table.sha256
    penalty = next(one for one in PENALTIES if one == Penalty(**training["settings"]["penalty"]))
    model = fit(table.rows, table.labels, [column.plan for column in risk.columns], penalty)
    model = model.scaled(training["calibration"]["slope"], training["calibration"]["offset"])
    shipped = read_model(folder)
    rows = table.rows[:20]
    runner = OnnxRunner(
        (folder / "model.onnx").read_bytes(),
        TensorSpec("values", (len(risk.columns),)),
        (TensorSpec("logits", (1,)),),
    )
    said = [float(runner.run(row[None].astype(np.float32))["logits"][0]) for row in rows]
    assert said == pytest.approx(model.logits(rows), abs=1e-3)
    assert shipped.name == risk.model
    assert auc(model.logits(table.rows), table.labels) > 0.75


def test_every_risk_has_a_recipe() -> None:
    assert {risk.model for risk in RISK_SETS} <= set(RECIPES)
    for risk in RISK_SETS:
        assert RECIPES[risk.model]().name == risk.model
