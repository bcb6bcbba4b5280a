"""The Patients destination: finder, form, chart and what a chart leads to; remembers where it was."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from desktop import workflow
from desktop.access import Permission
from desktop.records import Changes, DocumentId, Patient, PatientId
from desktop.ui.action import bind
from desktop.ui.actions import PATIENT_ACTIONS
from desktop.ui.patients import unsaved
from desktop.ui.patients.chart import ChartPage
from desktop.ui.patients.conflicts import ConflictPage
from desktop.ui.patients.document_page import DocumentPage
from desktop.ui.patients.finder import PatientFinder
from desktop.ui.patients.form_page import PatientFormPage
from desktop.ui.patients.last_deed import LastDeed, Undo
from desktop.ui.patients.merge import MergePage
from desktop.ui.patients.visit_form import VisitForm
from desktop.workflow import UnsavedKind

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Clinic, ConflictView, Merged, Unmerged, UnsavedWork


@dataclass(frozen=True)
class Begun:
    """A form about somebody on file that was left unsaved."""

    kind: UnsavedKind
    patient: PatientId


class PatientsScreen(QStackedWidget):
    """Signals: patient_changed(Patient or None) for the banner; study_chosen(id); import_requested(patient id)."""

    patient_changed = Signal(object)
    study_chosen = Signal(str)
    import_requested = Signal(str)

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("patients_screen")
        self._context = context
        self._was_registering = False
        self._was_at: Begun | None = None
        self._going_on: Begun | None = None
        self.finder = PatientFinder(context)
        self.form = PatientFormPage(context)
        self.chart = ChartPage(context)
        self.merge = MergePage(context)
        self.conflict = ConflictPage(context)
        self.visit = VisitForm(context)
        self.last_deed = LastDeed(context, self)
        self.last_deed.taken_back.connect(self._taken_back)
        self.document = DocumentPage(context)
        self._about_chart = (self.chart, self.merge, self.conflict, self.visit, self.document)
        self._pages = (self.finder, self.form, *self._about_chart)
        for page in self._pages:
            self.addWidget(page)
        self._connect()
        self._actions = bind(
            context,
            self,
            PATIENT_ACTIONS,
            {
                "patients_back": self._leave,
                "patients_edit": self._edit_current,
                "patients_visit": self._visit_current,
                "patients_merge": self._merge_current,
                "patients_undo": self._undo_last,
            },
        )
        context.changed.connect(self._on_changed)
        context.unlocked.connect(self._ask_begun)
        if context.clinic is not None:
            self._ask_begun()

    def _connect(self) -> None:
        self.finder.chosen.connect(self.open_patient)
        self.finder.register_requested.connect(self.register)
        self.form.saved.connect(self._saved)
        self.form.left.connect(self._leave)
        self.form.patient_chosen.connect(self.open_patient)
        self.form.offered.connect(self._offer_unsaved)
        self.chart.left.connect(self.show_finder)
        self.chart.study_chosen.connect(self.study_chosen)
        self.chart.import_requested.connect(self.import_requested)
        self.chart.edit_requested.connect(self._edit)
        self.chart.patient_changed.connect(self._tell_patient)
        self.chart.merge_requested.connect(self._begin_merge)
        self.chart.conflict_chosen.connect(self._compare_versions)
        self.chart.merge_undone.connect(self.last_deed.forget)
        self.form.merge_requested.connect(self._compare_records)
        self.merge.merged.connect(self._merged)
        self.chart.visit_requested.connect(self._record_visit)
        self.visit.saved.connect(self._visit_saved)
        for begun in (self.finder.begun, self.chart.begun):
            begun.go_on.connect(self._go_on)
            begun.discard.connect(self._discard)
        self.form.discarded.connect(self._discard)
        self.visit.discarded.connect(self._discard)
        self.chart.document_chosen.connect(self._open_document)
        self.chart.changed.connect(self._offer_undo)
        for page in (self.merge, self.conflict, self.visit, self.document):
            page.left.connect(self._back_to_chart)
        self.conflict.settled.connect(self._saved)

    @property
    def patient(self) -> Patient | None:
        """Whom the shown page is about."""
        if self.currentWidget() is self.form:
            return self.form.form.patient
        return self.chart.patient if self.currentWidget() in self._about_chart else None

    def activated(self) -> None:
        """Called when the destination is shown."""
        if self.currentWidget() is self.finder:
            self.finder.activated()
            self._refresh_begun()
        elif self.currentWidget() is self.chart:
            self.chart.activated()
        elif self.currentWidget() is self.merge:
            self.merge.activated()
        elif self.currentWidget() is self.conflict:
            self.conflict.activated()
        elif self.currentWidget() is self.visit:
            self.visit.activated()
        elif self.currentWidget() is self.document:
            self.document.activated()
        else:
            self.form.form.focus_first()

    def retranslate(self) -> None:
        """Speak the window's language."""
        for page in self._pages:
            page.retranslate()
        self._actions.retranslate()

    def clear(self) -> None:
        """Forget every patient."""
        self.last_deed.forget()
        self._was_registering = self.currentWidget() is self.form and self.form.form.patient is None
        self._was_at, self._going_on = self._being_typed(), None
        for page in self._pages:
            page.clear()
        self.setCurrentWidget(self.finder)

    def save_drafts(self) -> None:
        """Before locking: what is being typed goes to the store."""
        self.form.save_draft()
        self.visit.save_draft()

    def show_finder(self) -> None:
        """The list, with the search field ready."""
        self._go(self.finder)
        self.activated()

    def register(self, name: str = "") -> None:
        """The form for somebody new."""
        self._go(self.form)
        self.form.begin()
        self.patient_changed.emit(None)
        if name and self.form.form.is_blank:
            self.form.form.name.edit.setText(name)

    def open_patient(self, patient: str) -> None:
        """Somebody's page."""
        self._going_on = None
        self._go(self.chart)
        self.chart.open(PatientId(patient))

    def _go(self, page: QWidget) -> None:
        self.save_drafts()
        self.setCurrentWidget(page)
        self.patient_changed.emit(self.patient)

    def _leave(self) -> None:
        """Back to where one came from; what was typed stays in the form."""
        if self.currentWidget() is self.merge:
            self.merge.go_back()
        elif self.currentWidget() in (self.conflict, self.visit, self.document) or (
            self.currentWidget() is self.form and self.form.form.patient is not None
        ):
            self._back_to_chart()
        elif self.currentWidget() is self.finder:
            self.finder.start_over()
        elif self.currentWidget() is self.form or not self.chart.go_back():
            self.show_finder()

    def _offer_unsaved(self) -> None:
        """What was not saved is back: where it was typed if the clinic locked there, else said in a notice."""
        if self._was_registering:
            self._go(self.form)
            if self.isVisible():
                self.form.form.focus_first()
        elif self.currentWidget() is not self.form:
            self._context.toast(self._context.tr("patients.form.kept.notice"))

    def _saved(self, patient: Patient) -> None:
        self.open_patient(patient.id)

    def _back_to_chart(self) -> None:
        self._go(self.chart)
        self.chart.reload()
        self.chart.activated()

    def _edit(self, patient: Patient) -> None:
        self._go(self.form)
        self.form.edit(patient, self.chart.version, self.chart.begun_of(UnsavedKind.EDIT))
        self.patient_changed.emit(self.patient)

    def _edit_current(self) -> None:
        if (
            self.currentWidget() is self.chart
            and self.chart.patient is not None
            and self._may(Permission.EDIT_PATIENTS)
        ):
            self._edit(self.chart.patient)

    def _record_visit(self, patient: Patient) -> None:
        if self._may(Permission.RECORD_VISITS):
            self._go(self.visit)
            self.visit.begin(patient, self.chart.begun_of(UnsavedKind.VISIT))

    def _visit_current(self) -> None:
        if self.currentWidget() is self.chart and self.chart.patient is not None:
            self._record_visit(self.chart.patient)

    def _visit_saved(self) -> None:
        self.chart.show_part("visits")
        self._back_to_chart()

    def _open_document(self, document: str) -> None:
        self._go(self.document)
        self.document.open(DocumentId(document))

    def _offer_undo(self, words: str, undo: Undo) -> None:
        """What was just done to whom the chart shows."""
        if self.chart.patient is not None:
            self.last_deed.offer(words, self.chart.patient.id, undo)

    def _merge_current(self) -> None:
        if self.currentWidget() is self.chart and self.chart.patient is not None:
            self._begin_merge(self.chart.patient)

    def _begin_merge(self, patient: Patient) -> None:
        if self._may(Permission.MERGE_PATIENTS):
            self._go(self.merge)
            self.merge.begin(patient)

    def _compare_records(self, patient: Patient, other: str) -> None:
        self._go(self.merge)
        self.merge.compare(patient, PatientId(other))

    def _merged(self, result: "Merged") -> None:
        """Back on the page of the record that stays, where it can be taken back."""
        self.merge.clear()
        self.open_patient(result.patient.id)
        undo = partial(_unmerge, merge=result.merge.id)
        self.last_deed.offer(self._context.tr("merging.done"), result.patient.id, undo)

    def _undo_last(self) -> None:
        """Ctrl+Z on the page of the patient whom the last deed concerned."""
        patient = self.chart.patient
        if self.currentWidget() is self.chart and patient is not None and self.last_deed.concerns(patient.id):
            self.last_deed.take_back()

    def _taken_back(self, result: object) -> None:
        if isinstance(result, workflow.Unmerged):
            self.chart.tell_undone(result)
        else:
            self._context.toast(self._context.tr("ui.undone"))
        if isinstance(result, workflow.UnsavedWork) and self.currentWidget() in (self.finder, self.chart):
            self._show_begun()

    def _compare_versions(self, view: "ConflictView") -> None:
        if self.chart.patient is not None:
            self._go(self.conflict)
            self.conflict.begin(self.chart.patient, self.chart.version, view, self.chart.colleagues)

    # What was begun and not saved

    def _being_typed(self) -> "Begun | None":
        """The form somebody on file is the subject of, if one is shown."""
        if self.currentWidget() is self.visit and self.visit.patient is not None:
            return Begun(UnsavedKind.VISIT, self.visit.patient.id)
        if self.currentWidget() is self.form and self.form.form.patient is not None:
            return Begun(UnsavedKind.EDIT, self.form.form.patient.id)
        return None

    def _ask_begun(self) -> None:
        if self._context.open_clinic.session.may(Permission.VIEW_PATIENTS):
            work = partial(workflow.unsaved_work, self._context.open_clinic)
            self._context.operations.run(work, initiator=self, done=self._offer_begun)

    def _refresh_begun(self) -> None:
        if self._context.clinic is not None and self._may(Permission.VIEW_PATIENTS):
            work = partial(workflow.unsaved_work, self._context.clinic)
            self._context.operations.run(work, initiator=self, done=self.finder.begun.show_work)

    def _offer_begun(self, work: "tuple[UnsavedWork, ...]") -> None:
        """After unlocking: back to the form where the clinic locked, else it is said."""
        self.finder.begun.show_work(work)
        was, self._was_at = self._was_at, None
        for one in work:
            if was is not None and (one.kind, one.patient.id) == (was.kind, was.patient):
                self._go_on(one)
                return
        if work and not self.finder.isVisible():
            self._context.toast(self._context.tr("patients.unsaved.notice"))

    def _go_on(self, work: "UnsavedWork") -> None:
        patient = self.chart.patient
        if self.currentWidget() is self.chart and patient is not None and patient.id == work.patient.id:
            self._open_form(work.kind, patient)
        else:
            self.open_patient(work.patient.id)
            self._going_on = Begun(work.kind, work.patient.id)

    def _open_form(self, kind: UnsavedKind, patient: Patient) -> None:
        if kind is UnsavedKind.VISIT:
            self._record_visit(patient)
        else:
            self._edit(patient)

    def _discard(self, work: "UnsavedWork") -> None:
        page = self.visit if work.kind is UnsavedKind.VISIT else self.form
        page.let_go(work.patient.id)
        deed = partial(unsaved.drop, self._context.open_clinic, work=work)
        self._context.operations.run(deed, initiator=self, done=self._discarded)

    def _discarded(self, work: "UnsavedWork") -> None:
        undo = partial(unsaved.keep_again, work=work)
        self.last_deed.offer(self._context.tr("patients.unsaved.discarded"), work.patient.id, undo)
        self._show_begun()

    def _show_begun(self) -> None:
        """Where the list or a chart is shown, or was left for the form."""
        if self.currentWidget() is self.finder:
            self.activated()
        else:
            self._back_to_chart()

    def _may(self, permission: Permission) -> bool:
        return self._context.clinic is not None and self._context.clinic.session.may(permission)

    def _tell_patient(self, patient: Patient | None) -> None:
        if self.currentWidget() is not self.chart:
            return
        self.patient_changed.emit(patient)
        going_on, self._going_on = self._going_on, None
        if patient is not None and going_on is not None and going_on.patient == patient.id:
            self._open_form(going_on.kind, patient)

    def _on_changed(self, changes: Changes, initiator: QObject | None) -> None:
        if self._context.clinic is None:
            return
        if changes.patients:
            self.finder.reload()
        concerned = (
            changes.patients
            or changes.studies
            or changes.reports
            or changes.impressions
            or changes.visits
            or changes.consents
        )
        if concerned and self.currentWidget() is self.chart:
            self.chart.reload()


def _unmerge(clinic: "Clinic", job: "Job", merge: str) -> "Unmerged":
    return workflow.unmerge(clinic, job, merge)
