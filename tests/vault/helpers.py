"""What the tests of keys share."""

from dataclasses import dataclass
from pathlib import Path

from desktop import vault
from desktop.records import UserId, new_id

PASSPHRASE = "correct horse battery"
USER = "王医生"


@dataclass(frozen=True)
class Made:
    """A keystore on the disk. sub_key: tells whether the same master key came out."""

    folder: Path
    store_id: str
    user_id: UserId
    code: str
    sub_key: bytes


def make_keystore(folder: Path) -> Made:
    """A keystore with the cheapest passphrase cost that is allowed."""
    store_id, user_id = new_id(), UserId(new_id())
    unlocked, card = vault.create(folder, store_id, USER, user_id, ("doctor",), PASSPHRASE, calibrate=False)
    sub_key = unlocked.master.derive("test")
    unlocked.close()
    return Made(folder, store_id, user_id, card.code, sub_key)
