"""Of two models for one kind of picture, the one made for the patient's age is asked."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.inference import Model, made_for_age
from desktop.inference.registry import read_picture_model

pytest.importorskip("onnx", reason="needs the package onnx to write graphs")


def model(folder: Path, name: str, ages: dict[str, int] | None) -> Model:
    """A copy of a model under another name, for other ages."""
    place = folder.parent / name
    shutil.copytree(folder, place)
    document = json.loads((place / "manifest.json").read_text(encoding="utf-8")) | {"name": name}
    document["applicability"].pop("age_years")
    if ages is not None:
        document["applicability"]["age_years"] = ages
    (place / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    return read_picture_model(place)


@pytest.mark.parametrize(
    ("age", "asked"),
    [
        (3.5, ["any", "child"]),
        (40.0, ["any", "adult"]),
        (15.0, ["any", "adult"]),
        (9.0, ["any", "child", "adult"]),
        (None, ["any", "child", "adult"]),
    ],
)
def test_who_is_asked(make_model: Callable[..., Path], age: float | None, asked: list[str]) -> None:
    folder = make_model()
    models = [
        model(folder, "any", None),
        model(folder, "child", {"minimum": 1, "maximum": 5}),
        model(folder, "adult", {"minimum": 15, "maximum": 120}),
    ]
    assert [one.name for one in made_for_age(models, age)] == asked


def test_a_model_alone_is_asked_whatever_the_age(make_model: Callable[..., Path]) -> None:
    only = read_picture_model(make_model())
    assert made_for_age([only], 80.0) == [only]
