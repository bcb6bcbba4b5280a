"""What an unlocked clinic holds in memory."""

from dataclasses import dataclass
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
    """The 32 random bytes everything else derives from. Kept in a bytearray so that closing can wipe it."""

    def __init__(self, secret: bytes | bytearray, store_id: str, epoch: int) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError("a master key has 32 bytes")
        self._secret = bytearray(secret)
        self._store_id = store_id
        self._epoch = epoch

    def derive(self, label: str) -> bytes:
        """The sub-key for a purpose, bound to this store and key epoch: 32 bytes. Raises ValueError once closed."""
        if not self._secret:
            raise ValueError("the clinic is locked")
        return hkdf(self._secret, salt=self._store_id.encode(), info=f"lantern/{label}/epoch-{self._epoch}")

    def close(self) -> None:
        """Wipe the key. Closing twice is harmless."""
        self._secret[:] = bytes(len(self._secret))
        self._secret.clear()


@dataclass(frozen=True, eq=False)
class Unlocked:
    """Somebody has shown that they may open this store.

    roles: values of `access.Role`. generation: counts every writing of the keystore; the database remembers it.
    signing_key: the person's own Ed25519 key. by_card: opened with the recovery card, not as a user.
    found: state of the keystore's copies before unlocking mended them.
    """

    store_id: str
    epoch: int
    generation: int
    user_id: UserId
    user_name: str
    roles: tuple[str, ...]
    master: MasterKey
    signing_key: SigningKey
    by_card: bool = False
    found: tuple[KeystoreFinding, ...] = ()

    @property
    def public_key(self) -> bytes:
        """The person's Ed25519 verification key, 32 bytes."""
        return self.signing_key.public_key

    def close(self) -> None:
        """Wipe the keys. Closing twice is harmless."""
        self.master.close()
        self.signing_key.close()
