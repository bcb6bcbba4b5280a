"""The list of patients: search as you type."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QStackedWidget, QWidget

from desktop import workflow
from desktop.records import PatientMatch
from desktop.ui.patients.unsaved import UnsavedList
from desktop.ui.patients.words import patient_row
from desktop.ui.widgets.empty_state import EmptyState
from desktop.ui.widgets.parts import Icons, Texts, button, column, label, row
from desktop.ui.widgets.rows import RowList

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext

_PAUSE_MILLISECONDS = 80


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
        self._number = 0
        self._matches: tuple[PatientMatch, ...] = ()
        self._asked = ""
        self._answered = False
        self._answered_number = 0
        self._open_first = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MILLISECONDS)
        self._pause.timeout.connect(self.reload)
        self._build()
        self.retranslate()

    def reload(self) -> None:
        """Ask again for what stands in the search field; older answers are dropped."""
        if self._context.clinic is None:
            return
        self._pause.stop()
        self._number += 1
        clinic, number, text = self._context.open_clinic, self._number, self.search.text().strip()

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
        self.begun.retranslate()
        self._fill()

    def clear(self) -> None:
        """Forget everybody."""
        self._pause.stop()
        self._number += 1
        self._matches = ()
        self._asked = ""
        self._answered = self._open_first = False
        self.begun.show_work(())
        self.search.blockSignals(True)
        self.search.setText("")
        self.search.blockSignals(False)
        self._fill()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrow keys and Enter in the search field act on the list."""
        moves = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp)
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in moves:
            self._list.keyPressEvent(event)
            return True
        return False

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
        self.search = QLineEdit()
        self.search.setObjectName("patient_search")
        self.search.setProperty("role", "search")
        self.search.setClearButtonEnabled(True)
        self._texts.add(self.search.setPlaceholderText, "patients.search.placeholder")
        self._texts.add(self.search.setAccessibleName, "patients.search")
        self.search.textChanged.connect(self._typed)
        self.search.returnPressed.connect(self._enter)
        self.search.installEventFilter(self)
        self._list = RowList(self._context, "patient_list")
        self._texts.add(self._list.setAccessibleName, "patients.title")
        self._list.chosen.connect(self.chosen)
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
        if answer.number != self._number:
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
        self._pause.start()

    def _enter(self) -> None:
        """Open the first match; where the answer is still on its way, as soon as it is there."""
        if self._pause.isActive():
            self.reload()
        if self._answered_number == self._number:
            self._list.choose_current()
        else:
            self._open_first = True

    def _ask_register(self) -> None:
        self.register_requested.emit(self._asked if not self._matches else "")
