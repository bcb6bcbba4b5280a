"""A photograph with the four corners of the film in it, moved with the mouse or the keys."""

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from desktop.imaging.film_photo import Corners, is_convex
from desktop.imaging.geometry import Point
from desktop.ui.viewers.film_painting import HALO, LINE, SELECTED, TEXT, overlay_font
from desktop.ui.viewers.frames import BACKGROUND

_VEIL = QColor(0, 0, 0, 140)
_REACH = 28.0
_HANDLE = 7.0
_MARGIN = 16.0
_LENS, _LENS_ZOOM = 130.0, 3.0
_COARSE = 10
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_PICKS = {Qt.Key.Key_1: 0, Qt.Key.Key_2: 1, Qt.Key.Key_3: 2, Qt.Key.Key_4: 3}


@dataclass(frozen=True, eq=False)
class Photo:
    """image: the photograph, or a smaller copy of it. rows, columns: of the photograph itself."""

    image: QImage
    rows: int
    columns: int


class CornerView(QWidget):
    """Keys: 1 to 4 take a corner, the arrows move it by a pixel of the screen, with Shift by ten.

    Corners that would cross or fall together are not taken. Signals: changed() after a corner was moved.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("photo_corners")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(360, 300)
        self._photo: Photo | None = None
        self._corners: Corners | None = None
        self._at = 0
        self._held: Point | None = None

    def show_photo(self, photo: Photo, corners: Corners) -> None:
        """Another photograph, and where its corners may be (in its own pixels)."""
        self._photo, self._corners, self._at, self._held = photo, corners, 0, None
        self.update()

    @property
    def corners(self) -> Corners | None:
        """Top left, top right, bottom right, bottom left of the film as it shall hang."""
        return self._corners

    @property
    def corner(self) -> int:
        """Which corner the arrows move, from 0."""
        return self._at

    def set_corners(self, corners: Corners) -> None:
        """Put all four elsewhere."""
        self._corners = corners
        self.update()
        self.changed.emit()

    def sizeHint(self) -> QSize:
        """As large as it can be."""
        return QSize(720, 560)

    # Where things are

    @property
    def _frame(self) -> QRectF:
        """Where the photograph lies in the widget."""
        if self._photo is None:
            return QRectF(self.rect())
        room = QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        zoom = min(room.width() / self._photo.columns, room.height() / self._photo.rows)
        size = QPointF(self._photo.columns * zoom, self._photo.rows * zoom)
        return QRectF(room.center() - size / 2, room.center() + size / 2)

    def _zoom(self) -> float:
        return self._frame.width() / self._photo.columns if self._photo is not None else 1.0

    def place(self, point: Point) -> QPointF:
        """Where a point of the photograph lies in the widget."""
        zoom, frame = self._zoom(), self._frame
        return QPointF(frame.left() + (point[0] + 0.5) * zoom, frame.top() + (point[1] + 0.5) * zoom)

    def _move(self, to: Point) -> None:
        photo, corners = self._photo, self._corners
        if photo is None or corners is None:
            return
        kept = min(max(to[0], -0.5), photo.columns - 0.5), min(max(to[1], -0.5), photo.rows - 0.5)
        a, b, c, d = (kept if at == self._at else corner for at, corner in enumerate(corners))
        if is_convex((a, b, c, d)):
            self.set_corners((a, b, c, d))

    # Hands

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the corner nearest to the pointer."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if self._corners is None or event.button() is not Qt.MouseButton.LeftButton:
            return
        apart = [(self.place(corner) - event.position()).manhattanLength() for corner in self._corners]
        nearest = apart.index(min(apart))
        if apart[nearest] <= 2 * _REACH:
            self._at = nearest
            away = self.place(self._corners[nearest]) - event.position()
            self._held = (away.x(), away.y())
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The corner follows the hand."""
        if self._held is None:
            return
        zoom, frame = self._zoom(), self._frame
        at = event.position() + QPointF(*self._held)
        self._move(((at.x() - frame.left()) / zoom - 0.5, (at.y() - frame.top()) / zoom - 0.5))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let it go."""
        self._held = None
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Pick and move corners; the rest goes on."""
        key = event.key()
        if key in _PICKS:
            self._at = _PICKS[Qt.Key(key)]
            self.update()
        elif key in _ARROWS and self._corners is not None:
            right, down = _ARROWS[Qt.Key(key)]
            step = (_COARSE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1) / self._zoom()
            x, y = self._corners[self._at]
            self._move((x + right * step, y + down * step))
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """The focus line follows."""
        super().changeEvent(event)
        self.update()

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """The photograph, dark outside the film; its corners with their numbers."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(*BACKGROUND))
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if self._photo is not None and self._corners is not None:
            painter.drawImage(self._frame, self._photo.image)
            self._paint_film(painter, QPolygonF([self.place(corner) for corner in self._corners]))
            if self._held is not None or self.hasFocus():
                self._paint_lens(painter, self._photo, self._corners[self._at])
        if self.hasFocus():
            painter.setPen(QPen(SELECTED, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _paint_film(self, painter: QPainter, film: QPolygonF) -> None:
        outside, inside = QPainterPath(), QPainterPath()
        outside.addRect(self._frame)
        inside.addPolygon(film)
        inside.closeSubpath()
        painter.fillPath(outside.subtracted(inside), _VEIL)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(HALO, 4), QPen(LINE, 2)):
            painter.setPen(pen)
            painter.drawPolygon(film)
        painter.setFont(overlay_font(self.font()))
        for at, place in enumerate(film.toList()):
            painter.setPen(QPen(HALO, 1))
            painter.setBrush(SELECTED if at == self._at else LINE)
            painter.drawEllipse(place, _HANDLE, _HANDLE)
            spot = QRectF(place.x() + _HANDLE + 2, place.y() - 10, 18, 20)
            painter.fillRect(spot, HALO)
            painter.setPen(TEXT)
            painter.drawText(spot, Qt.AlignmentFlag.AlignCenter, str(at + 1))

    def _paint_lens(self, painter: QPainter, photo: Photo, corner: Point) -> None:
        """What lies under the corner, larger, in the widget's corner that is farthest from it."""
        at = self.place(corner)
        left = 8.0 if at.x() > self.width() / 2 else self.width() - _LENS - 8
        top = 8.0 if at.y() > self.height() / 2 else self.height() - _LENS - 8
        box = QRectF(left, top, _LENS, _LENS)
        share = photo.image.width() / photo.columns
        side = _LENS / (_LENS_ZOOM * self._zoom()) * share
        middle = QPointF((corner[0] + 0.5) * share, (corner[1] + 0.5) * share)
        painter.fillRect(box, QColor(*BACKGROUND))
        source = QRectF(middle.x() - side / 2, middle.y() - side / 2, side, side)
        painter.drawImage(box, photo.image, source)
        painter.setPen(QPen(SELECTED, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box)
        painter.drawLine(QPointF(box.center().x(), box.top()), QPointF(box.center().x(), box.bottom()))
        painter.drawLine(QPointF(box.left(), box.center().y()), QPointF(box.right(), box.center().y()))
