"""The bottom line: running work, the device models run on, age of the last proven backup, time to lock, whose clinic,
who."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame

from desktop import workflow
from desktop.ui.admin.backup_keeper import BackupKeeper
from desktop.ui.admin.backup_words import age, failure_words, moment
from desktop.ui.admin.network_strip import NodeStrip, SendingStrip
from desktop.ui.widgets.parts import button, label, row, set_role
from desktop.ui.widgets.progress_area import ProgressArea

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext

_HEIGHT = 36
_SECONDS_SHOWN_BELOW = 60


class StatusStrip(QFrame):
    """Calm small print; only the last minute before locking changes by the second. `backups_requested` on its words
    about backups."""

    backups_requested = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("status_strip")
        self.setProperty("role", "status")
        self.setFixedHeight(_HEIGHT)
        self._context = context
        self._seconds = 0
        self._device = ""
        self.progress = ProgressArea(context)
        self.backups = BackupKeeper(context, self)
        self._device_words = label("status_device")
        self._backup = button("status_backup", "strip")
        self._backup.clicked.connect(self.backups_requested)
        self.backups.changed.connect(self._show_backups)
        self.network = NodeStrip(context)
        self.sendings = SendingStrip(context)
        self._lock_words = label("status_lock")
        self._clinic_words = label("status_clinic")
        self._user_words = label("status_user")
        layout = row(self, spacing=20)
        layout.setContentsMargins(12, 0, 12, 0)
        layout.addWidget(self.progress, 1)
        for words in (
            self._device_words,
            self.network,
            self.sendings,
            self._backup,
            self._lock_words,
            self._clinic_words,
            self._user_words,
        ):
            layout.addWidget(words)

    def activated(self) -> None:
        """The clinic was unlocked: say whose it is, and ask which device models run on."""
        clinic = self._context.open_clinic
        self._clinic_words.setText(clinic.name)
        self._user_words.setText(clinic.session.user.name)
        if not self._device:
            registry = self._context.registry
            self._context.operations.run(
                lambda job: _warm_up(job, registry), initiator=self, done=self._show_device, pool="compute"
            )
        self.retranslate()
        self.backups.activated()

    def show_seconds(self, seconds: int) -> None:
        """Time until the clinic locks itself."""
        self._seconds = seconds
        minutes = -(-seconds // 60)
        words = (
            self._context.tr("ui.status.lock_minutes", count=minutes)
            if seconds > _SECONDS_SHOWN_BELOW
            else self._context.tr("ui.status.lock_seconds", count=seconds)
        )
        if words != self._lock_words.text():
            self._lock_words.setText(words)

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.show_seconds(self._seconds)
        self.network.retranslate()
        self.sendings.retranslate()
        self._device_words.setText(self._context.tr("ui.status.device", device=self._device) if self._device else "")
        self._show_backups()

    def _show_backups(self) -> None:
        """How old the newest verified backup is, and what keeps the next one from being made."""
        state, tr = self.backups.state, self._context.tr
        self._backup.setVisible(state is not None)
        if state is None:
            return
        last, now = state.last, self._context.open_clinic.clock()
        words = tr("backup.strip.age", age=age(self._context, last.as_of, now)) if last else tr("backup.strip.none")
        failed = self.backups.trouble or (state.failure.failure if state.failure is not None else "")
        if failed:
            words = tr("backup.strip.failed", why=failure_words(self._context, failed), words=words)
        proven = state.proven
        tip = (
            tr("backup.proven.at", time=moment(self._context, proven.finished)) if proven else tr("backup.proven.never")
        )
        self._backup.setText(words)
        self._backup.setToolTip(tip)
        self._backup.setAccessibleDescription(tip)
        set_role(self._backup, "strip_alarm" if failed or self.backups.alarm else "strip")

    def _show_device(self, device: str) -> None:
        self._device = device
        self.retranslate()


def _warm_up(job: "Job", registry: "workflow.Registry") -> str:
    job.check()
    return workflow.warm_up(registry)
