"""What lies over a pane, kept as pictures: from one frame to the next nearly all of it is the same."""

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QSizeF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPainterPath, QPen, QPixmap

from desktop.imaging.orientation import Plane, edge_letters
from desktop.imaging.volume import Vector
from desktop.ui.viewers.film_painting import MARGIN, RIM, SELECTED, Corner, paint_corners
from desktop.ui.viewers.volume_painting import CrossLine, paint_cross

_RIM_WIDTH = 3.0
_AROUND = 12.0
_NO_CORNERS = (Corner(), Corner(), Corner(), Corner())


@dataclass(frozen=True)
class _Letter:
    """A picture and where it belongs."""

    picture: QPixmap
    at: QPointF


class PaneOverlay:
    """Corner texts, the letters of the patient's directions and the crosshair of one pane, words in the painter's font.

    A line from edge to edge takes Qt longer than a picture of it: it is filled by several threads that wait for one
    another.
    """

    def __init__(self) -> None:
        self._corners: dict[int, tuple[object, QPixmap]] = {}
        self._letters: tuple[object, tuple[_Letter, ...]] | None = None
        self._cross: tuple[object, QPixmap | None] | None = None

    def forget(self) -> None:
        """Let go of every word."""
        self._corners.clear()
        self._letters = self._cross = None

    def paint_corners(
        self, painter: QPainter, corners: tuple[Corner, Corner, Corner, Corner], width: int, height: int, ratio: float
    ) -> None:
        """As `film_painting.paint_corners` does. width, height: of the pane. ratio: device pixels for a logical one."""
        font = painter.font()
        for index, corner in enumerate(corners):
            if not (corner.lines or corner.badges):
                self._corners.pop(index, None)
                continue
            key = (corner, font.key(), ratio)
            known = self._corners.get(index)
            if known is None or known[0] != key:
                known = self._corners[index] = key, _corner(index, corner, font, ratio)
            size = known[1].deviceIndependentSize()
            right, bottom = index % 2 == 1, index >= 2
            painter.drawPixmap(
                QPointF(width - size.width() if right else 0, height - size.height() if bottom else 0), known[1]
            )

    def paint_letters(self, painter: QPainter, plane: Plane, width: int, height: int, ratio: float) -> None:
        """The patient's directions, in the middle of each edge."""
        font = painter.font()
        key = (plane.right, plane.down, width, height, font.key(), ratio)
        if self._letters is None or self._letters[0] != key:
            self._letters = key, _letters(plane.right, plane.down, width, height, font, ratio)
        for letter in self._letters[1]:
            painter.drawPixmap(letter.at, letter.picture)

    def paint_cross(
        self, painter: QPainter, at: QPointF, lines: tuple[CrossLine, ...], width: int, height: int, ratio: float
    ) -> None:
        """As `volume_painting.paint_cross` does; a picture of it is made once it stands still."""
        key = (at.x(), at.y(), lines, width, height, ratio)
        if self._cross is None or self._cross[0] != key:
            self._cross = key, None
            paint_cross(painter, at, lines, width, height)
            return
        picture = self._cross[1]
        if picture is None:
            picture = _clear(QSizeF(width, height), ratio)
            inner = QPainter(picture)
            paint_cross(inner, at, lines, width, height)
            inner.end()
            self._cross = key, picture
        painter.drawPixmap(0, 0, picture)


def _clear(size: QSizeF, ratio: float) -> QPixmap:
    """An empty picture of a logical size."""
    picture = QPixmap(math.ceil(size.width() * ratio), math.ceil(size.height() * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    return picture


def _corner(index: int, corner: Corner, font: QFont, ratio: float) -> QPixmap:
    """One corner, painted at the same corner of a picture that is just large enough."""
    metrics = QFontMetricsF(font)
    lines = (*corner.lines, *corner.badges)
    wide = max(metrics.horizontalAdvance(line) for line in lines) + 2 * MARGIN + _AROUND
    high = len(lines) * (metrics.height() + 3) + 2 * MARGIN
    picture = _clear(QSizeF(math.ceil(wide), math.ceil(high)), ratio)
    size = picture.deviceIndependentSize()
    only = tuple(corner if place == index else none for place, none in enumerate(_NO_CORNERS))
    painter = QPainter(picture)
    painter.setFont(font)
    paint_corners(painter, (only[0], only[1], only[2], only[3]), size.width(), size.height())
    painter.end()
    return picture


def _letters(right: Vector, down: Vector, width: int, height: int, font: QFont, ratio: float) -> tuple[_Letter, ...]:
    """Letters with a dark rim, to be read on white bone too."""
    metrics = QFontMetricsF(font)
    names = edge_letters(Plane((0.0, 0.0, 0.0), right, down))
    wide = [metrics.horizontalAdvance(name) for name in names]
    places = (
        (MARGIN, height / 2 + metrics.ascent() / 2),
        ((width - wide[1]) / 2, MARGIN + metrics.ascent()),
        (width - MARGIN - wide[2], height / 2 + metrics.ascent() / 2),
        ((width - wide[3]) / 2, height - MARGIN - metrics.descent()),
    )
    made = []
    for name, advance, (x, y) in zip(names, wide, places, strict=True):
        picture = _clear(QSizeF(advance + 2 * _RIM_WIDTH, metrics.height() + 2 * _RIM_WIDTH), ratio)
        outline = QPainterPath()
        outline.addText(QPointF(_RIM_WIDTH, _RIM_WIDTH + metrics.ascent()), font, name)
        rim = QPen(RIM, _RIM_WIDTH)
        rim.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.strokePath(outline, rim)
        painter.fillPath(outline, SELECTED)
        painter.end()
        made.append(_Letter(picture, QPointF(x - _RIM_WIDTH, y - metrics.ascent() - _RIM_WIDTH)))
    return tuple(made)
