"""The risk tool: choose a model, fill in what is known, see the answer change with every value. Nothing is stored."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QScrollArea, QWidget

from desktop import workflow
from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.records import Patient, PatientId
from desktop.ui.risk.answer import RiskAnswer
from desktop.ui.risk.form import RiskFormView
from desktop.ui.risk.patient_dialog import PatientDialog
from desktop.ui.tools.registry import ToolPage
from desktop.ui.widgets.parts import Icons, Texts, button, column, label, row
from desktop.workflow import risks

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import FileAnalysis
    from desktop.workflow.risks import ChartValues, RiskForm

_FORM_WIDTH = 560


@dataclass(frozen=True)
class _Chart:
    """What was read of a patient's chart, and for which form."""

    number: int
    values: "ChartValues"


@dataclass(frozen=True)
class _Answered:
    """What was asked of a model, and what it said. other: of values that were moved, not given."""

    number: int
    other: bool
    said: "FileAnalysis"


class RiskTool(ToolPage):
    """Questions are numbered: an answer to values that have changed meanwhile is dropped. While one is asked no other
    is; the newest values are asked for when it came."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("risk_tool")
        self._context = context
        self._texts = Texts(context)
        self._icons = Icons(context)
        self._forms: tuple[RiskForm, ...] = ()
        self._view: RiskFormView | None = None
        self._patient: Patient | None = None
        self._chart: ChartValues | None = None
        self._filled = 0
        self._number = 0
        self._asking = False
        self._waiting: bool | None = None
        self._build()
        self._load()

    def _build(self) -> None:
        caption = label("risk_model_label", "strong")
        self._texts.add(caption.setText, "risk.model")
        self.models = QComboBox()
        self.models.setObjectName("risk_model")
        caption.setBuddy(self.models)
        self._texts.add(self.models.setAccessibleName, "risk.model")
        self.models.currentIndexChanged.connect(self._other_model)
        self._whose = label("risk_patient", "strong", wrap=True)
        self._choose = button("risk_choose_patient")
        self._texts.add(self._choose.setText, "risk.patient.choose")
        self._choose.clicked.connect(self.choose_patient)
        self._without = button("risk_without_patient", "quiet")
        self._texts.add(self._without.setText, "risk.patient.without")
        self._without.clicked.connect(self._drop_patient)
        self._empty = button("risk_empty", "quiet")
        self._texts.add(self._empty.setText, "risk.empty")
        self._empty.clicked.connect(self._start_over)
        about = label("risk_about", "muted", wrap=True)
        self._texts.add(about.setText, "risk.about")
        self._scroll = QScrollArea()
        self._scroll.setObjectName("risk_form_area")
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        left = QWidget()
        left.setFixedWidth(_FORM_WIDTH)
        form = column(left, spacing=12)
        first, second = row(spacing=12), row(spacing=8)
        first.addWidget(caption)
        first.addWidget(self.models, 1)
        second.addWidget(self._whose, 1)
        for part in (self._choose, self._without, self._empty):
            second.addWidget(part)
        form.addLayout(first)
        form.addLayout(second)
        form.addWidget(about)
        form.addWidget(self._scroll, 1)
        self.answer = RiskAnswer(self._context)
        self.answer.what_if_asked.connect(self._ask_other)
        layout = row(self, margin=16, spacing=24)
        layout.addWidget(left)
        layout.addWidget(self.answer, 1)

    # What the tools screen asks for

    def activated(self) -> None:
        """The models may have changed; the focus goes to where one begins."""
        clinic = self._context.clinic
        self._choose.setVisible(clinic is not None and clinic.session.may(Permission.VIEW_PATIENTS))
        if tuple(form.model for form in risks.risk_forms(self._context.registry, self._context.language)) != tuple(
            form.model for form in self._forms
        ):
            self._load()
        self.patient_changed.emit(self._patient)
        self.models.setFocus()

    def retranslate(self) -> None:
        """Speak the window's language; what was filled in stays."""
        self._texts.retranslate()
        self.answer.retranslate()
        kept = self._view.kept if self._view is not None else None
        self._load(self.models.currentData())
        if self._view is not None and kept is not None:
            self._view.restore(kept)
            self._ask()

    def clear(self) -> None:
        """The clinic is locked: drop every value and whose they were."""
        self._patient = self._chart = None
        self._show_form()

    # Models and forms

    @property
    def view(self) -> RiskFormView | None:
        """The form on the screen."""
        return self._view

    def _load(self, model: str | None = None) -> None:
        self._forms = risks.risk_forms(self._context.registry, self._context.language)
        self.models.blockSignals(True)
        self.models.clear()
        for form in self._forms:
            self.models.addItem(form.title, form.model)
        names = [form.model for form in self._forms]
        self.models.setCurrentIndex(names.index(model) if model in names else (0 if names else -1))
        self.models.blockSignals(False)
        self._show_form()

    def _other_model(self, place: int) -> None:
        self._show_form()
        if self._patient is not None:
            self._ask_chart()

    def _show_form(self) -> None:
        """An empty form of the model chosen."""
        place = self.models.currentIndex()
        self._filled += 1
        old = self._scroll.takeWidget()
        if old is not None:
            old.hide()
            old.deleteLater()
        self._view = None
        if place >= 0:
            self._view = RiskFormView(self._context, self._forms[place])
            self._view.edited.connect(self._ask)
            self._scroll.setWidget(self._view)
        self._show_patient()
        self._ask()

    # Whose values

    def choose_patient(self) -> None:
        """Search for whom the form shall be filled."""
        dialog = PatientDialog(self._context, self.window())
        dialog.chosen.connect(self._patient_chosen)
        dialog.open()

    def _patient_chosen(self, patient: str) -> None:
        self._show_form()
        self._ask_chart(PatientId(patient))

    def _drop_patient(self) -> None:
        self._patient = self._chart = None
        self._show_form()
        self.patient_changed.emit(None)

    def _start_over(self) -> None:
        """An empty form; of somebody chosen, what the chart says."""
        self._show_form()
        if self._patient is not None:
            self._ask_chart()

    def _ask_chart(self, patient: PatientId | None = None) -> None:
        wanted = patient if patient is not None else self._patient.id if self._patient is not None else None
        if wanted is None or self._view is None or self._context.clinic is None:
            return
        clinic, number, model = self._context.open_clinic, self._filled, self._view.form.model

        def work(job: "Job") -> _Chart:
            values = risks.values_on_chart(clinic, job, wanted, model)
            return _Chart(number, values)

        self._context.operations.run(work, initiator=self, done=self._take_chart)

    def _take_chart(self, chart: _Chart) -> None:
        if chart.number != self._filled or self._view is None:
            return
        self._patient, self._chart = chart.values.patient, chart.values
        self._view.fill(chart.values)
        self._show_patient()
        self.patient_changed.emit(self._patient)
        self._ask()

    def _show_patient(self) -> None:
        if self._patient is None:
            self._whose.setText(self._context.tr("risk.patient.none"))
        else:
            self._whose.setText(self._patient.display_name)  # the banner says the rest
        self._without.setVisible(self._patient is not None)

    # Asking the model

    def _ask(self) -> None:
        """The values changed: ask the model, or say why not."""
        self._number += 1
        self._waiting = None
        view = self._view
        if view is None:
            self.answer.say_nothing(self._context.tr("risk.no_model"))
        elif view.wrong:
            names = self._context.tr("patients.list_comma").join(one.field.name for one in view.wrong)
            self.answer.say_nothing(self._context.tr("risk.wrong", columns=names))
        elif not view.has_values:
            self.answer.say_nothing(self._context.tr("risk.nothing"))
        else:
            self._send(other=False)

    def _ask_other(self) -> None:
        self._number += 1
        self._send(other=True)

    def _send(self, *, other: bool) -> None:
        view = self._view
        if view is None:
            return
        if self._asking:
            self._waiting = other
            return
        self._asking = True
        values = {**view.row, **self.answer.what_if.values} if other else view.row
        models, model, sex, number = self._context.registry, view.form.model, view.sex, self._number

        def work(job: "Job") -> _Answered:
            return _Answered(number, other, next(workflow.analyse_row(models, job, values, model=model, sex=sex)))

        self._context.operations.run(
            work, initiator=self, done=self._take_answer, failed=self._failed, ended=self._ended, pool="display"
        )

    def _take_answer(self, answered: _Answered) -> None:
        view, said = self._view, answered.said
        if answered.number != self._number or view is None:
            return
        if said.analysis is None:
            self._failed(said.failure or UserFacingError("workflow.no_fitting_model"))
        elif answered.other:
            self.answer.show_other(said.analysis.findings[0])
        else:
            finding, chart = said.analysis.findings[0], self._chart
            known = chart if chart is not None and chart.model == view.form.model else None
            self.answer.show_finding(
                view.form, finding, view.inputs, known.doubts(finding) if known is not None else ()
            )

    def _failed(self, error: Exception) -> None:
        text = self._context.error_text(error)
        self.answer.say_nothing(f"{text.message} {text.advice}")

    def _ended(self) -> None:
        waiting, self._asking, self._waiting = self._waiting, False, None
        if waiting is not None:
            self._send(other=waiting)
