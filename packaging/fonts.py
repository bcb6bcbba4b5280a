"""Makes resources/fonts/ from Debian's packages fonts-noto-cjk and fonts-noto-core.

    python packaging/fonts.py [--han FOLDER_OF_TTC_FILES] [--latin FOLDER_OF_TTF_FILES]

Takes the Simplified Chinese face of Noto Sans CJK 2.004 in two weights and keeps what a clinic here writes:
every character of GB 18030-2022 that the face draws (the whole of GB 2312, GBK, Extension A, the general
standard characters beyond the basic plane), Latin with pinyin tones, Greek, Cyrillic, punctuation, units,
arrows and marks. Korean, vertical writing and the glyphs of other regions go. Hinting stays: clinics have old
screens. A supplement cut from Noto Sans holds only what that face lacks: small figures (SpO₂, 10⁹/L) and the
Latin letters of names from elsewhere. Run by hand; needs fontTools (extra `dev`). Same sources, same bytes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

FONTS = Path(__file__).resolve().parents[1] / "resources" / "fonts"
HAN_FOLDER = Path("/usr/share/fonts/opentype/noto")
LATIN_FOLDER = Path("/usr/share/fonts/truetype/noto")
SOURCE_FAMILY = "Noto Sans CJK SC"
FAMILY = "Noto Sans SC"
SUPPLEMENT_FAMILY = "Noto Sans SC Supplement"
WEIGHTS = ("Regular", "Bold")
# Kerning and marks; `pwid` gives English its narrow quotation marks and apostrophe.
FEATURES = ("kern", "liga", "ccmp", "mark", "mkmk", "pwid")

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


def reduce(face: TTFont, codes: Iterable[int]) -> None:
    """Drops every glyph, table and feature that is not needed for these code points."""
    options = subset.Options()
    options.hinting = True
    options.notdef_outline = True
    options.name_IDs = ["*"]
    options.name_languages = [0x0409]
    options.layout_scripts = ["*"]
    options.layout_features = list(FEATURES)
    options.drop_tables += ["vhea", "vmtx", "VORG", "DSIG"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=codes)
    subsetter.subset(face)


def postscript_name(family: str, weight: str) -> str:
    """The name of one face without spaces, also the stem of its file."""
    return f"{family.replace(' ', '')}-{weight}"


def rename(face: TTFont, family: str, weight: str) -> None:
    """A name of its own: a full Noto Sans CJK on the same machine must not be taken for this subset."""
    postscript = postscript_name(family, weight)
    names = face["name"]
    version = names.getDebugName(5).split(";")[0]
    new = {
        1: family,
        2: weight,
        3: f"{version};Lantern subset;{postscript}",
        4: f"{family} {weight}",
        6: postscript,
    }
    for name_id in (16, 17):
        names.removeNames(nameID=name_id)
    for name_id, text in new.items():
        names.removeNames(nameID=name_id)
        names.setName(text, name_id, 3, 1, 0x0409)
    if "CFF " in face:
        outlines = face["CFF "].cff
        outlines.fontNames[0] = postscript
        top = outlines.topDictIndex[0]
        top.FullName = f"{family} {weight}"
        top.FamilyName = family


def write(face: TTFont, family: str, weight: str) -> None:
    """Saves one face under its own name and says how large it is."""
    suffix = "otf" if "CFF " in face else "ttf"
    out = FONTS / f"{postscript_name(family, weight)}.{suffix}"
    face.recalcTimestamp = False
    face.save(str(out))
    print(f"{out.name}: {len(face.getGlyphOrder())} glyphs, {out.stat().st_size / 2**20:.1f} MiB", flush=True)


def main(arguments: list[str]) -> int:
    """Writes two faces per weight."""
    parser = argparse.ArgumentParser(description="Make resources/fonts from Noto Sans CJK and Noto Sans.")
    parser.add_argument("--han", type=Path, default=HAN_FOLDER, help="folder of NotoSansCJK-*.ttc")
    parser.add_argument("--latin", type=Path, default=LATIN_FOLDER, help="folder of NotoSans-*.ttf")
    folders = parser.parse_args(arguments)
    FONTS.mkdir(parents=True, exist_ok=True)
    for weight in WEIGHTS:
        face = simplified_chinese_face(folders.han / f"NotoSansCJK-{weight}.ttc")
        lacking = set(wanted()) - face.getBestCmap().keys()
        reduce(face, wanted())
        rename(face, FAMILY, weight)
        write(face, FAMILY, weight)
        supplement = TTFont(str(folders.latin / f"NotoSans-{weight}.ttf"))
        reduce(supplement, lacking)
        rename(supplement, SUPPLEMENT_FAMILY, weight)
        write(supplement, SUPPLEMENT_FAMILY, weight)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
