"""Memory that C libraries free without wiping it, such as SQLite's copies of the statement that sets the key."""

import contextlib
import ctypes
import sys
from collections.abc import Iterator

_PERTURB = -6  # glibc's M_PERTURB (malloc.h)
_PATTERN = 0xA5


@contextlib.contextmanager
def wiped_when_freed() -> Iterator[None]:
    """Whatever is freed inside the block is overwritten, where the C library can do that (glibc); elsewhere nothing
    changes. It holds for the whole process and costs time, so keep the block short."""
    _set(_PATTERN)
    try:
        yield
    finally:
        _set(0)


def _set(pattern: int) -> None:
    if sys.platform.startswith("linux"):
        with contextlib.suppress(AttributeError):
            ctypes.CDLL(None).mallopt(_PERTURB, pattern)
