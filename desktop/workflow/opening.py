"""Creating, unlocking and locking a clinic."""

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from desktop.access import Role
from desktop.errors import ErrorKind, UserFacingError, from_os_error
from desktop.exports.recovery_card import RecoveryCardContent
from desktop.exports.recovery_card import render as render_card
from desktop.i18n import Language
from desktop.inference import Registry
from desktop.intake import forget_names
from desktop.jobs import Job
from desktop.records import AuditAction, UserId, new_id
from desktop.store import Store
from desktop.vault import RecoveryCard, Unlocked, give_back, keystore, seconds_to_wait
from desktop.vault.files import sync_folder
from desktop.workflow.clinic import Clinic, Clock, Session, open_to_all, system_clock
from desktop.workflow.words import plain_line

_log = logging.getLogger(__name__)

MINIMUM_PASSPHRASE = keystore.SHORTEST_PASSPHRASE


@dataclass(frozen=True, eq=False)
class Created:
    """A new clinic, unlocked, and the card that opens it when every passphrase is forgotten."""

    clinic: Clinic
    recovery_card: RecoveryCard


@open_to_all
def clinic_exists(folder: Path) -> bool:
    """Whether a clinic's store lies in the folder."""
    return Store.exists(folder)


@open_to_all
def clinic_users(folder: Path) -> tuple[str, ...]:
    """Names of those who may unlock the clinic, without unlocking it."""
    return keystore.users(folder)


@open_to_all
def seconds_until_next_try(folder: Path) -> int:
    """Whole seconds until a passphrase may be tried again; 0 when it may be tried now."""
    return seconds_to_wait(folder)


@open_to_all
def create_clinic(
    folder: Path,
    job: Job,
    *,
    name: str,
    admin: str,
    passphrase: str,
    models: Registry,
    clock: Clock = system_clock,
    hand_over: Callable[[RecoveryCard], None] | None = None,
) -> Created:
    """Create a clinic whose first user is doctor and administrator in one.

    Everything is built in a folder beside `folder` and put in place by one rename, so a failure or a power cut leaves
    no half clinic. `hand_over` gets the recovery card before that rename: if it fails, there is no clinic either.
    Raises UserFacingError (bad_input, not_empty), KnownFailure (disk_full, io).
    """
    _check_new_clinic(folder, name, admin)
    building = folder.with_name(f".{folder.name}.new-{os.getpid()}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir()
        job.report("start.progress.keys")
        store_id, user_id = new_id(), UserId(new_id())
        roles = (Role.DOCTOR, Role.ADMINISTRATOR)
        unlocked, card = keystore.create(
            building, store_id, admin.strip(), user_id, roles, passphrase, clinic_name=name.strip()
        )
        try:
            Store.create(building, unlocked, name.strip(), now=clock(), clock=clock).close()
            if hand_over is not None:
                hand_over(card)
            job.report("start.progress.store")
            if folder.is_dir():
                folder.rmdir()
            building.rename(folder)
            sync_folder(folder.parent)
        except BaseException:
            unlocked.close()
            raise
    except OSError as error:
        raise from_os_error(error) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    store = Store.open(folder, unlocked, clock=clock)
    with store.snapshot() as tx:
        user = tx.users.get(user_id)
    return Created(Clinic(store, unlocked, Session(user), models, clock), card)


def _check_new_clinic(folder: Path, name: str, admin: str) -> None:
    if not name.strip():
        raise UserFacingError("start.clinic_needs_name")
    if plain_line(name) != name.strip():
        raise UserFacingError("start.clinic_name_unusable")
    if not admin.strip():
        raise UserFacingError("start.user_needs_name")
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserFacingError("start.folder_not_empty", kind=ErrorKind.NOT_EMPTY)
    except OSError as error:
        raise from_os_error(error) from error


@open_to_all
def unlock(
    folder: Path,
    job: Job,
    *,
    user: str,
    passphrase: str,
    models: Registry,
    clock: Clock = system_clock,
    wait: Callable[[float], None] | None = None,
) -> Clinic:
    """Open the clinic for one user.

    wait: called with the seconds still to wait after wrong tries; without it, `unlock.wait` is raised instead.
    Raises UserFacingError (unlock, not_found) and, for a damaged store, KnownFailure.
    """
    if not Store.exists(folder):
        raise UserFacingError("workflow.no_clinic_here", kind=ErrorKind.NOT_FOUND)
    job.report("workflow.progress.unlocking")
    unlocked = keystore.unlock(folder, user, passphrase, wait=wait)
    return enter(folder, unlocked, models, clock)


def enter(folder: Path, unlocked: Unlocked, models: Registry, clock: Clock) -> Clinic:
    """Open the store for whoever showed that they may; the keys are wiped where that fails.

    Raises UserFacingError `unlock.wrong_passphrase` (unlock) for somebody who was disabled and whose old keystore was
    put back; KnownFailure as `Store.open`.
    """
    try:
        store = Store.open(folder, unlocked, clock=clock)
    except BaseException:
        unlocked.close()
        raise
    try:
        with store.transaction() as tx:
            who = tx.users.get(unlocked.user_id)
            action = AuditAction.UNLOCK_FAILED if who.disabled else AuditAction.UNLOCK
            tx.audit.add(action, who.id, actor=who.id, reason="pin" if unlocked.by_pin else "")
        if who.disabled:
            raise UserFacingError("unlock.wrong_passphrase", kind=ErrorKind.UNLOCK)
    except BaseException:
        store.close()
        unlocked.close()
        raise
    return Clinic(store, unlocked, Session(who), models, clock)


@open_to_all
def lock(clinic: Clinic) -> None:
    """Close the store, wipe the keys, and let go of what was remembered of patients. Never fails: locking must always
    work. Whoever runs jobs on this clinic cancels them first; one that goes on regardless finds a closed store. Locking
    twice is harmless.
    """
    if not clinic.store.is_open:
        clinic.unlocked.close()
        return
    try:
        with clinic.store.transaction() as tx:
            tx.audit.add(AuditAction.LOCK, clinic.actor, actor=clinic.actor)
    except Exception:
        _log.warning("the lock could not be written to the audit trail", exc_info=False)
    finally:
        try:
            clinic.store.close()
        finally:
            clinic.unlocked.close()
            clinic.models.close()
            forget_names()
            give_back()


@open_to_all
def recovery_card_pdf(card: RecoveryCard, languages: tuple[Language, ...]) -> bytes:
    """The recovery card as an A4 page to print and lock away."""
    content = RecoveryCardContent(
        clinic_name=card.clinic_name, code=card.code, store_id=card.store_id, created=card.created
    )
    return render_card(content, languages)
