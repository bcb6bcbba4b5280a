"""The ways a deed can fail, from the person's point of view.

May import nothing of ours. Sentences live in `resources/translations`; an error only carries its key and details.
"""

from enum import StrEnum


class ErrorKind(StrEnum):
    """What went wrong, as the command line names it (`kind` of an error line)."""

    UNLOCK = "unlock"
    DISK_FULL = "disk_full"
    IO = "io"
    NOT_FOUND = "not_found"
    NOT_EMPTY = "not_empty"
    BAD_INPUT = "bad_input"
    NOT_A_BACKUP = "not_a_backup"
    BACKUP_DAMAGED = "backup_damaged"
    WRONG_RECOVERY_CARD = "wrong_recovery_card"
    PERMISSION = "permission"


class UserFacingError(Exception):
    """Something the person can put right; shown as a translated sentence and what to do about it.

    key: names two sentences of the catalogue, `key` (what happened) and `key.advice` (what to do).
    details: values for the sentences' {fields}. They may name a patient or a file and must never be logged.
    """

    def __init__(self, key: str, *, kind: ErrorKind = ErrorKind.BAD_INPUT, **details: object) -> None:
        super().__init__(key)
        self.key = key
        self.kind = kind
        self.details = details


class KnownFailure(UserFacingError):
    """The surroundings failed, not the person: disk full, damaged file, no such device."""


class Cancelled(Exception):
    """The person cancelled the work. Nobody needs to be told."""


def from_os_error(error: OSError) -> KnownFailure:
    """The failure a person should read for an error of the operating system."""
    import errno

    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return KnownFailure("error.disk_full", kind=ErrorKind.DISK_FULL)
    if isinstance(error, FileNotFoundError):
        return KnownFailure("error.file_not_found", kind=ErrorKind.NOT_FOUND)
    if isinstance(error, PermissionError):
        return KnownFailure("error.file_not_permitted", kind=ErrorKind.IO)
    return KnownFailure("error.io", kind=ErrorKind.IO)
