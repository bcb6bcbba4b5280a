"""Sealed files: AES-256-GCM in chunks of 64 KiB that can be read from any place and not changed unnoticed.

Layout (big-endian): header of 84 bytes = magic 8, version 2, suite 2, chunk size 4, plain size 8, nonce 12, the file's
own random key wrapped under the purpose key 48. Then the chunks, each with its 16-byte tag. The wrap is bound to the
fields before it and to the file's name; every chunk is bound to the header, and its nonce is an 11-byte counter and a
byte that is 1 for the last chunk only (the STREAM construction as in age, c2sp.org/age). So a cut, reordered,
lengthened or exchanged file fails instead of reading wrongly.
"""

import hashlib
import io
import os
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from desktop.errors import ErrorKind, KnownFailure

CHUNK = 64 * 1024

_BLOCK = 16 * CHUNK  # handing smaller ones to the thread that hashes costs more than the hashing
_ASIDE = 32 * CHUNK  # from here on it pays to hash in a thread of its own
_SETTLED = 256 * CHUNK  # so much is brought to the disk while the next is sealed

_MAGIC = b"LNTNSEAL"
_VERSION = 1
_SUITE_AES_256_GCM = 1
_PREFIX = struct.Struct(">8sHHIQ")
_NONCE_BYTES = 12
_TAG_BYTES = 16
_WRAPPED_BYTES = _NONCE_BYTES + 32 + _TAG_BYTES
_HEADER_BYTES = _PREFIX.size + _WRAPPED_BYTES


class DamagedFile(KnownFailure):
    """A sealed file is not what was written: cut, changed, exchanged, or sealed under another key."""

    def __init__(self) -> None:
        super().__init__("vault.sealed_damaged", kind=ErrorKind.IO)


@dataclass(frozen=True)
class SealedInfo:
    """What was sealed: plain bytes' SHA-256 (hex) and size, and the wrapped file key as it stands in the header."""

    sha256: str
    size: int
    wrapped_key: bytes


def seal(source: BinaryIO | bytes, path: Path, key: bytes, *, between: Callable[[], None] | None = None) -> SealedInfo:
    """Write `source` (bytes, or a seekable stream read from its start) sealed to a new file, and fsync it.

    key: 32-byte purpose key. path: its name is bound into the file; a file sealed under a temporary name is opened
    under that name (see `SealedReader.name`). between: called before each chunk, may raise to cancel.
    Memory stays constant. Raises OSError; a half-written file is removed.
    """
    return seal_as(source, path, path.name, key, between=between)


def seal_as(
    source: BinaryIO | bytes, path: Path, name: str, key: bytes, *, between: Callable[[], None] | None = None
) -> SealedInfo:
    """As `seal`, for a file that will be called `name` once it is complete."""
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    file_key = AESGCM.generate_key(256)
    prefix = _PREFIX.pack(_MAGIC, _VERSION, _SUITE_AES_256_GCM, CHUNK, size)
    nonce = os.urandom(_NONCE_BYTES)
    wrapped = nonce + AESGCM(key).encrypt(nonce, file_key, _wrap_data(prefix, name))
    try:
        with path.open("xb") as target, ThreadPoolExecutor(2, "sealing") as aside:
            digest, settling = _Digest(aside, size), _Settling(target, aside)
            settling.write(prefix + wrapped)
            _write_chunks(stream, settling, digest, AESGCM(file_key), prefix + wrapped, size, between)
            settling.finish()
            return SealedInfo(digest.hexdigest(), size, wrapped)
    except FileExistsError:
        raise
    except BaseException:
        path.unlink(missing_ok=True)
        raise


class _Digest:
    """SHA-256 of a file's plain bytes. It takes longer than all else, so it runs aside while the next block is read,
    encrypted and written, and the last one's while the disk makes the file certain."""

    def __init__(self, aside: Executor, size: int) -> None:
        self._digest = hashlib.sha256()
        self._aside = aside if size >= _ASIDE else None
        self._under_way: Future[None] | None = None

    def update(self, block: bytes) -> None:
        """The next block, once the one before is done."""
        if self._aside is None:
            self._digest.update(block)
            return
        self._wait()
        self._under_way = self._aside.submit(self._digest.update, block)

    def hexdigest(self) -> str:
        """Of all blocks."""
        self._wait()
        return self._digest.hexdigest()

    def _wait(self) -> None:
        if self._under_way is not None:
            self._under_way.result()


class _Settling:
    """A file being written, which goes to the disk piece by piece: the last fsync of a long file has little left to do.

    A disk that fails one of the pieces fails the whole: `write` or `finish` raises its OSError.
    """

    def __init__(self, target: BinaryIO, aside: Executor) -> None:
        self._target = target
        self._aside = aside
        self._under_way: Future[None] | None = None
        self._fresh = 0

    def write(self, data: bytes) -> None:
        """Append."""
        self._target.write(data)
        self._fresh += len(data)
        if self._fresh >= _SETTLED and (self._under_way is None or self._under_way.done()):
            self._wait()
            self._target.flush()
            self._under_way = self._aside.submit(os.fsync, self._target.fileno())
            self._fresh = 0

    def finish(self) -> None:
        """Make every byte certain."""
        self._wait()
        self._target.flush()
        os.fsync(self._target.fileno())

    def _wait(self) -> None:
        if self._under_way is not None:
            self._under_way.result()


def _write_chunks(
    stream: BinaryIO,
    target: _Settling,
    digest: _Digest,
    cipher: AESGCM,
    header: bytes,
    size: int,
    between: Callable[[], None] | None,
) -> None:
    """Encrypt exactly `size` bytes."""
    last = _chunk_count(size) - 1
    for start in range(0, size, _BLOCK):
        expected = min(_BLOCK, size - start)
        block = stream.read(expected)
        if len(block) != expected:
            raise OSError("the source became shorter while it was read")
        digest.update(block)
        for number, chunk in enumerate(_chunks(block), start // CHUNK):
            if between is not None:
                between()
            target.write(cipher.encrypt(_chunk_nonce(number, number == last), chunk, header))
    if size == 0:
        target.write(cipher.encrypt(_chunk_nonce(0, last=True), b"", header))
    if stream.read(1):
        raise OSError("the source became longer while it was read")


def _chunks(block: bytes) -> Iterator[memoryview]:
    whole = memoryview(block)
    return (whole[start : start + CHUNK] for start in range(0, len(block), CHUNK))


class SealedReader(io.RawIOBase):
    """A sealed file as a readable, seekable binary stream of its plain bytes.

    name: the name the file was sealed for, where it is not the path's own. wrapped_key: what the database remembers of
    the header; another one means that an older or foreign file was put in place. Opening and reading raise
    DamagedFile, and OSError where the file cannot be read at all.
    """

    def __init__(self, path: Path, key: bytes, *, name: str | None = None, wrapped_key: bytes | None = None) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._position = 0
        self._chunk_number = -1
        self._chunk = b""
        try:
            self._open_header(path.name if name is None else name, key, wrapped_key)
        except BaseException:
            self.close()
            raise

    def _open_header(self, name: str, key: bytes, wrapped_key: bytes | None) -> None:
        self._header = self._file.read(_HEADER_BYTES)
        if len(self._header) != _HEADER_BYTES:
            raise DamagedFile
        prefix, wrapped = self._header[: _PREFIX.size], self._header[_PREFIX.size :]
        magic, version, suite, chunk, self.size = _PREFIX.unpack(prefix)
        if (magic, version, suite, chunk) != (_MAGIC, _VERSION, _SUITE_AES_256_GCM, CHUNK):
            raise DamagedFile
        if wrapped_key is not None and wrapped != wrapped_key:
            raise DamagedFile
        try:
            file_key = AESGCM(key).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], _wrap_data(prefix, name))
        except InvalidTag:
            raise DamagedFile from None
        self._cipher = AESGCM(file_key)
        self._count = _chunk_count(self.size)
        expected = _HEADER_BYTES + self.size + self._count * _TAG_BYTES
        if self._file.seek(0, os.SEEK_END) != expected:
            raise DamagedFile

    def _load(self, number: int) -> None:
        """Decrypt one chunk into the buffer."""
        if number == self._chunk_number:
            return
        self._file.seek(_HEADER_BYTES + number * (CHUNK + _TAG_BYTES))
        sealed = self._file.read(min(CHUNK, self.size - number * CHUNK) + _TAG_BYTES)
        try:
            self._chunk = self._cipher.decrypt(_chunk_nonce(number, number == self._count - 1), sealed, self._header)
        except InvalidTag:
            raise DamagedFile from None
        self._chunk_number = number

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Position in plain bytes."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move to a place in the plain bytes; beyond the end is allowed and reads nothing."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("a place before the start")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # no Buffer in 3.11
        """Fill the buffer as far as the current chunk goes; 0 at the end."""
        if self._position >= self.size:
            if self.size == 0:
                self._load(0)  # an empty file still proves itself
            return 0
        number, start = divmod(self._position, CHUNK)
        self._load(number)
        part = self._chunk[start : start + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def readall(self) -> bytes:
        """Everything from the current place on."""
        parts = bytearray()
        while self._position < self.size:
            number, start = divmod(self._position, CHUNK)
            self._load(number)
            parts += self._chunk[start:]
            self._position = min((number + 1) * CHUNK, self.size)
        if self.size == 0:
            self._load(0)
        return bytes(parts)

    def close(self) -> None:
        """Close the file and drop what was decrypted."""
        self._file.close()
        self._chunk = b""
        super().close()


def _chunk_count(size: int) -> int:
    """Chunks of a file; an empty file still has one, so that its end is authenticated."""
    return max(1, -(-size // CHUNK))


def _chunk_nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])


def _wrap_data(prefix: bytes, name: str) -> bytes:
    return prefix + name.encode()
