"""The heads file: the audit chain's newest line, noted beside the database after each commit.

A database that was rolled back, whole or a page of it, does not reach the head noted here. Every head carries an HMAC
under the store's own key; every 100th, those at lock and at sign are also signed by the person and made certain on the
disk, and the database remembers the last signed one, so that the file cannot be cut back further. The lines are
numbered, so that none can be taken out.
"""

import contextlib
import errno
import hmac
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from desktop.records import AuditHead
from desktop.vault import SigningKey, verify_signature
from desktop.vault.files import sync_folder, write_durably

SIGNED_EVERY = 100
KEPT_LINES = 5000  # at least, where older ones were dropped

_LARGEST = 8 << 20
_LONGEST_LINE = 4096
_BLOCK = 1 << 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NotedHead:
    """One line of the file. signature, public_key: empty unless signed. number: of the line, one more than the line
    before has; 0 in lines of earlier releases, which had none."""

    sequence: int
    hash: str
    mac: bytes
    signature: bytes = b""
    public_key: bytes = b""
    number: int = 0

    @property
    def signed(self) -> bool:
        """Whether a person's key stands under it."""
        return bool(self.signature)

    def signature_holds(self, store_id: str) -> bool:
        """Whether the signature is one over this head of this store."""
        return verify_signature(self.public_key, _message(store_id, self.sequence, self.hash), self.signature)

    def to_line(self) -> bytes:
        """As it stands in the file."""
        raw: dict[str, object] = {"sequence": self.sequence, "hash": self.hash, "mac": self.mac.hex()}
        if self.number:
            raw["number"] = self.number
        if self.signed:
            raw |= {"signature": self.signature.hex(), "public_key": self.public_key.hex()}
        return json.dumps(raw).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "NotedHead":
        """Undo `to_line`. Raises ValueError."""
        try:
            raw = json.loads(line)
            noted = cls(
                int(raw["sequence"]),
                str(raw["hash"]),
                bytes.fromhex(raw["mac"]),
                bytes.fromhex(raw.get("signature", "")),
                bytes.fromhex(raw.get("public_key", "")),
                int(raw.get("number", 0)),
            )
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError("not a head") from error
        if noted.to_line() != line + b"\n":
            raise ValueError("not written by Lantern")
        return noted


@dataclass(frozen=True)
class HeadsRead:
    """What the file says. bad_lines: numbers (from 1) of lines that are no authentic head. torn: the last line was
    cut off in the middle, as a power cut leaves it."""

    heads: tuple[NotedHead, ...]
    bad_lines: tuple[int, ...]
    torn: bool
    present: bool


@dataclass(frozen=True)
class HeadLine:
    """One line of the file. number: from 1. head: None where it is no authentic one. torn: it was cut off or has a
    hole, as a power cut leaves what no signed head made certain yet. rest: what is left of one that was cut off."""

    number: int
    head: NotedHead | None
    torn: bool = False
    rest: bytes = b""

    def may_be(self, sequence: int) -> bool:
        """Whether this is what a cut left of the head of that number, as far as one can still tell."""
        start = f'{{"sequence": {sequence}, '.encode()
        return self.torn and bool(self.rest) and (self.rest.startswith(start) or start.startswith(self.rest))


class HeadsFile:
    """Appends to the file; kept open while the store is."""

    def __init__(self, path: Path, store_id: str, key: bytes) -> None:
        self._path = path
        self._store_id = store_id
        self._key: bytes | None = key
        self._stream: BinaryIO | None = None
        self._number = 0

    @property
    def name(self) -> str:
        """The file's name in the clinic's folder."""
        return self._path.name

    def note(self, head: AuditHead, signing_key: SigningKey | None = None) -> bool:
        """Append a head, signed and made certain if a key is given.

        The commit it notes is already durable; a disk that refuses this line must not make the deed look undone, so
        False is returned instead of an error.
        """
        try:
            self._append(head, signing_key)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT) or not self._begin_anew(head, signing_key):
                _log.warning("the audit head %d could not be noted beside the database", head.sequence)
                return False
        return True

    def _line(self, head: AuditHead, number: int, signing_key: SigningKey | None) -> bytes:
        mac = self._mac(head, number)
        noted = NotedHead(head.sequence, head.hash, mac, number=number)
        if signing_key is not None:
            signature = signing_key.sign(_message(self._store_id, head.sequence, head.hash))
            noted = replace(noted, signature=signature, public_key=signing_key.public_key)
        return noted.to_line()

    def _append(self, head: AuditHead, signing_key: SigningKey | None) -> None:
        stream = self._opened()
        if signing_key is not None:
            # So what a power cut may tear stands behind every signed head, never before one.
            os.fsync(stream.fileno())
        stream.write(self._line(head, self._number + 1, signing_key))
        self._number += 1  # what a full disk does not take is written with the next line
        stream.flush()
        if signing_key is not None:
            os.fsync(stream.fileno())

    def _begin_anew(self, head: AuditHead, signing_key: SigningKey | None) -> bool:
        """After a failed fsync the system takes what it lost for written, so a second one would promise too much: only
        a new file with all of it helps."""
        self.close()
        try:
            data = self._path.read_bytes() if self._path.exists() else b""
            whole = self._before_holes(data[: data.rfind(b"\n") + 1])
            number = self._last_number(whole)
            if not whole.endswith(self._line(head, number, signing_key)):
                whole += self._line(head, number + 1, signing_key)
            write_durably(self._path, whole)
        except OSError:
            return False
        return True

    @property
    def present(self) -> bool:
        """Whether the file is there."""
        return self._path.exists()

    @property
    def size(self) -> int:
        """Bytes of the file, 0 where there is none."""
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def lines(self, size: int | None = None, newest: int | None = None) -> Iterator[HeadLine]:
        """Every line, or those of the first `size` bytes or about the last `newest` bytes, tolerant of anything in it;
        nothing where the file cannot be read.

        Torn ones come after what follows them: a signed head behind them says that they were whole once.
        """
        torn: list[HeadLine] = []
        try:
            with self._path.open("rb") as stream:
                first = 1 + _skip(stream, self.size - newest) if newest is not None else 1
                for number, line in enumerate(_bounded_lines(stream, size), start=first):
                    judged = self._judged(number, line)
                    if judged.torn:
                        torn.append(judged)
                        continue
                    if judged.head is not None and judged.head.signed:
                        yield from (replace(one, torn=False) for one in torn)
                        torn.clear()
                    yield judged
        except OSError:
            return
        yield from torn[:1]

    def read(self) -> HeadsRead:
        """The whole file at once."""
        lines = tuple(self.lines())
        return HeadsRead(
            tuple(line.head for line in lines if line.head is not None),
            tuple(line.number for line in lines if line.head is None and not line.torn),
            torn=any(line.torn for line in lines),
            present=self.present,
        )

    def _judged(self, number: int, line: bytes) -> HeadLine:
        """One line as it lies in the file, its end included."""
        if b"\0" in line:
            return HeadLine(number, None, torn=True)
        if not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
            # A power cut leaves the start of a line; a whole one with another end was changed.
            return HeadLine(number, None, torn=not _is_whole(line[:-1]), rest=line)
        try:
            noted = NotedHead.from_line(line[:-1])
        except ValueError:
            return HeadLine(number, None)
        return HeadLine(number, noted if hmac.compare_digest(self._mac(noted, noted.number), noted.mac) else None)

    def forget(self) -> None:
        """Close the file and let go of the key; it can be read and written no more."""
        self.close()
        self._key = None

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.close()
            self._stream = None

    def _opened(self) -> BinaryIO:
        if self._stream is None:
            self._number = self._tidy() if self._path.exists() else 0
            self._stream = self._path.open("ab")
            try:
                sync_folder(self._path.parent)  # or the database may remember a file that is not there
            except OSError:
                self.close()
                raise
        return self._stream

    def _tidy(self) -> int:
        """Drop what a power cut tore, as it would spoil what comes next; and, once there are very many, all but the
        newest: each head vouches for the whole chain before it. Returns the last line's number."""
        data = self._path.read_bytes()
        whole = self._before_holes(data[: data.rfind(b"\n") + 1])
        if len(whole) > _LARGEST:
            whole = b"".join(whole.splitlines(keepends=True)[-KEPT_LINES:])
        if whole != data:
            write_durably(self._path, whole)
        return self._last_number(whole)

    def _before_holes(self, data: bytes) -> bytes:
        """The lines before the first one with a hole behind the last signed head: what follows it goes too, so that no
        line is missing between others."""
        if b"\0" not in data:
            return data
        lines = data.splitlines(keepends=True)
        judged = (self._judged(number, line).head for number, line in enumerate(lines, start=1))
        signed = max((number for number, head in enumerate(judged, start=1) if head and head.signed), default=0)
        behind = (number for number, line in enumerate(lines) if number >= signed and b"\0" in line)
        return b"".join(lines[: next(behind, len(lines))])

    def _last_number(self, data: bytes) -> int:
        """The number of the last authentic line; 0 where it has none."""
        judged = (self._judged(0, line).head for line in reversed(data.splitlines(keepends=True)))
        return next((head.number for head in judged if head is not None), 0)

    def _mac(self, head: AuditHead | NotedHead, number: int) -> bytes:
        if self._key is None:
            raise ValueError("the clinic is locked")
        message = _message(self._store_id, head.sequence, head.hash)
        return hmac.digest(self._key, message + f"{number}\n".encode() if number else message, "sha256")


def _message(store_id: str, sequence: int, digest: str) -> bytes:
    return f"lantern audit head\n{store_id}\n{sequence}\n{digest}\n".encode()


def _skip(stream: BinaryIO, size: int) -> int:
    """Go to the first line that begins behind `size` bytes; returns how many were passed over."""
    lines = 0
    while stream.tell() < size:
        lines += stream.read(min(_BLOCK, size - stream.tell())).count(b"\n")
    if size > 0 and stream.readline().endswith(b"\n"):
        lines += 1
    return lines


def _bounded_lines(stream: BinaryIO, size: int | None) -> Iterator[bytes]:
    """Lines of a file that may be anything: none is read further than any head is long."""
    while size is None or stream.tell() < size:
        line = stream.readline(_LONGEST_LINE)
        if not line:
            return
        yield line
        while len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
            line = stream.readline(_LONGEST_LINE)


def _is_whole(line: bytes) -> bool:
    """Whether a head can be read from the line without its end."""
    try:
        NotedHead.from_line(line)
    except ValueError:
        return False
    return True
