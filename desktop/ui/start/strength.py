"""A hint how good a passphrase is. Pure; it only advises."""

import math
from enum import StrEnum

MINIMUM_LENGTH = 8

_FAIR_BITS = 45.0
_GOOD_BITS = 65.0
_COMMON = ("password", "passphrase", "12345678", "qwerty", "lantern", "clinic", "mingdeng", "woaini", "abc123")


class Strength(StrEnum):
    """What the hint says."""

    TOO_SHORT = "too_short"
    WEAK = "weak"
    FAIR = "fair"
    GOOD = "good"


def strength(passphrase: str) -> Strength:
    """Rough guessing entropy: characters that continue a run or a repeat count for little, common words for less."""
    if len(passphrase) < MINIMUM_LENGTH:
        return Strength.TOO_SHORT
    lowered = passphrase.lower()
    for word in _COMMON:
        lowered = lowered.replace(word, "~")
    alphabet = _alphabet(passphrase)
    bits = 0.0
    for at, character in enumerate(lowered):
        step = ord(character) - ord(lowered[at - 1]) if at else 99
        bits += 1.0 if step in (-1, 0, 1) else math.log2(alphabet)
    if bits < _FAIR_BITS:
        return Strength.WEAK
    return Strength.GOOD if bits >= _GOOD_BITS else Strength.FAIR


def _alphabet(text: str) -> int:
    """How many characters somebody guessing would have to try at each place."""
    size = 0
    size += 26 if any("a" <= c <= "z" for c in text) else 0
    size += 26 if any("A" <= c <= "Z" for c in text) else 0
    size += 10 if any(c.isdigit() for c in text) else 0
    size += 20 if any(c.isascii() and not c.isalnum() for c in text) else 0
    size += 2500 if any(not c.isascii() for c in text) else 0
    return max(size, 2)
