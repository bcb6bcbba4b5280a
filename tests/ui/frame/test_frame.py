"""The frame: destinations, command palette, shortcut sheet, drops, settings, printing."""

from pathlib import Path

import numpy as np
import pytest
import shiboken6
from PySide6.QtCore import QEvent, QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtPrintSupport import QPrinter
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QLineEdit, QPlainTextEdit, QPushButton, QSpinBox, QTableView
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.settings import SettingsFile, Theme
from desktop.ui.action import Action
from desktop.ui.actions import ACTIONS
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.feedback.actions import FEEDBACK_ACTIONS
from desktop.ui.main_window import MainWindow
from desktop.ui.palette import rank
from desktop.ui.printing import paint_pages, print_pages
from desktop.ui.rail import Destination
from desktop.ui.reading.actions import READING_ACTIONS
from desktop.ui.settings.screen import SettingsScreen
from desktop.ui.shortcuts import ShortcutSheet
from desktop.ui.start.strength import Strength
from desktop.ui.widgets.rows import RowList


def current(window: MainWindow) -> Destination:
    assert window.workspace is not None
    return window.workspace.current


def test_no_window_flashes_up_while_screens_are_built(driver: Driver, opened: MainWindow, qapp: QApplication) -> None:
    """A widget shown before it has a parent is a window of its own for a moment, and takes the focus away."""
    for keys in ("Ctrl+1", "Ctrl+2", "Ctrl+3", "Ctrl+4", "Ctrl+5", "Ctrl+6"):
        driver.press(keys)
        driver.settle()
        assert qapp.activeWindow() is opened


def test_every_destination_by_its_key(driver: Driver, opened: MainWindow) -> None:
    for number, destination in enumerate(Destination, start=1):
        driver.press(f"Ctrl+{number}")
        assert current(opened) is destination


@pytest.mark.parametrize("screen", sorted({action.screen for action in (*ACTIONS, *FEEDBACK_ACTIONS)}))
def test_no_key_means_two_things_on_one_screen(screen: str) -> None:
    here = [*ACTIONS, *READING_ACTIONS, *FEEDBACK_ACTIONS]
    keys = [key for action in here if action.screen in (screen, "window") for key in action.shortcuts]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("action", [*ACTIONS, *READING_ACTIONS, *FEEDBACK_ACTIONS], ids=lambda action: str(action.id))
def test_every_action_has_a_sentence(context: UiContext, action: Action) -> None:
    for language in Language:
        context.set_language(language)
        assert context.has_text(action.key)


def test_commands_are_found_by_what_their_words_begin_with() -> None:
    assert rank("lang", ("Switch the language",)) == 0
    assert rank("ang", ("Switch the language",)) == 1
    assert rank("swlang", ("Switch the language",)) == 2
    assert rank("切换", ("Switch the language", "切换语言")) == 0
    assert rank("xyz", ("Switch the language",)) is None


def test_the_palette_runs_the_best_match(driver: Driver, opened: MainWindow, context: UiContext) -> None:
    driver.press("Ctrl+K")
    driver.settle()
    driver.type("lang")
    driver.press("Return")
    driver.settle()
    assert context.language is Language.CHINESE


def test_the_sheet_shows_the_keys_of_this_screen(driver: Driver, opened: MainWindow) -> None:
    driver.press("Ctrl+2")
    driver.find("patient_list", RowList).setFocus()
    driver.press("?")
    driver.settle()
    sheet = driver.find("shortcut_sheet", ShortcutSheet)
    words = {label.text() for label in sheet.findChildren(QLabel)}
    assert {"On this screen", "Everywhere", "Ctrl+E", "Ctrl+L", "Lock the clinic"} <= words


def test_a_film_let_go_anywhere_is_imported_for_the_patient_on_the_screen(
    driver: Driver, opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    assert opened.drops is not None
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "film.dcm")), QUrl("https://example.org/no.dcm")])
    event = QDropEvent(
        QPointF(10, 10),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
        QEvent.Type.Drop,
    )
    opened.drops.dropped.disconnect()
    with qtbot.waitSignal(opened.drops.dropped) as dropped:
        assert opened.drops.eventFilter(opened.windowHandle(), event)
    assert dropped.args == [(tmp_path / "film.dcm",)]


def test_settings_take_effect_at_once_and_are_remembered(
    driver: Driver, opened: MainWindow, context: UiContext
) -> None:
    driver.press("Ctrl+6")
    driver.click("settings_theme_light")
    driver.find("settings_idle", QSpinBox).setValue(12)
    kept = SettingsFile(context.places.settings).load()
    assert (kept.theme, kept.idle_minutes) == (Theme.LIGHT, 12)
    opened.idle.start()
    assert driver.find("status_lock", QLabel).text() == "Locks in 12 min"


def test_the_clinics_own_choices_are_saved_by_the_button(
    driver: Driver, opened: MainWindow, context: UiContext
) -> None:
    driver.press("Ctrl+6")
    driver.find("settings_screen", SettingsScreen).show_section("clinic")
    driver.settle()
    save = driver.find("policy_save", QPushButton)
    assert not save.isEnabled()
    driver.click("policy_order_model_first")
    driver.find("template_en", QPlainTextEdit).setPlainText("Lungs:")
    assert save.isEnabled()
    save.click()
    driver.settle()
    policy = workflow.policy(context.open_clinic, Job())
    assert policy.reading_order is workflow.ReadingOrder.MODEL_FIRST
    assert (policy.template_en, policy.template_zh) == ("Lungs:", "")
    assert not save.isEnabled()


def test_checking_the_clinic_and_its_trail(driver: Driver, opened: MainWindow) -> None:
    driver.press("Ctrl+6")
    screen = driver.find("settings_screen", SettingsScreen)
    screen.show_section("check")
    driver.click("check_start")
    driver.settle()
    assert driver.find("check_verdict", QLabel).text() == "Everything is there and unchanged."
    screen.show_section("audit")
    driver.settle()
    table = driver.find("audit_table", QTableView)
    assert table.model().rowCount() >= 4
    driver.find("audit_search", QLineEdit).setFocus()
    driver.type("Registered")
    driver.wait(lambda: table.model().rowCount() == 3, "the trail is searched in the store")


def test_a_problem_is_told_in_words_in_both_languages(driver: Driver, opened: MainWindow, context: UiContext) -> None:
    (context.places.clinic / "keystore.copy.json").write_text("{}", encoding="utf-8")
    driver.press("Ctrl+6")
    driver.find("settings_screen", SettingsScreen).show_section("check")
    driver.click("check_start")
    driver.settle()
    assert driver.find("check_verdict", QLabel).text() == "One problem found."
    for language, word in ((Language.ENGLISH, "key"), (Language.CHINESE, "密钥")):
        context.set_language(language)
        driver.settle()
        words = [label.text() for label in driver.find("check_problem", QFrame).findChildren(QLabel)]
        assert len(words) == 3
        assert all(words)
        assert word in words[0].lower()


def test_the_print_dialog_opens_and_closes(
    context: UiContext, opened: MainWindow, driver: Driver, qapp: QApplication
) -> None:
    run = print_pages(context, [np.zeros((20, 10, 3), dtype=np.uint8)], opened)
    driver.settle()
    dialog = qapp.activeModalWidget()
    assert dialog is not None
    dialog.close()
    driver.settle()
    assert qapp.activeModalWidget() is None
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert not shiboken6.isValid(run)


def test_pages_fill_the_sheet(qapp: QApplication, tmp_path: Path) -> None:
    printer = QPrinter(QPrinter.PrinterMode.HighResolution)
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(tmp_path / "out.pdf"))
    printer.setFullPage(True)
    page = np.full((1169, 827, 3), 200, dtype=np.uint8)
    assert paint_pages(printer, [page, page])
    assert (tmp_path / "out.pdf").read_bytes().count(b"/Type /Page\n") == 2


def test_strength_hints_all_have_words(context: UiContext) -> None:
    for language in Language:
        context.set_language(language)
        for verdict in Strength:
            assert context.has_text(f"start.strength.{verdict}")
