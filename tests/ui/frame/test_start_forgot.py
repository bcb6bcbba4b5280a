"""A forgotten passphrase and the recovery card, by keyboard and mouse, on a real keystore."""

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton

from desktop import workflow
from desktop.jobs import Job
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from tests.ui.names import USER

NEW = "brown goat under tree"


@pytest.fixture
def code(driver: Driver, opened: MainWindow, context: UiContext) -> str:
    """The clinic's card; the page that asks for it is shown."""
    made = workflow.people.new_recovery_card(context.open_clinic, Job())
    opened.lock()
    driver.settle()
    driver.click("unlock_forgot")
    driver.settle()
    return made.code


def _type_card(driver: Driver, code: str) -> None:
    """Key by key: the focus moves from group to group meanwhile."""
    for letter in code:
        driver.type(letter)


def _type_new_passphrase(driver: Driver) -> None:
    for name in ("forgot_passphrase", "forgot_passphrase_again"):
        driver.find(name, QLineEdit).setFocus()
        driver.type(NEW)


def test_card_and_new_passphrase_unlock_by_keyboard_alone(
    driver: Driver, opened: MainWindow, code: str, context: UiContext
) -> None:
    assert driver.find("forgot_user", QComboBox).currentText() == USER
    assert driver.find("forgot_card_1", QLineEdit).hasFocus()
    _type_card(driver, code.lower())
    assert not driver.shown("forgot_card_note")
    driver.press("Tab")
    driver.type(NEW)
    driver.press("Tab")
    driver.type(NEW)
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock")
    driver.settle()
    assert context.open_clinic.session.user.name == USER
    assert opened.start.forgot.card_code.code.strip("-") == ""
    assert opened.start.forgot.passphrase.secret() == ""
    opened.lock()
    driver.settle()
    driver.type(NEW)
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock with the new passphrase")


def test_a_mistyped_group_is_named_at_once(driver: Driver, opened: MainWindow, code: str) -> None:
    groups = code.split("-")
    # Any one wrong character is found; a group typed backwards has its check character right once in 32 cards.
    groups[2] = ("1" if groups[2][0] == "0" else "0") + groups[2][1:]
    _type_card(driver, "".join(groups[:3]))
    assert "Group 3" in driver.find("forgot_card_note", QLabel).text()
    assert driver.find("forgot_card_3", QLineEdit).property("invalid")
    driver.click("forgot_submit")
    assert driver.find("forgot_card_3", QLineEdit).hasFocus()
    _type_card(driver, code.split("-")[2])
    assert not driver.shown("forgot_card_note")
    driver.click("forgot_submit")
    assert "Group 4 is not complete" in driver.find("forgot_card_note", QLabel).text()


def test_the_whole_code_can_be_pasted_anywhere(driver: Driver, opened: MainWindow, code: str) -> None:
    QGuiApplication.clipboard().setText(f" {code.replace('-', ' – ').lower()} ")
    driver.press("Ctrl+V")
    assert opened.start.forgot.card_code.code == code
    assert opened.start.forgot.card_code.is_right


def test_keys_lead_from_group_to_group(driver: Driver, opened: MainWindow, code: str) -> None:
    driver.type(code[:5])
    assert driver.find("forgot_card_2", QLineEdit).hasFocus()
    driver.press("Backspace")
    assert driver.find("forgot_card_1", QLineEdit).hasFocus()
    driver.press("Backspace")
    assert driver.find("forgot_card_1", QLineEdit).text() == code[:4]
    driver.type(code[4])
    assert driver.find("forgot_card_2", QLineEdit).hasFocus()


def test_the_card_of_another_clinic_is_called_so(
    driver: Driver, opened: MainWindow, code: str, context: UiContext
) -> None:
    _type_card(driver, "".join(_another_card(code)))
    assert opened.start.forgot.card_code.is_right
    _type_new_passphrase(driver)
    driver.press("Return")
    driver.wait(lambda: driver.shown("forgot_card_note"), "complaint")
    driver.settle()
    assert "does not belong to this clinic" in driver.find("forgot_card_note", QLabel).text()
    assert context.clinic is None
    assert driver.find("forgot_passphrase", QLineEdit).text() == NEW, "only the card has to be typed again"


def test_passphrases_are_judged_before_the_card_is_tried(driver: Driver, opened: MainWindow, code: str) -> None:
    _type_card(driver, code)
    driver.find("forgot_passphrase", QLineEdit).setFocus()
    driver.type("short")
    driver.press("Return")
    assert "8" in driver.find("forgot_passphrase_note", QLabel).text()
    assert driver.find("forgot_submit", QPushButton).isEnabled()


def test_escape_goes_back_and_forgets(driver: Driver, opened: MainWindow, code: str) -> None:
    driver.type(code)
    driver.press("Esc")
    driver.settle()
    assert driver.shown("unlock_page")
    assert opened.start.forgot.card_code.code.strip("-") == ""


def _another_card(code: str) -> list[str]:
    """A card that is well formed and not this clinic's: its first group with another last bit."""
    groups = code.split("-")
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    data = groups[6][:4]
    other = data[:3] + letters[letters.index(data[3]) ^ 1]
    for letter in letters:
        if workflow.people.card_group_fits(other + letter, 6):
            return [*groups[:6], other + letter]
    raise AssertionError("no check character fits")
