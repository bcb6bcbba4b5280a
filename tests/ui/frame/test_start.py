"""First start, recovery card, unlocking: by keyboard and mouse, on a real keystore."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.i18n import Language
from desktop.settings import Places
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.start.recovery import RecoveryPage
from tests.ui.names import PASSPHRASE, USER


def _groups(window: MainWindow) -> list[str]:
    labels = [window.findChild(QLabel, f"recovery_group_{place}") for place in range(1, 8)]
    return [label.text() for label in labels if label is not None]


def _create(driver: Driver, window: MainWindow) -> None:
    """From the first start to the recovery card, by keyboard only."""
    driver.settle()
    driver.press("Return")
    for words in ("Green Valley", "Dr. Amina", PASSPHRASE):
        driver.type(words)
        driver.press("Tab")
    driver.type(PASSPHRASE)
    driver.press("Return")
    driver.wait(lambda: driver.shown("recovery_page"), "recovery card")
    driver.settle()


def test_creating_a_clinic_by_keyboard_until_it_is_open(
    driver: Driver, window: MainWindow, context: UiContext, places: Places
) -> None:
    _create(driver, window)
    groups = _groups(window)
    assert all(len(group) == 5 for group in groups)
    page = window.findChild(RecoveryPage)
    assert page is not None
    button = driver.find("recovery_continue", QPushButton)
    assert not button.isEnabled()
    for name in ("recovery_first", "recovery_second"):
        field = driver.find(name, QLineEdit)
        field.setFocus()
        number = int("".join(c for c in field.accessibleName() if c.isdigit()))
        driver.type(groups[number - 1].lower())
    assert button.isEnabled()
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "open clinic")
    driver.settle()
    assert context.open_clinic.name == "Green Valley"
    assert workflow.clinic_exists(places.clinic)
    assert "".join(_groups(window)) == "", "the card is forgotten once it was confirmed"
    assert driver.shown("today_nobody")
    window.lock()
    driver.settle()


def test_going_on_without_the_card_has_to_be_said_twice(driver: Driver, window: MainWindow, context: UiContext) -> None:
    _create(driver, window)
    driver.click("recovery_without")
    assert context.clinic is None
    assert driver.shown("recovery_without_warning")
    driver.click("recovery_surely")
    driver.wait(lambda: context.clinic is not None, "open clinic")
    window.lock()
    driver.settle()


def test_the_card_can_be_saved_as_a_pdf(
    driver: Driver, window: MainWindow, context: UiContext, tmp_path: Path, qapp: QApplication
) -> None:
    _create(driver, window)
    driver.click("recovery_save")
    dialog = window.findChild(QFileDialog)
    assert dialog is not None
    target = tmp_path / "card.pdf"
    dialog.setDirectory(str(tmp_path))
    dialog.selectFile("card.pdf")
    dialog.accept()
    driver.wait(target.exists, "card on the disk")
    driver.settle()
    assert target.read_bytes().startswith(b"%PDF")
    driver.click("recovery_without")
    driver.click("recovery_surely")
    window.lock()
    driver.settle()


def test_what_is_missing_is_said_beside_the_field(driver: Driver, window: MainWindow) -> None:
    driver.settle()
    driver.press("Return")
    driver.type("Green Valley")
    driver.press("Return")
    assert driver.find("user_name_note", QLabel).text() == "Your name is missing."
    assert driver.find("user_name", QLineEdit).hasFocus()
    driver.type("Dr. Amina")
    driver.press("Tab")
    driver.type("short")
    driver.press("Return")
    assert "8" in driver.find("new_passphrase_note", QLabel).text()
    driver.find("new_passphrase", QLineEdit).setText(PASSPHRASE)
    driver.press("Return")
    assert driver.find("new_passphrase_again_note", QLabel).text() == "The two passphrases differ."
    assert "Good" in driver.find("strength_hint", QLabel).text()


def test_back_keeps_what_was_typed(driver: Driver, window: MainWindow) -> None:
    driver.settle()
    driver.press("Return")
    driver.type("Green Valley")
    driver.click("create_back")
    driver.click("create_clinic")
    assert driver.find("clinic_name", QLineEdit).text() == "Green Valley"
    assert driver.find("user_name", QLineEdit).hasFocus()


def test_unlocking_takes_the_passphrase_and_enter(driver: Driver, opened: MainWindow, context: UiContext) -> None:
    assert context.open_clinic.session.user.name == USER
    assert driver.shown("today_screen")
    assert opened.start.unlock.passphrase.secret() == ""


def test_a_wrong_passphrase_says_so_and_then_slows_down(
    driver: Driver, locked: MainWindow, context: UiContext, qtbot: QtBot
) -> None:
    driver.settle()
    field = driver.find("unlock_passphrase", QLineEdit)
    button = driver.find("unlock_submit", QPushButton)
    for _ in range(2):
        qtbot.waitUntil(button.isEnabled, timeout=5000)
        field.setText("not the passphrase")
        driver.press("Return")
        driver.wait(lambda: bool(driver.shown("unlock_passphrase_note")), "complaint")
        driver.settle()
        assert "passphrase" in driver.find("unlock_passphrase_note", QLabel).text()
    assert not button.isEnabled()
    assert "Try again in" in button.text()
    assert context.clinic is None
    qtbot.waitUntil(button.isEnabled, timeout=5000)
    field.setText(PASSPHRASE)
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock")
    locked.lock()
    driver.settle()


def test_the_language_can_be_switched_before_unlocking(driver: Driver, locked: MainWindow, context: UiContext) -> None:
    driver.settle()
    assert driver.shown("language_en")
    driver.click("language_zh")
    assert context.language is Language.CHINESE
    assert driver.find("unlock_submit", QPushButton).text() == "解锁"
    assert locked.windowTitle() == "明灯"


def test_a_folder_without_a_clinic_is_refused_in_three_lines(
    driver: Driver, locked: MainWindow, tmp_path: Path, qapp: QApplication
) -> None:
    locked.start._open_folder(str(tmp_path))
    driver.settle()
    for name in ("error_message", "error_data", "error_advice"):
        assert driver.find(name, QLabel).text()
    driver.click("error_close")


@pytest.mark.slow
def test_the_demo_clinic_shows_its_passphrase_and_fills_it_in(
    driver: Driver, window: MainWindow, context: UiContext, places: Places
) -> None:
    driver.settle()
    assert workflow.DEMO_PASSPHRASE in driver.find("demo_user", QLabel).text()
    driver.click("explore_demo")
    driver.wait(lambda: context.clinic is not None, "demo clinic")
    driver.settle()
    driver.press("Ctrl+L")
    driver.settle()
    assert driver.find("unlock_passphrase", QLineEdit).text() == workflow.DEMO_PASSPHRASE
    assert workflow.DEMO_PASSPHRASE in driver.find("unlock_demo_credentials", QLabel).text()
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock")
    window.lock()
    driver.settle()
