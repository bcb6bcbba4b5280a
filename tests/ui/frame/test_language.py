"""Everything speaks the language in use, at once."""

import re

import pytest
from PySide6.QtCore import QRegularExpression
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QFrame,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QToolButton,
    QWidget,
)

from desktop.i18n import Language
from desktop.settings import Theme
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.settings.screen import SettingsScreen
from desktop.ui.widgets.rows import RowList

ENGLISH_WORD = re.compile(r"[A-Za-z]{3,}")
HAN = re.compile("[\u4e00-\u9fff]")
# What is not a sentence of ours: names, products, keys, file formats, paths.
ALLOWED = re.compile(
    r"\b[0-9a-f]{12}\b|English|Ctrl|Shift|Esc|Tab|PDF|FHIR|CPU|PIN|ROC|Enter|Apache|lantern-demo|demo|chest-xray-(child|adult)|blood-cells|malaria-cell|risk-[a-z-]+|fundus|ecg-12-lead|ecg-rhythm|fundus|IDRiD|CHASE_DB1|kappa|Dice|(/[\w.-]+)+|"
    r"Dr\. Amina Okafor|Green Valley clinic|Aisha Mwangi|Kibera|Li Wei|North hill"
)
OWN_NAMES = re.compile("简体中文|张小明|柳树村|青霉素|皮疹")


def sentences(window: QWidget) -> dict[str, str]:
    """Every visible sentence, by the name of its widget."""
    found: dict[str, str] = {}
    for widget in (window, *window.findChildren(QWidget)):
        if not widget.isVisible() or widget.property("verbatim"):
            continue
        texts = [widget.toolTip(), widget.accessibleName()]
        if isinstance(widget, QLabel | QAbstractButton):
            texts.append(widget.text())
        if isinstance(widget, QLineEdit):
            texts.append(widget.placeholderText())
        if isinstance(widget, QPlainTextEdit):
            texts.append(widget.placeholderText())
        if isinstance(widget, QComboBox):
            texts += [widget.itemText(index) for index in range(widget.count())]
        if isinstance(widget, RowList):
            texts += [row.spoken for row in widget.rows.rows]
        for text in filter(None, texts):
            found[f"{widget.objectName()}: {text}"] = text
    return found


def leftovers(window: QWidget, language: Language) -> list[str]:
    """Sentences in the other language."""
    if language is Language.CHINESE:
        return [name for name, text in sentences(window).items() if ENGLISH_WORD.search(ALLOWED.sub("", text))]
    return [name for name, text in sentences(window).items() if HAN.search(OWN_NAMES.sub("", text))]


def check_both(window: QWidget, context: UiContext, driver: Driver) -> None:
    for language in (Language.CHINESE, Language.ENGLISH):
        context.set_language(language)
        driver.settle()
        assert leftovers(window, language) == []


def test_before_unlocking(driver: Driver, locked: MainWindow, context: UiContext) -> None:
    start = locked.start
    for page in (start.welcome, start.creation, start.unlock):
        start._show(page)
        check_both(locked, context, driver)
    start._show(start.creation)
    driver.click("create_submit")
    check_both(locked, context, driver)


@pytest.mark.parametrize("keys", ["Ctrl+1", "Ctrl+2", "Ctrl+N"])
def test_every_destination(driver: Driver, opened: MainWindow, context: UiContext, keys: str) -> None:
    driver.press(keys)
    check_both(opened, context, driver)


def test_a_chart(driver: Driver, opened: MainWindow, context: UiContext) -> None:
    driver.press("/")
    driver.type("zxm")
    driver.settle()
    driver.press("Return")
    driver.settle()
    check_both(opened, context, driver)


def test_settings_and_dialogs(driver: Driver, opened: MainWindow, context: UiContext, qapp: QApplication) -> None:
    driver.press("Ctrl+6")
    screen = driver.find("settings_screen", SettingsScreen)
    for section in ("this_pc", "clinic", "models", "check", "audit", "about"):
        screen.show_section(section)
        check_both(opened, context, driver)
    for keys in ("F1", "Ctrl+K"):
        for language in Language:
            context.set_language(language)
            driver.press(keys)
            driver.settle()
            dialog = qapp.activeModalWidget()
            assert dialog is not None
            assert leftovers(dialog, language) == []
            dialog.close()
            driver.settle()


def test_the_models_listed_are_those_a_screen_asks(driver: Driver, opened: MainWindow, context: UiContext) -> None:
    driver.press("Ctrl+6")
    driver.find("settings_screen", SettingsScreen).show_section("models")
    driver.settle()
    listed = {box.objectName() for box in opened.findChildren(QFrame, QRegularExpression("^model_[a-z0-9-]+$"))}
    assert listed == {f"model_{name}" for name in context.registry.names()}
    assert {"risk-diabetes", "ecg-12-lead"} <= set(context.registry.names())


def needed_width(widget: QLabel | QAbstractButton) -> int:
    """The rail's buttons have one width for all; theirs is that of the words."""
    if isinstance(widget, QToolButton):
        return widget.fontMetrics().horizontalAdvance(widget.text())
    return widget.sizeHint().width()


def test_nothing_is_cut_at_the_smallest_usual_size(driver: Driver, opened: MainWindow, context: UiContext) -> None:
    """1366 × 768 in both languages: every one-line label and button is as wide as its words."""
    context.set_theme(Theme.LIGHT)
    opened.resize(1366, 768)
    for language in Language:
        context.set_language(language)
        for keys in ("Ctrl+1", "Ctrl+2", "Ctrl+N", "Ctrl+4", "Ctrl+5", "Ctrl+6"):
            driver.press(keys)
            driver.settle()
            cut = [
                f"{widget.objectName()}: {widget.text()}"
                for widget in opened.findChildren(QWidget)
                if widget.isVisible()
                and isinstance(widget, QLabel | QAbstractButton)
                and not (isinstance(widget, QLabel) and widget.wordWrap())
                and widget.text()
                and needed_width(widget) > widget.width() + 1
            ]
            assert cut == []
