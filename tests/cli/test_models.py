"""`models evaluate`: one line of figures on standard output, progress beside it, comparators only when asked for."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from desktop.__main__ import main
from desktop.jobs import Job
from desktop.learning import EvaluationRecord, TrainingRecord

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
        raise NotImplementedError

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
