"""Makes resources/fonts/ from Debian's package fonts-noto-cjk: `python packaging/fonts.py FOLDER_WITH_TTC_FILES`.

Takes the Simplified Chinese face of Noto Sans CJK 2.004 in two weights and keeps what a clinic here writes:
every character of GB 18030-2022 that the face draws (the whole of GB 2312, GBK, Extension A, the general
standard characters beyond the basic plane), Latin with pinyin tones, Greek, Cyrillic, punctuation, units,
arrows and marks. Korean, vertical writing and the glyphs of other regions go. Hinting stays: clinics have old
screens. Run by hand; needs fontTools (extra `dev`). The result is the same bytes every time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

FONTS = Path(__file__).resolve().parents[1] / "resources" / "fonts"
DEBIAN_FOLDER = Path("/usr/share/fonts/opentype/noto")
SOURCE_FAMILY = "Noto Sans CJK SC"
FAMILY = "Noto Sans SC"
WEIGHTS = ("Regular", "Bold")

# First and last code point of each block that is kept.
BLOCKS: tuple[tuple[int, int], ...] = (
    (0x0020, 0x007E),  # ASCII
    (0x00A0, 0x024F),  # Latin with accents and pinyin tones
    (0x0250, 0x036F),  # phonetic letters, modifiers, combining accents
    (0x0370, 0x045F),  # Greek, Cyrillic
    (0x1E00, 0x1EFF),  # more Latin with accents
    (0x2000, 0x27BF),  # punctuation, super- and subscripts, letter-like, numbers, arrows, mathematics, marks
    (0x2900, 0x2BFF),  # more arrows and marks
    (0x2E80, 0x312F),  # radicals, Chinese punctuation, kana (part of GB 2312), bopomofo
    (0x3190, 0x31EF),  # annotation marks, strokes
    (0x3220, 0x325F),  # numbers and Han in brackets and circles
    (0x3280, 0x33FF),  # the same, and square units
    (0x3400, 0x9FFF),  # Han: Extension A, hexagrams, the basic block
    (0xF900, 0xFAFF),  # Han for compatibility
    (0xFE10, 0xFE6F),  # vertical and small forms
    (0xFF00, 0xFF9F),  # full-width forms
    (0xFFE0, 0xFFE6),  # full-width signs
    (0x20000, 0x323AF),  # Han beyond the basic plane
)


def wanted() -> Iterable[int]:
    """The code points to keep, as far as the source has them."""
    return (code for first, last in BLOCKS for code in range(first, last + 1))


def simplified_chinese_face(collection: Path) -> TTFont:
    """The face of `collection` for mainland China; LookupError where there is none."""
    for face in TTCollection(str(collection), lazy=True).fonts:
        if face["name"].getDebugName(1) == SOURCE_FAMILY:
            return face
    raise LookupError(f"no {SOURCE_FAMILY} in {collection.name}")


def reduce(face: TTFont) -> None:
    """Drops every glyph, table and feature that is not wanted."""
    options = subset.Options()
    options.hinting = True
    options.notdef_outline = True
    options.name_IDs = ["*"]
    options.name_languages = [0x0409]
    options.layout_scripts = ["*"]
    options.layout_features = ["kern", "liga", "ccmp", "mark", "mkmk"]
    options.drop_tables += ["vhea", "vmtx", "VORG", "DSIG"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=wanted())
    subsetter.subset(face)


def rename(face: TTFont, weight: str) -> None:
    """A name of its own: a full Noto Sans CJK on the same machine must not be taken for this subset."""
    postscript = f"{FAMILY.replace(' ', '')}-{weight}"
    names = face["name"]
    version = names.getDebugName(5).split(";")[0]
    new = {
        1: FAMILY,
        2: weight,
        3: f"{version};Lantern subset;{postscript}",
        4: f"{FAMILY} {weight}",
        6: postscript,
    }
    for name_id in (16, 17):
        names.removeNames(nameID=name_id)
    for name_id, text in new.items():
        names.removeNames(nameID=name_id)
        names.setName(text, name_id, 3, 1, 0x0409)
    outlines = face["CFF "].cff
    outlines.fontNames[0] = postscript
    top = outlines.topDictIndex[0]
    top.FullName = f"{FAMILY} {weight}"
    top.FamilyName = FAMILY


def main(arguments: list[str]) -> int:
    """Writes one .otf per weight."""
    parser = argparse.ArgumentParser(description="Make resources/fonts from Noto Sans CJK.")
    parser.add_argument("source", nargs="?", type=Path, default=DEBIAN_FOLDER, help="folder of the .ttc files")
    source: Path = parser.parse_args(arguments).source
    FONTS.mkdir(parents=True, exist_ok=True)
    for weight in WEIGHTS:
        face = simplified_chinese_face(source / f"NotoSansCJK-{weight}.ttc")
        reduce(face)
        rename(face, weight)
        out = FONTS / f"{FAMILY.replace(' ', '')}-{weight}.otf"
        face.recalcTimestamp = False
        face.save(str(out))
        print(f"{out.name}: {len(face.getGlyphOrder())} glyphs, {out.stat().st_size / 2**20:.1f} MiB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
