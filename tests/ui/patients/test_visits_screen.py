"""Visits in the window: written down from the keyboard, read on the chart; what was not measured stays unknown."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QFrame, QLabel, QLineEdit, QPlainTextEdit

from desktop import workflow
from desktop.access import Role
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import Patient
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.patients.visit_values import (
    MEASURES,
    OXYGEN,
    TEMPERATURE,
    WEIGHT,
    Measure,
    read_medicines,
    read_pressure,
)
from desktop.ui.widgets.fields import Choice

OpenChart = Callable[[str], Patient]


def begin(driver: Driver) -> None:
    driver.press("Ctrl+Shift+N")
    driver.wait(lambda: driver.shown("visit_form"), "form")
    driver.settle()


def said(driver: Driver) -> str:
    return "\n".join(words.text() for words in driver.find("visit", QFrame).findChildren(QLabel))


def test_a_visit_is_written_down_by_keyboard_and_read_on_the_chart(
    driver: Driver, context: UiContext, chart_of: OpenChart
) -> None:
    patient = chart_of("张小明")
    begin(driver)
    for words in ("咳嗽三天", "38.5", "120", "42", "94", "", "", "肺炎，贫血", "阿莫西林：250 mg，每日3次；锌"):
        driver.type(words)
        driver.press("Tab")
    assert driver.find("visit_note", QPlainTextEdit).hasFocus()
    driver.type("right base crackles")
    driver.press("Ctrl+Return")
    driver.wait(lambda: driver.shown("visit"), "saving")
    driver.settle()
    (visit,) = workflow.visits(context.open_clinic, Job(), patient.id)
    values = {one.observation.code: (one.observation.value, one.observation.unit) for one in visit.observations}
    assert values == {
        "8310-5": (38.5, "Cel"),
        "8867-4": (120.0, "/min"),
        "9279-1": (42.0, "/min"),
        "59408-5": (94.0, "%"),
    }
    assert {one.text for one in visit.conditions} == {"肺炎", "贫血"}
    assert {(one.medication, one.instruction) for one in visit.medications} == {
        ("阿莫西林", "250 mg，每日3次"),
        ("锌", ""),
    }
    assert visit.encounter.note == "right base crackles"
    text = said(driver)
    assert "Temperature 38.5 °C" in text
    assert "Problems: 肺炎; 贫血" in text
    assert "weight" not in text
    assert "blood pressure" not in text
    context.set_language(Language.CHINESE)
    driver.settle()
    assert "体温 38.5 °C" in said(driver)


def test_a_value_that_cannot_be_is_said_beside_its_field(
    driver: Driver, context: UiContext, chart_of: OpenChart
) -> None:
    patient = chart_of("张小明")
    begin(driver)
    driver.find("visit_temperature", QLineEdit).setText("385")
    driver.find("visit_pressure", QLineEdit).setText("80/120")
    driver.press("Return")
    assert "25 to 45 °C" in driver.find("visit_temperature_note", QLabel).text()
    assert "120/80" in driver.find("visit_pressure_note", QLabel).text()
    assert driver.find("visit_temperature", QLineEdit).hasFocus()
    context.set_language(Language.CHINESE)
    assert "25 到 45 °C" in driver.find("visit_temperature_note", QLabel).text()
    assert not workflow.visits(context.open_clinic, Job(), patient.id)


def test_esc_loses_no_word_and_another_patient_sees_none(driver: Driver, chart_of: OpenChart) -> None:
    chart_of("张小明")
    begin(driver)
    driver.type("cough")
    driver.press("Esc")
    driver.wait(lambda: driver.shown("chart_page"), "chart")
    driver.settle()
    begin(driver)
    assert driver.find("visit_reason", QLineEdit).text() == "cough"
    driver.press("Esc")
    chart_of("Aisha")
    begin(driver)
    assert driver.find("visit_reason", QLineEdit).text() == ""


def test_an_empty_visit_is_not_saved(driver: Driver, context: UiContext, chart_of: OpenChart) -> None:
    patient = chart_of("张小明")
    begin(driver)
    driver.press("Return")
    assert "Nothing is written yet" in driver.find("visit_reason_note", QLabel).text()
    assert not workflow.visits(context.open_clinic, Job(), patient.id)


def test_a_nurse_records_what_was_measured_without_prescribing(
    driver: Driver, context: UiContext, chart_of: OpenChart
) -> None:
    session = context.open_clinic.session
    nurse = replace(session.user, roles=(Role.NURSE.value,))
    object.__setattr__(session, "user", nurse)  # frozen; the session of this test only
    patient = chart_of("张小明")
    driver.find("chart_parts", Choice).setFocus()
    driver.press("2")
    driver.wait(lambda: driver.shown("visits_empty"), "visits")
    driver.click("visits_empty_button")
    driver.settle()
    assert not driver.shown("visit_problems")
    assert not driver.shown("visit_medicines")
    driver.find("visit_weight", QLineEdit).setText("12,4")
    driver.press("Return")
    driver.wait(lambda: driver.shown("visit"), "saving")
    driver.settle()
    (visit,) = workflow.visits(context.open_clinic, Job(), patient.id)
    assert [one.observation.value for one in visit.observations] == [12.4]


@pytest.mark.parametrize("measure", MEASURES, ids=[measure.name for measure in MEASURES])
def test_what_was_not_measured_is_no_observation(measure: Measure) -> None:
    assert measure.read("") is None
    assert measure.read("  ") is None


@pytest.mark.parametrize(
    ("measure", "typed"), [(TEMPERATURE, "101"), (TEMPERATURE, "hot"), (OXYGEN, "101"), (WEIGHT, "0"), (WEIGHT, "-4")]
)
def test_what_no_patient_has_is_refused(measure: Measure, typed: str) -> None:
    with pytest.raises(ValueError, match=r"range|number"):
        measure.read(typed)


def test_full_width_digits_and_a_decimal_comma_are_understood() -> None:
    found = TEMPERATURE.read("３８，５")
    assert found is not None
    assert (found.value, found.unit) == (38.5, "Cel")


@pytest.mark.parametrize("typed", ["120", "80/120", "120/120", "400/80", "a/b"])
def test_a_blood_pressure_has_two_values_the_higher_one_first(typed: str) -> None:
    with pytest.raises(ValueError, match=r"pressure|upper|range|number"):
        read_pressure(typed)


def test_a_blood_pressure_and_medicines_are_read() -> None:
    assert [one.value for one in read_pressure("120/80")] == [120, 80]
    assert read_pressure(" ") == ()
    medicines = [(one.medication, one.instruction) for one in read_medicines("a: 1:2; ；b\nc：d")]
    assert medicines == [("a", "1:2"), ("b", ""), ("c", "d")]
