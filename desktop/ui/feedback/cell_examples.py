"""What a cell with what is asked looks like, and one without: figures drawn by our own code, with a line of words."""

from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QFrame

from desktop import workflow
from desktop.records import CellQuestion
from desktop.ui.widgets.parts import column, label, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_SIZE = 96


class CellExamples(QFrame):
    """Two figures, one above the other, each with its words at the right."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("cells_examples")
        self._context = context
        self._title = label("cells_examples_title", "strong")
        self._figures = {present: label() for present in (True, False)}
        self._words = {present: label(f"cells_example_{present}".lower(), wrap=True) for present in (True, False)}
        layout = column(self, spacing=8)
        layout.addWidget(self._title)
        for present, figure in self._figures.items():
            figure.setFixedSize(_SIZE, _SIZE)
            beside = row(spacing=12)
            beside.addWidget(figure)
            beside.addWidget(self._words[present], 1)
            layout.addLayout(beside)

    def show_question(self, question: CellQuestion | None) -> None:
        """The figures for what is asked now, in the window's language."""
        self.setVisible(question is not None)
        if question is None:
            return
        tr = self._context.tr
        self._title.setText(tr("feedback.cells.examples"))
        for present, words in self._words.items():
            words.setText(tr(f"feedback.cells.example.{question.value}.{'present' if present else 'absent'}"))
            self._figures[present].setPixmap(_figures(question)[present])


@cache
def _figures(question: CellQuestion) -> dict[bool, QPixmap]:
    found = {}
    for example in workflow.cells.cell_examples(question):
        rows, columns = example.pixels.shape[:2]
        image = QImage(example.pixels.tobytes(), columns, rows, 3 * columns, QImage.Format.Format_RGB888).copy()
        large = image.scaled(2 * _SIZE, 2 * _SIZE, mode=Qt.TransformationMode.SmoothTransformation)
        large.setDevicePixelRatio(2.0)
        found[example.present] = QPixmap.fromImage(large)
    return found
