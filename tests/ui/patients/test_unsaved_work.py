"""A half-typed visit and half-typed changes of a record survive a lock, and come back to who typed them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from PySide6.QtWidgets import QLabel, QLineEdit, QPlainTextEdit, QPushButton

from desktop import workflow
from desktop.errors import ErrorKind, KnownFailure
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import Patient, UserId
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from tests.ui.names import PASSPHRASE

OpenChart = Callable[[str], Patient]


def lock_and_unlock(driver: Driver, window: MainWindow, context: UiContext) -> None:
    window.idle.expired.emit()
    driver.settle()
    driver.type(PASSPHRASE)
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock")
    driver.settle()


def begin(driver: Driver, keys: str, page: str) -> None:
    driver.press(keys)
    driver.wait(lambda: driver.shown(page), "form")
    driver.settle()


begin_visit = partial(begin, keys="Ctrl+Shift+N", page="visit_form")
begin_edit = partial(begin, keys="Ctrl+E", page="patient_form_page")
begin_registration = partial(begin, keys="Ctrl+N", page="patient_form_page")


def type_into(driver: Driver, name: str, text: str, *, over: bool = False) -> None:
    """Words into a field of the record. over: in place of what stands there."""
    driver.find(name, QLineEdit).setFocus()
    if over:
        driver.press("Ctrl+A")
    driver.type(text)


def begin_typing(driver: Driver, words: str) -> None:
    """A visit with its first words."""
    begin_visit(driver)
    driver.type(words)


def line(driver: Driver, name: str) -> str:
    return driver.find(name, QLineEdit).text()


def words(driver: Driver, name: str) -> str:
    return driver.find(name, QLabel).text()


def kept(context: UiContext) -> list[tuple[str, str]]:
    found = workflow.unsaved_work(context.open_clinic, Job())
    return [(one.kind.value, one.patient.display_name) for one in found]


def to_chart(driver: Driver) -> None:
    driver.press("Esc")
    driver.wait(lambda: driver.shown("chart_page"), "chart")
    driver.settle()


def test_a_half_typed_visit_is_back_after_an_idle_lock_and_gone_once_saved(
    driver: Driver, opened: MainWindow, context: UiContext, chart_of: OpenChart
) -> None:
    patient = chart_of("张小明")
    begin_typing(driver, "咳嗽")
    driver.press("Tab")
    driver.type("38.")
    driver.find("visit_note", QPlainTextEdit).setFocus()
    driver.type("crackles")
    lock_and_unlock(driver, opened, context)
    assert driver.shown("visit_form")
    assert (line(driver, "visit_reason"), line(driver, "visit_temperature")) == ("咳嗽", "38.")
    assert driver.find("visit_note", QPlainTextEdit).toPlainText() == "crackles"
    assert words(driver, "banner_name") == "张小明"
    assert words(driver, "visit_kept").startswith("You typed this visit on")
    driver.find("visit_temperature", QLineEdit).setText("38.5")
    driver.press("Ctrl+Return")
    driver.wait(lambda: driver.shown("visit"), "saving")
    driver.settle()
    assert len(workflow.visits(context.open_clinic, Job(), patient.id)) == 1
    assert kept(context) == []
    assert not driver.shown("chart_begun")
    begin_visit(driver)
    assert line(driver, "visit_reason") == ""
    assert not driver.shown("visit_kept")


def test_half_typed_changes_are_back_after_an_idle_lock_and_gone_once_saved(
    driver: Driver, opened: MainWindow, context: UiContext, chart_of: OpenChart
) -> None:
    patient = chart_of("张小明")
    begin_edit(driver)
    type_into(driver, "patient_village", "石桥村", over=True)
    lock_and_unlock(driver, opened, context)
    assert driver.shown("patient_form_page")
    assert (line(driver, "patient_name"), line(driver, "patient_village")) == ("张小明", "石桥村")
    assert words(driver, "form_kept").startswith("You typed these changes on")
    driver.press("Ctrl+Return")
    driver.wait(lambda: driver.shown("chart_page"), "saving")
    driver.settle()
    changed = workflow.open_patient(context.open_clinic, Job(), patient.id).patient
    assert changed == replace(patient, village="石桥村")
    assert kept(context) == []


def test_another_user_is_shown_nothing_of_it(
    driver: Driver, opened: MainWindow, context: UiContext, chart_of: OpenChart
) -> None:
    patient = chart_of("张小明")
    begin_typing(driver, "咳嗽")
    to_chart(driver)
    clinic = context.open_clinic
    other = replace(clinic.session, user=replace(clinic.session.user, id=UserId("somebody else")))
    assert workflow.unsaved_work(replace(clinic, session=other), Job()) == ()
    assert kept(context) == [("visit", patient.display_name)]


def test_nothing_of_it_stays_in_the_locked_window_or_in_the_clear_on_the_disk(
    driver: Driver, opened: MainWindow, context: UiContext, chart_of: OpenChart
) -> None:
    folder = context.open_clinic.store.folder
    chart_of("张小明")
    begin_typing(driver, "Findable cough")
    to_chart(driver)
    begin_edit(driver)
    type_into(driver, "patient_village", "Findable village")
    opened.lock()
    driver.settle()
    shown = [edit.text() for edit in opened.findChildren(QLineEdit)]
    shown += [said.text() for said in opened.findChildren(QLabel)]
    shown += [edit.toPlainText() for edit in opened.findChildren(QPlainTextEdit)]
    assert not [text for text in shown if "Findable" in text or "张小明" in text]
    assert b"Findable" not in b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_visits_of_two_patients_are_kept_side_by_side_and_listed_above_the_search(
    driver: Driver, opened: MainWindow, context: UiContext, chart_of: OpenChart
) -> None:
    for name, reason in (("张小明", "cough"), ("Aisha", "fever")):
        chart_of(name)
        begin_visit(driver)
        assert line(driver, "visit_reason") == ""
        driver.type(reason)
        to_chart(driver)
    driver.press("Esc")
    driver.settle()
    assert words(driver, "finder_begun_words").startswith("Aisha Mwangi: a visit that you began to write on")
    context.set_language(Language.CHINESE)
    driver.settle()
    assert words(driver, "finder_begun_words").startswith("Aisha Mwangi：您于")
    context.set_language(Language.ENGLISH)
    driver.settle()
    driver.click("finder_begun_go_on")
    driver.wait(lambda: driver.shown("visit_form"), "form")
    driver.settle()
    assert line(driver, "visit_reason") == "fever"
    chart_of("张小明")
    begin_visit(driver)
    assert line(driver, "visit_reason") == "cough"


def test_the_chart_says_what_was_begun_and_going_on_is_one_key_away(
    driver: Driver, context: UiContext, chart_of: OpenChart
) -> None:
    chart_of("张小明")
    begin_edit(driver)
    type_into(driver, "patient_phone", "99")
    to_chart(driver)
    assert words(driver, "chart_begun_words").startswith("Changes to these details that you typed on")
    assert driver.find("chart_begun_go_on", QPushButton).hasFocus()
    driver.press("Return")
    driver.settle()
    assert line(driver, "patient_phone") == "1380013800099"
    for _ in range(2):
        driver.find("patient_phone", QLineEdit).setFocus()
        driver.press("Backspace")
    to_chart(driver)
    assert not driver.shown("chart_begun"), "what says again what is on file is no change"
    assert kept(context) == []


def test_it_can_be_discarded_and_that_can_be_taken_back(
    driver: Driver, context: UiContext, chart_of: OpenChart
) -> None:
    patient = chart_of("张小明")
    begin_typing(driver, "cough")
    to_chart(driver)
    driver.click("chart_begun_discard")
    driver.settle()
    assert kept(context) == []
    assert not driver.shown("chart_begun")
    driver.press("Ctrl+Z")
    driver.settle()
    assert kept(context) == [("visit", patient.display_name)]
    driver.click("chart_begun_go_on")
    driver.settle()
    assert line(driver, "visit_reason") == "cough"
    driver.click("visit_discard")
    driver.settle()
    assert driver.shown("chart_page")
    assert kept(context) == []
    begin_visit(driver)
    assert line(driver, "visit_reason") == ""


def test_discarded_changes_leave_the_form_with_what_is_on_file(
    driver: Driver, opened: MainWindow, context: UiContext, chart_of: OpenChart
) -> None:
    chart_of("张小明")
    begin_edit(driver)
    type_into(driver, "patient_village", "X")
    lock_and_unlock(driver, opened, context)
    driver.click("form_discard")
    driver.settle()
    assert kept(context) == []
    begin_edit(driver)
    assert line(driver, "patient_village") == "柳树村"
    assert not driver.shown("form_kept")


def test_changes_gone_on_with_after_somebody_changed_the_record_become_a_conflict(
    driver: Driver, opened: MainWindow, context: UiContext, chart_of: OpenChart
) -> None:
    patient = chart_of("张小明")
    begin_edit(driver)
    type_into(driver, "patient_village", "清河村", over=True)
    opened.lock()
    driver.settle()
    driver.type(PASSPHRASE)
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock")
    draft = replace(workflow.PatientDraft.of(patient), village="石桥村")
    workflow.edit_patient(context.open_clinic, Job(), patient.id, draft)
    driver.settle()
    assert line(driver, "patient_village") == "清河村"
    driver.press("Ctrl+Return")
    driver.wait(lambda: driver.shown("chart_conflict"), "both versions")
    driver.settle()
    chart = workflow.open_patient(context.open_clinic, Job(), patient.id)
    assert chart.patient.village == "石桥村"
    assert [view.conflict.losing.village for view in chart.conflicts] == ["清河村"]
    assert kept(context) == []


def test_what_is_typed_is_in_the_store_soon_after_the_last_key(
    driver: Driver, context: UiContext, chart_of: OpenChart
) -> None:
    chart_of("张小明")
    begin_typing(driver, "c")
    driver.wait(lambda: kept(context) != [], "draft")
    assert len(kept(context)) == 1
    driver.press("Backspace")
    driver.wait(lambda: kept(context) == [], "an empty form is nothing to keep")
    assert kept(context) == []


@pytest.mark.parametrize("page", ["visit", "edit"])
def test_a_save_that_is_refused_keeps_what_was_typed(
    driver: Driver, opened: MainWindow, context: UiContext, chart_of: OpenChart, page: str
) -> None:
    patient, double = chart_of("张小明"), workflow.search_patients(context.open_clinic, Job(), "Aisha")[0].patient
    if page == "visit":
        begin_typing(driver, "cough")
    else:
        begin_edit(driver)
        type_into(driver, "patient_phone", "99")
    workflow.merge_patients(context.open_clinic, Job(), double.id, patient.id)
    driver.press("Ctrl+Return")
    driver.wait(lambda: driver.shown("error_dialog"), "refusal")
    driver.press("Esc")
    driver.settle()
    assert kept(context) == [(page, double.display_name)], "it is told on the page of the record that stands"


@pytest.mark.parametrize(
    ("deed", "begin", "strip"),
    [
        ("keep_unsaved_visit", begin_visit, "visit_kept"),
        ("keep_unsaved_edit", begin_edit, "form_kept"),
        ("keep_unsaved_patient", begin_registration, "form_kept"),
    ],
    ids=["visit", "edit", "registration"],
)
def test_words_that_cannot_be_kept_are_said_not_to_be_and_tried_again_before_locking(
    driver: Driver,
    opened: MainWindow,
    context: UiContext,
    chart_of: OpenChart,
    monkeypatch: pytest.MonkeyPatch,
    deed: str,
    begin: Callable[[Driver], None],
    strip: str,
) -> None:
    def full(*_: object) -> None:
        raise KnownFailure("error.disk_full", kind=ErrorKind.DISK_FULL)

    chart_of("张小明")
    begin(driver)
    with monkeypatch.context() as patched:
        patched.setattr(workflow, deed, full)
        driver.type("a")
        driver.wait(lambda: driver.shown(strip), "saying so")
        assert words(driver, strip).startswith("What you type cannot be kept")
    lock_and_unlock(driver, opened, context)
    driver.wait(lambda: driver.shown(strip), "the form is back")
    assert words(driver, strip).startswith(("You typed th", "Typed earlier"))
