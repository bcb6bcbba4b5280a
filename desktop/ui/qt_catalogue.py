"""Qt's compiled catalogue of translations (.qm), made in memory.

Layout as in Qt 6, src/corelib/kernel/qtranslator.cpp: a magic number, then sections of a tag, a length and data, all
big endian. One section holds the messages, another the hash of each with its place, in the order of the hashes.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

_MAGIC = bytes.fromhex("3cb86418caef9c95cd211cbf60a1bddd")
_HASHES, _MESSAGES = 0x42, 0x69
_END, _TRANSLATION, _SOURCE, _CONTEXT, _COMMENT = 1, 3, 6, 7, 8


@dataclass(frozen=True)
class QtWord:
    """What Qt asks for: the class that speaks, its English, and what sets this apart from the same word elsewhere."""

    context: str
    source: str
    comment: str = ""


def qt_catalogue(translations: Mapping[QtWord, str]) -> bytes:
    """A catalogue that `QTranslator.load` takes; no plurals. The translator reads from these very bytes."""
    messages, places = b"", []
    for word, translation in translations.items():
        places.append((_elf_hash((word.source + word.comment).encode()), len(messages)))
        messages += _part(_TRANSLATION, translation.encode("utf-16-be"))
        messages += _part(_COMMENT, word.comment.encode())
        messages += _part(_SOURCE, word.source.encode())
        messages += _part(_CONTEXT, word.context.encode()) + bytes([_END])
    hashes = b"".join(struct.pack(">II", *place) for place in sorted(places))
    return _MAGIC + _part(_HASHES, hashes) + _part(_MESSAGES, messages)


def _part(tag: int, data: bytes) -> bytes:
    return struct.pack(">BI", tag, len(data)) + data


def _elf_hash(text: bytes) -> int:
    """The hash of System V's ELF symbol tables, never 0."""
    value = 0
    for letter in text:
        value = (value << 4) + letter
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high & 0xFFFFFFFF
    return value or 1
