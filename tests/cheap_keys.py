"""Argon2id at next to no cost."""

import pytest

from desktop.vault import derive


def make_cheap(patch: pytest.MonkeyPatch) -> None:
    """Passphrases cost a millisecond instead of a second. Only this process accepts keys as cheap as these."""
    for name, cost in (("_FLOOR_MEMORY_KIB", 64), ("_FLOOR_TIME", 1), ("_TARGET_SECONDS", 0.0)):
        patch.setattr(derive, name, cost)
