"""One patient's page: who, what waits for a decision, and what was taken."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QGridLayout, QHBoxLayout, QLabel, QStackedWidget, QWidget

from desktop import workflow
from desktop.access import Permission
from desktop.records import Patient, PatientId, StudyId, UserId
from desktop.ui.patients.consents import ConsentsPart
from desktop.ui.patients.documents import DocumentsPart
from desktop.ui.patients.notices import ChartNotices
from desktop.ui.patients.problems import ProblemsPart
from desktop.ui.patients.unsaved import UnsavedList
from desktop.ui.patients.visits import VisitsPart
from desktop.ui.patients.vitals import VitalsPart
from desktop.ui.patients.words import birth_text, study_row
from desktop.ui.widgets.empty_state import EmptyState
from desktop.ui.widgets.fields import Choice
from desktop.ui.widgets.parts import Icons, Texts, button, card, column, label, row, set_role
from desktop.ui.widgets.rows import RowList

if TYPE_CHECKING:
    from collections.abc import Mapping

    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import PatientChart, Unmerged, UnsavedKind, UnsavedWork

_PARTS = ("studies", "visits", "vitals", "problems", "documents", "consents")
_FACTS = ("phone", "village", "birth", "identifiers")


class ChartPage(QWidget):
    """Signals: patient_changed(Patient or None), study_chosen(id), import_requested(id), edit_requested(Patient),
    merge_requested(Patient), visit_requested(Patient), conflict_chosen(ConflictView), merge_undone, left,
    document_chosen(id), fetch_requested, send_requested (of `chosen_study`), changed(words, undo) where a deed done
    here can be taken back."""

    patient_changed = Signal(object)
    study_chosen = Signal(str)
    import_requested = Signal(str)
    edit_requested = Signal(object)
    merge_requested = Signal(object)
    visit_requested = Signal(object)
    conflict_chosen = Signal(object)
    merge_undone = Signal()
    document_chosen = Signal(str)
    fetch_requested = Signal()
    send_requested = Signal()
    changed = Signal(str, object)
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
        self._notices = ChartNotices(context)
        self._notices.conflict_chosen.connect(self._choose_conflict)
        self._notices.undo_requested.connect(self.undo_merge)
        layout.addWidget(self._notices)
        self.begun = UnsavedList(context, "chart_begun", with_name=False)
        layout.addWidget(self.begun)
        layout.addWidget(self._build_facts())
        self._parts = Choice("chart_parts", _PARTS)
        self._parts.set_value("studies")
        self._parts.chosen.connect(self._show_part)
        self._parts.entered.connect(self.activated)
        layout.addWidget(self._parts)
        self._studies = RowList(context, "chart_studies")
        self._texts.add(self._studies.setAccessibleName, "patients.chart.studies")
        self._studies.chosen.connect(self.study_chosen)
        self._empty = EmptyState(context, "chart_empty", "import")
        self._empty.pressed.connect(self._import)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._studies)
        self._stack.addWidget(self._empty)
        self.visits = VisitsPart(context)
        self.visits.record_requested.connect(self._ask_visit)
        self.problems = ProblemsPart(context)
        self.problems.changed.connect(self._status_changed)
        self.problems.refused.connect(self.reload)
        self.documents = DocumentsPart(context)
        self.documents.chosen.connect(self.document_chosen)
        self.consents = ConsentsPart(context)
        self.vitals = VitalsPart(context)
        for part in (self.visits, self.vitals, self.problems, self.documents, self.consents):
            self._stack.addWidget(part)
        layout.addWidget(self._stack, 1)
        self.retranslate()

    @property
    def patient(self) -> Patient | None:
        """Whose page it is."""
        return self._chart.patient if self._chart is not None else None

    @property
    def chosen_study(self) -> StudyId | None:
        """The study that is selected in the list, where that is shown."""
        key = self._studies.current_key if self._parts.value == "studies" and self._chart is not None else ""
        return StudyId(key) if key else None

    @property
    def version(self) -> str:
        """Which version of the record is shown; an edit is based on it."""
        return self._chart.version if self._chart is not None else ""

    def begun_of(self, kind: "UnsavedKind") -> "UnsavedWork | None":
        """What whoever looks began about the patient and did not save."""
        return next((work for work in self.begun.work if work.kind is kind), None)

    @property
    def colleagues(self) -> "Mapping[UserId, str]":
        """What the clinic's users are called."""
        return self._chart.colleagues if self._chart is not None else {}

    def show_part(self, part: str) -> None:
        """`studies`, `visits`, `vitals`, `problems`, `documents` or `consents`."""
        self._parts.set_value(part)
        self._show_part(part)

    def undo_merge(self, merge: str) -> None:
        """Let two records stand for themselves again."""
        clinic = self._context.open_clinic

        def work(job: "Job") -> "Unmerged":
            return workflow.unmerge(clinic, job, merge)

        self._context.operations.run(
            work, initiator=self, done=self.tell_undone, title=self._context.tr("merging.undoing")
        )

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
        """A decision that is due has the focus, or what was begun, else the studies; without any, importing."""
        if self._notices.waits:
            self._notices.focus_first()
        elif self.begun.focus_first():
            pass
        elif self._parts.value != "studies":
            self._parts.setFocus()
        elif self._studies.rows.rows:
            self._studies.setFocus()
        else:
            self._import_button.setFocus()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        tr = self._context.tr
        self._parts.set_texts(tr("patients.chart.parts"), [tr(f"patients.chart.{part}") for part in _PARTS])
        self._empty.set_texts(self._context.tr("patients.chart.empty"), self._context.tr("patients.chart.import"))
        self.visits.retranslate()
        self.vitals.retranslate()
        self.problems.retranslate()
        self.documents.retranslate()
        self.consents.retranslate()
        self._fill()

    def clear(self) -> None:
        """Forget the patient."""
        self._wanted = self._chart = None
        self._parts.set_value("studies")
        self._fill()
        self.patient_changed.emit(None)

    def _build_head(self) -> QHBoxLayout:
        back = button("chart_back", "quiet")
        self._icons.add(back, "back")
        self._texts.add(back.setText, "patients.chart.back")
        back.clicked.connect(self.left)
        self._merge_button = button("chart_merge_button", "quiet")
        self._texts.add(self._merge_button.setText, "merging.begin")
        self._merge_button.clicked.connect(self._ask_merge)
        self._edit_button = button("chart_edit")
        self._icons.add(self._edit_button, "edit")
        self._texts.add(self._edit_button.setText, "patients.chart.edit")
        self._edit_button.clicked.connect(self._edit)
        self._fetch_button, self._send_button = button("chart_fetch", "quiet"), button("chart_send", "quiet")
        self._texts.add(self._fetch_button.setText, "network.chart.fetch")
        self._texts.add(self._send_button.setText, "network.chart.send")
        self._fetch_button.clicked.connect(self.fetch_requested)
        self._send_button.clicked.connect(self.send_requested)
        self._context.network.changed.connect(self._offer)
        self._import_button = button("chart_import", "primary")
        self._icons.add(self._import_button, "import")
        self._texts.add(self._import_button.setText, "patients.chart.import")
        self._import_button.clicked.connect(self._import)
        head = row()
        head.addWidget(back)
        head.addStretch(1)
        head.addWidget(self._fetch_button)
        head.addWidget(self._send_button)
        head.addWidget(self._merge_button)
        head.addWidget(self._edit_button)
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
        if self._wanted not in (chart.patient.id, *(gone.id for gone in chart.merged)):
            return
        at_work = self.patient is not None and self.patient.id == chart.patient.id and self._holds_keyboard()
        self._wanted = chart.patient.id
        self._chart = chart
        self._fill()
        self.patient_changed.emit(chart.patient)
        if self.isVisible() and not (at_work and self._holds_keyboard()):
            self.activated()

    def _holds_keyboard(self) -> bool:
        """Whether somebody is at work in the part that is shown."""
        focused = QApplication.focusWidget()
        return focused is not None and self._stack.isAncestorOf(focused) and focused.isVisible()

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
        self.visits.show_chart(self._chart)
        self.vitals.show_chart(self._chart)
        self.problems.show_chart(self._chart)
        self.documents.show_chart(self._chart)
        self.consents.show_chart(self._chart)
        self._show_part(self._parts.value)
        self._notices.show_chart(self._chart)
        self.begun.show_work(self._chart.unsaved if self._chart is not None else ())
        self._offer()

    def go_back(self) -> bool:
        """Close a form that is open on the page; False where none is."""
        if self._parts.value == "consents" and self.consents.asks:
            self.consents.close_form()
            self._parts.setFocus()
            return True
        if self._parts.value == "documents" and self.documents.asks:
            self.documents.close_form()
            self._parts.setFocus()
            return True
        return False

    def _show_part(self, part: str) -> None:
        nothing = self._chart is not None and not self._chart.studies
        parts: dict[str, QWidget] = {
            "studies": self._empty if nothing else self._studies,
            "visits": self.visits,
            "vitals": self.vitals,
            "problems": self.problems,
            "documents": self.documents,
            "consents": self.consents,
        }
        self._stack.setCurrentWidget(parts[part])
        if part == "vitals":
            self.vitals.look()

    def _offer(self) -> None:
        """Only what the person may do; one bright button."""
        clinic = self._context.clinic
        for offered, permission in (
            (self._merge_button, Permission.MERGE_PATIENTS),
            (self._edit_button, Permission.EDIT_PATIENTS),
            (self._import_button, Permission.IMPORT_IMAGES),
        ):
            offered.setVisible(clinic is not None and clinic.session.may(permission))
        listed = clinic is not None and self._context.network.has_peers
        studies = self._chart is not None and bool(self._chart.studies)
        self._fetch_button.setVisible(listed and self._context.open_clinic.session.may(Permission.IMPORT_IMAGES))
        self._send_button.setVisible(
            listed and studies and self._context.open_clinic.session.may(Permission.SEND_IMAGES)
        )
        set_role(self._import_button, "" if self._notices.waits else "primary")
        self._icons.repaint()

    def _status_changed(self, words: str, undo: object) -> None:
        self.changed.emit(words, undo)

    def _choose_conflict(self, conflict: str) -> None:
        views = self._chart.conflicts if self._chart is not None else ()
        for view in views:
            if view.conflict.id == conflict:
                self.conflict_chosen.emit(view)

    def tell_undone(self, result: "Unmerged") -> None:
        """Say whose records stand for themselves again."""
        names = {"one": result.kept.display_name, "other": result.gone.display_name}
        self._context.toast(self._context.tr("merging.undone", **names))
        self.merge_undone.emit()

    def _ask_visit(self) -> None:
        if self.patient is not None:
            self.visit_requested.emit(self.patient)

    def _ask_merge(self) -> None:
        if self.patient is not None:
            self.merge_requested.emit(self.patient)

    def _edit(self) -> None:
        if self.patient is not None:
            self.edit_requested.emit(self.patient)

    def _import(self) -> None:
        if self.patient is not None:
            self.import_requested.emit(self.patient.id)
