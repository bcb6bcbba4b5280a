"""A table to be read: nobody writes in it, and Tab leads past it."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem


class FigureTable(QTableWidget):
    """Lines of words and figures; a whole line is chosen at once, so that keys can go through it."""

    def __init__(self, name: str, *, line_names: bool = False) -> None:
        """line_names: lines have a heading at their left, as columns have above."""
        super().__init__()
        self.setObjectName(name)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.verticalHeader().setVisible(line_names)

    def show_lines(self, heads: Sequence[str], lines: Sequence[Sequence[str]], *, words: int | None = None) -> None:
        """Fill the table anew, columns as wide as what is in them.

        words: so many columns, from the left, are words and stand left, figures right; None: all are words.
        """
        self.clear()
        self.setColumnCount(len(heads))
        self.setRowCount(len(lines))
        self.setHorizontalHeaderLabels(list(heads))
        for line, texts in enumerate(lines):
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                left = words is None or column < words
                side = Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignRight
                item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(line, column, item)
        self.resizeColumnsToContents()
