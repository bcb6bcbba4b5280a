"""The Today destination: films waiting for a reading, who was here last, and the two things one does most."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop import workflow
from desktop.i18n import format_date
from desktop.records import Changes, PatientMatch, StudySummary
from desktop.ui.patients.words import patient_row, study_row, today
from desktop.ui.widgets.empty_state import EmptyState
from desktop.ui.widgets.parts import Icons, Texts, button, column, label, row
from desktop.ui.widgets.rows import RowList

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext

_WAITING_LIMIT = 200
_RECENT_LIMIT = 12


@dataclass(frozen=True)
class _Day:
    """What the screen shows."""

    studies: tuple[StudySummary, ...] = ()
    waiting: int = 0
    recent: tuple[PatientMatch, ...] = ()


class TodayScreen(QWidget):
    """Signals: register_requested, import_requested, study_chosen(id), patient_chosen(id)."""

    register_requested = Signal()
    import_requested = Signal()
    study_chosen = Signal(str)
    patient_chosen = Signal(str)

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("today_screen")
        self._context = context
        self._texts = Texts(context)
        self._icons = Icons(context)
        self._day = _Day()
        self._loaded = False
        layout = column(self, margin=24, spacing=16)
        layout.addLayout(self._build_head())
        lists = row(spacing=24)
        lists.addLayout(self._build_waiting(), 3)
        lists.addLayout(self._build_recent(), 2)
        layout.addLayout(lists, 1)
        context.changed.connect(self._on_changed)
        self.retranslate()

    def activated(self) -> None:
        """Called when the destination is shown."""
        self.reload()
        self._waiting.setFocus() if self._waiting.rows.rows else self._register.setFocus()

    def reload(self) -> None:
        """Ask the clinic again."""
        if self._context.clinic is None:
            return
        clinic = self._context.open_clinic

        def work(job: "Job") -> _Day:
            studies = workflow.worklist(clinic, job, _WAITING_LIMIT)
            waiting = workflow.count_waiting(clinic, job)
            return _Day(studies, waiting, workflow.recent_patients(clinic, job, _RECENT_LIMIT))

        self._context.operations.run(work, initiator=self, done=self._show)

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self._fill()

    def clear(self) -> None:
        """Forget everybody."""
        self._day = _Day()
        self._loaded = False
        self._fill()

    def _build_head(self) -> QHBoxLayout:
        self._title = label("today_title", "title")
        self._date = label("today_date", "muted")
        self._register = button("today_register", "primary")
        self._import = button("today_import")
        self._icons.add(self._register, "person-plus")
        self._icons.add(self._import, "import")
        self._texts.add(self._title.setText, "today.title")
        self._texts.add(self._register.setText, "patients.register")
        self._texts.add(self._import.setText, "today.import")
        self._register.clicked.connect(self.register_requested)
        self._import.clicked.connect(self.import_requested)
        head = row(spacing=12)
        head.addWidget(self._title)
        head.addWidget(self._date)
        head.addStretch(1)
        head.addWidget(self._import)
        head.addWidget(self._register)
        return head

    def _build_waiting(self) -> QVBoxLayout:
        self._waiting_title = label("today_waiting_title", "heading")
        self._waiting = RowList(self._context, "today_waiting")
        self._waiting.chosen.connect(self.study_chosen)
        self._texts.add(self._waiting.setAccessibleName, "today.waiting")
        self._nothing = EmptyState(self._context, "today_nothing", "reading", has_button=False)
        self._waiting_stack = QStackedWidget()
        self._waiting_stack.addWidget(self._waiting)
        self._waiting_stack.addWidget(self._nothing)
        made = column(spacing=8)
        made.addWidget(self._waiting_title)
        made.addWidget(self._waiting_stack, 1)
        return made

    def _build_recent(self) -> QVBoxLayout:
        title = label("today_recent_title", "heading")
        self._texts.add(title.setText, "today.recent")
        self._recent = RowList(self._context, "today_recent")
        self._recent.chosen.connect(self.patient_chosen)
        self._texts.add(self._recent.setAccessibleName, "today.recent")
        self._nobody = EmptyState(self._context, "today_nobody", "patients")
        self._nobody.pressed.connect(self.register_requested)
        self._recent_stack = QStackedWidget()
        self._recent_stack.addWidget(self._recent)
        self._recent_stack.addWidget(self._nobody)
        made = column(spacing=8)
        made.addWidget(title)
        made.addWidget(self._recent_stack, 1)
        return made

    def _show(self, day: _Day) -> None:
        first = not self._loaded
        self._day, self._loaded = day, True
        self._fill()
        if first and self.isVisible() and self._waiting.rows.rows:
            self._waiting.setFocus()

    def _fill(self) -> None:
        tr = self._context.tr
        unsigned = [summary for summary in self._day.studies if not summary.signed]
        self._date.setText(format_date(today(self._context), self._context.language))
        self._waiting_title.setText(self._waiting_words(len(unsigned)))
        self._waiting.set_rows(
            [study_row(self._context, summary, with_name=True) for summary in unsigned], select_first=True
        )
        self._waiting_stack.setCurrentWidget(self._waiting if unsigned or not self._loaded else self._nothing)
        self._nothing.set_texts(tr("today.nothing" if self._day.recent else "today.nothing.first"))
        recent = self._day.recent
        self._recent.set_rows([patient_row(self._context, match) for match in recent])
        self._recent_stack.setCurrentWidget(self._recent if recent or not self._loaded else self._nobody)
        self._nobody.set_texts(tr("today.nobody"), tr("patients.register"))

    def _waiting_words(self, listed: int) -> str:
        tr = self._context.tr
        if not listed:
            return tr("today.waiting")
        if listed < self._day.waiting:
            return tr("today.waiting.part", count=self._day.waiting, listed=listed)
        return tr("today.waiting.count", count=listed)

    def _on_changed(self, changes: Changes, initiator: QObject | None) -> None:
        concerned = changes.patients or changes.studies or changes.impressions or changes.reports
        if concerned and self.isVisible():
            self.reload()
