"""Building the next key epoch's database and heads beside the present ones.

Everything here happens before the switch: whatever fails or is cancelled, the present clinic is untouched. The switch
itself is the keystore's (`vault.NextEpoch.begin`); `Store.begin_epoch` puts the two together.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from desktop.errors import ErrorKind, KnownFailure
from desktop.jobs import Job
from desktop.records import AuditAction, AuditHead
from desktop.store import database
from desktop.store.audit import Audit
from desktop.store.backup_database import copy_database, head_of, is_sound
from desktop.store.database import Connection, DamagedDatabase
from desktop.store.heads import HeadsFile
from desktop.store.kept import KEPT
from desktop.store.key_epochs import EPOCH, AttachmentKeys, prepare
from desktop.store.places import StoreFiles
from desktop.store.rows import Rows
from desktop.vault import MasterKey, SigningKey
from desktop.vault.files import sync_folder


@dataclass(frozen=True, eq=False)
class Present:
    """The clinic as it is. connection: to its database, outside any transaction; nobody writes meanwhile."""

    files: StoreFiles
    connection: Connection
    master: MasterKey
    store_id: str


@dataclass(frozen=True, eq=False)
class Author:
    """Who begins the new epoch, and when."""

    actor: str
    signing_key: SigningKey
    clock: Callable[[], datetime]


def build_successor(present: Present, master: MasterKey, author: Author, job: Job) -> StoreFiles:
    """A whole, verified database under the next master key, and its heads file, both under their final names.

    The keystore does not know of them yet. Raises KnownFailure (disk_full, io, a damaged database) and Cancelled; the
    caller removes what is left then.
    """
    successor = StoreFiles(present.files.folder, master.epoch)
    for leftover in (*successor.all_of_unfinished(), *successor.all_of_database(), successor.heads):
        leftover.unlink(missing_ok=True)
    key = master.derive("db")
    copy_database(present.connection, successor.unfinished_database, key, job, "people.step.copying")
    with contextlib.closing(database.connect(successor.unfinished_database, key)) as copy:
        job.report("people.step.checking")
        _check_copy(present.connection, copy, job)
        head = _first_line(present, copy, master, author)
        _begin_heads(successor, present.store_id, master, author, head)
        copy.execute("UPDATE meta SET value = ? WHERE name = 'signed_head'", (head.sequence,))
        copy.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    prepare(present.connection, successor)
    successor.unfinished_database.replace(successor.database)
    sync_folder(successor.folder)
    return successor


def _check_copy(source: Connection, copy: Connection, job: Job) -> None:
    """Every page, SQLite's own view, and that nothing is missing. Raises DamagedDatabase, Cancelled."""
    if not is_sound(copy, job) or head_of(copy) != head_of(source):
        raise DamagedDatabase
    for kept in KEPT:
        count = f"SELECT count(*) FROM {kept.table}"
        if database.value(copy, count) != database.value(source, count):
            raise DamagedDatabase


def _first_line(present: Present, copy: Connection, master: MasterKey, author: Author) -> AuditHead:
    """The line that begins the epoch, and what the copy has to know of the one before."""
    rows = Rows(copy, writable=True)
    copy.execute("BEGIN IMMEDIATE")
    rows.run("UPDATE meta SET value = ? WHERE name = ?", (master.epoch, EPOCH))
    AttachmentKeys(rows).keep(present.master.epoch, present.master.derive("attachments"))
    audit = Audit(rows, present.store_id, author.clock)
    audit.add(AuditAction.NEW_EPOCH, present.store_id, actor=author.actor, reason=f"epoch {master.epoch}")
    head = audit.head()
    copy.execute("COMMIT")
    rows.end()
    return head


def _begin_heads(successor: StoreFiles, store_id: str, master: MasterKey, author: Author, head: AuditHead) -> None:
    heads = HeadsFile(successor.heads, store_id, master.derive("audit"))
    try:
        if not heads.note(head, author.signing_key):
            raise KnownFailure("error.io", kind=ErrorKind.IO)
    finally:
        heads.close()
