"""The look: three small palettes, one style sheet, the bundled font."""

import logging
from dataclasses import asdict, dataclass
from functools import cache
from string import Template

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from desktop.i18n.catalogue import resource_folder
from desktop.settings import Theme

_log = logging.getLogger(__name__)

GRID = 4
"""Every distance is a multiple of this many logical pixels."""

IMAGE_BACKGROUND = "#0a0a0a"
"""Behind a film, in every theme: neutral, near black."""

_FALLBACK_FAMILIES = ("Noto Sans CJK SC", "Microsoft YaHei UI", "PingFang SC", "Segoe UI", "sans-serif")


@dataclass(frozen=True)
class Palette:
    """Colours as #rrggbb. Text colours reach AA (4.5 : 1) on window, surface and raised; faint is for what is off."""

    window: str
    rail: str
    surface: str
    raised: str
    field: str
    line: str
    ink: str
    muted: str
    faint: str
    accent: str
    accent_hover: str
    on_accent: str
    link: str
    focus: str
    selection: str
    danger: str
    caution: str
    ok: str


PALETTES = {
    Theme.LIGHT: Palette(
        window="#f4f5f6",
        rail="#eaecee",
        surface="#ffffff",
        raised="#e9ecef",
        field="#ffffff",
        line="#c3c8ce",
        ink="#16191d",
        muted="#4d555e",
        faint="#8b939c",
        accent="#0067a3",
        accent_hover="#005788",
        on_accent="#ffffff",
        link="#005a8f",
        focus="#0067a3",
        selection="#cfe5f4",
        danger="#b3261e",
        caution="#8a4b00",
        ok="#00613f",
    ),
    Theme.DARK: Palette(
        window="#15171a",
        rail="#101214",
        surface="#1d2024",
        raised="#2a2e34",
        field="#121417",
        line="#434950",
        ink="#eceef0",
        muted="#aeb5bd",
        faint="#727a83",
        accent="#5ab4ea",
        accent_hover="#7cc5f0",
        on_accent="#071018",
        link="#7cc5f0",
        focus="#7cc5f0",
        selection="#1f4a66",
        danger="#ff9a8f",
        caution="#f2b84b",
        ok="#5fd0a5",
    ),
    Theme.HIGH_CONTRAST: Palette(
        window="#000000",
        rail="#000000",
        surface="#000000",
        raised="#1a1a1a",
        field="#000000",
        line="#ffffff",
        ink="#ffffff",
        muted="#ffffff",
        faint="#b0b0b0",
        accent="#ffd800",
        accent_hover="#ffe866",
        on_accent="#000000",
        link="#ffd800",
        focus="#ffd800",
        selection="#003f7f",
        danger="#ff8f85",
        caution="#ffd800",
        ok="#7dffc0",
    ),
}


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio of two colours, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def style_sheet(palette: Palette) -> str:
    """The style sheet with the palette's colours filled in."""
    source = (resource_folder() / "themes" / "lantern.qss").read_text(encoding="utf-8")
    icons = (resource_folder() / "icons").as_posix()
    return Template(source).substitute(asdict(palette), icons=icons)


@cache
def bundled_families() -> tuple[str, ...]:
    """Families of the fonts that come with Lantern, registered on the first call. Needs the application object."""
    families: list[str] = []
    for path in sorted((resource_folder() / "fonts").glob("*.[ot]t[fc]")):
        number = QFontDatabase.addApplicationFont(str(path))
        if number < 0:
            _log.warning("font %s could not be loaded", path.name)
            continue
        families += [name for name in QFontDatabase.applicationFontFamilies(number) if name not in families]
    return tuple(families)


def apply(application: QApplication, theme: Theme) -> None:
    """Dress the whole application."""
    palette = PALETTES[theme]
    font = QFont()
    font.setFamilies([*bundled_families(), *_FALLBACK_FAMILIES])
    font.setPixelSize(14)
    application.setFont(font)
    application.setPalette(_qt_palette(palette))
    application.setStyleSheet(style_sheet(palette))


def _qt_palette(palette: Palette) -> QPalette:
    """For what the style sheet does not reach: placeholders, text drawn by delegates, disabled words."""
    colours = {
        QPalette.ColorRole.Window: palette.window,
        QPalette.ColorRole.WindowText: palette.ink,
        QPalette.ColorRole.Base: palette.field,
        QPalette.ColorRole.AlternateBase: palette.surface,
        QPalette.ColorRole.Text: palette.ink,
        QPalette.ColorRole.Button: palette.raised,
        QPalette.ColorRole.ButtonText: palette.ink,
        QPalette.ColorRole.PlaceholderText: palette.muted,
        QPalette.ColorRole.Highlight: palette.selection,
        QPalette.ColorRole.HighlightedText: palette.ink,
        QPalette.ColorRole.Link: palette.link,
        QPalette.ColorRole.ToolTipBase: palette.raised,
        QPalette.ColorRole.ToolTipText: palette.ink,
        QPalette.ColorRole.Accent: palette.accent,
    }
    made = QPalette()
    for role, colour in colours.items():
        made.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(palette.faint))
    return made
