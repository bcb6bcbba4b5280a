"""Creating and opening the keystore."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from desktop.errors import ErrorKind, KnownFailure, UserFacingError, from_os_error
from desktop.records import UserId
from desktop.vault import attempts, recovery
from desktop.vault.derive import SALT_BYTES, KdfParameters, fresh_parameters, hkdf
from desktop.vault.keystore_file import (
    COPY,
    PRIMARY,
    CardSlot,
    Copy,
    Keystore,
    UserSlot,
    kdf_to_json,
    read_copies,
    write_copies,
)
from desktop.vault.recovery import RecoveryCard
from desktop.vault.slots import OpenedSlot, WrongSecret, close_slot, open_slot
from desktop.vault.unlocked import KeystoreFinding, KeystoreHealth, MasterKey, Unlocked

SHORTEST_PASSPHRASE = 8

# What an interrupted creation may leave behind; anything else in the folder belongs to a clinic.
_LEFTOVERS = frozenset({PRIMARY, COPY, PRIMARY + ".new", COPY + ".new", attempts.COUNTER, attempts.COUNTER + ".new"})


class _CostChanged(Exception):
    """A slot asks for a cost that Lantern never writes."""


def exists(folder: Path) -> bool:
    """Whether a keystore lies here, whole or not."""
    return (folder / PRIMARY).exists() or (folder / COPY).exists()


def users(folder: Path) -> tuple[str, ...]:
    """Names of those who may unlock, as written in the first readable copy; nothing is authenticated yet."""
    keystore = next((copy.keystore for copy in read_copies(folder) if copy.keystore is not None), None)
    return tuple(slot.user for slot in keystore.slots) if keystore else ()


def create(
    folder: Path,
    store_id: str,
    user_name: str,
    user_id: UserId,
    roles: Sequence[str],
    passphrase: str,
    *,
    clinic_name: str = "",
    calibrate: bool = True,
) -> tuple[Unlocked, RecoveryCard]:
    """A new master key with one user and one recovery card.

    calibrate: measure how many passes of Argon2id take 0.7 to 1.0 s here (about 0.2 s); False takes the floor of 3.
    Raises UserFacingError for a short passphrase (`unlock.passphrase_too_short`) or a folder that already holds
    something (`vault.folder_in_use`), KnownFailure where the disk fails.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise UserFacingError("unlock.passphrase_too_short", count=SHORTEST_PASSPHRASE)
    if not user_name.strip():
        raise UserFacingError("unlock.user_name_missing")
    master = bytearray(os.urandom(32))
    kdf = fresh_parameters(calibrate=calibrate)
    derived = kdf.derive(passphrase)
    keys = close_slot(derived, kdf_to_json(kdf), master, store_id, 1)
    secret = recovery.new_secret()
    card = RecoveryCard(recovery.encode(secret), store_id, clinic_name, datetime.now(UTC))
    salt = os.urandom(SALT_BYTES)
    card_keys = close_slot(_card_secret(secret, salt), salt.hex(), master, store_id, 1)
    key = MasterKey(master, store_id, 1)
    master[:] = bytes(len(master))
    keystore = Keystore(
        store_id,
        epoch=1,
        generation=1,
        slots=(UserSlot(user_name.strip(), user_id, tuple(roles), kdf, keys),),
        recovery=(CardSlot(salt, card.created.isoformat(), card_keys),),
    ).sealed(_mac_key(key))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(entry.name not in _LEFTOVERS for entry in folder.iterdir()):
            raise UserFacingError("vault.folder_in_use", kind=ErrorKind.NOT_EMPTY)
        write_copies(folder, keystore)
    except OSError as error:
        raise from_os_error(error) from error
    slot = keystore.slots[0]
    opened = open_slot(slot.keys, derived, kdf_to_json(slot.kdf), store_id, 1)
    key.close()
    return _unlocked(keystore, opened, slot), card


def unlock(
    folder: Path,
    user_name: str,
    passphrase: str,
    *,
    wait: Callable[[float], None] | None = None,
    touch: bool = True,
) -> Unlocked:
    """Open the clinic as a user.

    wait: see `attempts.admit`. touch: False reads only: no slow-down, nothing remembered, no copy mended.
    Raises UserFacingError (kind UNLOCK): `unlock.wrong_passphrase` for a wrong name or passphrase alike and after the
    same time, `unlock.wait` with `seconds`; KnownFailure: `vault.keystore_missing`, `vault.keystore_damaged`,
    `vault.keystore_changed` where the passphrase is right and the file is not what Lantern wrote.
    """
    copies = _readable(folder)
    if touch:
        attempts.admit(folder, wait)
    derived: dict[KdfParameters, bytes] = {}

    def open_as_user(keystore: Keystore) -> Unlocked | None:
        slot = keystore.slot(user_name)
        if slot is None:
            return None
        if not slot.kdf.within_bounds():
            raise _CostChanged
        if slot.kdf not in derived:
            derived[slot.kdf] = slot.kdf.derive(passphrase)
        opened = open_slot(slot.keys, derived[slot.kdf], kdf_to_json(slot.kdf), keystore.store_id, keystore.epoch)
        return _unlocked(keystore, opened, slot)

    unlocked, changed = _first_authentic(copies, open_as_user)
    if unlocked is None:
        if not derived and not changed:  # an unknown name must cost as much time as a wrong passphrase
            fresh_parameters(calibrate=False).derive(passphrase)
        slots = (copy.keystore.slot(user_name) for copy in copies if copy.keystore)
        _refuse(folder, next((slot.user_id for slot in slots if slot), ""), changed=changed, touch=touch)
    return _welcome(folder, copies, unlocked, touch=touch)


def unlock_with_card(
    folder: Path, code: str, *, wait: Callable[[float], None] | None = None, touch: bool = True
) -> Unlocked:
    """Open the clinic with the recovery card's code; the result acts for nobody (`by_card`) and has the role
    `administrator`, so that somebody can be let in again.

    Raises UserFacingError (kind WRONG_RECOVERY_CARD) for a mistyped code or another clinic's card, and as `unlock`.
    """
    secret = recovery.decode(code)
    copies = _readable(folder)
    if touch:
        attempts.admit(folder, wait)

    def open_by_card(keystore: Keystore) -> Unlocked | None:
        for slot in keystore.recovery:
            try:
                secret_key = _card_secret(secret, slot.salt)
                opened = open_slot(slot.keys, secret_key, slot.salt.hex(), keystore.store_id, keystore.epoch)
            except WrongSecret:
                continue
            return _unlocked(keystore, opened, None)
        return None

    unlocked, changed = _first_authentic(copies, open_by_card)
    if unlocked is None:
        if changed:
            raise KnownFailure("vault.keystore_changed", kind=ErrorKind.UNLOCK)
        if touch:
            attempts.failed(folder, "")
        raise UserFacingError("unlock.wrong_card", kind=ErrorKind.WRONG_RECOVERY_CARD)
    return _welcome(folder, copies, unlocked, touch=touch)


def check_copies(folder: Path, unlocked: Unlocked) -> tuple[KeystoreFinding, KeystoreFinding]:
    """State of both files, by their MAC. Writes nothing."""
    first, second = read_copies(folder)
    return _judge(first, unlocked), _judge(second, unlocked)


def _readable(folder: Path) -> tuple[Copy, ...]:
    """Both copies, newest writing first. Raises KnownFailure where neither can be read."""
    copies = read_copies(folder)
    if not any(copy.present for copy in copies):
        raise KnownFailure("vault.keystore_missing", kind=ErrorKind.UNLOCK)
    if not any(copy.keystore for copy in copies):
        raise KnownFailure("vault.keystore_damaged", kind=ErrorKind.UNLOCK)
    return tuple(sorted(copies, key=lambda copy: -copy.keystore.generation if copy.keystore else 1))


def _first_authentic(
    copies: tuple[Copy, ...], opener: Callable[[Keystore], Unlocked | None]
) -> tuple[Unlocked | None, bool]:
    """The first copy that opens and whose MAC fits; and whether one opened whose MAC did not."""
    changed = False
    for copy in copies:
        if copy.keystore is None:
            continue
        try:
            unlocked = opener(copy.keystore)
        except WrongSecret:
            continue
        except _CostChanged:
            changed = True
            continue
        if unlocked is None:
            continue
        if copy.keystore.authentic(_mac_key(unlocked.master)):
            return unlocked, changed
        unlocked.close()
        changed = True
    return None, changed


def _welcome(folder: Path, copies: tuple[Copy, ...], unlocked: Unlocked, *, touch: bool) -> Unlocked:
    """Note the state in which the copies were found, then forget failures and mend what can be mended."""
    unlocked = replace(unlocked, found=check_copies(folder, unlocked))
    if touch:
        attempts.succeeded(folder)
        _mend(folder, copies, unlocked)
    return unlocked


def _refuse(folder: Path, user_id: str, *, changed: bool, touch: bool) -> NoReturn:
    """Raise what a failed unlock raises, and remember it."""
    if changed:
        raise KnownFailure("vault.keystore_changed", kind=ErrorKind.UNLOCK)
    if touch:
        attempts.failed(folder, user_id)
    raise UserFacingError("unlock.wrong_passphrase", kind=ErrorKind.UNLOCK)


def _unlocked(keystore: Keystore, opened: OpenedSlot, slot: UserSlot | None) -> Unlocked:
    master = MasterKey(opened.master, keystore.store_id, keystore.epoch)
    opened.master[:] = bytes(len(opened.master))
    return Unlocked(
        store_id=keystore.store_id,
        epoch=keystore.epoch,
        generation=keystore.generation,
        user_id=UserId(slot.user_id if slot else ""),
        user_name=slot.user if slot else "",
        roles=slot.roles if slot else ("administrator",),
        master=master,
        signing_key=opened.signing_key,
        by_card=slot is None,
    )


def _judge(copy: Copy, unlocked: Unlocked) -> KeystoreFinding:
    """A copy is judged by its MAC, not by whether a passphrase opens it: an older writing is no damage."""
    if not copy.present:
        health = KeystoreHealth.MISSING
    elif copy.keystore is None:
        health = KeystoreHealth.DAMAGED
    elif not (copy.exact and copy.keystore.authentic(_mac_key(unlocked.master))):
        health = KeystoreHealth.CHANGED
    elif copy.keystore.generation < unlocked.generation:
        health = KeystoreHealth.OLDER
    else:
        health = KeystoreHealth.WHOLE
    return KeystoreFinding(copy.path.name, health)


def _mend(folder: Path, copies: tuple[Copy, ...], unlocked: Unlocked) -> None:
    """After an unlock both copies are the newest authentic one again, however one of them was lost."""
    key = _mac_key(unlocked.master)
    good = next(copy.keystore for copy in copies if copy.keystore and copy.keystore.authentic(key))
    if all(copy.exact and copy.keystore == good for copy in copies):
        return
    try:
        write_copies(folder, good)
    except OSError as error:
        raise from_os_error(error) from error


def _mac_key(master: MasterKey) -> bytes:
    return master.derive("keystore")


def _card_secret(secret: bytes, salt: bytes) -> bytes:
    return hkdf(secret, salt=salt, info="lantern/recovery-card")
