"""Creating and opening the keystore. Changing it is the affair of `vault.changes`."""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from desktop.errors import ErrorKind, KnownFailure, UserFacingError, from_os_error
from desktop.records import UserId
from desktop.vault import attempts, recovery
from desktop.vault.derive import SALT_BYTES, KdfParameters, fresh_parameters, hkdf
from desktop.vault.keystore_file import (
    COPY,
    PRIMARY,
    VERSION,
    CardSlot,
    Copy,
    EarlierEpoch,
    Keystore,
    UserSlot,
    forget_staged,
    kdf_to_json,
    read_copies,
    write_copies,
)
from desktop.vault.recovery import RecoveryCard
from desktop.vault.slots import OpenedSlot, WrongSecret, close_slot, open_slot
from desktop.vault.unlocked import KeystoreFinding, KeystoreHealth, MasterKey, Unlocked

_log = logging.getLogger(__name__)

SHORTEST_PASSPHRASE = 8
LONGEST_NAME = 80

_EARLIER = "earlier-keystores"
_NONCE_BYTES = 12

# What an interrupted creation may leave behind; anything else in the folder belongs to a clinic.
_LEFTOVERS = frozenset({PRIMARY, COPY, PRIMARY + ".new", COPY + ".new", attempts.COUNTER, attempts.COUNTER + ".new"})


class _CostChanged(Exception):
    """A slot asks for a cost that Lantern never writes."""


def exists(folder: Path) -> bool:
    """Whether a keystore lies here, whole or not."""
    return (folder / PRIMARY).exists() or (folder / COPY).exists()


def users(folder: Path) -> tuple[str, ...]:
    """Names of those who may unlock, as written in the first readable copy; nothing is authenticated yet."""
    keystore = _newest(read_copies(folder))
    return tuple(slot.user for slot in keystore.slots) if keystore else ()


@dataclass(frozen=True)
class KeystoreInfo:
    """What a keystore says of its clinic before anybody unlocked it; nothing is authenticated yet.

    version: of the clinic's form on the disk. epoch: current key epoch. files: names of both copies.
    """

    store_id: str
    version: int
    epoch: int
    files: tuple[str, str] = (PRIMARY, COPY)


def describe(folder: Path) -> KeystoreInfo:
    """Which clinic this is, from the newest readable copy.

    Raises KnownFailure: `vault.keystore_missing`, `vault.keystore_damaged`, `vault.keystore_too_new`.
    """
    copies = read_copies(folder)
    newest = _newest(copies)
    if newest is None:
        _refuse_newer(copies, ErrorKind.BAD_INPUT)
    if newest is None and any(copy.present for copy in copies):
        raise KnownFailure("vault.keystore_damaged", kind=ErrorKind.IO)
    if newest is None:
        raise KnownFailure("vault.keystore_missing", kind=ErrorKind.NOT_FOUND)
    return KeystoreInfo(newest.store_id, VERSION, newest.epoch)


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

    calibrate: measure how many passes of Argon2id take 0.7 to 1.0 s here (half a second); False takes the floor of 3.
    Raises UserFacingError for a short passphrase (`unlock.passphrase_too_short`), as `check_user_name`, or for a folder
    that already holds something (`vault.folder_in_use`), KnownFailure where the disk fails.
    """
    check_passphrase(passphrase)
    check_user_name(user_name)
    master = bytearray(os.urandom(32))
    kdf = fresh_parameters(calibrate=calibrate)
    derived = kdf.derive(passphrase)
    keys = close_slot(derived, kdf_to_json(kdf), master, store_id, 1)
    card = fresh_card(store_id, clinic_name)
    recovery_slot = card_slot(card, master, 1)
    key = MasterKey(master, store_id, 1)
    master[:] = bytes(len(master))
    keystore = Keystore(
        store_id,
        epoch=1,
        generation=1,
        slots=(UserSlot(user_name.strip(), user_id, tuple(roles), kdf, keys),),
        recovery=(recovery_slot,),
    ).sealed(mac_key(key))
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


def check_passphrase(passphrase: str) -> None:
    """Raises UserFacingError `unlock.passphrase_too_short`."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise UserFacingError("unlock.passphrase_too_short", count=SHORTEST_PASSPHRASE)


def check_user_name(name: str) -> None:
    """Raises UserFacingError: `unlock.user_name_missing`, `vault.name_unusable` (too long, or signs nobody can see)."""
    if not name.strip():
        raise UserFacingError("unlock.user_name_missing")
    if len(name.strip()) > LONGEST_NAME or not name.strip().isprintable():
        raise UserFacingError("vault.name_unusable", count=LONGEST_NAME)


def fresh_card(store_id: str, clinic_name: str) -> RecoveryCard:
    """A recovery card to print; it opens nothing before its slot is in the keystore."""
    return RecoveryCard(recovery.encode(recovery.new_secret()), store_id, clinic_name, datetime.now(UTC))


def card_slot(card: RecoveryCard, master: bytes | bytearray, epoch: int) -> CardSlot:
    """The slot that a card opens."""
    salt = os.urandom(SALT_BYTES)
    secret = card_secret(recovery.decode(card.code), salt)
    return CardSlot(salt, card.created.isoformat(), close_slot(secret, salt.hex(), master, card.store_id, epoch))


def unlock(
    folder: Path,
    user_name: str,
    passphrase: str,
    *,
    wait: Callable[[float], None] | None = None,
    touch: bool = True,
    derived: dict[KdfParameters, bytes] | None = None,
) -> Unlocked:
    """Open the clinic as a user.

    wait: see `attempts.admit`. touch: False reads only: no slow-down, nothing remembered. A copy that is not whole is
    told in `found`; `mend` puts it right once the database has shown that these keys are the current ones. derived:
    what earlier calls with this very passphrase derived, by cost and salt; used where both are the same, and added to.
    Raises UserFacingError (kind UNLOCK): `unlock.wrong_passphrase` for a wrong name or passphrase alike and after the
    same time, `unlock.wait` with `seconds`; KnownFailure: `vault.keystore_missing`, `vault.keystore_damaged`,
    `vault.keystore_too_new`, `vault.keystore_changed` where the passphrase is right and the file is not what Lantern
    wrote.
    """
    copies = _readable(folder)
    if touch:
        attempts.admit(folder, wait)
    derived = {} if derived is None else derived

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
        if not derived and not changed:
            _take_as_long(copies, passphrase)
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
                secret_key = card_secret(secret, slot.salt)
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
    trusted = _trusted((first, second), unlocked.master)
    return _judge(first, unlocked, trusted), _judge(second, unlocked, trusted)


def current(folder: Path, unlocked: Unlocked) -> Keystore:
    """The newest authentic keystore of this key epoch, read anew.

    Raises KnownFailure `vault.keystore_changed` where neither copy is authentic, as after somebody edited both.
    """
    keystore = _trusted(read_copies(folder), unlocked.master)
    if keystore is None:
        raise KnownFailure("vault.keystore_changed", kind=ErrorKind.IO)
    return keystore


def slots_now(folder: Path, unlocked: Unlocked) -> tuple[UserSlot, ...]:
    """Everybody's slots in the newest authentic keystore; none where it belongs to another key epoch."""
    keystore = _trusted(read_copies(folder), unlocked.master)
    return keystore.slots if keystore is not None else ()


def catch_up(folder: Path, unlocked: Unlocked) -> None:
    """Note the newest authentic writing: another program may have written one between unlocking and now."""
    keystore = _trusted(read_copies(folder), unlocked.master)
    if keystore is not None:
        unlocked.master.generation = max(unlocked.master.generation, keystore.generation)


def mend(folder: Path, unlocked: Unlocked) -> None:
    """Make both copies the newest authentic one again, however one of them was lost.

    Call it when the database has opened under these keys: a copy that claims another epoch is then surely not the
    current one. A disk that cannot be written keeps nobody out; the check of the clinic tells what is left to mend.
    """
    forget_staged(folder)
    copies = read_copies(folder)
    good = _trusted(copies, unlocked.master)
    if good is None or all(copy.exact and copy.keystore == good for copy in copies):
        return
    try:
        write_copies(folder, good)
    except OSError:
        _log.warning("a copy of the keystore could not be mended")


def _readable(folder: Path) -> tuple[Copy, ...]:
    """Both copies, newest writing first. Raises KnownFailure where neither can be read."""
    copies = read_copies(folder)
    if not any(copy.present for copy in copies):
        raise KnownFailure("vault.keystore_missing", kind=ErrorKind.UNLOCK)
    if not any(copy.keystore for copy in copies):
        _refuse_newer(copies, ErrorKind.UNLOCK)
        raise KnownFailure("vault.keystore_damaged", kind=ErrorKind.UNLOCK)
    return tuple(sorted(copies, key=lambda copy: -copy.keystore.generation if copy.keystore else 1))


def _refuse_newer(copies: Sequence[Copy], kind: ErrorKind) -> None:
    """Raises KnownFailure `vault.keystore_too_new` where a later release wrote one of the copies."""
    if any(copy.newer for copy in copies):
        raise KnownFailure("vault.keystore_too_new", kind=kind)


def _first_authentic(
    copies: tuple[Copy, ...], opener: Callable[[Keystore], Unlocked | None]
) -> tuple[Unlocked | None, bool]:
    """The first copy that opens and whose MAC fits; and whether one opened whose MAC did not."""
    changed = False
    for place, copy in enumerate(copies):
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
        key = mac_key(unlocked.master)
        if not copy.keystore.authentic(key):
            changed = True
        elif any(newer.keystore is not None and newer.keystore.authentic(key) for newer in copies[:place]):
            pass  # a newer writing holds, and it does not open: the passphrase was withdrawn
        else:
            return unlocked, changed
        unlocked.close()
    return None, changed


def _take_as_long(copies: tuple[Copy, ...], passphrase: str) -> None:
    """An unknown or withdrawn name must cost as much time as a wrong passphrase."""
    costs = (slot.kdf for copy in copies if copy.keystore for slot in copy.keystore.slots if slot.kdf.within_bounds())
    next(costs, fresh_parameters(calibrate=False)).derive(passphrase)


def _welcome(folder: Path, copies: tuple[Copy, ...], unlocked: Unlocked, *, touch: bool) -> Unlocked:
    """Note the state in which the copies were found, then forget failures."""
    trusted = _trusted(copies, unlocked.master)
    by_name = sorted(copies, key=lambda copy: copy.path.name != PRIMARY)
    unlocked = replace(unlocked, found=tuple(_judge(copy, unlocked, trusted) for copy in by_name))
    if touch:
        attempts.succeeded(folder)
    return unlocked


def _refuse(folder: Path, user_id: str, *, changed: bool, touch: bool) -> NoReturn:
    """Raise what a failed unlock raises, and remember it."""
    if changed:
        raise KnownFailure("vault.keystore_changed", kind=ErrorKind.UNLOCK)
    if touch:
        attempts.failed(folder, user_id)
    raise UserFacingError("unlock.wrong_passphrase", kind=ErrorKind.UNLOCK)


def _unlocked(keystore: Keystore, opened: OpenedSlot, slot: UserSlot | None) -> Unlocked:
    master = MasterKey(opened.master, keystore.store_id, keystore.epoch, keystore.generation)
    opened.master[:] = bytes(len(opened.master))
    return Unlocked(
        store_id=keystore.store_id,
        user_id=UserId(slot.user_id if slot else ""),
        user_name=slot.user if slot else "",
        roles=slot.roles if slot else ("administrator",),
        master=master,
        signing_key=opened.signing_key,
        by_card=slot is None,
    )


def _newest(copies: Sequence[Copy]) -> Keystore | None:
    """The readable copy that was written last, whoever wrote it."""
    readable = [copy.keystore for copy in copies if copy.keystore is not None]
    return max(readable, key=lambda keystore: keystore.generation, default=None)


def _trusted(copies: Sequence[Copy], master: MasterKey) -> Keystore | None:
    """The newest copy of this key epoch whose MAC fits."""
    key = mac_key(master)
    authentic = [copy for copy in copies if copy.keystore is not None and copy.keystore.authentic(key)]
    return _newest(authentic)


def _judge(copy: Copy, unlocked: Unlocked, trusted: Keystore | None) -> KeystoreFinding:
    """A copy is judged by its MAC, not by whether a passphrase opens it: an older writing is no damage."""
    if not copy.present:
        health = KeystoreHealth.MISSING
    elif copy.keystore is None:
        health = KeystoreHealth.DAMAGED
    elif copy.exact and trusted is not None and _left_behind(copy.keystore, unlocked.master, trusted):
        health = KeystoreHealth.OLDER
    elif not (copy.exact and copy.keystore.authentic(mac_key(unlocked.master))):
        health = KeystoreHealth.CHANGED
    elif copy.keystore.generation < unlocked.generation:
        health = KeystoreHealth.OLDER
    else:
        health = KeystoreHealth.WHOLE
    return KeystoreFinding(copy.path.name, health)


def _left_behind(keystore: Keystore, master: MasterKey, trusted: Keystore) -> bool:
    """Whether Lantern wrote this keystore in an earlier key epoch of the same clinic."""
    if keystore.store_id != trusted.store_id:
        return False
    keys = (open_earlier(each, master, trusted.store_id) for each in trusted.earlier if each.epoch == keystore.epoch)
    return any(key is not None and keystore.authentic(key) for key in keys)


def keep_earlier(epoch: int, key: bytes, master: MasterKey, store_id: str) -> EarlierEpoch:
    """A past epoch's MAC key, kept under the present master key."""
    nonce = os.urandom(_NONCE_BYTES)
    wrapped = AESGCM(master.derive(_EARLIER)).encrypt(nonce, key, f"{store_id}/{epoch}".encode())
    return EarlierEpoch(epoch, nonce + wrapped)


def open_earlier(earlier: EarlierEpoch, master: MasterKey, store_id: str) -> bytes | None:
    """Undo `keep_earlier`; None for what was changed."""
    nonce, wrapped = earlier.mac_key[:_NONCE_BYTES], earlier.mac_key[_NONCE_BYTES:]
    try:
        return AESGCM(master.derive(_EARLIER)).decrypt(nonce, wrapped, f"{store_id}/{earlier.epoch}".encode())
    except (InvalidTag, ValueError):
        return None


def mac_key(master: MasterKey) -> bytes:
    """What a keystore of the master key's epoch is authenticated with."""
    return master.derive("keystore")


def card_secret(secret: bytes, salt: bytes) -> bytes:
    """The key of a recovery card's slot."""
    return hkdf(secret, salt=salt, info="lantern/recovery-card")
