"""The bundled fonts as paper needs them: their families for the typesetter, and which characters they can print.

Paper is set with the bundled fonts only, so that a report looks the same on every PC. PDF/A refuses a character that no
font has, hence the look into the fonts' own character maps.
"""

import re
import struct
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from desktop.errors import ErrorKind, KnownFailure
from desktop.i18n.catalogue import resource_folder

if TYPE_CHECKING:
    import typst

REPLACEMENT = "〓"
"""The printers' geta mark: "a character belongs here that is not in the case"."""

_BOLD = 600
_COMBINED = re.compile(r"\w[\u0300-\u036f]+")
_BREAK = "\u200b"
_INVISIBLE = re.compile(r"[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


@dataclass(frozen=True)
class PaperFonts:
    """families: in order of use. has_bold: whether a heavier weight is there.

    starts, ends: the code points the fonts have, as sorted ranges, both ends included.
    """

    handle: "typst.Fonts" = field(repr=False)
    families: tuple[str, ...]
    has_bold: bool
    starts: tuple[int, ...] = field(repr=False)
    ends: tuple[int, ...] = field(repr=False)

    def has(self, character: str) -> bool:
        """Whether the character can be printed."""
        code = ord(character)
        position = bisect_right(self.starts, code) - 1
        return position >= 0 and code <= self.ends[position]


@dataclass(frozen=True)
class Typecase:
    """Makes texts printable and remembers what could not be.

    missing: characters, in order of appearance.
    """

    fonts: PaperFonts
    missing: dict[str, None] = field(default_factory=dict)

    def line(self, text: str, longest: int = 60) -> str:
        """The text on one line, with a geta mark for each character the fonts lack.

        longest: Latin letters in one run that the place it is meant for can hold; longer runs get invisible places
        to break, so that nothing is cut at a margin.
        Characters that have no shape (controls, marks of writing direction, variation selectors) are left out: in a
        name they only deceive.
        """
        composed = _COMBINED.sub(lambda match: unicodedata.normalize("NFC", match.group()), text)
        printable = "".join(self._printable(character) for character in _INVISIBLE.sub("", composed))
        return re.sub(
            rf"[^\s\u2e80-\U0003ffff]{{{longest + 1},}}", lambda run: _broken(run.group(), longest), printable
        )

    def lines(self, text: str) -> list[str]:
        """The text's lines, without the blank ones at either end."""
        return [self.line(line.rstrip()) for line in text.strip().splitlines()]

    def _printable(self, character: str) -> str:
        if character.isspace():
            return " "
        if unicodedata.category(character) in ("Cc", "Cf"):
            return ""
        if self.fonts.has(character):
            return character
        self.missing[character] = None
        return REPLACEMENT


def _broken(run: str, longest: int) -> str:
    step = max(1, longest // 3)
    return _BREAK.join(run[start : start + step] for start in range(0, len(run), step))


def bundled_fonts() -> PaperFonts:
    """The fonts under `resources/fonts`. Raises KnownFailure (`report.no_fonts`) where there are none."""
    return fonts_in(resource_folder() / "fonts")


@cache
def fonts_in(folder: Path) -> PaperFonts:
    """The fonts of a folder; the system's and the typesetter's own are left aside."""
    import typst

    handle = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])
    found = handle.fonts()
    if not found:
        raise KnownFailure("report.no_fonts", kind=ErrorKind.NOT_FOUND)
    ranges: list[tuple[int, int]] = []
    for path, index in sorted({(font.path, font.index) for font in found if font.path}):
        with Path(path).open("rb") as file:
            ranges.extend(character_ranges(file, index))
    merged = _merged(ranges)
    return PaperFonts(
        handle=handle,
        families=tuple(sorted({font.family for font in found})),
        has_bold=any(font.weight >= _BOLD for font in found),
        starts=tuple(start for start, _ in merged),
        ends=tuple(end for _, end in merged),
    )


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def character_ranges(font: BinaryIO, index: int = 0) -> Iterator[tuple[int, int]]:
    """Code points of a font's `cmap`, as (first, last), from its fullest Unicode subtable (OpenType 1.9, cmap).

    index: which font of a collection. Formats 4 and 12 are read; others are for scripts' symbols and old systems.
    """
    cmap = _table(font, index, b"cmap")
    (count,) = struct.unpack_from(">H", cmap, 2)
    by_format: dict[int, int] = {}
    for number in range(count):
        platform, encoding, offset = struct.unpack_from(">HHI", cmap, 4 + 8 * number)
        if platform == 0 or (platform == 3 and encoding in (1, 10)):
            (form,) = struct.unpack_from(">H", cmap, offset)
            by_format[form] = offset
    if 12 in by_format:
        yield from _format_12(cmap, by_format[12])
    elif 4 in by_format:
        yield from _format_4(cmap, by_format[4])


def _table(font: BinaryIO, index: int, tag: bytes) -> bytes:
    font.seek(0)
    start = 0
    if font.read(4) == b"ttcf":
        font.seek(12 + 4 * index)
        (start,) = struct.unpack(">I", font.read(4))
    font.seek(start + 4)
    (count,) = struct.unpack(">H", font.read(2))
    font.seek(start + 12)
    for _ in range(count):
        name, _checksum, offset, length = struct.unpack(">4sIII", font.read(16))
        if name == tag:
            font.seek(offset)
            return font.read(length)
    raise ValueError(f"the font has no {tag.decode()} table")


def _format_12(cmap: bytes, offset: int) -> Iterator[tuple[int, int]]:
    (groups,) = struct.unpack_from(">I", cmap, offset + 12)
    for number in range(groups):
        first, last, _glyph = struct.unpack_from(">III", cmap, offset + 16 + 12 * number)
        yield first, last


def _format_4(cmap: bytes, offset: int) -> Iterator[tuple[int, int]]:
    """Segments that map through the glyph array are looked at one by one: they may hold gaps (glyph 0)."""
    (twice,) = struct.unpack_from(">H", cmap, offset + 6)
    segments = twice // 2
    ends_at, starts_at = offset + 14, offset + 16 + twice
    ranges_at = starts_at + 2 * twice
    for number in range(segments):
        (last,) = struct.unpack_from(">H", cmap, ends_at + 2 * number)
        (first,) = struct.unpack_from(">H", cmap, starts_at + 2 * number)
        (range_offset,) = struct.unpack_from(">H", cmap, ranges_at + 2 * number)
        if first == 0xFFFF:
            continue
        if range_offset == 0:
            yield first, last
            continue
        for code in range(first, last + 1):
            at = ranges_at + 2 * number + range_offset + 2 * (code - first)
            if struct.unpack_from(">H", cmap, at) != (0,):
                yield code, code
