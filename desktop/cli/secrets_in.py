"""Reading secrets and texts from files or a prompt, never from an argument."""

import getpass
import sys
from pathlib import Path

from desktop.errors import ErrorKind, UserFacingError, from_os_error

_MOST_BYTES = 1 << 20


def read_text(path: Path) -> str:
    """A UTF-8 text file, with or without a byte-order mark. Raises UserFacingError, KnownFailure."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise from_os_error(error) from error
    if len(data) > _MOST_BYTES:
        raise UserFacingError("cli.text_too_long")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserFacingError("cli.text_not_utf8") from error


def read_secret(path: Path | None, prompt: str = "Passphrase: ") -> str:
    """The first line of a file, or what is typed at a prompt. Raises UserFacingError (unlock) without either."""
    if path is not None:
        return read_text(path).split("\n", 1)[0].rstrip("\r")
    if not sys.stdin.isatty():
        raise UserFacingError("cli.no_passphrase", kind=ErrorKind.UNLOCK)
    return getpass.getpass(prompt, stream=sys.stderr)
