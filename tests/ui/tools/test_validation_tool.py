"""How right a model was, chosen and read in the window, and kept as a paper."""

from pathlib import Path

from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QTableWidget

from desktop.i18n import Language
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.tools.charts import ShareChart
from desktop.ui.tools.validation import ValidationTool
from tests.confirmed_clinic import FINDING, MODEL, fill


def open_tool(driver: Driver) -> None:
    driver.press("Ctrl+4")
    driver.click("tool_open_validation")
    driver.settle()


def cells(table: QTableWidget) -> list[list[str]]:
    found = []
    for line in range(table.rowCount()):
        items = [table.item(line, place) for place in range(table.columnCount())]
        found.append([item.text() if item is not None else "" for item in items])
    return found


def test_the_table_the_diagrams_and_the_paper(
    opened: MainWindow, driver: Driver, context: UiContext, tmp_path: Path
) -> None:
    language = Language.CHINESE
    fill(context.open_clinic, tmp_path, 60, refused=2, unknown=3)
    fill(context.open_clinic, tmp_path, 12, seed=5, basis=None)
    context.set_language(language)
    open_tool(driver)
    table = driver.find("validation_table", QTableWidget)
    assert driver.find("validation_model", QComboBox).currentData() == MODEL
    assert driver.find("validation_finding", QComboBox).currentData() == FINDING
    said = cells(table)
    assert [row[0] for row in said] == [
        context.tr("validation.all"),
        context.tr("validation.strength.reference"),
        context.tr("validation.strength.reviewed"),
    ]
    assert said[0][1] == "72 (30/42)"
    assert said[2][3] == context.tr("validation.few")
    assert driver.find("validation_caution", QLabel).text() == context.tr("validation.incorporation", count=12)
    assert not driver.find("validation_roc", ShareChart).empty
    assert not driver.find("validation_bins", ShareChart).empty
    driver.find("validation_least", QComboBox).setCurrentIndex(2)
    driver.settle()
    assert cells(table)[0][1] == "60 (24/36)"
    assert not driver.shown("validation_caution")
    driver.find("validation_by", QComboBox).setCurrentIndex(1)
    driver.settle()
    assert [row[0] for row in cells(table)[1:]] == [context.tr("patients.sex.female"), context.tr("patients.sex.male")]
    out = tmp_path / "paper.pdf"
    driver.find("validation_tool", ValidationTool).export_to(str(out))
    driver.settle()
    assert out.read_bytes().startswith(b"%PDF")
    page = driver.find("validation_tool", ValidationTool)
    page.clear()
    assert page.table.rowCount() == 0, "nothing of the clinic stays once it is locked"
    driver.settle()


def test_no_answer_and_too_few_cases_say_what_is_wanted(
    opened: MainWindow, driver: Driver, context: UiContext, tmp_path: Path
) -> None:
    open_tool(driver)
    assert driver.shown("validation_empty")
    assert not driver.shown("validation_table")
    driver.press("Esc")
    fill(context.open_clinic, tmp_path, 15)
    open_tool(driver)
    wanted = ", ".join(
        [context.tr("validation.missing.present", count=2), context.tr("validation.missing.absent", count=3)]
    )
    assert driver.find("validation_missing", QLabel).text() == context.tr("validation.missing", what=wanted)
    assert driver.find("validation_roc", ShareChart).empty


def test_a_version_that_came_later_is_asked_by_one_key(
    opened: MainWindow, driver: Driver, context: UiContext, tmp_path: Path
) -> None:
    fill(context.open_clinic, tmp_path, 4, sha256="ab" * 32)
    open_tool(driver)
    ask = driver.find("validation_ask", QPushButton)
    assert ask.text() == context.tr("validation.ask", count=4)
    assert context.tr("validation.flow.other_versions", count=4) in driver.find("validation_flow", QLabel).text()
    ask.setFocus()
    driver.press("Space")
    driver.settle()
    assert not driver.shown("validation_asking")
    assert driver.find("validation_by", QComboBox).hasFocus()
    assert context.tr("validation.flow.afterwards", count=4) in driver.find("validation_flow", QLabel).text()
