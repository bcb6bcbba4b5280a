"""Scenes about people and keys for the screenshots: who may unlock, the lock screen of a shift, the recovery card."""

from collections.abc import Callable
from typing import Protocol

from PySide6.QtWidgets import QLineEdit

from desktop.ui.driver import Driver
from desktop.ui.settings.screen import SettingsScreen

_PASSPHRASE = "four words of green"
_PIN = "97531"
_NURSE = "李秀英"


class Camera(Protocol):
    """Takes what is on the screen, in every language, look and size."""

    driver: Driver

    def take(self, scene: str, again: Callable[[], None] | None = None) -> None:
        """Pictures of a scene."""


def forgotten_passphrase(camera: Camera) -> None:
    """From the unlock page of a clinic: the page for the recovery card, empty and with a mistyped group."""
    driver = camera.driver
    driver.click("unlock_forgot")
    camera.take("forgot-empty")
    for letter in "0123456789":
        driver.type(letter)
    driver.click("forgot_submit")
    camera.take("forgot-error")
    driver.click("forgot_back")


def people_and_keys(camera: Camera, screen: SettingsScreen) -> None:
    """Somebody is added, then has the form open; a new recovery card; a PIN for the lock screen."""
    driver = camera.driver
    screen.show_section("people")
    driver.settle()
    driver.click("people_add")
    driver.click("person_save")
    camera.take("people-add-error")
    driver.find("person_name", QLineEdit).setText(_NURSE)
    driver.click("add_role_nurse")
    _fill(driver, _PASSPHRASE, "person_passphrase", "person_passphrase_again")
    driver.click("person_save")
    driver.wait(lambda: driver.shown("person_form"), "added")
    camera.take("people-person")
    driver.click("person_disable")
    driver.settle()
    camera.take("people-disabled")
    screen.show_section("keys")
    camera.take("keys-new-card", lambda: _open_card(driver))
    screen.show_section("you")
    _fill(driver, "1234", "you_pin", "you_pin_again")
    driver.click("you_pin_set")
    driver.settle()
    camera.take("you-error")
    _fill(driver, _PIN, "you_pin", "you_pin_again")
    driver.click("you_pin_set")
    driver.settle()


def change_of_hands(camera: Camera) -> None:
    """On the lock screen of a shift, then on to the page for the passphrase."""
    driver = camera.driver
    camera.take("pin")
    driver.type("1111")
    driver.press("Return")
    driver.settle()
    camera.take("pin-error")
    driver.click("pin_passphrase")
    driver.settle()


def _open_card(driver: Driver) -> None:
    driver.click("keys_new_card")
    driver.wait(lambda: driver.shown("new_card_dialog"), "recovery card")


def _fill(driver: Driver, words: str, *names: str) -> None:
    for name in names:
        driver.find(name, QLineEdit).setText(words)
