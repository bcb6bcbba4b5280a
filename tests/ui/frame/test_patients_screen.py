"""Finding, registering and mending patients, by keyboard, on a real clinic."""

from datetime import date

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import Patient, Sex
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.widgets.rows import Row, RowList

KEYSTROKES_AT_MOST = 60


class Keyboard:
    """Keys pressed one at a time where the focus is, and counted."""

    def __init__(self, qapp: QApplication, driver: Driver) -> None:
        self._qapp = qapp
        self._driver = driver
        self.pressed = 0

    def keys(self, *combinations: str) -> None:
        for combination in combinations:
            self._driver.press(combination)
            self.pressed += 1

    def words(self, text: str) -> None:
        for letter in text:
            self._driver.type(letter)
            self.pressed += 1


def rows(driver: Driver, name: str) -> tuple[Row, ...]:
    return driver.find(name, RowList).rows.rows


def find(context: UiContext, text: str) -> Patient:
    return workflow.search_patients(context.open_clinic, Job(), text)[0].patient


def test_a_patient_is_registered_by_keyboard_in_few_strokes(
    driver: Driver, opened: MainWindow, context: UiContext, qapp: QApplication
) -> None:
    """At two keys a second, as a hunting typist does, 60 strokes are half a minute."""
    keyboard = Keyboard(qapp, driver)
    keyboard.keys("Ctrl+N")
    keyboard.words("Neema Otieno")
    keyboard.keys("Tab")
    keyboard.words("f")
    keyboard.keys("Tab")
    keyboard.words("18m")
    keyboard.keys("Tab")
    keyboard.words("0712345678")
    keyboard.keys("Tab")
    keyboard.words("Riverside")
    keyboard.keys("Tab", "Tab")
    keyboard.words("2")
    keyboard.keys("Return")
    driver.wait(lambda: driver.shown("chart_page"), "registration")
    driver.settle()
    assert keyboard.pressed <= KEYSTROKES_AT_MOST
    patient = find(context, "Neema")
    assert patient.sex is Sex.FEMALE
    assert patient.phones == ("0712345678",)
    assert patient.village == "Riverside"
    assert patient.no_known_allergies
    assert patient.card_number
    age = patient.birth_date.age_on(date.today()) if patient.birth_date else None  # noqa: DTZ011  # the PC's own day
    assert age is not None
    assert age.months == 18
    assert driver.find("banner_name", QLabel).text() == "Neema Otieno"
    assert driver.find("banner_allergies", QLabel).text() == "No known allergies"


def test_esc_goes_back_and_loses_no_word(driver: Driver, opened: MainWindow) -> None:
    driver.press("Ctrl+N")
    driver.type("Half a na")
    driver.press("Esc")
    assert driver.shown("patient_finder")
    driver.press("Ctrl+1")
    driver.press("Ctrl+N")
    assert driver.find("patient_name", QLineEdit).text() == "Half a na"
    driver.click("form_again")
    assert driver.find("patient_name", QLineEdit).text() == ""


def test_whoever_may_be_registered_already_is_shown_with_reasons(
    driver: Driver, opened: MainWindow, context: UiContext
) -> None:
    driver.press("Ctrl+N")
    driver.type("张小明")
    driver.wait(lambda: driver.shown("duplicates_list"), "duplicates")
    (row,) = rows(driver, "duplicates_list")
    assert row.title.startswith("张小明")
    assert "name" in row.subtitle
    context.set_language(Language.CHINESE)
    assert "姓名" in rows(driver, "duplicates_list")[0].subtitle
    driver.find("duplicates_list", RowList).chosen.emit(row.key)
    driver.settle()
    assert driver.find("banner_name", QLabel).text() == "张小明"
    assert "青霉素" in driver.find("banner_allergies", QLabel).text()


@pytest.mark.parametrize("typed", ["xiaoming", "zxm", "138001", "柳树", "Aisha Mwagi"])
def test_search_forgives_and_says_why(driver: Driver, opened: MainWindow, typed: str) -> None:
    driver.press("/")
    driver.type(typed)
    driver.wait(lambda: len(rows(driver, "patient_list")) == 1, "one match")
    assert rows(driver, "patient_list")[0].remark


def test_answers_to_older_questions_are_dropped(driver: Driver, opened: MainWindow, qtbot: QtBot) -> None:
    driver.press("/")
    finder = opened.workspace.patients().finder if opened.workspace is not None else None
    assert finder is not None
    for letters in ("A", "Ai", "Ais", "Aish", "Aisha", "张小明"):
        finder.search.setText(letters)
        finder.reload()
    shown: list[str] = []
    finder._list.rows.modelReset.connect(lambda: shown.extend(row.title for row in finder._list.rows.rows))
    driver.settle()
    assert shown == ["张小明"]


def test_enter_right_after_the_last_letter_opens_the_match(driver: Driver, opened: MainWindow) -> None:
    """A quick typist does not wait for the list."""
    driver.press("/")
    driver.type("Aisha")
    driver.press("Return")
    driver.wait(lambda: driver.shown("banner_name"), "chart")
    assert driver.find("banner_name", QLabel).text() == "Aisha Mwangi"


def test_enter_opens_the_first_match_and_esc_comes_back(driver: Driver, opened: MainWindow) -> None:
    driver.press("/")
    driver.type("Aisha")
    driver.settle()
    driver.press("Return")
    driver.wait(lambda: driver.shown("chart_page"), "chart")
    driver.settle()
    assert driver.find("banner_name", QLabel).text() == "Aisha Mwangi"
    driver.press("Esc")
    assert driver.shown("patient_finder")
    assert not driver.shown("patient_banner")
    assert driver.find("patient_search", QLineEdit).text() == "Aisha"


def test_mending_keeps_what_the_form_does_not_show(driver: Driver, opened: MainWindow, context: UiContext) -> None:
    before = find(context, "张小明")
    context.patient_requested.emit(before.id)
    driver.settle()
    driver.press("Ctrl+E")
    village = driver.find("patient_village", QLineEdit)
    village.setText("新村")
    driver.press("Ctrl+Return")
    driver.wait(lambda: driver.shown("chart_page"), "saving")
    driver.settle()
    after = find(context, "张小明")
    assert after.village == "新村"
    assert (after.names, after.identifiers, after.allergies) == (
        before.names,
        before.identifiers,
        before.allergies,
    )
    assert (after.id, after.card_number, after.birth_date) == (before.id, before.card_number, before.birth_date)


def test_a_wrong_birth_date_is_said_beside_the_field_in_either_language(
    driver: Driver, opened: MainWindow, context: UiContext
) -> None:
    driver.press("Ctrl+N")
    driver.type("Somebody")
    driver.find("patient_birth", QLineEdit).setFocus()
    driver.type("yesterday")
    driver.press("Return")
    note = driver.find("patient_birth_note", QLabel)
    assert "neither a date nor an age" in note.text()
    assert driver.find("patient_birth", QLineEdit).hasFocus()
    context.set_language(Language.CHINESE)
    assert "无法识别" in note.text()


def test_what_a_date_means_is_said_while_typing(driver: Driver, opened: MainWindow) -> None:
    driver.press("Ctrl+N")
    field = driver.find("patient_birth", QLineEdit)
    field.setFocus()
    QTest.keyClicks(field, "4y")
    assert driver.find("patient_birth_note", QLabel).text().endswith("4 years old")
    QTest.keyClick(field, Qt.Key.Key_Backspace)
    assert "4 years old" in driver.find("patient_birth_note", QLabel).text()


def test_nobody_asked_about_allergies_is_said_in_the_banner(
    driver: Driver, opened: MainWindow, context: UiContext
) -> None:
    context.patient_requested.emit(find(context, "Li Wei").id)
    driver.settle()
    assert driver.find("banner_allergies", QLabel).text() == "Allergies unknown: ask"
    assert "age unknown" in driver.find("banner_facts", QLabel).text()
    assert "sex unknown" in driver.find("banner_facts", QLabel).text()
