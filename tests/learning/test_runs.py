"""Records of trainings as people look at them: those on the shelf, and damaged ones."""

import json
from pathlib import Path

import pytest

from desktop.errors import KnownFailure, UserFacingError
from desktop.i18n import Language
from desktop.inference import Registry
from desktop.jobs import Job
from desktop.learning.runs import read_run
from desktop.settings import model_folder
from desktop.workflow import model_card
from desktop.workflow.shelf import train_model

RECORD = {
    "seed": 7,
    "data_sha256": "ab" * 32,
    "films": 10,
    "patients": 4,
    "seconds": 90.0,
    "threads": 2,
    "software": {"numpy": "2"},
    "settings": {"epochs": 2, "alphas": [0.1, 0.2], "name": "x"},
    "curves": {
        "member 1": [
            {"epoch": 1, "training_loss": 0.9, "validation_loss": 0.0},
            {"epoch": 2, "training_loss": 0.4, "validation_loss": 0.0},
        ],
        "gate": [{"epoch": 1, "training_loss": 0.9, "validation_loss": 0.8}],
        "never begun": [],
    },
}


def test_a_record_is_read() -> None:
    run = read_run("toy", json.dumps(RECORD))
    assert (run.seed, run.cases, run.people, run.seconds, run.threads) == (7, 10, 4, 90.0, 2)
    assert run.settings == {"epochs": "2", "alphas": "[0.1, 0.2]", "name": "x"}
    assert [(curve.name, curve.training, curve.validation) for curve in run.curves] == [
        ("member 1", (0.9, 0.4), ()),
        ("gate", (0.9,), (0.8,)),
    ]


def test_what_was_tried_is_told_with_the_best_first() -> None:
    rows = [
        {"settings": {"ridge": ridge}, "loss": loss, "chosen": loss == 0.3}
        for ridge, loss in ((1.0, 0.5), (3.0, 0.3), (10.0, 0.4))
    ]
    tried = read_run("toy", json.dumps(RECORD | {"tried": rows})).tried
    assert [(one.settings, one.chosen) for one in tried] == [
        ({"ridge": "3.0"}, True),
        ({"ridge": "10.0"}, False),
        ({"ridge": "1.0"}, False),
    ]
    assert read_run("toy", json.dumps(RECORD)).tried == ()


def test_only_a_recipe_that_can_choose_is_asked_to(tmp_path: Path) -> None:
    with pytest.raises(UserFacingError) as caught:
        train_model("sputum-afb", tmp_path, tmp_path, Job(), print, search=True)
    assert caught.value.key == "workflow.nothing_to_search"
    assert "head-ct" in str(caught.value.details["known"])
    with pytest.raises(UserFacingError) as caught:
        train_model("risk-diabetes", tmp_path, tmp_path, Job(), print, search=True)
    assert caught.value.key == "learning.no_data"


@pytest.mark.parametrize(
    "damage",
    [
        {"seed": None},
        {"curves": {"a": [{"epoch": 1}]}},
        {"curves": {"a": [{"training_loss": float("inf"), "validation_loss": 0.0}]}},
        {"software": []},
        {"settings": "many"},
        {"tried": [{"settings": {}, "loss": float("nan"), "chosen": False}]},
        {"tried": [{"loss": 0.1}]},
    ],
)
def test_a_damaged_record_is_told(damage: dict[str, object]) -> None:
    with pytest.raises(KnownFailure, match="no_record"):
        read_run("toy", json.dumps(RECORD | damage))
    with pytest.raises(KnownFailure, match="no_record"):
        read_run("toy", "[]")


def test_every_model_of_the_shelf_has_a_record_that_can_be_shown() -> None:
    models = Registry.load([model_folder()])
    assert models.names()
    for name in models.names():
        training = model_card(models, name, Language.ENGLISH).training
        assert training is not None, name
        assert training.cases >= training.people > 0


def test_a_model_without_a_record_has_a_card_all_the_same(tmp_path: Path) -> None:
    from shutil import copytree

    copytree(model_folder() / "risk-diabetes", tmp_path / "risk-diabetes")
    (tmp_path / "risk-diabetes" / "training.json").unlink()
    models = Registry.load([tmp_path])
    assert model_card(models, "risk-diabetes", Language.ENGLISH).training is None
