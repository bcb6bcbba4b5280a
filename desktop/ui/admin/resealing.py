"""After new keys, stored files are re-encrypted beside people's work; what a lock or a power cut broke off goes on."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from desktop import workflow
from desktop.errors import KnownFailure

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext


class Resealing(QObject):
    """Looks after each unlocking, and when asked. What is cancelled goes on after the next unlocking."""

    def __init__(self, context: "UiContext", parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._working = False
        context.unlocked.connect(self.look)
        context.reseal_requested.connect(self.look)
        context.locked.connect(self._rest)

    def look(self) -> None:
        """Whether files wait; if so, begin."""
        clinic = self._context.clinic
        if clinic is None or self._working:
            return

        def work(job: "Job") -> bool:
            return workflow.people.files_to_reseal(clinic, job)

        self._context.operations.run(work, initiator=self, done=self._begin)

    def _begin(self, waiting: bool) -> None:
        clinic = self._context.clinic
        if not waiting or self._working or clinic is None:
            return

        def work(job: "Job") -> int:
            return workflow.people.reseal_attachments(clinic, job)

        self._working = True
        self._context.operations.run(
            work,
            initiator=self,
            done=self._done,
            failed=self._failed,
            ended=self._rest,
            pool="background",
            title=self._context.tr("people.step.resealing"),
        )

    def _done(self, left: int) -> None:
        key = "people.epoch.files_left" if left else "people.epoch.files_done"
        self._context.toast(self._context.tr(key, count=left))

    def _failed(self, error: Exception) -> None:
        """A full disk or a stick pulled out: said once; the next unlocking tries again."""
        if isinstance(error, KnownFailure):
            self._context.toast(self._context.tr(error.key, **error.details))

    def _rest(self) -> None:
        self._working = False
