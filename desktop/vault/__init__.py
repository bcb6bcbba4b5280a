"""Keys, sealed files and signatures: everything that turns a passphrase into readable bytes, and nothing clinical.

`keystore` opens the clinic's master key, `sealed` keeps single files, `signatures` signs, `recovery` is the printed
card. May import `jobs`, `records` and below; knows nothing of the database.
"""

from desktop.vault.attempts import FailedUnlock, seconds_to_wait
from desktop.vault.keystore import (
    check_copies,
    create,
    exists,
    unlock,
    unlock_with_card,
    users,
)
from desktop.vault.recovery import RecoveryCard
from desktop.vault.sealed import DamagedFile, SealedInfo, SealedReader, seal
from desktop.vault.signatures import SigningKey, verify_signature
from desktop.vault.unlocked import KeystoreFinding, KeystoreHealth, MasterKey, Unlocked

__all__ = [
    "DamagedFile",
    "FailedUnlock",
    "KeystoreFinding",
    "KeystoreHealth",
    "MasterKey",
    "RecoveryCard",
    "SealedInfo",
    "SealedReader",
    "SigningKey",
    "Unlocked",
    "check_copies",
    "create",
    "exists",
    "seal",
    "seconds_to_wait",
    "unlock",
    "unlock_with_card",
    "users",
    "verify_signature",
]
