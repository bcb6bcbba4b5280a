"""Saving what can be proven out of a damaged clinic into a new one; the damaged one is only read."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QWidget

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.ui.admin.backup_words import error_words
from desktop.ui.admin.damage import ProblemList
from desktop.ui.start.folders import free_folder, inside
from desktop.ui.start.page import StartPage
from desktop.ui.widgets.fields import SecretField
from desktop.ui.widgets.folder_dialog import ask_for_folder
from desktop.ui.widgets.parts import button, card, column, label, row, set_role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Salvaged

_WIDTH = 720


class SalvagePage(StartPage):
    """An administrator's passphrase, and where to. `salvaged(folder)` once the person goes on to unlock the new clinic;
    `back_requested`."""

    salvaged = Signal(str)
    back_requested = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "salvage_page", _WIDTH)
        self._folder = Path()
        self._target = Path()
        self._busy = False
        self._error: UserFacingError | None = None
        self._done: Salvaged | None = None
        title = label("salvage_title", "title")
        self.texts.add(title.setText, "admin.salvage.title")
        self.body.addWidget(title)
        self._asking = self._build_asking()
        self._finished = self._build_finished()
        self.body.addWidget(self._asking)
        self.body.addWidget(self._finished)
        self.retranslate()

    def begin(self, folder: Path, user: str = "", passphrase: str = "") -> None:
        """Ask for the clinic in `folder`. user, passphrase: what was typed before, if it was."""
        self.clear()
        self._folder = folder
        self._target = free_folder(folder.with_name(f"{folder.name}-saved"))
        self.user.clear()
        self.user.addItems(list(workflow.clinic_users(folder)))
        self.user.setCurrentIndex(max(0, self.user.findText(user or self.context.settings.last_user)))
        self.passphrase.edit.setText(passphrase)
        self._show()

    @property
    def target(self) -> Path:
        """Where the new clinic will lie."""
        return self._target

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        self.passphrase.set_reveal(self.context.tr("start.reveal"), self.context.colours.muted)
        self._show()

    def activated(self) -> None:
        """The next thing to do has the focus."""
        if self._done is not None:
            self._unlock.setFocus()
        elif self.passphrase.secret():
            self.submit.setFocus()
        else:
            self.passphrase.edit.setFocus()

    def clear(self) -> None:
        """Forget what was typed and found."""
        self._error = self._done = None
        self.passphrase.wipe()
        self._show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc goes back."""
        if event.key() == Qt.Key.Key_Escape and not self._busy:
            self.back_requested.emit()
        else:
            super().keyPressEvent(event)

    def _build_asking(self) -> QWidget:
        made = card("salvage_asking", "plain")
        inner = column(made, spacing=12)
        about = label("salvage_about", wrap=True)
        self.texts.add(about.setText, "admin.salvage.about")
        caption = label("salvage_user_label", "strong")
        self.texts.add(caption.setText, "admin.salvage.user")
        self.user = QComboBox()
        self.user.setObjectName("salvage_user")
        self.texts.add(self.user.setAccessibleName, "admin.salvage.user")
        caption.setBuddy(self.user)
        self.passphrase = SecretField("salvage_passphrase")
        self.texts.add(self.passphrase.set_caption, "start.unlock.passphrase")
        self._place = label("salvage_target", wrap=True)
        self._elsewhere = button("salvage_elsewhere", "quiet")
        self.texts.add(self._elsewhere.setText, "backup.restore.elsewhere")
        self._complaint = label("salvage_error", "danger", wrap=True, selectable=True)
        place = row()
        place.addWidget(self._place, 1)
        place.addWidget(self._elsewhere)
        for part in (about, caption, self.user, self.passphrase):
            inner.addWidget(part)
        inner.addLayout(place)
        inner.addWidget(self._complaint)
        self.back = button("salvage_back", "quiet")
        self.submit = button("salvage_submit", "primary")
        self.texts.add(self.back.setText, "ui.back")
        self.texts.add(self.submit.setText, "admin.salvage.submit")
        buttons = row()
        buttons.addWidget(self.back)
        buttons.addStretch(1)
        buttons.addWidget(self.submit)
        inner.addLayout(buttons)
        self.passphrase.edit.returnPressed.connect(self._submit)
        self._elsewhere.clicked.connect(self._ask_target)
        self.submit.clicked.connect(self._submit)
        self.back.clicked.connect(self.back_requested)
        return made

    def _build_finished(self) -> QWidget:
        made = card("salvage_finished", "plain")
        inner = column(made, spacing=12)
        self._saved = label("salvage_saved", wrap=True, selectable=True)
        self._lost = label("salvage_lost", wrap=True, selectable=True)
        self._trail = label("salvage_trail", "muted", wrap=True, selectable=True)
        self.problems = ProblemList(self.context, "salvage_problems")
        self._unlock = button("salvage_unlock", "primary")
        self.icons.add(self._unlock, "lock")
        self.texts.add(self._unlock.setText, "admin.salvage.unlock")
        for part in (self._saved, self._lost, self._trail, self.problems):
            inner.addWidget(part)
        inner.addWidget(self._unlock, alignment=Qt.AlignmentFlag.AlignRight)
        self._unlock.clicked.connect(self._go_on)
        return made

    def _ask_target(self) -> None:
        title = self.context.tr("backup.restore.elsewhere")
        ask_for_folder(self.context, self, title, self.put_in)

    def put_in(self, chosen: str) -> None:
        """Let the new clinic lie in another folder: itself where it is empty, else in a new one in it."""
        self._target = inside(Path(chosen), f"{self._folder.name}-saved")
        self._show()

    def _submit(self) -> None:
        if self._busy:
            return
        if not self.passphrase.secret():
            self.passphrase.edit.setFocus()
            return
        folder, target = self._folder, self._target
        user, passphrase = self.user.currentText(), self.passphrase.secret()

        def work(job: "Job") -> "Salvaged":
            return workflow.salvage(folder, target, job, user=user, passphrase=passphrase)

        self._busy, self._error = True, None
        self._show()
        self.context.operations.run(
            work,
            initiator=self,
            done=self._finish,
            failed=self._failed,
            ended=self._ended,
            title=self.context.tr("admin.salvage.working"),
        )

    def _finish(self, done: "Salvaged") -> None:
        self._done = done
        self.passphrase.wipe()

    def _failed(self, error: Exception) -> None:
        if isinstance(error, UserFacingError):
            self._error = error

    def _ended(self) -> None:
        self._busy = False
        self._show()
        self.activated()

    def _go_on(self) -> None:
        self.salvaged.emit(str(self._target))

    def _show(self) -> None:
        tr, done = self.context.tr, self._done
        self._asking.setVisible(done is None)
        self._finished.setVisible(done is not None)
        if done is not None:
            self._show_done(done)
            return
        self._place.setText(tr("admin.salvage.target", folder=str(self._target)))
        for part in (self.user, self.passphrase, self._elsewhere, self.back, self.submit):
            part.setEnabled(not self._busy)
        self._complaint.setVisible(self._error is not None)
        if self._error is not None:
            self._complaint.setText(error_words(self.context, self._error))

    def _show_done(self, done: "Salvaged") -> None:
        tr = self.context.tr
        self._saved.setText(tr("admin.salvage.saved", what=self._numbers(done.saved)))
        lost = dict(done.lost)
        self._lost.setText(
            tr("admin.salvage.lost", what=self._numbers(lost)) if lost else tr("admin.salvage.nothing_lost")
        )
        set_role(self._lost, "danger" if lost else "ok")
        self._trail.setText(tr("admin.salvage.trail", lines=done.lines, lost=done.lines_lost))
        self.problems.set_found(done.verification.problems)

    def _numbers(self, counts: "Mapping[str, int]") -> str:
        """`12 patients, 40 files`: the kinds a person knows by name, the others together."""
        told: dict[str, int] = {}
        for kind, count in counts.items():
            known = kind if self.context.has_text(f"admin.salvage.kind.{kind}") else "other"
            told[known] = told.get(known, 0) + count
        order = sorted(told, key=lambda kind: (kind == "other", -told[kind]))
        parts = [tr_count for kind in order if (tr_count := self._one(kind, told[kind]))]
        return self.context.tr("backup.count.comma").join(parts) or self.context.tr("admin.salvage.kind.none")

    def _one(self, kind: str, count: int) -> str:
        return self.context.tr(f"admin.salvage.kind.{kind}", count=count)
