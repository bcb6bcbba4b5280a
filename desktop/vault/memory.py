"""Giving freed memory back, so that what was decrypted does not linger in the process after the clinic is locked.

Python cannot wipe a `str` or `bytes`, and SQLCipher's page cache is freed, not overwritten. What lay in whole pages
goes back to the system, which hands them out empty; what shares a page with something that lives on stays until that
page is used again.
"""

import contextlib
import ctypes
import gc
import sys


def give_back() -> None:
    """Collect what nothing refers to, and return free pages to the system. Best effort, some milliseconds."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        if sys.platform == "win32":
            ctypes.cdll.msvcrt._heapmin()
        elif sys.platform == "linux":
            ctypes.CDLL(None).malloc_trim(0)
