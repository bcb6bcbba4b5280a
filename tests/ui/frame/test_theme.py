"""Colours anybody can read, and icons for every use."""

import re
from dataclasses import asdict, fields
from itertools import product
from pathlib import Path

import pytest
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

import desktop
from desktop.i18n.catalogue import resource_folder
from desktop.settings import Theme
from desktop.ui.icons import pixmap
from desktop.ui.rail import Destination
from desktop.ui.theme import PALETTES, ROLES, Palette, bundled_families, contrast, qt_palette, style_sheet

AA_TEXT = 4.5
AA_LARGE = 3.0


def test_contrast_is_measured_as_wcag_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", list(Theme))
def test_words_reach_aa_on_every_ground(theme: Theme) -> None:
    palette = PALETTES[theme]
    grounds = (palette.window, palette.rail, palette.surface, palette.raised, palette.field)
    inks = (palette.ink, palette.muted, palette.danger, palette.caution, palette.ok, palette.link)
    low = {(ink, ground): contrast(ink, ground) for ink, ground in product(inks, grounds)}
    assert {pair: ratio for pair, ratio in low.items() if ratio < AA_TEXT} == {}
    assert contrast(palette.on_accent, palette.accent) >= AA_TEXT
    assert contrast(palette.on_accent, palette.accent_hover) >= AA_TEXT
    assert contrast(palette.ink, palette.selection) >= AA_TEXT
    assert contrast(palette.muted, palette.selection) >= AA_LARGE
    assert min(contrast(palette.focus, ground) for ground in grounds) >= AA_LARGE


def test_the_style_sheet_is_filled_in_and_names_no_colour() -> None:
    sheet = style_sheet()
    assert "$" not in sheet
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", sheet) == []
    assert set(re.findall(r"font-size: (\d+)px", sheet)) <= {"12", "14", "16", "20"}


@pytest.mark.parametrize("theme", list(Theme))
@pytest.mark.parametrize("role", ["", "primary", "quiet", "choice"])
def test_a_button_that_is_off_looks_off(qapp: QApplication, theme: Theme, role: str) -> None:
    before, palette = qapp.palette(), PALETTES[theme]
    qapp.setPalette(qt_palette(palette))
    try:
        window = QWidget()
        window.setStyleSheet(style_sheet())
        made = QPushButton("MMMM", window)
        made.setProperty("role", role)
        window.resize(made.sizeHint())
        made.resize(made.sizeHint())
        seen = []
        for enabled in (True, False):
            made.setEnabled(enabled)
            image = window.grab().toImage()
            row = range(image.width() // 4, 3 * image.width() // 4)
            inks = {image.pixelColor(x, y).name() for x in row for y in range(10, image.height() - 10)}
            ground = image.pixelColor(10, image.height() // 2).name()
            seen.append(max(contrast(ink, ground) for ink in inks))
    finally:
        qapp.setPalette(before)
    assert seen[1] < 0.85 * seen[0]
    assert seen[1] == pytest.approx(contrast(palette.faint, palette.window), rel=0.45), "dim, and still to be read"


def test_every_colour_has_a_role_of_its_own() -> None:
    assert set(ROLES) == {field.name for field in fields(Palette)}
    assert len(set(ROLES.values())) == len(ROLES)


@pytest.mark.parametrize("theme", list(Theme))
def test_the_qt_palette_carries_the_colours(theme: Theme) -> None:
    palette, made = PALETTES[theme], qt_palette(PALETTES[theme])
    assert {name: made.color(role).name() for name, role in ROLES.items()} == asdict(palette)
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.HighlightedText):
        assert made.color(role).name() == palette.ink
    assert made.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText).name() == palette.faint


def test_every_icon_the_code_names_is_there_and_draws_something(qapp: QApplication) -> None:
    sources = (Path(desktop.__file__).parent / "ui").rglob("*.py")
    named = {
        name
        for source in sources
        for name in re.findall(
            r'(?:icons\.add\([\w.]+, |pixmap\(|icon\(|EmptyState\([\w.]+, "[\w]+", )"([a-z-]+)"',
            source.read_text(encoding="utf-8"),
        )
    } | {destination.value for destination in Destination}
    assert len(named) > 10
    for name in named:
        picture = pixmap(name, "#ff0000", 24).toImage()
        colours = {picture.pixelColor(x, y).name() for x in range(24) for y in range(24)}
        assert "#ff0000" in colours, name


def test_the_bundled_font_speaks_both_languages(qapp: QApplication) -> None:
    assert any("Noto Sans SC" in family for family in bundled_families())


def test_icons_are_all_used_or_declared(qapp: QApplication) -> None:
    for path in (resource_folder() / "icons").glob("*.svg"):
        assert 'viewBox="0 0 24 24"' in path.read_text(encoding="utf-8"), path.name
