"""Changing hands during a shift: buttons of those on duty, a few digits, back where one was."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.access import Role
from desktop.jobs import Job
from desktop.settings import Places
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from tests.ui.names import PASSPHRASE, USER

NURSE = "Nurse Mwangi"
PIN, NURSE_PIN = "24680", "9753"


@pytest.fixture
def on_duty(driver: Driver, opened: MainWindow, context: UiContext, places: Places) -> MainWindow:
    """Doctor and nurse have a PIN; the doctor has the clinic open."""
    clinic = context.open_clinic
    workflow.people.add_user(clinic, Job(), name=NURSE, roles=[Role.NURSE], passphrase="green rice and tea")
    workflow.set_pin(clinic, Job(), context.shift, pin=PIN)
    opened.lock()
    driver.settle()
    nurse = workflow.unlock(places.clinic, Job(), user=NURSE, passphrase="green rice and tea", models=context.registry)
    workflow.set_pin(nurse, Job(), context.shift, pin=NURSE_PIN)
    workflow.lock(nurse)
    driver.type(PIN)
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock")
    driver.settle()
    return opened


def _people(window: MainWindow) -> list[str]:
    made = window.start.pin.findChildren(QPushButton, "pin_user")
    return [str(person.property("user")) for person in made if not person.isHidden()]


def _lock(driver: Driver) -> None:
    driver.press("Ctrl+L")
    driver.wait(lambda: driver.shown("pin_page"), "page for PINs")
    driver.settle()


def test_whoever_left_comes_back_to_where_they_were(driver: Driver, on_duty: MainWindow, context: UiContext) -> None:
    driver.press("Ctrl+2")
    driver.settle()
    _lock(driver)
    assert _people(on_duty) == [USER, NURSE]
    assert on_duty.start.pin.user == USER
    driver.type(PIN)
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock")
    driver.settle()
    assert driver.shown("patients_screen")
    assert on_duty.start.pin.pin.secret() == ""


def test_somebody_else_begins_at_their_own_first_screen(
    driver: Driver, on_duty: MainWindow, context: UiContext
) -> None:
    driver.press("Ctrl+N")
    driver.type("Typed by the doctor")
    driver.settle()
    _lock(driver)
    driver.press("Down")
    assert driver.find("pin_label", QLabel).text() == f"PIN of {NURSE}"
    driver.type(NURSE_PIN)
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock")
    driver.settle()
    assert context.open_clinic.session.user.name == NURSE
    assert driver.shown("today_screen")
    driver.press("Ctrl+N")
    driver.settle()
    assert driver.find("patient_name", QLineEdit).text() == ""
    _lock(driver)
    assert on_duty.start.pin.user == NURSE
    driver.press("Up")
    driver.type(PIN)
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock")
    driver.press("Ctrl+N")
    driver.settle()
    assert driver.find("patient_name", QLineEdit).text() == "Typed by the doctor"


def test_five_wrong_digits_lead_to_the_passphrase(driver: Driver, on_duty: MainWindow, context: UiContext) -> None:
    _lock(driver)
    for left in (4, 3, 2):
        driver.type("1111")
        driver.press("Return")
        driver.settle()
        assert f"{left} tries are left" in driver.find("pin_note", QLabel).text()
    driver.type("1111")
    driver.press("Return")
    driver.settle()
    assert "One try is left" in driver.find("pin_note", QLabel).text()
    driver.type("1111")
    driver.press("Return")
    driver.wait(lambda: driver.shown("unlock_page"), "page for the passphrase")
    driver.settle()
    assert "no longer opens" in driver.find("unlock_passphrase_note", QLabel).text()
    assert on_duty.start.unlock.user.currentText() == USER
    assert driver.shown("unlock_pin"), "the nurse still has hers"
    driver.click("unlock_pin")
    assert _people(on_duty) == [NURSE]
    assert context.clinic is None


def test_the_passphrase_is_always_a_way_in(driver: Driver, on_duty: MainWindow, context: UiContext) -> None:
    _lock(driver)
    driver.click("pin_passphrase")
    driver.settle()
    driver.type(PASSPHRASE)
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock")
    assert context.open_clinic.session.user.name == USER


def test_the_end_of_the_shift_takes_every_pin(driver: Driver, on_duty: MainWindow, context: UiContext) -> None:
    _lock(driver)
    driver.click("pin_end_shift")
    driver.settle()
    assert driver.shown("unlock_page")
    assert not driver.shown("unlock_pin")
    assert workflow.pin_users(context.shift, context.places.clinic) == ()


def test_sleep_takes_every_pin_whether_or_not_the_clinic_was_locked(
    driver: Driver, on_duty: MainWindow, context: UiContext, qtbot: QtBot
) -> None:
    _lock(driver)
    on_duty.idle.slept.emit()
    driver.settle()
    assert driver.shown("unlock_page")
    assert not driver.shown("unlock_pin")


def test_a_damaged_keystore_lets_nobody_in_by_pin(
    driver: Driver, on_duty: MainWindow, context: UiContext, places: Places
) -> None:
    _lock(driver)
    driver.settle()
    for name in workflow.people.clinic_info(places.clinic).keystores:
        Path(places.clinic, name).write_bytes(b"{}")
    driver.type(PIN)
    driver.press("Return")
    driver.settle()
    assert context.clinic is None
    words = [label.text() for label in driver.find("damaged_page_problems", QWidget).findChildren(QLabel)]
    assert "Both copies of the key file are damaged." in words
