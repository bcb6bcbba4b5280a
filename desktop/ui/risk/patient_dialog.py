"""Whose values the form shall be filled with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QWidget

from desktop import workflow
from desktop.records import PatientMatch
from desktop.ui.patients.search_field import SearchField
from desktop.ui.patients.words import patient_row
from desktop.ui.widgets.parts import button, column, label, row
from desktop.ui.widgets.rows import RowList

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext

_SIZE = (640, 480)


@dataclass(frozen=True)
class _Answer:
    """What one question found."""

    number: int
    text: str
    matches: tuple[PatientMatch, ...]


class PatientDialog(QDialog):
    """Search while typing; Enter takes the row. Signal: chosen(patient id)."""

    chosen = Signal(str)

    def __init__(self, context: "UiContext", parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("risk_patient_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(context.tr("risk.patient.choose"))
        self.resize(*_SIZE)
        self._context = context
        self._list = RowList(context, "risk_patients")
        self._list.setAccessibleName(context.tr("patients.title"))
        self.search = SearchField(context, "risk_patient_search", self._list)
        self._none = label("risk_patients_none", "muted", wrap=True)
        self._none.hide()
        close = button("risk_patient_close", "quiet")
        close.setText(context.tr("ui.close"))
        close.setAutoDefault(False)
        layout = column(self, margin=16, spacing=12)
        layout.addWidget(self.search)
        layout.addWidget(self._none)
        layout.addWidget(self._list, 1)
        foot = row()
        foot.addStretch(1)
        foot.addWidget(close)
        layout.addLayout(foot)
        self.search.asked.connect(self.ask)
        self.search.returnPressed.connect(self._list.choose_current)
        self._list.chosen.connect(self._choose)
        close.clicked.connect(self.reject)
        self.search.setFocus()
        self.ask()

    def ask(self) -> None:
        """Search for what stands in the field."""
        clinic, number, text = self._context.open_clinic, self.search.next_question(), self.search.text().strip()

        def work(job: "Job") -> _Answer:
            return _Answer(number, text, workflow.search_patients(clinic, job, text))

        self._context.operations.run(work, initiator=self, done=self._show)

    def _show(self, answer: _Answer) -> None:
        if not self.search.is_latest(answer.number):
            return
        self._list.set_rows([patient_row(self._context, match) for match in answer.matches], select_first=True)
        self._none.setText(
            self._context.tr("patients.none_found" if answer.text else "patients.empty", text=answer.text)
        )
        self._none.setVisible(not answer.matches)

    def _choose(self, patient: str) -> None:
        self.chosen.emit(patient)
        self.accept()
