"""The column at the right of the film: four steps that light up in order, and the foot with the bright button."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from desktop.records import Decision, InstanceId, Suggestion, SuggestionId
from desktop.ui.context import UiContext
from desktop.ui.reading.footer import Footer, Turn
from desktop.ui.reading.read_step import ReadStep
from desktop.ui.reading.sitting import Sitting
from desktop.ui.reading.step_card import StepState
from desktop.ui.reports.report_step import ReportStep
from desktop.ui.review.decision_step import DecisionStep
from desktop.ui.review.suggestion_step import SuggestionStep
from desktop.ui.review.words import decision_word, open_questions

WIDTH = 392


class StepColumn(QScrollArea):
    """The steps one below the other: as wide as there is room, never wider."""

    def __init__(self, steps: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("reading_steps")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setWidget(steps)
        self._steps = steps

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow the width."""
        super().resizeEvent(event)
        self._steps.setFixedWidth(self.viewport().width())


class ReadingPanel(QFrame):
    """Shows a `Sitting` and where the hand should go next; deeds are the room's. Of several suggestions one is in turn:
    the first with something to decide, those about the picture on the screen before the others.

    Signals: pressed(name) for the foot's buttons; suggestion_changed(Suggestion) when another one is in turn.
    """

    pressed = Signal(str)
    suggestion_changed = Signal(object)

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("reading_panel")
        self.setFixedWidth(WIDTH)
        self._context = context
        self._sitting: Sitting | None = None
        self._shown: SuggestionId | None = None
        self._looked_at: InstanceId | None = None
        self._waited: set[SuggestionId] = set()
        self._known: set[SuggestionId] = set()
        self._previewing = False
        self._preview_ready = False
        self.read = ReadStep(context, self)
        self.suggestion = SuggestionStep(context, self)
        self.decision = DecisionStep(context, self)
        self.report = ReportStep(context, self)
        self.footer = Footer(context, self)
        self.footer.pressed.connect(self.pressed)
        self.decision.turn_changed.connect(self._show_turn)
        self.suggestion.stepped.connect(self.step_suggestion)
        self.read.typed.connect(self._typed)
        steps = QWidget(self)
        steps.setProperty("role", "scroll")
        column = QVBoxLayout(steps)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for step in (self.read, self.suggestion, self.decision, self.report):
            column.addWidget(step)
        column.addStretch(1)
        self._scroll = StepColumn(steps, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._scroll, 1)
        layout.addWidget(self.footer)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(0)
        self._settle.timeout.connect(self._scroll_to_turn)

    # What is shown

    def begin(self, sitting: Sitting) -> None:
        """Another study."""
        self.suggestion.clear()
        self.decision.clear()
        self._previewing = self._preview_ready = False
        self._sitting = sitting
        self._shown = None
        self._waited, self._known = set(), set()
        self.read.begin(sitting)
        self.report.begin(sitting)
        self._show_rest(sitting)

    def show_sitting(self, sitting: Sitting) -> None:
        """Where the reading stands now."""
        self._sitting = sitting
        self.read.show_sitting(sitting)
        self.report.show_sitting(sitting)
        self._show_rest(sitting)

    def _show_rest(self, sitting: Sitting) -> None:
        before, waiting = self._shown, {said.id for said, _ in sitting.reading.open_questions}
        shown = self.shown
        if shown is None or (waiting and shown.id in self._waited and shown.id not in waiting):
            shown = self._next_suggestion(sitting)
        # What was taken back comes up again; one that has only just arrived does not push in.
        again = [one for one in sitting.reading.suggestions if one.id in (waiting - self._waited) & self._known]
        if shown is not None and again and shown not in again:
            shown = again[0]
        self._waited, self._known = waiting, {one.id for one in sitting.reading.suggestions}
        self._shown = shown.id if shown is not None else None
        self._show_suggestion(sitting)
        if shown is not None and self._shown != before:
            self.suggestion_changed.emit(shown)

    def _show_suggestion(self, sitting: Sitting) -> None:
        self.suggestion.show_sitting(sitting, self.shown)
        self.decision.show_sitting(sitting, self.shown)
        self._show_turn()

    def _next_suggestion(self, sitting: Sitting) -> Suggestion | None:
        """One that waits for a decision, the next after the one in turn; where none does, one about the picture on the
        screen."""
        every = sitting.reading.suggestions
        ids = [one.id for one in every]
        at = ids.index(self._shown) + 1 if self._shown in ids else 0
        waiting = {said.id for said, _ in sitting.reading.open_questions}
        ahead = [one for one in (*every[at:], *every[:at]) if one.id in waiting]
        seen = [one for one in (ahead or every) if one.instance == self._looked_at]
        return next(iter(seen or ahead or every), None)

    # Which of several suggestions

    @property
    def shown(self) -> Suggestion | None:
        """The suggestion in turn; None where there is none to show."""
        every = self._sitting.reading.suggestions if self._sitting is not None else ()
        return next((one for one in every if one.id == self._shown), None)

    def step_suggestion(self, by: int) -> None:
        """Another suggestion in turn; past the ends nothing happens."""
        every = self._sitting.reading.suggestions if self._sitting is not None else ()
        ids = [one.id for one in every]
        if self._shown in ids and 0 <= (at := ids.index(self._shown) + by) < len(ids):
            self._turn_to(every[at])

    def look_at(self, instance: InstanceId | None) -> None:
        """Another picture is on the screen: what was said about it is in turn, what waits before what is decided."""
        self._looked_at = instance
        sitting, shown = self._sitting, self.shown
        if sitting is None or shown is None or shown.instance == instance:
            return
        waiting = {said.id for said, _ in sitting.reading.open_questions}
        about = [one for one in sitting.reading.suggestions if one.instance == instance]
        found = next((one for one in about if one.id in waiting), next(iter(about), None))
        if found is not None:
            self._turn_to(found)

    def _turn_to(self, suggestion: Suggestion) -> None:
        self._shown = suggestion.id
        if self._sitting is not None:
            self._show_suggestion(self._sitting)
        self.suggestion_changed.emit(suggestion)

    def show_preview_state(self, previewing: bool, ready: bool) -> None:
        """Whether the report's pages are in front, and finished."""
        self._previewing, self._preview_ready = previewing, ready
        self._show_turn()

    def clear(self) -> None:
        """Forget every word."""
        self._sitting = self._shown = self._looked_at = None
        self._waited, self._known = set(), set()
        self._previewing = self._preview_ready = False
        for step in (self.read, self.suggestion, self.decision, self.report):
            step.clear()
            step.set_state(StepState.LATER)
        self.footer.show_turn(Turn.NOTHING)

    def retranslate(self) -> None:
        """Speak the window's language."""
        for step in (self.read, self.suggestion, self.decision, self.report):
            step.retranslate()
        self._show_turn()

    # Whose turn it is

    @property
    def turn(self) -> Turn:
        """What the foot offers."""
        return self.footer.turn

    @property
    def first(self) -> QWidget:
        """Where Tab comes in."""
        return self.read.findings

    @property
    def typing(self) -> bool:
        """Whether somebody is writing in one of the fields."""
        return any(
            field.hasFocus()
            for field in (
                self.read.findings,
                self.read.impression,
                self.decision.reason,
                self.decision.new_words,
                self.report.addendum_words,
            )
        )

    def focus_next(self) -> None:
        """Put the focus where the next thing is done."""
        if self.turn is Turn.READ:
            self.read.impression.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.footer.focus_primary()
        self._settle.start()

    def _wanted_turn(self, sitting: Sitting) -> Turn:
        if sitting.signed:
            return Turn.DONE if sitting.may_export else Turn.NOTHING
        if not sitting.may_read:
            return Turn.NOTHING
        if not sitting.reading.impressions:
            return Turn.READ
        if self.read.editing:
            return Turn.CHANGE
        if sitting.reading.undecided and not self._previewing:
            return Turn.DECIDE
        if not sitting.may_sign:
            return Turn.NOTHING
        return Turn.SIGN if self._previewing else Turn.PREVIEW

    def _show_turn(self) -> None:
        sitting = self._sitting
        if sitting is None:
            self.footer.show_turn(Turn.NOTHING)
            return
        turn = self._wanted_turn(sitting)
        tr = self._context.tr
        if turn is Turn.DECIDE:
            subject = self.decision.current
            decision = subject.finding.decision if subject is not None and subject.finding is not None else None
            word = decision_word(self._context, decision or Decision.CANNOT_SAY)
            self.footer.show_turn(turn, self.decision.at_once_words, decision=word)
        elif turn is Turn.SIGN:
            undecided = len(sitting.reading.undecided)
            hint = tr("reports.sign.hint")
            if undecided:
                hint = "\n".join((tr("reports.undecided", count=undecided), open_questions(self._context, sitting)))
            self.footer.show_turn(turn, hint, kind=sitting.kind.value)
        else:
            self.footer.show_turn(turn)
        self._typed()
        self._settle.start()

    def _typed(self) -> None:
        """The bright button waits for words, or for the pages that would be signed."""
        if self.turn in (Turn.READ, Turn.CHANGE):
            self.footer.set_enabled(bool(self.read.impression_words.strip()))
        elif self.turn is Turn.SIGN:
            self.footer.set_enabled(self._preview_ready)
        else:
            self.footer.set_enabled(True)

    def _scroll_to_turn(self) -> None:
        """Bring the step in turn into sight."""
        if self.turn in (Turn.DONE, Turn.CHANGE):
            self._scroll.ensureWidgetVisible(self.report if self.turn is Turn.DONE else self.read, 0, 0)
            return
        for step in (self.report, self.decision, self.suggestion, self.read):
            if step.state is StepState.NOW:
                self._scroll.ensureWidgetVisible(step, 0, 0)
                if step is self.decision:
                    self._scroll.ensureWidgetVisible(self.suggestion, 0, 0)
                return
