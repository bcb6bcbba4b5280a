"""A patient's visits on the chart, the newest first: why, what was measured, found and prescribed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from desktop import workflow
from desktop.access import Permission
from desktop.i18n import format_datetime
from desktop.records import (
    Condition,
    ConditionStatus,
    EncounterStatus,
    MedicationRequest,
    MedicationStatus,
    RecordedObservation,
    UserId,
    Visit,
)
from desktop.ui.patients.visit_values import DIASTOLIC, MEASURES, SYSTOLIC, number_text
from desktop.ui.patients.words import medicine_text
from desktop.ui.widgets.empty_state import EmptyState
from desktop.ui.widgets.parts import Texts, button, card, column, label, row

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import PatientChart

_SHOWN = {measure.code: measure for measure in MEASURES}
_MORE = 50


class VisitsPart(QStackedWidget):
    """Signals: record_requested. Older visits are fetched on demand."""

    record_requested = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("chart_visits")
        self._context = context
        self._texts = Texts(context)
        self._chart: PatientChart | None = None
        self._visits: tuple[Visit, ...] = ()
        self._more = False
        self._record = button("visit_record")
        self._texts.add(self._record.setText, "visits.record")
        self._record.clicked.connect(self.record_requested)
        self._empty = EmptyState(context, "visits_empty", "list")
        self._empty.pressed.connect(self.record_requested)
        self._list = QWidget()
        head = row()
        head.addWidget(self._record)
        head.addStretch(1)
        inner = QWidget()
        inner.setProperty("role", "scroll")
        self._boxes: QVBoxLayout = column(inner, spacing=8)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        layout = column(self._list, spacing=8)
        layout.addLayout(head)
        layout.addWidget(scroll, 1)
        self.addWidget(self._list)
        self.addWidget(self._empty)
        self.retranslate()

    def show_chart(self, chart: "PatientChart | None") -> None:
        """Show somebody's visits."""
        self._chart = chart
        self._visits = chart.visits if chart is not None else ()
        self._more = chart.more_visits if chart is not None else False
        self._fill()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self._empty.set_texts(self._context.tr("visits.none"), self._context.tr("visits.record"))
        self._fill()

    def _fill(self) -> None:
        while self._boxes.count():
            item = self._boxes.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        clinic = self._context.clinic
        may = clinic is not None and clinic.session.may(Permission.RECORD_VISITS)
        self._record.setVisible(may)
        names: Mapping[UserId, str] = self._chart.colleagues if self._chart is not None else {}
        for visit in self._visits:
            self._boxes.addWidget(self._box(visit, names))
        if self._chart is not None and not self._visits and not may:
            nothing = label("visits_nothing", "muted")
            nothing.setText(self._context.tr("visits.nothing"))
            self._boxes.addWidget(nothing)
        if self._more:
            older = button("visits_older", "quiet")
            older.setText(self._context.tr("visits.older"))
            older.clicked.connect(self._load_older)
            self._boxes.addWidget(older)
        self._boxes.addStretch(1)
        self.setCurrentWidget(self._empty if self._chart is not None and not self._visits and may else self._list)

    def _box(self, visit: Visit, names: Mapping[UserId, str]) -> QFrame:
        """One visit. Problems and medicines come the latest first; here they read in the order they were typed in."""
        tr, encounter = self._context.tr, visit.encounter
        box = card("visit")
        inside = column(box, margin=12, spacing=4)
        when = format_datetime(encounter.started.astimezone(), self._context.language)
        title = " · ".join(part for part in (when, encounter.reason) if part)
        said = [
            (title, "strong"),
            (tr("visits.in_error") if encounter.status is EncounterStatus.ENTERED_IN_ERROR else "", "caution"),
            (" · ".join(self._measured(visit.observations)) or tr("visits.not_measured"), ""),
            (self._listed("visits.problems", [self._problem(one) for one in reversed(visit.conditions)]), ""),
            (self._listed("visits.medicines", [self._medicine(one) for one in reversed(visit.medications)]), ""),
            (encounter.note, ""),
            (tr("visits.by", who=names.get(encounter.author, tr("merging.somebody"))), "small"),
        ]
        for place, (text, role) in enumerate(said):
            if text:
                words = label(f"visit_line_{place}", role, wrap=True, selectable=True)
                words.setText(text)
                inside.addWidget(words)
        return box

    def _measured(self, observations: tuple[RecordedObservation, ...]) -> list[str]:
        """Each value with its unit, in the order of the form; both blood pressures as one."""
        tr = self._context.tr
        values = {one.observation.code: one.observation for one in observations}
        told = [
            tr(f"visits.measure.{measure.name}", value=number_text(found.value), unit=measure.shown)
            for measure in MEASURES
            if (found := values.get(measure.code)) is not None and found.value is not None
        ]
        upper, lower = values.get(SYSTOLIC), values.get(DIASTOLIC)
        if upper is not None and lower is not None and upper.value is not None and lower.value is not None:
            told.append(tr("visits.measure.pressure", upper=number_text(upper.value), lower=number_text(lower.value)))
        known = {*_SHOWN, SYSTOLIC, DIASTOLIC}
        for one in observations:
            other = one.observation
            if other.code not in known:
                said = other.text if other.value is None else f"{number_text(other.value)} {other.unit}"
                told.append(tr("visits.measure.other", code=other.code, value=said))
        return told

    def _problem(self, condition: Condition) -> str:
        """What was found, with what has become of it since."""
        if condition.status is ConditionStatus.ACTIVE:
            return condition.text
        return self._since(condition.text, f"problems.{condition.status.value}")

    def _medicine(self, request: MedicationRequest) -> str:
        if request.status is MedicationStatus.ACTIVE:
            return medicine_text(request)
        return self._since(medicine_text(request), f"medicines.{request.status.value}")

    def _since(self, what: str, key: str) -> str:
        return self._context.tr("visits.since", what=what, status=self._context.tr(key))

    def _listed(self, key: str, entries: list[str]) -> str:
        return self._context.tr(key, list=self._context.tr("merging.same_join").join(entries)) if entries else ""

    def _load_older(self) -> None:
        chart = self._chart
        if chart is None or not self._visits:
            return
        clinic, before = self._context.open_clinic, self._visits[-1].encounter.started

        def work(job: "Job") -> tuple[Visit, ...]:
            return workflow.visits(clinic, job, chart.patient.id, _MORE, before)

        self._context.operations.run(work, initiator=self, done=self._take_older)

    def _take_older(self, older: tuple[Visit, ...]) -> None:
        self._visits = (*self._visits, *older)
        self._more = len(older) == _MORE
        self._fill()
