"""The deed about a patient that can be taken back right away: by the notice that tells it, or by Ctrl+Z."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop.records import PatientId

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Clinic

Undo = Callable[["Clinic", "Job"], object]


class LastDeed(QObject):
    """Signals: taken_back(what the undoing gave)."""

    taken_back = Signal(object)

    def __init__(self, context: "UiContext", parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._patient: PatientId | None = None
        self._undo: Undo | None = None

    def offer(self, text: str, patient: PatientId, undo: Undo) -> None:
        """Say what was done, and how to take it back: `undo(clinic, job)`, off the main thread."""
        self._patient, self._undo = patient, undo
        self._context.toast(text, undo=self.take_back)

    def concerns(self, patient: PatientId) -> bool:
        """Whether it was done to that patient's record, so that Ctrl+Z on their page means it."""
        return self._undo is not None and self._patient == patient

    def take_back(self) -> None:
        """Undo it, once."""
        undo, clinic = self._undo, self._context.clinic
        self.forget()
        if undo is None or clinic is None:
            return
        title = self._context.tr("ui.undoing")
        self._context.operations.run(partial(undo, clinic), initiator=self, done=self._done, title=title)

    def forget(self) -> None:
        """It can be taken back no more."""
        self._patient = self._undo = None

    def _done(self, result: object) -> None:
        self.taken_back.emit(result)
