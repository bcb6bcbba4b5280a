"""The recovery card: 136 random bits that open the clinic when every passphrase is forgotten.

Written as seven groups of five characters in Crockford's base 32 (no I, L, O or U): four characters of data and a
check character each. The check character is a linear code over GF(32), so any one wrong character and any two
swapped ones in a group are found, and the group is named; its constant differs per place, so swapped groups are found.
"""

import os
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from desktop.errors import ErrorKind, UserFacingError

SECRET_BYTES = 17
GROUPS = 7
GROUP_LENGTH = 5

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOK_ALIKES = str.maketrans("ILO", "110")
_DASHES = "-‐‑–—"
_DATA_PER_GROUP = 4
_VERSION = 1
_REDUCTION = 0b100101  # x^5 + x^2 + 1, primitive over GF(2)


@dataclass(frozen=True)
class RecoveryCard:
    """What is printed. code: as typed back in, with its check characters."""

    code: str
    store_id: str
    clinic_name: str
    created: datetime

    def text(self) -> str:
        """The card as a text file; the code is the first line, which is the one that counts."""
        lines = (
            self.code,
            f"Lantern 明灯 · {self.clinic_name}".rstrip(" ·"),
            self.store_id,
            f"{self.created:%Y-%m-%d}",
        )
        return "\n".join(lines) + "\n"


def new_secret() -> bytes:
    """A fresh card secret."""
    return os.urandom(SECRET_BYTES)


def encode(secret: bytes) -> str:
    """The printed code of a secret of 17 bytes."""
    if len(secret) != SECRET_BYTES:
        raise ValueError("a card secret has 17 bytes")
    number = _VERSION << (8 * SECRET_BYTES) | int.from_bytes(secret)
    count = GROUPS * _DATA_PER_GROUP
    values = [number >> 5 * (count - 1 - place) & 31 for place in range(count)]
    groups = (values[start : start + _DATA_PER_GROUP] for start in range(0, count, _DATA_PER_GROUP))
    return "-".join(
        "".join(_ALPHABET[value] for value in (*group, _check(group, place))) for place, group in enumerate(groups)
    )


def as_printed(text: str) -> str:
    """What was typed, in the card's letters: case, spaces, hyphens, look-alike and full-width letters do not matter."""
    plain = unicodedata.normalize("NFKC", text).upper().translate(_LOOK_ALIKES)
    return "".join(character for character in plain if not character.isspace() and character not in _DASHES)


def group_fits(text: str, place: int) -> bool:
    """Whether a group of a code can stand at its place (from 0): complete, and its check character is right."""
    return _fits(_values(as_printed(text)), place)


def decode(text: str) -> bytes:
    """The secret of a typed code; case, spaces, hyphens and look-alike letters do not matter.

    Raises UserFacingError: `unlock.card_length`, or `unlock.card_group` naming the mistyped group (from 1).
    """
    code = as_printed(text)
    if len(code) != GROUPS * GROUP_LENGTH:
        raise UserFacingError("unlock.card_length", kind=ErrorKind.WRONG_RECOVERY_CARD)
    number = 0
    for place in range(GROUPS):
        values = _values(code[place * GROUP_LENGTH : (place + 1) * GROUP_LENGTH])
        if not _fits(values, place):
            raise UserFacingError("unlock.card_group", kind=ErrorKind.WRONG_RECOVERY_CARD, group=place + 1)
        for value in values[:-1]:
            number = number << 5 | value
    if number >> 8 * SECRET_BYTES != _VERSION:
        raise UserFacingError("unlock.card_version", kind=ErrorKind.WRONG_RECOVERY_CARD)
    return (number & (1 << 8 * SECRET_BYTES) - 1).to_bytes(SECRET_BYTES)


def _values(group: str) -> list[int]:
    return [_ALPHABET.find(character) for character in group]


def _fits(values: list[int], place: int) -> bool:
    return len(values) == GROUP_LENGTH and -1 not in values and _check(values[:-1], place) == values[-1]


def _check(values: list[int], place: int) -> int:
    """Check value of a group: the sum of x^(i+1) · value_i in GF(32), plus the group's place."""
    total = place + 1
    for power, value in enumerate(values, start=1):
        for _ in range(power):
            value <<= 1
            if value & 32:
                value ^= _REDUCTION
        total ^= value
    return total
