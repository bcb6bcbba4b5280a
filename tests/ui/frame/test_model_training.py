"""How a model was trained, as its record says it: facts, the curve of each network, settings."""

import re

import pytest
from PySide6.QtWidgets import QComboBox, QLabel, QPlainTextEdit

from desktop.i18n import Language
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.settings.loss_chart import LossChart
from desktop.ui.settings.model_comparison import ModelComparison
from desktop.ui.settings.recorded import recorded
from desktop.ui.settings.screen import SettingsScreen
from desktop.ui.widgets.figure_table import FigureTable
from desktop.workflow.shelf import installed_models


def words_of(table: FigureTable) -> list[str]:
    """What stands over the columns after the first, then what stands first in each line."""
    heads = [table.horizontalHeaderItem(column) for column in range(1, table.columnCount())]
    lines = [table.item(line, 0) for line in range(table.rowCount())]
    return [one.text() for one in (*heads, *lines) if one is not None]


def compared_curve(driver: Driver, model: str) -> FigureTable:
    """The table of what was learned from less, its page open."""
    open_training(driver, model)
    driver.click("training_page_compared")
    driver.settle()
    return driver.find("training_curve", FigureTable)


def open_training(driver: Driver, model: str) -> None:
    driver.press("Ctrl+6")
    driver.find("settings_screen", SettingsScreen).show_section("models")
    driver.wait(lambda: driver.shown(f"model_training_{model}"), "card")
    driver.click(f"model_training_{model}")
    driver.wait(lambda: driver.shown("training_dialog"), "dialog")
    driver.settle()


@pytest.mark.parametrize("language", list(Language))
def test_a_networks_curve_is_drawn_and_told(
    opened: MainWindow, driver: Driver, context: UiContext, language: Language
) -> None:
    context.set_language(language)
    open_training(driver, "chest-xray-child")
    network = driver.find("training_network", QComboBox)
    assert network.count() > 1
    chart = driver.find("training_chart", LossChart)
    first = chart.grab().toImage()
    told = chart.accessibleName()
    network.setCurrentIndex(1)
    driver.settle()
    assert chart.accessibleName() != told
    assert chart.grab().toImage() != first
    assert "SHA-256" in driver.find("training_data", QLabel).text()
    driver.click("training_page_settings")
    driver.settle()
    assert "seed = " in driver.find("training_settings", QPlainTextEdit).toPlainText()
    driver.click("training_close")
    driver.settle()
    assert not driver.shown("training_dialog")


def test_what_was_learned_from_less_stands_in_one_line(opened: MainWindow, driver: Driver) -> None:
    """Each measure is one line and each amount one column, the most last; nothing is scrolled sideways for."""
    curve = compared_curve(driver, "blood-cells")
    assert words_of(curve)[:3] == ["from 25 % (30)", "from 50 % (60)", "from 100 % (120)"]
    assert words_of(curve)[3:] == [
        "mean average precision at an overlap of half",
        "average precision, red cells",
        "average precision, white cells",
        "average precision, platelets",
    ]
    figures = [[curve.item(line, column) for column in range(1, 4)] for line in range(curve.rowCount())]
    for line in figures:
        assert all(figure is not None and re.fullmatch(r"0\.\d{3}", figure.text()) for figure in line)
    assert not curve.horizontalScrollBar().isVisible()


def test_shares_of_unlike_counts_stand_in_one_column(opened: MainWindow, driver: Driver) -> None:
    """Of the films of children the hint is learned from fewer."""
    curve = compared_curve(driver, "chest-xray-child")
    assert words_of(curve)[:3] == ["from 25 %", "from 50 %", "from 100 %"]
    assert curve.columnCount() == 4
    assert not curve.verticalScrollBar().isVisible()


def test_what_was_tried_stands_beside_the_settings(opened: MainWindow, driver: Driver) -> None:
    open_training(driver, "risk-diabetes")
    driver.click("training_page_settings")
    driver.settle()
    lines = driver.find("training_tried", QPlainTextEdit).toPlainText().splitlines()
    assert len(lines) > 5
    assert [line.endswith("(taken)") for line in lines] == [True] + [False] * (len(lines) - 1)


def test_a_model_fitted_in_one_step_has_no_curve_and_says_so(opened: MainWindow, driver: Driver) -> None:
    open_training(driver, "ecg-12-lead")
    assert driver.shown("training_no_curve")
    assert not driver.shown("training_chart")
    assert not driver.shown("training_network")
    assert not driver.shown("training_curve")
    driver.click("training_page_compared")
    driver.settle()
    curve = driver.find("training_curve", FigureTable)
    assert words_of(curve)[:4] == ["from 101 patients", "from 202 patients", "from 304 patients", "from 405 patients"]


def test_all_that_the_bundled_records_name_is_told_in_chinese(opened: MainWindow, context: UiContext) -> None:
    """A phrase that a new record brings, and nobody translated, would stand there in English."""
    context.set_language(Language.CHINESE)
    for card in installed_models(context.registry, Language.CHINESE):
        shown = ModelComparison(context, card.compared)
        tables = shown.findChildren(FigureTable)
        assert bool(tables) is bool(card.compared)
        lines = [words for table in tables for words in words_of(table)]
        curves = card.training.curves if card.training is not None else ()
        lines += [recorded(context, curve.name) for curve in curves]
        assert [line for line in lines if re.search("[a-z]{3}", line)] == [], card.name
