"""What a training was compared with, read from the records of the bundled models."""

import json

import pytest

from desktop.errors import KnownFailure
from desktop.learning.comparisons import Beside, Compared, read_comparisons
from desktop.learning.learning_curve import CurvePoint
from desktop.settings import model_folder


def of(name: str) -> tuple[Compared, ...]:
    folder = model_folder() / name
    study = folder / "study.json"
    training = (folder / "training.json").read_text(encoding="utf-8")
    return read_comparisons(name, training, study.read_text(encoding="utf-8") if study.exists() else "")


def test_comparators_and_learning_curves_are_told() -> None:
    child = of("chest-xray-child")
    assert any("thumbnail" in one.name and one.low is not None for one in child if one.beside is Beside.OTHER)
    assert {one.share for one in child if one.beside is Beside.CURVE and one.name == "network"} == {25, 50, 100}
    ecg = of("ecg-12-lead")
    assert [one.learned for one in ecg if one.beside is Beside.CURVE] == [101, 202, 304, 405]
    assert sum(one.beside is Beside.SPOILT for one in ecg) == 6
    adult = of("chest-xray-adult")
    assert [one.share for one in adult if one.beside is Beside.CURVE] == [25, 50, 100]
    assert any(one.name == "emphysema" for one in adult if one.beside is Beside.LEFT_OUT)
    assert of("risk-diabetes") == ()


def test_points_of_a_curve_name_their_measures() -> None:
    point = CurvePoint(25, 45, {"mean average precision": 0.71, "red_cell": 0.6})
    found = read_comparisons("x", "", json.dumps({"rows": [point.to_row()]}))
    assert [(one.measure, one.value, one.share, one.learned) for one in found] == [
        ("mean average precision", 0.71, 25, 45),
        ("red_cell", 0.6, 25, 45),
    ]


def test_a_damaged_record_is_refused() -> None:
    for study in ("{", '{"rows": [{"name": "x", "auc": 3}]}', '{"rows": [{"kind": "k", "name": "x", "macro_auc": 7}]}'):
        with pytest.raises(KnownFailure):
            read_comparisons("x", "{}", study)
