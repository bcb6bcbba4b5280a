"""What became of each file, growing while the import goes on."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QProgressBar, QScrollArea, QWidget

from desktop.ui.context import UiContext
from desktop.ui.importing.outcome import FileOutcome, Summary
from desktop.ui.widgets.parts import button, card, column, label


class OutcomeRow(QFrame):
    """One file: its name, the result at the right, and below what happened and what to do."""

    def __init__(self, context: UiContext, outcome: FileOutcome) -> None:
        super().__init__()
        self.setObjectName("import_row")
        name = label("import_file", "strong", wrap=True, selectable=True)
        name.setText(outcome.path.name)
        status = label("import_status", "muted")
        status.setText(context.tr(f"importing.status.{outcome.status.value}"))
        head = QHBoxLayout()
        head.addWidget(name, 1)
        head.addWidget(status, 0, Qt.AlignmentFlag.AlignTop)
        layout = column(self, margin=8, spacing=4)
        layout.addLayout(head)
        if outcome.words:
            words = label("import_reason", "body", wrap=True, selectable=True)
            words.setText(outcome.words)
            layout.addWidget(words)


class ResultsDialog(QDialog):
    """Does not block the window. Signals: stopped() where somebody wants no more files."""

    stopped = Signal()

    def __init__(self, context: UiContext, total: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("import_results")
        self._context = context
        tr = context.tr
        self.setWindowTitle(tr("importing.results.title"))
        self.resize(680, 420)
        self._say = label("import_words", "heading", wrap=True)
        self._say.setText(tr("importing.results.running", count=total))
        self._bar = QProgressBar(self)
        self._bar.setObjectName("import_progress")
        self._bar.setRange(0, total)
        self._bar.setTextVisible(False)
        inside = card("import_rows")
        self._rows = column(inside, margin=4, spacing=0)
        self._rows.addStretch(1)
        area = QScrollArea(self)
        area.setObjectName("import_area")
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        self._close = button("import_close", "primary")
        self._close.setText(tr("importing.results.stop"))
        self._close.clicked.connect(self._pressed)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self._close)
        layout = column(self, margin=16, spacing=12)
        for part in (self._say, self._bar, area):
            layout.addWidget(part)
        layout.addLayout(foot)
        self._count = 0
        self._ended = False
        self._close.setFocus()

    @property
    def count(self) -> int:
        """How many files are listed."""
        return self._count

    def add(self, outcome: FileOutcome) -> None:
        """One more file is done."""
        self._rows.insertWidget(self._count, OutcomeRow(self._context, outcome))
        self._count += 1
        self._bar.setValue(self._count)

    def end(self, summary: Summary) -> None:
        """Nothing more will come."""
        self._ended = True
        self._bar.hide()
        self._say.setText(
            self._context.tr(
                "importing.results.end",
                kept=summary.kept,
                duplicates=summary.duplicates,
                failed=summary.failed,
            )
        )
        self._close.setText(self._context.tr("reading.close"))

    def _pressed(self) -> None:
        if self._ended:
            self.accept()
        else:
            self.stopped.emit()
