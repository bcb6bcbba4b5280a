"""What lies over one pane of a volume: the drawings on the slice it shows, the pen, that it is a key image."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QWidget

from desktop.ui.context import UiContext
from desktop.ui.viewers.film_drawn import DRAG_THRESHOLD, PEN_STEP
from desktop.ui.viewers.film_painting import (
    BADGE,
    BADGE_TEXT,
    TEXT,
    VEIL,
    corner_boxes,
    overlay_font,
    paint_marks,
    paint_pen,
)
from desktop.ui.viewers.label_field import LabelField
from desktop.ui.viewers.slice_placing import PanePlacing
from desktop.ui.viewers.view_state import Point
from desktop.ui.viewers.volume_pane import VolumePane

if TYPE_CHECKING:
    from desktop.ui.viewers.slice_drawer import SliceDrawer

_TOP = 34.0
_MIDDLE = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
_PEN_KEYS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_SETS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
_TAKEN = (*_PEN_KEYS, *_SETS, Qt.Key.Key_Backspace, Qt.Key.Key_Escape)


class SliceLayer(QWidget):
    """Takes the mouse only while something is drawn here, or lies here to be picked; the rest is the pane's."""

    def __init__(self, context: UiContext, pane: VolumePane, drawer: "SliceDrawer") -> None:
        super().__init__(pane)
        self.setObjectName(f"slice_layer_{pane.kind.value}")
        self._context = context
        self._drawer = drawer
        self._start: Point | None = None
        self._far = False
        self._labelled: tuple[Point, ...] = ()
        self.pane = pane
        self.label = LabelField(context, pane)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMouseTracking(True)
        pane.installEventFilter(self)
        pane.drawn.connect(self.follow)
        self.hide()

    def follow(self) -> None:
        """Show what belongs on the pane now."""
        drawer, kind = self._drawer, self.pane.kind
        drawing = drawer.tool is not None
        marks = drawer.marks(kind)
        wanted = drawing or bool(marks) or drawer.is_key(kind)
        if not wanted and self.isHidden():
            return
        takes = drawing or (bool(marks) and not drawer.painting)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, not takes)
        if drawing:
            self.setCursor(Qt.CursorShape.CrossCursor)
        else:
            self.unsetCursor()
        self.setGeometry(self.pane.rect())
        self.setVisible(wanted)
        self._place_label()
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """As large as the pane."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            self.follow()
        return False

    @property
    def middle(self) -> Point:
        """The pixel in the middle of the pane."""
        return self.under((self.width() / 2, self.height() / 2)) or (0.0, 0.0)

    def under(self, at: Point) -> Point | None:
        """The pixel under a point of the pane, the nearest one of the ground."""
        ground, placing = self._drawer.grounds.near(self.pane.kind), self._placing()
        return ground.clamped(placing.to_picture(at)) if ground is not None and placing is not None else None

    def _placing(self) -> PanePlacing | None:
        return self._drawer.grounds.placing(self.pane.kind)

    # Labels

    def start_label(self, points: tuple[Point, ...], words: str) -> None:
        """Let the words of a drawing be typed beside it."""
        self._labelled = points
        self.label.begin(words)
        self.label.raise_()
        self._place_label()

    def _place_label(self) -> None:
        placing = self._placing()
        if placing is not None and not self.label.isHidden():
            corners = [QPointF(*placing.to_view(point)) for point in self._labelled]
            self.label.place(QPolygonF(corners).boundingRect(), self.size())

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Drawings, the pen, then the words at the top."""
        drawer, kind, placing = self._drawer, self.pane.kind, self._placing()
        painter = QPainter(self)
        painter.setFont(overlay_font(self.font()))
        badge = self._context.tr("marks.badge") if drawer.is_key(kind) else ""
        top = self._top(painter, badge, drawer.lines(kind))
        if placing is not None:
            size = (self.width(), self.height())
            corners = corner_boxes(QFontMetricsF(painter.font()), self.pane.corners, *size)
            paint_marks(painter, drawer.marks(kind), placing, *size, [box for _, box in top], corners)
            cursor = drawer.cursor(kind)
            if cursor is not None and not self.underMouse():
                paint_pen(painter, placing.to_view(cursor))
        for words, box in top:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(BADGE if words == badge else VEIL)
            painter.drawRoundedRect(box, 4, 4)
            painter.setPen(BADGE_TEXT if words == badge else TEXT)
            painter.drawText(box, _MIDDLE, words)
        painter.end()

    def _top(self, painter: QPainter, badge: str, lines: Sequence[str]) -> list[tuple[str, QRectF]]:
        """The words at the top, one below the other, and where each stands."""
        found: list[tuple[str, QRectF]] = []
        top = _TOP
        for words in (*((badge,) if badge else ()), *lines):
            room = QRectF(16, top, max(self.width() - 32, 60), self.height())
            needed = painter.boundingRect(room, int(Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap), words)
            found.append((words, needed.adjusted(-8, 0, 8, 4)))
            top = found[-1][1].bottom() + 3
        return found

    # The mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Left: a point of the drawing, or pick one; else it is the pane's."""
        at = event.position().x(), event.position().y()
        if event.button() is not Qt.MouseButton.LeftButton or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            event.ignore()
        elif self._drawer.tool is None:
            if not self._drawer.pick(self.pane.kind, at):
                event.ignore()
        else:
            self._start, self._far = at, False
            point = self.under(at)
            if point is not None:
                self._drawer.press(self.pane.kind, point)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The pen follows."""
        at = event.position().x(), event.position().y()
        if self._drawer.tool is None or (self._start is None and event.buttons() is not Qt.MouseButton.NoButton):
            event.ignore()
            return
        if self._start is not None:
            away = max(abs(at[0] - self._start[0]), abs(at[1] - self._start[1]))
            self._far = self._far or away > DRAG_THRESHOLD
        point = self.under(at)
        if point is not None:
            self._drawer.move(self.pane.kind, point)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A drag ends."""
        if self._start is None:
            event.ignore()
            return
        point = self.under((event.position().x(), event.position().y()))
        self._start = None
        if point is not None:
            self._drawer.release(self.pane.kind, point, far=self._far)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Close a polygon, or name the drawing there."""
        at = event.position().x(), event.position().y()
        if self._drawer.tool is not None:
            self._drawer.close_line()
        elif self._drawer.pick(self.pane.kind, at):
            self._drawer.run("slice.label_drawing")
        else:
            event.ignore()

    # The keyboard

    def event(self, event: QEvent) -> bool:
        """While something is drawn, the pen's keys go before the viewer's own."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = not event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
            if self._drawer.tool is not None and plain and event.key() in _TAKEN:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the pen, Enter sets a point, Backspace takes one back, Esc ends."""
        drawer, key = self._drawer, Qt.Key(event.key())
        placing, cursor = self._placing(), drawer.cursor(self.pane.kind)
        if drawer.tool is None or placing is None or cursor is None:
            super().keyPressEvent(event)
        elif key in _PEN_KEYS:
            step = 1.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else PEN_STEP
            x, y = placing.to_view(cursor)
            point = self.under((x + _PEN_KEYS[key][0] * step, y + _PEN_KEYS[key][1] * step))
            if point is not None:
                drawer.move(self.pane.kind, point)
        elif key in _SETS:
            drawer.set_point()
        elif key == Qt.Key.Key_Backspace:
            drawer.take_back()
        elif key == Qt.Key.Key_Escape:
            drawer.set_tool(None)
        else:
            super().keyPressEvent(event)
