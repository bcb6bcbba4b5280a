"""Labelling: one picture after the other, without a name and without what a model says of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.records import LabelValue
from desktop.ui.action import bind
from desktop.ui.feedback.actions import LABEL_ACTIONS, LOOK_ACTIONS
from desktop.ui.feedback.desk import Desk
from desktop.ui.feedback.question import FindingQuestion
from desktop.ui.widgets.parts import Texts, button, column, label, row
from desktop.workflow.queueing import LabelQueue, LabelTask

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.records import Picture
    from desktop.ui.context import UiContext
    from desktop.workflow.labelling import Labelled


@dataclass(frozen=True)
class _Done:
    """A picture that was labelled in this sitting."""

    task: LabelTask
    values: dict[str, LabelValue]


class LabellingPage(QWidget):
    """The picture at the left, the questions at the right, or a word on why there is none."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("labelling_page")
        self._context = context
        self._texts = Texts(context)
        self._queue = LabelQueue((), 0, 0)
        self._left: list[LabelTask] = []
        self._done: list[_Done] = []
        self._back = 0  # how many pictures before the newest one somebody went back
        self._task: LabelTask | None = None
        self._questions: list[FindingQuestion] = []
        self._loaded = False
        self._desk = Desk(context, "labelling", self)
        self._desk.again.connect(self.reload)
        self.viewer = self._desk.viewer
        self._build_side(self._desk.side)
        handlers: dict[str, Callable[[], object]] = {
            "feedback_present": self._present,
            "feedback_absent": self._absent,
            "feedback_unsure": self._unsure,
            "feedback_next": self._save,
            "feedback_back": self._go_back,
            "feedback_skip": self._skip,
        }
        self._actions = bind(context, self, (*LABEL_ACTIONS, *LOOK_ACTIONS), handlers | self._desk.looks())
        self.retranslate()

    def activated(self) -> None:
        """The page is shown: ask for the queue, unless a picture is on the screen."""
        if self._task is None:
            self.reload()
        else:
            self._focus_open_question()

    def reload(self) -> None:
        """Ask what is next."""
        clinic = self._context.open_clinic

        def work(job: "Job") -> LabelQueue:
            return workflow.queueing.label_queue(clinic, job)

        self._context.operations.run(
            work, initiator=self, done=self._take, pool="display", title=self._context.tr("feedback.label.looking")
        )

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self._actions.retranslate()
        self.viewer.set_empty_words(self._context.tr("feedback.label.opening"))
        for question in self._questions:
            question.show_words(self._name_of(question.finding))
        self._show_progress()
        self._say_why_empty()

    def clear(self) -> None:
        """Forget every picture."""
        self._task = None
        self._left, self._done, self._back, self._loaded = [], [], 0, False
        self._queue = LabelQueue((), 0, 0)
        self._desk.clear()
        self._set_questions(None)

    # Building

    def _build_side(self, side: QFrame) -> None:
        self._progress = label("labelling_progress", "heading")
        self._ask = label("labelling_ask", "muted", wrap=True)
        self._texts.add(self._ask.setText, "feedback.label.ask")
        self._hidden = label("labelling_hidden", "small", wrap=True)
        self._texts.add(self._hidden.setText, "feedback.label.hidden")
        inner = QWidget()
        inner.setProperty("role", "scroll")
        self._list: QVBoxLayout = column(inner, spacing=16)
        self._list.addStretch(1)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(inner)
        self._next = button("labelling_next", "primary")
        self._previous, self._later = button("labelling_back", "quiet"), button("labelling_skip", "quiet")
        self._texts.add(self._next.setText, "feedback.label.next")
        self._texts.add(self._previous.setText, "feedback.label.back")
        self._texts.add(self._later.setText, "feedback.label.skip")
        self._next.clicked.connect(self._save)
        self._previous.clicked.connect(self._go_back)
        self._later.clicked.connect(self._skip)
        foot = row()
        foot.addWidget(self._previous)
        foot.addWidget(self._later)
        foot.addStretch(1)
        foot.addWidget(self._next)
        inside = column(side, margin=16, spacing=12)
        inside.addWidget(self._progress)
        inside.addWidget(self._ask)
        inside.addWidget(self._area, 1)
        inside.addWidget(self._hidden)
        inside.addLayout(foot)

    # The queue

    def _take(self, queue: LabelQueue) -> None:
        self._queue, self._left, self._loaded = queue, list(queue.tasks), True
        self._done, self._back = [], 0
        self._open_next()

    def _open_next(self) -> None:
        if self._left:
            self._open(self._left[0], {})
        else:
            self._task = None
            self.viewer.clear()
            self._set_questions(None)
            self._say_why_empty()
            self._desk.rest()

    def _open(self, task: LabelTask, values: dict[str, LabelValue]) -> None:
        """Bring a picture onto the screen. values: what was answered before."""
        self._task = task
        self.viewer.clear()
        self._set_questions(task)
        for question in self._questions:
            question.set_value(values.get(question.finding))
        self._offer()
        self._desk.ask()
        self._show_progress()
        self._focus_open_question()
        clinic = self._context.open_clinic

        def work(job: "Job") -> "tuple[LabelTask, Picture]":
            return task, workflow.queueing.open_to_label(clinic, job, task)

        self._context.operations.run(work, initiator=self, done=self._show, failed=self._not_opened)

    def _show(self, opened: "tuple[LabelTask, Picture]") -> None:
        task, picture = opened
        if task == self._task:
            self.viewer.show_picture(picture)

    def _not_opened(self, error: Exception) -> None:
        """What cannot be shown is passed over."""
        if isinstance(error, UserFacingError):
            self._context.toast(self._context.error_text(error).message)
        if self._left and self._task == self._left[0]:
            self._left.pop(0)
        self._open_next()

    # Questions

    def _set_questions(self, task: LabelTask | None) -> None:
        for old in self._questions:
            self._list.removeWidget(old)
            old.hide()
            old.deleteLater()
        asked = task.questions if task is not None else ()
        self._questions = [FindingQuestion(self._context, at, one.finding) for at, one in enumerate(asked)]
        for at, question in enumerate(self._questions):
            question.show_words(self._name_of(question.finding))
            question.answered.connect(self._answered)
            question.entered.connect(self._save)
            self._list.insertWidget(at, question)
        self._offer()

    def _name_of(self, finding: str) -> str:
        asked = self._task.questions if self._task is not None else ()
        model = next((one.model for one in asked if one.finding == finding), "")
        try:
            return self._context.registry.get(model).finding_name(finding, self._context.language)
        except (UserFacingError, KeyError):
            return finding

    def _answered(self) -> None:
        self._offer()
        if self._open_questions():
            self._focus_open_question()
        else:
            self._next.setFocus()

    def _open_questions(self) -> list[FindingQuestion]:
        return [question for question in self._questions if question.value is None]

    def _focus_open_question(self) -> None:
        """The first that is not answered, else the first. An answer that comes once another page is in front takes no
        keys from that."""
        if not self.isVisible():
            return
        waiting = self._open_questions()
        if waiting:
            waiting[0].setFocus(Qt.FocusReason.OtherFocusReason)
            self._area.ensureWidgetVisible(waiting[0])
        elif self._questions:
            self._questions[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def _offer(self) -> None:
        """Buttons and keys that mean something now."""
        going = self._task is not None
        ready = going and not self._open_questions()
        back = going and self._back < len(self._done)
        skip = going and self._back == 0
        for widget, name, may in (
            (self._next, "feedback_next", ready),
            (self._previous, "feedback_back", back),
            (self._later, "feedback_skip", skip),
        ):
            widget.setEnabled(may)
            self._actions[name].setEnabled(may)
        self._previous.setVisible(back)
        self._later.setVisible(skip)
        for name in ("feedback_present", "feedback_absent", "feedback_unsure"):
            self._actions[name].setEnabled(going)

    def _present(self) -> None:
        self._answer(LabelValue.PRESENT)

    def _absent(self) -> None:
        self._answer(LabelValue.ABSENT)

    def _unsure(self) -> None:
        self._answer(LabelValue.UNSURE)

    def _answer(self, value: LabelValue) -> None:
        """The question that has the keys, else the first that waits."""
        focused = next((one for one in self._questions if one.hasFocus()), None)
        question = focused or next(iter(self._open_questions()), None)
        if question is not None:
            question.answer(value)

    # Keeping

    def _save(self) -> None:
        task = self._task
        values = {question.finding: question.value for question in self._questions if question.value is not None}
        if task is None or len(values) < len(self._questions):
            return
        before = self._done[-self._back] if self._back else None
        if before is not None and before.values == values:
            self._went_on()
            return
        clinic = self._context.open_clinic

        def work(job: "Job") -> "Labelled":
            return workflow.labelling.add_labels(clinic, job, task.study, task.instance, values)

        for widget in (self._next, self._previous, self._later):
            widget.setEnabled(False)
        self._context.operations.run(work, initiator=self, done=self._kept, failed=self._not_kept)

    def _kept(self, labelled: "Labelled") -> None:
        values = {one.finding: one.value for one in labelled.labels}
        task = self._task
        if task is None:
            return
        if self._back:
            self._done[-self._back] = _Done(task, values)
        else:
            self._done.append(_Done(task, values))
            self._left = [one for one in self._left if one != task]
            self._back = 1  # the one just kept: going on leads past it
        self._went_on()

    def _not_kept(self, error: Exception) -> None:
        self._offer()
        self._context.show_error(error, self)

    def _went_on(self) -> None:
        """To the next picture: the one after the one somebody went back to, else a new one."""
        self._back -= 1
        if self._back:
            again = self._done[-self._back]
            self._open(again.task, again.values)
        else:
            self._open_next()

    def _go_back(self) -> None:
        """To the picture before, to answer it again; the earlier answer stays on record beside the new one."""
        if self._back < len(self._done):
            self._back += 1
            again = self._done[-self._back]
            self._open(again.task, again.values)

    def _skip(self) -> None:
        """Leave it for another time; nothing is kept."""
        if self._task is not None and self._back == 0:
            self._left = [one for one in self._left if one != self._task]
            self._open_next()

    # Words

    def _show_progress(self) -> None:
        if self._task is None:
            self._progress.setText("")
            return
        total = len(self._done) + len(self._left)
        number = len(self._done) + 1 - self._back
        self._progress.setText(self._context.tr("feedback.label.progress", number=number, total=total))

    def _say_why_empty(self) -> None:
        tr = self._context.tr
        if not self._loaded:
            words = tr("feedback.label.looking")
        elif self._done:
            left = max(0, self._queue.waiting - len(self._done))
            words = tr("feedback.label.more" if left else "feedback.label.all_done", done=len(self._done), left=left)
        else:
            words = tr("feedback.label.nothing")
        self._desk.empty.set_texts(words, tr("feedback.label.again"))
