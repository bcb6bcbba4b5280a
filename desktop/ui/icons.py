"""Lantern's own icons: SVG files of `resources/icons`, drawn in one colour at any scale."""

from functools import cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from desktop.i18n.catalogue import resource_folder

_SCALES = (1.0, 2.0, 3.0)


@cache
def _source(name: str) -> str:
    return (resource_folder() / "icons" / f"{name}.svg").read_text(encoding="utf-8")


@cache
def pixmap(name: str, colour: str, size: int, scale: float = 1.0) -> QPixmap:
    """One icon. size: logical pixels a side; scale: device pixels per logical pixel."""
    drawing = QSvgRenderer(QByteArray(_source(name).replace("#000000", colour).encode()))
    side = round(size * scale)
    picture = QPixmap(QSize(side, side))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    drawing.render(painter, QRectF(0, 0, side, side))
    painter.end()
    picture.setDevicePixelRatio(scale)
    return picture


@cache
def icon(name: str, colour: str, size: int = 20, checked: str | None = None, off: str | None = None) -> QIcon:
    """An icon for buttons, sharp up to three times scaling. checked, off: other colours for the pressed-in state, and
    for a button that cannot be pressed."""
    made = QIcon()
    for scale in _SCALES:
        made.addPixmap(pixmap(name, colour, size, scale))
        if checked is not None:
            made.addPixmap(pixmap(name, checked, size, scale), QIcon.Mode.Normal, QIcon.State.On)
        if off is not None:
            made.addPixmap(pixmap(name, off, size, scale), QIcon.Mode.Disabled)
    return made


def forget() -> None:
    """Drop the drawn icons: the theme changed."""
    pixmap.cache_clear()
    icon.cache_clear()
