"""A model's own page: tables are drawn, and nothing in it is fetched or run."""

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QImage, QTextDocument, QTextTable
from PySide6.QtWidgets import QLabel

from desktop.i18n import Language
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.settings.model_card import CardText
from desktop.ui.settings.screen import SettingsScreen
from desktop.workflow.shelf import installed_models

_FROZEN = 0.1


def tables_of(text: CardText) -> list[QTextTable]:
    return [frame for frame in text.document().rootFrame().childFrames() if isinstance(frame, QTextTable)]


def test_the_figures_stand_in_tables(opened: MainWindow, driver: Driver) -> None:
    driver.press("Ctrl+6")
    driver.find("settings_screen", SettingsScreen).show_section("models")
    driver.wait(lambda: driver.shown("model_card_chest-xray-adult"), "card")
    driver.click("model_card_chest-xray-adult")
    driver.wait(lambda: driver.shown("model_card_dialog"), "dialog")
    text = driver.find("model_card_text", CardText)
    figures = tables_of(text)[0]
    first = [figures.cellAt(row, 0).firstCursorPosition().block().text() for row in range(3)]
    assert first == ["finding", "effusion", "cardiomegaly"]
    assert "**" not in text.toPlainText()
    assert "\n# " not in text.toPlainText()
    driver.click("model_card_close")
    driver.settle()
    assert not driver.shown("model_card_dialog")


def test_every_bundled_page_is_laid_out_without_a_frozen_window(context: UiContext) -> None:
    for model in installed_models(context.registry, Language.ENGLISH):
        started = time.process_time()
        text = CardText(context, model.card)
        text.document().size()
        assert time.process_time() - started < _FROZEN, model.name


@pytest.mark.parametrize(
    ("language", "said"), [(Language.ENGLISH, "o clinician has reviewed"), (Language.CHINESE, "尚未经过临床医生审阅")]
)
def test_every_bundled_model_says_that_no_clinician_has_reviewed_it(
    context: UiContext, language: Language, said: str
) -> None:
    models = installed_models(context.registry, language)
    assert len(models) > 5
    assert [model.name for model in models if said not in model.limits] == []


@pytest.mark.parametrize("written", ["![film]({})", "<img src='{}'>", "[a film]({})"])
def test_a_page_opens_no_file_of_this_pc(context: UiContext, tmp_path: Path, written: str) -> None:
    """An imported bundle writes its own page."""
    beside = tmp_path / "film.png"
    address = QUrl.fromLocalFile(str(beside))
    drawn = []
    for light in (Qt.GlobalColor.red, Qt.GlobalColor.white):
        film = QImage(40, 40, QImage.Format.Format_RGB32)
        film.fill(light)
        film.save(str(beside))
        text = CardText(context, f"# a\n\n{written.format(address.toString())}\n")
        text.resize(400, 300)
        drawn.append(text.grab().toImage())
    assert drawn[0] == drawn[1]
    fetched = text.document().resource(QTextDocument.ResourceType.ImageResource, address)
    assert fetched.size() == QSize(1, 1)
    assert not text.textInteractionFlags() & Qt.TextInteractionFlag.LinksAccessibleByMouse


@pytest.mark.parametrize("language", list(Language))
def test_limits_stand_one_below_the_other_and_say_of_what_nothing_is_decided(
    opened: MainWindow, driver: Driver, context: UiContext, language: Language
) -> None:
    context.set_language(language)
    driver.press("Ctrl+6")
    driver.find("settings_screen", SettingsScreen).show_section("models")
    driver.wait(lambda: driver.shown("model_limits_chest-xray-adult"), "limits")
    lines = driver.find("model_limits_chest-xray-adult", QLabel).text().splitlines()
    model = context.registry.get("chest-xray-adult")
    assert len(lines) > 5
    assert all(line.startswith("• ") and len(line) > 10 for line in lines)
    assert "".join(line[2:] for line in lines[:-1]).replace(" ", "") == model.limits(language).replace(" ", "")
    assert set(model.withheld) == {"edema", "nodule_or_mass", "no_finding"}
    assert all(model.finding_name(key, language) in lines[-1] for key in model.withheld)
    assert len(driver.find("model_limits_chest-xray-child", QLabel).text().splitlines()) > 5
