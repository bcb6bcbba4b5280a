"""A registration that was begun and not saved comes back to the same user: after an idle lock, a crash, a power cut."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop import workflow
from desktop.access import Permission
from desktop.ui.keeper import Keeper
from desktop.ui.patients.form import PatientForm

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Clinic, UnsavedPatient


class FormDraft(QObject):
    """Keeps the form for somebody new in the store while it is typed, and asks the store for it after each unlocking.

    Signals: changed() when `resumed` or `waiting` may have changed; turned() when `failing` did; offered() when
    something was kept from before.
    """

    changed = Signal()
    offered = Signal()
    turned = Signal()

    def __init__(self, context: "UiContext", form: PatientForm, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._form = form
        self._keeper = Keeper(context, self)
        self._keeper.turned.connect(self.turned)
        self._earlier: UnsavedPatient | None = None
        self._resumed = False
        form.edited.connect(self._edited)
        context.unlocked.connect(self._ask)
        if context.clinic is not None:
            self._ask()

    @property
    def resumed(self) -> bool:
        """Whether the form shows what was typed before."""
        return self._resumed

    @property
    def failing(self) -> bool:
        """Whether the last words could not be kept."""
        return self._keeper.failing

    @property
    def waiting(self) -> bool:
        """Whether something is kept that the form does not show: somebody else is being typed already."""
        return self._earlier is not None and self._form.patient is None

    def take_up(self) -> None:
        """Show in an empty form for somebody new what was kept."""
        if self._earlier is not None and self._form.patient is None and self._form.is_blank:
            self.swap()

    def swap(self) -> None:
        """Show what was kept; what stands in the form now is kept in its place, if anything does."""
        if self._earlier is None:
            return
        now = None if self._form.is_blank else self._form.typed()
        self._form.go_on_with(self._earlier)
        self._earlier, self._resumed = now, True
        self.changed.emit()

    def set_aside(self) -> None:
        """The form is wanted for somebody on file; what was typed about somebody new comes back afterwards."""
        if self._form.patient is None and not self._form.is_blank:
            self._earlier = self._form.typed()
        self._resumed = False

    def drop(self) -> None:
        """It is on file, or was emptied by hand."""
        self._resumed = False
        self._keeper.keep(partial(_keep, typed=self._earlier))
        self._keeper.save_now()
        self.changed.emit()

    def save_now(self) -> None:
        """Put the newest words in the store's queue at once."""
        self._keeper.save_now()

    def forget(self) -> None:
        """The clinic is locked: the store has it all."""
        self._keeper.forget()
        self._earlier = None
        self._resumed = False

    def _ask(self) -> None:
        clinic = self._context.open_clinic
        if not clinic.session.may(Permission.EDIT_PATIENTS):
            return

        def work(job: "Job") -> "UnsavedPatient | None":
            return workflow.unsaved_patient(clinic, job)

        self._context.operations.run(work, initiator=self, done=self._take)

    def _take(self, kept: "UnsavedPatient | None") -> None:
        if kept is None or self._context.clinic is None:
            return
        self._earlier = kept
        self.take_up()
        self.changed.emit()
        self.offered.emit()

    def _edited(self) -> None:
        """What waits for a decision is not overwritten by somebody else's words."""
        if self._form.patient is None and self._earlier is None:
            self._keeper.keep(partial(_keep, typed=None if self._form.is_blank else self._form.typed()))


def _keep(clinic: "Clinic", job: "Job", typed: "UnsavedPatient | None") -> None:
    workflow.keep_unsaved_patient(clinic, job, typed)
