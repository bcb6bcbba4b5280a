"""Keeps a form about somebody on file in the store while it is typed: it survives a lock, a crash, a power cut."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from PySide6.QtCore import QObject

from desktop.records import PatientId
from desktop.ui.keeper import Keeper

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Clinic

F = TypeVar("F")
Deed = Callable[["Clinic", "Job", PatientId, F | None], None]


class FormKeeper(Generic[F]):
    """What stands in a form about one patient. keep: the deed that keeps it, or drops it for None. turned: called when
    `failing` changed."""

    def __init__(self, context: "UiContext", parent: QObject, keep: Deed[F], turned: Callable[[], None]) -> None:
        self._keeper = Keeper(context, parent)
        self._keeper.turned.connect(turned)
        self._keep = keep
        self._patient: PatientId | None = None
        self._since: datetime | None = None
        self._holds = False

    @property
    def since(self) -> datetime | None:
        """When what the form shows was typed, where it was kept from before."""
        return self._since

    @property
    def failing(self) -> bool:
        """Whether the last words could not be kept."""
        return self._keeper.failing

    def holds(self, patient: PatientId) -> bool:
        """Whether the form shows words about that patient that are not on file."""
        return self._holds and self._patient == patient

    def begin(self, patient: PatientId, since: datetime | None = None) -> None:
        """The form is about that patient now. since: when what it shows was typed; None where it shows nothing new."""
        self.save_now()
        self._patient, self._since, self._holds = patient, since, since is not None

    def came_back(self, since: datetime) -> None:
        """The form still shows what was kept; it was typed then."""
        self._since = since

    def keep(self, form: F | None) -> None:
        """What stands in the form now; None where that is nothing new."""
        if self._patient is not None:
            self._holds = form is not None
            self._keeper.keep(partial(_run, self._keep, self._patient, form))

    def drop(self) -> None:
        """It was discarded, or is on file."""
        self.keep(None)
        self._since = None
        self.save_now()

    def save_now(self) -> None:
        """Put the newest words in the store's queue at once."""
        self._keeper.save_now()

    def forget(self) -> None:
        """The clinic is locked: the store has it all."""
        self._patient = self._since = None
        self._holds = False
        self._keeper.forget()


def _run(keep: Deed[F], patient: PatientId, form: F | None, clinic: "Clinic", job: "Job") -> None:
    keep(clinic, job, patient, form)
