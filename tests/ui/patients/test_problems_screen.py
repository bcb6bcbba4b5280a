"""What has become of problems and medicines: said by keyboard, seen on the visit too, and taken back."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QFrame, QLabel, QPushButton

from desktop import workflow
from desktop.access import Role
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import AuditAction, ConditionStatus, MedicationStatus, Patient
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.widgets.fields import Choice
from desktop.ui.widgets.rows import RowList

OpenChart = Callable[[str], Patient]


@pytest.fixture
def ill(context: UiContext, opened: MainWindow) -> Patient:
    """张小明 with two problems and a medicine."""
    patient = workflow.search_patients(context.open_clinic, Job(), "张小明")[0].patient
    draft = workflow.VisitDraft(
        patient.id,
        reason="cough",
        conditions=(workflow.ConditionDraft("pneumonia"), workflow.ConditionDraft("anaemia")),
        medications=(workflow.MedicationDraft("amoxicillin", instruction="250 mg, 3 times a day"),),
    )
    workflow.record_visit(context.open_clinic, Job(), draft)
    return patient


def show_problems(driver: Driver) -> None:
    driver.find("chart_parts", Choice).setFocus()
    driver.press("4")
    driver.settle()


def rows(driver: Driver, name: str) -> list[tuple[str, str]]:
    return [(row.title, row.remark) for row in driver.find(name, RowList).rows.rows]


def on_file(context: UiContext, patient: Patient) -> dict[str, ConditionStatus | MedicationStatus]:
    chart = workflow.open_patient(context.open_clinic, Job(), patient.id)
    found: dict[str, ConditionStatus | MedicationStatus] = {one.text: one.status for one in chart.conditions}
    return found | {one.medication: one.status for one in chart.medications}


def test_a_problem_is_resolved_by_keyboard_and_that_is_taken_back(
    driver: Driver, context: UiContext, ill: Patient, chart_of: OpenChart
) -> None:
    chart_of("张小明")
    show_problems(driver)
    assert rows(driver, "problems_list") == [("anaemia", "Going on"), ("pneumonia", "Going on")]
    driver.press("Tab")
    assert driver.find("problems_list", RowList).hasFocus()
    driver.press("Down")
    driver.press("Return")
    assert driver.find("problems_resolved", QPushButton).hasFocus()
    driver.press("Return")
    driver.settle()
    assert rows(driver, "problems_list") == [("anaemia", "Going on"), ("pneumonia", "Resolved")]
    assert on_file(context, ill)["pneumonia"] is ConditionStatus.RESOLVED
    assert driver.find("toast_words", QLabel).text() == "pneumonia: Resolved."
    assert driver.find("toast_undo", QPushButton).isVisible()
    audited = [one.action for one in workflow.audit_entries(context.open_clinic, Job())]
    assert audited.count(AuditAction.EDIT_VISIT) == 1
    driver.press("Ctrl+Z")
    driver.settle()
    assert on_file(context, ill)["pneumonia"] is ConditionStatus.ACTIVE
    assert rows(driver, "problems_list") == [("anaemia", "Going on"), ("pneumonia", "Going on")]


def test_a_medicine_is_stopped_by_mouse_and_taken_again(
    driver: Driver, context: UiContext, ill: Patient, chart_of: OpenChart
) -> None:
    chart_of("张小明")
    show_problems(driver)
    driver.click("medicines_stopped")
    driver.settle()
    assert on_file(context, ill)["amoxicillin"] is MedicationStatus.STOPPED
    context.set_language(Language.CHINESE)
    assert rows(driver, "medicines_list") == [("amoxicillin 250 mg, 3 times a day", "已停用")]
    driver.settle()
    assert not driver.shown("medicines_stopped")
    driver.click("medicines_active")
    driver.settle()
    assert on_file(context, ill)["amoxicillin"] is MedicationStatus.ACTIVE


def test_what_was_entered_in_error_is_marked_on_the_visit_too(
    driver: Driver, context: UiContext, ill: Patient, chart_of: OpenChart
) -> None:
    chart_of("张小明")
    show_problems(driver)
    driver.click("problems_entered-in-error")
    driver.settle()
    assert on_file(context, ill)["anaemia"] is ConditionStatus.ENTERED_IN_ERROR
    driver.find("chart_parts", Choice).setFocus()
    driver.press("2")
    driver.settle()
    said = "\n".join(words.text() for words in driver.find("visit", QFrame).findChildren(QLabel))
    assert "Problems: pneumonia; anaemia (Entered in error)" in said


def test_somebody_elses_change_is_shown_before_it_is_changed_again(
    driver: Driver, context: UiContext, ill: Patient, chart_of: OpenChart
) -> None:
    chart_of("张小明")
    show_problems(driver)
    anaemia = workflow.open_patient(context.open_clinic, Job(), ill.id).conditions[0]
    workflow.set_condition_status(context.open_clinic, Job(), anaemia.id, ConditionStatus.ENTERED_IN_ERROR)
    driver.click("problems_resolved")
    driver.wait(lambda: driver.shown("error_dialog"), "refusal")
    driver.press("Esc")
    driver.settle()
    assert on_file(context, ill)["anaemia"] is ConditionStatus.ENTERED_IN_ERROR
    assert ("anaemia", "Entered in error") in rows(driver, "problems_list")


@pytest.mark.parametrize("role", [Role.NURSE, Role.TECHNICIAN])
def test_who_may_not_prescribe_sees_how_things_stand_and_no_button(
    driver: Driver, context: UiContext, ill: Patient, chart_of: OpenChart, role: Role
) -> None:
    session = context.open_clinic.session
    object.__setattr__(session, "user", replace(session.user, roles=(role.value,)))  # frozen; of this test only
    chart_of("张小明")
    show_problems(driver)
    assert len(rows(driver, "problems_list")) == 2
    for name in ("problems_resolved", "problems_entered-in-error", "medicines_stopped"):
        assert not driver.shown(name)


def test_without_any_it_says_where_they_come_from(driver: Driver, chart_of: OpenChart) -> None:
    chart_of("张小明")
    show_problems(driver)
    assert "Visits bring them" in driver.find("problems_nothing", QLabel).text()
    assert not driver.shown("problems_list")
