"""What was measured at visits, over time: a curve to look at, and the same numbers in a table to read aloud."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHeaderView,
    QSplitter,
    QStackedWidget,
    QTableWidgetItem,
    QWidget,
)

from desktop import workflow
from desktop.i18n import format_datetime
from desktop.jobs import Job
from desktop.records import PatientId, RecordedObservation
from desktop.ui.patients.visit_values import DIASTOLIC, MEASURES, SYSTOLIC, number_text
from desktop.ui.widgets.fields import Choice
from desktop.ui.widgets.figure_table import FigureTable
from desktop.ui.widgets.parts import Texts, column, label

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.ui.patients.vitals_plot import VitalsPlot
    from desktop.workflow import PatientChart

PRESSURE = "pressure"
_MOST = 500
"""Of each kind, the newest; more than one a day for a year."""
_KINDS: Mapping[str, tuple[str, ...]] = {
    **{measure.name: (measure.code,) for measure in MEASURES[:2]},
    PRESSURE: (SYSTOLIC, DIASTOLIC),
    **{measure.name: (measure.code,) for measure in MEASURES[2:]},
}
"""Each curve by its name, and the LOINC codes of its lines."""
_MIDDLE = Qt.AlignmentFlag.AlignVCenter
_UNITS = {PRESSURE: "mmHg", **{measure.name: measure.shown for measure in MEASURES}}


@dataclass(frozen=True)
class Measured:
    """One moment of a curve. values: one for each line of it, None where that was not measured then."""

    when: datetime
    values: tuple[float | None, ...]

    @property
    def words(self) -> str:
        """The number, or upper and lower with a stroke between; a dash for what was not measured."""
        return "/".join("–" if value is None else number_text(value) for value in self.values)


@dataclass(frozen=True, eq=False)
class Courses:
    """Everything of one patient that can be drawn, by the curve's name, each the oldest first. cut: older ones are on
    file too."""

    patient: PatientId
    curves: Mapping[str, tuple[Measured, ...]]
    cut: bool


def courses(clinic: "workflow.Clinic", patient: PatientId, job: Job) -> Courses:
    """Read what was measured of a patient, in the units of the form; a value in another unit is left out."""
    curves: dict[str, tuple[Measured, ...]] = {}
    units = {SYSTOLIC: "mm[Hg]", DIASTOLIC: "mm[Hg]", **{measure.code: measure.unit for measure in MEASURES}}
    cut = False
    for name, codes in _KINDS.items():
        lines = []
        for code in codes:
            found = workflow.observation_course(clinic, job, patient, code, _MOST)
            cut = cut or len(found) == _MOST
            lines.append([one for one in found if one.observation.unit == units[code]])
        curves[name] = _together(lines)
    return Courses(patient, curves, cut)


def _together(lines: Sequence[Sequence[RecordedObservation]]) -> tuple[Measured, ...]:
    """Lines of one curve by moment and visit, the oldest first; of two of a kind at one moment both are kept."""
    moments: dict[tuple[datetime, str, int], list[float | None]] = {}
    for number, line in enumerate(lines):
        seen: dict[tuple[datetime, str], int] = {}
        for one in line:
            at = (one.effective, str(one.encounter))
            seen[at] = seen.get(at, 0) + 1
            moments.setdefault((*at, seen[at]), [None] * len(lines))[number] = one.observation.value
    return tuple(Measured(moment[0].astimezone(), tuple(moments[moment])) for moment in sorted(moments))


class VitalsPart(QStackedWidget):
    """Loads when it is first looked at. Signals: none that others need; `loaded` for those who wait."""

    loaded = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("chart_vitals")
        self._context = context
        self._texts = Texts(context)
        self._chart: PatientChart | None = None
        self._courses: Courses | None = None
        self._stale = False
        self._plot: VitalsPlot | None = None
        self._shown: tuple[Measured, ...] = ()
        self.kinds = Choice("vitals_kinds", tuple(_KINDS))
        self.kinds.set_value(next(iter(_KINDS)))
        self.kinds.chosen.connect(self._show_kind)
        self.readout = label("vitals_readout", "strong", wrap=True, selectable=True)
        self.table = FigureTable("vitals_table")
        self.table.setColumnCount(2)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.table.itemSelectionChanged.connect(self._row_chosen)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.addWidget(self.table)
        self._note = label("vitals_note", "small", wrap=True)
        page = QWidget()
        layout = column(page, spacing=8)
        layout.addWidget(self.kinds)
        layout.addWidget(self.readout)
        layout.addWidget(self._splitter, 1)
        layout.addWidget(self._note)
        self._nothing = label("vitals_nothing", "muted", wrap=True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.addWidget(page)
        self.addWidget(self._nothing)
        context.theme_changed.connect(self._repaint)
        self.retranslate()

    @property
    def plot(self) -> "VitalsPlot | None":
        """The curve, once somebody looked."""
        return self._plot

    def show_chart(self, chart: "PatientChart | None") -> None:
        """Another patient, or the same one after something was written down."""
        before = self._chart.patient.id if self._chart is not None else None
        self._chart, self._stale = chart, True
        if chart is None or chart.patient.id != before:
            self._courses = None
            self._fill()
        if self.isVisible():
            self.look()

    def look(self) -> None:
        """Somebody looks: load what there is, unless it is on the screen already."""
        if self._chart is None or not self._stale or self._context.clinic is None:
            return
        self._stale = False
        self._context.operations.run(
            partial(courses, self._context.clinic, self._chart.patient.id), initiator=self, done=self._take
        )

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        tr = self._context.tr
        self.kinds.set_texts(tr("vitals.kinds"), [tr(f"vitals.{name}") for name in _KINDS])
        self.table.setAccessibleName(tr("vitals.table"))
        self._nothing.setText(tr("vitals.nothing"))
        self._fill()

    # What is shown

    def _take(self, found: Courses) -> None:
        if self._chart is None or found.patient != self._chart.patient.id:
            return
        first = self._courses is None
        self._courses = found
        if first and not found.curves[self.kinds.value]:
            self.kinds.set_value(next((name for name, curve in found.curves.items() if curve), self.kinds.value))
        self._fill()
        self.loaded.emit()

    def _show_kind(self, name: str) -> None:
        self._fill()

    def _fill(self) -> None:
        found, name, tr = self._courses, self.kinds.value, self._context.tr
        self._shown = found.curves[name] if found is not None else ()
        nothing = found is not None and not any(found.curves.values())
        self.setCurrentIndex(1 if nothing else 0)
        self.table.blockSignals(True)
        self.table.setHorizontalHeaderLabels([tr("vitals.when"), f"{tr(f'vitals.{name}')} ({_UNITS[name]})"])
        self.table.setRowCount(len(self._shown))
        for row, one in enumerate(reversed(self._shown)):
            for place, words in enumerate((format_datetime(one.when, self._context.language), one.words)):
                item = QTableWidgetItem(words)
                item.setTextAlignment(_MIDDLE | (Qt.AlignmentFlag.AlignRight if place else Qt.AlignmentFlag.AlignLeft))
                self.table.setItem(row, place, item)
        self.table.clearSelection()
        self.table.blockSignals(False)
        self._note.setText(
            tr("vitals.note") + (tr("vitals.cut", count=_MOST) if found is not None and found.cut else "")
        )
        self._say(None)
        self._repaint()

    def _repaint(self) -> None:
        """Draw the curve again, in the colours and the language of now."""
        if self._plot is None and self._shown:
            # Late: pyqtgraph takes a moment to load, and not every chart is looked at this way.
            from desktop.ui.patients.vitals_plot import VitalsPlot

            self._plot = VitalsPlot(self._context)
            self._plot.chosen.connect(self._point_chosen)
            self._splitter.insertWidget(0, self._plot)
            self._splitter.setSizes([640, 320])
        if self._plot is not None:
            name = self.kinds.value
            lines = tuple(
                self._context.tr(f"vitals.{one}")
                for one in (("systolic", "diastolic") if name == PRESSURE else (name,))
            )
            self._plot.show_curve([(one.when.timestamp(), one.values) for one in self._shown], lines, _UNITS[name])

    def _say(self, number: int | None) -> None:
        """One value in words; without one how many there are."""
        tr, name = self._context.tr, self.kinds.value
        if number is None or not 0 <= number < len(self._shown):
            count = len(self._shown)
            self.readout.setText(tr("vitals.count", count=count) if self._courses is not None else "")
            return
        one = self._shown[number]
        when = format_datetime(one.when, self._context.language)
        self.readout.setText(
            tr("vitals.value", what=tr(f"vitals.{name}"), value=one.words, unit=_UNITS[name], when=when)
        )

    # Choosing one, in the curve or in the table

    def _point_chosen(self, number: int) -> None:
        self._say(number)
        row = len(self._shown) - 1 - number
        self.table.blockSignals(True)
        self.table.selectRow(row)
        self.table.blockSignals(False)
        self.table.scrollTo(self.table.model().index(row, 0))

    def _row_chosen(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        if rows:
            number = len(self._shown) - 1 - rows[0].row()
            self._say(number)
            if self._plot is not None:
                self._plot.point_at(number)
