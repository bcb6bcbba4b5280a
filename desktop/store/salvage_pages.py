"""Rows carved out of an encrypted database whose structure nobody can rely on any more.

Every page is decrypted by itself and every row on it read, whatever table it belongs to: a page that is lost costs its
own rows and no others. Nothing read here is believed: `salvage` keeps only what the audit chain attests by its hash, so
a page that fails SQLCipher's own check is still worth reading.

Formats: SQLCipher 4 (4096-byte pages, AES-256-CBC, the last 80 bytes of a page are its IV and HMAC; the first 16 bytes
of the file are its salt), https://sqlite.org/fileformat2.html for pages, cells, rows and the write-ahead log.
"""

import contextlib
import io
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

Value = None | int | float | str | bytes

_PAGE = 4096
_RESERVED = 80
_USABLE = _PAGE - _RESERVED
_IV = 16
_SALT = 16
_FILE_HEADER = 100
_LOG_HEADER = 32
_FRAME_HEADER = 24
_TABLE_LEAF, _INDEX_LEAF, _INDEX_INNER = 13, 10, 2
_LARGEST_ROW = 1 << 26
_MOST_COLUMNS = 64
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


@dataclass(frozen=True)
class Carved:
    """A row as it lay on a page. key: its rowid, None in a table without. values: its columns; an `INTEGER PRIMARY KEY`
    stands as None among them."""

    key: int | None
    values: tuple[Value, ...]


class _NoRow(Exception):
    """These bytes are no row."""


def carve(database: Path, log: Path, key: bytes, between: Callable[[], None]) -> Iterator[Carved]:
    """Every row that can be read, older versions of rows among them, in no particular order. key: the database's, 32
    bytes. between: called before each page, may raise to cancel. Raises OSError."""
    with contextlib.ExitStack() as held:
        main = _Pages(_opened(database, held))
        for number in main.numbers():
            between()
            yield from _rows(main.get(number), number, key, main.get)
        frames = _Frames(_opened(log, held))
        for number, place in frames.places:
            between()
            yield from _rows(frames.at(place), number, key, lambda wanted: frames.newest(wanted) or main.get(wanted))


def _opened(path: Path, held: contextlib.ExitStack) -> BinaryIO:
    try:
        return held.enter_context(path.open("rb"))
    except FileNotFoundError:
        return io.BytesIO()


class _Pages:
    """The pages of a database file."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._size = stream.seek(0, os.SEEK_END)

    def numbers(self) -> range:
        """Of all pages, half a last one included."""
        return range(1, -(-self._size // _PAGE) + 1)

    def get(self, number: int) -> bytes:
        """A page; empty where there is none of that number."""
        self._stream.seek(max(0, number - 1) * _PAGE)
        page = self._stream.read(_PAGE) if number > 0 else b""
        return page.ljust(_PAGE, b"\0") if page else b""


class _Frames:
    """The pages in a write-ahead log. places: their numbers and where they begin, oldest first."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.places: list[tuple[int, int]] = []
        size = stream.seek(0, os.SEEK_END)
        for start in range(_LOG_HEADER, size - _FRAME_HEADER - _PAGE + 1, _FRAME_HEADER + _PAGE):
            stream.seek(start)
            self.places.append((int.from_bytes(stream.read(4)), start + _FRAME_HEADER))
        self._newest = dict(self.places)

    def at(self, place: int) -> bytes:
        """The page that begins there."""
        self._stream.seek(place)
        return self._stream.read(_PAGE)

    def newest(self, number: int) -> bytes:
        """The last page of that number; empty where there is none."""
        place = self._newest.get(number)
        return self.at(place) if place is not None else b""


def _plain(page: bytes, number: int, key: bytes) -> bytes:
    """A page decrypted; the first one's salt stays where it is."""
    start = _SALT if number == 1 else 0
    decryptor = Cipher(algorithms.AES(key), modes.CBC(page[_USABLE : _USABLE + _IV])).decryptor()
    return page[:start] + decryptor.update(page[start:_USABLE]) + decryptor.finalize()


def _rows(sealed: bytes, number: int, key: bytes, page_of: Callable[[int], bytes]) -> Iterator[Carved]:
    page = _plain(sealed, number, key)
    header = _FILE_HEADER if number == 1 else 0
    kind = page[header]
    if kind not in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INNER):
        return
    (count,) = struct.unpack_from(">H", page, header + 3)
    pointers = header + (12 if kind == _INDEX_INNER else 8)
    for place in range(min(count, (_USABLE - pointers) // 2)):
        (cell,) = struct.unpack_from(">H", page, pointers + 2 * place)
        try:
            yield _row(page, cell + (4 if kind == _INDEX_INNER else 0), kind, key, page_of)
        except (_NoRow, IndexError, struct.error, UnicodeDecodeError):
            continue


def _row(page: bytes, place: int, kind: int, key: bytes, page_of: Callable[[int], bytes]) -> Carved:
    size, place = _varint(page, place)
    rowid = None
    if kind == _TABLE_LEAF:
        rowid, place = _varint(page, place)
    if not 0 < size <= _LARGEST_ROW:
        raise _NoRow
    here = _local(size, kind)
    data = page[place : place + here]
    if here < size:
        data += _overflow(struct.unpack_from(">I", page, place + here)[0], size - here, key, page_of)
    if len(data) != size:
        raise _NoRow
    return Carved(rowid, _values(data))


def _local(size: int, kind: int) -> int:
    """How many bytes of a row lie on its own page."""
    most = _USABLE - 35 if kind == _TABLE_LEAF else (_USABLE - 12) * 64 // 255 - 23
    if size <= most:
        return size
    least = (_USABLE - 12) * 32 // 255 - 23
    rest = least + (size - least) % (_USABLE - 4)
    return rest if rest <= most else least


def _overflow(number: int, size: int, key: bytes, page_of: Callable[[int], bytes]) -> bytes:
    """The rest of a row, from page to page."""
    parts: list[bytes] = []
    while size > 0:
        sealed = page_of(number)
        if not sealed:
            raise _NoRow
        page = _plain(sealed, number, key)
        (number,) = struct.unpack_from(">I", page)
        part = page[4 : 4 + min(size, _USABLE - 4)]
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _values(data: bytes) -> tuple[Value, ...]:
    header, place = _varint(data, 0)
    kinds: list[int] = []
    while place < header:
        kind, place = _varint(data, place)
        kinds.append(kind)
        if len(kinds) > _MOST_COLUMNS:
            raise _NoRow
    found: list[Value] = []
    for kind in kinds:
        value, place = _value(data, place, kind)
        found.append(value)
    if place != len(data):
        raise _NoRow
    return tuple(found)


def _value(data: bytes, place: int, kind: int) -> tuple[Value, int]:
    if kind == 0:
        return None, place
    if kind in (8, 9):
        return kind - 8, place
    if kind in _INTEGERS:
        end = place + _INTEGERS[kind]
        return int.from_bytes(data[place:end], signed=True), end
    if kind == 7:
        return float(struct.unpack_from(">d", data, place)[0]), place + 8
    if kind < 12:
        raise _NoRow
    end = place + (kind - 12) // 2
    if end > len(data):
        raise _NoRow
    return (data[place:end].decode() if kind % 2 else data[place:end]), end


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for length in range(8):
        byte = data[place + length]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + length + 1
    value = value << 8 | data[place + 8]
    return value - (1 << 64) if value >= 1 << 63 else value, place + 9
