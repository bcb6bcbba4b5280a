"""The keystore as it lies on the disk: two copies of one JSON document.

`slots[]` holds one entry per user with `user` and `kdf{memory_kib, time, lanes, salt}`, `recovery[]` the printed cards.
A `mac` under the master key covers everything else, so that an added slot or a cheaper cost is noticed at unlock.
`earlier[]`, from the second key epoch on, holds the MAC keys of the epochs before, so that a copy which was left behind
is told from one that was forged.
"""

import base64
import contextlib
import hmac
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from desktop.vault.derive import KdfParameters
from desktop.vault.files import stage, staging_name, sync_folder, write_durably

PRIMARY = "keystore.json"
COPY = "keystore.copy.json"

FORMAT = "lantern-keystore"
VERSION = 1

_LARGEST = 1 << 20


@dataclass(frozen=True)
class WrappedKeys:
    """One way in. private_keys: X25519 private key and Ed25519 seed under the slot's own secret (AES-256-GCM, nonce
    first). master: the master key sealed to public_key. epoch: the key epoch in which private_keys was wrapped."""

    slot_id: str
    epoch: int
    public_key: bytes
    verification_key: bytes
    private_keys: bytes
    master: bytes


@dataclass(frozen=True)
class UserSlot:
    """A user's way in, by passphrase."""

    user: str
    user_id: str
    roles: tuple[str, ...]
    kdf: KdfParameters
    keys: WrappedKeys


@dataclass(frozen=True)
class CardSlot:
    """A recovery card's way in. Its secret is random, so HKDF suffices."""

    salt: bytes
    created: str
    keys: WrappedKeys


@dataclass(frozen=True)
class EarlierEpoch:
    """How keystores of a past epoch are judged. mac_key: that epoch's, under the present master key (AES-256-GCM)."""

    epoch: int
    mac_key: bytes


@dataclass(frozen=True)
class Keystore:
    """The whole document. epoch: of the master key. generation: counts writings."""

    store_id: str
    epoch: int
    generation: int
    slots: tuple[UserSlot, ...]
    recovery: tuple[CardSlot, ...]
    earlier: tuple[EarlierEpoch, ...] = ()
    mac: bytes = b""

    def slot(self, user_name: str) -> UserSlot | None:
        """The slot of a user; letter case and Unicode form of the name do not matter."""
        wanted = folded(user_name)
        return next((slot for slot in self.slots if folded(slot.user) == wanted), None)

    def sealed(self, mac_key: bytes) -> "Keystore":
        """The same document with its MAC."""
        return replace(self, mac=self._mac(mac_key))

    def authentic(self, mac_key: bytes) -> bool:
        """Whether the MAC fits the document."""
        return hmac.compare_digest(self._mac(mac_key), self.mac)

    def to_json(self) -> dict[str, Any]:
        """The document without its MAC."""
        earlier = [{"epoch": each.epoch, "mac_key": _encode(each.mac_key)} for each in self.earlier]
        return {
            "format": FORMAT,
            "version": VERSION,
            "store_id": self.store_id,
            "epoch": self.epoch,
            "generation": self.generation,
            "slots": [_user_to_json(slot) for slot in self.slots],
            "recovery": [_card_to_json(slot) for slot in self.recovery],
            **({"earlier": earlier} if earlier else {}),
        }

    def to_bytes(self) -> bytes:
        """The file."""
        return (json.dumps({**self.to_json(), "mac": _encode(self.mac)}, ensure_ascii=False, indent=1) + "\n").encode()

    def _mac(self, key: bytes) -> bytes:
        text = json.dumps(self.to_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hmac.digest(key, text.encode(), "sha256")


@dataclass(frozen=True)
class Copy:
    """One of the two files. keystore: None where it is missing or cannot be read as a keystore. exact: whether the
    file is byte for byte what Lantern writes; one that only reads the same still opens, and is reported. newer: a later
    release wrote it in a form that this one does not know."""

    path: Path
    present: bool
    keystore: Keystore | None
    exact: bool = False
    newer: bool = False


def folded(user_name: str) -> str:
    """A user name as it is compared."""
    return unicodedata.normalize("NFKC", user_name).strip().casefold()


def read_copies(folder: Path) -> tuple[Copy, Copy]:
    """Both files, however damaged; the first one first. Raises nothing for damage."""
    return _read(folder / PRIMARY), _read(folder / COPY)


class UncertainKeystore(OSError):
    """The disk failed between the two renames and again on the way back: old or new, only the next reading tells."""


def write_copies(folder: Path, keystore: Keystore) -> None:
    """Write both files durably: at any moment one of them is whole.

    Both lie complete on the disk before the first is renamed, so a full disk changes nothing. Raises OSError with the
    former files in their places, or UncertainKeystore.
    """
    paths = [folder / name for name in (PRIMARY, COPY)]
    before = [_content(path) for path in paths]
    try:
        staged = [stage(path, keystore.to_bytes()) for path in paths]
    except OSError:
        forget_staged(folder)
        raise
    try:
        for temporary, path in zip(staged, paths, strict=True):
            temporary.replace(path)
            sync_folder(folder)
    except OSError as error:
        _put_back(dict(zip(paths, before, strict=True)), keystore.to_bytes(), error)
        raise


def forget_staged(folder: Path) -> None:
    """Remove what an interrupted writing left under temporary names."""
    with contextlib.suppress(OSError):
        for name in (PRIMARY, COPY):
            staging_name(folder / name).unlink(missing_ok=True)


def _content(path: Path) -> bytes | None:
    """A file's bytes, or None where there is nothing to be had."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def _put_back(before: Mapping[Path, bytes | None], written: bytes, error: OSError) -> None:
    """Undo half a writing: `written` stays nowhere. Raises UncertainKeystore where that fails too."""
    try:
        for path, data in before.items():
            if data is not None:
                write_durably(path, data)
            elif _content(path) == written:
                path.unlink()
                sync_folder(path.parent)
            staging_name(path).unlink(missing_ok=True)
    except OSError:
        raise UncertainKeystore(error.errno, "the keystore could not be written") from error


def _read(path: Path) -> Copy:
    try:
        if path.stat().st_size > _LARGEST:
            return Copy(path, True, None)
        data = path.read_bytes()
    except (FileNotFoundError, ValueError):  # the latter for what cannot be a path at all
        return Copy(path, False, None)
    except OSError:
        return Copy(path, True, None)
    try:
        keystore, exact = _understood(data)
        return Copy(path, True, keystore, exact=exact)
    except NewerKeystore:
        return Copy(path, True, None, newer=True)
    except ValueError:
        return Copy(path, True, None)


@lru_cache(maxsize=4)
def _understood(data: bytes) -> tuple[Keystore, bool]:
    """A keystore, and whether these are the bytes that Lantern writes; kept, since both copies are mostly the same and
    are read again and again. Raises ValueError."""
    keystore = parse(data)
    return keystore, keystore.to_bytes() == data


class NewerKeystore(ValueError):
    """A keystore of a later release."""


def parse(data: bytes) -> Keystore:
    """A keystore from its file. Raises ValueError for anything that is not exactly one, NewerKeystore for a later
    release's."""
    try:
        raw = json.loads(data.decode("utf-8"))
        if raw["format"] == FORMAT and _integer(raw["version"]) > VERSION:
            raise NewerKeystore("a keystore of a later release")
        if raw["format"] != FORMAT or raw["version"] != VERSION:
            raise ValueError("not a keystore of this version")
        return Keystore(
            store_id=_text(raw["store_id"]),
            epoch=_integer(raw["epoch"]),
            generation=_integer(raw["generation"]),
            slots=tuple(_user_from_json(slot) for slot in raw["slots"]),
            recovery=tuple(_card_from_json(slot) for slot in raw["recovery"]),
            earlier=tuple(
                EarlierEpoch(_integer(each["epoch"]), _decode(each["mac_key"])) for each in raw.get("earlier", [])
            ),
            mac=_decode(raw["mac"]),
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("not a keystore") from error


def _user_to_json(slot: UserSlot) -> dict[str, Any]:
    return {
        "user": slot.user,
        "user_id": slot.user_id,
        "roles": list(slot.roles),
        "kdf": kdf_to_json(slot.kdf),
        **_keys_to_json(slot.keys),
    }


def _user_from_json(raw: dict[str, Any]) -> UserSlot:
    kdf = raw["kdf"]
    if kdf["algorithm"] != "argon2id":
        raise ValueError("an unknown way to derive keys")
    parameters = KdfParameters(
        _integer(kdf["memory_kib"]), _integer(kdf["time"]), _integer(kdf["lanes"]), _decode(kdf["salt"])
    )
    roles = tuple(_text(role) for role in raw["roles"])
    return UserSlot(_text(raw["user"]), _text(raw["user_id"]), roles, parameters, _keys_from_json(raw))


def _card_to_json(slot: CardSlot) -> dict[str, Any]:
    return {"salt": _encode(slot.salt), "created": slot.created, **_keys_to_json(slot.keys)}


def _card_from_json(raw: dict[str, Any]) -> CardSlot:
    return CardSlot(_decode(raw["salt"]), _text(raw["created"]), _keys_from_json(raw))


def kdf_to_json(kdf: KdfParameters) -> dict[str, Any]:
    """The cost parameters as they stand in the file."""
    return {
        "algorithm": "argon2id",
        "memory_kib": kdf.memory_kib,
        "time": kdf.time,
        "lanes": kdf.lanes,
        "salt": _encode(kdf.salt),
    }


def _keys_to_json(keys: WrappedKeys) -> dict[str, Any]:
    return {
        "slot_id": keys.slot_id,
        "epoch": keys.epoch,
        "public_key": _encode(keys.public_key),
        "verification_key": _encode(keys.verification_key),
        "private_keys": _encode(keys.private_keys),
        "master": _encode(keys.master),
    }


def _keys_from_json(raw: dict[str, Any]) -> WrappedKeys:
    return WrappedKeys(
        _text(raw["slot_id"]),
        _integer(raw["epoch"]),
        _decode(raw["public_key"]),
        _decode(raw["verification_key"]),
        _decode(raw["private_keys"]),
        _decode(raw["master"]),
    )


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: object) -> bytes:
    return base64.b64decode(_text(text), validate=True)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("not a whole number")
    return value
