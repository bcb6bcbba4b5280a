"""Bringing a clinic back on any PC: a backup, the recovery card, an empty place."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from desktop import workflow
from desktop.errors import ErrorKind, UserFacingError
from desktop.ui.admin.backup_words import counts_words, error_words, moment
from desktop.ui.admin.damage import ProblemList
from desktop.ui.start.folders import free_folder, inside
from desktop.ui.start.page import StartPage
from desktop.ui.widgets.card_field import CardField
from desktop.ui.widgets.folder_dialog import ask_for_folder
from desktop.ui.widgets.parts import button, card, column, label, row, set_role
from desktop.ui.widgets.rows import Row, RowList

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import BackupInfo, RestoredClinic

_WIDTH = 760
_ROWS_SHOWN = 4
_CLINIC = "clinic"


@dataclass(frozen=True)
class _Tried:
    """What a card's code did with a backup; meanwhile somebody may have typed on."""

    source: Path
    code: str = field(repr=False)
    error: UserFacingError | None = None


class RestorePage(StartPage):
    """Choose the folder, choose the backup, type the card's code. `restored(folder)` once the person goes on to unlock
    the clinic that came back; `back_requested`."""

    restored = Signal(str)
    back_requested = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "restore_page", _WIDTH)
        self._source: Path | None = None
        self._backups: tuple[BackupInfo, ...] = ()
        self._target = context.places.clinic
        self._error: UserFacingError | None = None
        self._card_fits = False
        self._busy = False
        self._done: RestoredClinic | None = None
        title = label("restore_title", "title")
        self.texts.add(title.setText, "backup.restore.title")
        self.body.addWidget(title)
        self._asking = self._build_asking()
        self._finished = self._build_finished()
        self.body.addWidget(self._asking)
        self.body.addWidget(self._finished)
        self.retranslate()

    def begin(self, wanted: Path) -> None:
        """Start anew. wanted: where the clinic should lie; where something does, the next free folder is taken."""
        self.clear()
        self._target = free_folder(wanted)
        self._show()

    @property
    def target(self) -> Path:
        """Where the clinic will lie."""
        return self._target

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        self.card_code.retranslate()
        self._show()

    def activated(self) -> None:
        """The next thing to do has the focus."""
        if self._done is not None:
            self._unlock.setFocus()
        elif self._backups:
            self.card_code.setFocus()
        else:
            self._choose.setFocus()

    def clear(self) -> None:
        """Forget what was typed and found."""
        self._source, self._backups, self._error, self._done = None, (), None, None
        self._card_fits = False
        self.card_code.wipe()
        self.list.set_rows(())
        self._show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc goes back."""
        if event.key() == Qt.Key.Key_Escape and not self._busy:
            self.back_requested.emit()
        else:
            super().keyPressEvent(event)

    # Building

    def _build_asking(self) -> QWidget:
        made = card("restore_asking", "plain")
        inner = column(made, spacing=12)
        about = label("restore_about", "muted", wrap=True)
        self.texts.add(about.setText, "backup.restore.about")
        self._choose = button("restore_choose", "primary")
        self._choose_other = button("restore_choose_other")
        for made_button, key in (
            (self._choose, "backup.restore.choose"),
            (self._choose_other, "backup.restore.choose_other"),
        ):
            self.icons.add(made_button, "folder")
            self.texts.add(made_button.setText, key)
            made_button.clicked.connect(self._ask_where)
        self._where = label("restore_source", "small", wrap=True)
        self.list = RowList(self.context, "restore_list")
        self.texts.add(self.list.setAccessibleName, "backup.restore.which")
        self._which = label("restore_which", "strong")
        self.texts.add(self._which.setText, "backup.restore.which")
        self.card_code = CardField(self.context, "restore_card")
        self._card_note = label("restore_card_fits", "ok", wrap=True)
        self.texts.add(self._card_note.setText, "backup.restore.card_fits")
        self._place = label("restore_target", wrap=True)
        self._elsewhere = button("restore_elsewhere", "quiet")
        self.texts.add(self._elsewhere.setText, "backup.restore.elsewhere")
        self._complaint = label("restore_error", "danger", wrap=True, selectable=True)
        place = row()
        place.addWidget(self._place, 1)
        place.addWidget(self._elsewhere)
        inner.addWidget(about)
        for made_button in (self._choose, self._choose_other):
            inner.addWidget(made_button, alignment=Qt.AlignmentFlag.AlignLeft)
        for part in (self._where, self._which, self.list, self.card_code, self._card_note):
            inner.addWidget(part)
        inner.addLayout(place)
        inner.addWidget(self._complaint)
        self.back = button("restore_back", "quiet")
        self.submit = button("restore_submit", "primary")
        self.texts.add(self.back.setText, "ui.back")
        self.texts.add(self.submit.setText, "backup.restore.submit")
        buttons = row()
        buttons.addWidget(self.back)
        buttons.addStretch(1)
        buttons.addWidget(self.submit)
        inner.addLayout(buttons)
        self._elsewhere.clicked.connect(self._ask_target)
        self.list.selectionModel().currentChanged.connect(self._card_changed)
        self.card_code.changed.connect(self._card_changed)
        self.card_code.submitted.connect(self._submit)
        self.submit.clicked.connect(self._submit)
        self.back.clicked.connect(self.back_requested)
        return made

    def _build_finished(self) -> QWidget:
        made = card("restore_finished", "plain")
        inner = column(made, spacing=12)
        self._result = label("restore_result", wrap=True, selectable=True)
        self._verdict = label("restore_verdict", "ok", wrap=True)
        self.problems = ProblemList(self.context, "restore_problems")
        self._unlock = button("restore_unlock", "primary")
        self.icons.add(self._unlock, "lock")
        self.texts.add(self._unlock.setText, "backup.restore.unlock")
        for part in (self._result, self._verdict, self.problems):
            inner.addWidget(part)
        inner.addWidget(self._unlock, alignment=Qt.AlignmentFlag.AlignRight)
        self._unlock.clicked.connect(self._go_on)
        return made

    # Where the backup is

    def _ask_where(self) -> None:
        title = self.context.tr("backup.restore.choose")
        ask_for_folder(self.context, self, title, self.look_in)

    def look_in(self, chosen: str) -> None:
        """Look for backups in a folder and below it."""
        source = Path(chosen)
        self._source, self._backups, self._error = source, (), None
        self.list.set_rows(())

        def work(job: "Job") -> "tuple[BackupInfo, ...]":
            return workflow.inspect_backup(source, job)

        self._begin_work()
        self.context.operations.run(
            work,
            initiator=self,
            done=self._seen,
            failed=self._failed,
            ended=self._ended,
            title=self.context.tr("backup.restore.looking"),
            pool="media",
        )

    def _seen(self, backups: "tuple[BackupInfo, ...]") -> None:
        self._backups = backups
        self._show()
        self.list.setCurrentIndex(self.list.rows.index(0))

    def _ask_target(self) -> None:
        title = self.context.tr("backup.restore.elsewhere")
        ask_for_folder(self.context, self, title, self.put_in)

    def put_in(self, chosen: str) -> None:
        """Let the clinic lie in another folder: itself where it is empty, else in a new one in it."""
        self._target = inside(Path(chosen), _CLINIC)
        self._show()

    # The card, and the work

    @property
    def _chosen(self) -> "BackupInfo | None":
        key = self.list.current_key
        return next((backup for backup in self._backups if str(backup.folder) == key), None)

    def _card_changed(self) -> None:
        """A complete code without a typing error is tried at once: it says whose card it is, and reads little."""
        self._error, self._card_fits = None, False
        chosen = self._chosen
        if chosen is not None and self.card_code.is_right and not self._busy:
            source, code = chosen.folder, self.card_code.code

            def work(job: "Job") -> _Tried:
                try:
                    workflow.check_recovery_card(source, job, card=code)
                except UserFacingError as error:
                    return _Tried(source, code, error)
                return _Tried(source, code)

            self.context.operations.run(work, initiator=self, done=self._card_tried, pool="media")
        self._show()

    def _card_tried(self, tried: _Tried) -> None:
        chosen = self._chosen
        if chosen is not None and (tried.source, tried.code) == (chosen.folder, self.card_code.code):
            self._error, self._card_fits = tried.error, tried.error is None
            self._show()

    def _submit(self) -> None:
        chosen = self._chosen
        if chosen is None or self._busy or self.card_code.complain():
            return
        source, target, code = chosen.folder, self._target, self.card_code.code

        def work(job: "Job") -> "RestoredClinic":
            return workflow.restore(source, target, job, card=code)

        self._error = None
        self._begin_work()
        self.context.operations.run(
            work,
            initiator=self,
            done=self._restored,
            failed=self._failed,
            ended=self._ended,
            title=self.context.tr("backup.restore.working"),
        )

    def _restored(self, done: "RestoredClinic") -> None:
        self._done = done
        self.card_code.wipe()

    def _failed(self, error: Exception) -> None:
        if isinstance(error, UserFacingError):
            self._error = error
            if error.kind is ErrorKind.NOT_EMPTY:
                self._target = free_folder(self._target)
        self._show()

    def _begin_work(self) -> None:
        self._busy = True
        self._show()

    def _ended(self) -> None:
        self._busy = False
        self._show()
        self.activated()

    def _go_on(self) -> None:
        self.restored.emit(str(self._target))

    # Showing

    def _show(self) -> None:
        self._asking.setVisible(self._done is None)
        self._finished.setVisible(self._done is not None)
        if self._done is not None:
            self._show_done(self._done)
            return
        tr = self.context.tr
        found = bool(self._backups)
        self._choose.setVisible(not found)
        self._choose_other.setVisible(found)
        self._where.setText(str(self._source) if self._source is not None else "")
        self._where.setVisible(self._source is not None)
        rows = [self._row(backup) for backup in self._backups]
        if rows != list(self.list.rows.rows):
            self.list.set_rows(rows)
            self._fit_list(len(rows))
        for part in (self._which, self.list, self.card_code, self._place, self._elsewhere, self.submit):
            part.setVisible(found)
        self._card_note.setVisible(found and self._card_fits)
        self._place.setText(tr("backup.restore.target", folder=str(self._target)))
        for part in (
            self._choose,
            self._choose_other,
            self.list,
            self.card_code,
            self._elsewhere,
            self.back,
            self.submit,
        ):
            part.setEnabled(not self._busy)
        self._complaint.setVisible(self._error is not None)
        if self._error is not None:
            self._complaint.setText(error_words(self.context, self._error))

    def _row(self, backup: "BackupInfo") -> Row:
        kind = "backup.list.scheduled" if backup.scheduled else "backup.list.manual"
        title = f"{moment(self.context, backup.made)} · {self.context.tr(kind)}"
        clinic = self.context.tr("backup.restore.clinic", number=backup.store_id[:8])
        return Row(str(backup.folder), title, f"{counts_words(self.context, backup.counts)} · {clinic}")

    def _fit_list(self, count: int) -> None:
        self.list.fit_height()
        if count > _ROWS_SHOWN:
            self.list.setFixedHeight(self.list.height() * _ROWS_SHOWN // count)

    def _show_done(self, done: "RestoredClinic") -> None:
        tr = self.context.tr
        self._result.setText(
            tr(
                "backup.restore.done",
                time=moment(self.context, done.backup.made),
                counts=counts_words(self.context, done.counts),
                folder=str(self._target),
            )
        )
        problems = len(done.problems)
        self._verdict.setText(
            tr("backup.restore.verified") if done.verified else tr("admin.check.problems", count=problems)
        )
        set_role(self._verdict, "ok" if done.verified else "danger")
        self.problems.set_found(done.problems)
