"""Which other record is the same person: the likely ones first with reasons, everybody else by searching."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from desktop import workflow
from desktop.records import DuplicateCandidate, Patient, PatientMatch
from desktop.ui.patients.search_field import SearchField
from desktop.ui.patients.words import facts, patient_row, reasons_text
from desktop.ui.widgets.empty_state import EmptyState
from desktop.ui.widgets.parts import Icons, Texts, button, column, label, row
from desktop.ui.widgets.rows import Row, RowList, Tone

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext


@dataclass(frozen=True)
class _Answer:
    """What one question found: likely ones where nothing was typed, else whoever fits the words."""

    number: int
    text: str
    likely: tuple[DuplicateCandidate, ...] = ()
    matches: tuple[PatientMatch, ...] = ()


class MergeFinder(QWidget):
    """Signals: chosen(patient id of the other record); left."""

    chosen = Signal(str)
    left = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("merge_finder")
        self._context = context
        self._texts = Texts(context)
        self._icons = Icons(context)
        self._patient: Patient | None = None
        self._answer: _Answer | None = None
        self._title = label("merge_find_title", "title", wrap=True)
        self._texts.add(self._title.setText, "merging.find.title")
        self._heading = label("merge_find_heading", "heading")
        self._list = RowList(context, "merge_candidates")
        self._texts.add(self._list.setAccessibleName, "merging.find.title")
        self._list.chosen.connect(self.chosen)
        self.search = SearchField(context, "merge_search", self._list)
        self.search.asked.connect(self._ask)
        self.search.returnPressed.connect(self._list.choose_current)
        self._empty = EmptyState(context, "merge_nobody", "patients", has_button=False)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._list)
        self._stack.addWidget(self._empty)
        self._build()

    def begin(self, patient: Patient) -> None:
        """Look for other records of somebody."""
        self.clear()
        self._patient = patient
        self._ask()
        self.search.setFocus()

    def activated(self) -> None:
        """Ready to type."""
        self.search.setFocus()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self.search.retranslate()
        self._fill()

    def clear(self) -> None:
        """Forget everybody."""
        self._patient = self._answer = None
        self.search.forget()
        self._fill()

    def _build(self) -> None:
        back = button("merge_find_back", "quiet")
        self._icons.add(back, "back")
        self._texts.add(back.setText, "merging.back")
        back.clicked.connect(self.left)
        head = row()
        head.addWidget(back)
        head.addStretch(1)
        about = label(role="muted", wrap=True)
        self._texts.add(about.setText, "merging.find.about")
        layout = column(self, margin=24, spacing=12)
        layout.addLayout(head)
        layout.addWidget(self._title)
        layout.addWidget(about)
        layout.addWidget(self.search)
        layout.addWidget(self._heading)
        layout.addWidget(self._stack, 1)

    def _ask(self) -> None:
        patient = self._patient
        if patient is None or self._context.clinic is None:
            return
        clinic, number, text = self._context.open_clinic, self.search.next_question(), self.search.text().strip()

        def work(job: "Job") -> _Answer:
            if text:
                return _Answer(number, text, matches=workflow.search_patients(clinic, job, text))
            draft = workflow.PatientDraft.of(patient)
            return _Answer(number, text, likely=workflow.possible_duplicates(clinic, job, draft, besides=patient.id))

        self._context.operations.run(work, initiator=self, done=self._show)

    def _show(self, answer: _Answer) -> None:
        if self.search.is_latest(answer.number):
            self._answer = answer
            self._fill()

    def _fill(self) -> None:
        tr, answer, patient = self._context.tr, self._answer, self._patient
        rows: list[Row] = []
        if answer is not None and patient is not None:
            others = [match for match in answer.matches if match.patient.id != patient.id]
            rows = [patient_row(self._context, match) for match in others]
            rows += [self._likely_row(one) for one in answer.likely if one.patient.id != patient.id]
        searched = answer is not None and bool(answer.text)
        self._list.set_rows(rows, select_first=True)
        self._stack.setCurrentWidget(self._list if rows or answer is None else self._empty)
        text = answer.text if answer is not None else ""
        self._empty.set_texts(tr("merging.find.none" if searched else "merging.find.no_likely", text=text))
        self._heading.setText(tr("merging.find.found" if searched else "merging.find.likely") if rows else "")
        self._heading.setVisible(bool(rows))

    def _likely_row(self, candidate: DuplicateCandidate) -> Row:
        other = candidate.patient
        remark = reasons_text(self._context, candidate)
        return Row(other.id, other.display_name, facts(self._context, other), remark, Tone.CAUTION)
