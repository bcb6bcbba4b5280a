"""ZIP archives: read where they lie, refused in words where they are not what they should be."""

import contextlib
import struct
import zipfile
from pathlib import Path

import pytest

from desktop.errors import UserFacingError
from desktop.intake.archive import Archive
from desktop.intake.folder import gather
from desktop.jobs import Job


def packed(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A ZIP of these files, their names as they are given."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return path


def patched(path: Path, at: int, value: bytes, signature: bytes) -> None:
    """Change bytes at a place after every header with that signature."""
    data = bytearray(path.read_bytes())
    place = data.find(signature)
    while place >= 0:
        data[place + at : place + at + len(value)] = value
        place = data.find(signature, place + 4)
    path.write_bytes(data)


def refusals(path: Path) -> dict[str, str]:
    """Name below the archive → key of the refusal."""
    with gather((path,), Job()) as found:
        return {one.name.removeprefix(f"{path}").lstrip("/"): one.error.key for one in found.not_taken}


def test_files_in_nested_folders_are_streams_like_any_other(tmp_path: Path) -> None:
    data = bytes(range(256)) * 3000
    path = packed(tmp_path / "disc.zip", {"b/deep/two": b"two", "a/one": data, "__MACOSX/._x": b"", "Thumbs.db": b"x"})
    with gather((path,), Job()) as found:
        assert [source.name for source in found.sources] == [f"{path}/a/one", f"{path}/b/deep/two"]
        one = found.sources[0]
        assert one.size == len(data)
        with one.open() as stream:
            assert stream.seek(0, 2) == len(data)
            stream.seek(500_000)
            assert stream.read(10) == data[500_000:500_010]
            stream.seek(3)
            assert stream.read() == data[3:]
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["../out.dcm", "a/../../out.dcm", "/etc/out.dcm", "C:/out.dcm", "a\\..\\..\\out.dcm"])
def test_names_that_lead_out_are_refused_and_the_rest_goes_on(tmp_path: Path, name: str) -> None:
    path = packed(tmp_path / "disc.zip", {name: b"harm", "good.dcm": b"good"})
    with gather((path,), Job()) as found:
        assert [source.name for source in found.sources] == [f"{path}/good.dcm"]
        assert [one.error.key for one in found.not_taken] == ["importing.archive.unsafe_name"]


def test_a_locked_archive_is_refused_once_and_a_locked_file_by_itself(tmp_path: Path) -> None:
    path = packed(tmp_path / "locked.zip", {"a.dcm": b"a", "b.dcm": b"b"})
    patched(path, 8, b"\x01", b"PK\x01\x02")
    assert refusals(path) == {"": "importing.archive.locked"}
    half = packed(tmp_path / "half.zip", {"a.dcm": b"a", "b.dcm": b"b"})
    data = bytearray(half.read_bytes())
    data[data.find(b"PK\x01\x02") + 8] = 1
    half.write_bytes(data)
    assert refusals(half) == {"a.dcm": "importing.archive.locked_file"}


def test_what_would_unfold_to_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    path = packed(tmp_path / "bomb.zip", {"film.dcm": bytes(1000)})
    patched(path, 24, struct.pack("<I", 1_500_000_000), b"PK\x01\x02")
    assert refusals(path) == {"film.dcm": "importing.archive.bomb"}
    patched(path, 24, struct.pack("<I", 4_000_000_000), b"PK\x01\x02")
    assert refusals(path) == {"": "importing.archive.bomb"}


def test_files_that_share_their_packed_bytes_are_a_bomb(tmp_path: Path) -> None:
    path = packed(tmp_path / "overlap.zip", {"a.dcm": b"a" * 500, "b.dcm": b"b" * 500})
    data = bytearray(path.read_bytes())
    second = data.rfind(b"PK\x01\x02")
    data[second + 42 : second + 46] = struct.pack("<I", 0)
    path.write_bytes(data)
    assert refusals(path) == {"": "importing.archive.bomb"}


def test_no_more_comes_out_than_was_announced(tmp_path: Path) -> None:
    path = packed(tmp_path / "liar.zip", {"film.dcm": bytes(300_000)})
    patched(path, 24, struct.pack("<I", 100), b"PK\x01\x02")
    with Archive(path) as archive:
        (member,) = archive.members()
        with member.open() as stream:
            came_out = 0
            with contextlib.suppress(OSError):
                came_out = len(stream.read())
            assert came_out <= 100


@pytest.mark.parametrize("cut", [10, 60, 200])
def test_a_cut_archive_is_refused_in_words(tmp_path: Path, cut: int) -> None:
    path = packed(tmp_path / "cut.zip", {"film.dcm": bytes(range(256)) * 4})
    path.write_bytes(path.read_bytes()[:-cut])
    assert refusals(path) == {"": "importing.archive.damaged"}


def test_damaged_packed_bytes_are_told_when_they_are_read(tmp_path: Path) -> None:
    path = packed(tmp_path / "spoilt.zip", {"film.dcm": bytes(range(256)) * 40})
    data = bytearray(path.read_bytes())
    data[60:90] = bytes(30)
    path.write_bytes(data)
    with Archive(path) as archive:
        (member,) = archive.members()
        with member.open() as stream, pytest.raises(OSError, match="damaged"):
            stream.read()


def test_other_packings_and_archives_in_archives_are_named(tmp_path: Path) -> None:
    path = packed(tmp_path / "odd.zip", {"film.dcm": bytes(900)}, zipfile.ZIP_BZIP2)
    assert refusals(path) == {"film.dcm": "importing.archive.unknown_method"}
    inner = packed(tmp_path / "outer.zip", {"inner.zip": b"PK"})
    assert refusals(inner) == {"inner.zip": "importing.archive.nested"}


def test_chinese_names_written_without_saying_so_are_read(tmp_path: Path) -> None:
    path = packed(tmp_path / "disc.zip", {"xxxx.dcm": b"x"})
    raw = "胸片".encode("gb18030")
    path.write_bytes(path.read_bytes().replace(b"xxxx.dcm", raw + b".dcm"))
    with gather((path,), Job()) as found:
        assert [source.name for source in found.sources] == [f"{path}/胸片.dcm"]


def test_a_missing_archive_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserFacingError, match=r"error\.file_not_found"):
        Archive(tmp_path / "gone.zip")
