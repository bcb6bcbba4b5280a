"""A row in, a probability out, and a sum that comes out even; what is absent, strange or wrong is said."""

import csv
import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.errors import KnownFailure, UserFacingError
from desktop.inference import Registry, TableModel, parse_manifest
from desktop.inference.fields import ManifestError
from desktop.inference.registry import read_table_model
from desktop.jobs import Job
from desktop.records import AnalysisStatus, Decision, Finding, Sex

MODELS = Path(__file__).resolve().parents[2] / "models"
RISKS = ("risk-diabetes", "risk-heart-disease", "risk-kidney-disease", "risk-liver-disease")
HEALTHY: dict[str, float | str | None] = {
    "pregnancies": 1,
    "glucose_2h": 90,
    "diastolic_bp": 66,
    "skinfold": 20,
    "insulin_2h": None,
    "bmi": 24.0,
    "pedigree": 0.2,
    "age": 24,
}


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    loaded = Registry.load([MODELS])
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def model(registry: Registry) -> TableModel:
    return registry.table_model("risk-diabetes")


def asked(model: TableModel, **changed: float | str | None) -> Finding:
    analysis = model.analyse({**HEALTHY, **changed}, Job())
    assert analysis.status is AnalysisStatus.OK
    (finding,) = analysis.findings
    return finding


def total(finding: Finding) -> float:
    assert finding.baseline is not None
    return finding.baseline + sum(one.log_odds for one in finding.contributions)


@pytest.mark.parametrize("name", RISKS)
def test_every_shipped_model_answers_its_golden_row_and_the_middle_of_its_table(registry: Registry, name: str) -> None:
    model = registry.table_model(name)
    assert model.self_test().ok
    row = {
        column.key: column.choices[0].value if column.choices else (column.low + column.high) / 2
        for column in model.manifest.columns
    }
    (finding,) = model.analyse(row, Job()).findings
    assert 1 / (1 + math.exp(-total(finding))) == pytest.approx(finding.probability, abs=1e-5)
    assert [one.key for one in finding.contributions] == [column.key for column in model.manifest.columns]
    assert registry.fitting_row(row) == [model]


def test_low_sugar_is_unlikely_and_high_sugar_likely(model: TableModel) -> None:
    low, high = asked(model), asked(model, glucose_2h=195, bmi=42.0, age=45)
    assert (low.decision, low.reason) == (Decision.UNLIKELY, "")
    assert (high.decision, high.reason) == (Decision.LIKELY, "")
    assert low.codings[0].code == "E11"
    added = {one.key: one.log_odds for one in high.contributions}
    assert max(added, key=lambda key: added[key]) == "glucose_2h"


@given(
    st.fixed_dictionaries(
        {key: st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() for key in HEALTHY},
    )
)
def test_whatever_the_values_the_parts_add_up_to_the_probability(row: dict[str, float | str | None]) -> None:
    model = _MODEL
    (finding,) = model.analyse(row, Job()).findings
    assert 0 <= finding.probability <= 1
    assert 1 / (1 + math.exp(-total(finding))) == pytest.approx(finding.probability, abs=1e-4)
    if finding.decision is not Decision.CANNOT_SAY:
        assert finding.reason == ""


_MODEL = Registry.load([MODELS]).table_model("risk-diabetes")


def test_a_row_without_what_matters_names_what_to_measure(model: TableModel) -> None:
    finding = asked(model, glucose_2h=None)
    assert (finding.decision, finding.reason) == (Decision.CANNOT_SAY, "inference.reason.measure")
    assert set(finding.about) == {"glucose_2h", "insulin_2h"}
    left_out = {key: value for key, value in HEALTHY.items() if key != "glucose_2h"}
    assert model.analyse(left_out, Job()).findings == model.analyse({**HEALTHY, "glucose_2h": None}, Job()).findings


@pytest.mark.parametrize("glucose", [43.9, 199.1, 0, -5, 1e30, 1e300])
def test_a_value_nobody_had_gets_no_decision(model: TableModel, glucose: float) -> None:
    finding = asked(model, glucose_2h=glucose)
    assert (finding.decision, finding.reason) == (Decision.CANNOT_SAY, "inference.reason.value_outside")
    assert finding.about == ("glucose_2h",)


@pytest.mark.parametrize("glucose", [44, 199, "120", " 120.0 "])
def test_the_ends_of_the_range_and_numbers_in_quotes_are_taken(model: TableModel, glucose: float | str) -> None:
    assert asked(model, glucose_2h=glucose).reason != "inference.reason.value_outside"


@pytest.mark.parametrize("text", ["high", "1e999", "nan", "1_5", "１２", "0x1", pytest.param(10**400, id="huge")])
def test_a_word_where_a_number_belongs_is_refused_by_its_column(model: TableModel, text: float | str) -> None:
    with pytest.raises(UserFacingError) as caught:
        model.analyse({**HEALTHY, "bmi": text}, Job())
    assert (caught.value.key, caught.value.details) == ("inference.not_a_number", {"column": "bmi"})


def test_a_column_nobody_knows_is_refused(model: TableModel, registry: Registry) -> None:
    with pytest.raises(UserFacingError) as caught:
        model.analyse({**HEALTHY, "glucose": 90}, Job())
    assert (caught.value.key, caught.value.details["column"]) == ("inference.unknown_column", "glucose")
    assert registry.fitting_row({**HEALTHY, "glucose": 90}) == []
    assert registry.fitting_row({"age": 30}) == [], "several know an age"
    assert registry.fitting_row({"glucose_2h": 90, "bmi": None, "sugar": None}) == [model]
    assert registry.fitting_row({}) == []


@pytest.mark.parametrize("yes", ["yes", "YES", " yes "])
def test_choices_are_taken_as_people_write_them(registry: Registry, yes: str) -> None:
    model = registry.table_model("risk-kidney-disease")
    without = {column.key: None for column in model.manifest.columns}

    def added(key: str, value: float | str) -> float:
        (finding,) = model.analyse({**without, key: value}, Job()).findings
        return next(one.log_odds for one in finding.contributions if one.key == key)

    assert added("htn", yes) == added("htn", "yes") > added("htn", "no")
    assert added("sg", 1.02) == added("sg", "1.020") == added("sg", "1.02")
    (finding,) = model.analyse({**without, "appet": "none"}, Job()).findings
    assert finding.decision is Decision.CANNOT_SAY


@pytest.mark.parametrize("name", RISKS)
def test_what_is_absent_adds_nothing(registry: Registry, name: str) -> None:
    (finding,) = registry.table_model(name).analyse({}, Job()).findings
    assert finding.decision is Decision.CANNOT_SAY
    assert {one.log_odds for one in finding.contributions} == {0.0}
    assert 1 / (1 + math.exp(-(finding.baseline or 0))) == pytest.approx(finding.probability, abs=1e-6)


@pytest.mark.parametrize(
    ("sex", "reason"), [(None, ""), (Sex.FEMALE, ""), (Sex.MALE, "inference.reason.other_sex"), (Sex.OTHER, "")]
)
def test_a_model_of_women_decides_for_no_man(model: TableModel, sex: Sex | None, reason: str) -> None:
    (finding,) = model.analyse(HEALTHY, Job(), sex).findings
    assert finding.reason == reason
    assert (finding.decision is Decision.CANNOT_SAY) == bool(reason)


def test_parts_that_do_not_add_up_are_never_shown(tmp_path: Path) -> None:
    folder = tmp_path / "risk-diabetes"
    shutil.copytree(MODELS / "risk-diabetes", folder)
    document = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    document["baseline"] += 0.5
    document["golden"]["logit"] += 0.5
    (folder / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(KnownFailure) as caught:
        read_table_model(folder).analyse(HEALTHY, Job())
    assert caught.value.key == "inference.bad_output"


def test_a_model_of_another_kind_is_refused_in_words(registry: Registry) -> None:
    for ask in (lambda: registry.table_model("chest-xray-child"), lambda: registry.picture_model("risk-diabetes")):
        with pytest.raises(UserFacingError) as caught:
            ask()
        assert caught.value.key in ("inference.not_for_tables", "inference.not_for_pictures")


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("columns",), [], "columns"),
        (("columns", 0, "key"), "no good", "columns[0].key"),
        (("columns", 1, "key"), "pregnancies", "columns"),
        (("columns", 0, "low"), 99, "columns[0].high"),
        (("columns", 0, "high"), -1, "columns[0].high"),
        (("columns", 0, "weight"), 2, "columns[0].weight"),
        (("columns", 0, "name", "zh"), "", "columns[0].name.zh"),
        (("baseline",), float("nan"), "baseline"),
        (("baseline",), 10**400, "baseline"),
        (("baseline",), 5.0, "baseline"),
        (("findings", 0, "calibration", "temperature"), 3.0, "findings[0].calibration"),
        (("golden", "tolerance"), 0.5, "golden.tolerance"),
        (("golden", "contributions"), [10**400] * 8, "golden.contributions[0]"),
        (("applicability", "sexes"), ["both"], "applicability.sexes"),
        (("applicability", "missing_limit"), 2, "applicability.missing_limit"),
        (("golden", "values"), [1.0], "golden.values"),
        (
            ("network_data_format", "outputs", "contributions", "shape"),
            [7],
            "network_data_format.outputs.contributions.shape",
        ),
        (("task",), "table-of-tomorrow", "task"),
    ],
)
def test_a_manifest_that_lies_is_refused_at_its_place(path: tuple[str | int, ...], value: object, where: str) -> None:
    document: Any = json.loads((MODELS / "risk-diabetes" / "manifest.json").read_text(encoding="utf-8"))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ManifestError) as caught:
        parse_manifest(json.dumps(document).encode())
    assert caught.value.where == where


def test_the_schema_asks_for_the_members_the_reader_asks_for() -> None:
    schema = json.loads((MODELS / "manifest.schema.json").read_text(encoding="utf-8"))
    document = json.loads((MODELS / "risk-diabetes" / "manifest.json").read_text(encoding="utf-8"))
    (own,) = (rule["then"] for rule in schema["allOf"] if rule["if"]["properties"]["task"]["const"] == document["task"])
    asked = set(document) - {"budget"}
    assert {*schema["required"], *own["required"]} == asked
    for name in asked:
        with pytest.raises(ManifestError):
            parse_manifest(json.dumps({key: value for key, value in document.items() if key != name}).encode())


@pytest.mark.data
def test_on_the_people_it_has_learned_from_few_get_no_answer_for_want_of_range(
    registry: Registry, shared_data: Path
) -> None:
    model = registry.table_model("risk-heart-disease")
    with (shared_data / "tabular" / "cleveland_heart.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    keys = [column.key for column in model.manifest.columns]
    found = [model.analyse({key: row[key] for key in keys}, Job()).findings[0] for row in rows]
    assert {one.about for one in found if one.reason == "inference.reason.value_outside"} <= {("restecg",)}
    right = [(one.probability > 0.5) == (row["disease"] == "1") for one, row in zip(found, rows, strict=True)]
    assert sum(right) / len(right) > 0.8
