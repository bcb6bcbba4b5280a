"""The bottom line: running work, the device models run on, time to lock, whose clinic, who."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame

from desktop import workflow
from desktop.ui.widgets.parts import label, row
from desktop.ui.widgets.progress_area import ProgressArea

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext

_HEIGHT = 36
_SECONDS_SHOWN_BELOW = 60


class StatusStrip(QFrame):
    """Calm small print; only the last minute before locking changes by the second."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("status_strip")
        self.setProperty("role", "status")
        self.setFixedHeight(_HEIGHT)
        self._context = context
        self._seconds = 0
        self._device = ""
        self.progress = ProgressArea(context)
        self._device_words = label("status_device")
        self._lock_words = label("status_lock")
        self._clinic_words = label("status_clinic")
        self._user_words = label("status_user")
        layout = row(self, spacing=20)
        layout.setContentsMargins(12, 0, 12, 0)
        layout.addWidget(self.progress, 1)
        for words in (self._device_words, self._lock_words, self._clinic_words, self._user_words):
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
        self._device_words.setText(self._context.tr("ui.status.device", device=self._device) if self._device else "")

    def _show_device(self, device: str) -> None:
        self._device = device
        self.retranslate()


def _warm_up(job: "Job", registry: "workflow.Registry") -> str:
    job.check()
    return workflow.warm_up(registry)
