"""Changing hands during a shift: a few digits instead of the whole passphrase, from this process's memory only."""

from pathlib import Path

from desktop.access import Permission
from desktop.errors import ErrorKind, UserFacingError
from desktop.inference import Registry
from desktop.jobs import Job
from desktop.records import AuditAction
from desktop.store import Store
from desktop.vault import Shift
from desktop.workflow.clinic import Clinic, Clock, open_to_all, requires, system_clock
from desktop.workflow.opening import enter


@requires(Permission.USE_CLINIC)
def set_pin(clinic: Clinic, job: Job, shift: Shift, *, pin: str) -> None:
    """Let whoever is signed in come back with a PIN until the shift ends.

    Raises UserFacingError: `people.pin_digits`, `people.pin_too_simple`.
    """
    job.check()
    shift.set_pin(clinic.store.folder, clinic.unlocked, pin)
    with clinic.store.transaction() as tx:
        tx.audit.add(AuditAction.SET_PIN, clinic.actor, actor=clinic.actor)


@requires(Permission.USE_CLINIC)
def forget_pin(clinic: Clinic, job: Job, shift: Shift) -> None:
    """The PIN of whoever is signed in ends now."""
    job.check()
    shift.forget(clinic.store.folder, clinic.session.user.id)


@open_to_all
def pin_users(shift: Shift, folder: Path) -> tuple[str, ...]:
    """Names of those who may use their PIN in this clinic now."""
    return shift.users(folder)


@open_to_all
def unlock_with_pin(
    folder: Path, job: Job, shift: Shift, *, user: str, pin: str, models: Registry, clock: Clock = system_clock
) -> Clinic:
    """Open the clinic for somebody on duty.

    Raises UserFacingError (unlock): `people.pin_wrong` with the `count` of tries left, `people.pin_gone` where only the
    passphrase opens; and as `unlock`.
    """
    if not Store.exists(folder):
        raise UserFacingError("workflow.no_clinic_here", kind=ErrorKind.NOT_FOUND)
    job.report("workflow.progress.unlocking")
    return enter(folder, shift.open(folder, user, pin), models, clock)


@open_to_all
def end_shift(shift: Shift) -> None:
    """Everybody's PIN ends now."""
    shift.end()
