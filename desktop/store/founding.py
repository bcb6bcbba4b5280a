"""The database of a clinic that begins."""

from datetime import datetime

from desktop.errors import ErrorKind, KnownFailure
from desktop.records import AuditAction, User
from desktop.store import database
from desktop.store.clinic_settings import Clinic, Clinics
from desktop.store.database import Connection, translated
from desktop.store.migrations import migrate
from desktop.store.places import StoreFiles
from desktop.store.rows import Rows
from desktop.store.transactions import Transaction
from desktop.vault import Unlocked
from desktop.vault.files import sync_folder


def build_first_database(files: StoreFiles, unlocked: Unlocked, clinic_name: str, now: datetime) -> None:
    """A database with the clinic, its first user and the first audit line, beside its keystore; and the folder of
    sealed files. It gets its name only when it is complete. The caller holds the clinic's lock.

    Raises KnownFailure `store.exists`, or of the disk.
    """
    if files.database.exists():
        raise KnownFailure("store.exists", kind=ErrorKind.NOT_EMPTY)
    with translated():
        for leftover in files.all_of_unfinished():
            leftover.unlink(missing_ok=True)
        connection = database.connect(files.unfinished_database, unlocked.master.derive("db"), create=True)
        try:
            migrate(connection)
            _first_rows(connection, unlocked, clinic_name, now)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()
        files.unfinished_database.replace(files.database)
        files.attachments.mkdir(exist_ok=True)
        sync_folder(files.folder)


def _first_rows(connection: Connection, unlocked: Unlocked, clinic_name: str, now: datetime) -> None:
    """Name, first user and first audit line, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    facts = {
        "epoch": unlocked.epoch,
        "keystore_generation": unlocked.generation,
        "signed_head": 0,
        "begun_head": 0,
        "next_card": 1,
    }
    connection.executemany("INSERT INTO meta (name, value) VALUES (?, ?)", facts.items())
    rows = Rows(connection, writable=True)
    tx = Transaction(rows, unlocked.store_id, lambda: now)
    Clinics(rows).add(Clinic(unlocked.store_id, clinic_name, now))
    tx.users.add(User(unlocked.user_id, unlocked.user_name, unlocked.roles, unlocked.public_key))
    tx.audit.add(AuditAction.CREATE_CLINIC, unlocked.store_id, actor=unlocked.user_id)
    tx.audit.attest_rest()
    rows.end()
    connection.execute("COMMIT")
