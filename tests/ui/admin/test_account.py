"""Another passphrase, a PIN, the end of the shift: through the section everybody sees."""

from collections.abc import Callable

from PySide6.QtWidgets import QLabel, QLineEdit

from desktop import workflow
from desktop.i18n import Language
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from tests.ui.names import PASSPHRASE, USER

NEW = "brown goat under tree"


def _type(driver: Driver, name: str, text: str) -> None:
    field = driver.find(name, QLineEdit)
    field.setFocus()
    field.selectAll()
    driver.type(text)


def test_another_passphrase_needs_the_present_one(
    driver: Driver, opened: MainWindow, context: UiContext, show_section: Callable[[str], None]
) -> None:
    show_section("you")
    assert driver.find("you_name", QLabel).text() == USER
    assert driver.find("you_roles", QLabel).text() == "Doctor, Administrator"
    for name in ("you_new", "you_new_again"):
        _type(driver, name, NEW)
    driver.press("Return")
    assert "first" in driver.find("you_old_note", QLabel).text()
    _type(driver, "you_old", "not the passphrase")
    driver.press("Return")
    driver.settle()
    assert driver.find("you_old_note", QLabel).text() == "This is not your present passphrase."
    context.set_language(Language.CHINESE)
    assert driver.find("you_old_note", QLabel).text() == "这不是您当前的口令。"
    context.set_language(Language.ENGLISH)
    _type(driver, "you_old", PASSPHRASE)
    driver.press("Return")
    driver.settle()
    assert not driver.shown("you_old_note")
    assert driver.find("you_old", QLineEdit).text() == ""
    opened.lock()
    driver.settle()
    driver.type(NEW)
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock with the new passphrase")


def test_a_pin_is_set_used_and_forgotten(
    driver: Driver, opened: MainWindow, context: UiContext, show_section: Callable[[str], None]
) -> None:
    show_section("you")
    assert driver.find("pin_state", QLabel).text() == "You have no PIN now."
    assert not driver.shown("you_pin_forget")
    _type(driver, "you_pin", "1234")
    _type(driver, "you_pin_again", "1243")
    driver.press("Return")
    assert driver.find("you_pin_again_note", QLabel).text() == "The two PINs differ."
    _type(driver, "you_pin_again", "1234")
    driver.press("Return")
    driver.settle()
    assert "too easy" in driver.find("you_pin_note", QLabel).text()
    for name in ("you_pin", "you_pin_again"):
        _type(driver, name, "97531")
    driver.press("Return")
    driver.settle()
    assert "until the shift ends" in driver.find("pin_state", QLabel).text()
    assert driver.find("you_pin", QLineEdit).text() == ""
    driver.press("Ctrl+L")
    driver.wait(lambda: driver.shown("pin_page"), "page for PINs")
    driver.settle()
    driver.type("97531")
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock")
    driver.settle()
    assert driver.shown("settings_you"), "back where one was"
    driver.click("you_pin_forget")
    driver.settle()
    assert driver.find("pin_state", QLabel).text() == "You have no PIN now."
    driver.press("Ctrl+L")
    driver.settle()
    assert driver.shown("unlock_page")


def test_the_end_of_the_shift_locks_and_takes_the_pins(
    driver: Driver, opened: MainWindow, context: UiContext, show_section: Callable[[str], None]
) -> None:
    show_section("you")
    for name in ("you_pin", "you_pin_again"):
        _type(driver, name, "97531")
    driver.press("Return")
    driver.settle()
    assert workflow.pin_users(context.shift, context.places.clinic) == (USER,)
    driver.click("you_end_shift")
    driver.settle()
    assert context.clinic is None
    assert driver.shown("unlock_page")
    assert workflow.pin_users(context.shift, context.places.clinic) == ()
    assert driver.find("toast_words", QLabel).text().startswith("The shift has ended")
