"""Who may unlock the clinic, what each may do, and new keys for all.

Every change goes into both copies of the keystore first, durably, then into the database with its audit line. A power
cut in between is made good at the next opening (`store.membership`); where the disk fails there, `StillHolds` says so.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from desktop import vault
from desktop.access import MatrixRow, Permission, Role, matrix
from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.jobs import Job
from desktop.records import AuditAction, Changes, User, UserId, new_id
from desktop.store import Store, StoreFiles
from desktop.vault import RecoveryCard, Unlocked
from desktop.workflow.clinic import Clinic, Clock, open_to_all, requires, system_clock

# Stands as actor where the printed card let somebody in.
CARD_ACTOR = "recovery_card"

# Remark of a failed try with the present passphrase where another one was to be set.
_AT_CHANGING = "change_passphrase"


def _in_hand(card: RecoveryCard) -> None:
    """The card is in the person's hands, before and after."""


class Holding(StrEnum):
    """What holds from the moment the key files say it: the key of its sentence."""

    PASSPHRASE = "people.holds.passphrase"
    DISABLED = "people.holds.disabled"
    ROLES = "people.holds.roles"
    CARD = "people.holds.card"
    EPOCH = "people.holds.epoch"


class StillHolds(KnownFailure):
    """The disk failed after the key files were written: the change holds, and the next opening completes it."""

    def __init__(self, what: Holding, cause: UserFacingError) -> None:
        super().__init__(what.value, kind=cause.kind)


@dataclass(frozen=True)
class UserChanged:
    """The user as it is now."""

    user: User
    changes: Changes


@dataclass(frozen=True)
class ClinicInfo:
    """What can be said of a clinic without unlocking it; paths are relative to its folder.

    format: number of the form on the disk. epoch: current key epoch.
    """

    store_id: str
    format: int
    epoch: int
    database: str
    keystores: tuple[str, str]
    attachments: str
    audit_heads: str


@open_to_all
def clinic_info(folder: Path) -> ClinicInfo:
    """Where the files of a clinic lie. Nothing is authenticated.

    Raises UserFacingError (not_found), KnownFailure `vault.keystore_damaged` or `vault.keystore_missing`.
    """
    if not (vault.exists(folder) or Store.exists(folder)):
        raise UserFacingError("workflow.no_clinic_here", kind=ErrorKind.NOT_FOUND)
    said = vault.describe(folder)
    files = StoreFiles(folder, max(1, said.epoch))
    return ClinicInfo(
        said.store_id,
        said.version,
        said.epoch,
        files.database.name,
        said.files,
        files.attachments.name,
        files.heads.name,
    )


@open_to_all
def permission_matrix() -> tuple[MatrixRow, ...]:
    """Which roles may do what. Sentences: `people.permission.<permission>`, `people.role.<role>`."""
    return matrix()


@requires(Permission.VIEW_USERS)
def list_users(clinic: Clinic, job: Job) -> tuple[User, ...]:
    """Everybody who ever could unlock the clinic, by name."""
    job.check()
    with clinic.store.snapshot() as tx:
        return tuple(tx.users.all())


@requires(Permission.MANAGE_USERS)
def add_user(clinic: Clinic, job: Job, *, name: str, roles: Sequence[Role], passphrase: str) -> UserChanged:
    """Let somebody new unlock the clinic.

    Raises UserFacingError (bad_input): a name that is taken (compared without case and Unicode form), no role, a short
    passphrase.
    """
    known = _users(clinic.store)
    if any(vault.folded(user.name) == vault.folded(name) for user in known):
        raise UserFacingError("people.name_taken")
    _check_roles(roles)
    _check_current(clinic.store, clinic.unlocked)
    identity = UserId(new_id())
    job.report("people.step.key")
    vault.add_user(
        clinic.store.folder,
        clinic.unlocked,
        user_id=identity,
        name=name.strip(),
        roles=_values(roles),
        passphrase=passphrase,
    )
    return _taken_over(clinic.store, clinic.unlocked, identity, clinic.actor, Holding.PASSPHRASE)


@requires(Permission.USE_CLINIC)
def change_passphrase(clinic: Clinic, job: Job, *, old: str, new: str) -> UserChanged:
    """Another passphrase for whoever is signed in. A wrong `old` is audited as a failed unlock.

    Raises UserFacingError: `unlock.wrong_passphrase` (unlock) where `old` is not the present one, `unlock.wait` with
    `seconds` after several of them, `unlock.passphrase_too_short`.
    """
    _check_current(clinic.store, clinic.unlocked)
    job.report("people.step.key")
    user = clinic.session.user.id
    try:
        vault.change_passphrase(clinic.store.folder, clinic.unlocked, old=old, new=new)
    except UserFacingError as error:
        if error.key == "unlock.wrong_passphrase":
            with clinic.store.transaction() as tx:
                tx.audit.add(AuditAction.UNLOCK_FAILED, user, actor=clinic.actor, reason=_AT_CHANGING)
        raise
    return _taken_over(
        clinic.store, clinic.unlocked, user, clinic.actor, Holding.PASSPHRASE, AuditAction.CHANGE_PASSPHRASE
    )


@requires(Permission.MANAGE_USERS)
def disable_user(clinic: Clinic, job: Job, *, name: str) -> UserChanged:
    """Somebody may not unlock any more. Only a new key epoch keeps out who took a copy of the folder along.

    Raises UserFacingError: `people.unknown` (not_found), `people.not_yourself`, `people.last_administrator`.
    """
    job.check()
    user = _named(clinic.store, name)
    if user.id == clinic.session.user.id:
        raise UserFacingError("people.not_yourself")
    if user.disabled:
        raise UserFacingError("people.is_disabled")
    _check_administrator_remains(clinic.store, user, ())
    _check_current(clinic.store, clinic.unlocked)
    vault.drop_user(clinic.store.folder, clinic.unlocked, user_id=user.id)
    return _taken_over(clinic.store, clinic.unlocked, user.id, clinic.actor, Holding.DISABLED)


@requires(Permission.MANAGE_USERS)
def enable_user(clinic: Clinic, job: Job, *, name: str, passphrase: str) -> UserChanged:
    """Somebody who was disabled may unlock again, with a new passphrase and the roles of before.

    Raises UserFacingError: `people.unknown` (not_found), `people.is_active`, `unlock.passphrase_too_short`.
    """
    user = _named(clinic.store, name)
    if not user.disabled:
        raise UserFacingError("people.is_active")
    _check_current(clinic.store, clinic.unlocked)
    job.report("people.step.key")
    vault.add_user(
        clinic.store.folder,
        clinic.unlocked,
        user_id=user.id,
        name=user.name,
        roles=user.roles,
        passphrase=passphrase,
    )
    return _taken_over(clinic.store, clinic.unlocked, user.id, clinic.actor, Holding.PASSPHRASE)


@requires(Permission.MANAGE_USERS)
def reset_user(clinic: Clinic, job: Job, *, name: str, passphrase: str) -> UserChanged:
    """A new passphrase for somebody who lost theirs. Reports signed before stay valid.

    Raises UserFacingError: `people.unknown` (not_found), `people.is_disabled`, `unlock.passphrase_too_short`.
    """
    user = _active(clinic.store, name)
    _check_current(clinic.store, clinic.unlocked)
    job.report("people.step.key")
    return _reset(clinic.store, clinic.unlocked, user, passphrase, clinic.actor)


@open_to_all
def reset_with_card(
    folder: Path,
    job: Job,
    *,
    name: str,
    card: str,
    passphrase: str,
    clock: Clock = system_clock,
    wait: Callable[[float], None] | None = None,
) -> UserChanged:
    """A new passphrase for somebody by the recovery card alone; nobody needs to be able to unlock.

    Raises UserFacingError (wrong_recovery_card, unlock, not_found), and as `reset_user`; KnownFailure for a damaged
    store.
    """
    if not Store.exists(folder):
        raise UserFacingError("workflow.no_clinic_here", kind=ErrorKind.NOT_FOUND)
    vault.check_passphrase(passphrase)
    job.report("workflow.progress.unlocking")
    unlocked = vault.unlock_with_card(folder, card, wait=wait)
    try:
        with Store.open(folder, unlocked, clock=clock) as store:
            user = _active(store, name)
            _check_current(store, unlocked)
            return _reset(store, unlocked, user, passphrase, CARD_ACTOR)
    finally:
        unlocked.close()


@requires(Permission.MANAGE_USERS)
def set_roles(clinic: Clinic, job: Job, *, name: str, roles: Sequence[Role]) -> UserChanged:
    """Other roles for somebody; they hold from the next unlock.

    Raises UserFacingError: `people.unknown` (not_found), `people.is_disabled`, `people.needs_role`,
    `people.last_administrator`.
    """
    job.check()
    user = _active(clinic.store, name)
    _check_roles(roles)
    _check_administrator_remains(clinic.store, user, roles)
    _check_current(clinic.store, clinic.unlocked)
    vault.set_roles(clinic.store.folder, clinic.unlocked, user_id=user.id, roles=_values(roles))
    return _taken_over(clinic.store, clinic.unlocked, user.id, clinic.actor, Holding.ROLES)


@open_to_all
def card_group_fits(text: str, place: int) -> bool:
    """Whether a typed group of a recovery card's code can stand at its place (from 0): its check character is right."""
    return vault.group_fits(text, place)


@requires(Permission.MANAGE_USERS)
def draft_recovery_card(clinic: Clinic, job: Job) -> RecoveryCard:
    """A card to print and keep; nothing changes before `new_recovery_card` gets it."""
    job.check()
    return vault.draft_recovery_card(clinic.unlocked, clinic.name)


@requires(Permission.MANAGE_USERS)
def new_recovery_card(
    clinic: Clinic,
    job: Job,
    *,
    hand_over: Callable[[RecoveryCard], None] = _in_hand,
    take_back: Callable[[RecoveryCard], None] = _in_hand,
    card: RecoveryCard | None = None,
) -> RecoveryCard:
    """Another recovery card; the earlier ones open nothing any more, but for backups made before.

    hand_over: gets the card before the old one is given up; if it fails, the old one stays good. take_back: gets it
    again where it is certain that it opens nothing. card: a drafted one that is in the person's hands already. Raises
    StillHolds where the disk fails once it is the clinic's card.
    """
    job.check()
    _check_current(clinic.store, clinic.unlocked)
    card = vault.new_recovery_card(
        clinic.store.folder,
        clinic.unlocked,
        clinic_name=clinic.name,
        hand_over=hand_over,
        take_back=take_back,
        card=card,
    )
    identity = clinic.session.user.id
    _taken_over(clinic.store, clinic.unlocked, identity, clinic.actor, Holding.CARD, AuditAction.NEW_RECOVERY_CARD)
    return card


@requires(Permission.MANAGE_USERS)
def start_new_epoch(clinic: Clinic, job: Job) -> int:
    """Re-encrypt the clinic's database under a new master key, so that whoever was disabled cannot open it with an old
    copy of the keystore. Passphrases and recovery card stay. The clinic handed in goes on under the new key; stored
    files follow with `reseal_attachments`.

    Returns the new epoch. Raises KnownFailure (disk_full, io), Cancelled: the clinic is as before then; StillHolds
    where the disk failed once the new key was the clinic's.
    """
    before = clinic.unlocked.epoch
    try:
        return clinic.store.begin_epoch(job, actor=clinic.actor)
    except UserFacingError as error:
        if clinic.unlocked.epoch == before:
            raise
        raise StillHolds(Holding.EPOCH, error) from error


@requires(Permission.USE_CLINIC)
def files_to_reseal(clinic: Clinic, job: Job) -> bool:
    """Whether stored files still wait to be re-encrypted after a new key epoch; then run `reseal_attachments`."""
    job.check()
    return clinic.store.attachments.to_reseal()


@requires(Permission.USE_CLINIC)
def reseal_attachments(clinic: Clinic, job: Job) -> int:
    """Re-encrypt stored files that are still under a past epoch's key. Where it is cancelled or the power fails, the
    next call goes on.

    Returns how many are damaged or missing and stay as they are: the check of the clinic names them.
    """
    return clinic.store.attachments.reseal(job, actor=clinic.actor)


def _users(store: Store) -> list[User]:
    with store.snapshot() as tx:
        return tx.users.all()


def _named(store: Store, name: str) -> User:
    user = next((user for user in _users(store) if vault.folded(user.name) == vault.folded(name)), None)
    if user is None:
        raise UserFacingError("people.unknown", kind=ErrorKind.NOT_FOUND)
    return user


def _active(store: Store, name: str) -> User:
    user = _named(store, name)
    if user.disabled:
        raise UserFacingError("people.is_disabled")
    return user


def _check_roles(roles: Sequence[Role]) -> None:
    if not roles:
        raise UserFacingError("people.needs_role")


def _values(roles: Sequence[Role]) -> tuple[str, ...]:
    """Each role once, in the order of `Role`."""
    return tuple(role.value for role in Role if role in roles)


def _check_administrator_remains(store: Store, changed: User, roles: Sequence[Role]) -> None:
    """Raises UserFacingError where nobody could manage users any more."""
    if Role.ADMINISTRATOR in roles or Role.ADMINISTRATOR not in changed.roles:
        return
    others = (user for user in _users(store) if user.id != changed.id and not user.disabled)
    if not any(Role.ADMINISTRATOR in user.roles for user in others):
        raise UserFacingError("people.last_administrator")


def _check_current(store: Store, unlocked: Unlocked) -> None:
    """Raises KnownFailure where the keystore was put back to an earlier state: what was withdrawn since would return
    with the next change."""
    vault.catch_up(store.folder, unlocked)
    with store.snapshot() as tx:
        if tx.membership.generation() > unlocked.generation:
            raise KnownFailure("people.keystore_put_back", kind=ErrorKind.IO)


def _reset(store: Store, unlocked: Unlocked, user: User, passphrase: str, actor: str) -> UserChanged:
    vault.reset_user(store.folder, unlocked, user_id=user.id, passphrase=passphrase)
    return _taken_over(store, unlocked, user.id, actor, Holding.PASSPHRASE)


def _taken_over(
    store: Store, unlocked: Unlocked, user: UserId, actor: str, what: Holding, action: AuditAction | None = None
) -> UserChanged:
    """The database says what the keystore says now. action: the deed where it changes no user's record.

    Raises StillHolds where the disk fails.
    """
    with _said_to_hold(what):
        members = vault.members(store.folder, unlocked)
        with store.transaction() as tx:
            tx.membership.take_over(members, unlocked.generation, actor=actor)
            if action is not None:
                tx.audit.add(action, user, actor=actor)
            return UserChanged(tx.users.get(user), Changes(users=True))


@contextlib.contextmanager
def _said_to_hold(what: Holding) -> Iterator[None]:
    """The key files are written: no failure from here on undoes that, so none may say that nothing was changed."""
    try:
        yield
    except UserFacingError as error:
        raise StillHolds(what, error) from error
