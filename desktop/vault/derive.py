"""From secrets to keys: Argon2id for passphrases, HKDF-SHA256 for secrets that are already random."""

import os
import sys
import time
import unicodedata
from dataclasses import dataclass

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
SALT_BYTES = 16

_FLOOR_MEMORY_KIB = 64 * 1024
_FLOOR_TIME = 3
_CAP_TIME = 200
_CAP_COST = _FLOOR_MEMORY_KIB * _CAP_TIME  # KiB times passes: some ten seconds
_CAP_LANES = 16
_LANES = 4
_TARGET_SECONDS = 0.85
_SAMPLES = 3


def hkdf(secret: bytes | bytearray, *, salt: bytes, info: str) -> bytes:
    """HKDF-SHA256 (RFC 5869) of a random secret: 32 bytes."""
    return HKDF(SHA256(), KEY_BYTES, salt, info.encode()).derive(secret)


@dataclass(frozen=True)
class KdfParameters:
    """Cost of Argon2id (RFC 9106). memory_kib: KiB. time: passes. lanes: parallelism. salt: 16 random bytes."""

    memory_kib: int
    time: int
    lanes: int
    salt: bytes

    def within_bounds(self) -> bool:
        """Whether the cost is neither weaker than our floor nor dearer than this PC should be made to pay.

        Asked before anything runs: the numbers come from a file that somebody may have edited.
        """
        return (
            _FLOOR_MEMORY_KIB <= self.memory_kib <= max(_FLOOR_MEMORY_KIB, _memory_of_this_pc() // 8 // 1024)
            and _FLOOR_TIME <= self.time <= _CAP_TIME
            and self.memory_kib * self.time <= _CAP_COST
            and 1 <= self.lanes <= _CAP_LANES
            and len(self.salt) == SALT_BYTES
        )

    def derive(self, passphrase: str) -> bytes:
        """The 32-byte key of a passphrase, in Unicode form NFC; whatever was typed makes one. Raises ValueError outside
        the bounds."""
        if not self.within_bounds():
            raise ValueError("the cost parameters are out of bounds")
        secret = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")
        return hash_secret_raw(secret, self.salt, self.time, self.memory_kib, self.lanes, KEY_BYTES, Type.ID)


def fresh_parameters(*, calibrate: bool) -> KdfParameters:
    """New parameters with a new salt: 64 MiB, and as many passes as take 0.7 to 1.0 s here, at least 3.

    calibrate: False takes the 3 passes of the floor without measuring.
    """
    parameters = KdfParameters(_FLOOR_MEMORY_KIB, _FLOOR_TIME, _LANES, os.urandom(SALT_BYTES))
    if not calibrate:
        return parameters
    # The best of several: what else this PC is doing at the moment must not make the passphrase cheap for good.
    per_pass = min(_seconds(parameters) for _ in range(_SAMPLES)) / _FLOOR_TIME
    passes = min(_CAP_TIME, max(_FLOOR_TIME, round(_TARGET_SECONDS / per_pass)))
    return KdfParameters(_FLOOR_MEMORY_KIB, passes, _LANES, parameters.salt)


def _seconds(parameters: KdfParameters) -> float:
    started = time.perf_counter()
    parameters.derive("calibration")
    return time.perf_counter() - started


def _memory_of_this_pc() -> int:
    """Physical memory in bytes; 4 GiB where the system will not say."""
    if sys.platform == "win32":
        import ctypes

        class _Status(ctypes.Structure):
            _fields_ = (
                ("length", ctypes.c_uint32),
                ("load", ctypes.c_uint32),
                *((name, ctypes.c_uint64) for name in ("total", "b", "c", "d", "e", "f", "g")),
            )

        status = _Status(length=ctypes.sizeof(_Status))
        if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
            return int(status.total)
        return 4 << 30
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 4 << 30
