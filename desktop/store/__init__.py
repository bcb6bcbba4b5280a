"""The clinic's records, encrypted on the disk: SQLCipher file, sealed attachments, audit chain.

The caller owns the transaction: `with store.transaction() as tx: tx.reviews.add(r); tx.audit.add(…)`.
May import `vault`, `jobs`, `records` and below.
"""

from desktop.store.attachments import Staged
from desktop.store.canonical import canonical_bytes, from_canonical
from desktop.store.checkup import verify_folder
from desktop.store.database import versions
from desktop.store.readings import Draft
from desktop.store.store import Store, Transaction
from desktop.store.verification import Note, Problem, ProblemKind, Verification

__all__ = [
    "Draft",
    "Note",
    "Problem",
    "ProblemKind",
    "Staged",
    "Store",
    "Transaction",
    "Verification",
    "canonical_bytes",
    "from_canonical",
    "verify_folder",
    "versions",
]
