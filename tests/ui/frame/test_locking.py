"""Locking forgets everything, whatever was on the screen."""

import gc
import re

import pytest
from PySide6.QtCore import QAbstractTableModel, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QLabel, QLineEdit, QPlainTextEdit, QTextEdit, QWidget
from pytestqt.qtbot import QtBot

from desktop.errors import KnownFailure
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow

TOOLTIP = Qt.ItemDataRole.ToolTipRole
NAMES = re.compile(
    "张小明|Zhang Xiaoming|Aisha|Mwangi|13800138000|柳树村|Kibera|510100202103110017|青霉素|Typed by hand"
)


def everything_readable(window: MainWindow) -> str:
    """Every word a widget or model of the window still holds, shown or not, tooltips and undo included."""
    words: list[str] = []
    for widget in (window, *window.findChildren(QWidget)):
        words += [widget.toolTip(), widget.accessibleName(), widget.windowTitle()]
        if isinstance(widget, QLabel):
            words.append(widget.text())
        if isinstance(widget, QLineEdit):
            words.append(widget.text())
            widget.undo()
            words.append(widget.text())
            widget.redo()
        if isinstance(widget, QPlainTextEdit | QTextEdit):
            words.append(widget.toPlainText())
        if isinstance(widget, QComboBox):
            words += [widget.itemText(index) for index in range(widget.count())]
        if isinstance(widget, QAbstractItemView) and widget.model() is not None:
            model = widget.model()
            columns = model.columnCount() if isinstance(model, QAbstractTableModel) else 1
            words += [
                f"{model.data(model.index(row, column))} {model.data(model.index(row, column), TOOLTIP)}"
                for row in range(model.rowCount())
                for column in range(columns)
            ]
    return "\n".join(words)


@pytest.fixture
def busy_window(driver: Driver, opened: MainWindow) -> MainWindow:
    """Patients on every screen, words in the form, one of them on the clipboard, a dialog open."""
    driver.press("/")
    driver.type("zxm")
    driver.settle()
    driver.press("Return")
    driver.wait(lambda: driver.shown("chart_page"), "chart")
    driver.settle()
    driver.press("Ctrl+N")
    driver.type("Typed by hand")
    QGuiApplication.clipboard().setText("张小明")
    driver.press("Ctrl+6")
    driver.settle()
    driver.press("Ctrl+1")
    driver.settle()
    return opened


def test_nothing_of_a_patient_is_left_behind(driver: Driver, busy_window: MainWindow, context: UiContext) -> None:
    assert NAMES.search(everything_readable(busy_window))
    context.show_error(KnownFailure("error.disk_full"), busy_window)
    assert driver.shown("error_dialog")
    driver.press("Ctrl+L")
    busy_window.lock()
    assert context.clinic is None
    assert driver.shown("unlock_page")
    assert not driver.shown("error_dialog")
    driver.settle()
    assert NAMES.findall(everything_readable(busy_window)) == []
    assert QGuiApplication.clipboard().text() == ""
    assert busy_window.windowTitle() == "Lantern"
    gc.collect()


def test_an_idle_clinic_locks_itself(driver: Driver, opened: MainWindow, context: UiContext, qtbot: QtBot) -> None:
    assert driver.find("status_lock", QLabel).text().startswith("Locks in")
    with qtbot.waitSignal(context.locked, timeout=5000):
        opened.idle.expired.emit()
    driver.settle()
    assert driver.shown("unlock_page")


def test_the_last_minute_is_counted_in_seconds(driver: Driver, opened: MainWindow) -> None:
    opened.idle.ticked.emit(241)
    assert driver.find("status_lock", QLabel).text() == "Locks in 5 min"
    opened.idle.ticked.emit(42)
    assert driver.find("status_lock", QLabel).text() == "Locks in 42 s"


def test_keys_of_the_open_clinic_do_nothing_while_locked(driver: Driver, opened: MainWindow) -> None:
    driver.press("Ctrl+L")
    driver.settle()
    for keys in ("Ctrl+1", "Ctrl+N", "Ctrl+K", "F1"):
        driver.press(keys)
    driver.settle()
    assert driver.shown("unlock_page")
    assert not driver.shown("command_palette")


def test_closing_the_window_locks_first(driver: Driver, opened: MainWindow, context: UiContext, qtbot: QtBot) -> None:
    with qtbot.waitSignal(opened.closed, timeout=20_000):
        opened.close()
    assert context.clinic is None
    assert not context.operations.busy
