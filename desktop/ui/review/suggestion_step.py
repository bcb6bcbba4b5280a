"""Step 2: what the model suggests, sealed until the doctor has read."""

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.records import AnalysisStatus, Suggestion, SuggestionId
from desktop.ui.context import UiContext
from desktop.ui.reading.sitting import Sitting
from desktop.ui.reading.step_card import StepCard, StepState, paragraph, set_paragraph
from desktop.ui.review import words
from desktop.ui.review.beats_view import BeatsView
from desktop.ui.review.counts_view import CountsView
from desktop.ui.review.finding_view import FindingView
from desktop.ui.review.suggestion_place import SuggestionPlace
from desktop.ui.viewers.overlay import overlay_of


class SuggestionStep(StepCard):
    """Says why the suggestion is sealed, that it is on its way, why there is none, or what it is. Of several one is
    shown at a time.

    Signals: overlay_asked(bool) for the switch of the overlay; again_asked() to ask the models once more;
    stepped(int) to see another suggestion; similar_asked and hiding_asked as those of a finding.
    """

    overlay_asked = Signal(bool)
    again_asked = Signal()
    stepped = Signal(int)
    similar_asked = Signal(object, str)
    hiding_asked = Signal(object, str)

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(2, parent)
        self._context = context
        self._sitting: Sitting | None = None
        self._shown: Suggestion | None = None
        self._doubts: Mapping[tuple[SuggestionId, str], str] = {}
        self._findings: list[FindingView] = []
        self._counts: list[CountsView] = []
        self._beats: list[BeatsView] = []
        self._place = SuggestionPlace(context, self)
        self._place.stepped.connect(self.stepped)
        self._say = paragraph("suggestion_words", "body", self)
        self._list = QVBoxLayout()
        self._list.setSpacing(12)
        self._small = paragraph("suggestion_provenance", "small", self)
        self.why = self._toggle("suggestion_why")
        self.limits = self._toggle("suggestion_limits")
        self.overlay = self._toggle("suggestion_overlay")
        self._again = QPushButton(self)
        self._again.setObjectName("suggestion_again")
        self._again.setProperty("role", "quiet")
        self._again.clicked.connect(self.again_asked)
        self.why.toggled.connect(self._show_why)
        self.limits.toggled.connect(self._show_limits)
        self.overlay.clicked.connect(self.overlay_asked)
        row = QHBoxLayout()
        row.setSpacing(4)
        for button in (self.why, self.limits, self.overlay):
            row.addWidget(button)
        row.addStretch(1)
        self.body.addWidget(self._place)
        self.body.addWidget(self._say)
        self.body.addLayout(self._list)
        self.body.addLayout(row)
        self.body.addWidget(self._small)
        self.body.addWidget(self._again)

    def _toggle(self, name: str) -> QPushButton:
        button = QPushButton(self)
        button.setObjectName(name)
        button.setProperty("role", "quiet")
        button.setCheckable(True)
        return button

    # What is shown

    def show_sitting(self, sitting: Sitting, shown: Suggestion | None) -> None:
        """Where the reading stands now. shown: the suggestion in turn."""
        self._sitting = sitting
        if shown is not self._shown and (shown is None or self._shown is None or shown.id != self._shown.id):
            self._build(shown)
        self.retranslate()

    def show_doubts(self, doubts: Mapping[tuple[SuggestionId, str], str]) -> None:
        """What does not fit the chart, by suggestion and finding; the others fit as far as is known."""
        self._doubts = doubts
        for view in self._findings:
            view.show_doubt(doubts.get(view.key, ""))

    def show_hidden(self, said: Mapping[tuple[SuggestionId, str], str]) -> None:
        """What became of a finding when parts were hidden, by suggestion and finding."""
        for view in self._findings:
            view.show_hidden(said.get(view.key, ""))

    def fold(self) -> None:
        """Close what was opened to decide; the steps below need the room."""
        self.why.setChecked(False)
        self.limits.setChecked(False)

    def clear(self) -> None:
        """Forget every word."""
        self._sitting = None
        self._doubts = {}
        self._build(None)
        self._place.hide()
        set_paragraph(self._say, "")
        set_paragraph(self._small, "")
        self._again.hide()
        for button in (self.why, self.limits, self.overlay):
            button.setChecked(False)
            button.hide()

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        self.set_words(tr("reading.step.suggestion"), self._note_words())
        self.why.setText(tr("review.why"))
        self.limits.setText(tr("review.limits"))
        laid = overlay_of([self._shown.analysis] if self._shown is not None else [], None)
        self.overlay.setText(tr(f"review.overlay.{laid.kind.value}" if laid is not None else "review.overlay.overlay"))
        self._again.setText(tr("review.again"))
        for button in (self.why, self.limits, self.overlay):
            button.setMinimumWidth(_room_for_bold(button))
        for view in self._views():
            view.retranslate()
        sitting = self._sitting
        if sitting is None:
            return
        set_paragraph(self._say, self._words(sitting))
        self._place.show_place(sitting, self._shown)
        made = words.provenance_line(self._context, self._shown) if self._shown is not None else ""
        set_paragraph(self._small, made)
        self.why.setVisible(bool(self._findings))
        self.limits.setVisible(bool(self._findings or self._counts))
        self.overlay.setVisible(laid is not None)
        self._again.setVisible(not sitting.asking and sitting.failure is not None and self._shown is None)
        self.set_state(self._step_state(sitting))

    def _step_state(self, sitting: Sitting) -> StepState:
        if sitting.reading.sealed:
            return StepState.LATER
        if self._findings and sitting.reading.undecided and not sitting.signed:
            return StepState.NOW
        return StepState.DONE if self._shown is not None else StepState.LATER

    def _note_words(self) -> str:
        sitting = self._sitting
        if sitting is None or not sitting.reading.sealed or sitting.no_model:
            return ""
        return self._context.tr("review.sealed.note")

    def _words(self, sitting: Sitting) -> str:
        """What to say above, or instead of, the findings."""
        tr = self._context.tr
        if sitting.no_model:
            return tr("review.none")
        if sitting.reading.sealed:
            return tr("review.sealed")
        if self._shown is not None:
            refused = self._shown.analysis.status is not AnalysisStatus.OK
            return words.refusal(self._context, self._shown) if refused else ""
        if sitting.asking:
            return tr("review.pending")
        if sitting.failure is not None:
            return tr("review.none.failed", reason=tr(sitting.failure.key, **sitting.failure.details))
        return tr("review.none") if sitting.signed else tr("review.pending")

    def _build(self, shown: Suggestion | None) -> None:
        for view in self._views():
            self._list.removeWidget(view)
            view.hide()
            view.deleteLater()
        self._shown = shown
        analysis = shown.analysis if shown is not None else None
        self._findings, self._counts, self._beats = [], [], []
        if shown is not None and analysis is not None:
            self._findings = [FindingView(self._context, shown, finding, self) for finding in analysis.findings]
            if analysis.counts:
                self._counts = [CountsView(self._context, shown, self)]
            if analysis.beats:
                self._beats = [BeatsView(self._context, shown, self._rate_of(shown), self)]
        for made in self._findings:
            made.similar_asked.connect(self.similar_asked)
            made.hiding_asked.connect(self.hiding_asked)
            made.show_doubt(self._doubts.get(made.key, ""))
        for view in self._views():
            self._list.addWidget(view)
        self._show_why(self.why.isChecked())
        self._show_limits(self.limits.isChecked())

    def _views(self) -> list[FindingView | CountsView | BeatsView]:
        return [*self._findings, *self._counts, *self._beats]

    def _rate_of(self, suggestion: Suggestion) -> float | None:
        """Samples a second of the recording a suggestion is about."""
        recording = self._sitting.study.recordings.get(suggestion.instance) if self._sitting is not None else None
        return recording.main.rate if recording is not None else None

    def _show_why(self, shown: bool) -> None:
        for view in self._findings:
            view.show_why(shown)

    def _show_limits(self, shown: bool) -> None:
        views: list[FindingView | CountsView] = [*self._findings, *self._counts]
        for view in views:
            view.show_limits(shown)


def _room_for_bold(button: QPushButton) -> int:
    """A pressed-in switch is bold: it must not need more room than it has."""
    font = QFont(button.font())
    font.setWeight(QFont.Weight.DemiBold)
    return QFontMetrics(font).horizontalAdvance(button.text()) + 36
