"""Long files, whose blocks are hashed in a thread of their own while the next ones are written."""

import hashlib
import io
import os
from pathlib import Path

import pytest

from desktop.vault.sealed import CHUNK, SealedReader, seal

KEY = bytes(range(32))
SIZE = 40 * CHUNK + 12_345


class Changing(io.BytesIO):
    """A file that has another length by the time it is read."""

    def __init__(self, data: bytes, claimed: int) -> None:
        super().__init__(data)
        self._claimed = claimed

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._claimed if whence == os.SEEK_END else super().seek(offset, whence)


@pytest.mark.parametrize("size", [SIZE, 32 * CHUNK, 34 * CHUNK + 1, 33 * CHUNK])
def test_a_long_file_comes_back(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    info = seal(io.BytesIO(data), tmp_path / "sealed", KEY)
    assert (info.sha256, info.size) == (hashlib.sha256(data).hexdigest(), size)
    with SealedReader(tmp_path / "sealed", KEY, wrapped_key=info.wrapped_key) as reader:
        assert reader.read() == data
        reader.seek(size - 7)
        assert reader.read() == data[-7:]


@pytest.mark.parametrize("difference", [-1, -3 * CHUNK, 1])
def test_a_source_that_changes_while_it_is_read_is_refused(tmp_path: Path, difference: int) -> None:
    source = Changing(os.urandom(SIZE + difference), claimed=SIZE)
    with pytest.raises(OSError, match="while it was read"):
        seal(source, tmp_path / "sealed", KEY)
    assert not (tmp_path / "sealed").exists()


def test_it_is_cancelled_between_any_two_chunks(tmp_path: Path) -> None:
    calls = iter(range(37))

    def stop() -> None:
        if next(calls, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        seal(io.BytesIO(bytes(SIZE)), tmp_path / "sealed", KEY, between=stop)
    assert not (tmp_path / "sealed").exists()
