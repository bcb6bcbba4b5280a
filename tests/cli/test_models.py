"""`models evaluate`: one line of figures on standard output, progress beside it, comparators only when asked for."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from desktop.__main__ import main
from desktop.jobs import Job
from desktop.learning import EvaluationRecord, TrainingRecord
from desktop.settings import model_folder
from tests.cli.helpers import Lantern

KEYS = {"model", "version", "sha256", "data_sha256", "films", "figures", "study"}


@dataclass
class RecordedRecipe:
    """A recipe that notes what it was asked."""

    name: str = "chest-xray-child"
    research: bool = False
    asked: list[tuple[Path, str, bool]] = field(default_factory=list)

    def train(
        self, data: Path, out: Path, job: Job, say: Callable[[str], None], *, resume: bool = True
    ) -> TrainingRecord:
        nothing: dict[str, str] = {}
        return TrainingRecord(
            self.name, "1.0.0", "ab", 7, "cd", 4651, 2231, 90.0, 2, nothing, {}, {}, {}, {}, ("a mark", "another")
        )

    def evaluate(
        self, data: Path, model_folder: Path, job: Job, say: Callable[[str], None], *, study: bool = False
    ) -> EvaluationRecord:
        self.asked.append((data, model_folder.name, study))
        say("network, all of them: epoch 1/6")
        return EvaluationRecord(
            self.name, "1.0.0", "ab", "cd", 72, {"all": None}, [{"name": "network"}] if study else []
        )


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> RecordedRecipe:
    recipe = RecordedRecipe()
    monkeypatch.setattr("desktop.workflow.shelf.RECIPES", {recipe.name: lambda: recipe})
    return recipe


def test_train_says_in_a_sentence_what_was_made(
    recipe: RecordedRecipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole record, with a mark for every patient, is for programs."""
    asked = ["models", "train", recipe.name, "--data", str(tmp_path), "--out", str(tmp_path)]
    assert main(asked) == 0
    told = capsys.readouterr().out
    assert told.startswith("chest-xray-child 1.0.0: trained in no more than 2 min from 4651 cases of 2231 people")
    assert "a mark" not in told
    assert main([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["patient_marks"] == ["a mark", "another"]


@pytest.mark.parametrize("words", [[], ["--study"]])
def test_evaluate(recipe: RecordedRecipe, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert main(["models", "evaluate", recipe.name, "--data", str(tmp_path), *words, "--json"]) == 0
    said = capsys.readouterr()
    (line,) = said.out.splitlines()
    answer = json.loads(line)
    assert set(answer) == KEYS
    assert answer["study"] == ([{"name": "network"}] if words else [])
    assert recipe.asked == [(tmp_path, recipe.name, bool(words))]
    assert "epoch 1/6" in said.err


def test_a_model_without_a_recipe_is_named(
    recipe: RecordedRecipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "evaluate", "nobody", "--data", str(tmp_path), "--study", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["status"], answer["kind"]) == ("error", "not_found")
    assert recipe.asked == []


def answered(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    (line,) = capsys.readouterr().out.splitlines()
    answer = json.loads(line)
    assert isinstance(answer, dict)
    return answer


def test_a_model_is_brought_used_and_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LANTERN_HOME", str(tmp_path))
    bundle = str(model_folder() / "risk-diabetes")
    assert main(["models", "import", bundle, "--json"]) == 1
    assert answered(capsys)["kind"] == "permission"
    assert main(["models", "import", bundle, "--trust", "--json"]) == 0
    brought = answered(capsys)
    assert (brought["name"], brought["in_use"], brought["trust"]) == ("risk-diabetes", False, "administrator")
    assert main(["models", "activate", "risk-diabetes", "--json"]) == 0
    assert answered(capsys)["in_use"] is True
    assert main(["models", "rollback", "risk-diabetes", "--json"]) == 0
    assert answered(capsys)["trust"] == "bundled"
    assert main(["models", "rollback", "risk-diabetes", "--json"]) == 1
    assert answered(capsys)["kind"] == "not_found"


def test_where_there_is_a_clinic_its_administrator_is_asked(lantern: Lantern, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANTERN_HOME", str(lantern.folder / "home"))
    bundle = model_folder() / "risk-diabetes"
    brought = lantern.run("models", "import", bundle, "--trust")
    assert (brought.code, brought.only["vouched"]) == (0, "li")
    lantern.file("passphrase", "not this one\n")
    refused = lantern.run("models", "activate", "risk-diabetes")
    assert (refused.code, refused.only["kind"]) == (3, "unlock")
