"""How a model answers in this clinic: shares by month, version, sex, age or examination, and what stands out."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QDialog, QTableWidget, QTableWidgetItem, QWidget

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.ui.widgets.parts import button, column, label, row
from desktop.workflow.watching import AFTERWARDS

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Rate, RateBoard, RateRow

_SIZE = (900, 600)


class RatesDialog(QDialog):
    """One column for each group, one line for each share; below, what to make of those that stand out."""

    def __init__(self, context: "UiContext", model: str, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("rates_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.resize(*_SIZE)
        self._context = context
        self._model = model
        tr = context.tr
        about = label("rates_about", "muted", wrap=True)
        about.setText(tr("settings.rates.about"))
        caption = label(role="strong")
        caption.setText(tr("settings.rates.by"))
        self.by = QComboBox()
        self.by.setObjectName("rates_by")
        self.by.setAccessibleName(tr("settings.rates.by"))
        for one in workflow.RateGroup:
            self.by.addItem(tr(f"settings.rates.by.{one.value}"), one.value)
        caption.setBuddy(self.by)
        self.table = QTableWidget()
        self.table.setObjectName("rates_table")
        self.table.setAccessibleName(title)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setTabKeyNavigation(False)
        self.advice = label("rates_advice", wrap=True, selectable=True)
        close = button("rates_close", "primary")
        close.setText(tr("ui.close"))
        close.clicked.connect(self.accept)
        head = row()
        head.addWidget(caption)
        head.addWidget(self.by)
        head.addStretch(1)
        layout = column(self, margin=16, spacing=12)
        layout.addWidget(about)
        layout.addLayout(head)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.advice)
        layout.addWidget(close, alignment=Qt.AlignmentFlag.AlignRight)
        self.by.currentIndexChanged.connect(self.count)
        self.count()

    def count(self) -> None:
        """Count anew, by what is chosen."""
        clinic, model, by = self._context.open_clinic, self._model, workflow.RateGroup(self.by.currentData())

        def work(job: "Job") -> "RateBoard":
            return workflow.model_rates(clinic, job, model, by)

        self._context.operations.run(
            work,
            initiator=self,
            done=self._show,
            pool="background",
            title=self._context.tr("settings.rates.counting"),
        )

    # What is shown

    def _show(self, board: "RateBoard") -> None:
        if board.by.value != self.by.currentData():
            return  # counted before something else was chosen
        tr = self._context.tr
        self.table.clear()
        rows = board.rows
        self.table.setColumnCount(len(rows))
        self.table.setHorizontalHeaderLabels([self._group(board, one.group) for one in rows])
        rates = rows[0].rates if rows else ()
        self.table.setRowCount(1 + len(rates) if rows else 0)
        self.table.setVerticalHeaderLabels([tr("settings.rates.asked"), *map(self._what, rates)] if rows else [])
        for place, one in enumerate(rows):
            self._put(0, place, str(one.asked))
            for line, rate in enumerate(one.rates, 1):
                self._put(line, place, self._share(rate), bold=rate in one.unusual)
        self.table.resizeColumnsToContents()
        if rows:
            self.table.scrollTo(self.table.model().index(0, len(rows) - 1))
        told = [self._advice(board, one, rate) for one in rows for rate in one.unusual]
        self.advice.setText("\n".join(told) if rows else tr("settings.rates.none"))
        self.advice.setVisible(bool(told) or not rows)

    def _put(self, line: int, place: int, words: str, *, bold: bool = False) -> None:
        item = QTableWidgetItem(words)
        item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if bold:
            font = item.font()
            font.setBold(True)
            item.setFont(font)
        self.table.setItem(line, place, item)

    def _group(self, board: "RateBoard", group: str) -> str:
        tr = self._context.tr
        if group == "unknown":
            return tr("settings.rates.unknown")
        keys = {
            workflow.RateGroup.SEX: f"patients.sex.{group}",
            workflow.RateGroup.AGE: f"settings.rates.age.{group}",
            workflow.RateGroup.EXAMINATION: f"reading.modality.{group}",
        }
        key = keys.get(board.by, "")
        if group.endswith(AFTERWARDS):
            return tr("settings.rates.afterwards", version=group.removesuffix(AFTERWARDS))
        return tr(key) if key and self._context.has_text(key) else group

    def _what(self, rate: "Rate") -> str:
        return self._context.tr(f"settings.rates.{rate.kind.value}", finding=self._finding(rate.finding))

    def _finding(self, key: str) -> str:
        try:
            return self._context.registry.get(self._model).finding_name(key, self._context.language)
        except (UserFacingError, KeyError):
            return key

    def _share(self, rate: "Rate") -> str:
        tr = self._context.tr
        if rate.share.n == 0:
            return tr("settings.rates.no_case")
        if not rate.enough:
            return tr("settings.rates.few", count=rate.share.n)
        return tr("settings.rates.share", percent=round(100 * rate.share.value), count=rate.share.n)

    def _advice(self, board: "RateBoard", one: "RateRow", rate: "Rate") -> str:
        return self._context.tr(
            "settings.rates.advice",
            column=self._group(board, one.group),
            what=self._what(rate),
            share=self._share(rate),
            advice=self._context.tr(f"settings.rates.advice.{rate.kind.value}.{rate.trend.value}"),
        )
