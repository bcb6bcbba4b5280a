"""Where the parts of a model lie in what somebody brings: our own flat folder, or a MONAI Bundle.

A MONAI Bundle (docs.monai.io, MONAI Bundle Specification) has `configs/metadata.json`, graphs in `models/` and a
description in `docs/`. Its metadata say what goes into the network and what comes out; which findings those are, how
sure one may be, and an answer to hold it against they do not say. That stands in `configs/lantern.json`, a manifest of
ours, which is what is signed (`configs/lantern-signature.json`).
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from desktop.errors import ErrorKind, KnownFailure, from_os_error

MANIFEST = "manifest.json"
SIGNATURE = "signature.json"
CARD = "CARD.md"

_METADATA = "configs/metadata.json"
_OWN = {"configs/lantern.json": MANIFEST, "configs/lantern-signature.json": SIGNATURE, _METADATA: "metadata.json"}
_TEXTS = {"docs/README.md": CARD, "LICENSE": "LICENSE.txt", "docs/data_license.txt": "data_license.txt"}
_GRAPHS = (".onnx", ".pt2")
_KINDS = (".json", ".md", ".txt", *_GRAPHS)
_MOST_METADATA = 4 * 1024 * 1024


def parts_of(bundle: Path) -> Mapping[str, Path]:
    """What is copied of a bundle, plain files only, by the name it gets. Nothing else of it is looked at: a model is
    described by documents and graphs, never by code.

    Raises KnownFailure: cannot be read; a MONAI Bundle that lacks `configs/lantern.json`, or whose metadata promise
    another input than that.
    """
    try:
        if not (bundle / _METADATA).is_file():
            return {path.name: path for path in _files(bundle, _KINDS)}
        named = {**_OWN, **_TEXTS}
        parts = {name: bundle / place for place, name in named.items() if _is_plain(bundle / place)}
        parts |= {path.name: path for path in _files(bundle / "models", _GRAPHS)}
        if MANIFEST not in parts:
            raise KnownFailure("inference.monai_says_too_little", kind=ErrorKind.BAD_INPUT)
        _check_agreement(parts)
    except OSError as error:
        raise from_os_error(error) from error
    return parts


def _files(folder: Path, kinds: tuple[str, ...]) -> Iterator[Path]:
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.suffix in kinds and not path.name.startswith(".") and _is_plain(path):
                yield path


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _check_agreement(parts: Mapping[str, Path]) -> None:
    """Raises KnownFailure where both documents speak of the image and do not say the same."""
    said = [_image(_document(parts[name])) for name in ("metadata.json", MANIFEST)]
    if None not in said and said[0] != said[1]:
        raise KnownFailure("inference.shapes_differ", kind=ErrorKind.BAD_INPUT)


def _document(path: Path) -> Any:
    with path.open("rb") as stream:
        data = stream.read(_MOST_METADATA)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise KnownFailure("inference.no_bundle", kind=ErrorKind.BAD_INPUT) from error


def _image(document: Any) -> tuple[int, ...] | None:
    """Channels, rows and columns that `network_data_format` promises; None where it names no sizes."""
    try:
        image = document["network_data_format"]["inputs"]["image"]
        if "num_channels" in image and "spatial_shape" in image:
            return (int(image["num_channels"]), *(int(size) for size in image["spatial_shape"]))
        return tuple(int(size) for size in image["shape"])
    except (KeyError, TypeError, ValueError):
        return None
