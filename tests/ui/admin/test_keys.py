"""A new recovery card and new keys, through the section and the dialog."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from tests.ui.names import PASSPHRASE, USER

NEW = "brown goat under tree"


def _groups(driver: Driver) -> list[str]:
    return [driver.find(f"recovery_group_{place}", QLabel).text() for place in range(1, 8)]


def _reset(context: UiContext, code: str) -> None:
    folder = context.places.clinic
    workflow.people.reset_with_card(folder, Job(), name=USER, card=code, passphrase=NEW, wait=_do_not_wait)


def _do_not_wait(seconds: float) -> None:
    """Wrong tries slow the next one down; these are meant."""


def _is_void(context: UiContext, code: str) -> None:
    with pytest.raises(UserFacingError, match=r"unlock\.wrong_card"):
        _reset(context, code)


def test_the_present_card_ends_only_once_the_new_one_is_in_hand(
    driver: Driver, opened: MainWindow, context: UiContext, show_section: Callable[[str], None]
) -> None:
    present = workflow.people.new_recovery_card(context.open_clinic, Job()).code
    show_section("keys")
    driver.click("keys_new_card")
    driver.wait(lambda: driver.shown("new_card_dialog"), "dialog")
    driver.settle()
    given_up = "-".join(_groups(driver))
    driver.click("recovery_without")
    driver.settle()
    assert not driver.shown("new_card_dialog")
    driver.click("keys_new_card")
    driver.wait(lambda: driver.shown("new_card_dialog"), "dialog")
    driver.settle()
    groups = _groups(driver)
    assert not driver.find("recovery_continue", QPushButton).isEnabled()
    for name in ("recovery_first", "recovery_second"):
        field = driver.find(name, QLineEdit)
        number = int("".join(letter for letter in field.accessibleName() if letter.isdigit()))
        field.setText(groups[number - 1].lower())
    driver.click("recovery_continue")
    driver.settle()
    assert not driver.shown("new_card_dialog")
    assert driver.find("keys_new_card", QPushButton).hasFocus()
    opened.lock()
    driver.settle()
    _is_void(context, given_up)
    _is_void(context, present)
    _reset(context, "-".join(groups))


def test_locking_takes_an_unfinished_card_from_the_screen(
    driver: Driver, opened: MainWindow, context: UiContext, show_section: Callable[[str], None]
) -> None:
    present = workflow.people.new_recovery_card(context.open_clinic, Job()).code
    show_section("keys")
    driver.click("keys_new_card")
    driver.wait(lambda: driver.shown("new_card_dialog"), "dialog")
    driver.settle()
    groups = _groups(driver)
    opened.lock()
    driver.settle()
    assert not driver.shown("new_card_dialog")
    assert not any(label.text() in groups for label in opened.findChildren(QLabel))
    _reset(context, present)


def test_new_keys_end_pins_and_stored_files_follow(
    driver: Driver, opened: MainWindow, context: UiContext, show_section: Callable[[str], None], tmp_path: Path
) -> None:
    clinic = context.open_clinic
    _import_film(clinic, tmp_path)
    workflow.set_pin(clinic, Job(), context.shift, pin="97531")
    show_section("keys")
    assert driver.find("keys_epoch", QLabel).text() == "Key number 1"
    driver.click("keys_begin")
    driver.settle()
    assert driver.find("keys_epoch", QLabel).text() == "Key number 2"
    assert "has new keys" in driver.find("keys_result", QLabel).text()
    assert workflow.pin_users(context.shift, context.places.clinic) == ()
    assert not workflow.people.files_to_reseal(clinic, Job())
    assert workflow.verify(clinic, Job()).problems == ()
    opened.lock()
    driver.settle()
    driver.type(PASSPHRASE)
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock under the new keys")


def test_what_a_lock_broke_off_goes_on_after_unlocking(
    driver: Driver, opened: MainWindow, context: UiContext, tmp_path: Path
) -> None:
    _import_film(context.open_clinic, tmp_path)
    workflow.people.start_new_epoch(context.open_clinic, Job())
    assert workflow.people.files_to_reseal(context.open_clinic, Job())
    opened.lock()
    driver.settle()
    driver.type(PASSPHRASE)
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock")
    driver.settle()
    assert not workflow.people.files_to_reseal(context.open_clinic, Job())


def test_a_cancelled_change_of_keys_says_that_nothing_changed(
    driver: Driver,
    opened: MainWindow,
    context: UiContext,
    show_section: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cancelled_at_once(clinic: workflow.Clinic, job: Job) -> int:
        job.cancel()
        return real(clinic, job)

    real = workflow.people.start_new_epoch
    monkeypatch.setattr(workflow.people, "start_new_epoch", cancelled_at_once)
    show_section("keys")
    driver.click("keys_begin")
    driver.settle()
    assert "Cancelled" in driver.find("keys_result", QLabel).text()
    assert driver.find("keys_epoch", QLabel).text() == "Key number 1"
    assert driver.find("keys_begin", QPushButton).isEnabled()


def _import_film(clinic: workflow.Clinic, folder: Path) -> None:
    path = folder / "film.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (90, 100), np.uint8)).save(path)
    patient = workflow.search_patients(clinic, Job(), "Aisha")[0].patient
    workflow.import_file(clinic, Job(), path, patient.id)
