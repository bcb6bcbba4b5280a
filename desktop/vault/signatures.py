"""Ed25519 signatures (RFC 8032)."""

import contextlib
from collections.abc import Iterator

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class SigningKey:
    """A private key, kept as its 32-byte seed so that closing can wipe it."""

    def __init__(self, seed: bytes | bytearray) -> None:
        if len(seed) != 32:
            raise ValueError("an Ed25519 seed has 32 bytes")
        self._seed = bytearray(seed)
        self.public_key = Ed25519PrivateKey.from_private_bytes(self._seed).public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        """The 64-byte signature. Raises ValueError once closed."""
        if not self._seed:
            raise ValueError("the key is closed")
        return Ed25519PrivateKey.from_private_bytes(self._seed).sign(data)

    @contextlib.contextmanager
    def lent(self) -> Iterator[bytearray]:
        """The seed, to wrap it once more; wiped when the block is left. Raises ValueError once closed."""
        if not self._seed:
            raise ValueError("the key is closed")
        copy = bytearray(self._seed)
        try:
            yield copy
        finally:
            copy[:] = bytes(len(copy))

    def close(self) -> None:
        """Wipe the seed. Closing twice is harmless."""
        self._seed[:] = bytes(len(self._seed))
        self._seed.clear()


def verify_signature(public_key: bytes, data: bytes, signature: bytes) -> bool:
    """Whether `signature` over `data` was made by the owner of `public_key` (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
