"""The tool that says how right a model was in this clinic."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QStackedWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop.i18n import format_date
from desktop.ui.tools.charts import ShareChart
from desktop.ui.tools.registry import ToolPage
from desktop.ui.tools.validation_words import (
    calibration_words,
    decimal,
    finding_name,
    flow_words,
    group_name,
    missing_words,
    model_title,
    percent,
)
from desktop.ui.widgets.empty_state import EmptyState
from desktop.ui.widgets.figure_table import FigureTable
from desktop.ui.widgets.file_dialog import file_dialog
from desktop.ui.widgets.parts import Icons, Texts, button, column, label, row
from desktop.workflow import asking_afterwards, validating
from desktop.workflow.asking_afterwards import AskedAfterwards, KnownPictures
from desktop.workflow.confirmed import Strength
from desktop.workflow.validating import JudgedModel, Validation, ValidationGroup, ValidationRow

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Exported

_CHARTS_WIDTH = 256
_NARROWEST = 80
_COLUMNS = (
    "cases",
    "decided",
    "sensitivity",
    "sensitivity_decided",
    "specificity",
    "specificity_decided",
    "area",
)


@dataclass(frozen=True)
class _Counted:
    """What was counted, and for which question."""

    number: int
    found: Validation
    known: KnownPictures


class ValidationTool(ToolPage):
    """Model, finding, the weakest truth that counts and what cases are counted by; the table, and two diagrams.
    Questions are numbered: an answer to an older one is dropped."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("validation_tool")
        self._context = context
        self._texts = Texts(context)
        self._icons = Icons(context)
        self._models: tuple[JudgedModel, ...] = ()
        self._found: Validation | None = None
        self._known: KnownPictures | None = None
        self._number = 0
        self._filling = False
        self._empty = EmptyState(context, "validation_empty", "chart", has_button=False)
        self._front = QStackedWidget()
        shown = QWidget()
        inside = column(shown, margin=16, spacing=8)
        inside.addLayout(self._build_head())
        body = row(spacing=16)
        body.addLayout(self._build_table(), 1)
        body.addLayout(self._build_charts())
        inside.addLayout(body, 1)
        self._front.addWidget(self._empty)
        self._front.addWidget(shown)
        self._front.setCurrentIndex(1)
        layout = column(self)
        layout.addWidget(self._front)
        self.retranslate()

    # Building

    def _build_head(self) -> QVBoxLayout:
        self.model, self.finding = self._choice("model"), self._choice("finding")
        self.least, self.by = self._choice("least"), self._choice("by")
        self.save = button("validation_save")
        self._icons.add(self.save, "save")
        self._texts.add(self.save.setText, "validation.save")
        self.save.clicked.connect(self._choose_place)
        head, second = row(spacing=8), row(spacing=8)
        for place, choice, key in ((head, self.model, "model"), (head, self.finding, "finding")):
            self._add(place, choice, key)
        head.addStretch(1)
        head.addWidget(self.save)
        for place, choice, key in ((second, self.least, "least"), (second, self.by, "by")):
            self._add(place, choice, key)
        second.addStretch(1)
        both = column(spacing=8)
        both.addLayout(head)
        both.addLayout(second)
        return both

    def _choice(self, name: str) -> QComboBox:
        made = QComboBox()
        made.setObjectName(f"validation_{name}")
        made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        made.currentIndexChanged.connect(self._other_model if name == "model" else self.count)
        return made

    def _add(self, place: QHBoxLayout, choice: QComboBox, key: str) -> None:
        caption = label(role="strong")
        self._texts.add(caption.setText, f"validation.choose.{key}")
        self._texts.add(choice.setAccessibleName, f"validation.choose.{key}")
        caption.setBuddy(choice)
        place.addWidget(caption)
        place.addWidget(choice)

    def _build_table(self) -> QVBoxLayout:
        self._flow = label("validation_flow", "muted", wrap=True, selectable=True)
        self._caution = label("validation_caution", "caution", wrap=True)
        self._missing = label("validation_missing", wrap=True)
        self.table = FigureTable("validation_table")
        self._calibration = label("validation_calibration", wrap=True, selectable=True)
        about = label("validation_about", "small", wrap=True)
        self._texts.add(about.setText, "validation.about")
        left = column(spacing=8)
        left.addWidget(self._build_asking())
        for part in (self._flow, self._caution, self._missing):
            left.addWidget(part)
        left.addWidget(self.table, 1)
        left.addWidget(self._calibration)
        left.addWidget(about)
        return left

    def _build_asking(self) -> QWidget:
        """Shown where the version in use has not answered about every picture of which the truth is known."""
        self.asking = QWidget()
        self.asking.setObjectName("validation_asking")
        self._waiting = label("validation_waiting", wrap=True)
        self.ask = button("validation_ask")
        self.ask.clicked.connect(self._ask)
        line = row(spacing=12)
        line.addWidget(self._waiting, 1)
        line.addWidget(self.ask)
        self.asking.setLayout(line)
        self.asking.hide()
        return self.asking

    def _build_charts(self) -> QVBoxLayout:
        right = column(spacing=4)
        self.roc, self.bins = ShareChart(self._context, "validation_roc"), ShareChart(self._context, "validation_bins")
        for chart, key in ((self.roc, "validation.roc"), (self.bins, "validation.bins")):
            caption = label(role="strong", wrap=True)
            caption.setFixedWidth(_CHARTS_WIDTH)
            self._texts.add(caption.setText, key)
            chart.setFixedWidth(_CHARTS_WIDTH)
            right.addWidget(caption)
            right.addWidget(chart, 1)
        return right

    # What the tools screen asks for

    def activated(self) -> None:
        """Read which models answered here."""
        clinic = self._context.open_clinic

        def work(job: "Job") -> tuple[JudgedModel, ...]:
            return validating.judged_models(clinic, job)

        self._context.operations.run(
            work,
            initiator=self,
            done=self._show_models,
            pool="background",
            title=self._context.tr("validation.counting"),
        )

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self._empty.set_texts(self._context.tr("validation.none"))
        self._fill()
        self._show()

    def clear(self) -> None:
        """Nothing of the clinic stays."""
        self._number += 1
        self._models, self._found, self._known = (), None, None
        self._fill()
        self._show()

    # Choosing

    def _show_models(self, models: tuple[JudgedModel, ...]) -> None:
        self._models = models
        self._front.setCurrentIndex(1 if models else 0)
        self._fill()
        if models:
            self.model.setFocus()
            self.count()

    def _fill(self) -> None:
        """The choices in the window's language; what was chosen stays chosen."""
        tr = self._context.tr
        self._filling = True
        titles = [(model_title(self._context, one.name), one.name) for one in self._models]
        _fill(self.model, titles)
        self._fill_findings()
        _fill(self.least, [(tr(f"validation.least.{one.name.lower()}"), one.value) for one in Strength])
        _fill(self.by, [(tr(f"validation.by.{one.value}"), one.value) for one in ValidationGroup])
        self._filling = False

    def _fill_findings(self) -> None:
        model = self.model.currentData()
        findings = next((one.findings for one in self._models if one.name == model), ())
        _fill(self.finding, [(finding_name(self._context, model, key), key) for key in findings])

    def _other_model(self) -> None:
        if not self._filling:
            self._filling = True
            self._fill_findings()
            self._filling = False
            self.count()

    def count(self) -> None:
        """Count anew, as chosen."""
        if self._filling or self.finding.currentData() is None:
            return
        clinic, model, finding = self._context.open_clinic, self.model.currentData(), self.finding.currentData()
        by, least = ValidationGroup(self.by.currentData()), Strength(self.least.currentData())
        self._number += 1
        number = self._number

        def work(job: "Job") -> _Counted:
            found = validating.validate_model(clinic, job, model, finding, by=by, least=least)
            return _Counted(number, found, asking_afterwards.known_pictures(clinic, job, model))

        self._context.operations.run(
            work, initiator=self, done=self._counted, pool="background", title=self._context.tr("validation.counting")
        )

    def _counted(self, counted: _Counted) -> None:
        if counted.number == self._number:
            self._found, self._known = counted.found, counted.known
            self._show()

    # Asking about known pictures

    def _ask(self) -> None:
        known = self._known
        if known is None:
            return
        clinic, model = self._context.open_clinic, known.model

        def work(job: "Job") -> AskedAfterwards:
            return asking_afterwards.ask_afterwards(clinic, job, model)

        self.by.setFocus()  # the button goes once nothing waits any more
        self.ask.setEnabled(False)
        self._context.operations.run(
            work,
            initiator=self,
            done=self._asked,
            ended=self._asking_ended,
            pool="compute",
            title=self._context.tr("validation.ask.title"),
        )

    def _asked(self, done: AskedAfterwards) -> None:
        self._context.announce(done.changes, self)
        counts = {"answered": done.answered, "refused": done.refused, "passed": done.passed}
        self._context.toast(self._context.tr("validation.ask.done", unreadable=done.unreadable, **counts))

    def _asking_ended(self) -> None:
        """What was answered before somebody cancelled counts too."""
        self.ask.setEnabled(True)
        self.count()

    def _show_asking(self) -> None:
        known, tr = self._known, self._context.tr
        waiting = known.waiting if known is not None else 0
        self.asking.setVisible(waiting > 0)
        if known is not None and waiting > 0:
            self.ask.setText(tr("validation.ask", count=waiting))
            counts = {"answered": known.answered, "known": known.known}
            self._waiting.setText(tr("validation.ask.waiting", count=waiting, version=known.version, **counts))

    # What is shown

    def _show(self) -> None:
        found, tr = self._found, self._context.tr
        self.save.setEnabled(found is not None)
        self._show_asking()
        if found is None:
            for part in (self._flow, self._caution, self._missing, self._calibration):
                part.setText("")
            self.table.setRowCount(0)
            self._show_charts()
            return
        self._flow.setText(self._flow_words(found))
        reviewed = found.strengths.get(Strength.REVIEWED, 0)
        self._caution.setText(tr("validation.incorporation", count=reviewed))
        self._caution.setVisible(reviewed > 0)
        missing = missing_words(self._context, found.table.whole)
        self._missing.setText(missing)
        self._missing.setVisible(bool(missing))
        self._calibration.setText(calibration_words(self._context, found.table.whole))
        self._show_table(found)
        self._show_charts()

    def _flow_words(self, found: Validation) -> str:
        words = flow_words(self._context, found)
        if found.first is None or found.last is None:
            return words
        first, last = (format_date(day, self._context.language) for day in (found.first, found.last))
        return self._context.tr("validation.flow.dated", flow=words, first=first, last=last)

    def _show_table(self, found: Validation) -> None:
        tr = self._context.tr
        heads = [tr(f"validation.by.{found.by.value}"), *(tr(f"validation.column.{name}") for name in _COLUMNS)]
        rows = [(tr("validation.all"), found.table.whole)]
        rows += [(group_name(self._context, found.by, one.group), one) for one in found.table.rows]
        self.table.show_lines(heads, [[name, *self._cells(one)] for name, one in rows], words=1)
        self.table.setAccessibleName(tr("tools.validation"))
        for place in range(len(heads)):
            if (item := self.table.item(0, place)) is not None:
                _embolden(item)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setMinimumSectionSize(_NARROWEST)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.resizeRowsToContents()  # once the columns have their widths: long names take two lines

    def _cells(self, one: ValidationRow) -> list[str]:
        context = self._context
        counted = f"{one.cases} ({one.present.total}/{one.absent.total})"
        shares = (
            one.decided,
            one.sensitivity,
            one.sensitivity_decided,
            one.specificity,
            one.specificity_decided,
        )
        return [counted, *(percent(context, share) for share in shares), decimal(context, one.area)]

    def _show_charts(self) -> None:
        tr = self._context.tr
        table = self._found.table if self._found is not None else None
        curve = table.roc if table is not None else None
        self.roc.show_curve(curve.points if curve else (), curve.band if curve else ())
        told = tr("validation.roc.told", area=decimal(self._context, curve.area)) if curve else ""
        none = tr("validation.roc.none")
        self.roc.set_words(tr("validation.roc.x"), tr("validation.roc.y"), none, told or none)
        found = table.whole.calibration if table is not None else None
        bins = found.bins if found is not None else ()
        self.bins.show_points([(one.said, one.seen.value, one.seen.low, one.seen.high) for one in bins])
        told = calibration_words(self._context, table.whole) if table is not None and bins else ""
        none = tr("validation.calibration.none")
        self.bins.set_words(tr("validation.bins.x"), tr("validation.bins.y"), none, told or none)

    # On paper

    def _choose_place(self) -> None:
        found = self._found
        if found is None:
            return
        dialog = file_dialog(self._context, self, self._context.tr("validation.save"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter("PDF (*.pdf)")
        dialog.setDefaultSuffix("pdf")
        day = self._context.open_clinic.clock().astimezone().date()
        dialog.selectFile(f"{found.model}-{found.finding}-{day.isoformat()}.pdf")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.export_to)
        dialog.open()

    def export_to(self, chosen: str) -> None:
        """Write the paper, in the window's language."""
        found = self._found
        if found is None:
            return
        clinic, languages, least = self._context.open_clinic, (self._context.language,), found.least

        def work(job: "Job") -> "Exported":
            return validating.export_validation(
                clinic, job, found.model, found.finding, Path(chosen), languages, least=least
            )

        title = self._context.tr("validation.saving")
        self._context.operations.run(work, initiator=self, done=self._exported, pool="background", title=title)

    def _exported(self, done: "Exported") -> None:
        self._context.toast(self._context.tr("validation.saved", file=done.file.name))


def _fill(choice: QComboBox, entries: Sequence[tuple[str, object]]) -> None:
    """Other entries; what was chosen stays chosen where it is still there."""
    before = choice.currentData()
    choice.clear()
    for words, data in entries:
        choice.addItem(words, data)
    choice.setCurrentIndex(max(choice.findData(before), 0) if entries else -1)


def _embolden(item: QTableWidgetItem) -> None:
    font = item.font()
    font.setBold(True)
    item.setFont(font)
