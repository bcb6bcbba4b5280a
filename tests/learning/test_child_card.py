"""Card, limits and README of the shipped model tell the same figures, and those the figures' own."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.learning import child_stretches
from desktop.learning.child_card import limits
from desktop.learning.films import Film
from desktop.learning.learning_curve import curve_points
from desktop.learning.publishing import manifest_text
from desktop.learning.recipes.chest_xray_child import ChestXrayChild
from desktop.learning.records import Study
from desktop.settings import model_folder
from tests.learning.stated import CardFigures, check_figures_agree

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def shipped() -> Path:
    return model_folder() / ChestXrayChild.name


def test_the_shipped_limits_tell_the_figures_of_the_shipped_card(shipped: Path) -> None:
    check_figures_agree(shipped)


def test_the_readme_tells_the_figures_of_the_shipped_card(shipped: Path) -> None:
    said = CardFigures.read((shipped / "CARD.md").read_text(encoding="utf-8"))
    readme = " ".join((REPOSITORY / "README.md").read_text(encoding="utf-8").split())
    assert f"AUC {said.area} ({said.area_on_test} on the published test part)" in readme
    assert f"`bacterial_if_pneumonia`: AUC {said.hint}" in readme
    assert f"{float(said.decided):.0f} % of films decided, {float(said.decided_right):.0f} % of those right" in readme


def test_the_shipped_manifest_is_as_the_recipe_writes_it(shipped: Path) -> None:
    text = (shipped / "manifest.json").read_text(encoding="utf-8")
    assert manifest_text(json.loads(text)) == text


def test_the_shipped_comparators_are_of_the_data_the_model_learned_from(shipped: Path) -> None:
    training = json.loads((shipped / "training.json").read_text(encoding="utf-8"))
    study = Study.read(shipped / "study.json", training["data_sha256"])
    assert study is not None
    card = (shipped / "CARD.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?:network|thumbnail|size)[^|]*\|[^|]*\|[^|]*\| \d\.\d{3} ", card, re.MULTILINE)
    assert len(rows) == len([row for row in study.rows if isinstance(row, dict) and "auc" in row]) == 8


def test_the_shipped_card_tells_why_the_hint_falls_short(shipped: Path) -> None:
    card = (shipped / "CARD.md").read_text(encoding="utf-8")
    hint = CardFigures.read(card).hint
    assert float(hint) < 0.9, "once the goal is reached this part of the card goes"
    last = curve_points(json.loads((shipped / "study.json").read_text(encoding="utf-8"))["rows"])[-1]
    assert f"| {last.learned:,} children (100 %) | {last.figures['the hint']:.3f} |" in card
    assert f"{last.figures['the hint']:.3f}" == hint, "all of the children are learned from in the shipped model too"
    assert re.search(r"^\| numbered where causes do not differ \| \d+ / \d+ \| 0\.", card, re.MULTILINE)


def test_a_film_is_told_by_where_it_was_published() -> None:
    film = Film(Path("person1345_bacteria_3424.jpg"), "", True, "", "", "train", "bacterial", "A", 1, 1)
    assert child_stretches.of(film) == (child_stretches.OUT_OF_LINE,)
    for name, stretch in (
        ("person1345_bacteria_3339.jpg", child_stretches.IN_LINE),
        ("person450_virus_983.jpg", child_stretches.OUT_OF_LINE),
        ("person450_virus_984.jpg", child_stretches.IN_LINE),
        ("person450_virus_984_1.jpg", child_stretches.IN_LINE),
    ):
        assert child_stretches.of(replace(film, path=Path(name))) == (stretch,), name
    assert child_stretches.of(replace(film, split="test")) == ()
    assert child_stretches.of(replace(film, path=Path("IM-0115-0001.jpg"))) == ()


def test_the_limits_round_as_the_card_does_and_leave_out_what_was_not_measured() -> None:
    figures = {"all": {"auc": {"value": 0.9876}}, "groups": {"published part test": {"auc": {"value": 0.9}}}}
    assert "was 0.988 (0.900 on the films" in limits(1234, figures)["en"]
    assert "1,234 children" in limits(1234, figures)["en"]
    assert "为 0.988（公开数据的测试部分为 0.900）。" in limits(1234, figures)["zh"]
    without = limits(1234, {**figures, "groups": {}})
    assert "was 0.988. It has" in without["en"]
    assert "为 0.988。" in without["zh"]
