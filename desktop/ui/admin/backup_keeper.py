"""Keeps an eye on the backups while the clinic is open: how old they are, and what is due without anybody asking."""

from datetime import date
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from desktop import workflow
from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.records import Changes
from desktop.ui.admin.backup_words import failure_words

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow.backups import BackupMade, BackupProven, BackupState

FIRST_LOOK_MILLISECONDS = 20_000
_LOOK_MILLISECONDS = 5 * 60_000
# Raised while another backup runs; that one is what was wanted.
_NO_TROUBLE = "backup.running"
_NO_MEDIUM = "backup.no_medium"


class BackupKeeper(QObject):
    """Asks the clinic soon after unlocking and then every five minutes; makes the scheduled backup and the monthly
    drill when they are due, beside people's work. `changed` whenever `state` or `trouble` may have.

    state: None while locked, and until the first answer. trouble: key of what keeps the scheduled backup or the drill
    from being made, or empty; it is said once, and stays to be seen until it is over.
    """

    changed = Signal()

    def __init__(self, context: "UiContext", parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self.state: BackupState | None = None
        self.trouble = ""
        self._told_at = ("", "")
        self._working = False
        self._tried_to_prove: date | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MILLISECONDS)
        self._timer.timeout.connect(self.look)
        self._first = QTimer(self)
        self._first.setSingleShot(True)
        self._first.setInterval(FIRST_LOOK_MILLISECONDS)
        self._first.timeout.connect(self.look)
        context.changed.connect(self._on_changed)
        context.locked.connect(self._rest)

    @property
    def is_demo(self) -> bool:
        """Whether nobody real is in the clinic, so that nothing needs to be urged."""
        clinic = self._context.clinic
        return clinic is not None and clinic.store.folder == self._context.places.demo_clinic

    @property
    def alarm(self) -> bool:
        """Whether more than a day has passed without a backup of a clinic that matters."""
        return self.state is not None and self.state.overdue and not self.is_demo

    @property
    def wants_time(self) -> bool:
        """Whether locking now would leave a backup to be finished."""
        return bool(self._context.operations.outlasting) or (self.state is not None and self.state.due)

    def activated(self) -> None:
        """The clinic was unlocked."""
        self._ask(act=False)
        self._first.start()
        self._timer.start()

    def look(self) -> None:
        """Ask how things stand, and do what is due."""
        if self._context.clinic is not None:
            self._ask(act=True)

    def _ask(self, *, act: bool) -> None:
        clinic = self._context.open_clinic
        if not clinic.session.may(Permission.BACK_UP):
            self.state = None
            self.changed.emit()
            return

        def work(job: "Job") -> "BackupState":
            return workflow.backups.backup_state(clinic, job)

        self._context.operations.run(work, initiator=self, done=self._act if act else self._take, failed=self._silent)

    def _take(self, state: "BackupState") -> None:
        self.state = state
        over = self._known() != self._told_at or (self.trouble == _NO_MEDIUM and not state.due)
        if self.trouble and over:
            self.trouble = ""
        self.changed.emit()

    def _act(self, state: "BackupState") -> None:
        self._take(state)
        if self._working or self._context.operations.outlasting:
            return
        today = self._context.open_clinic.clock().date()
        if state.due:
            self._make_backup()
        elif state.drill_due and state.last is not None and self._tried_to_prove != today:
            self._tried_to_prove = today
            self._prove()

    def _make_backup(self) -> None:
        self._working = True
        clinic = self._context.open_clinic

        def work(job: "Job") -> "BackupMade | None":
            return workflow.backups.run_scheduled_backup(clinic, job)

        self._context.operations.run(
            work,
            initiator=self,
            done=self._made,
            failed=self._failed,
            ended=self._ended,
            pool="background",
            title=self._context.tr("backup.progress.scheduled"),
            outlasts=True,
        )

    def _prove(self) -> None:
        self._working = True
        clinic = self._context.open_clinic

        def work(job: "Job") -> "BackupProven":
            return workflow.backups.drill(clinic, job)

        self._context.operations.run(
            work,
            initiator=self,
            done=self._proved,
            failed=self._failed,
            ended=self._ended,
            pool="background",
            title=self._context.tr("backup.progress.drill"),
        )

    def _made(self, made: "BackupMade | None") -> None:
        if made is not None and made.faults:
            self._say(made.faults[0].key)

    def _proved(self, proof: "BackupProven") -> None:
        if proof.problems:
            self._say(proof.problems[0].key)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, UserFacingError) and error.key != _NO_TROUBLE:
            self._say(error.key)
            self._context.announce(Changes(backups=True), self)

    def _say(self, key: str) -> None:
        """Once, quietly; the status strip goes on showing it."""
        if self.trouble != key:
            self._context.toast(self._context.tr("backup.trouble.told", why=failure_words(self._context, key)))
        self.trouble, self._told_at = key, self._known()
        self.changed.emit()

    def _known(self) -> tuple[str, str]:
        """The newest good backup and the newest proof."""
        state = self.state
        last, proven = (state.last, state.proven) if state is not None else (None, None)
        return (last.id if last is not None else "", proven.id if proven is not None else "")

    def _ended(self) -> None:
        self._working = False

    def _silent(self, error: Exception) -> None:
        """What is wrong with the clinic itself is told elsewhere."""

    def _on_changed(self, changes: Changes, initiator: QObject | None) -> None:
        if changes.backups and self._context.clinic is not None:
            self._ask(act=False)

    def _rest(self) -> None:
        """The clinic is locked. What was told stays told, for a shift that locks every few minutes."""
        self._timer.stop()
        self._first.stop()
        self._working = False
        self.state = None
        self.changed.emit()
