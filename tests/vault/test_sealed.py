"""Sealed files read back, from any place, and notice every change."""

import io
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop.errors import Cancelled
from desktop.vault import DamagedFile, SealedReader, seal
from desktop.vault.sealed import CHUNK, seal_as

KEY = bytes(range(32))
# Everything interesting happens at the borders of chunks.
SIZES = st.sampled_from([0, 1, 100, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7]) | st.integers(0, 3 * CHUNK)

per_example = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def sealed(folder: Path, plain: bytes, name: str = "file") -> Path:
    path = folder / name
    path.unlink(missing_ok=True)
    seal(plain, path, KEY)
    return path


def read(path: Path, key: bytes = KEY) -> bytes:
    with SealedReader(path, key) as stream:
        return stream.read()


@per_example
@given(SIZES, st.randoms())
def test_round_trip(tmp_path: Path, size: int, random: object) -> None:
    plain = os.urandom(size)
    path = tmp_path / "file"
    path.unlink(missing_ok=True)
    info = seal(io.BytesIO(plain), path, KEY)
    assert info.size == size
    assert read(path) == plain


@per_example
@given(SIZES, st.lists(st.tuples(st.integers(0, 4 * CHUNK), st.integers(0, 2 * CHUNK)), max_size=6))
def test_reading_from_any_place_is_as_in_memory(tmp_path: Path, size: int, moves: list[tuple[int, int]]) -> None:
    plain = os.urandom(size)
    memory = io.BytesIO(plain)
    with SealedReader(sealed(tmp_path, plain), KEY) as stream:
        for place, count in moves:
            assert stream.seek(place) == memory.seek(place)
            expected = memory.read(count)
            found = b""
            while len(found) < len(expected):  # a raw stream may give less at once
                found += stream.read(count - len(found))
            assert found == expected
            assert stream.tell() == memory.tell()
        assert stream.seek(-1, os.SEEK_END) == size - 1 if size else True


@per_example
@given(SIZES, st.data())
def test_one_flipped_bit_is_noticed(tmp_path: Path, size: int, data: st.DataObject) -> None:
    path = sealed(tmp_path, os.urandom(size))
    raw = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(raw)
    with pytest.raises(DamagedFile):
        read(path)


@per_example
@given(SIZES, st.data())
def test_a_cut_file_is_noticed(tmp_path: Path, size: int, data: st.DataObject) -> None:
    path = sealed(tmp_path, os.urandom(size))
    raw = path.read_bytes()
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw) - 1))])
    with pytest.raises(DamagedFile):
        read(path)


def test_whole_chunks_cut_off_reordered_or_added_are_noticed(tmp_path: Path) -> None:
    path = sealed(tmp_path, os.urandom(3 * CHUNK))
    raw = path.read_bytes()
    header, body = raw[:84], raw[84:]
    step = CHUNK + 16
    chunks = [body[start : start + step] for start in range(0, len(body), step)]
    spoiled = (
        header + chunks[0] + chunks[1],
        header + chunks[1] + chunks[0] + chunks[2],
        header + chunks[0] + chunks[0] + chunks[2],
        header + b"".join(chunks) + chunks[2],
        raw + b"\0",
    )
    for bad in spoiled:
        path.write_bytes(bad)
        with pytest.raises(DamagedFile):
            read(path)
    path.write_bytes(raw)
    assert len(read(path)) == 3 * CHUNK


def test_files_cannot_be_exchanged(tmp_path: Path) -> None:
    first, second = sealed(tmp_path, b"first", "a"), sealed(tmp_path, b"other", "b")
    first.write_bytes(second.read_bytes())
    with pytest.raises(DamagedFile):
        read(first)


def test_an_older_file_of_the_same_name_is_told_by_its_key(tmp_path: Path) -> None:
    old = seal(b"old", tmp_path / "a", KEY)
    (tmp_path / "a").rename(tmp_path / "kept")
    new = seal(b"new", tmp_path / "a", KEY)
    (tmp_path / "kept").replace(tmp_path / "a")
    with SealedReader(tmp_path / "a", KEY, wrapped_key=old.wrapped_key) as stream:
        assert stream.read() == b"old"
    with pytest.raises(DamagedFile):
        SealedReader(tmp_path / "a", KEY, wrapped_key=new.wrapped_key)


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    with pytest.raises(DamagedFile):
        read(sealed(tmp_path, b"plain"), bytes(32))


def test_a_file_may_be_sealed_for_the_name_it_will_have(tmp_path: Path) -> None:
    seal_as(b"plain", tmp_path / "file.new", "file", KEY)
    (tmp_path / "file.new").rename(tmp_path / "file")
    assert read(tmp_path / "file") == b"plain"


def test_no_plain_byte_is_on_the_disk(tmp_path: Path) -> None:
    assert b"secret name" not in sealed(tmp_path, b"secret name" * 20000).read_bytes()


def test_a_cancelled_or_failed_seal_leaves_nothing(tmp_path: Path) -> None:
    calls = iter(range(10))

    def stop() -> None:
        if next(calls) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        seal(bytes(5 * CHUNK), tmp_path / "file", KEY, between=stop)
    assert list(tmp_path.iterdir()) == []


def test_sealing_replaces_nothing(tmp_path: Path) -> None:
    path = sealed(tmp_path, b"kept")
    with pytest.raises(FileExistsError):
        seal(b"other", path, KEY)
    assert read(path) == b"kept"


def test_a_source_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    class Growing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(size) or b"more"

    with pytest.raises(OSError, match="longer"):
        seal(Growing(b"plain"), tmp_path / "file", KEY)
    assert list(tmp_path.iterdir()) == []


def test_memory_stays_constant(tmp_path: Path) -> None:
    peaks = []
    for chunks in (64, 256):
        with (tmp_path / f"{chunks}").open("wb") as stream:
            stream.truncate(chunks * CHUNK)
        tracemalloc.start()
        try:
            with (tmp_path / f"{chunks}").open("rb") as source:
                seal(source, tmp_path / f"sealed{chunks}", KEY)
            with SealedReader(tmp_path / f"sealed{chunks}", KEY) as reader:
                while reader.read(CHUNK):
                    pass
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + CHUNK
    assert max(peaks) < 40 * CHUNK
