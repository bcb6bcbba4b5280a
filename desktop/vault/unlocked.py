"""What an unlocked clinic holds in memory."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from desktop.records import UserId
from desktop.vault.derive import KEY_BYTES, hkdf
from desktop.vault.signatures import SigningKey


class KeystoreHealth(StrEnum):
    """State of one of the two files, judged by its MAC. OLDER: whole, but of an earlier writing."""

    WHOLE = "whole"
    OLDER = "older"
    CHANGED = "changed"
    DAMAGED = "damaged"
    MISSING = "missing"


@dataclass(frozen=True)
class KeystoreFinding:
    """State of one file by its name."""

    file: str
    health: KeystoreHealth


class MasterKey:
    """The 32 random bytes everything else derives from. Kept in a bytearray so that closing can wipe it.

    epoch: the key epoch these bytes belong to. generation: of the keystore they were last read from or written to.
    """

    def __init__(self, secret: bytes | bytearray, store_id: str, epoch: int, generation: int = 1) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError("a master key has 32 bytes")
        self._secret = bytearray(secret)
        self.store_id = store_id
        self.epoch = epoch
        self.generation = generation

    def derive(self, label: str) -> bytes:
        """The sub-key for a purpose, bound to this store and key epoch: 32 bytes. Raises ValueError once closed."""
        if not self._secret:
            raise ValueError("the clinic is locked")
        return hkdf(self._secret, salt=self.store_id.encode(), info=f"lantern/{label}/epoch-{self.epoch}")

    @contextlib.contextmanager
    def lent(self) -> Iterator[bytearray]:
        """The bytes, to seal them once more; wiped when the block is left. Raises ValueError once closed."""
        if not self._secret:
            raise ValueError("the clinic is locked")
        copy = bytearray(self._secret)
        try:
            yield copy
        finally:
            copy[:] = bytes(len(copy))

    def become(self, secret: bytes | bytearray, epoch: int, generation: int) -> None:
        """Hold a later epoch's bytes from now on; everyone who holds this object follows."""
        if len(secret) != KEY_BYTES or epoch <= self.epoch:
            raise ValueError("not a later master key")
        self._secret[:] = secret
        self.epoch, self.generation = epoch, generation

    def close(self) -> None:
        """Wipe the key. Closing twice is harmless."""
        self._secret[:] = bytes(len(self._secret))
        self._secret.clear()


@dataclass(frozen=True, eq=False)
class Unlocked:
    """Somebody has shown that they may open this store.

    roles: values of `access.Role`. signing_key: the person's own Ed25519 key. by_card: opened with the recovery card,
    not as a user. by_pin: opened with a shift's PIN (`roles` is empty then; the database knows them). found: state of
    the keystore's copies before they were mended. changing: held while the keystore is being changed.
    """

    store_id: str
    user_id: UserId
    user_name: str
    roles: tuple[str, ...]
    master: MasterKey
    signing_key: SigningKey
    by_card: bool = False
    by_pin: bool = False
    found: tuple[KeystoreFinding, ...] = ()
    changing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def epoch(self) -> int:
        """The key epoch."""
        return self.master.epoch

    @property
    def generation(self) -> int:
        """Counts every writing of the keystore; the database remembers it."""
        return self.master.generation

    @property
    def public_key(self) -> bytes:
        """The person's Ed25519 verification key, 32 bytes."""
        return self.signing_key.public_key

    def close(self) -> None:
        """Wipe the keys. Closing twice is harmless."""
        self.master.close()
        self.signing_key.close()
