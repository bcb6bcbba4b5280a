"""Changing who gets in, and beginning a new key epoch.

Every change reads the newest authentic keystore anew, writes both copies durably and only then returns; the database
follows after that, so that a power cut in between leaves a keystore that is ahead, never behind. `members` tells the
database what it has to take over.
"""

import contextlib
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from desktop.errors import ErrorKind, KnownFailure, UserFacingError, from_os_error
from desktop.records import UserId
from desktop.vault import attempts
from desktop.vault import keystore as opening
from desktop.vault.derive import KEY_BYTES, fresh_parameters
from desktop.vault.keystore_file import (
    CardSlot,
    Keystore,
    UncertainKeystore,
    UserSlot,
    kdf_to_json,
    write_copies,
)
from desktop.vault.recovery import RecoveryCard
from desktop.vault.signatures import SigningKey
from desktop.vault.slots import WrongSecret, close_slot, give_master, open_slot
from desktop.vault.unlocked import MasterKey, Unlocked


@dataclass(frozen=True)
class Member:
    """Somebody who may unlock. public_key: Ed25519 verification key, 32 bytes."""

    user_id: UserId
    name: str
    roles: tuple[str, ...]
    public_key: bytes


class HalfWritten(KnownFailure):
    """The disk failed so that nobody can say whether the change holds. Lock; the next unlock finds out."""

    def __init__(self) -> None:
        super().__init__("vault.half_written", kind=ErrorKind.IO)


def members(folder: Path, unlocked: Unlocked) -> tuple[Member, ...]:
    """Everybody who may unlock, from the newest authentic keystore. Raises KnownFailure `vault.keystore_changed`."""
    keystore = opening.current(folder, unlocked)
    return tuple(
        Member(UserId(slot.user_id), slot.user, slot.roles, slot.keys.verification_key) for slot in keystore.slots
    )


def add_user(
    folder: Path, unlocked: Unlocked, *, user_id: UserId, name: str, roles: Sequence[str], passphrase: str
) -> None:
    """A slot for somebody new.

    Raises UserFacingError: as `check_user_name`, `unlock.passphrase_too_short`, `vault.name_taken`; and as `_changed`
    does.
    """
    opening.check_user_name(name)

    def change(keystore: Keystore) -> Keystore:
        if keystore.slot(name) is not None:
            raise UserFacingError("vault.name_taken")
        slot = _slot(unlocked, user_id, name.strip(), tuple(roles), passphrase)
        return replace(keystore, slots=(*keystore.slots, slot))

    opening.check_passphrase(passphrase)
    _changed(folder, unlocked, change)


def change_passphrase(folder: Path, unlocked: Unlocked, *, old: str, new: str) -> None:
    """Another passphrase for whoever unlocked; the signing key stays. Wrong ones slow the next try down as at the door:
    who is at the keyboard need not be who unlocked.

    Raises UserFacingError: `unlock.wrong_passphrase` (kind UNLOCK) where `old` does not open the slot, `unlock.wait`
    with `seconds`, `unlock.passphrase_too_short`; and as `_changed` does.
    """

    def change(keystore: Keystore) -> Keystore:
        slot = _slot_of(keystore, unlocked.user_id)
        try:
            derived = slot.kdf.derive(old)
            opened = open_slot(slot.keys, derived, kdf_to_json(slot.kdf), keystore.store_id, keystore.epoch)
        except (WrongSecret, ValueError):
            attempts.slow_down(folder)
            raise UserFacingError("unlock.wrong_passphrase", kind=ErrorKind.UNLOCK) from None
        attempts.succeeded(folder)
        opened.master[:] = bytes(len(opened.master))
        fresh = _slot(unlocked, unlocked.user_id, slot.user, slot.roles, new, opened.signing_key)
        opened.signing_key.close()
        return _with(keystore, fresh)

    opening.check_passphrase(new)
    attempts.admit(folder, None)
    _changed(folder, unlocked, change)


def reset_user(folder: Path, unlocked: Unlocked, *, user_id: UserId, passphrase: str) -> None:
    """A new passphrase and new keys for somebody whose passphrase is lost. What the old keys signed stays signed.

    Raises UserFacingError `unlock.passphrase_too_short`, `vault.no_such_user`; and as `_changed` does.
    """
    opening.check_passphrase(passphrase)

    def change(keystore: Keystore) -> Keystore:
        slot = _slot_of(keystore, user_id)
        return _with(keystore, _slot(unlocked, user_id, slot.user, slot.roles, passphrase))

    _changed(folder, unlocked, change)


def drop_user(folder: Path, unlocked: Unlocked, *, user_id: UserId) -> None:
    """Take somebody's slot away. Only a new key epoch keeps out a copy of the folder made before.

    Raises UserFacingError `vault.no_such_user`; and as `_changed` does.
    """

    def change(keystore: Keystore) -> Keystore:
        _slot_of(keystore, user_id)
        return replace(keystore, slots=tuple(slot for slot in keystore.slots if slot.user_id != user_id))

    _changed(folder, unlocked, change)


def set_roles(folder: Path, unlocked: Unlocked, *, user_id: UserId, roles: Sequence[str]) -> None:
    """Other roles for somebody. Raises UserFacingError `vault.no_such_user`; and as `_changed` does."""
    _changed(
        folder,
        unlocked,
        lambda keystore: _with(keystore, replace(_slot_of(keystore, user_id), roles=tuple(roles))),
    )


def new_recovery_card(
    folder: Path,
    unlocked: Unlocked,
    *,
    clinic_name: str,
    hand_over: Callable[[RecoveryCard], None],
    take_back: Callable[[RecoveryCard], None] | None = None,
    card: RecoveryCard | None = None,
) -> RecoveryCard:
    """Another card in place of all earlier ones, which open nothing any more.

    hand_over: gets the card before the old one is given up; if it fails, the old one stays good. take_back: gets the
    card that was handed over and certainly opens nothing, because the keystore could not be written; where nobody can
    say (HalfWritten), it may be the only good one and stays. card: of `draft_recovery_card`, where somebody holds it
    already. Raises what `hand_over` raises, and as `_changed` does.
    """
    made = card if card is not None else draft_recovery_card(unlocked, clinic_name)
    handed_over = False

    def change(keystore: Keystore) -> Keystore:
        nonlocal handed_over
        with unlocked.master.lent() as master:
            slot = opening.card_slot(made, master, keystore.epoch)
        hand_over(made)
        handed_over = True
        return replace(keystore, recovery=(slot,))

    try:
        _changed(folder, unlocked, change)
    except UserFacingError as error:
        if take_back is not None and handed_over and not isinstance(error, HalfWritten):
            take_back(made)
        raise
    return made


def draft_recovery_card(unlocked: Unlocked, clinic_name: str) -> RecoveryCard:
    """A card that opens nothing yet, to be printed first and made the clinic's with `new_recovery_card`."""
    return opening.fresh_card(unlocked.store_id, clinic_name)


# A new epoch


class NextEpoch:
    """A master key that nobody uses yet. `derive` serves to build what will be read under it; `begin` makes it the
    clinic's; `close` wipes it otherwise."""

    def __init__(self, unlocked: Unlocked) -> None:
        self._unlocked = unlocked
        secret = bytearray(os.urandom(KEY_BYTES))
        self.master = MasterKey(secret, unlocked.store_id, unlocked.epoch + 1)
        secret[:] = bytes(len(secret))

    def begin(self, folder: Path, *, barred: Collection[str] = (), after: int = 0) -> None:
        """Write both keystores with the new master key, sealed to every slot and card. From here on it is the
        clinic's, in `unlocked` too; until here nothing changed.

        barred: user ids whose slots, put back by somebody, do not come along. after: the generation the database
        remembers. Raises as `_changed` does; HalfWritten means that both epochs' files must be kept.
        """
        master, unlocked = self.master, self._unlocked

        def change(keystore: Keystore) -> Keystore:
            earlier = [opening.open_earlier(each, unlocked.master, keystore.store_id) for each in keystore.earlier]
            known = {each.epoch: key for each, key in zip(keystore.earlier, earlier, strict=True) if key is not None}
            known[keystore.epoch] = opening.mac_key(unlocked.master)
            with master.lent() as secret:
                return replace(
                    keystore,
                    epoch=master.epoch,
                    slots=tuple(_moved(slot, secret, master) for slot in keystore.slots if slot.user_id not in barred),
                    recovery=tuple(_moved_card(slot, secret, master) for slot in keystore.recovery),
                    earlier=tuple(
                        opening.keep_earlier(epoch, key, master, keystore.store_id) for epoch, key in known.items()
                    ),
                )

        _changed(folder, unlocked, change, master, after)
        with master.lent() as secret:
            unlocked.master.become(secret, master.epoch, master.generation)
        master.close()

    def close(self) -> None:
        """Forget the key."""
        self.master.close()


def _moved(slot: UserSlot, secret: bytearray, master: MasterKey) -> UserSlot:
    keys = give_master(slot.keys, kdf_to_json(slot.kdf), secret, master.store_id, master.epoch)
    return replace(slot, keys=keys)


def _moved_card(slot: CardSlot, secret: bytearray, master: MasterKey) -> CardSlot:
    return replace(slot, keys=give_master(slot.keys, slot.salt.hex(), secret, master.store_id, master.epoch))


# What all changes share


def _changed(
    folder: Path,
    unlocked: Unlocked,
    change: Callable[[Keystore], Keystore],
    master: MasterKey | None = None,
    after: int = 0,
) -> None:
    """Read, change, write. master: whose MAC the new one carries, else the present one's.

    Raises KnownFailure: `vault.keystore_changed` where no copy is authentic, of the disk (nothing changed then), or
    HalfWritten.
    """
    with unlocked.changing:
        keystore = opening.current(folder, unlocked)
        present = max(keystore.generation, unlocked.generation, after)
        changed = replace(change(keystore), generation=present + 1)
        owner = master if master is not None else unlocked.master
        with _written():
            write_copies(folder, changed.sealed(opening.mac_key(owner)))
        owner.generation = changed.generation


@contextlib.contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except UncertainKeystore as error:
        raise HalfWritten from error
    except OSError as error:
        raise from_os_error(error) from error


def _slot(
    unlocked: Unlocked,
    user_id: UserId,
    name: str,
    roles: tuple[str, ...],
    passphrase: str,
    signing_key: SigningKey | None = None,
) -> UserSlot:
    """A new slot under a passphrase, calibrated to this PC."""
    kdf = fresh_parameters(calibrate=True)
    with unlocked.master.lent() as master:
        keys = close_slot(
            kdf.derive(passphrase),
            kdf_to_json(kdf),
            master,
            unlocked.store_id,
            unlocked.epoch,
            signing_key=signing_key,
        )
    return UserSlot(name, user_id, roles, kdf, keys)


def _slot_of(keystore: Keystore, user_id: str) -> UserSlot:
    slot = next((slot for slot in keystore.slots if slot.user_id == user_id), None)
    if slot is None:
        raise UserFacingError("vault.no_such_user", kind=ErrorKind.NOT_FOUND)
    return slot


def _with(keystore: Keystore, slot: UserSlot) -> Keystore:
    """The keystore with one user's slot exchanged."""
    return replace(keystore, slots=tuple(slot if each.user_id == slot.user_id else each for each in keystore.slots))
