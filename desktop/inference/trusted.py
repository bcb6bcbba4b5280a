"""Whether a model that was brought here may be believed to come from whom it says. No I/O: bytes in, an answer out.

What is signed is the manifest: it holds the size and SHA-256 of every graph, and those are checked whenever one is
read.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from desktop.errors import ErrorKind, KnownFailure
from desktop.vault import verify_signature

SIGNATURE_FORMAT = "lantern-signature/1"
# Signed along with the manifest, so that a signature made for something else says nothing about a model.
_CONTEXT = b"lantern-model-manifest\0"
_KEY_BYTES, _SIGNATURE_BYTES = 32, 64


class Trust(StrEnum):
    """Why a model may be used: it came with the program, was trained on this PC, was signed by a publisher this PC
    knows, or an administrator answers for it."""

    BUNDLED = "bundled"
    TRAINED_HERE = "trained_here"
    PUBLISHER = "publisher"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True)
class Publisher:
    """Who signs models. public_key: Ed25519, 32 bytes as hexadecimal digits."""

    name: str
    public_key: str


def digest_of(manifest: bytes) -> str:
    """SHA-256 (hex) of a manifest's bytes: what one version of a model is known by."""
    return hashlib.sha256(manifest).hexdigest()


def signed_bytes(manifest: bytes) -> bytes:
    """What a publisher signs."""
    return _CONTEXT + manifest


def signer_of(manifest: bytes, signature: bytes) -> Publisher:
    """Who signed a manifest. signature: the document beside it, `{"format", "publisher", "public_key", "signature"}`,
    key and signature as hexadecimal digits. Whether that publisher is known here is another question (`known`).

    Raises KnownFailure where the document is damaged, or the signature is not over this manifest.
    """
    try:
        document = json.loads(signature)
        if not isinstance(document, dict) or document.get("format") != SIGNATURE_FORMAT:
            raise ValueError
        name, key = document["publisher"], bytes.fromhex(document["public_key"])
        made = bytes.fromhex(document["signature"])
        if not isinstance(name, str) or not name.strip() or len(key) != _KEY_BYTES or len(made) != _SIGNATURE_BYTES:
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise KnownFailure("inference.signature_wrong", kind=ErrorKind.BAD_INPUT) from error
    if not verify_signature(key, signed_bytes(manifest), made):
        raise KnownFailure("inference.signature_wrong", kind=ErrorKind.BAD_INPUT)
    return Publisher(name.strip(), key.hex())


def known(signer: Publisher, publishers: Mapping[str, str]) -> bool:
    """Whether a signer's key is one this PC trusts. publishers: names by public key (hex)."""
    return signer.public_key in publishers
