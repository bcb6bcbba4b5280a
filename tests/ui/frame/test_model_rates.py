"""What a model said here, counted in the window; what stands out is bold and comes with advice."""

import pytest
from PySide6.QtWidgets import QComboBox, QDialog, QLabel, QTableWidget

from desktop import workflow
from desktop.i18n import Language
from desktop.learning.rates import Answered, board
from desktop.records import Decision
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.settings.rate_chart import RateChart
from desktop.ui.settings.screen import SettingsScreen

MODEL = "chest-xray-child"


def answers(month: str, likely: int) -> list[Answered]:
    said = [Decision.LIKELY] * likely + [Decision.UNLIKELY] * (100 - likely)
    return [Answered(month, False, {"pneumonia": one}, {}) for one in said]


def drawn_board(by: workflow.RateGroup) -> workflow.RateBoard:
    months = {"2026-07": 20, "2026-08": 22, "2026-09": 19, "2026-10": 48}
    said = [one for month, likely in months.items() for one in answers(month, likely)]
    return workflow.RateBoard(MODEL, by, len(said), board(said))


def open_board(driver: Driver) -> None:
    driver.press("Ctrl+6")
    driver.find("settings_screen", SettingsScreen).show_section("models")
    driver.wait(lambda: driver.shown(f"model_rates_{MODEL}"), "card")
    driver.click(f"model_rates_{MODEL}")
    driver.wait(lambda: driver.shown("rates_dialog"), "dialog")
    driver.settle()


def test_a_model_that_said_nothing_says_so(opened: MainWindow, driver: Driver, context: UiContext) -> None:
    open_board(driver)
    assert driver.find("rates_advice", QLabel).text() == context.tr("settings.rates.none")
    assert driver.find("rates_table", QTableWidget).rowCount() == 0
    driver.click("rates_close")
    driver.settle()
    assert not driver.shown("rates_dialog")


@pytest.mark.parametrize("language", list(Language))
def test_the_month_that_stands_out_is_bold_and_explained(
    opened: MainWindow, driver: Driver, context: UiContext, monkeypatch: pytest.MonkeyPatch, language: Language
) -> None:
    context.set_language(language)
    asked: list[workflow.RateGroup] = []

    def counted(clinic: object, job: object, model: str, by: workflow.RateGroup) -> workflow.RateBoard:
        asked.append(by)
        return drawn_board(by)

    monkeypatch.setattr(workflow, "model_rates", counted)
    open_board(driver)
    table = driver.find("rates_table", QTableWidget)
    assert (table.columnCount(), table.rowCount()) == (4, 5)
    bold = [
        (line, place)
        for line in range(table.rowCount())
        for place in range(table.columnCount())
        if (item := table.item(line, place)) is not None and item.font().bold()
    ]
    assert bold == [(2, 3)]
    finding = context.registry.get(MODEL).finding_name("pneumonia", language)
    advice = driver.find("rates_advice", QLabel).text()
    assert finding in advice
    assert context.tr("settings.rates.advice.likely.more") in advice
    chart = driver.find("rates_chart", RateChart)
    assert [one.outside for one in chart.groups] == [0, 0, 0, 1], "the line that stands out is drawn first"
    drawn = driver.find("rates_drawn", QLabel)
    assert drawn.text() == context.tr("settings.rates.likely", finding=finding)
    table.setFocus()
    driver.press("Down")
    assert drawn.text() == context.tr("settings.rates.cannot_say", finding=finding)
    assert all(one.share == 0 and one.limits is not None for one in chart.groups)
    driver.find("rates_by", QComboBox).setCurrentIndex(1)
    driver.settle()
    assert asked == [workflow.RateGroup.MONTH, workflow.RateGroup.VERSION]
    driver.find("rates_dialog", QDialog).close()


def test_locking_closes_it(opened: MainWindow, driver: Driver, context: UiContext) -> None:
    open_board(driver)
    context.lock_requested.emit()
    driver.wait(lambda: context.clinic is None, "lock")
    driver.settle()
    assert not driver.shown("rates_dialog")
