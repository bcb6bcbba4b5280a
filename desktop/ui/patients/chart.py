"""One patient's page: who, and what was taken."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QStackedWidget, QWidget

from desktop import workflow
from desktop.records import Patient, PatientId
from desktop.ui.patients.words import birth_text, study_row
from desktop.ui.widgets.empty_state import EmptyState
from desktop.ui.widgets.parts import Icons, Texts, button, card, column, label, row
from desktop.ui.widgets.rows import RowList

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import PatientChart

_FACTS = ("phone", "village", "birth", "identifiers")


class ChartPage(QWidget):
    """Signals: patient_changed(Patient or None), study_chosen(id), import_requested(id), edit_requested, left."""

    patient_changed = Signal(object)
    study_chosen = Signal(str)
    import_requested = Signal(str)
    edit_requested = Signal(object)
    left = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("chart_page")
        self._context = context
        self._texts = Texts(context)
        self._icons = Icons(context)
        self._wanted: PatientId | None = None
        self._chart: PatientChart | None = None
        layout = column(self, margin=24, spacing=16)
        layout.addLayout(self._build_head())
        layout.addWidget(self._build_facts())
        heading = label("chart_studies_title", "heading")
        self._texts.add(heading.setText, "patients.chart.studies")
        layout.addWidget(heading)
        self._studies = RowList(context, "chart_studies")
        self._texts.add(self._studies.setAccessibleName, "patients.chart.studies")
        self._studies.chosen.connect(self.study_chosen)
        self._empty = EmptyState(context, "chart_empty", "import")
        self._empty.pressed.connect(self._import)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._studies)
        self._stack.addWidget(self._empty)
        layout.addWidget(self._stack, 1)
        self.retranslate()

    @property
    def patient(self) -> Patient | None:
        """Whose page it is."""
        return self._chart.patient if self._chart is not None else None

    def open(self, patient: PatientId) -> None:
        """Show somebody's page; the look is audited."""
        self._wanted = patient
        clinic = self._context.open_clinic

        def work(job: "Job") -> "PatientChart":
            return workflow.open_patient(clinic, job, patient)

        self._context.operations.run(work, initiator=self, done=self._show, failed=self._failed)

    def reload(self) -> None:
        """What was shown may have changed."""
        if self._wanted is not None and self._context.clinic is not None:
            self.open(self._wanted)

    def activated(self) -> None:
        """The studies have the focus; without any, importing has."""
        self._import_button.setFocus() if not self._studies.rows.rows else self._studies.setFocus()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self._empty.set_texts(self._context.tr("patients.chart.empty"), self._context.tr("patients.chart.import"))
        self._fill()

    def clear(self) -> None:
        """Forget the patient."""
        self._wanted = self._chart = None
        self._fill()
        self.patient_changed.emit(None)

    def _build_head(self) -> QHBoxLayout:
        back = button("chart_back", "quiet")
        self._icons.add(back, "back")
        self._texts.add(back.setText, "patients.chart.back")
        back.clicked.connect(self.left)
        edit = button("chart_edit")
        self._icons.add(edit, "edit")
        self._texts.add(edit.setText, "patients.chart.edit")
        edit.clicked.connect(self._edit)
        self._import_button = button("chart_import", "primary")
        self._icons.add(self._import_button, "import")
        self._texts.add(self._import_button.setText, "patients.chart.import")
        self._import_button.clicked.connect(self._import)
        head = row()
        head.addWidget(back)
        head.addStretch(1)
        head.addWidget(edit)
        head.addWidget(self._import_button)
        return head

    def _build_facts(self) -> QWidget:
        box = card("chart_facts")
        grid = QGridLayout(box)
        grid.setContentsMargins(16, 12, 16, 12)
        grid.setHorizontalSpacing(32)
        grid.setVerticalSpacing(4)
        self._facts: dict[str, QLabel] = {}
        for place, fact in enumerate(_FACTS):
            caption = label(role="small")
            self._texts.add(caption.setText, f"patients.fact.{fact}")
            value = label(f"chart_{fact}", wrap=True, selectable=True)
            grid.addWidget(caption, 0, place)
            grid.addWidget(value, 1, place)
            grid.setColumnStretch(place, 1)
            self._facts[fact] = value
        return box

    def _show(self, chart: "PatientChart") -> None:
        if chart.patient.id != self._wanted:
            return
        self._chart = chart
        self._fill()
        self.patient_changed.emit(chart.patient)
        if self.isVisible():
            self.activated()

    def _failed(self, error: Exception) -> None:
        self._context.show_error(error, self)
        self.left.emit()

    def _fill(self) -> None:
        patient = self.patient
        studies = self._chart.studies if self._chart is not None else ()
        missing = self._context.tr("patients.fact.missing") if patient is not None else ""
        values = dict.fromkeys(_FACTS, "")
        if patient is not None:
            values = {
                "phone": ", ".join(patient.phones),
                "village": patient.village,
                "birth": birth_text(self._context, patient),
                "identifiers": ", ".join(identifier.value for identifier in patient.identifiers),
            }
        for fact, shown in self._facts.items():
            shown.setText(values[fact] or missing)
        self._studies.set_rows(
            [study_row(self._context, summary, with_name=False) for summary in studies], select_first=True
        )
        self._stack.setCurrentWidget(self._studies if studies or patient is None else self._empty)

    def _edit(self) -> None:
        if self.patient is not None:
            self.edit_requested.emit(self.patient)

    def _import(self) -> None:
        if self.patient is not None:
            self.import_requested.emit(self.patient.id)
