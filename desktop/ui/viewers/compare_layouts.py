"""Nine small squares to choose rows and columns from: with the mouse, or the arrow keys and Enter."""

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from desktop.ui.context import UiContext
from desktop.ui.widgets.parts import label

_SIDE, _GAP, _COUNT = 34, 6, 3
_STEPS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


class LayoutChooser(QFrame):
    """A small window over the films. Signals: chosen(rows, columns)."""

    chosen = Signal(int, int)

    def __init__(self, context: UiContext, now: tuple[int, int], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("layout_chooser")
        self.setProperty("role", "card")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._context = context
        self._squares = _Squares(context, now)
        self._words = label("layout_words")
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside = QVBoxLayout(self)
        inside.setContentsMargins(12, 12, 12, 12)
        inside.setSpacing(8)
        inside.addWidget(self._squares, 0, Qt.AlignmentFlag.AlignCenter)
        inside.addWidget(self._words)
        self._squares.moved.connect(self._say)
        self._squares.taken.connect(self._take)
        self.setAccessibleName(context.tr("hanging.choose"))
        self._say(*now)

    @property
    def size_shown(self) -> tuple[int, int]:
        """Rows and columns that Enter would take."""
        return self._squares.at

    def open_at(self, place: QPoint) -> None:
        """Show it with its top left corner at a place of the screen, with the keys."""
        self.move(place)
        self.show()
        self._squares.setFocus(Qt.FocusReason.PopupFocusReason)

    def _say(self, rows: int, columns: int) -> None:
        self._words.setText(self._context.tr("hanging.rows_columns", rows=rows, columns=columns))

    def _take(self, rows: int, columns: int) -> None:
        self.close()
        self.chosen.emit(rows, columns)


class _Squares(QWidget):
    """Signals: moved(rows, columns) when others are marked; taken(rows, columns)."""

    moved = Signal(int, int)
    taken = Signal(int, int)

    def __init__(self, context: UiContext, now: tuple[int, int]) -> None:
        super().__init__()
        self.setObjectName("layout_squares")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setFixedSize(self.sizeHint())
        self._context = context
        self.at = now

    def sizeHint(self) -> QSize:
        """Three squares each way."""
        side = _COUNT * _SIDE + (_COUNT - 1) * _GAP
        return QSize(side, side)

    def _move(self, rows: int, columns: int) -> None:
        wanted = min(max(rows, 1), _COUNT), min(max(columns, 1), _COUNT)
        if wanted != self.at:
            self.at = wanted
            self.moved.emit(*wanted)
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows mark, Enter takes."""
        key = Qt.Key(event.key())
        if key in _STEPS:
            self._move(self.at[0] + _STEPS[key][0], self.at[1] + _STEPS[key][1])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.taken.emit(*self.at)
        else:
            super().keyPressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark up to the square under the pointer."""
        step = _SIDE + _GAP
        self._move(int(event.position().y() // step) + 1, int(event.position().x() // step) + 1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Take what is marked."""
        self.mouseMoveEvent(event)
        self.taken.emit(*self.at)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The marked squares filled, the others as outlines."""
        colours = self._context.colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row in range(_COUNT):
            for column in range(_COUNT):
                box = QRectF(column * (_SIDE + _GAP), row * (_SIDE + _GAP), _SIDE, _SIDE).adjusted(1, 1, -1, -1)
                marked = row < self.at[0] and column < self.at[1]
                painter.setPen(QColor(colours.ink))
                painter.setBrush(QColor(colours.accent) if marked else Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(box, 3, 3)
        painter.end()
