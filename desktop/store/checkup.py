"""Verifying a clinic that is not open yet, and may not open at all."""

from collections.abc import Callable
from pathlib import Path

from desktop import vault
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.store.places import StoreFiles
from desktop.store.store import Store
from desktop.store.verification import Problem, ProblemKind, Verification

_KEYSTORE_KEYS = frozenset({"vault.keystore_missing", "vault.keystore_damaged", "vault.keystore_changed"})


def verify_folder(
    folder: Path,
    user_name: str,
    passphrase: str,
    job: Job,
    *,
    wait: Callable[[float], None] | None = None,
    touch: bool = True,
) -> Verification:
    """Unlock, open and verify a clinic; whatever keeps it from opening is a problem of the answer.

    wait, touch: as in `vault.unlock`. Raises UserFacingError `store.in_use`, and Cancelled.
    """
    try:
        unlocked = vault.unlock(folder, user_name, passphrase, wait=wait, touch=touch)
    except UserFacingError as error:
        kind = ProblemKind.KEYSTORE if error.key in _KEYSTORE_KEYS else ProblemKind.UNLOCK
        return Verification((Problem(kind, "keystore.json", error.key, error.details),))
    database = StoreFiles(folder, unlocked.epoch).database.name
    try:
        with Store.open(folder, unlocked) as store:
            return store.verify(job)
    except UserFacingError as error:
        if error.key == "store.in_use":
            raise
        return Verification((Problem(ProblemKind.DATABASE, database, error.key, error.details),))
    finally:
        unlocked.close()
