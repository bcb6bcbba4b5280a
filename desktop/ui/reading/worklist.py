"""The films that wait for somebody to read them."""

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from desktop import workflow
from desktop.access import Permission
from desktop.i18n import format_date
from desktop.records import Changes, ImagingStudy, StudySummary
from desktop.ui.context import UiContext
from desktop.ui.widgets.empty_state import EmptyState
from desktop.ui.widgets.parts import button, column, label, row
from desktop.ui.widgets.rows import Row, RowList, Tone

LIMIT = 50


def study_words(context: UiContext, study: ImagingStudy) -> str:
    """When and what: the day on the film, or the day it was brought in, then modality and body part."""
    parts = []
    if study.started is not None:
        parts.append(format_date(study.started, context.language))
    else:
        added = format_date(study.added.astimezone().date(), context.language)
        parts.append(context.tr("reading.study.added", day=added))
    parts.append(context.tr(f"reading.modality.{study.modality.value}"))
    body = next((i.body_part for i in study.instances if i.body_part), "")
    if body:
        key = f"reading.body.{body.lower()}"
        parts.append(context.tr(key) if context.has_text(key) else body)
    return " · ".join(parts)


def state_words(context: UiContext, summary: StudySummary) -> tuple[str, Tone]:
    """How far the reading is."""
    if summary.signed:
        return context.tr("reading.state.signed"), Tone.GOOD
    if summary.has_impression:
        return context.tr("reading.state.read"), Tone.CAUTION
    return context.tr("reading.state.waiting"), Tone.NEXT


class Worklist(QWidget):
    """Signals: chosen(study id); import_asked()."""

    chosen = Signal(str)
    import_asked = Signal()

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("worklist")
        self._context = context
        self._studies: tuple[StudySummary, ...] = ()
        self._title = label("worklist_title", "title")
        self._import = button("worklist_import", "")
        self._import.clicked.connect(self.import_asked)
        self.rows = RowList(context, "worklist_rows")
        self.rows.chosen.connect(self.chosen)
        self._empty = EmptyState(context, "worklist_empty", "reading")
        self._empty.pressed.connect(self.import_asked)
        head = row(spacing=8)
        head.addWidget(self._title, 1)
        head.addWidget(self._import)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.rows)
        self._stack.addWidget(self._empty)
        layout = column(self, margin=16, spacing=12)
        layout.addLayout(head)
        layout.addWidget(self._stack, 1)
        context.changed.connect(self._on_changes)
        self.retranslate()

    @property
    def studies(self) -> tuple[StudySummary, ...]:
        """What is listed."""
        return self._studies

    def load(self) -> None:
        """Read the list again."""
        clinic = self._context.clinic
        if clinic is None or not clinic.session.may(Permission.VIEW_IMAGES):
            return
        self._context.operations.run(lambda job: workflow.worklist(clinic, job, LIMIT), initiator=self, done=self._take)

    def clear(self) -> None:
        """Forget every name."""
        self._studies = ()
        self.rows.set_rows(())

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        self._title.setText(tr("reading.worklist"))
        self._import.setText(tr("reading.import"))
        self._empty.set_texts(tr("reading.worklist.empty"), tr("reading.import"))
        self._show()

    def focus_rows(self) -> None:
        """Put the focus where Enter opens the next film."""
        (self.rows if self._studies else self._empty).setFocus()

    def _take(self, studies: tuple[StudySummary, ...]) -> None:
        if self._context.clinic is None:
            return
        self._studies = studies
        self._show()

    def _show(self) -> None:
        made = []
        for summary in self._studies:
            remark, tone = state_words(self._context, summary)
            words = study_words(self._context, summary.study)
            made.append(Row(summary.study.id, summary.patient_name, words, remark, tone))
        self.rows.set_rows(made, select_first=True)
        self._stack.setCurrentWidget(self.rows if made else self._empty)
        self._import.setVisible(bool(made))

    def _on_changes(self, changes: Changes, initiator: QObject | None) -> None:
        if changes.studies or changes.impressions or changes.reports or changes.patients:
            self.load()
