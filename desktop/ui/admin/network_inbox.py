"""Images that arrived and that no rule gave to a patient: the doctor says whose they are."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QStackedWidget, QWidget

from desktop import workflow
from desktop.i18n import format_date
from desktop.records import Changes, FileHeader, Patient, PatientId
from desktop.ui.admin.backup_words import moment
from desktop.ui.importing.mismatch import MismatchDialog
from desktop.ui.patients.finder import PatientFinder
from desktop.ui.patients.form_page import PatientFormPage
from desktop.ui.patients.words import facts
from desktop.ui.widgets.empty_state import EmptyState
from desktop.ui.widgets.parts import Icons, button, card, column, label, row
from desktop.ui.widgets.rows import Row, RowList, Tone

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import ArrivalsFiled, WaitingStudy

_SIZE = (820, 640)
_MOST_LIKELY = 3


class ArrivalsDialog(QDialog):
    """First the studies that wait; then, for one of them, the likely patients and a search for everybody else."""

    def __init__(self, context: "UiContext", parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("arrivals_dialog")
        self.setWindowTitle(context.tr("network.inbox.title"))
        self.resize(*_SIZE)
        self._context = context
        self._icons = Icons(context)
        self._waiting: tuple[WaitingStudy, ...] = ()
        self._chosen: WaitingStudy | None = None
        self._patient = PatientId("")
        self._filing = False
        self._stack = QStackedWidget()
        self._build_list()
        self._build_question()
        self.form = PatientFormPage(context)
        self.form.saved.connect(self._saved)
        self.form.left.connect(self._search)
        self.form.patient_chosen.connect(self._file)
        self._stack.addWidget(self.form)
        column(self).addWidget(self._stack)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        context.changed.connect(self._on_changed)
        self._load()

    # Building

    def _build_list(self) -> None:
        tr = self._context.tr
        page = QWidget()
        layout = column(page, margin=24, spacing=12)
        title = label("arrivals_title", "title", wrap=True)
        title.setText(tr("network.inbox.title"))
        about = label("arrivals_about", "muted", wrap=True)
        about.setText(tr("network.inbox.about"))
        self.list = RowList(self._context, "arrivals_list")
        self.list.setAccessibleName(tr("network.inbox.title"))
        self.list.chosen.connect(self._choose)
        self._nothing = EmptyState(self._context, "arrivals_nothing", "check", has_button=False)
        self._nothing.set_texts(tr("network.inbox.nothing"))
        self._lists = QStackedWidget()
        self._lists.addWidget(self.list)
        self._lists.addWidget(self._nothing)
        close = button("arrivals_close", "quiet")
        close.setText(tr("ui.close"))
        close.clicked.connect(self.reject)
        for part in (title, about):
            layout.addWidget(part)
        layout.addWidget(self._lists, 1)
        layout.addWidget(close, alignment=Qt.AlignmentFlag.AlignRight)
        self._list_page = page
        self._stack.addWidget(page)

    def _build_question(self) -> None:
        tr = self._context.tr
        page = QWidget()
        layout = column(page, margin=0, spacing=0)
        head = card("arrival_card", "plain")
        inside = column(head, margin=24, spacing=8)
        back, aside = button("arrival_back", "quiet"), button("arrival_aside", "quiet")
        self._icons.add(back, "back")
        back.setText(tr("network.inbox.back"))
        aside.setText(tr("network.inbox.aside"))
        back.clicked.connect(self._back)
        aside.clicked.connect(self._set_aside)
        buttons = row()
        buttons.addWidget(back)
        buttons.addStretch(1)
        buttons.addWidget(aside)
        self._name = label("arrival_name", "title", wrap=True, selectable=True)
        self._facts = label("arrival_facts", "muted", wrap=True)
        self._doubt = label("arrival_doubt", wrap=True)
        self._likely_words = label("arrival_likely_words", "strong")
        self._likely_words.setText(tr("network.inbox.likely"))
        self.likely = RowList(self._context, "arrival_likely")
        self.likely.setAccessibleName(tr("network.inbox.likely"))
        self.likely.chosen.connect(self._file)
        inside.addLayout(buttons)
        for part in (self._name, self._facts, self._doubt, self._likely_words, self.likely):
            inside.addWidget(part)
        self.finder = PatientFinder(self._context)
        self.finder.chosen.connect(self._file)
        self.finder.register_requested.connect(self._register)
        layout.addWidget(head)
        layout.addWidget(self.finder, 1)
        self._question = page
        self._stack.addWidget(page)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc goes back to the list first."""
        if event.key() == Qt.Key.Key_Escape and self._stack.currentWidget() is not self._list_page:
            self._back()
        else:
            super().keyPressEvent(event)

    # The list

    def _load(self) -> None:
        clinic = self._context.open_clinic

        def work(job: "Job") -> "tuple[WaitingStudy, ...]":
            return workflow.waiting_arrivals(clinic, job)

        self._context.operations.run(work, initiator=self, done=self._show)

    def _show(self, waiting: "tuple[WaitingStudy, ...]") -> None:
        self._waiting = waiting
        self.list.set_rows([self._row(study) for study in waiting], select_first=True)
        self._lists.setCurrentWidget(self.list if waiting else self._nothing)
        self._back()

    def _row(self, study: "WaitingStudy") -> Row:
        tr = self._context.tr
        parts = (
            *self._said(study.header),
            tr("network.inbox.images", count=len(study.arrivals)),
            tr("network.inbox.from", device=study.sent_by, time=moment(self._context, study.received)),
        )
        doubt = tr(f"network.doubt.{study.doubt.value}")
        return Row(study.arrivals[0], self._name_in(study.header), " · ".join(parts), doubt, Tone.CAUTION)

    def _name_in(self, header: FileHeader) -> str:
        names = [" ".join(group.replace("^", " ").split()) for group in header.name_groups]
        return " / ".join(name for name in names if name) or self._context.tr("network.inbox.nameless")

    def _said(self, header: FileHeader) -> list[str]:
        """What an object says of its patient and itself."""
        tr, born = self._context.tr, header.birth_date
        said = [header.modality.value]
        if born is not None:
            day = format_date(born.earliest, self._context.language) if born.day is not None else str(born)
            said.append(tr("network.inbox.born", day=day))
        if header.sex is not None:
            said.append(tr(f"patients.sex.{header.sex.value}"))
        if header.patient_number:
            said.append(tr("patients.number", number=header.patient_number))
        return said

    def _back(self) -> None:
        self._chosen = None
        self._stack.setCurrentWidget(self._list_page)
        (self.list if self._waiting else self.findChild(QWidget, "arrivals_close") or self).setFocus()

    # One study

    def _choose(self, key: str) -> None:
        self._chosen = next((study for study in self._waiting if study.arrivals[0] == key), None)
        study = self._chosen
        if study is None:
            return
        row = self._row(study)
        self._name.setText(row.title)
        self._facts.setText(row.subtitle)
        self._doubt.setText(row.remark)
        likely = study.likely[:_MOST_LIKELY]
        self.likely.set_rows(
            [Row(one.id, one.display_name, facts(self._context, one)) for one in likely], select_first=True
        )
        self.likely.fit_height()
        self.likely.setVisible(bool(likely))
        self._likely_words.setVisible(bool(likely))
        self._search()
        if likely:
            self.likely.setFocus()

    def _search(self) -> None:
        self._stack.setCurrentWidget(self._question)
        self.finder.start_over()
        self.finder.activated()

    def _register(self, typed: str) -> None:
        self._stack.setCurrentWidget(self.form)
        self.form.begin()

    def _saved(self, patient: Patient) -> None:
        self._file(patient.id)

    def _file(self, patient: str, reason: str | None = None) -> None:
        study = self._chosen
        if study is None or self._filing:
            return
        self._filing, self._patient = True, PatientId(patient)
        clinic = self._context.open_clinic
        self._context.operations.run(
            partial(_file_arrivals, clinic, study, self._patient, reason),
            initiator=self,
            done=self._filed,
            failed=self._refused,
            ended=self._ready,
            title=self._context.tr("network.progress.filing"),
        )

    def _filed(self, filed: "ArrivalsFiled") -> None:
        self._context.toast(self._context.tr("network.inbox.filed"))
        self._context.network.ask_models(filed.studies)
        self._load()

    def _refused(self, error: Exception) -> None:
        if isinstance(error, workflow.NameMismatch) and self._chosen is not None:
            dialog = MismatchDialog(self._context, error, Path(self._chosen.sent_by), self)
            dialog.accepted_with.connect(self._file_all_the_same)
            dialog.open()
        else:
            self._context.show_error(error, self)

    def _file_all_the_same(self, reason: str) -> None:
        self._file(self._patient, reason)

    def _set_aside(self) -> None:
        if self._chosen is not None:
            self._context.network.put_aside(self._chosen.arrivals)

    def _on_changed(self, changes: Changes, initiator: QObject | None) -> None:
        if changes.network and initiator is not self and self._context.clinic is not None and self.isVisible():
            self._load()

    def _ready(self) -> None:
        self._filing = False


def _file_arrivals(
    clinic: "workflow.Clinic", study: "WaitingStudy", patient: PatientId, reason: str | None, job: "Job"
) -> "ArrivalsFiled":
    return workflow.file_arrivals(clinic, job, study.arrivals, patient, reason)
