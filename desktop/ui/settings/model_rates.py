"""How a model answers in this clinic: shares by month, version, sex, age or examination, and what stands out."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDialog, QTableWidgetItem, QWidget

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.ui.settings.rate_chart import DrawnRate, RateChart
from desktop.ui.widgets.figure_table import FigureTable
from desktop.ui.widgets.parts import button, column, label, row
from desktop.workflow.watching import AFTERWARDS

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Rate, RateBoard, RateRow

_SIZE = (900, 660)


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
        self.table = FigureTable("rates_table", line_names=True)
        self.table.setAccessibleName(title)
        self.table.currentCellChanged.connect(self._draw)
        self._board: RateBoard | None = None
        self._drawn = label("rates_drawn", "strong", wrap=True)
        self.chart = RateChart(context)
        self._limits = label("rates_limits", "small", wrap=True)
        self._limits.setText(tr("settings.rates.limits"))
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
        for part in (self._drawn, self.chart, self._limits):
            layout.addWidget(part)
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
        self._board = board
        for part in (self._drawn, self.chart, self._limits):
            part.setVisible(bool(rows))
        unusual = next((place for one in rows for place, rate in enumerate(one.rates) if rate in one.unusual), None)
        first = 1 if len(rates) > 1 else 0
        self.table.setCurrentCell(1 + (unusual if unusual is not None else first), 0)
        self._draw()

    def _draw(self) -> None:
        """The share of the line in front, group by group."""
        board, line = self._board, self.table.currentRow() - 1
        rates = board.rows[0].rates if board is not None and board.rows else ()
        if board is None or not rates:
            return
        line = min(max(line, 0), len(rates) - 1)
        what = self._what(rates[line])
        self._drawn.setText(what)
        self.chart.show_groups(
            what, [self._point(board, one.group, one.rates[line]) for one in board.rows if one.rates[line].share.n]
        )

    def _point(self, board: "RateBoard", group: str, rate: "Rate") -> DrawnRate:
        name, share = self._group(board, group), rate.share
        words = self._context.tr("settings.rates.point", column=name, share=self._share(rate))
        if rate.limits is not None:
            low, high = (round(100 * limit) for limit in rate.limits)
            words = self._context.tr("settings.rates.point.limits", point=words, low=low, high=high)
        return DrawnRate(name, share.value, share.low, share.high, rate.limits, words)

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
