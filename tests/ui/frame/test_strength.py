"""The hint about a passphrase."""

import pytest

from desktop.ui.start.strength import Strength, strength
from desktop.workflow import MINIMUM_PASSPHRASE


@pytest.mark.parametrize(
    ("passphrase", "verdict"),
    [
        ("short", Strength.TOO_SHORT),
        ("aaaaaaaaaaaaaaaaaaaa", Strength.WEAK),
        ("12345678", Strength.WEAK),
        ("password1", Strength.WEAK),
        ("lantern-clinic", Strength.WEAK),
        ("7!kQ~2zR", Strength.FAIR),
        ("kiboko tembo", Strength.WEAK),
        ("kiboko tembo nyota", Strength.FAIR),
        ("four words of green", Strength.GOOD),
        ("山上的红灯笼亮了", Strength.GOOD),
    ],
)
def test_hints(passphrase: str, verdict: Strength) -> None:
    assert strength(passphrase) is verdict


def test_the_shortest_allowed_is_what_the_clinic_demands() -> None:
    assert strength("x" * (MINIMUM_PASSPHRASE - 1)) is Strength.TOO_SHORT
    assert strength("x" * MINIMUM_PASSPHRASE) is not Strength.TOO_SHORT
