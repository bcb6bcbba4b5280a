"""What a backup says of itself: `manifest.json`, plain JSON that needs no key to be read and checked.

Every part stands in it with its size and SHA-256, so damage is told from a wrong card before any key is tried. The
whole of it is signed by the person who made the backup, and so anchors the audit chain's head outside the clinic.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from desktop.errors import ErrorKind, KnownFailure
from desktop.records import AuditHead
from desktop.store.canonical import parse_time, time_text
from desktop.vault import SigningKey, verify_signature

MANIFEST = "manifest.json"
KEYSTORE = "keystore.json"
HEADS = "audit-heads.jsonl"
DATABASE = "database"

FORMAT = "lantern-backup"
VERSION = 1
LARGEST = 1 << 28

_PART_NAME = r"(?:\.[0-9]{3,6})?"
_DATABASE_PART = re.compile(DATABASE + _PART_NAME)
_ATTACHMENT_PART = re.compile(r"att/([0-9a-f]{2})/\1[0-9a-f]{30}" + _PART_NAME)


class DamagedManifest(ValueError):
    """The file says it is a backup's manifest and is not what Lantern wrote."""


@dataclass(frozen=True)
class Part:
    """One file of a backup. name: its path below the backup's folder, or below the shared one; with `/`."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A backup's contents.

    epoch, generation: of the keystore. store_format: of the database. head: the newest audit line it holds. shared:
    the attachments lie beside the backup's folder, where other backups of the same medium use them too. missing:
    attachments that the clinic itself had lost. user, public_key, signature: who made it.
    """

    id: str
    store_id: str
    made: datetime
    epoch: int
    generation: int
    store_format: int
    head: AuditHead
    counts: Mapping[str, int]
    keystore: Part
    heads: Part
    database: tuple[Part, ...]
    attachments: tuple[tuple[Part, ...], ...]
    shared: bool = False
    missing: tuple[str, ...] = ()
    user: str = ""
    public_key: bytes = b""
    signature: bytes = b""

    @property
    def own_parts(self) -> tuple[Part, ...]:
        """The parts that always lie in the backup's own folder."""
        return (self.keystore, self.heads, *self.database)

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(part.size for part in self.own_parts) + sum(part.size for file in self.attachments for part in file)

    @property
    def database_size(self) -> int:
        """Bytes of the database's parts."""
        return sum(part.size for part in self.database)

    def signed(self, key: SigningKey) -> "Manifest":
        """The same with a signature over everything else in it."""
        unsigned = replace(self, public_key=key.public_key, signature=b"")
        return replace(unsigned, signature=key.sign(unsigned.signed_bytes()))

    def signature_holds(self) -> bool:
        """Whether the signature is one of `public_key` over this manifest."""
        return verify_signature(self.public_key, self.signed_bytes(), self.signature)

    def signed_bytes(self) -> bytes:
        """What the signature is over."""
        raw = self._to_json()
        del raw["signature"]
        return b"lantern backup manifest\n" + _canonical(raw)

    def to_bytes(self) -> bytes:
        """The file."""
        return file_of(self._to_json())

    def _to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "version": VERSION,
            "id": self.id,
            "store_id": self.store_id,
            "made": time_text(self.made),
            "epoch": self.epoch,
            "generation": self.generation,
            "store_format": self.store_format,
            "audit": {"seq": self.head.sequence, "head": self.head.hash},
            "counts": dict(self.counts),
            "keystore": _part_to_json(self.keystore),
            "heads": _part_to_json(self.heads),
            "database": [_part_to_json(part) for part in self.database],
            "attachments": [[_part_to_json(part) for part in file] for file in self.attachments],
            "shared": self.shared,
            "missing": list(self.missing),
            "user": self.user,
            "public_key": base64.b64encode(self.public_key).decode(),
            "signature": base64.b64encode(self.signature).decode(),
        }


def file_of(raw: Mapping[str, Any]) -> bytes:
    """The file of a manifest's fields, its own checksum added; an attachment a line, as there may be very many."""
    head = {**raw, "attachments": [], "checksum": _checksum(raw)}
    text = json.dumps(head, indent=1) + "\n"
    lines = ",\n  ".join(json.dumps(file) for file in raw["attachments"])
    return (text.replace('"attachments": []', f'"attachments": [\n  {lines}\n ]', 1) if lines else text).encode()


def looks_like_one(data: bytes) -> bool:
    """Whether the file claims to be a backup's manifest, however damaged."""
    return FORMAT.encode() in data[:4096]


def parse(data: bytes) -> Manifest:
    """The manifest of a file. Raises DamagedManifest, and KnownFailure `backup.too_new` for a later release's."""
    try:
        raw = json.loads(data.decode("utf-8"))
        if raw.pop("checksum") != _checksum(raw) or raw["format"] != FORMAT:
            raise DamagedManifest
        if raw["version"] > VERSION:
            raise KnownFailure("backup.too_new", kind=ErrorKind.BAD_INPUT)
        manifest = _from_json(raw)
        if manifest.to_bytes() != data:
            raise DamagedManifest
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise DamagedManifest from error
    return manifest


def _from_json(raw: Mapping[str, Any]) -> Manifest:
    if int(raw["epoch"]) < 1 or not all(raw["attachments"]):
        raise ValueError("not a backup of a clinic")
    return Manifest(
        id=str(raw["id"]),
        store_id=str(raw["store_id"]),
        made=parse_time(raw["made"]),
        epoch=int(raw["epoch"]),
        generation=int(raw["generation"]),
        store_format=int(raw["store_format"]),
        head=AuditHead(int(raw["audit"]["seq"]), str(raw["audit"]["head"])),
        counts={str(name): int(count) for name, count in raw["counts"].items()},
        keystore=_part_from_json(raw["keystore"], re.compile(re.escape(KEYSTORE))),
        heads=_part_from_json(raw["heads"], re.compile(re.escape(HEADS))),
        database=tuple(_part_from_json(part, _DATABASE_PART) for part in raw["database"]),
        attachments=tuple(
            tuple(_part_from_json(part, _ATTACHMENT_PART) for part in file) for file in raw["attachments"]
        ),
        shared=bool(raw["shared"]),
        missing=tuple(str(name) for name in raw["missing"]),
        user=str(raw["user"]),
        public_key=base64.b64decode(raw["public_key"], validate=True),
        signature=base64.b64decode(raw["signature"], validate=True),
    )


def attachment_name(file: Sequence[Part]) -> str:
    """The name under which the clinic keeps the attachment whose parts these are."""
    return file[0].name.rsplit("/", 1)[1].split(".")[0]


def _part_to_json(part: Part) -> dict[str, object]:
    return {"name": part.name, "size": part.size, "sha256": part.sha256}


def _part_from_json(raw: Mapping[str, Any], allowed: re.Pattern[str]) -> Part:
    """Raises ValueError for a name that Lantern does not give: it may lead out of the folder."""
    if not allowed.fullmatch(raw["name"]):
        raise ValueError("not a name of a backup's part")
    return Part(raw["name"], int(raw["size"]), str(raw["sha256"]))


def _checksum(raw: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(raw)).hexdigest()


def _canonical(raw: Mapping[str, Any]) -> bytes:
    return json.dumps(raw, sort_keys=True, separators=(",", ":")).encode()
