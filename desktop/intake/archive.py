"""ZIP archives, read where they lie: nothing of them is ever written to a disk in the clear.

What an archive says of itself is weighed before any of it is unfolded: names that lead out of it, locks, and sizes no
honest archive has. While a file within it is read, no more comes out than was announced.
"""

import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

from desktop.errors import UserFacingError, from_os_error
from desktop.intake import volume_bundle, wfdb_bundle

_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
_MOST_ENTRIES = 100_000
_MOST_AT_ONCE = 64 * 1024 * 1024
"""Most bytes zipfile may ask for in one piece: its table of contents is read so, and 100,000 names take 20 MB."""

_LARGE, _MOST_FOLD = 256 * 1024 * 1024, 200
"""A file of more bytes than the first is taken only where each of its packed bytes stands for fewer than the second.
An uncompressed scan packs to a half or a tenth; blank ones of that size there are none."""
_LARGE_ALL, _MOST_FOLD_ALL = 2 * 1024 * 1024 * 1024, 500
"""The same for everything in an archive together."""

_LOCKED, _UTF8 = 0x1, 0x800
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others unfold as much as they like from one block, whatever was asked for; and no disc of pictures uses them."""
_STEP = 64 * 1024


def is_archive(path: Path) -> bool:
    """Whether a file is a ZIP, and no bundle of a trace or a volume. Raises OSError."""
    with path.open("rb") as stream:
        header = stream.read(512)
    bundle = wfdb_bundle.is_bundle(header) or volume_bundle.is_bundle(header)
    return header.startswith(_SIGNATURES) and not bundle


class _Guarded(io.RawIOBase):
    """A file that refuses to be read in pieces nobody needs."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("rb")

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Like a file's."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Like a file's."""
        return self._file.tell()

    def read(self, size: int = -1, /) -> bytes:
        """Raises UserFacingError where too much is asked for."""
        part = self._file.read(size if 0 <= size <= _MOST_AT_ONCE else _MOST_AT_ONCE + 1)
        if len(part) > _MOST_AT_ONCE:
            raise UserFacingError("importing.archive.damaged")
        return part

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


class Archive:
    """An open archive. Raises UserFacingError `importing.archive.damaged`, `.locked` or `.bomb`, KnownFailure."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = _Guarded(path)
        except OSError as error:
            raise from_os_error(error) from error
        try:
            self._zip = zipfile.ZipFile(cast(BinaryIO, self._file))
            self._entries = [entry for entry in self._zip.infolist() if not entry.is_dir()]
            self._check()
        except OSError as error:
            self._file.close()
            raise from_os_error(error) from error
        except (zipfile.BadZipFile, ValueError, NotImplementedError, IndexError, OverflowError) as error:
            self._file.close()
            raise UserFacingError("importing.archive.damaged") from error
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "Archive":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()
        self._file.close()

    def members(self) -> Iterator["ArchiveMember"]:
        """Every file in it, in the order of names; those that may not be read say why."""
        named = sorted((_name_of(entry), index) for index, entry in enumerate(self._entries))
        for inner, index in named:
            entry = self._entries[index]
            yield ArchiveMember(self, entry, inner, entry.file_size, _objection(entry, inner))

    def open(self, entry: zipfile.ZipInfo) -> BinaryIO:
        """A file in it as a seekable stream. Raises UserFacingError `importing.archive.damaged`."""
        return io.BufferedReader(_Unfolded(self._zip, entry), _STEP)

    def _check(self) -> None:
        entries = self._entries
        if len(entries) > _MOST_ENTRIES:
            raise UserFacingError("importing.archive.bomb")
        if entries and all(entry.flag_bits & _LOCKED for entry in entries):
            raise UserFacingError("importing.archive.locked")
        total = sum(entry.file_size for entry in entries)
        if total > _LARGE_ALL and total > _MOST_FOLD_ALL * self.path.stat().st_size:
            raise UserFacingError("importing.archive.bomb")
        # Entries that share their packed bytes: each is small, together they unfold to anything.
        end = 0
        for start, packed in sorted((entry.header_offset, entry.compress_size) for entry in entries):
            if start < end:
                raise UserFacingError("importing.archive.bomb")
            end = start + packed


@dataclass(frozen=True)
class ArchiveMember:
    """A file within an archive. inner: its name there. error: why it may not be read."""

    archive: Archive = field(repr=False)
    entry: zipfile.ZipInfo = field(repr=False)
    inner: str
    size: int
    error: UserFacingError | None = None

    @property
    def name(self) -> str:
        """`importing.archive.zip/inner/name`, the archive as it was given."""
        return f"{self.archive.path}/{self.inner}"

    def open(self) -> BinaryIO:
        """Its bytes. Raises UserFacingError; reading raises `UnfoldingFailed` where they are damaged."""
        return self.archive.open(self.entry)


def _objection(entry: zipfile.ZipInfo, inner: str) -> UserFacingError | None:
    parts = inner.replace("\\", "/").split("/")
    if inner.startswith(("/", "\\")) or ".." in parts or "\0" in inner or parts[0][1:2] == ":":
        return UserFacingError("importing.archive.unsafe_name")
    if entry.flag_bits & _LOCKED:
        return UserFacingError("importing.archive.locked_file")
    if entry.compress_type not in _METHODS:
        return UserFacingError("importing.archive.unknown_method")
    if entry.file_size > _LARGE and entry.file_size > _MOST_FOLD * max(1, entry.compress_size):
        return UserFacingError("importing.archive.bomb")
    if inner.lower().endswith(".zip"):
        return UserFacingError("importing.archive.nested")
    return None


def _name_of(entry: zipfile.ZipInfo) -> str:
    """The name as it was meant: Chinese systems write theirs without saying in what encoding (APPNOTE 4.4.4)."""
    name = entry.filename
    if entry.flag_bits & _UTF8 or name.isascii():
        return name
    try:
        raw = name.encode("cp437")
    except UnicodeEncodeError:
        return name
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return name


class UnfoldingFailed(OSError):
    """The packed bytes are not what they should be. An OSError, as whoever reads a stream expects."""


class _Unfolded(io.RawIOBase):
    """The bytes of one entry. Going to a place costs nothing until something is read there; going back unfolds the
    entry anew, and asking how long it is does not."""

    def __init__(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
        super().__init__()
        self._archive = archive
        self._entry = entry
        self._at = 0
        self._inner = self._begin()

    def _begin(self) -> zipfile.ZipExtFile:
        try:
            return cast(zipfile.ZipExtFile, self._archive.open(self._entry))
        except (zipfile.BadZipFile, RuntimeError, ValueError, NotImplementedError, OSError) as error:
            raise UserFacingError("importing.archive.damaged") from error

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Where the next byte comes from."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Like a file's."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._entry.file_size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # no Buffer in 3.11
        """Unfold some more. Raises UnfoldingFailed where the packed bytes are damaged."""
        if self._at >= self._entry.file_size:
            return 0
        try:
            if self._inner.tell() != self._at:
                self._inner.seek(self._at)
            part = self._inner.read(min(len(buffer), _STEP))
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError) as error:
            raise UnfoldingFailed("damaged archive") from error
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        """Let go of the entry."""
        if not self.closed:
            self._inner.close()
        super().close()
