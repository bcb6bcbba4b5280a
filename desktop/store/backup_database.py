"""Copying an encrypted database to another key while the clinic goes on working, and opening such a copy to read."""

import contextlib
from pathlib import Path

from sqlcipher3 import dbapi2

from desktop.jobs import Job
from desktop.records import AuditHead
from desktop.store.backup_files import sync_file
from desktop.store.database import Connection, DamagedDatabase, translated, value, versions
from desktop.store.places import DATABASE
from desktop.vault.files import sync_folder

BEFORE = ".before-"
COUNTED = ("patients", "attachments", "reports")

_PAGES_AT_ONCE = 512  # 2 MiB: how soon a cancelled copy stops
_CACHE_KIB = 8 * 1024
_STEPS_BETWEEN_CHECKS = 100_000


def open_to_read(path: Path, key: bytes, *, still: bool) -> Connection:
    """A connection that only reads, in autocommit.

    still: nobody writes the file, so nothing is created beside it (a medium may be write-protected). Raises
    KnownFailure DamagedDatabase, also for another key.
    """
    versions()
    options = "mode=ro&immutable=1" if still else "mode=ro"
    with translated():
        connection: Connection = dbapi2.connect(
            f"{path.absolute().as_uri()}?{options}", uri=True, isolation_level=None, check_same_thread=False
        )
        try:
            _set_key(connection, key)
            connection.execute("PRAGMA cipher_log_level = NONE").fetchall()
            connection.execute("PRAGMA query_only = ON").fetchall()
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except BaseException:
            connection.close()
            raise
    return connection


def copy_database(source: Connection, path: Path, key: bytes, job: Job, step: str) -> None:
    """Write what `source` sees to a new file under another key; on the disk for certain afterwards.

    source: within a read transaction it is one moment of the clinic, whatever is written meanwhile. step: key of the
    sentence for progress. Raises dbapi2 errors, OSError and Cancelled; the caller removes what is left then.
    """
    target: Connection = dbapi2.connect(str(path), isolation_level=None)
    try:
        _set_key(target, key)
        # The copy gets its name only when it is whole, so a journal of its own would protect nothing.
        for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
            target.execute(f"PRAGMA {setting}").fetchall()
        source.backup(
            target,
            pages=_PAGES_AT_ONCE,
            progress=lambda _, remaining, total: job.report(step, total - remaining, total),
        )
    finally:
        target.close()
    sync_file(path)


def database_size(connection: Connection) -> int:
    """Bytes of the database as the connection sees it."""
    return int(value(connection, "PRAGMA page_count")) * int(value(connection, "PRAGMA page_size"))


def is_sound(connection: Connection, job: Job) -> bool:
    """Whether every page is authentic and SQLite's own quick check is content. Raises Cancelled."""
    connection.set_progress_handler(lambda: int(job.cancelled), _STEPS_BETWEEN_CHECKS)
    try:
        damaged = connection.execute("PRAGMA cipher_integrity_check").fetchone()
        return damaged is None and value(connection, "PRAGMA quick_check(1)") == "ok"
    except dbapi2.DatabaseError:
        job.check()
        return False
    finally:
        connection.set_progress_handler(None, 0)


def head_of(connection: Connection) -> AuditHead | None:
    """The newest audit line; None where there is none."""
    row = connection.execute("SELECT sequence, hash FROM audit_log ORDER BY sequence DESC LIMIT 1").fetchone()
    return AuditHead(row[0], row[1]) if row else None


def counts_of(connection: Connection) -> dict[str, int]:
    """Rows by table, of what a person asks about first."""
    return {table: int(value(connection, f"SELECT count(*) FROM {table}")) for table in COUNTED}


def keep_before_migration(connection: Connection, database: Path, key: bytes, version: int) -> None:
    """Keep the database of an earlier release beside itself before its form is changed, under the same key.

    It is called `<database>.before-<version>`; one kept before an earlier migration is removed once this one is whole
    and proven readable. Raises KnownFailure, also of a full disk: then nothing was changed.
    """
    kept = database.with_name(f"{database.name}{BEFORE}{version}")
    unfinished = kept.with_name(kept.name + ".new")
    job = Job()  # nobody can cancel an opening
    with translated():
        unfinished.unlink(missing_ok=True)
        try:
            copy_database(connection, unfinished, key, job, "backup.step.before_migration")
            with contextlib.closing(open_to_read(unfinished, key, still=True)) as copy:
                if not is_sound(copy, job):
                    raise DamagedDatabase
            unfinished.replace(kept)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise
        for older in copies_before_migration(database):
            if older != kept:
                older.unlink(missing_ok=True)
        sync_folder(database.parent)


def copies_before_migration(database: Path) -> tuple[Path, ...]:
    """The databases of earlier releases that were kept beside this one."""
    return tuple(sorted(database.parent.glob(f"{database.name}{BEFORE}*")))


def copies_of_other_epochs(database: Path) -> tuple[Path, ...]:
    """The same kept beside databases of other key epochs; they open with those epochs' keys."""
    every = database.parent.glob(f"{DATABASE.removesuffix('.db')}*.db{BEFORE}*")
    return tuple(sorted(path for path in every if path.name.split(BEFORE)[0] != database.name))


def _set_key(connection: Connection, key: bytes) -> None:
    connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
