"""The papers about a patient, on the chart: a list, the newest first, and a short form for another one."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QScrollArea, QStackedWidget, QWidget

from desktop import workflow
from desktop.access import Permission
from desktop.i18n import format_date
from desktop.records import DocumentReference, PatientId, UserId
from desktop.ui.patients.document_form import DocumentForm
from desktop.ui.widgets.empty_state import EmptyState
from desktop.ui.widgets.file_dialog import file_dialog
from desktop.ui.widgets.parts import Icons, Texts, button, column, row
from desktop.ui.widgets.rows import Row, RowList

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.ui.patients.document_form import DocumentDraft
    from desktop.workflow import DocumentKept, DocumentShape, PatientChart


class DocumentsPart(QStackedWidget):
    """Signals: chosen(document id) to look at it."""

    chosen = Signal(str)

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("chart_documents")
        self._context = context
        self._texts = Texts(context)
        self._icons = Icons(context)
        self._patient: PatientId | None = None
        self._documents: tuple[DocumentReference, ...] = ()
        self._names: Mapping[UserId, str] = {}
        self._path: Path | None = None
        self._dialog: QFileDialog | None = None
        self._add = button("document_add")
        self._icons.add(self._add, "import")
        self._texts.add(self._add.setText, "documents.add")
        self._add.clicked.connect(self.choose_file)
        self._list = RowList(context, "document_list")
        self._texts.add(self._list.setAccessibleName, "patients.chart.documents")
        self._list.chosen.connect(self.chosen)
        self._empty = EmptyState(context, "documents_empty", "list")
        self._empty.pressed.connect(self.choose_file)
        self._nothing = EmptyState(context, "documents_nothing", "list", has_button=False)
        self._shown = QWidget()
        head = row()
        head.addWidget(self._add)
        head.addStretch(1)
        layout = column(self._shown, spacing=8)
        layout.addLayout(head)
        layout.addWidget(self._list, 1)
        self.form = DocumentForm(context)
        self.form.setProperty("role", "scroll")
        self.form.submitted.connect(self._keep)
        self.form.given_up.connect(self.close_form)
        self._form_page = QScrollArea()
        self._form_page.setWidgetResizable(True)
        self._form_page.setWidget(self.form)
        for page in (self._shown, self._empty, self._nothing, self._form_page):
            self.addWidget(page)
        self.retranslate()

    @property
    def asks(self) -> bool:
        """Whether the form is open."""
        return self.currentWidget() is self._form_page

    def show_chart(self, chart: "PatientChart | None") -> None:
        """Show somebody's papers."""
        patient = chart.patient.id if chart is not None else None
        if patient != self._patient:
            self._forget_file()
        self._patient = patient
        self._documents = chart.documents if chart is not None else ()
        self._names = chart.colleagues if chart is not None else {}
        self._fill()

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        self._texts.retranslate()
        self.form.retranslate()
        self._empty.set_texts(tr("documents.none"), tr("documents.add"))
        self._nothing.set_texts(tr("documents.nothing"))
        self._fill()

    def close_form(self) -> None:
        """Nothing is kept."""
        self._forget_file()
        self._fill()

    def choose_file(self) -> None:
        """Ask which file it is."""
        tr = self._context.tr
        dialog = file_dialog(self._context, self, tr("documents.choose"))
        dialog.setObjectName("document_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([tr("documents.filter"), tr("documents.filter.all")])
        dialog.fileSelected.connect(self.take_file)
        dialog.finished.connect(self._dialog_closed)
        self._dialog = dialog
        dialog.open()

    def take_file(self, name: str) -> None:
        """Look at a file that was chosen; one that can be shown is asked about."""
        clinic, path = self._context.open_clinic, Path(name)
        self._path = path

        def work(job: "Job") -> "DocumentShape":
            return workflow.look_at_file(clinic, job, path)

        # A stick that hangs must not hold up anybody's deeds.
        self._context.operations.run(work, initiator=self, done=self._ask, pool="media")

    def _fill(self) -> None:
        clinic = self._context.clinic
        may = clinic is not None and clinic.session.may(Permission.RECORD_VISITS)
        self._add.setVisible(may)
        self._list.set_rows([self._row(document) for document in self._documents], select_first=True)
        if not self.asks:
            self._show_list(may)

    def _show_list(self, may: bool) -> None:
        empty = self._empty if may else self._nothing
        self.setCurrentWidget(self._shown if self._documents or self._patient is None else empty)

    def _row(self, document: DocumentReference) -> Row:
        tr = self._context.tr
        kept = format_date(document.added.astimezone().date(), self._context.language)
        who = self._names.get(document.author, tr("merging.somebody"))
        return Row(document.id, document.title, f"{tr(f'documents.kind.{document.kind.value}')} · {kept} · {who}")

    def _ask(self, shape: "DocumentShape") -> None:
        if self._patient is not None and self._path is not None:
            self.form.begin(self._path)
            self.setCurrentWidget(self._form_page)
            self.form.focus_first()

    def _keep(self, draft: "DocumentDraft") -> None:
        clinic, patient = self._context.open_clinic, self._patient
        if patient is None:
            return

        def work(job: "Job") -> "DocumentKept":
            return workflow.add_document(clinic, job, draft.path, patient, kind=draft.kind, title=draft.title)

        self.form.set_ready(False)
        title = self._context.tr("documents.saving")
        self._context.operations.run(work, initiator=self, done=self._kept, ended=self._ready, title=title)

    def _kept(self, result: "DocumentKept") -> None:
        self._documents = (result.document, *self._documents)
        self.close_form()
        self._list.setCurrentIndex(self._list.rows.index(0))
        self._list.setFocus()
        self._context.toast(self._context.tr("documents.saved"))

    def _ready(self) -> None:
        self.form.set_ready(True)

    def _dialog_closed(self) -> None:
        if self._dialog is not None:
            self._dialog.deleteLater()
            self._dialog = None

    def _forget_file(self) -> None:
        self._path = None
        self.form.clear()
        if self.asks:
            self.setCurrentWidget(self._shown)
