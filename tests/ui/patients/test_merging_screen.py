"""Two records of one person in the window: found, compared, merged by keyboard, and taken apart again."""

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton

from desktop import workflow
from desktop.access import Role
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import AllergyIntolerance, HumanName, PartialDate, Patient, PatientField, Sex, Side
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.patients.comparison import Comparison, FieldRow
from desktop.ui.widgets.rows import RowList
from desktop.ui.widgets.toast import Toast
from tests.ui.names import USER

IDENTIFIERS = PatientField.IDENTIFIERS


def find(context: UiContext, text: str) -> Patient:
    return workflow.search_patients(context.open_clinic, Job(), text)[0].patient


@pytest.fixture
def double(opened: MainWindow, context: UiContext) -> Patient:
    """张小明 once more: registered in a hurry with another phone, a year only, and one more allergy."""
    draft = workflow.PatientDraft(
        names=(HumanName(text="张晓明"),),
        sex=Sex.MALE,
        birth_date=PartialDate(2021),
        phones=("13900139000",),
        village="柳树村",
        allergies=(AllergyIntolerance("花生"),),
    )
    return workflow.register_patient(context.open_clinic, Job(), draft).patient


def open_chart(driver: Driver, context: UiContext, patient: Patient) -> None:
    context.patient_requested.emit(patient.id)
    driver.wait(lambda: driver.shown("chart_page"), "chart")
    driver.settle()


def text(driver: Driver, name: str) -> str:
    return driver.find(name, QLabel).text()


def test_two_records_are_merged_by_keyboard_and_taken_apart_again(
    driver: Driver, opened: MainWindow, context: UiContext, double: Patient
) -> None:
    kept = find(context, "张小明")
    open_chart(driver, context, kept)
    driver.press("Ctrl+M")
    driver.settle()
    (likely,) = driver.find("merge_candidates", RowList).rows.rows
    assert likely.title == "张晓明"
    assert "sound of the name" in likely.remark
    driver.press("Return")
    driver.wait(lambda: driver.shown("merge_compare"), "comparison")
    driver.settle()
    assert "张小明" in text(driver, "compare_title_1")
    assert "张晓明" in text(driver, "compare_title_2")
    assert driver.find("compare_names", FieldRow).hasFocus()
    assert text(driver, "compare_same").startswith("The same in both: Sex male; Village 柳树村")
    chosen = {"names": Side.BOTH, "birth_date": Side.FIRST, "phones": Side.BOTH, "allergies": Side.BOTH}
    comparison = driver.find("comparison", Comparison)
    assert comparison.choices == {**{PatientField(name): side for name, side in chosen.items()}, IDENTIFIERS: Side.BOTH}
    driver.press("Down")
    driver.press("Down")
    assert driver.find("compare_phones", FieldRow).hasFocus()
    driver.press("2")
    assert comparison.choices[PatientField.PHONES] is Side.SECOND
    driver.press("Return")
    driver.wait(lambda: driver.shown("chart_merge"), "merging")
    driver.settle()
    merged = find(context, "张小明")
    assert merged.id == kept.id
    assert merged.phones == ("13900139000",)
    assert [allergy.substance for allergy in merged.allergies] == ["青霉素", "花生"]
    assert text(driver, "banner_name") == "张小明"
    assert text(driver, "toast_words") == "Merged. Ctrl+Z undoes it."
    assert "张晓明" in text(driver, "chart_merge_words")
    assert USER in text(driver, "chart_merge_words")
    driver.press("Ctrl+Z")
    driver.wait(lambda: not driver.shown("chart_merge"), "undoing")
    driver.settle()
    assert find(context, "13800138000") == kept
    assert find(context, "13900139000") == double


def merge(driver: Driver, context: UiContext, kept: Patient) -> None:
    open_chart(driver, context, kept)
    driver.press("Ctrl+M")
    driver.settle()
    driver.press("Return")
    driver.wait(lambda: driver.shown("merge_compare"), "both records")
    driver.settle()
    driver.press("Ctrl+Return")
    driver.wait(lambda: driver.shown("chart_merge"), "merging")
    driver.settle()


def test_the_notice_has_a_button_for_the_mouse_that_undoes_the_merge(
    driver: Driver, opened: MainWindow, context: UiContext, double: Patient
) -> None:
    kept = find(context, "张小明")
    merge(driver, context, kept)
    assert driver.find("toast_undo", QPushButton).text() == "Undo"
    driver.click("toast_undo")
    assert not driver.shown("toast_undo")
    driver.wait(lambda: not driver.shown("chart_merge"), "undoing")
    driver.settle()
    assert find(context, "13900139000") == double
    assert text(driver, "toast_words").startswith("Two records again")
    assert not driver.shown("toast_undo")


def test_the_next_tab_leads_to_that_button_and_esc_leads_back(
    driver: Driver, opened: MainWindow, context: UiContext, double: Patient, qapp: QApplication
) -> None:
    merge(driver, context, find(context, "张小明"))
    was = qapp.focusWidget()
    assert was is not None
    driver.press("Tab")
    assert driver.find("toast_undo", QPushButton).hasFocus()
    driver.find("toast", Toast)._end()
    assert driver.shown("toast_undo"), "it stays while the keyboard is on it"
    driver.press("Esc")
    assert not driver.shown("toast")
    assert qapp.focusWidget() is was
    assert driver.shown("chart_merge")
    driver.press("Ctrl+Z")
    driver.wait(lambda: not driver.shown("chart_merge"), "undoing")
    driver.settle()


def test_return_on_that_button_undoes_and_gives_the_keyboard_back(
    driver: Driver, opened: MainWindow, context: UiContext, double: Patient, qapp: QApplication
) -> None:
    merge(driver, context, find(context, "张小明"))
    driver.press("Tab")
    driver.press("Return")
    driver.wait(lambda: not driver.shown("chart_merge"), "undoing")
    driver.settle()
    assert find(context, "13900139000") == double
    focused = qapp.focusWidget()
    assert focused is not None
    assert opened.workspace is not None
    assert opened.workspace.isAncestorOf(focused)


def test_on_the_page_of_somebody_else_the_keys_undo_nothing(
    driver: Driver, opened: MainWindow, context: UiContext, double: Patient
) -> None:
    kept = find(context, "张小明")
    merge(driver, context, kept)
    open_chart(driver, context, find(context, "Aisha"))
    driver.press("Ctrl+Z")
    driver.settle()
    assert workflow.open_patient(context.open_clinic, Job(), double.id).patient.id == kept.id


def test_nothing_is_offered_once_the_clinic_is_locked(
    driver: Driver, opened: MainWindow, context: UiContext, double: Patient
) -> None:
    merge(driver, context, find(context, "张小明"))
    opened.lock()
    driver.settle()
    assert not driver.shown("toast")
    assert opened.toast._deed is None


def test_an_earlier_merge_is_undone_from_the_chart(
    driver: Driver, opened: MainWindow, context: UiContext, double: Patient
) -> None:
    kept = find(context, "张小明")
    workflow.merge_patients(context.open_clinic, Job(), kept.id, double.id)
    open_chart(driver, context, double)
    assert text(driver, "banner_name") == "张小明"
    context.set_language(Language.CHINESE)
    driver.settle()
    assert "张晓明" in text(driver, "chart_merge_words")
    assert driver.find("chart_merge_undo", QPushButton).text() == "撤销合并"
    driver.click("chart_merge_undo")
    driver.wait(lambda: not driver.shown("chart_merge"), "undoing")
    driver.settle()
    assert find(context, "13900139000") == double


def test_the_other_one_is_kept_and_what_moves_is_counted(
    driver: Driver, opened: MainWindow, context: UiContext, double: Patient
) -> None:
    kept = find(context, "张小明")
    workflow.record_visit(context.open_clinic, Job(), workflow.VisitDraft(kept.id, reason="cough"))
    open_chart(driver, context, kept)
    driver.click("chart_merge_button")
    driver.settle()
    driver.press("Return")
    driver.wait(lambda: driver.shown("merge_compare"), "comparison")
    driver.settle()
    assert text(driver, "merge_moves") == "The record that joins has no films, visits or documents."
    driver.click("merge_swap")
    driver.wait(lambda: "张晓明" in text(driver, "compare_title_1"), "the other way round")
    assert text(driver, "merge_moves") == "Moves to this page: 1 visit."
    driver.click("compare_names_first")
    driver.settle()
    driver.press("Ctrl+Return")
    driver.wait(lambda: driver.shown("chart_merge"), "merging")
    driver.settle()
    assert text(driver, "banner_name") == "张晓明"
    assert "张小明" in text(driver, "chart_merge_words")


def test_somebody_who_looks_different_is_found_by_searching_and_esc_goes_back_step_by_step(
    driver: Driver, opened: MainWindow, context: UiContext
) -> None:
    open_chart(driver, context, find(context, "Li Wei"))
    driver.press("Ctrl+M")
    driver.settle()
    assert driver.shown("merge_nobody")
    driver.type("Aisha")
    driver.wait(lambda: driver.shown("merge_candidates"), "search")
    assert [row.title for row in driver.find("merge_candidates", RowList).rows.rows] == ["Aisha Mwangi"]
    driver.press("Return")
    driver.wait(lambda: driver.shown("merge_compare"), "comparison")
    driver.settle()
    driver.press("Esc")
    assert driver.find("merge_search", QLineEdit).text() == "Aisha"
    driver.press("Esc")
    driver.wait(lambda: driver.shown("chart_page"), "chart")
    assert text(driver, "banner_name") == "Li Wei"
    driver.settle()


def test_a_record_that_changed_meanwhile_is_shown_again_instead_of_merged(
    driver: Driver, opened: MainWindow, context: UiContext, double: Patient
) -> None:
    kept = find(context, "张小明")
    open_chart(driver, context, kept)
    driver.press("Ctrl+M")
    driver.settle()
    driver.press("Return")
    driver.wait(lambda: driver.shown("merge_compare"), "comparison")
    driver.settle()
    draft = replace(workflow.PatientDraft.of(double), village="Harbour")
    workflow.edit_patient(context.open_clinic, Job(), double.id, draft)
    driver.press("Ctrl+Return")
    driver.wait(lambda: driver.shown("error_dialog"), "refusal")
    assert "changed" in text(driver, "error_message")
    driver.click("error_close")
    driver.wait(lambda: driver.shown("compare_village"), "both as they are now")
    assert not workflow.merges(context.open_clinic, Job(), kept.id)


def test_whoever_is_being_edited_is_merged_from_the_duplicate_warning(
    driver: Driver, opened: MainWindow, context: UiContext, double: Patient
) -> None:
    open_chart(driver, context, double)
    driver.press("Ctrl+E")
    name = driver.find("patient_name", QLineEdit)
    name.clear()
    name.setFocus()
    driver.type("张小明")
    driver.wait(lambda: driver.shown("duplicates_compare"), "duplicates")
    driver.click("duplicates_compare")
    driver.wait(lambda: driver.shown("merge_compare"), "comparison")
    driver.settle()
    assert "张晓明" in text(driver, "compare_title_1")
    driver.press("Esc")
    assert driver.shown("chart_page")


def test_who_may_not_merge_is_not_offered_it(
    driver: Driver, opened: MainWindow, context: UiContext, double: Patient
) -> None:
    kept = find(context, "张小明")
    workflow.merge_patients(context.open_clinic, Job(), kept.id, double.id)
    session = context.open_clinic.session
    technician = replace(session.user, roles=(Role.TECHNICIAN.value,))
    object.__setattr__(session, "user", technician)  # frozen; the session of this test only
    open_chart(driver, context, kept)
    assert driver.shown("chart_merge")
    assert not driver.shown("chart_merge_undo")
    assert not driver.shown("chart_merge_button")
    driver.press("Ctrl+M")
    assert driver.shown("chart_page")


def test_a_locked_window_remembers_neither_record(
    driver: Driver, opened: MainWindow, context: UiContext, double: Patient
) -> None:
    open_chart(driver, context, double)
    driver.press("Ctrl+M")
    driver.settle()
    driver.press("Return")
    driver.wait(lambda: driver.shown("merge_compare"), "comparison")
    driver.settle()
    opened.lock()
    driver.settle()
    said = {words.text() for words in opened.findChildren(QLabel)}
    said |= {made.accessibleName() for made in opened.findChildren(QPushButton)}
    assert not [one for one in said if "张晓明" in one or "13900139000" in one]
