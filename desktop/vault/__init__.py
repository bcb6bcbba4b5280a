"""Keys, sealed files and signatures: everything that turns a passphrase into readable bytes, and nothing clinical.

`keystore` opens the clinic's master key, `changes` changes who may, `sealed` keeps single files, `signatures` signs,
`recovery` is the printed card. May import `jobs`, `records` and below; knows nothing of the database.
"""

from desktop.vault.attempts import FailedUnlock, seconds_to_wait
from desktop.vault.changes import (
    HalfWritten,
    Member,
    NextEpoch,
    add_user,
    change_passphrase,
    draft_recovery_card,
    drop_user,
    members,
    new_recovery_card,
    reset_user,
    set_roles,
)
from desktop.vault.keystore import (
    KeystoreInfo,
    catch_up,
    check_copies,
    check_passphrase,
    create,
    describe,
    exists,
    mend,
    unlock,
    unlock_with_card,
    users,
)
from desktop.vault.keystore_file import folded
from desktop.vault.memory import give_back
from desktop.vault.pins import Shift, ShiftRules
from desktop.vault.recovery import RecoveryCard, group_fits
from desktop.vault.sealed import DamagedFile, SealedInfo, SealedReader, seal
from desktop.vault.signatures import SigningKey, verify_signature
from desktop.vault.unlocked import KeystoreFinding, KeystoreHealth, MasterKey, Unlocked

__all__ = [
    "DamagedFile",
    "FailedUnlock",
    "HalfWritten",
    "KeystoreFinding",
    "KeystoreHealth",
    "KeystoreInfo",
    "MasterKey",
    "Member",
    "NextEpoch",
    "RecoveryCard",
    "SealedInfo",
    "SealedReader",
    "Shift",
    "ShiftRules",
    "SigningKey",
    "Unlocked",
    "add_user",
    "catch_up",
    "change_passphrase",
    "check_copies",
    "check_passphrase",
    "create",
    "describe",
    "draft_recovery_card",
    "drop_user",
    "exists",
    "folded",
    "give_back",
    "group_fits",
    "members",
    "mend",
    "new_recovery_card",
    "reset_user",
    "seal",
    "seconds_to_wait",
    "set_roles",
    "unlock",
    "unlock_with_card",
    "users",
    "verify_signature",
]
