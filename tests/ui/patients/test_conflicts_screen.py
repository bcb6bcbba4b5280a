"""Two people edit one record at the same time: both versions are kept, shown and settled in the window."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton

from desktop import workflow
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import Patient, PatientId
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver

OpenChart = Callable[[str], Patient]


def on_file(context: UiContext, patient: PatientId) -> Patient:
    return workflow.open_patient(context.open_clinic, Job(), patient).patient


@pytest.fixture
def crossed(driver: Driver, context: UiContext, chart_of: OpenChart) -> PatientId:
    """The village was changed elsewhere while this window's form added a phone and another village."""
    patient = chart_of("张小明")
    driver.press("Ctrl+E")
    draft = replace(workflow.PatientDraft.of(patient), village="石桥村")
    workflow.edit_patient(context.open_clinic, Job(), patient.id, draft)
    driver.find("patient_village", QLineEdit).setText("清河村")
    driver.find("patient_phone", QLineEdit).setText("13700137000")
    driver.press("Ctrl+Return")
    driver.wait(lambda: driver.shown("chart_conflict"), "both versions")
    driver.settle()
    return patient.id


def test_saving_over_somebody_elses_edit_keeps_both_and_says_so(
    driver: Driver, context: UiContext, crossed: PatientId
) -> None:
    assert on_file(context, crossed).village == "石桥村"
    assert "kept beside it" in driver.find("toast_words", QLabel).text()
    about = driver.find("chart_conflict_about", QLabel).text()
    assert "Phone" in about
    assert "Village" in about
    assert driver.find("chart_conflict_compare", QPushButton).hasFocus()


def test_fields_are_chosen_one_by_one_by_keyboard(driver: Driver, context: UiContext, crossed: PatientId) -> None:
    driver.press("Return")
    driver.wait(lambda: driver.shown("conflict_page"), "comparison")
    driver.settle()
    assert driver.find("compare_title_1", QLabel).text() == "On file now"
    driver.press("Right")
    driver.press("Return")
    driver.wait(lambda: driver.shown("chart_page"), "settling")
    driver.settle()
    settled = on_file(context, crossed)
    assert (settled.phones, settled.village) == (("13700137000",), "石桥村")
    assert not driver.shown("chart_conflict")


@pytest.mark.parametrize(("pressed", "village"), [("conflict_second", "清河村"), ("conflict_first", "石桥村")])
def test_one_button_keeps_mine_or_theirs(
    driver: Driver, context: UiContext, crossed: PatientId, pressed: str, village: str
) -> None:
    driver.click("chart_conflict_compare")
    driver.wait(lambda: driver.shown("conflict_page"), "comparison")
    driver.settle()
    assert driver.find("conflict_second", QPushButton).text() == "Keep mine"
    driver.click(pressed)
    assert driver.find("conflict_go", QPushButton).hasFocus()
    driver.press("Return")
    driver.wait(lambda: driver.shown("chart_page"), "settling")
    driver.settle()
    assert on_file(context, crossed).village == village


def test_esc_leaves_both_versions_in_either_language(driver: Driver, context: UiContext, crossed: PatientId) -> None:
    driver.press("Return")
    driver.wait(lambda: driver.shown("conflict_page"), "comparison")
    driver.settle()
    context.set_language(Language.CHINESE)
    driver.settle()
    assert driver.find("conflict_second", QPushButton).text() == "全部用我的"
    driver.press("Esc")
    driver.wait(lambda: driver.shown("chart_conflict"), "chart")
    driver.settle()
    assert len(workflow.conflicts(context.open_clinic, Job(), crossed)) == 1


def test_a_record_that_changed_while_comparing_is_not_overwritten(
    driver: Driver, context: UiContext, crossed: PatientId
) -> None:
    driver.press("Return")
    driver.wait(lambda: driver.shown("conflict_page"), "comparison")
    driver.settle()
    now = on_file(context, crossed)
    workflow.edit_patient(
        context.open_clinic, Job(), crossed, replace(workflow.PatientDraft.of(now), village="Harbour")
    )
    driver.click("conflict_second")
    driver.press("Return")
    driver.wait(lambda: driver.shown("error_dialog"), "refusal")
    driver.click("error_close")
    driver.settle()
    assert on_file(context, crossed).village == "Harbour"
    assert driver.shown("chart_conflict")
