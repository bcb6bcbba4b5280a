"""The clinic's records, encrypted on the disk: SQLCipher file, sealed attachments, audit chain.

The caller owns the transaction: `with store.transaction() as tx: tx.reviews.add(r); tx.audit.add(…)`.
May import `vault`, `jobs`, `records` and below.
"""

from desktop.store.anchors import Anchor, SignedHead, parse_anchor
from desktop.store.attachments import Staged
from desktop.store.audit import AuditQuery
from desktop.store.audit_file import FileCheck
from desktop.store.canonical import canonical_bytes, from_canonical
from desktop.store.checkup import Checkup, conclude_check, verify_folder
from desktop.store.database import versions
from desktop.store.patients import Filing, filing_of
from desktop.store.places import StoreFiles
from desktop.store.readings import Draft
from desktop.store.store import Store
from desktop.store.transactions import Transaction
from desktop.store.unsaved import Unsaved, UnsavedEdit, UnsavedPatient, UnsavedVisit
from desktop.store.verification import Inventory, Note, Problem, ProblemKind, Verification, Wanted

__all__ = [
    "Anchor",
    "AuditQuery",
    "Checkup",
    "Draft",
    "FileCheck",
    "Filing",
    "Inventory",
    "Note",
    "Problem",
    "ProblemKind",
    "SignedHead",
    "Staged",
    "Store",
    "StoreFiles",
    "Transaction",
    "Unsaved",
    "UnsavedEdit",
    "UnsavedPatient",
    "UnsavedVisit",
    "Verification",
    "Wanted",
    "canonical_bytes",
    "conclude_check",
    "filing_of",
    "from_canonical",
    "parse_anchor",
    "verify_folder",
    "versions",
]
