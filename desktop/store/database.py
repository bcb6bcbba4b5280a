"""The encrypted file: opening it the one right way, and saying in words what went wrong."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlcipher3 import dbapi2

from desktop.errors import ErrorKind, KnownFailure, from_os_error
from desktop.store.append_only import authorise
from desktop.vault.files import sync_folder
from desktop.vault.freed_memory import wiped_when_freed

_PLAIN_HEADER = b"SQLite format 3\0"
# Before 3.51.3 it may damage a database in WAL mode; before 3.53 it cannot drop a NOT NULL, as a migration does.
_SMALLEST_SQLITE = (3, 53, 0)
_APPLICATION_ID = 0x4C4E544E  # "LNTN"
_CACHE_KIB = 64 * 1024
_BUSY_SECONDS = 5.0
_SIGNS_OF_DAMAGE = (
    "malformed",
    "not a database",
    "corrupt",
    "hmac check failed",
    "no such table",
    "no such column",
)

# With less than this nothing can be saved: the log's index alone starts with 32 KiB.
_LEAST_ROOM = 1 << 18

if TYPE_CHECKING:
    # sqlcipher3 carries no types; its connection is that of the standard library's module, built on another SQLite.
    from sqlite3 import Connection as Connection
else:
    Connection = dbapi2.Connection


class DamagedDatabase(KnownFailure):
    """The database file cannot be read as this clinic's."""

    def __init__(self) -> None:
        super().__init__("store.database_damaged", kind=ErrorKind.IO)


def versions() -> tuple[str, str]:
    """SQLCipher's and SQLite's version. Raises KnownFailure `store.wrong_library` for a library that cannot encrypt
    or whose SQLite is older than what the store needs."""
    with contextlib.closing(dbapi2.connect(":memory:")) as connection:
        row = connection.execute("PRAGMA cipher_version").fetchone()
    if not row or not row[0] or dbapi2.sqlite_version_info < _SMALLEST_SQLITE:
        raise KnownFailure("store.wrong_library", kind=ErrorKind.IO)
    return str(row[0]), dbapi2.sqlite_version


def connect(path: Path, key: bytes, *, create: bool = False, throwaway: bool = False) -> Connection:
    """A connection with the key set and the settings made, in autocommit: transactions are begun by hand.

    key: 32 bytes. create: the file must not exist yet; else it must. throwaway: a copy that nobody needs after a power
    cut, so nothing waits for the disk. Raises KnownFailure: `store.database_missing`,
    `store.not_encrypted`, `store.wrong_library`, DamagedDatabase (also for another key: SQLCipher cannot tell).
    """
    versions()
    if not create:
        _refuse_plain(path)
    elif path.exists():
        raise KnownFailure("store.exists", kind=ErrorKind.NOT_EMPTY)
    mode = "rwc" if create else "rw"
    with translated(path.parent):
        connection: Connection = dbapi2.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=_BUSY_SECONDS,
        )
        try:
            _set_up(connection, key, throwaway=throwaway)
            if not throwaway:
                # The write-ahead log's name too: SQLite syncs the folder itself, but takes no notice if that fails.
                sync_folder(path.parent)
        except BaseException:
            connection.close()
            raise
    return connection


def close(connection: Connection) -> None:
    """Close a connection; its copies of the key and of pages in plain do not stay in freed memory."""
    with wiped_when_freed():
        connection.close()


def _refuse_plain(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            header = stream.read(len(_PLAIN_HEADER))
    except FileNotFoundError:
        raise KnownFailure("store.database_missing", kind=ErrorKind.NOT_FOUND) from None
    except OSError as error:
        raise from_os_error(error) from error
    if header == _PLAIN_HEADER:
        raise KnownFailure("store.not_encrypted", kind=ErrorKind.IO)
    if not header:
        # SQLCipher would take an empty file for a new database and hide that everything is gone.
        raise DamagedDatabase


def _set_up(connection: Connection, key: bytes, *, throwaway: bool) -> None:
    """Key first, then proof that it fits, then the settings of a store that survives a power cut."""
    with wiped_when_freed():
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    settings = (
        "journal_mode = WAL",
        "synchronous = OFF" if throwaway else "synchronous = FULL",
        "foreign_keys = ON",
        f"cache_size = -{_CACHE_KIB}",
        "temp_store = MEMORY",
        "trusted_schema = OFF",
        "secure_delete = ON",
        "recursive_triggers = ON",
        # Off by SQLCipher's default too: it multiplies search time by nine, and we wipe our own keys.
        "cipher_memory_security = OFF",
        # Damage is told by `verify`, not by the library's lines on standard error.
        "cipher_log_level = NONE",
    )
    for setting in settings:
        connection.execute(f"PRAGMA {setting}").fetchall()
    made = (value(connection, "PRAGMA synchronous"), value(connection, "PRAGMA journal_mode"))
    if made != (0 if throwaway else 2, "wal"):
        raise KnownFailure("store.wrong_library", kind=ErrorKind.IO)
    stamp = value(connection, "PRAGMA application_id")
    if stamp == 0 and value(connection, "PRAGMA user_version") == 0:
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    elif stamp != _APPLICATION_ID:
        raise DamagedDatabase


def guard(connection: Connection) -> None:
    """From now on the connection refuses to change what may only grow."""
    connection.set_authorizer(authorise)


def value(connection: Connection, statement: str, parameters: tuple[object, ...] = ()) -> Any:
    """The first column of the first row, or None."""
    row = connection.execute(statement, parameters).fetchone()
    return row[0] if row else None


@contextlib.contextmanager
def translated(folder: Path | None = None) -> Iterator[None]:
    """Errors of the disk and of a damaged file leave as KnownFailure; what is our own mistake stays what it is.

    folder: where the database lies, as in `failure`.
    """
    try:
        yield
    except dbapi2.DatabaseError as error:
        raise failure(error, folder) or error from error
    except OSError as error:
        raise from_os_error(error) from error


def failure(error: dbapi2.DatabaseError, folder: Path | None = None) -> KnownFailure | None:
    """What to tell a person about an error of the database; None for a bug.

    folder: where it lies. Without room for the log's index SQLite only speaks of an error of the disk.
    """
    words = str(error)
    full = "database or disk is full" in words
    if full or ("disk I/O error" in words and folder is not None and _without_room(folder)):
        return KnownFailure("error.disk_full", kind=ErrorKind.DISK_FULL)
    if "disk I/O error" in words or "unable to open database file" in words or "readonly database" in words:
        return KnownFailure("error.io", kind=ErrorKind.IO)
    if "database is locked" in words:
        return KnownFailure("store.in_use", kind=ErrorKind.IO)
    if any(sign in words for sign in _SIGNS_OF_DAMAGE):
        return DamagedDatabase()
    return None


def _without_room(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _LEAST_ROOM
    except OSError:
        return False
