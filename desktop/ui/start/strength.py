"""A hint how good a passphrase is. Pure; it only advises."""

import itertools
import math
import re
from enum import StrEnum

MINIMUM_LENGTH = 8

_FAIR_BITS = 28.0
_GOOD_BITS = 45.0
_WORD_BITS = 13.0
"""What one word is worth to somebody who guesses words: a choice among some 8000."""

_HAN_BITS = 6.0
_COMMON = ("password", "passphrase", "12345678", "qwerty", "lantern", "clinic", "mingdeng", "woaini", "abc123")
_TOKENS = re.compile(r"[a-z]+|[\u3400-\u9fff]+|[^a-z\u3400-\u9fff]+")


class Strength(StrEnum):
    """What the hint says."""

    TOO_SHORT = "too_short"
    WEAK = "weak"
    FAIR = "fair"
    GOOD = "good"


def strength(passphrase: str) -> Strength:
    """Rough guessing entropy, word by word; runs, repeats and common words count for little."""
    if len(passphrase) < MINIMUM_LENGTH:
        return Strength.TOO_SHORT
    lowered = passphrase.lower()
    for word in _COMMON:
        lowered = lowered.replace(word, "~")
    mixed_case = passphrase not in (passphrase.lower(), passphrase.capitalize())
    bits = sum(_token_bits(token) for token in _TOKENS.findall(lowered)) + (5.0 if mixed_case else 0.0)
    if bits < _FAIR_BITS:
        return Strength.WEAK
    return Strength.GOOD if bits >= _GOOD_BITS else Strength.FAIR


def _token_bits(token: str) -> float:
    """A run of letters is taken for a word; digits and signs count each for itself."""
    if "\u3400" <= token[0] <= "\u9fff":
        return _run_bits(token, _HAN_BITS)
    if token.isspace():
        return 1.0
    if token[0].isalpha():
        return min(_run_bits(token, math.log2(26)), _WORD_BITS)
    return _run_bits(token, math.log2(10))


def _run_bits(token: str, each: float) -> float:
    """Characters that repeat the one before or count on from it add one bit."""
    steps = [99, *(ord(after) - ord(before) for before, after in itertools.pairwise(token))]
    return sum(1.0 if step in (-1, 0, 1) else each for step in steps)
