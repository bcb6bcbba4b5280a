"""The heads file: the audit chain's newest line, noted beside the database after each commit.

A database that was rolled back, whole or a page of it, does not reach the head noted here. Every head carries an HMAC
under the store's own key; every 100th, those at lock and at sign are also signed by the person and made certain on the
disk, and the database remembers the last signed one, so that the file cannot be cut back further.
"""

import contextlib
import hmac
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from desktop.records import AuditHead
from desktop.vault import SigningKey, verify_signature
from desktop.vault.files import write_durably

SIGNED_EVERY = 100

_LARGEST = 8 << 20
_KEPT_LINES = 5000

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NotedHead:
    """One line of the file. signature, public_key: empty unless signed."""

    sequence: int
    hash: str
    mac: bytes
    signature: bytes = b""
    public_key: bytes = b""

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


class HeadsFile:
    """Appends to the file; kept open while the store is."""

    def __init__(self, path: Path, store_id: str, key: bytes) -> None:
        self._path = path
        self._store_id = store_id
        self._key = key
        self._stream: BinaryIO | None = None

    @property
    def name(self) -> str:
        """The file's name in the clinic's folder."""
        return self._path.name

    def note(self, head: AuditHead, signing_key: SigningKey | None = None) -> bool:
        """Append a head, signed and made certain if a key is given.

        The commit it notes is already durable; a disk that refuses this line must not make the deed look undone, so
        False is returned instead of an error.
        """
        mac = hmac.digest(self._key, _message(self._store_id, head.sequence, head.hash), "sha256")
        noted = NotedHead(head.sequence, head.hash, mac)
        if signing_key is not None:
            signature = signing_key.sign(_message(self._store_id, head.sequence, head.hash))
            noted = NotedHead(head.sequence, head.hash, mac, signature, signing_key.public_key)
        try:
            stream = self._opened()
            stream.write(noted.to_line())
            stream.flush()
            if signing_key is not None:
                os.fsync(stream.fileno())
        except OSError:
            _log.warning("the audit head %d could not be noted beside the database", head.sequence)
            return False
        return True

    def read(self) -> HeadsRead:
        """The whole file, tolerant of anything in it."""
        try:
            data = self._path.read_bytes()
        except OSError:
            return HeadsRead((), (), torn=False, present=False)
        heads, bad = [], []
        lines = data.split(b"\n")
        rest = lines.pop()
        for number, line in enumerate(lines, start=1):
            try:
                noted = NotedHead.from_line(line)
            except ValueError:
                bad.append(number)
                continue
            if hmac.compare_digest(self._mac(noted), noted.mac):
                heads.append(noted)
            else:
                bad.append(number)
        return HeadsRead(tuple(heads), tuple(bad), torn=bool(rest), present=True)

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.close()
            self._stream = None

    def _opened(self) -> BinaryIO:
        if self._stream is None:
            if self._path.exists():
                self._tidy()
            self._stream = self._path.open("ab")
        return self._stream

    def _tidy(self) -> None:
        """Drop half a line that a power cut left, as it would spoil the next one; and, once there are very many, all
        but the newest: each head vouches for the whole chain before it."""
        data = self._path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) > _LARGEST:
            whole = b"".join(whole.splitlines(keepends=True)[-_KEPT_LINES:])
        if whole != data:
            write_durably(self._path, whole)

    def _mac(self, noted: NotedHead) -> bytes:
        return hmac.digest(self._key, _message(self._store_id, noted.sequence, noted.hash), "sha256")


def _message(store_id: str, sequence: int, digest: str) -> bytes:
    return f"lantern audit head\n{store_id}\n{sequence}\n{digest}\n".encode()
