"""A patient's problems and medicines on the chart: how each stands, and what has become of it since."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QItemSelection, Signal
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from desktop import workflow
from desktop.access import Permission
from desktop.i18n import format_date
from desktop.records import (
    Condition,
    ConditionId,
    ConditionStatus,
    MedicationRequest,
    MedicationRequestId,
    MedicationStatus,
    UserId,
)
from desktop.ui.patients.last_deed import Undo
from desktop.ui.patients.words import medicine_text
from desktop.ui.widgets.parts import button, column, label, row
from desktop.ui.widgets.rows import Row, RowList, Tone

if TYPE_CHECKING:
    from datetime import datetime

    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Clinic, ConditionChanged, MedicationChanged, PatientChart

T = TypeVar("T")
Status = ConditionStatus | MedicationStatus

_ACTIVE = (ConditionStatus.ACTIVE, ConditionStatus.RECURRENCE, MedicationStatus.ACTIVE)
_PROBLEM_STEPS: Mapping[bool, tuple[Status, ...]] = {
    True: (ConditionStatus.RESOLVED, ConditionStatus.ENTERED_IN_ERROR),
    False: (ConditionStatus.ACTIVE, ConditionStatus.ENTERED_IN_ERROR),
}
_MEDICINE_STEPS: Mapping[bool, tuple[Status, ...]] = {
    True: (MedicationStatus.STOPPED, MedicationStatus.COMPLETED, MedicationStatus.ENTERED_IN_ERROR),
    False: (MedicationStatus.ACTIVE, MedicationStatus.ENTERED_IN_ERROR),
}
"""What may be said of one that is going on, and of one that is not."""


@dataclass(frozen=True)
class _Entry:
    """A problem or a medicine as a row."""

    id: str
    text: str
    told: str
    status: Status


class StatusList(QFrame):
    """One list and, above it, what can be said of the chosen row. Enter in the list leads to those buttons.

    Signals: chosen(id, Status) when a button is pressed.
    """

    chosen = Signal(str, object)

    def __init__(self, context: "UiContext", name: str, steps: Mapping[bool, tuple[Status, ...]]) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setProperty("role", "card")
        self._context = context
        self._name = name
        self._steps = steps
        self._entries: tuple[_Entry, ...] = ()
        self._title = label(f"{name}_title", "heading")
        self._nothing = label(f"{name}_nothing", "muted", wrap=True)
        self.list = RowList(context, f"{name}_list")
        self.list.chosen.connect(self._to_buttons)
        self.list.selectionModel().selectionChanged.connect(self._row_changed)
        self._buttons: dict[Status, QPushButton] = {}
        offered = row(spacing=8)
        for status in dict.fromkeys((*steps[True][:-1], *steps[False])):
            made = button(f"{name}_{status.value}", "quiet")
            made.setProperty("status", status.value)
            made.clicked.connect(self._pressed)
            offered.addWidget(made)
            self._buttons[status] = made
        offered.addStretch(1)
        layout = column(self, margin=12, spacing=8)
        layout.addWidget(self._title)
        layout.addWidget(self._nothing)
        layout.addWidget(self.list, 1)
        # Above the list, where no notice lies over them; added last, so that Tab comes to the list first.
        layout.insertLayout(2, offered)

    def show_entries(self, entries: "Sequence[_Entry]") -> None:
        """What is going on first, then what is not; the same row stays chosen."""
        tr = self._context.tr
        self._entries = tuple(sorted(entries, key=lambda entry: entry.status not in _ACTIVE))
        self._title.setText(tr(f"{self._name}.title"))
        self.list.setAccessibleName(self._title.text())
        self._nothing.setText(tr(f"{self._name}.none"))
        self._nothing.setVisible(not self._entries)
        self.list.setVisible(bool(self._entries))
        self.list.set_rows([self._row(entry) for entry in self._entries], select_first=True)
        for status, made in self._buttons.items():
            made.setText(tr(f"{self._name}.say.{status.value}"))
        self._offer()

    def _row(self, entry: _Entry) -> Row:
        remark = self._context.tr(f"{self._name}.{entry.status.value}")
        tone = Tone.NEXT if entry.status in _ACTIVE else Tone.QUIET
        return Row(entry.id, entry.text, entry.told, remark, tone)

    def _current(self) -> _Entry | None:
        return next((entry for entry in self._entries if entry.id == self.list.current_key), None)

    def _offer(self) -> None:
        """What may be said of the chosen row, but for how it stands already."""
        entry, clinic = self._current(), self._context.clinic
        may = clinic is not None and clinic.session.may(Permission.PRESCRIBE)
        steps = self._steps[entry.status in _ACTIVE] if entry is not None else ()
        for status, made in self._buttons.items():
            made.setVisible(may and entry is not None and status in steps and status != entry.status)

    def _to_buttons(self) -> None:
        shown = next((made for made in self._buttons.values() if made.isVisibleTo(self)), None)
        if shown is not None:
            shown.setFocus()

    def _row_changed(self, chosen: QItemSelection, before: QItemSelection) -> None:
        self._offer()

    def _pressed(self) -> None:
        entry, pressed = self._current(), self.sender()
        status = next(status for status, made in self._buttons.items() if made is pressed)
        if entry is not None:
            self.list.setFocus()
            self.chosen.emit(entry.id, status)


class ProblemsPart(QWidget):
    """Problems at the left, medicines at the right.

    Signals: changed(words, undo) once the store has it; refused where somebody else was faster.
    """

    changed = Signal(str, object)
    refused = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("chart_problems")
        self._context = context
        self._chart: PatientChart | None = None
        self.problems = StatusList(context, "problems", _PROBLEM_STEPS)
        self.medicines = StatusList(context, "medicines", _MEDICINE_STEPS)
        self.problems.chosen.connect(self._set_problem)
        self.medicines.chosen.connect(self._set_medicine)
        both = row(self, spacing=12)
        both.addWidget(self.problems, 1)
        both.addWidget(self.medicines, 1)

    def show_chart(self, chart: "PatientChart | None") -> None:
        """Say how everything stands."""
        self._chart = chart
        self._fill()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._fill()

    def _fill(self) -> None:
        chart = self._chart
        conditions: tuple[Condition, ...] = chart.conditions if chart is not None else ()
        medications: tuple[MedicationRequest, ...] = chart.medications if chart is not None else ()
        names: Mapping[UserId, str] = chart.colleagues if chart is not None else {}
        self.problems.show_entries(
            [_Entry(one.id, one.text, self._told(one.recorded, one.author, names), one.status) for one in conditions]
        )
        self.medicines.show_entries(
            [
                _Entry(one.id, medicine_text(one), self._told(one.authored, one.author, names), one.status)
                for one in medications
            ]
        )

    def _told(self, when: "datetime", who: UserId, names: Mapping[UserId, str]) -> str:
        day = format_date(when.astimezone().date(), self._context.language)
        return f"{day} · {names.get(who, self._context.tr('merging.somebody'))}"

    def _set_problem(self, identity: str, status: ConditionStatus) -> None:
        conditions = self._chart.conditions if self._chart is not None else ()
        for one in conditions:
            if one.id == identity:
                deed = partial(_set_problem, problem=one.id, status=status, seen=one.status)
                self._run(deed, self._problem_changed)

    def _set_medicine(self, identity: str, status: MedicationStatus) -> None:
        medications = self._chart.medications if self._chart is not None else ()
        for one in medications:
            if one.id == identity:
                deed = partial(_set_medicine, medicine=one.id, status=status, seen=one.status)
                self._run(deed, self._medicine_changed)

    def _run(self, deed: "Callable[[Clinic, Job], T]", done: "Callable[[T], None]") -> None:
        work = partial(deed, self._context.open_clinic)
        self._context.operations.run(work, initiator=self, done=done, failed=self._failed)

    def _failed(self, error: Exception) -> None:
        """Say it, and show how things are now."""
        self._context.show_error(error, self)
        self.refused.emit()

    def _problem_changed(self, result: "ConditionChanged") -> None:
        now = result.condition
        undo = partial(_set_problem, problem=now.id, status=result.before, seen=now.status)
        self._tell("problems", now.text, now.status, undo)

    def _medicine_changed(self, result: "MedicationChanged") -> None:
        now = result.medication
        undo = partial(_set_medicine, medicine=now.id, status=result.before, seen=now.status)
        self._tell("medicines", now.medication, now.status, undo)

    def _tell(self, area: str, what: str, status: Status, undo: Undo) -> None:
        tr = self._context.tr
        self.changed.emit(tr("problems.changed", what=what, status=tr(f"{area}.{status.value}")), undo)


def _set_problem(
    clinic: "Clinic", job: "Job", problem: ConditionId, status: ConditionStatus, seen: ConditionStatus
) -> "ConditionChanged":
    return workflow.set_condition_status(clinic, job, problem, status, seen)


def _set_medicine(
    clinic: "Clinic", job: "Job", medicine: MedicationRequestId, status: MedicationStatus, seen: MedicationStatus
) -> "MedicationChanged":
    return workflow.set_medication_status(clinic, job, medicine, status, seen)
