"""Argon2id at next to no cost, and once per passphrase and salt: thousands of clinics are opened here."""

from desktop.vault import derive
from desktop.vault.derive import KdfParameters

MEMORY_KIB = 64


def make_keys_quick() -> None:
    """For the rest of this process."""
    derive._FLOOR_MEMORY_KIB = MEMORY_KIB
    derive._TARGET_SECONDS = 0.0
    derive._LANES = 1
    KdfParameters.derive = _remembered  # type: ignore[method-assign]  # the same result, sooner


_derive = KdfParameters.derive
_known: dict[tuple[KdfParameters, str], bytes] = {}


def _remembered(self: KdfParameters, passphrase: str) -> bytes:
    if (self, passphrase) not in _known:
        _known[self, passphrase] = _derive(self, passphrase)
    return _known[self, passphrase]
