"""What became of each file, growing while the import goes on."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QProgressBar, QTreeWidget, QTreeWidgetItem, QWidget

from desktop.ui.context import UiContext
from desktop.ui.importing.outcome import FileOutcome, Summary
from desktop.ui.widgets.parts import button, column, label

_STUDY_ROLE = 0x0100


class ResultsDialog(QDialog):
    """Does not block the window. Signals: stopped(); opened(study id) on a row that was kept."""

    stopped = Signal()
    opened = Signal(str)

    def __init__(self, context: UiContext, total: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("import_results")
        self._context = context
        tr = context.tr
        self.setWindowTitle(tr("importing.results.title"))
        self.resize(760, 380)
        self._say = label("import_words", "heading", wrap=True)
        self._say.setText(tr("importing.results.running", count=total))
        self._bar = QProgressBar(self)
        self._bar.setObjectName("import_progress")
        self._bar.setRange(0, total)
        self._bar.setTextVisible(False)
        self._rows = QTreeWidget(self)
        self._rows.setObjectName("import_rows")
        self._rows.setColumnCount(3)
        self._rows.setRootIsDecorated(False)
        self._rows.setWordWrap(True)
        self._rows.setHeaderLabels(
            [tr("importing.results.file"), tr("importing.results.status"), tr("importing.results.words")]
        )
        self._rows.setColumnWidth(0, 200)
        self._rows.setColumnWidth(1, 120)
        self._rows.itemActivated.connect(self._activated)
        self._close = button("import_close", "primary")
        self._close.setText(tr("importing.results.stop"))
        self._close.clicked.connect(self._pressed)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self._close)
        layout = column(self, margin=16, spacing=12)
        for part in (self._say, self._bar, self._rows):
            layout.addWidget(part)
        layout.addLayout(row)
        self._ended = False

    def add(self, outcome: FileOutcome) -> None:
        """One more file is done."""
        status = self._context.tr(f"importing.status.{outcome.status.value}")
        item = QTreeWidgetItem([outcome.path.name, status, outcome.words])
        item.setData(0, _STUDY_ROLE, outcome.study or "")
        item.setToolTip(2, outcome.words)
        self._rows.addTopLevelItem(item)
        self._bar.setValue(self._rows.topLevelItemCount())

    def end(self, summary: Summary) -> None:
        """Nothing more will come."""
        self._ended = True
        self._bar.hide()
        tr = self._context.tr
        self._say.setText(
            tr(
                "importing.results.end",
                kept=summary.kept,
                duplicates=summary.duplicates,
                failed=summary.failed,
            )
        )
        self._close.setText(tr("reading.close"))

    def _pressed(self) -> None:
        if self._ended:
            self.accept()
        else:
            self.stopped.emit()

    def _activated(self, item: QTreeWidgetItem, column: int) -> None:
        study = item.data(0, _STUDY_ROLE)
        if study:
            self.opened.emit(study)
