"""What lies over the film viewer and takes its left button while it is at work; zoom and window go through."""

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QEvent, QKeyCombination, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from desktop.ui.action import Action, bind
from desktop.ui.context import UiContext
from desktop.ui.viewers.film import FilmViewer
from desktop.ui.viewers.film_painting import HALO, TEXT, overlay_font, paint_pen
from desktop.ui.viewers.view_state import Point

_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_STEP = 8.0


class PictureLayer(QWidget):
    """A pen over the film. While it works its own keys come before the room's; they stand on the sheet under `?` then.

    Signals: working(bool) when it began or ended.
    """

    working = Signal(bool)

    def __init__(self, context: UiContext, viewer: FilmViewer, actions: Sequence[Action]) -> None:
        super().__init__(viewer)
        self._context = context
        self._viewer = viewer
        self._at_work = False
        self._pen: Point | None = None
        self._bound = bind(context, self, actions, self.handlers())
        self._switch_keys()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setMouseTracking(True)
        self.setGeometry(viewer.rect())
        self.hide()
        viewer.installEventFilter(self)
        viewer.state_changed.connect(self.update)

    # For those who use it

    @property
    def at_work(self) -> bool:
        """Whether the left button and the keys are this layer's."""
        return self._at_work

    def begin(self) -> None:
        """Take the left button and the keys; the pen lies in the middle."""
        state = self._viewer.state
        if state is None or self._at_work:
            return
        self._at_work = True
        self._pen = self._to_picture(QPointF(self.width() / 2, self.height() / 2))
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._switch_keys()
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.working.emit(True)

    def end(self) -> None:
        """Give them back."""
        if not self._at_work:
            return
        self._at_work = False
        had_keys = self.hasFocus()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.unsetCursor()
        self._switch_keys()
        self.setVisible(self.has_something())
        if had_keys:
            self._viewer.setFocus(Qt.FocusReason.OtherFocusReason)
        self.update()
        self.working.emit(False)

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._bound.retranslate()
        self.update()

    # For those who inherit

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """What the keys do, by action."""
        raise NotImplementedError

    def has_something(self) -> bool:
        """Whether there is something to show without anybody at work."""
        raise NotImplementedError

    def pressed(self, at: Point, *, shift: bool) -> None:
        """The left button or Enter, at a point of the picture."""
        raise NotImplementedError

    def paint_layer(self, painter: QPainter) -> None:
        """What lies over the film."""
        raise NotImplementedError

    def pen_shown(self) -> bool:
        """Whether the keyboard's pen has something to set."""
        return True

    def dragged(self, at: Point) -> None:
        """The left button is held elsewhere."""

    def moved(self, by: Point) -> bool:
        """An arrow key, as a step on the picture; False lets it move the pen."""
        return False

    # The pen

    def box_left(self) -> bool:
        """Whether words are better put at the left: the pen is at work at the right."""
        return self._at_work and self._pen is not None and self.to_view(self._pen).x() > self.width() * 0.6

    def _to_picture(self, at: QPointF) -> Point:
        state = self._viewer.state
        if state is None:
            return at.x(), at.y()
        return state.clamped(state.to_picture((at.x(), at.y()), self.width(), self.height()))

    def to_view(self, point: Point) -> QPointF:
        """Where a point of the picture lies."""
        state = self._viewer.state
        return QPointF(*state.to_view(point, self.width(), self.height())) if state is not None else QPointF(*point)

    def _switch_keys(self) -> None:
        for action in self.actions():
            action.setEnabled(self._at_work)

    # Qt

    def event(self, event: QEvent) -> bool:
        """While at work our keys come before the room's."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._takes(event):
            event.accept()
            return True
        return super().event(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """As large as the viewer."""
        if isinstance(event, QResizeEvent) and watched is self._viewer:
            self.setGeometry(self._viewer.rect())
        return False

    def _takes(self, event: QKeyEvent) -> bool:
        keys = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Escape)
        return self._at_work and (event.key() in (*_ARROWS, *keys) or self._action(event) is not None)

    def _action(self, event: QKeyEvent) -> str | None:
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        pressed = QKeySequence(QKeyCombination(modifiers, Qt.Key(event.key())))
        return next((one.objectName() for one in self.actions() if pressed in one.shortcuts()), None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the pen, Enter sets a point, Esc ends; then the layer's own commands."""
        state, key = self._viewer.state, Qt.Key(event.key())
        if not self._at_work or state is None or self._pen is None:
            super().keyPressEvent(event)
            return
        name = self._action(event)
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key in _ARROWS and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            step = (1.0 if shift else _STEP) / state.zoom
            by = state.direction_to_picture(_ARROWS[key][0] * step, _ARROWS[key][1] * step)
            if not self.moved(by):
                self._pen = state.clamped((self._pen[0] + by[0], self._pen[1] + by[1]))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and name is None:
            self.pressed(self._pen, shift=shift)
        elif key == Qt.Key.Key_Escape:
            self.end()
        elif name is not None:
            next(one for one in self.actions() if one.objectName() == name).trigger()
        else:
            super().keyPressEvent(event)
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The left button is the layer's; the others go through."""
        if event.button() is not Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._pen = self._to_picture(event.position())
        self.pressed(self._pen, shift=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The pen follows the hand."""
        if event.buttons() & ~Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self._pen = self._to_picture(event.position())
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.dragged(self._pen)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Two quick clicks are two clicks."""
        self.mousePressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """What is there, and the pen."""
        if self._viewer.state is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(overlay_font(self.font()))
        self.paint_layer(painter)
        if self._at_work and self._pen is not None and self.pen_shown() and not self.underMouse():
            at = self.to_view(self._pen)
            paint_pen(painter, (at.x(), at.y()))
        painter.end()


def paint_box(
    painter: QPainter, lines: Sequence[str], left: bool, width: float, top: float, indent: float = 0.0
) -> list[QRectF]:
    """Lines of text on a dark ground at the left or right rim of a widget of a width; where each lies. top: where the
    box begins. indent: room left before each line."""
    metrics = QFontMetricsF(painter.font())
    wide = max((metrics.horizontalAdvance(line) for line in lines), default=0.0) + indent + 20
    box = QRectF(10 if left else width - wide - 10, top, wide, len(lines) * metrics.lineSpacing() + 12)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(HALO)
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(TEXT)
    places = []
    for number, line in enumerate(lines):
        place = QRectF(box.left() + 4, box.top() + 6 + number * metrics.lineSpacing(), wide - 8, metrics.lineSpacing())
        painter.drawText(QPointF(place.left() + 6 + indent, place.top() + metrics.ascent()), line)
        places.append(place)
    return places
