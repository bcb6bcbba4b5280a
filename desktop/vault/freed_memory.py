"""Memory that C libraries free without wiping it, such as SQLite's copies of the statement that sets the key."""

import contextlib
import ctypes
import sys
from collections.abc import Iterator

_PERTURB = -6  # glibc's M_PERTURB (malloc.h)
_PATTERN = 0xA5
# Small blocks are kept for their thread as they are, up to 7 of each size (glibc's tcache): M_PERTURB passes them over.
_SMALL, _KEPT = range(24, 1033, 16), 7


@contextlib.contextmanager
def wiped_when_freed() -> Iterator[None]:
    """Whatever is freed inside the block is overwritten, where the C library can do that (glibc); elsewhere nothing
    changes. It holds for the whole process and costs time, so keep the block short."""
    _set(_PATTERN)
    try:
        yield
    finally:
        _set(0)
        _wipe_small()


def _set(pattern: int) -> None:
    if sys.platform.startswith("linux"):
        with contextlib.suppress(AttributeError):
            ctypes.CDLL(None).mallopt(_PERTURB, pattern)


def _wipe_small() -> None:
    """Take the small blocks that this thread freed last, overwrite them and give them back."""
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.restype, library.free.argtypes = None, [ctypes.c_void_p]
    for size in _SMALL:
        blocks = [block for _ in range(_KEPT) if (block := library.malloc(size))]
        for block in blocks:
            ctypes.memset(block, _PATTERN, size)
            library.free(block)
