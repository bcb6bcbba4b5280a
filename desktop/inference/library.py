"""The models that came to this PC after the program did: packs trained here, and bundles that were brought here.

Under one folder: `trained/NAME` is what a training left; `kept/DIGEST/NAME` is a copy nobody writes to again, known by
the digest of its manifest; `shelf.json` says who answers for each copy, and which one of a name is in use, with those
before it. A power cut leaves the old or the new state; a copy that `shelf.json` does not name is not used.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from desktop.errors import ErrorKind, KnownFailure, UserFacingError, from_os_error
from desktop.inference.bundle_layout import MANIFEST as MANIFEST
from desktop.inference.bundle_layout import SIGNATURE, parts_of
from desktop.inference.manifest import MAX_MANIFEST_BYTES, MAX_WEIGHT_BYTES, is_slug
from desktop.inference.trusted import Publisher, Trust, digest_of

FORMAT = "lantern-shelf/1"
BUNDLED = "bundled"
"""Stands for the version that came with the program among those that were in use."""

_STATE, _KEPT, _TRAINED = "shelf.json", "kept", "trained"
SITE = "site.json"
"""Thresholds fitted to the clinic, beside the list."""
_MOST_BYTES = 4 * MAX_WEIGHT_BYTES
_MOST_FILES = 64
# Of the digest in a folder's name: Windows allows few characters in a path.
_SHORT = 16


@dataclass(frozen=True)
class Kept:
    """One version of a model that was brought here.

    digest: SHA-256 (hex) of its manifest. vouched: the publisher or the administrator who answers for it, may be empty.
    since: when it came, ISO 8601.
    """

    name: str
    version: str
    digest: str
    trust: Trust
    vouched: str
    since: str


@dataclass(frozen=True)
class Shelf:
    """kept: oldest first. chosen: by name, digests (or BUNDLED) of the versions that were in use, the present one last.
    publishers: names by public key (hex)."""

    kept: tuple[Kept, ...] = ()
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    publishers: Mapping[str, str] = field(default_factory=dict)

    def in_use(self, name: str) -> Kept | None:
        """The brought version of a model that is in use, or None where the program's own or none is."""
        digest = self.chosen.get(name, (BUNDLED,))[-1]
        return next((one for one in self.kept if one.digest == digest and one.name == name), None)


class Library:
    """The folder of such models. It need not exist."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def trained(self) -> Path:
        """Where a training leaves its model's folder."""
        return self.root / _TRAINED

    def mark(self) -> tuple[tuple[str, int, int], ...]:
        """Of whatever says which models there are and how they decide: its name, when it was written, its size. Another
        one tells that something may have changed; what, only reading shows."""
        listed = [self.root / _STATE, self.root / SITE, *sorted(self.trained.glob(f"*/{MANIFEST}"))]
        found = []
        for path in listed:
            with suppress(OSError):
                known = path.stat()
                found.append((path.as_posix(), known.st_mtime_ns, known.st_size))
        return tuple(found)

    def folder_of(self, kept: Kept) -> Path:
        """Where a version lies."""
        return self.root / _KEPT / kept.digest[:_SHORT] / kept.name

    def shelf(self) -> Shelf:
        """What is kept and in use. Raises KnownFailure where the list cannot be read: which model may speak is then
        not known."""
        try:
            data = (self.root / _STATE).read_bytes()
        except FileNotFoundError:
            return Shelf()
        except OSError as error:
            raise from_os_error(error) from error
        try:
            return _shelf_in(json.loads(data))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise KnownFailure("inference.shelf_damaged", kind=ErrorKind.IO) from error

    def keep(self, source: Path, trust: Trust, vouched: str, since: str) -> Kept:
        """Put a copy made by `Incoming` into its place for good and on the list. Raises KnownFailure."""
        manifest = read_manifest(source)
        document = json.loads(manifest)
        kept = Kept(source.name, str(document["version"]), digest_of(manifest), trust, vouched, since)
        place = self.folder_of(kept)
        shelf = self.shelf()
        try:
            if place.parent.exists():  # the same manifest, and so the same model, or what a power cut left of it
                shutil.rmtree(place.parent)
            place.parent.mkdir(parents=True)
            source.replace(place)
            sync_folder(place.parent)
        except OSError as error:
            raise from_os_error(error) from error
        others = tuple(one for one in shelf.kept if (one.name, one.digest) != (kept.name, kept.digest))
        self.write(replace(shelf, kept=(*others, kept)))
        return kept

    def choose(self, name: str, digest: str) -> None:
        """Use a version (BUNDLED: the program's own) from now on. Raises KnownFailure."""
        shelf = self.shelf()
        before = shelf.chosen.get(name, (BUNDLED,))
        if before[-1] == digest:
            return
        self.write(replace(shelf, chosen={**shelf.chosen, name: (*before, digest)}))

    def go_back(self, name: str) -> None:
        """Use the version that was in use before. Raises UserFacingError where there was none, KnownFailure."""
        shelf = self.shelf()
        before = shelf.chosen.get(name, ())
        if len(before) < 2:
            raise UserFacingError("inference.nothing_before", kind=ErrorKind.NOT_FOUND, model=name)
        self.write(replace(shelf, chosen={**shelf.chosen, name: before[:-1]}))

    def trust_publisher(self, publisher: Publisher) -> None:
        """Take what this publisher signs from now on. Raises KnownFailure."""
        shelf = self.shelf()
        self.write(replace(shelf, publishers={**shelf.publishers, publisher.public_key: publisher.name}))

    def write(self, shelf: Shelf) -> None:
        """Replace the list at once. Raises KnownFailure."""
        document = {
            "format": FORMAT,
            "kept": [{**asdict(one), "trust": one.trust.value} for one in shelf.kept],
            "chosen": {name: list(digests) for name, digests in sorted(shelf.chosen.items())},
            "publishers": dict(sorted(shelf.publishers.items())),
        }
        path = self.root / _STATE
        temporary = path.with_name(f".{_STATE}.{os.getpid()}")
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as stream:
                stream.write(json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
            sync_folder(self.root)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise from_os_error(error) from error


class Incoming:
    """A copy of a bundle, taken before anything of it is believed: a stick may say another thing when read again.

    A context: what was not kept is gone afterwards. folder: the copy, named as its manifest says.
    """

    def __init__(self, library: Library, bundle: Path) -> None:
        """Raises KnownFailure where the bundle is no model's folder, is too large, or cannot be read or copied."""
        parts = _parts_of(bundle)
        name = _name_in(_manifest_at(parts.get(MANIFEST, bundle / MANIFEST)))
        try:
            library.root.mkdir(parents=True, exist_ok=True)
            self._place = Path(tempfile.mkdtemp(prefix=".incoming-", dir=library.root))
        except OSError as error:
            raise from_os_error(error) from error
        self.folder = self._place / name
        try:
            self.folder.mkdir()
            for part, file in parts.items():
                _copy(file, self.folder / part)
            sync_folder(self.folder)
        except OSError as error:
            self.__exit__()
            raise from_os_error(error) from error
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> "Incoming":
        return self

    def __exit__(self, *reason: object) -> None:
        shutil.rmtree(self._place, ignore_errors=True)


def read_manifest(folder: Path) -> bytes:
    """The bytes of a folder's manifest. Raises KnownFailure where there is none, or one beyond all measure."""
    return _manifest_at(folder / MANIFEST)


def _manifest_at(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_MANIFEST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise KnownFailure("inference.no_bundle", kind=ErrorKind.NOT_FOUND) from None
    except OSError as error:
        raise from_os_error(error) from error
    if len(data) > MAX_MANIFEST_BYTES:
        raise KnownFailure("inference.no_bundle", kind=ErrorKind.BAD_INPUT)
    return data


def read_signature(folder: Path) -> bytes | None:
    """The bytes of a bundle's signature; None where it has none. Raises KnownFailure."""
    try:
        with (folder / SIGNATURE).open("rb") as stream:
            return stream.read(MAX_MANIFEST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise from_os_error(error) from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last through a power cut, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name_in(manifest: bytes) -> str:
    """The model's name, fit to be a folder's. Raises KnownFailure."""
    try:
        name = json.loads(manifest)["name"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise KnownFailure("inference.no_bundle", kind=ErrorKind.BAD_INPUT) from error
    if not isinstance(name, str) or not is_slug(name) or len(name) > 60:
        raise KnownFailure("inference.no_bundle", kind=ErrorKind.BAD_INPUT)
    return name


def _parts_of(bundle: Path) -> Mapping[str, Path]:
    """What is copied of a bundle, by the name it gets. Raises KnownFailure where that is too much, or no model."""
    try:
        parts = parts_of(bundle) if bundle.is_dir() else {}
        total = sum(path.stat().st_size for path in parts.values())
    except OSError as error:
        raise from_os_error(error) from error
    if len(parts) > _MOST_FILES or total > _MOST_BYTES:
        raise KnownFailure("inference.bundle_too_large", kind=ErrorKind.BAD_INPUT)
    return parts


def _copy(source: Path, target: Path) -> None:
    """A copy on the disk itself, no longer than was allowed though the source should grow meanwhile."""
    left = _MOST_BYTES
    with source.open("rb") as incoming, target.open("wb") as outgoing:
        while (piece := incoming.read(1 << 20)) and left > 0:
            outgoing.write(piece)
            left -= len(piece)
        outgoing.flush()
        os.fsync(outgoing.fileno())


def _shelf_in(document: Mapping[str, Any]) -> Shelf:
    """Raises ValueError, KeyError, TypeError or AttributeError for whatever is not as `Library.write` writes it."""
    if document["format"] != FORMAT:
        raise ValueError
    kept = tuple(
        Kept(
            name=_slug(item["name"]),
            version=str(item["version"]),
            digest=_digest(item["digest"]),
            trust=Trust(item["trust"]),
            vouched=str(item["vouched"]),
            since=str(item["since"]),
        )
        for item in document["kept"]
    )
    chosen = {
        _slug(name): tuple(BUNDLED if one == BUNDLED else _digest(one) for one in digests)
        for name, digests in document["chosen"].items()
    }
    if not all(chosen.values()):
        raise ValueError
    return Shelf(kept, chosen, {str(key): str(name) for key, name in document["publishers"].items()})


def _slug(text: str) -> str:
    if not is_slug(text):
        raise ValueError
    return text


def _digest(text: str) -> str:
    if len(bytes.fromhex(text)) != 32:
        raise ValueError
    return text
