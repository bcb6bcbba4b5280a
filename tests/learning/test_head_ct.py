"""The research pack of head CT: tables that are believed or not, lines that graphs repeat, honest cards."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from desktop.errors import UserFacingError
from desktop.inference import golden
from desktop.inference.head_slice import COUNT
from desktop.inference.manifest import TensorSpec
from desktop.inference.registry import read_picture_model
from desktop.inference.runner_onnx import OnnxRunner
from desktop.inference.subject import Subject
from desktop.jobs import Job
from desktop.learning import RECIPES
from desktop.learning.head_ct_data import KINDS, Slice, SliceTable, data_hash, find_slices, read_slices
from desktop.learning.head_ct_evaluation import CHANGES
from desktop.learning.head_ct_export import graph_of
from desktop.learning.head_ct_training import HeadCtSettings, chosen, fit_lines
from desktop.learning.recipes.head_ct import HeadCt
from desktop.learning.runs import read_run
from desktop.records import AnalysisStatus, FileHeader, Modality, Photometric, Picture

pytest.importorskip("onnx", reason="needs the package onnx to write graphs")

SETTINGS = HeadCtSettings(folds=2, repeats=1, every=12)
COLUMNS = ("image", "patient", "slice", *KINDS, "any_haemorrhage", "fracture")


def quiet(_: str) -> None:
    """Nobody listens."""


def write_set(root: Path, people: int = 12, first: int = 1) -> Path:
    """A folder that holds `ct/head_ct_ich`: drawn heads, every other person's brighter under the skull."""
    folder = root / "ct" / "head_ct_ich"
    (folder / "brain_window").mkdir(parents=True)
    phantom = golden.head_phantom()[::3, ::3]
    random = np.random.default_rng(first)
    rows = []
    for number in range(2 * people):
        patient, shown = first + number // 2, (number // 2) % 2
        light = phantom if shown else phantom[:, ::-1] * np.where(phantom[:, ::-1] > 0.6, 1.0, 0.9)
        pixels = np.clip(light * 255 + random.normal(0, 2, light.shape), 0, 255).astype(np.uint8)
        name = f"brain_window/{patient:03}_{number:02}.png"
        Image.fromarray(pixels).save(folder / name)
        values: dict[str, Any] = dict.fromkeys(COLUMNS, 0)
        rows.append(
            values
            | {"image": name, "patient": patient, "slice": number, "epidural": shown}
            | {"any_haemorrhage": shown, "fracture": int(number % 2 == 0)}
        )
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return root


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("ct"))


@pytest.fixture(scope="module")
def trained(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models")
    HeadCt(SETTINGS).train(drawn, out, Job(), quiet)
    return out / "head-ct"


def test_slices_are_read_in_order_with_their_labels(drawn: Path) -> None:
    slices = read_slices(find_slices(drawn))
    assert slices == read_slices(find_slices(drawn / "ct"))
    assert [one.name for one in slices] == sorted(one.name for one in slices)
    assert slices[2].shown == (True, True)
    assert slices[2].kinds == (False, False, False, True, False)
    assert data_hash(slices) == data_hash(slices)
    assert data_hash(slices) != data_hash(slices[1:])


@pytest.mark.parametrize(
    ("column", "value"),
    [("any_haemorrhage", "2"), ("fracture", ""), ("image", "../labels.csv"), ("patient", ""), ("subdural", "1")],
)
def test_a_table_that_is_not_as_it_should_be_is_not_learned_from(tmp_path: Path, column: str, value: str) -> None:
    table = write_set(tmp_path, people=2) / "ct" / "head_ct_ich" / "labels.csv"
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    rows[0][column] = value
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(UserFacingError) as caught:
        read_slices(table.parent)
    assert caught.value.key == "learning.bad_table"


def test_no_slices_no_learning(tmp_path: Path) -> None:
    with pytest.raises(UserFacingError) as caught:
        find_slices(tmp_path)
    assert caught.value.key == "learning.no_data"


def test_the_graph_says_what_the_lines_say() -> None:
    generator = np.random.default_rng(4)
    rows = generator.normal(size=(60, COUNT))
    rows[generator.random(rows.shape) < 0.02] = np.nan
    labels = np.stack([rows[:, 1] > 0, generator.random(60) < 0.4], axis=1)
    lines = fit_lines(rows, labels, SETTINGS)
    outputs = (TensorSpec("logits", (2,)), TensorSpec("embedding", (COUNT,)), TensorSpec("distance", (1,)))
    found = OnnxRunner(graph_of(lines), TensorSpec("image", (COUNT,)), outputs).run_many(rows.astype(np.float32))
    assert found["logits"] == pytest.approx(lines.logits(rows), abs=1e-3)
    assert found["embedding"] == pytest.approx(lines.away(rows), abs=1e-4)
    assert found["distance"][:, 0] == pytest.approx(lines.familiar.distance(rows), rel=1e-3)


def test_the_pack_says_what_it_is_and_answers(trained: Path) -> None:
    model = read_picture_model(trained)
    assert model.research
    assert model.self_test().ok
    head = Picture(
        np.rint(golden.head_phantom() * 255).astype(np.uint8),
        Photometric.MONOCHROME2,
        FileHeader(modality=Modality.PHOTO),
    )
    answer = model.analyse(head, Subject(), Job())
    assert answer.status is AnalysisStatus.OK
    assert [finding.key for finding in answer.findings] == ["haemorrhage", "fracture"]
    assert answer.activations == ()
    film = Picture(
        np.rint(golden.lung_phantom() * 255).astype(np.uint8),
        Photometric.MONOCHROME2,
        FileHeader(modality=Modality.PHOTO),
    )
    assert model.analyse(film, Subject(), Job()).status is AnalysisStatus.REFUSED


def test_the_same_pack_again_from_the_same_seed_and_the_card_again(drawn: Path, trained: Path, tmp_path: Path) -> None:
    recipe = HeadCt(SETTINGS)
    record = recipe.train(drawn, tmp_path, Job(), quiet)
    assert record.sha256 == json.loads((trained / "manifest.json").read_text(encoding="utf-8"))["weights"]["sha256"]
    card = (trained / "CARD.md").read_text(encoding="utf-8")
    assert "research" in card
    assert "## What may be lost" in card
    (trained / "CARD.md").unlink()
    figures = recipe.evaluate(drawn, trained, Job(), quiet).figures
    assert (trained / "CARD.md").read_text(encoding="utf-8") == card
    assert figures["judged_by"] == "lines made without the person"
    lost: Any = figures["robustness"]
    assert len(lost) == 2 * (len(CHANGES) - 1)


def test_settings_are_chosen_without_those_who_are_judged() -> None:
    generator = np.random.default_rng(8)
    numbers = generator.normal(size=(48, 6))
    labels = np.stack([numbers[:, 0] > 0, generator.random(48) < 0.5], axis=1)
    one = Slice(Path("drawn.png"), "drawn", "p", (False, False), (False,) * len(KINDS))
    people = tuple(f"p{index // 2}" for index in range(48))
    nothing = np.zeros((48, 1))
    table = SliceTable((one,) * 48, numbers, nothing, labels, nothing > 0, people, "0" * 64)
    own, tried = chosen(table, replace(SETTINGS, search=True), 5)
    assert [one.chosen for one in tried].count(True) == 1
    (taken,) = (one for one in tried if one.chosen)
    assert (own.ridge, own.clipped) == (taken.settings["ridge"], taken.settings["clipped"])
    assert taken.loss == min(one.loss for one in tried)
    assert len(tried) == len({str(one.settings) for one in tried}) == 12
    assert chosen(table, SETTINGS, 5) == (SETTINGS, ())


def test_a_pack_that_chose_says_what_it_tried(drawn: Path, tmp_path: Path) -> None:
    record = HeadCt(SETTINGS).searching().train(drawn, tmp_path, Job(), quiet)
    folder = tmp_path / "head-ct"
    run = read_run("head-ct", (folder / "training.json").read_text(encoding="utf-8"))
    assert len(run.tried) == len(record.tried) == 12
    assert [one.loss for one in run.tried] == sorted(one.loss for one in run.tried)
    (taken,) = (one for one in run.tried if one.chosen)
    assert run.settings["ridge"] == taken.settings["ridge"]
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    assert "chosen among 12 settings" in card


def test_on_other_people_the_pack_itself_is_judged(trained: Path, tmp_path: Path) -> None:
    other = write_set(tmp_path, people=4, first=200)
    found = HeadCt(SETTINGS).evaluate(other, trained, Job(), quiet)
    assert found.figures["judged_by"] == "the pack itself"
    assert found.films == 8


def test_the_recipe_is_one_of_a_research_pack() -> None:
    assert RECIPES["head-ct"]().research
