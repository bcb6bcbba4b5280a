"""Bringing a clinic back on any PC: a backup, the recovery card, an empty place."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.ui.admin.backup_words import counts_words, moment
from desktop.ui.start.bringing_back import BringingBackPage
from desktop.ui.widgets.card_field import CardField
from desktop.ui.widgets.folder_dialog import ask_for_folder
from desktop.ui.widgets.parts import button, label, set_role
from desktop.ui.widgets.rows import Row, RowList

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow.backups import BackupInfo, RestoredClinic

_WIDTH = 760
_ROWS_SHOWN = 4


@dataclass(frozen=True)
class _Tried:
    """What a card's code did with a backup; meanwhile somebody may have typed on."""

    source: Path
    code: str = field(repr=False)
    error: UserFacingError | None = None


class RestorePage(BringingBackPage):
    """Choose the folder, choose the backup, type the card's code."""

    folder_name = "clinic"

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "restore", "backup.restore", _WIDTH)
        self._source: Path | None = None
        self._backups: tuple[BackupInfo, ...] = ()
        self._card_fits = False
        self._done: RestoredClinic | None = None
        self._choose = button("restore_choose", "primary")
        self._choose_other = button("restore_choose_other")
        for chooser, key in ((self._choose, "choose"), (self._choose_other, "choose_other")):
            self.icons.add(chooser, "folder")
            self.texts.add(chooser.setText, f"backup.restore.{key}")
            chooser.clicked.connect(self._ask_where)
        self._where = label("restore_source", "small", wrap=True)
        self._which = label("restore_which", "strong")
        self.texts.add(self._which.setText, "backup.restore.which")
        self.list = RowList(context, "restore_list")
        self.texts.add(self.list.setAccessibleName, "backup.restore.which")
        self.card_code = CardField(context, "restore_card")
        self._card_note = label("restore_card_fits", "ok", wrap=True)
        self.texts.add(self._card_note.setText, "backup.restore.card_fits")
        self._result = label("restore_result", wrap=True, selectable=True)
        self._verdict = label("restore_verdict", "ok", wrap=True)
        self.list.selectionModel().currentChanged.connect(self._card_changed)
        self.card_code.changed.connect(self._card_changed)
        self.card_code.submitted.connect(self._submit)
        asked = (
            self._choose,
            self._choose_other,
            self._where,
            self._which,
            self.list,
            self.card_code,
            self._card_note,
        )
        self.lay_out(asked, (self._result, self._verdict))

    def begin(self, wanted: Path) -> None:
        """Start anew. wanted: where the clinic should lie; where something does, the next free folder is taken."""
        self.clear()
        self.aim_at(wanted)
        self.show_state()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.card_code.retranslate()
        super().retranslate()

    def clear(self) -> None:
        """Forget what was typed and found."""
        self._source, self._backups, self._done = None, (), None
        self._card_fits = False
        self.complain(None)
        self.card_code.wipe()
        self.list.set_rows(())
        self.show_state()

    @property
    def finished(self) -> bool:
        """Whether the clinic is back."""
        return self._done is not None

    def focus_question(self) -> None:
        """First the folder, then the card."""
        (self.card_code if self._backups else self._choose).setFocus()

    # Where the backup is

    def _ask_where(self) -> None:
        title = self.context.tr("backup.restore.choose")
        ask_for_folder(self.context, self, title, self.look_in)

    def look_in(self, chosen: str) -> None:
        """Look for backups in a folder and below it."""
        source = Path(chosen)
        self._source, self._backups = source, ()
        self.list.set_rows(())

        def look(job: "Job") -> "tuple[BackupInfo, ...]":
            return workflow.backups.inspect_backup(source, job)

        self.work(look, self._seen, "looking", "media")

    def _seen(self, backups: "tuple[BackupInfo, ...]") -> None:
        self._backups = backups
        self.show_state()
        self.list.setCurrentIndex(self.list.rows.index(0))

    # The card, and the work

    @property
    def _chosen(self) -> "BackupInfo | None":
        key = self.list.current_key
        return next((backup for backup in self._backups if str(backup.folder) == key), None)

    def _card_changed(self) -> None:
        """A complete code without a typing error is tried at once: it says whose card it is, and reads little."""
        self.complain(None)
        self._card_fits = False
        chosen = self._chosen
        if chosen is not None and self.card_code.is_right and not self.busy:
            source, code = chosen.folder, self.card_code.code

            def attempt(job: "Job") -> _Tried:
                try:
                    workflow.backups.check_recovery_card(source, job, card=code)
                except UserFacingError as error:
                    return _Tried(source, code, error)
                return _Tried(source, code)

            self.context.operations.run(attempt, initiator=self, done=self._card_tried, pool="media")
        self.show_state()

    def _card_tried(self, tried: _Tried) -> None:
        chosen = self._chosen
        if chosen is not None and (tried.source, tried.code) == (chosen.folder, self.card_code.code):
            self.complain(tried.error)
            self._card_fits = tried.error is None
            self.show_state()

    def begin_work(self) -> None:
        """Restore, once a backup is chosen and the card's code is complete."""
        chosen = self._chosen
        if chosen is None or self.card_code.complain():
            return
        source, target, code = chosen.folder, self.target, self.card_code.code

        def restore(job: "Job") -> "RestoredClinic":
            return workflow.backups.restore(source, target, job, card=code)

        self.work(restore, self._restored)

    def _restored(self, done: "RestoredClinic") -> None:
        self._done = done
        self.card_code.wipe()

    # Showing

    def show_questions(self) -> None:
        """The rest is asked when a backup was found."""
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

    def _row(self, backup: "BackupInfo") -> Row:
        kind = "backup.list.scheduled" if backup.scheduled else "backup.list.manual"
        title = f"{moment(self.context, backup.made)} · {self.context.tr(kind)}"
        clinic = self.context.tr("backup.restore.clinic", number=backup.store_id[:8])
        return Row(str(backup.folder), title, f"{counts_words(self.context, backup.counts)} · {clinic}")

    def _fit_list(self, count: int) -> None:
        self.list.fit_height()
        if count > _ROWS_SHOWN:
            self.list.setFixedHeight(self.list.height() * _ROWS_SHOWN // count)

    def show_result(self) -> None:
        """What came back, and whether it is whole."""
        done, tr = self._done, self.context.tr
        if done is None:
            return
        self._result.setText(
            tr(
                "backup.restore.done",
                time=moment(self.context, done.backup.made),
                counts=counts_words(self.context, done.counts),
                folder=str(self.target),
            )
        )
        problems = len(done.problems)
        self._verdict.setText(
            tr("backup.restore.verified") if done.verified else tr("admin.check.problems", count=problems)
        )
        set_role(self._verdict, "ok" if done.verified else "danger")
        self.problems.set_found(done.problems)
