"""Rows of choices: a chosen one is bold and still fits, whatever the language; and whose record a form is about."""

from collections.abc import Callable

import pytest
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QLabel, QPushButton, QStyle, QStyleOptionButton

from desktop.i18n import Language
from desktop.records import Patient
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.widgets.fields import Choice

OpenChart = Callable[[str], Patient]


def room_for_words(made: QPushButton) -> int:
    """Pixels that the style leaves inside a button."""
    option = QStyleOptionButton()
    option.initFrom(made)
    return made.style().subElementRect(QStyle.SubElement.SE_PushButtonContents, option, made).width()


@pytest.mark.parametrize("language", list(Language))
def test_the_words_of_a_chosen_part_of_the_chart_are_not_cut(
    driver: Driver, context: UiContext, chart_of: OpenChart, language: Language
) -> None:
    chart_of("张小明")
    context.set_language(language)
    choice = driver.find("chart_parts", Choice)
    choice.setFocus()
    for number in range(1, 7):
        driver.press(str(number))
        driver.settle()
        made = next(made for made in choice.findChildren(QPushButton) if made.isChecked())
        bold = QFont(made.font())
        bold.setWeight(QFont.Weight.DemiBold)
        assert room_for_words(made) >= QFontMetrics(bold).horizontalAdvance(made.text()), made.text()


def test_one_is_chosen_whatever_is_pressed(driver: Driver, chart_of: OpenChart) -> None:
    chart_of("张小明")
    choice = driver.find("chart_parts", Choice)
    for _ in range(2):
        driver.click("chart_parts_visits")
        assert choice.value == "visits"
    choice.setFocus()
    driver.press("Right")
    assert choice.value == "vitals"
    for _ in range(9):
        driver.press("Left")
    assert choice.value == "studies"
    choice.set_value("nothing of the kind")
    assert choice.value == ""
    driver.press("Left")
    assert choice.value == "studies"


def test_whose_details_are_changed_stands_above_the_form(driver: Driver, chart_of: OpenChart) -> None:
    chart_of("张小明")
    driver.press("Ctrl+E")
    driver.settle()
    assert driver.shown("patient_form_page")
    assert driver.find("banner_name", QLabel).text() == "张小明"
    driver.press("Esc")
    driver.settle()
    assert driver.find("banner_name", QLabel).text() == "张小明"
    driver.press("Ctrl+N")
    driver.settle()
    assert not driver.shown("patient_banner")


def test_choices_of_sex_are_written_as_the_other_choices_are(driver: Driver, opened: MainWindow) -> None:
    driver.press("Ctrl+N")
    driver.settle()
    for name in ("patient_sex", "patient_allergies_asked"):
        words = [made.text() for made in driver.find(name, Choice).findChildren(QPushButton)]
        assert words
        assert all(word[0].isupper() for word in words), words
