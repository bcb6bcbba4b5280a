"""One clinic, one program at a time. The operating system drops the lock when the program ends, however it ends."""

import os
import sys
import time
from pathlib import Path
from typing import BinaryIO

from desktop.errors import ErrorKind, KnownFailure

_PATIENCE_SECONDS = 5.0
_PAUSE_SECONDS = 0.05


class ProcessLock:
    """Held from construction to `close`. Raises KnownFailure `store.in_use` after some seconds of waiting.

    patience: those seconds.
    """

    def __init__(self, path: Path, patience: float = _PATIENCE_SECONDS) -> None:
        self._path = path
        self._stream: BinaryIO = path.open("ab")
        deadline = time.monotonic() + patience
        while not _try_lock(self._stream):
            if time.monotonic() >= deadline:
                self._stream.close()
                raise KnownFailure("store.in_use", kind=ErrorKind.IO)
            time.sleep(_PAUSE_SECONDS)

    @property
    def in_force(self) -> bool:
        """Whether its file still lies there; else the one who held it before has removed it, and it binds nobody."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._stream.fileno()))
        except OSError:
            return False

    def close(self) -> None:
        """Let the next one in."""
        self._stream.close()


def is_locked(path: Path) -> bool:
    """Whether some program holds the lock now. Changes nothing, and makes no file where there is none."""
    try:
        with path.open("rb") as stream:
            return not _try_lock(stream)
    except OSError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _try_lock(stream: BinaryIO) -> bool:
        stream.seek(0, os.SEEK_SET)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(stream: BinaryIO) -> bool:
        try:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
