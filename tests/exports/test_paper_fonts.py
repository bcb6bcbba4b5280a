"""Which characters the bundled fonts can print, and what is done with the others."""

import io
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont
from hypothesis import given
from hypothesis import strategies as st

from desktop.errors import KnownFailure
from desktop.exports.paper_fonts import REPLACEMENT, Typecase, bundled_fonts, character_ranges, fonts_in
from desktop.i18n import Language
from desktop.i18n.catalogue import catalogue, resource_folder


def _codes(font: bytes, index: int = 0) -> set[int]:
    return {code for first, last in character_ranges(io.BytesIO(font), index) for code in range(first, last + 1)}


def _font(codes: list[int]) -> TTFont:
    names = [".notdef", *(f"glyph{code}" for code in codes)]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({code: f"glyph{code}" for code in codes})
    builder.setupGlyf({name: TTGlyphPen(None).glyph() for name in names})
    builder.setupHorizontalMetrics(dict.fromkeys(names, (500, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupOS2()
    builder.setupPost()
    return builder.font


def _bytes(font: TTFont | TTCollection) -> bytes:
    data = io.BytesIO()
    font.save(data)
    return data.getvalue()


@pytest.mark.parametrize("path", sorted((resource_folder() / "fonts").glob("*.?tf")), ids=lambda path: path.name)
def test_reads_the_bundled_fonts_as_fonttools_does(path: Path) -> None:
    with TTFont(path) as font:
        assert _codes(path.read_bytes()) == set(font.getBestCmap())


@given(st.sets(st.integers(0x20, 0xFFFE), min_size=1, max_size=40))
def test_reads_the_old_form_of_the_character_map(codes: set[int]) -> None:
    """Format 4, with and without a glyph array (fontTools writes one where glyphs do not follow each other)."""
    font = _font(sorted(codes, key=lambda code: code % 97))
    assert {table.format for table in font["cmap"].tables} == {4}
    assert _codes(_bytes(font)) == codes


def test_reads_the_second_font_of_a_collection() -> None:
    collection = TTCollection()
    collection.fonts = [_font([0x41]), _font([0x42, 0x20000])]
    assert _codes(_bytes(collection), 1) == {0x42, 0x20000}


def test_no_fonts_is_a_failure_in_words(tmp_path: Path) -> None:
    with pytest.raises(KnownFailure) as caught:
        fonts_in(tmp_path)
    assert caught.value.key == "report.no_fonts"


@pytest.mark.parametrize("language", list(Language))
def test_every_sentence_that_reaches_paper_can_be_printed(language: Language) -> None:
    fonts = bundled_fonts()
    for key, sentence in catalogue(language).items():
        if key.split(".")[0] not in ("report", "card", "age", "inference"):
            continue
        missing = {character for character in sentence if not fonts.has(character) and character not in "\n\t\u00a0"}
        assert not missing, key


def test_both_weights_are_there() -> None:
    assert bundled_fonts().has_bold


def test_shows_what_is_missing_and_drops_what_has_no_shape() -> None:
    case = Typecase(bundled_fonts())
    assert case.line("e\u0301\u200d\u202e\ufeff\ufe0f\tA") == "é A"
    assert case.line("😀x😀") == f"{REPLACEMENT}x{REPLACEMENT}"
    assert list(case.missing) == ["😀"]


def test_lines_keep_their_order_and_inner_blank_ones() -> None:
    case = Typecase(bundled_fonts())
    assert case.lines("\n\nA  \r\n\n  B\n\n") == ["A", "", "  B"]
    assert case.lines(" \n ") == []


def test_only_runs_too_long_for_their_place_get_places_to_break() -> None:
    case = Typecase(bundled_fonts())
    assert case.line("W" * 60) == "W" * 60
    assert case.line("W" * 10, longest=9) == "WWW\u200bWWW\u200bWWW\u200bW"
    assert "\u200b" not in case.line("诊" * 500)
    assert case.line("bronchopneumonia " * 9, longest=22).count("\u200b") == 0
