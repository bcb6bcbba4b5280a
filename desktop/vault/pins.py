"""Quick PINs for a shift: whoever has shown the passphrase once may come back with a few digits, until the shift ends.

Nothing of it is ever written to a file. Master key and signing key lie in the process's memory, wrapped (AES-256-GCM)
under a key that Argon2id makes of the PIN. After five wrong tries, at the end of the shift, after sleep unless the
rules say otherwise, and when the program ends, they are gone and only the passphrase opens. A PIN is short: whoever can
copy this process's memory can try them all. It keeps the next person at the keyboard out, not one with a debugger.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from datetime import time as hour
from itertools import pairwise
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from desktop.errors import ErrorKind, UserFacingError
from desktop.records import UserId
from desktop.vault import attempts, keystore
from desktop.vault.derive import KEY_BYTES, KdfParameters, fresh_parameters
from desktop.vault.keystore_file import folded
from desktop.vault.signatures import SigningKey
from desktop.vault.unlocked import MasterKey, Unlocked

TRIES = 5
SHORTEST_PIN, LONGEST_PIN = 4, 12

_NONCE_BYTES = 12


@dataclass(frozen=True)
class ShiftRules:
    """When PINs end. hours: after the passphrase was last typed. ends_at: hour of the day, or None.
    survives_sleep: whether a PIN still opens after the PC was suspended."""

    hours: float = 12.0
    ends_at: hour | None = None
    survives_sleep: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.hours <= 24:
            raise ValueError("a shift lasts up to 24 hours")

    def deadline(self, start: datetime) -> datetime:
        """When a PIN set at `start` ends, on the same clock."""
        latest = start + timedelta(hours=self.hours)
        if self.ends_at is None:
            return latest
        today = start.replace(hour=self.ends_at.hour, minute=self.ends_at.minute, second=0, microsecond=0)
        return min(latest, today if today > start else today + timedelta(days=1))


@dataclass
class _Entry:
    """One person's keys, wrapped."""

    folder: Path
    user_id: UserId
    user_name: str
    store_id: str
    epoch: int
    kdf: KdfParameters
    wrapped: bytearray
    deadline: datetime
    ends: float
    tries: int = TRIES

    def bound(self) -> bytes:
        return f"lantern pin\n{self.store_id}\n{self.user_id}\n{self.epoch}".encode()

    def wipe(self) -> None:
        self.wrapped[:] = bytes(len(self.wrapped))
        self.wrapped.clear()


def _now() -> datetime:
    return datetime.now().astimezone()


@dataclass(eq=False)
class Shift:
    """The PINs of everybody on duty. Lives as long as the program; `end` it when the shift does.

    clock: local time. ticks: seconds that no change of the clock turns back.
    """

    rules: ShiftRules = field(default_factory=ShiftRules)
    clock: Callable[[], datetime] = _now
    ticks: Callable[[], float] = time.monotonic
    _entries: dict[tuple[Path, str], _Entry] = field(default_factory=dict, repr=False)
    _mutex: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def set_pin(self, folder: Path, unlocked: Unlocked, pin: str) -> None:
        """Let whoever unlocked come back with a PIN; one set before is replaced. Who came with a PIN gains no time by
        another one.

        Raises UserFacingError: `people.pin_digits`, `people.pin_too_simple`, `people.pin_needs_user`, and
        `people.pin_gone` (kind UNLOCK) where the shift has ended meanwhile.
        """
        check_pin(pin)
        if unlocked.by_card:
            raise UserFacingError("people.pin_needs_user")
        kdf = fresh_parameters(calibrate=False)
        deadline, ends = self._end_of_shift(folder, unlocked)
        entry = _Entry(
            folder.absolute(),
            unlocked.user_id,
            unlocked.user_name,
            unlocked.store_id,
            unlocked.epoch,
            kdf,
            bytearray(),
            deadline,
            ends,
        )
        nonce = os.urandom(_NONCE_BYTES)
        with unlocked.master.lent() as master, unlocked.signing_key.lent() as seed:
            both = master + seed
            entry.wrapped[:] = nonce + AESGCM(kdf.derive(pin)).encrypt(nonce, both, entry.bound())
            both[:] = bytes(len(both))
        with self._mutex:
            self.forget(folder, unlocked.user_id)
            self._entries[self._place(folder, unlocked.user_name)] = entry

    def users(self, folder: Path) -> tuple[str, ...]:
        """Names of those who may use their PIN in this clinic now."""
        with self._mutex:
            self._drop_expired()
            return tuple(entry.user_name for entry in self._entries.values() if entry.folder == folder.absolute())

    def open(self, folder: Path, user_name: str, pin: str) -> Unlocked:
        """The keys of somebody on duty.

        Raises UserFacingError (kind UNLOCK): `people.pin_wrong` with the `count` of tries left, `people.pin_gone` where
        only the passphrase opens: none set, the shift is over, the last try was wrong, the user was disabled or reset,
        or the clinic has gone over to a new key epoch.
        """
        with self._mutex:
            self._drop_expired()
            place = self._place(folder, user_name)
            entry = self._entries.get(place)
            if entry is None:
                raise _gone()
            entry.tries -= 1  # before it is judged
            try:
                unlocked = _opened(entry, pin)
            except InvalidTag:
                attempts.failed(folder, entry.user_id)
                if entry.tries > 0:
                    raise UserFacingError("people.pin_wrong", kind=ErrorKind.UNLOCK, count=entry.tries) from None
                self._drop(place)
                raise _gone() from None
            entry.tries = TRIES
            if not _still_a_user(folder, unlocked):
                unlocked.close()
                self._drop(place)
                raise _gone()
            # The database compares: who came with a PIN knows the keystore of now, not that of the shift's beginning.
            keystore.catch_up(folder, unlocked)
            return unlocked

    def forget(self, folder: Path, user_id: UserId) -> None:
        """Somebody's PIN ends now."""
        with self._mutex:
            for place, entry in list(self._entries.items()):
                if entry.folder == folder.absolute() and entry.user_id == user_id:
                    self._drop(place)

    def end(self) -> None:
        """Everybody's PIN ends now."""
        with self._mutex:
            for place in list(self._entries):
                self._drop(place)

    def slept(self) -> None:
        """The PC was suspended: PINs end unless the rules say otherwise."""
        if not self.rules.survives_sleep:
            self.end()

    def _end_of_shift(self, folder: Path, unlocked: Unlocked) -> tuple[datetime, float]:
        if not unlocked.by_pin:
            start = self.clock()
            deadline = self.rules.deadline(start)
            return deadline, self.ticks() + (deadline - start).total_seconds()
        with self._mutex:
            self._drop_expired()
            before = self._entries.get(self._place(folder, unlocked.user_name))
            if before is None:
                raise _gone()
            return before.deadline, before.ends

    def _drop_expired(self) -> None:
        now, ticks = self.clock(), self.ticks()
        for place, entry in list(self._entries.items()):
            if now >= entry.deadline or ticks >= entry.ends:
                self._drop(place)

    def _drop(self, place: tuple[Path, str]) -> None:
        self._entries.pop(place).wipe()

    def _place(self, folder: Path, user_name: str) -> tuple[Path, str]:
        return folder.absolute(), folded(user_name)


def check_pin(pin: str) -> None:
    """Raises UserFacingError: `people.pin_digits`, `people.pin_too_simple` (one digit only, or counting up or down)."""
    if not (SHORTEST_PIN <= len(pin) <= LONGEST_PIN and pin.isascii() and pin.isdigit()):
        raise UserFacingError("people.pin_digits", shortest=SHORTEST_PIN, longest=LONGEST_PIN)
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    if steps in ({0}, {1}, {9}):
        raise UserFacingError("people.pin_too_simple")


def _opened(entry: _Entry, pin: str) -> Unlocked:
    """Raises InvalidTag for another PIN."""
    nonce, wrapped = bytes(entry.wrapped[:_NONCE_BYTES]), bytes(entry.wrapped[_NONCE_BYTES:])
    both = bytearray(AESGCM(entry.kdf.derive(pin)).decrypt(nonce, wrapped, entry.bound()))
    unlocked = Unlocked(
        store_id=entry.store_id,
        user_id=entry.user_id,
        user_name=entry.user_name,
        roles=(),
        master=MasterKey(both[:KEY_BYTES], entry.store_id, entry.epoch),
        signing_key=SigningKey(both[KEY_BYTES:]),
        by_pin=True,
    )
    both[:] = bytes(len(both))
    return unlocked


def _still_a_user(folder: Path, unlocked: Unlocked) -> bool:
    """Whether the keystore of now still lets these keys in."""
    members = keystore.slots_now(folder, unlocked)
    return any(
        slot.user_id == unlocked.user_id and slot.keys.verification_key == unlocked.public_key for slot in members
    )


def _gone() -> UserFacingError:
    return UserFacingError("people.pin_gone", kind=ErrorKind.UNLOCK)
