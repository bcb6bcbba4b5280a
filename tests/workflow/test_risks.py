"""What a chart says of the values a risk model asks for: only where meaning and unit are certain."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import (
    AuditAction,
    Coding,
    ConditionStatus,
    HumanName,
    Observation,
    PartialDate,
    PatientId,
    Sex,
)
from desktop.records.visits import is_loinc
from desktop.workflow import risks
from desktop.workflow.risks import ChartSource
from tests.cheap_keys import make_cheap


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[workflow.Clinic]:
    """One clinic for all: each test registers somebody of its own."""
    with pytest.MonkeyPatch.context() as patch:
        make_cheap(patch)
        folder = tmp_path_factory.mktemp("risks") / "clinic"
        made = workflow.create_clinic(
            folder, Job(), name="石桥村卫生室", admin="li", passphrase="correct horse", models=workflow.load_models()
        ).clinic
    yield made
    workflow.lock(made)


ICD = "http://hl7.org/fhir/sid/icd-10"
KIDNEY = "risk-kidney-disease"


def somebody(clinic: workflow.Clinic, sex: Sex = Sex.FEMALE, born: PartialDate | None = None) -> PatientId:
    draft = workflow.PatientDraft(names=(HumanName(text="李秀英"),), sex=sex, birth_date=born)
    return workflow.register_patient(clinic, Job(), draft).patient.id


def visit(
    clinic: workflow.Clinic,
    patient: PatientId,
    *observations: Observation,
    ago: timedelta = timedelta(days=1),
    conditions: tuple[workflow.ConditionDraft, ...] = (),
) -> workflow.VisitRecorded:
    draft = workflow.VisitDraft(patient, started=clinic.clock() - ago, observations=observations, conditions=conditions)
    return workflow.record_visit(clinic, Job(), draft)


def test_every_bundled_table_has_a_form_in_both_languages(clinic: workflow.Clinic) -> None:
    english = risks.risk_forms(clinic.models, Language.ENGLISH)
    chinese = risks.risk_forms(clinic.models, Language.CHINESE)
    names = ["risk-diabetes", "risk-heart-disease", KIDNEY, "risk-liver-disease"]
    assert [form.model for form in english] == [form.model for form in chinese] == names
    assert english[0].title == "Risk of diabetes"
    assert chinese[0].title == "糖尿病风险"
    assert english[0].sexes == (Sex.FEMALE,)
    assert (english[0].asks_sex, english[1].asks_sex) == (False, True)
    assert 0.28 < english[0].average < 0.29  # the manifest's baseline of -0.911


def test_what_is_known_of_columns_is_of_columns_there_are(clinic: workflow.Clinic) -> None:
    """A renamed column or another unit would quietly leave a field empty."""
    for (model, key), known in risks._SUBSTANCES.items():
        column = next(one for one in clinic.models.table_model(model).manifest.columns if one.key == key)
        assert column.unit == known.unit
        assert not column.choices
        assert all(is_loinc(code) for code in known.codes)
        assert known.units == () or known.units[0].factor == 1.0
    for model, key in risks._PROBLEMS:
        column = next(one for one in clinic.models.table_model(model).manifest.columns if one.key == key)
        assert "yes" in [choice.value for choice in column.choices]
    for (model, key), sexes in risks._SEXES.items():
        column = next(one for one in clinic.models.table_model(model).manifest.columns if one.key == key)
        names = {choice.value: choice.names.text(Language.ENGLISH) for choice in column.choices}
        assert {names[value] for value in sexes.values()} == {"female", "male"}


def test_age_and_sex_come_from_the_record(clinic: workflow.Clinic) -> None:
    today = clinic.clock().date()
    exact = somebody(clinic, born=PartialDate.from_date(date(today.year - 60, 1, 1)))
    found = risks.values_on_chart(clinic, Job(), exact, "risk-liver-disease").values
    assert (found["Age"].value, found["Age"].source, found["Age"].exact) == (60.0, ChartSource.BIRTH_DATE, True)
    assert found["Gender"].value == "Female"
    vague = somebody(clinic, Sex.UNKNOWN, PartialDate(today.year - 50))
    found = risks.values_on_chart(clinic, Job(), vague, "risk-heart-disease").values
    assert not found["age"].exact
    assert "sex" not in found


def test_an_empty_chart_says_nothing(clinic: workflow.Clinic) -> None:
    assert risks.values_on_chart(clinic, Job(), somebody(clinic, Sex.UNKNOWN), KIDNEY).values == {}


def test_the_newest_measurement_is_taken_with_its_unit(clinic: workflow.Clinic) -> None:
    patient = somebody(clinic)
    visit(clinic, patient, Observation("2160-0", 0.9, "mg/dL"), ago=timedelta(days=40))
    visit(clinic, patient, Observation("14682-9", 180, "umol/L"), ago=timedelta(days=2))
    found = risks.values_on_chart(clinic, Job(), patient, KIDNEY).values["sc"]
    assert (found.value, found.unit, found.source) == (180.0, "umol/L", ChartSource.MEASURED)
    assert found.on is not None
    assert (clinic.clock() - found.on).days == 2


@pytest.mark.parametrize(
    ("code", "value", "unit", "model", "column", "factor"),
    [
        ("14682-9", 100, "umol/L", KIDNEY, "sc", 1.131),
        ("22664-7", 10, "mmol/L", KIDNEY, "bu", 60.06),
        ("718-7", 120, "g/L", KIDNEY, "hemo", 12),
        ("6690-2", 7, "10*9/L", KIDNEY, "wc", 7000),
        ("14995-5", 11.1, "mmol/L", "risk-diabetes", "glucose_2h", 200),
        ("14631-6", 17.1, "umol/L", "risk-liver-disease", "Total_Bilirubin", 1.0),
        ("14647-2", 5.2, "mmol/L", "risk-heart-disease", "chol", 201),
    ],
)
def test_other_units_are_converted_as_textbooks_do(
    clinic: workflow.Clinic, code: str, value: float, unit: str, model: str, column: str, factor: float
) -> None:
    """factor: what the value is in the model's own unit, rounded."""
    patient = somebody(clinic)
    visit(clinic, patient, Observation(code, value, unit))
    found = risks.values_on_chart(clinic, Job(), patient, model).values[column]
    field = next(
        field
        for form in risks.risk_forms(clinic.models, Language.ENGLISH)
        if form.model == model
        for field in form.fields
        if field.key == column
    )
    chosen = next(one for one in field.units if one.code == found.unit)
    assert float(found.value) * chosen.factor == pytest.approx(factor, rel=0.005)


def test_a_unit_nobody_can_convert_leaves_the_field_empty_even_with_an_older_value(clinic: workflow.Clinic) -> None:
    patient = somebody(clinic)
    visit(clinic, patient, Observation("2160-0", 0.9, "mg/dL"), ago=timedelta(days=40))
    visit(clinic, patient, Observation("2160-0", 9, "mg/L"), ago=timedelta(days=2))
    assert "sc" not in risks.values_on_chart(clinic, Job(), patient, KIDNEY).values


@pytest.mark.parametrize(("days", "taken"), [(364, True), (366, False), (-2, False)])
def test_what_is_older_than_a_year_or_not_yet_measured_is_left_out(
    clinic: workflow.Clinic, days: int, taken: bool
) -> None:
    patient = somebody(clinic)
    visit(clinic, patient, Observation("8480-6", 150, "mm[Hg]"), ago=timedelta(days=days))
    values = risks.values_on_chart(clinic, Job(), patient, "risk-heart-disease").values
    assert ("trestbps" in values) is taken


def test_a_withdrawn_measurement_is_not_taken(clinic: workflow.Clinic) -> None:
    patient = somebody(clinic)
    wrong = visit(clinic, patient, Observation("8480-6", 250, "mm[Hg]")).visit.observations[0]
    workflow.correct_observation(clinic, Job(), wrong)
    assert risks.values_on_chart(clinic, Job(), patient, "risk-heart-disease").values.keys() <= {"sex", "age"}


def test_words_are_no_number(clinic: workflow.Clinic) -> None:
    patient = somebody(clinic)
    visit(clinic, patient, Observation("718-7", text="low"))
    assert "hemo" not in risks.values_on_chart(clinic, Job(), patient, KIDNEY).values


@pytest.mark.parametrize(
    ("code", "column"),
    [("I10", "htn"), ("I15.9", "htn"), ("E11.9", "dm"), ("e14", "dm"), ("I25.1", "cad"), ("D50.9", "ane")],
)
def test_a_problem_coded_in_icd_10_answers_yes(clinic: workflow.Clinic, code: str, column: str) -> None:
    patient = somebody(clinic)
    visit(clinic, patient, conditions=(workflow.ConditionDraft("as told", Coding(ICD, code)),))
    found = risks.values_on_chart(clinic, Job(), patient, KIDNEY).values
    assert found.keys() == {column}
    assert (found[column].value, found[column].source, found[column].words) == ("yes", ChartSource.PROBLEM, "as told")


@pytest.mark.parametrize("coding", [None, Coding("http://snomed.info/sct", "I10"), Coding(ICD, "I16"), Coding(ICD, "")])
def test_other_problems_answer_nothing(clinic: workflow.Clinic, coding: Coding | None) -> None:
    patient = somebody(clinic)
    visit(clinic, patient, conditions=(workflow.ConditionDraft("hypertension", coding),))
    assert risks.values_on_chart(clinic, Job(), patient, KIDNEY).values == {}


def test_a_problem_that_is_over_answers_nothing(clinic: workflow.Clinic) -> None:
    patient = somebody(clinic)
    condition = visit(
        clinic, patient, conditions=(workflow.ConditionDraft("anaemia", Coding(ICD, "D50")),)
    ).visit.conditions[0]
    workflow.set_condition_status(clinic, Job(), condition.id, ConditionStatus.RESOLVED)
    assert risks.values_on_chart(clinic, Job(), patient, KIDNEY).values == {}


def test_looking_leaves_one_line_and_a_stranger_is_told(clinic: workflow.Clinic) -> None:
    patient = somebody(clinic)
    for _ in range(2):
        risks.values_on_chart(clinic, Job(), patient, KIDNEY)
    looks = [one for one in workflow.audit_entries(clinic, Job()) if one.subject == patient]
    assert [one.action for one in looks] == [AuditAction.VIEW_PATIENT, AuditAction.ADD_PATIENT]
    with pytest.raises(UserFacingError):
        risks.values_on_chart(clinic, Job(), PatientId("00000000-0000-4000-8000-000000000000"), KIDNEY)
    with pytest.raises(UserFacingError):
        risks.values_on_chart(clinic, Job(), patient, "chest-xray-child")
