"""What restoring and salvaging share: ask, work for minutes, then show the clinic that came of it and where it lies."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from desktop.errors import ErrorKind, UserFacingError
from desktop.ui.admin.backup_words import error_words
from desktop.ui.admin.damage import ProblemList
from desktop.ui.start.folders import free_folder, inside
from desktop.ui.start.page import StartPage
from desktop.ui.widgets.folder_dialog import ask_for_folder
from desktop.ui.widgets.parts import button, card, column, label, row

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.ui.operations import Pool

T = TypeVar("T")


class BringingBackPage(StartPage):
    """A page that ends in a clinic in a new place. `brought_back(folder)` once the person goes on to unlock it;
    `back_requested`.

    Subclasses build what they ask and what they tell, `lay_out` it, and say how they begin and what they show.
    name: of the page; its widgets' names begin with it. words: what the keys of its sentences begin with.
    """

    brought_back = Signal(str)
    back_requested = Signal()

    def __init__(self, context: "UiContext", name: str, words: str, width: int) -> None:
        super().__init__(context, f"{name}_page", width)
        self._words = words
        self._target = Path()
        self._busy = False
        self._error: UserFacingError | None = None
        self._inputs: tuple[QWidget, ...] = ()
        title = label(f"{name}_title", "title")
        about = label(f"{name}_about", "muted", wrap=True)
        self._asking, self._told = card(f"{name}_asking", "plain"), card(f"{name}_finished", "plain")
        self._place = label(f"{name}_target", wrap=True)
        self._elsewhere = button(f"{name}_elsewhere", "quiet")
        self._complaint = label(f"{name}_error", "danger", wrap=True, selectable=True)
        self.back = button(f"{name}_back", "quiet")
        self.submit = button(f"{name}_submit", "primary")
        self.problems = ProblemList(context, f"{name}_problems")
        self._unlock = button(f"{name}_unlock", "primary")
        self.icons.add(self._unlock, "lock")
        for part, key in (
            (title, f"{words}.title"),
            (about, f"{words}.about"),
            (self._elsewhere, "backup.restore.elsewhere"),
            (self.back, "ui.back"),
            (self.submit, f"{words}.submit"),
            (self._unlock, f"{words}.unlock"),
        ):
            self.texts.add(part.setText, key)
        for whole in (title, self._asking, self._told):
            self.body.addWidget(whole)
        self._questions: QVBoxLayout = column(self._asking, spacing=12)
        self._answers: QVBoxLayout = column(self._told, spacing=12)
        self._questions.addWidget(about)
        self._elsewhere.clicked.connect(self._ask_target)
        self.submit.clicked.connect(self._submit)
        self.back.clicked.connect(self.back_requested)
        self._unlock.clicked.connect(self._go_on)

    def lay_out(self, asked: Sequence[QWidget], told: Sequence[QWidget]) -> None:
        """Put what the page asks above the place and the buttons, and what it tells above the button that goes on.

        asked: those of them that take input are switched off while the page works.
        """
        left = Qt.AlignmentFlag.AlignLeft
        for part in asked:
            self._questions.addWidget(part, alignment=left if isinstance(part, QPushButton) else Qt.AlignmentFlag(0))
        place = row()
        place.addWidget(self._place, 1)
        place.addWidget(self._elsewhere)
        self._questions.addLayout(place)
        self._questions.addWidget(self._complaint)
        buttons = row()
        buttons.addWidget(self.back)
        buttons.addStretch(1)
        buttons.addWidget(self.submit)
        self._questions.addLayout(buttons)
        for part in (*told, self.problems):
            self._answers.addWidget(part)
        self._answers.addWidget(self._unlock, alignment=Qt.AlignmentFlag.AlignRight)
        inputs = (part for part in asked if not isinstance(part, QLabel))
        self._inputs = (*inputs, self._elsewhere, self.back, self.submit)
        self.retranslate()

    # What a subclass says

    @property
    def finished(self) -> bool:
        """Whether there is a result to show."""
        raise NotImplementedError

    @property
    def folder_name(self) -> str:
        """What the clinic's folder is called in a chosen one that holds something."""
        raise NotImplementedError

    def focus_question(self) -> None:
        """The next thing to be answered gets the focus."""
        raise NotImplementedError

    def begin_work(self) -> None:
        """The person wants it done; `work` does it, where everything needed was said."""
        raise NotImplementedError

    def show_questions(self) -> None:
        """Show what is asked, as it stands."""

    def show_result(self) -> None:
        """Show what came of it."""
        raise NotImplementedError

    # What it inherits

    @property
    def target(self) -> Path:
        """Where the clinic will lie."""
        return self._target

    @property
    def busy(self) -> bool:
        """Whether the page works."""
        return self._busy

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        self.show_state()

    def activated(self) -> None:
        """The next thing to do has the focus."""
        if self.finished:
            self._unlock.setFocus()
        else:
            self.focus_question()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc goes back."""
        if event.key() == Qt.Key.Key_Escape and not self._busy:
            self.back_requested.emit()
        else:
            super().keyPressEvent(event)

    def put_in(self, chosen: str) -> None:
        """Let the clinic lie in another folder: itself where it is empty, else in a new one in it."""
        self._target = inside(Path(chosen), self.folder_name)
        self.show_state()

    def aim_at(self, wanted: Path) -> None:
        """Let the clinic lie in a folder; where something does, in the next free one."""
        self._target = free_folder(wanted)

    def complain(self, error: UserFacingError | None) -> None:
        """Say what is wrong; None takes it back."""
        self._error = error

    def work(
        self, work: "Callable[[Job], T]", done: Callable[[T], None], title: str = "working", pool: "Pool" = "store"
    ) -> None:
        """Run it with the page switched off. done: a bound method. title: the end of its sentence's key."""
        self._busy, self._error = True, None
        self.show_state()
        self.context.operations.run(
            work,
            initiator=self,
            done=done,
            failed=self._failed,
            ended=self._ended,
            pool=pool,
            title=self.context.tr(f"{self._words}.{title}"),
        )

    def show_state(self) -> None:
        """Show everything as it stands now."""
        self._asking.setVisible(not self.finished)
        self._told.setVisible(self.finished)
        if self.finished:
            self.show_result()
            return
        self._place.setText(self.context.tr(f"{self._words}.target", folder=str(self._target)))
        for part in self._inputs:
            part.setEnabled(not self._busy)
        self._complaint.setVisible(self._error is not None)
        if self._error is not None:
            self._complaint.setText(error_words(self.context, self._error))
        self.show_questions()

    def _ask_target(self) -> None:
        title = self.context.tr("backup.restore.elsewhere")
        ask_for_folder(self.context, self, title, self.put_in)

    def _submit(self) -> None:
        if not self._busy:
            self.begin_work()

    def _failed(self, error: Exception) -> None:
        if isinstance(error, UserFacingError):
            self._error = error
            if error.kind is ErrorKind.NOT_EMPTY:
                self.aim_at(self._target)

    def _ended(self) -> None:
        self._busy = False
        self.show_state()
        self.activated()

    def _go_on(self) -> None:
        self.brought_back.emit(str(self._target))
