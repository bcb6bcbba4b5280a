"""Audit heads kept outside the clinic: what a person signs, and what is read back years later.

A whole folder that was put back to an earlier, complete state contradicts nothing in itself; only a head that was kept
elsewhere shows that lines are missing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from desktop.records import AuditHead, UserId
from desktop.store.backup_manifest import looks_like_one as looks_like_manifest
from desktop.store.backup_manifest import parse as parse_manifest
from desktop.store.canonical import parse_time, time_text
from desktop.vault import SigningKey, verify_signature


@dataclass(frozen=True)
class SignedHead:
    """The newest line of a clinic's audit chain at a moment, signed by somebody who works there (Ed25519)."""

    store_id: str
    sequence: int
    hash: str
    time: datetime
    user: UserId
    public_key: bytes
    signature: bytes = b""

    @classmethod
    def sign(cls, store_id: str, head: AuditHead, time: datetime, user: UserId, key: SigningKey) -> "SignedHead":
        """Sign a head. time: of the signature, with a zone."""
        unsigned = cls(store_id, head.sequence, head.hash, time, user, key.public_key)
        signature = key.sign(unsigned._message())
        return cls(store_id, head.sequence, head.hash, time, user, key.public_key, signature)

    def holds(self) -> bool:
        """Whether the signature was made over all of it by the owner of the public key."""
        return verify_signature(self.public_key, self._message(), self.signature)

    def to_json(self) -> dict[str, Any]:
        """As it is printed and kept."""
        return {
            "seq": self.sequence,
            "head": self.hash,
            "store_id": self.store_id,
            "time": time_text(self.time),
            "user": self.user,
            "public_key": self.public_key.hex(),
            "signature": self.signature.hex(),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "SignedHead":
        """Undo `to_json`. Raises ValueError for anything else, the same said in another way included."""
        try:
            signed = cls(
                _text(raw["store_id"]),
                _number(raw["seq"]),
                _text(raw["head"]),
                parse_time(_text(raw["time"])),
                UserId(_text(raw["user"])),
                bytes.fromhex(_text(raw["public_key"])),
                bytes.fromhex(_text(raw["signature"])),
            )
            if signed.to_json() != raw:
                raise ValueError("not written by Lantern")
        except (KeyError, OverflowError) as error:
            raise ValueError("not a signed head") from error
        return signed

    def _message(self) -> bytes:
        """What is signed."""
        fields = (self.store_id, self.sequence, self.hash, time_text(self.time), self.user)
        return ("lantern signed audit head\n" + "\n".join(str(field) for field in fields) + "\n").encode()


@dataclass(frozen=True)
class Anchor:
    """A head kept elsewhere. store_id: of the clinic it speaks of, or empty where it does not say. signed_by: whose
    public key it was signed with, empty where it is not signed. authentic: the signature, if any, holds."""

    sequence: int
    hash: str
    store_id: str = ""
    signed_by: bytes = b""
    authentic: bool = True


def parse_anchor(data: bytes) -> Anchor:
    """The head in a JSON document: as `audit head` prints it, a backup's manifest, or under `audit` as in an answer of
    `verify`. Raises ValueError where there is none."""
    if looks_like_manifest(data):
        manifest = parse_manifest(data)
        head = manifest.head
        return Anchor(head.sequence, head.hash, manifest.store_id, manifest.public_key, manifest.signature_holds())
    try:
        raw = json.loads(data)
    except RecursionError as error:
        raise ValueError("not a head") from error
    if isinstance(raw, dict) and "seq" not in raw and isinstance(raw.get("audit"), dict):
        raw = raw["audit"]
    if not isinstance(raw, dict) or "seq" not in raw or "head" not in raw:
        raise ValueError("not a head")
    if "signature" in raw:
        signed = SignedHead.from_json(raw)
        return Anchor(signed.sequence, signed.hash, signed.store_id, signed.public_key, signed.holds())
    return Anchor(_number(raw["seq"]), _text(raw["head"]), _text(raw.get("store_id") or ""))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    value.encode()  # half a surrogate pair is no text either
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise ValueError("not a count")
    return value
