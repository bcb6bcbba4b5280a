"""The clinic as of one moment, held still for a backup while people go on working."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from desktop.errors import ErrorKind, KnownFailure
from desktop.records import AuditHead
from desktop.store.attachments import SealedFolder
from desktop.store.database import Connection
from desktop.vault import KeystoreHealth, Unlocked, check_copies


@dataclass(frozen=True, eq=False)
class Moment:
    """What a backup copies. It reads on a connection of its own, inside one read transaction.

    head: the newest audit line, signed. keystore, heads: the two files as they were at that moment. sealed: the sealed
    files as they lie now; new ones may come. refers_now: whether a row still refers to a sealed file of that name.
    """

    folder: Path
    unlocked: Unlocked
    connection: Connection
    head: AuditHead
    keystore: bytes
    heads: bytes
    sealed: SealedFolder
    refers_now: Callable[[str], bool]


def keystore_copy(folder: Path, unlocked: Unlocked) -> bytes:
    """The newest whole one of the clinic's two key files. Raises KnownFailure `vault.keystore_damaged`, OSError."""
    for finding in check_copies(folder, unlocked):
        if finding.health is KeystoreHealth.WHOLE:
            return (folder / finding.file).read_bytes()
    raise KnownFailure("vault.keystore_damaged", kind=ErrorKind.IO)
