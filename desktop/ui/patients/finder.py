"""The list of patients: search as you type."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from desktop import workflow
from desktop.records import PatientMatch
from desktop.ui.patients.search_field import SearchField
from desktop.ui.patients.unsaved import UnsavedList
from desktop.ui.patients.words import patient_row
from desktop.ui.widgets.empty_state import EmptyState
from desktop.ui.widgets.parts import Icons, Texts, button, column, label, row
from desktop.ui.widgets.rows import RowList

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext


@dataclass(frozen=True)
class _Answer:
    """What one question found."""

    number: int
    text: str
    matches: tuple[PatientMatch, ...]


class PatientFinder(QWidget):
    """Signals: chosen(patient id); register_requested(text typed so far)."""

    chosen = Signal(str)
    register_requested = Signal(str)

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("patient_finder")
        self._context = context
        self._texts = Texts(context)
        self._icons = Icons(context)
        self._matches: tuple[PatientMatch, ...] = ()
        self._asked = ""
        self._answered = False
        self._answered_number = 0
        self._open_first = False
        self._build()
        self.retranslate()

    def reload(self) -> None:
        """Ask again for what stands in the search field; older answers are dropped."""
        if self._context.clinic is None:
            return
        clinic, number, text = self._context.open_clinic, self.search.next_question(), self.search.text().strip()

        def work(job: "Job") -> _Answer:
            return _Answer(number, text, workflow.search_patients(clinic, job, text))

        self._context.operations.run(work, initiator=self, done=self._show)

    def activated(self) -> None:
        """Ready to type a name."""
        self.reload()
        self.search.setFocus()
        self.search.selectAll()

    def start_over(self) -> None:
        """An empty search field."""
        self.search.setText("")
        self.search.setFocus()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self.search.retranslate()
        self.begun.retranslate()
        self._fill()

    def clear(self) -> None:
        """Forget everybody."""
        self._matches = ()
        self._asked = ""
        self._answered = self._open_first = False
        self.begun.show_work(())
        self.search.forget()
        self._fill()

    def _build(self) -> None:
        title = label("patients_title", "title")
        self._texts.add(title.setText, "patients.title")
        self._register = button("register_patient", "primary")
        self._icons.add(self._register, "person-plus")
        self._texts.add(self._register.setText, "patients.register")
        self._register.clicked.connect(self._ask_register)
        head = row()
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(self._register)
        self.begun = UnsavedList(self._context, "finder_begun", with_name=True)
        self._list = RowList(self._context, "patient_list")
        self._texts.add(self._list.setAccessibleName, "patients.title")
        self._list.chosen.connect(self.chosen)
        self.search = SearchField(self._context, "patient_search", self._list)
        self.search.asked.connect(self.reload)
        self.search.textChanged.connect(self._typed)
        self.search.returnPressed.connect(self._enter)
        self._empty = EmptyState(self._context, "patients_empty", "patients")
        self._empty.pressed.connect(self._ask_register)
        self._count = label("patients_count", "small")
        self._stack = QStackedWidget()
        self._stack.addWidget(self._list)
        self._stack.addWidget(self._empty)
        layout = column(self, margin=24, spacing=12)
        layout.addLayout(head)
        layout.addWidget(self.begun)
        layout.addWidget(self.search)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self._count)
        QWidget.setTabOrder(self.search, self._list)

    def _show(self, answer: _Answer) -> None:
        if not self.search.is_latest(answer.number):
            return
        self._matches, self._asked, self._answered = answer.matches, answer.text, True
        self._answered_number = answer.number
        self._fill()
        if self._open_first:
            self._open_first = False
            self._list.choose_current()

    def _fill(self) -> None:
        tr = self._context.tr
        self._list.set_rows([patient_row(self._context, match) for match in self._matches], select_first=True)
        self._stack.setCurrentWidget(self._list if self._matches or not self._answered else self._empty)
        key = "patients.none_found" if self._asked else "patients.empty"
        self._empty.set_texts(tr(key, text=self._asked), tr("patients.register"))
        if not self._matches:
            self._count.setText("")
        elif self._asked:
            self._count.setText(tr("patients.count", count=len(self._matches)))
        else:
            self._count.setText(tr("patients.recent"))

    def _typed(self) -> None:
        self._open_first = False

    def _enter(self) -> None:
        """Open the first match; where the answer is still on its way, as soon as it is there."""
        if self.search.waits:
            self.reload()
        if self.search.is_latest(self._answered_number):
            self._list.choose_current()
        else:
            self._open_first = True

    def _ask_register(self) -> None:
        self.register_requested.emit(self._asked if not self._matches else "")
