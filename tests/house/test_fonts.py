"""The bundled font: a clinic's PC may have no other that knows Chinese."""

from __future__ import annotations

import json
import shutil
import string
import subprocess
from functools import cache
from pathlib import Path

import pytest
import typst
from dev import ROOT
from fontTools.ttLib import TTFont
from PySide6.QtGui import QFontDatabase, QGuiApplication, QRawFont

FONTS = ROOT / "resources" / "fonts"
WEIGHTS = {"Regular": 400, "Bold": 700}
FAMILIES = {"NotoSansSC-{}.otf": "Noto Sans SC", "NotoSansSCSupplement-{}.ttf": "Noto Sans SC Supplement"}
FILES = [pattern.format(weight) for pattern in FAMILIES for weight in WEIGHTS]
SIGNS = "°±×÷≤≥≈µμ→←↑↓✓²³₂₁₀½‰℃⁹⁺⁻ⁿ˚…—–“”‘’«»•·①②③ⅠⅡⅢ▲△▼■□●○★☆§¶†‡"
LETTERS = "ǖǘǚǜńňǹḿāáǎàêéèìòùüÄÖÜßŁłŚśŻżĞğİıŞşȘșĄąĘęČčŘřŮůĐđƠơƯưẠạỆệọṢṣŊŋΑΩαωАЯая"
# Noto draws no "approximately equal to or the image of"; ≈ is its common twin.
NOT_DRAWN = {"≒"}


@cache
def drawn(weight: str) -> frozenset[str]:
    """The characters that the faces of one weight draw together."""
    found: set[str] = set()
    for pattern in FAMILIES:
        with TTFont(str(FONTS / pattern.format(weight)), lazy=True) as font:
            found |= set(map(chr, font.getBestCmap()))
    return frozenset(found)


def chinese_of(rows: range, columns: range, encoding: str) -> set[str]:
    """The characters of a double-byte Chinese character set."""
    found = set()
    for row in rows:
        for column in columns:
            try:
                found.add(bytes([row, column]).decode(encoding))
            except UnicodeDecodeError:
                continue
    return {character for character in found if not "\ue000" <= character <= "\uf8ff"}


@pytest.mark.parametrize("weight", WEIGHTS)
class TestCoverage:
    """What can be written with it."""

    def test_gb_2312(self, weight: str) -> None:
        characters = chinese_of(range(0xA1, 0xF8), range(0xA1, 0xFF), "gb2312")
        assert len(characters) == 7445, "6,763 Han and 682 other characters"
        assert characters - drawn(weight) == set()

    def test_gbk(self, weight: str) -> None:
        characters = chinese_of(range(0x81, 0xFF), range(0x40, 0xFF), "gbk")
        assert len(characters) > 21_000
        assert characters - drawn(weight) <= NOT_DRAWN

    def test_gb_18030_han(self, weight: str) -> None:
        """Every Han character of the basic block up to Unicode 11 (U+9FEF) and of Extension A."""
        han = {chr(code) for first, last in ((0x3400, 0x4DB5), (0x4E00, 0x9FEF)) for code in range(first, last + 1)}
        assert han - drawn(weight) == set()

    def test_latin_and_signs(self, weight: str) -> None:
        assert set(string.printable[:-5] + SIGNS + LETTERS) - drawn(weight) == set()

    def test_every_sentence_of_the_program(self, weight: str) -> None:
        written: set[str] = set()
        for path in (ROOT / "resources" / "translations").rglob("*.json"):
            for sentence in json.loads(path.read_text(encoding="utf-8")).values():
                written |= set(sentence)
        assert "明" in written
        assert written - drawn(weight) - set("\n\t\N{NO-BREAK SPACE}") == set()


def test_all_fonts_together_stay_small_and_bring_their_licence() -> None:
    assert sum(path.stat().st_size for path in FONTS.iterdir()) <= 20 * 2**20
    licence = (FONTS / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert "Reserved Font Name 'Source'" in licence


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("pattern", FAMILIES)
def test_the_reserved_name_is_not_used(pattern: str, weight: str) -> None:
    with TTFont(str(FONTS / pattern.format(weight)), lazy=True) as font:
        names = [font["name"].getDebugName(name_id) or "" for name_id in (1, 3, 4, 6, 16)]
    assert names[0] == FAMILIES[pattern]
    assert not [name for name in names if "Source" in name]


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize(("pattern", "character"), list(zip(FAMILIES, "灯₂", strict=True)))
def test_qt_loads_it(qapp: QGuiApplication, pattern: str, character: str, weight: str) -> None:
    path = str(FONTS / pattern.format(weight))
    number = QFontDatabase.addApplicationFont(path)
    try:
        assert QFontDatabase.applicationFontFamilies(number) == [FAMILIES[pattern]]
        raw = QRawFont(path, 16)
        assert raw.supportsCharacter(ord(character))
        assert raw.weight() == WEIGHTS[weight]
    finally:
        QFontDatabase.removeApplicationFont(number)


def test_english_keeps_its_narrow_apostrophe() -> None:
    """The face draws ’ as wide as a Han character unless the feature `pwid` is asked for."""
    with TTFont(str(FONTS / "NotoSansSC-Regular.otf"), lazy=True) as font:
        features = {record.FeatureTag for record in font["GSUB"].table.FeatureList.FeatureRecord}
    assert "pwid" in features


def test_a_pdf_set_in_it_gives_its_text_back(tmp_path: Path) -> None:
    """Typst embeds the bundled font, and `pdftotext` returns what was set."""
    program = shutil.which("pdftotext")
    if program is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    text = "明灯诊所：肺炎 37.2 °C，曾桥村 SpO₂ ≥ 95 % ✓ 𬭊"
    source = tmp_path / "page.typ"
    source.write_text(
        f'#set text(font: ("Noto Sans SC", "Noto Sans SC Supplement"), cjk-latin-spacing: none)\n{text}\n\n*{text}*\n',
        encoding="utf-8",
    )
    out = tmp_path / "page.pdf"
    typst.compile(str(source), output=str(out), font_paths=[str(FONTS)], ignore_system_fonts=True)
    back = subprocess.run([program, "-enc", "UTF-8", str(out), "-"], capture_output=True, check=True)
    assert back.stdout.decode().count(text) == 2
