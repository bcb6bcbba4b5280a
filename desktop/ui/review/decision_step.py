"""Step 3: the doctor decides on each finding, adds what the model does not know, and says why where it helps."""

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.records import Decision, Finding, Question, Review, Suggestion, SuggestionId, Verdict
from desktop.ui.context import UiContext
from desktop.ui.reading.sitting import Sitting, StudyKind
from desktop.ui.reading.step_card import StepCard, StepState, paragraph, set_paragraph
from desktop.ui.review import words
from desktop.ui.review.choice import DecisionChoice
from desktop.ui.review.escaping_line import EscapingLine
from desktop.workflow.accepting import AtOnce, at_once

_FEWEST_AT_ONCE = 2
"""With one finding there is nothing to accept at once."""


@dataclass(frozen=True, eq=False)
class Subject:
    """What a decision is about: a finding of a suggestion, or (suggestion None) one the doctor added."""

    key: str
    suggestion: Suggestion | None
    finding: Finding | None

    @property
    def suggestion_id(self) -> SuggestionId | None:
        """Id of the suggestion it comes from."""
        return self.suggestion.id if self.suggestion is not None else None

    @property
    def question(self) -> Question:
        """What tells it from every other."""
        return Question(self.suggestion_id, self.key)


def subjects(sitting: Sitting, shown: Suggestion | None) -> tuple[Subject, ...]:
    """What there is to decide or was decided about the suggestion in turn, then what the doctor added."""
    said = [Subject(finding.key, shown, finding) for finding in shown.analysis.findings] if shown is not None else []
    added = [
        Subject(review.finding, None, None)
        for review in sitting.reading.current_reviews.values()
        if review.verdict is Verdict.ADDED
    ]
    return (*said, *added)


class DecisionStep(StepCard):
    """One line per finding of the suggestion in turn; the finding in turn takes the keys. at_once_words: what one key
    would accept, for the foot of the panel; empty where there is nothing to accept at once.

    Signals: decided(suggestion id, finding key, Verdict, Decision or None, reason); all_accepted(suggestion id) for
    what agrees with the impression; added(words, Decision, reason); region_asked(); history_asked(); turn_changed()
    when another finding is in turn; left() on Esc.
    """

    decided = Signal(object, str, object, object, str)
    all_accepted = Signal(object)
    added = Signal(str, object, str)
    region_asked = Signal()
    history_asked = Signal()
    turn_changed = Signal()
    left = Signal()

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(3, parent)
        self._context = context
        self._sitting: Sitting | None = None
        self._subjects: tuple[Subject, ...] = ()
        self._shown: Suggestion | None = None
        self._turn: Question | None = None
        self._rows: list[QPushButton] = []
        self._say = paragraph("decision_words", "body", self)
        self._list = QVBoxLayout()
        self._list.setSpacing(4)
        self._left_out = paragraph("accept_all_left", "muted", self)
        self._elsewhere = paragraph("undecided_elsewhere", "muted", self)
        self.at_once_words = ""
        self.choice = DecisionChoice(context, self)
        self.choice.hide()
        self.choice.chosen.connect(self._amended)
        self.choice.left.connect(self._stop_choosing)
        self.reason = EscapingLine("decision_reason", self)
        self.reason.returnPressed.connect(self._reason_given)
        self.reason.left.connect(self.left)
        self.new_words = EscapingLine("new_finding", self)
        self.new_words.returnPressed.connect(self._add)
        self.new_words.left.connect(self._stop_adding)
        self.new_value = QComboBox(self)
        self.new_value.setObjectName("new_finding_value")
        self.new_keep = self._button("new_finding_keep", "quiet")
        self.new_keep.clicked.connect(self._add)
        self._new = self._build_new()
        self.all = self._button("accept_all", "quiet")
        self.all.clicked.connect(self.accept_all)
        self.add = self._button("add_finding", "quiet")
        self.add.clicked.connect(self.start_adding)
        self.region = self._button("draw_region", "quiet")
        self.region.clicked.connect(self.region_asked)
        self.history = self._button("show_history", "quiet")
        self.history.clicked.connect(self.history_asked)
        row = QHBoxLayout()
        row.setSpacing(4)
        for button in (self.add, self.region, self.history):
            row.addWidget(button)
        row.addStretch(1)
        self.body.addWidget(self._say)
        self.body.addLayout(self._list)
        self.body.addWidget(self.all, 0, Qt.AlignmentFlag.AlignLeft)
        self.body.addWidget(self._left_out)
        self.body.addWidget(self.choice)
        self.body.addWidget(self.reason)
        self.body.addWidget(self._new)
        self.body.addLayout(row)
        self.body.addWidget(self._elsewhere)

    def _build_new(self) -> QWidget:
        made = QWidget(self)
        new = QVBoxLayout(made)
        new.setContentsMargins(0, 0, 0, 0)
        new.setSpacing(4)
        new.addWidget(self.new_words)
        below = QHBoxLayout()
        below.addWidget(self.new_value)
        below.addStretch(1)
        below.addWidget(self.new_keep)
        new.addLayout(below)
        made.hide()
        return made

    def _button(self, name: str, role: str) -> QPushButton:
        button = QPushButton(self)
        button.setObjectName(name)
        button.setProperty("role", role)
        button.setAutoDefault(True)
        return button

    # What is shown

    def show_sitting(self, sitting: Sitting, shown: Suggestion | None) -> None:
        """Where the reading stands now; the first undecided finding of the suggestion in turn (shown) is in turn."""
        self._sitting, self._shown = sitting, shown
        before = self.current
        self._subjects = subjects(sitting, shown)
        every = [subject.question for subject in self._subjects]
        decided = sitting.reading.current_reviews
        undecided = [question for question in every if question not in decided]
        if self._turn not in every or (undecided and self._turn not in undecided):
            self._turn = undecided[0] if undecided else (every[-1] if every else None)
        if self.choice.isVisibleTo(self) and (before is None or self._turn != before.question):
            self._stop_choosing()
        self.retranslate()
        self.turn_changed.emit()

    def clear(self) -> None:
        """Forget every word."""
        self._sitting, self._shown, self._subjects, self._turn = None, None, (), None
        self._build_rows()
        for line in (self.reason, self.new_words):
            line.clear()
        self._new.hide()
        self.choice.hide()
        for part in (self._say, self._left_out, self._elsewhere):
            set_paragraph(part, "")

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        self.set_words(tr("reading.step.decision"), self._note_words())
        self.reason.setPlaceholderText(tr("review.reason.placeholder"))
        self.new_words.setPlaceholderText(tr("review.new.placeholder"))
        self.new_keep.setText(tr("review.new.keep"))
        self.add.setText(tr("review.new"))
        self.region.setText(tr("review.region"))
        self.history.setText(tr("review.history"))
        self.choice.retranslate()
        chosen = max(self.new_value.currentIndex(), 0)
        self.new_value.clear()
        for decision in Decision:
            self.new_value.addItem(words.decision_word(self._context, decision), decision)
        self.new_value.setCurrentIndex(chosen)
        self._build_rows()
        sitting = self._sitting
        open_now = sitting is not None and sitting.writable and not sitting.reading.sealed
        read = sitting is not None and bool(sitting.reading.impressions)
        self._show_at_once(open_now=open_now)
        self.reason.setVisible(open_now and self.current is not None)
        self.add.setVisible(open_now and read)
        self.region.setVisible(open_now and read and sitting is not None and sitting.kind is StudyKind.FILM)
        self.history.setVisible(bool(sitting is not None and (sitting.reading.reviews or read)))
        if not open_now:
            self._new.hide()
            self.choice.hide()
        if sitting is not None:
            set_paragraph(self._say, self._words(sitting))
            self.set_state(self._step_state(sitting))

    def _show_at_once(self, *, open_now: bool) -> None:
        """What one key would accept, what it would leave out and why, and what else waits."""
        tr, sitting, shown, found = self._context.tr, self._sitting, self._shown, self._at_once()
        offered = open_now and len(found.taken) >= _FEWEST_AT_ONCE
        self.all.setText(tr("review.accept_all", count=len(found.taken)))
        self.all.setToolTip(tr("review.at_once.tip"))
        self.all.setVisible(offered)
        self.at_once_words = tr("review.at_once.hint", count=len(found.taken)) if offered else ""
        lines = [
            tr(
                f"review.at_once.left.{why.value}",
                finding=words.finding_name(self._context, shown, finding),
                decision=words.decision_word(self._context, finding.decision),
            )
            for finding, why in found.left
            if shown is not None
        ]
        set_paragraph(self._left_out, tr("review.at_once.left", which="\n".join(lines)) if offered and lines else "")
        others = ""
        if open_now and sitting is not None and shown is not None:
            others = words.open_questions(self._context, sitting, but=shown.id)
        set_paragraph(self._elsewhere, tr("review.open.elsewhere", which=others) if others else "")

    def _at_once(self) -> AtOnce:
        if self._sitting is None or self._shown is None:
            return AtOnce()
        return at_once(self._context.registry, self._sitting.reading, self._shown)

    def _step_state(self, sitting: Sitting) -> StepState:
        if sitting.reading.sealed or not sitting.reading.impressions or _still_open(sitting):
            return StepState.LATER
        return StepState.NOW if sitting.reading.undecided and not sitting.signed else StepState.DONE

    def _note_words(self) -> str:
        sitting = self._sitting
        if sitting is None or sitting.reading.sealed or not sitting.reading.undecided:
            return ""
        return self._context.tr("review.undecided", count=len(sitting.reading.undecided))

    def _words(self, sitting: Sitting) -> str:
        if sitting.reading.sealed or not sitting.reading.impressions or self._subjects or _still_open(sitting):
            return ""
        return self._context.tr("review.nothing_to_decide")

    def _build_rows(self) -> None:
        for row in self._rows:
            self._list.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = []
        if self._sitting is None:
            return
        decided = self._sitting.reading.current_reviews
        for number, subject in enumerate(self._subjects):
            row = self._button(f"decision_row_{number}", "choice")
            row.setStyleSheet("text-align: left;")
            row.setCheckable(True)
            row.setChecked(subject.question == self._turn and len(self._subjects) > 1)
            row.setText(self._row_words(subject, decided.get(subject.question)))
            row.clicked.connect(self._row_clicked)
            self._list.addWidget(row)
            self._rows.append(row)

    def _row_words(self, subject: Subject, review: Review | None) -> str:
        tr = self._context.tr
        name = subject.key
        if subject.suggestion is not None and subject.finding is not None:
            name = words.finding_name(self._context, subject.suggestion, subject.finding)
        if review is None:
            return tr("review.row.undecided", finding=name)
        value = words.decision_word(self._context, review.value) if review.value is not None else ""
        sentence = tr(f"review.row.{review.verdict.value}", finding=name, value=value)
        return tr("review.row.reason", row=sentence, reason=review.reason) if review.reason else sentence

    def _row_clicked(self) -> None:
        pressed = self.sender()
        for row, subject in zip(self._rows, self._subjects, strict=True):
            if row is pressed:
                self._turn = subject.question
                self.reason.clear()
                break
        else:
            return
        self.retranslate()
        self.turn_changed.emit()

    # What is decided

    @property
    def current(self) -> Subject | None:
        """The finding in turn."""
        return next((subject for subject in self._subjects if subject.question == self._turn), None)

    @property
    def current_review(self) -> Review | None:
        """What holds about the finding in turn."""
        if self._sitting is None or self._turn is None:
            return None
        return self._sitting.reading.current_reviews.get(self._turn)

    def accept(self) -> None:
        """The doctor agrees."""
        self._decide(Verdict.ACCEPT, None)

    def accept_all(self) -> None:
        """The doctor agrees with what fits the impression and is not decided yet."""
        found = self._at_once()
        if self.all.isVisibleTo(self) and self._shown is not None:
            self.all_accepted.emit(self._shown.id)
        elif not found.taken and len(found.left) >= _FEWEST_AT_ONCE:
            self._context.toast(self._context.tr("review.at_once.nothing"))

    def reject(self) -> None:
        """The doctor does not take it over."""
        self._decide(Verdict.REJECT, None)

    def amend(self) -> None:
        """Ask what the doctor holds instead."""
        subject = self.current
        if subject is None or self._sitting is None or not self._sitting.writable:
            return
        said = subject.finding.decision if subject.finding is not None else Decision.LIKELY
        self.choice.begin(Decision.UNLIKELY if said is Decision.LIKELY else Decision.LIKELY)

    def _amended(self, value: Decision) -> None:
        self._stop_choosing()
        self._decide(Verdict.AMEND, value)

    def _stop_choosing(self) -> None:
        self.choice.hide()
        self.left.emit()

    def _decide(self, verdict: Verdict, value: Decision | None) -> None:
        subject = self.current
        if subject is None or self._sitting is None or not self._sitting.writable:
            return
        reason = self.reason.text().strip()
        self.reason.clear()
        if subject.suggestion_id is None:
            if value is not None:
                self.added.emit(subject.key, value, reason)
            return
        self.decided.emit(subject.suggestion_id, subject.key, verdict, value, reason)

    def _reason_given(self) -> None:
        """Enter in the reason: for a decided finding the same decision once more, now with its reason."""
        review, reason = self.current_review, self.reason.text().strip()
        if review is None or not reason:
            self.left.emit()
        elif review.verdict is Verdict.ADDED:
            self.reason.clear()
            self.added.emit(review.finding, review.value, reason)
        else:
            self._decide(review.verdict, review.value)

    def start_adding(self) -> None:
        """Open the line for a finding in the doctor's own words."""
        if self._sitting is None or not self._sitting.writable or not self._sitting.reading.impressions:
            return
        self._new.show()
        self.new_words.setFocus(Qt.FocusReason.OtherFocusReason)

    def _stop_adding(self) -> None:
        self._new.hide()
        self.left.emit()

    def _add(self) -> None:
        text = self.new_words.text().strip()
        if not text:
            self.new_words.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        value = self.new_value.currentData()
        self.new_words.clear()
        self._new.hide()
        self._turn = Question(None, text)
        self.added.emit(text, Decision(value), "")


def _still_open(sitting: Sitting) -> bool:
    """Whether a model may still say something."""
    return sitting.asking and not sitting.reading.suggestion_ready
