"""What a training was compared with, read from the records of the bundled models."""

import pytest

from desktop.errors import KnownFailure
from desktop.learning.comparisons import Compared, read_comparisons
from desktop.settings import model_folder


def of(name: str) -> tuple[Compared, ...]:
    folder = model_folder() / name
    study = folder / "study.json"
    training = (folder / "training.json").read_text(encoding="utf-8")
    return read_comparisons(name, training, study.read_text(encoding="utf-8") if study.exists() else "")


def test_comparators_and_learning_curves_are_told() -> None:
    child = of("chest-xray-child")
    assert any("thumbnail" in one.name and one.low is not None for one in child)
    assert sum("of the children (" in one.name for one in child) >= 2
    assert [one.name for one in of("ecg-12-lead")][:2] == [
        "learning curve: 101 patients",
        "learning curve: 202 patients",
    ]
    adult = of("chest-xray-adult")
    assert any(one.name == "learning curve: 25 %" for one in adult)
    assert any(one.name == "left out: emphysema" for one in adult)
    assert of("risk-diabetes") == ()


def test_a_damaged_record_is_refused() -> None:
    for study in ("{", '{"rows": [{"name": "x", "auc": 3}]}', '{"rows": [{"kind": "k", "name": "x", "macro_auc": 7}]}'):
        with pytest.raises(KnownFailure):
            read_comparisons("x", "{}", study)
