"""The audit trail in the window: searched as a whole, exported, and an exported file checked again."""

from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtWidgets import QComboBox, QFileDialog, QLabel, QLineEdit, QTableView

from desktop import workflow
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import AuditAction, HumanName
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.settings.screen import SettingsScreen
from tests.ui.names import USER

WHO, WHAT = 2, 3


@pytest.fixture
def audit(driver: Driver, opened: MainWindow) -> QTableView:
    driver.press("Ctrl+6")
    driver.find("settings_screen", SettingsScreen).show_section("audit")
    driver.settle()
    return driver.find("audit_table", QTableView)


def cells(table: QTableView, column: int) -> list[str]:
    model = table.model()
    return [str(model.index(at, column).data()) for at in range(model.rowCount())]


def text(driver: Driver, name: str) -> str:
    return driver.find(name, QLabel).text()


def choose(driver: Driver, combo: str, value: str) -> None:
    found = driver.find(combo, QComboBox)
    found.setCurrentIndex(found.findData(value))
    found.activated.emit(found.currentIndex())
    driver.settle()


def pick(driver: Driver, window: MainWindow, path: Path) -> None:
    dialog = next(one for one in window.findChildren(QFileDialog) if one.isVisible())
    dialog.fileSelected.emit(str(path))
    dialog.close()
    driver.settle()


@pytest.fixture
def exported(driver: Driver, opened: MainWindow, audit: QTableView, tmp_path: Path) -> Path:
    path = tmp_path / "trail.jsonl"
    driver.click("audit_export")
    driver.settle()
    pick(driver, opened, path)
    return path


def test_users_are_named_and_the_whole_trail_is_searched(driver: Driver, context: UiContext, audit: QTableView) -> None:
    """More lines than are shown at first: the oldest one is found all the same."""
    assert USER in cells(audit, WHO)
    clinic = context.open_clinic
    for number in range(210):
        workflow.register_patient(clinic, Job(), workflow.PatientDraft(names=(HumanName(text=f"P{number}"),)))
    driver.find("settings_screen", SettingsScreen).show_section("audit")
    driver.settle()
    assert audit.model().rowCount() == 200
    assert "Created the clinic" not in cells(audit, WHAT)
    search = driver.find("audit_search", QLineEdit)
    search.setText("Created the")
    driver.wait(lambda: set(cells(audit, WHAT)) == {"Created the clinic"}, "search")
    search.clear()
    driver.wait(lambda: audit.model().rowCount() == 200, "everything")
    driver.settle()
    driver.click("audit_older")
    driver.wait(lambda: "Created the clinic" in cells(audit, WHAT), "older lines")
    driver.settle()
    assert not driver.shown("audit_older")


def test_lines_are_narrowed_by_deed_person_and_days(driver: Driver, context: UiContext, audit: QTableView) -> None:
    choose(driver, "audit_what", AuditAction.ADD_PATIENT.value)
    assert cells(audit, WHAT) == ["Registered a patient"] * 3
    choose(driver, "audit_who", context.open_clinic.session.user.id)
    assert cells(audit, WHAT) == ["Registered a patient"] * 3
    today = context.open_clinic.clock().astimezone().date()
    first = driver.find("audit_first", QLineEdit)
    first.setText((today + timedelta(days=1)).isoformat())
    driver.wait(lambda: audit.model().rowCount() == 0, "no line of tomorrow")
    assert text(driver, "audit_count").startswith("No line fits")
    first.setText((today - timedelta(days=30)).isoformat())
    driver.find("audit_last", QLineEdit).setText(today.isoformat())
    driver.wait(lambda: audit.model().rowCount() == 3, "lines until today")


def test_a_day_that_is_none_is_said_in_either_language(driver: Driver, context: UiContext, audit: QTableView) -> None:
    driver.find("audit_first", QLineEdit).setText("yesterday")
    driver.wait(lambda: driver.shown("audit_day_wrong"), "complaint")
    context.set_language(Language.CHINESE)
    assert "日期" in text(driver, "audit_day_wrong")


def test_an_export_says_how_many_lines_where_and_is_whole(
    driver: Driver, opened: MainWindow, context: UiContext, exported: Path
) -> None:
    rows = len(exported.read_bytes().splitlines()) - 1
    assert text(driver, "audit_result_title") == f"{rows} lines exported, with a signature."
    assert str(exported) in text(driver, "audit_result_details")
    driver.click("audit_check")
    driver.settle()
    pick(driver, opened, exported)
    assert text(driver, "audit_result_title").startswith(f"The file is whole: {rows} lines")
    assert f"Signed by {USER}" in text(driver, "audit_result_details")
    context.set_language(Language.CHINESE)
    assert "文件完整" in text(driver, "audit_result_title")


def test_a_file_with_a_line_left_out_is_not_whole(driver: Driver, opened: MainWindow, exported: Path) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    exported.write_bytes(b"".join(lines[:2] + lines[3:]))
    driver.click("audit_check")
    driver.settle()
    pick(driver, opened, exported)
    assert text(driver, "audit_result_title").startswith("This file is not as it was exported")
    assert driver.find("audit_result_title", QLabel).property("role") == "danger"


def test_a_file_that_is_there_already_is_not_overwritten(driver: Driver, opened: MainWindow, exported: Path) -> None:
    before = exported.read_bytes()
    driver.click("audit_export")
    driver.settle()
    pick(driver, opened, exported)
    driver.wait(lambda: driver.shown("error_dialog"), "refusal")
    driver.click("error_close")
    driver.settle()
    assert exported.read_bytes() == before


def test_a_signature_of_nobody_who_works_here_is_said(
    driver: Driver, opened: MainWindow, context: UiContext, exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow.people, "list_users", lambda clinic, job: ())
    driver.click("audit_check")
    driver.settle()
    pick(driver, opened, exported)
    assert "nobody who works" in text(driver, "audit_result_details")
