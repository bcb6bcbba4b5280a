"""What C libraries free inside the block is overwritten, whatever its size."""

import ctypes
import sys

import pytest

from desktop.vault.freed_memory import wiped_when_freed

SECRET = 0x42


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc can")
@pytest.mark.parametrize("size", [40, 120, 600, 1000, 5000])
def test_what_is_freed_is_overwritten(size: int) -> None:
    library = ctypes.CDLL(None)
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.restype, library.free.argtypes = None, [ctypes.c_void_p]
    block = library.malloc(size)
    ctypes.memset(block, SECRET, size)
    with wiped_when_freed():
        library.free(block)
    left = ctypes.string_at(block, size)
    assert bytes([SECRET]) * 16 not in left
