"""A table to be read: words left, figures right, nothing to be typed in, filled anew without what was there."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView
from pytestqt.qtbot import QtBot

from desktop.ui.widgets.figure_table import FigureTable


def test_lines_are_shown_and_replaced(qtbot: QtBot) -> None:
    table = FigureTable("figures")
    qtbot.addWidget(table)
    table.show_lines(["finding", "n", "of"], [["effusion", "3", "9"], ["edema", "1", "9"]], words=1)
    table.show_lines(["finding", "n"], [["effusion", "4"]], words=1)
    assert (table.rowCount(), table.columnCount()) == (1, 2)
    word, figure = table.item(0, 0), table.item(0, 1)
    assert word is not None
    assert figure is not None
    assert (word.text(), figure.text()) == ("effusion", "4")
    assert word.textAlignment() & Qt.AlignmentFlag.AlignLeft
    assert figure.textAlignment() & Qt.AlignmentFlag.AlignRight
    assert table.editTriggers() == QAbstractItemView.EditTrigger.NoEditTriggers
    assert not table.tabKeyNavigation()
