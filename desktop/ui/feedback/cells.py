"""Sorting cells: one cut-out after the other, nothing around it, one key for each answer."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.records import LabelValue
from desktop.ui.action import bind
from desktop.ui.feedback.actions import CELL_ACTIONS, LOOK_ACTIONS
from desktop.ui.feedback.cell_examples import CellExamples
from desktop.ui.feedback.desk import Desk
from desktop.ui.viewers.film_words import FilmText
from desktop.ui.widgets.parts import Texts, button, column, label, row
from desktop.workflow.cells import CellAnswered, CellQueue, CellTask

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.records import Picture
    from desktop.ui.context import UiContext

_VALUES = (LabelValue.PRESENT, LabelValue.ABSENT, LabelValue.UNSURE)
_NOTHING = CellQueue((), 0, lay=True)


class CellsPage(QWidget):
    """The cut-out at the left, the question at the right, or a word on why there is none."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("cells_page")
        self._context = context
        self._texts = Texts(context)
        self._queue = _NOTHING
        self._at = 0
        self._answers: dict[int, CellAnswered] = {}
        self._loaded = self._ready = False
        self._desk = Desk(context, "cells", self)
        self._desk.again.connect(self.reload)
        self.viewer = self._desk.viewer
        self._build_side(self._desk.side)
        handlers: dict[str, Callable[[], object]] = {"cells_back": self._go_back, "cells_skip": self._skip}
        handlers |= {f"cells_{value.value}": partial(self._answer, value) for value in _VALUES}
        self._actions = bind(context, self, (*CELL_ACTIONS, *LOOK_ACTIONS), handlers | self._desk.looks())
        self.retranslate()

    def activated(self) -> None:
        """The page is shown: ask what is next, unless a cell is on the screen."""
        if self._task is None:
            self.reload()
        else:
            self.viewer.setFocus()

    def reload(self) -> None:
        """Ask what is next."""
        clinic = self._context.open_clinic

        def work(job: "Job") -> CellQueue:
            return workflow.cells.cell_queue(clinic, job)

        self._context.operations.run(
            work, initiator=self, done=self._take, pool="display", title=self._context.tr("feedback.cells.looking")
        )

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self._actions.retranslate()
        self.viewer.set_empty_words(self._context.tr("feedback.cells.opening"))
        self._show_words()
        self._say_why_empty()

    def clear(self) -> None:
        """Forget every cell."""
        self._queue, self._at, self._answers = _NOTHING, 0, {}
        self._loaded = self._ready = False
        self._desk.clear()
        self._show_words()

    # Building

    def _build_side(self, side: QFrame) -> None:
        self._progress = label("cells_progress", "muted")
        self._question = label("cells_question", "heading", wrap=True)
        self._examples = CellExamples(self._context)
        self._buttons: dict[LabelValue, QPushButton] = {}
        inside = column(side, margin=16, spacing=12)
        inside.addWidget(self._progress)
        inside.addWidget(self._question)
        for value in _VALUES:
            made = button(f"cells_answer_{value.value}", "choice")
            made.setCheckable(True)
            made.clicked.connect(partial(self._answer, value))
            self._buttons[value] = made
            inside.addWidget(made)
        self._told = label("cells_told", wrap=True)
        inside.addWidget(self._told)
        inside.addStretch(1)
        inside.addWidget(self._examples)
        inside.addStretch(1)
        self._hidden = label("cells_hidden", "small", wrap=True)
        inside.addWidget(self._hidden)
        self._previous, self._later = button("cells_back", "quiet"), button("cells_skip", "quiet")
        self._texts.add(self._previous.setText, "feedback.cells.back")
        self._texts.add(self._later.setText, "feedback.label.skip")
        self._previous.clicked.connect(self._go_back)
        self._later.clicked.connect(self._skip)
        foot = row()
        foot.addWidget(self._previous)
        foot.addWidget(self._later)
        foot.addStretch(1)
        inside.addLayout(foot)

    # The queue

    @property
    def _task(self) -> CellTask | None:
        return self._queue.tasks[self._at] if self._at < len(self._queue.tasks) else None

    def _take(self, queue: CellQueue) -> None:
        self._queue, self._at, self._answers, self._loaded = queue, 0, {}, True
        self._open()

    def _open(self) -> None:
        """The cell that is next; its cut-out comes a moment later."""
        task = self._task
        self._ready = False
        self.viewer.clear()
        self._show_words()
        if task is None:
            self._say_why_empty()
            self._desk.rest()
            return
        self._desk.ask()
        clinic = self._context.open_clinic

        def work(job: "Job") -> "tuple[CellTask, Picture]":
            return task, workflow.cells.open_cell(clinic, job, task)

        self._context.operations.run(work, initiator=self, done=self._show, failed=self._not_opened)

    def _show(self, opened: "tuple[CellTask, Picture]") -> None:
        task, picture = opened
        if task == self._task:
            self.viewer.show_picture(picture)
            self.viewer.set_text(FilmText(figures=False))
            self._ready = True
            self._show_words()
            if self.isVisible():
                # Not on a button: Enter would answer.
                self.viewer.setFocus(Qt.FocusReason.OtherFocusReason)

    def _not_opened(self, error: Exception) -> None:
        """What cannot be shown is passed over."""
        if isinstance(error, UserFacingError):
            self._context.toast(self._context.error_text(error).message)
        self._skip()

    # Answering

    def _answer(self, value: LabelValue) -> None:
        task = self._task
        if task is None or not self._ready:
            return
        given = self._answers.get(self._at)
        if given is not None and given.value is value:
            self._skip()
            return
        clinic = self._context.open_clinic

        def work(job: "Job") -> CellAnswered:
            return workflow.cells.answer_cell(clinic, job, task, value)

        self._ready = False
        self._context.operations.run(work, initiator=self, done=self._kept, failed=self._not_kept)

    def _kept(self, answered: CellAnswered) -> None:
        if self._task is not None:
            self._answers[self._at] = answered
            self._skip()

    def _not_kept(self, error: Exception) -> None:
        self._ready = True
        self._show_words()
        self._context.show_error(error, self)

    def _skip(self) -> None:
        """To the next one; nothing is kept of this one."""
        if self._task is not None:
            self._at += 1
            self._open()

    def _go_back(self) -> None:
        """To the cell before, to answer it again; the earlier answer stays on record beside the new one."""
        if self._at > 0 and self._task is not None:
            self._at -= 1
            self._open()

    # Words

    def _show_words(self) -> None:
        tr, task = self._context.tr, self._task
        total = len(self._queue.tasks)
        self._progress.setText(tr("feedback.cells.progress", number=self._at + 1, total=total) if task else "")
        self._question.setText(tr(f"feedback.cells.ask.{task.question.value}") if task else "")
        self._examples.show_question(task.question if task else None)
        self._hidden.setText(tr(f"feedback.cells.hidden.{'helper' if self._queue.lay else 'doctor'}"))
        given = self._answers.get(self._at)
        for number, (value, made) in enumerate(self._buttons.items(), 1):
            made.setText(f"{number}  {tr(f'feedback.cells.value.{value.value}')}")
            made.setChecked(given is not None and given.value is value)
            made.setEnabled(self._ready)
            self._actions[f"cells_{value.value}"].setEnabled(self._ready)
        for widget, name, may in (
            (self._previous, "cells_back", task is not None and self._at > 0),
            (self._later, "cells_skip", task is not None),
        ):
            widget.setVisible(may)
            self._actions[name].setEnabled(may)
        words = self._told_words()
        self._told.setText(words)
        self._told.setVisible(bool(words))

    def _told_words(self) -> str:
        """What helpers said, to whoever reads pictures and has said so first: of this cell, else of the one before."""
        tr = self._context.tr
        here, before = self._answers.get(self._at), self._answers.get(self._at - 1)
        if here is not None and here.helpers.total:
            said = here.helpers
            return tr("feedback.cells.helpers", present=said.present, absent=said.absent, unsure=said.unsure)
        if before is None or not before.helpers.total:
            return ""
        said = before.helpers
        by_value = dict(zip(_VALUES, (said.present, said.absent, said.unsure), strict=True))
        yours = tr(f"feedback.cells.value.{before.value.value}")
        return tr("feedback.cells.before", yours=yours, same=by_value[before.value], total=said.total)

    def _say_why_empty(self) -> None:
        tr, done = self._context.tr, len(self._answers)
        left = max(0, self._queue.waiting - done)
        if not self._loaded:
            words = tr("feedback.cells.looking")
        elif done:
            words = tr("feedback.cells.more" if left else "feedback.cells.all_done", done=done, left=left)
        else:
            words = tr("feedback.cells.nothing.helper" if self._queue.lay else "feedback.cells.nothing.doctor")
        self._desk.empty.set_texts(words, tr("feedback.label.again"))
