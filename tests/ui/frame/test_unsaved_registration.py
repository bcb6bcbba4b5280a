"""A registration that was begun and not saved survives an idle lock."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton

from desktop import workflow
from desktop.jobs import Job
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from tests.ui.names import PASSPHRASE


def words(driver: Driver, name: str) -> str:
    return driver.find(name, QLineEdit).text()


def kept(context: UiContext) -> "workflow.UnsavedPatient | None":
    return workflow.unsaved_patient(context.open_clinic, Job())


def unlock(driver: Driver, context: UiContext) -> None:
    driver.type(PASSPHRASE)
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock")
    driver.settle()


@pytest.fixture
def begun(driver: Driver, opened: MainWindow) -> MainWindow:
    """A registration under way, half a birth date in it."""
    driver.press("Ctrl+N")
    driver.type("Amina Yusuf")
    driver.press("Tab")
    driver.type("f")
    driver.press("Tab")
    driver.type("20")
    return opened


def test_it_is_back_after_an_idle_lock(driver: Driver, begun: MainWindow, context: UiContext) -> None:
    begun.idle.expired.emit()
    driver.settle()
    assert driver.shown("unlock_page")
    unlock(driver, context)
    assert driver.shown("patient_form_page")
    assert (words(driver, "patient_name"), words(driver, "patient_birth")) == ("Amina Yusuf", "20")
    assert driver.find("patient_sex_female", QPushButton).isChecked()
    assert driver.find("form_kept", QLabel).text() == context.tr("patients.form.kept")


def test_nothing_of_it_stays_in_the_locked_window_or_on_the_disk(
    driver: Driver, begun: MainWindow, context: UiContext
) -> None:
    folder: Path = context.open_clinic.store.folder
    begun.lock()
    driver.settle()
    assert "Amina Yusuf" not in {edit.text() for edit in begun.findChildren(QLineEdit)}
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"Yusuf" not in everything


def test_it_is_on_the_disk_soon_after_the_last_key(driver: Driver, begun: MainWindow, context: UiContext) -> None:
    driver.wait(lambda: kept(context) is not None, "draft")
    found = kept(context)
    assert found is not None
    assert (found.name, found.sex, found.birth) == ("Amina Yusuf", "female", "20")


def test_what_came_back_is_looked_up_among_those_on_file(
    driver: Driver, opened: MainWindow, context: UiContext
) -> None:
    driver.press("Ctrl+N")
    driver.type("Aisha Mwangi")
    opened.lock()
    driver.settle()
    unlock(driver, context)
    assert words(driver, "patient_name") == "Aisha Mwangi"
    driver.wait(lambda: driver.shown("duplicates_list"), "duplicates")


def test_once_registered_or_emptied_it_is_gone(driver: Driver, begun: MainWindow, context: UiContext) -> None:
    driver.wait(lambda: kept(context) is not None, "draft")
    driver.click("form_again")
    driver.settle()
    assert kept(context) is None
    driver.type("Amina Yusuf")
    driver.wait(lambda: kept(context) is not None, "draft")
    driver.press("Return")
    driver.wait(lambda: driver.shown("chart_page"), "registration")
    driver.settle()
    assert kept(context) is None


def test_it_comes_back_after_somebody_on_file_was_mended(driver: Driver, begun: MainWindow, context: UiContext) -> None:
    driver.press("Esc")
    driver.press("/")
    driver.type("zxm")
    driver.settle()
    driver.press("Return")
    driver.wait(lambda: driver.shown("chart_page"), "chart")
    driver.settle()
    driver.press("Ctrl+E")
    driver.settle()
    assert words(driver, "patient_name") == "张小明"
    driver.press("Esc")
    driver.press("Ctrl+N")
    assert words(driver, "patient_name") == "Amina Yusuf"


def test_words_typed_before_the_store_answered_are_not_overwritten(
    driver: Driver, begun: MainWindow, context: UiContext
) -> None:
    assert begun.workspace is not None
    page = begun.workspace.patients().form
    page._draft.save_now()
    driver.settle()
    page.form.start_over()
    page.form.name.edit.setFocus()
    driver.type("Baraka")
    page._draft._take(kept(context))
    assert words(driver, "patient_name") == "Baraka"
    assert driver.find("form_kept", QLabel).text() == context.tr("patients.form.earlier")
    driver.click("form_earlier")
    assert words(driver, "patient_name") == "Amina Yusuf"
    driver.click("form_earlier")
    assert words(driver, "patient_name") == "Baraka"
