"""The look: three small palettes, one style sheet for all of them, the bundled font.

The style sheet names no colour, only roles of Qt's palette: another theme is another palette, not another style sheet.
Setting a style sheet costs Qt about a millisecond for every widget there is, seen or not (measured: 0.7 s for 600).
"""

import logging
import re
from dataclasses import dataclass, fields
from functools import cache
from string import Template

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette

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


ROLES = {
    "window": QPalette.ColorRole.Window,
    "rail": QPalette.ColorRole.ToolTipBase,
    "surface": QPalette.ColorRole.AlternateBase,
    "raised": QPalette.ColorRole.Button,
    "field": QPalette.ColorRole.Base,
    "line": QPalette.ColorRole.Mid,
    "ink": QPalette.ColorRole.WindowText,
    "muted": QPalette.ColorRole.PlaceholderText,
    "faint": QPalette.ColorRole.Midlight,
    "accent": QPalette.ColorRole.Accent,
    "accent_hover": QPalette.ColorRole.Dark,
    "on_accent": QPalette.ColorRole.Light,
    "link": QPalette.ColorRole.Link,
    "focus": QPalette.ColorRole.Shadow,
    "selection": QPalette.ColorRole.Highlight,
    "danger": QPalette.ColorRole.BrightText,
    "caution": QPalette.ColorRole.LinkVisited,
    "ok": QPalette.ColorRole.ToolTipText,
}
"""The role that carries each colour of `Palette` into the style sheet, one role each.

Where Qt has a role of that meaning it is that one; the others are roles that nothing we show uses by itself: bevels,
visited links, tooltips (ours are styled).
"""

_ALSO_INK = (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.HighlightedText)
_CAN_BE_OFF = (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText)


@cache
def style_sheet() -> str:
    """The style sheet of every theme; its colours are those of the application's palette when a widget is polished."""
    source = (resource_folder() / "themes" / "lantern.qss").read_text(encoding="utf-8")
    icons = (resource_folder() / "icons").as_posix()
    return Template(source).substitute({name: _in_style_sheet(role) for name, role in ROLES.items()}, icons=icons)


def _in_style_sheet(role: QPalette.ColorRole) -> str:
    """As Qt's style sheets write a role: AlternateBase → palette(alternate-base)."""
    words = re.sub("(?<=[a-z])(?=[A-Z])", "-", role.name.replace("ToolTip", "Tooltip"))
    return f"palette({words.lower()})"


def qt_palette(palette: Palette) -> QPalette:
    """The colours in their roles. Words of what is switched off are faint."""
    made = QPalette()
    for field in fields(palette):
        made.setColor(ROLES[field.name], QColor(getattr(palette, field.name)))
    for role in _ALSO_INK:
        made.setColor(role, QColor(palette.ink))
    for role in _CAN_BE_OFF:
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(palette.faint))
    return made


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


def font() -> QFont:
    """The bundled font at the size of running text. Needs the application object."""
    made = QFont()
    made.setFamilies([*bundled_families(), *_FALLBACK_FAMILIES])
    made.setPixelSize(14)
    return made
