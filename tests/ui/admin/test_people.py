"""People of the clinic: added, given other roles and passphrases, disabled and let in again."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QLabel, QLineEdit, QPushButton, QTableView

from desktop import workflow
from desktop.access import PERMISSIONS, Permission, Role
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.widgets.rows import RowList
from tests.ui.names import USER

PASSWORD = "brown goat under tree"
NAME = "李秀英"


def _row(driver: Driver, name: str) -> list[str]:
    rows = driver.find("people_list", RowList).rows.rows
    return next([row.subtitle, row.remark] for row in rows if row.title == name)


def _choose(driver: Driver, name: str) -> None:
    shown = driver.find("people_list", RowList)
    at = [row.title for row in shown.rows.rows].index(name)
    shown.setFocus()
    shown.setCurrentIndex(shown.rows.index(at))
    driver.press("Return")
    driver.settle()


def test_somebody_is_added_by_keyboard_alone(
    driver: Driver, opened: MainWindow, context: UiContext, show_section: Callable[[str], None]
) -> None:
    show_section("people")
    assert _row(driver, USER) == ["Doctor, Administrator", "You"]
    driver.find("people_add", QPushButton).setFocus()
    driver.press("Space")
    driver.type(NAME)
    driver.press("Tab")
    driver.press("Tab")
    driver.press("Space")
    assert driver.find("add_role_nurse", QCheckBox).isChecked()
    driver.find("person_passphrase", QLineEdit).setFocus()
    driver.type(PASSWORD)
    driver.press("Tab")
    driver.type(PASSWORD)
    driver.press("Return")
    driver.wait(lambda: driver.shown("person_form"), "added")
    driver.settle()
    assert _row(driver, NAME) == ["Nurse", ""]
    assert not driver.shown("person_add")
    assert [field.text() for field in opened.findChildren(QLineEdit, "person_passphrase")] == [""]


def test_what_is_missing_is_said_beside_the_fields(
    driver: Driver, opened: MainWindow, context: UiContext, show_section: Callable[[str], None]
) -> None:
    show_section("people")
    driver.click("people_add")
    driver.click("person_save")
    assert driver.find("person_name_note", QLabel).text() == "The name is missing."
    assert "at least one role" in driver.find("person_add_complaint", QLabel).text()
    driver.type(USER.upper())
    driver.click("add_role_nurse")
    for name in ("person_passphrase", "person_passphrase_again"):
        driver.find(name, QLineEdit).setText(PASSWORD)
    driver.press("Return")
    driver.click("person_save")
    driver.settle()
    assert "already has that name" in driver.find("person_add_complaint", QLabel).text()
    context.set_language(Language.CHINESE)
    assert "同名" in driver.find("person_add_complaint", QLabel).text()
    driver.find("person_name", QLineEdit).setFocus()
    driver.press("Esc")
    assert not driver.shown("person_add")
    assert driver.find("people_list", RowList).hasFocus()


def test_roles_change_and_the_last_administrator_stays(
    driver: Driver, nurse: str, context: UiContext, show_section: Callable[[str], None]
) -> None:
    show_section("people")
    _choose(driver, nurse)
    save = driver.find("person_save_roles", QPushButton)
    assert not save.isEnabled()
    driver.click("role_technician")
    driver.click("person_save_roles")
    driver.settle()
    assert _row(driver, nurse) == ["Nurse, Technician", ""]
    _choose(driver, USER)
    assert not driver.shown("person_disable")
    assert not driver.shown("person_reset")
    driver.click("role_administrator")
    driver.click("person_save_roles")
    driver.settle()
    assert "last administrator" in driver.find("person_form_complaint", QLabel).text()
    assert _row(driver, USER) == ["Doctor, Administrator", "You"]


def test_disabling_is_put_right_by_letting_in_again(
    driver: Driver, opened: MainWindow, nurse: str, context: UiContext, show_section: Callable[[str], None]
) -> None:
    show_section("people")
    _choose(driver, nurse)
    driver.click("person_disable")
    driver.settle()
    assert _row(driver, nurse) == ["Nurse", "Disabled"]
    assert "new keys only" in driver.find("person_state", QLabel).text()
    assert not driver.shown("role")
    assert nurse not in workflow.clinic_users(context.places.clinic)
    for name in ("person_reset", "person_reset_again"):
        driver.find(name, QLineEdit).setText(PASSWORD)
    driver.click("person_give")
    driver.settle()
    assert _row(driver, nurse) == ["Nurse", ""]
    assert nurse in workflow.clinic_users(context.places.clinic)
    opened.lock()
    driver.settle()
    again = workflow.unlock(context.places.clinic, Job(), user=nurse, passphrase=PASSWORD, models=context.registry)
    workflow.lock(again)


def test_somebody_who_forgot_gets_a_new_passphrase(
    driver: Driver, opened: MainWindow, nurse: str, context: UiContext, show_section: Callable[[str], None]
) -> None:
    show_section("people")
    _choose(driver, nurse)
    driver.click("person_give")
    assert "8" in driver.find("person_reset_note", QLabel).text()
    for name in ("person_reset", "person_reset_again"):
        driver.find(name, QLineEdit).setText(PASSWORD)
    driver.find("person_reset_again", QLineEdit).setFocus()
    driver.press("Return")
    driver.settle()
    opened.lock()
    driver.settle()
    again = workflow.unlock(context.places.clinic, Job(), user=nurse, passphrase=PASSWORD, models=context.registry)
    assert again.session.user.name == nurse
    workflow.lock(again)


def test_the_matrix_says_in_words_what_its_ticks_mean(
    driver: Driver, opened: MainWindow, show_section: Callable[[str], None]
) -> None:
    show_section("people")
    model = driver.find("permission_table", QTableView).model()
    assert model.rowCount() == len(Permission)
    assert model.columnCount() == 1 + len(Role)
    for place, permission in enumerate(Permission):
        for column, role in enumerate(Role, start=1):
            cell = model.index(place, column)
            may = permission in PERMISSIONS[role]
            assert bool(cell.data()) is may
            words = str(cell.data(Qt.ItemDataRole.AccessibleTextRole))
            assert words.startswith(f"{role.value.capitalize()}: {'yes' if may else 'no'}. ")


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.NURSE])
def test_each_role_sees_its_own_places_and_sections(
    driver: Driver, opened: MainWindow, context: UiContext, role: Role, show_section: Callable[[str], None]
) -> None:
    workflow.people.add_user(context.open_clinic, Job(), name="Ruth", roles=[role], passphrase=PASSWORD)
    driver.press("Ctrl+2")
    opened.lock()
    driver.settle()
    opened.start.unlock.choose("Ruth")
    driver.type(PASSWORD)
    driver.press("Return")
    driver.wait(lambda: context.clinic is not None, "unlock")
    driver.settle()
    cares = role is Role.NURSE
    assert not driver.shown("error_dialog")
    assert driver.shown("rail_patients") is cares
    assert driver.shown("today_screen") is cares
    driver.press("Ctrl+2")
    assert driver.shown("patients_screen") is cares
    show_section("you")
    assert driver.shown("section_people") is not cares
    assert driver.shown("section_audit") is not cares
    assert not driver.shown("section_keys")
    if not cares:
        driver.click("section_people")
        driver.settle()
        _choose(driver, "Ruth")
        assert not driver.shown("person_form")
        assert not driver.shown("people_add")


def test_nobody_is_left_on_the_page_after_locking(
    driver: Driver, opened: MainWindow, nurse: str, show_section: Callable[[str], None]
) -> None:
    show_section("people")
    _choose(driver, nurse)
    shown = driver.find("people_list", RowList)
    opened.lock()
    driver.settle()
    assert shown.rows.rows == ()
    assert not any(nurse in label.text() for label in opened.findChildren(QLabel))
