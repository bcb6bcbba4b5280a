"""The words of a drawing, typed beside it on the film."""

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from desktop.ui.context import UiContext

WIDTH = 240
LONGEST = 120
_GAP = 8
_KEYPAD = Qt.KeyboardModifier.KeypadModifier
_ENDS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)
_STAYS = (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason)


class LabelField(QLineEdit):
    """Hidden until a drawing is named. Enter keeps the words, going elsewhere keeps them too, Esc leaves the old ones.

    Signals: kept(words) where they changed; left() when Enter or Esc ended it.
    """

    kept = Signal(str)
    left = Signal()

    def __init__(self, context: UiContext, parent: QWidget) -> None:
        super().__init__(parent)
        self._context = context
        self._before = ""
        self.setObjectName("drawing_label")
        self.setMaxLength(LONGEST)
        self.setFixedWidth(WIDTH)
        self.hide()

    def begin(self, words: str, hint: str = "viewer.label.placeholder") -> None:
        """Take the keys; the words so far are selected. hint: key of what to type."""
        self._before = words
        self.setText(words)
        self.setAccessibleName(self._context.tr("viewer.label"))
        self.setPlaceholderText(self._context.tr(hint))
        self.selectAll()
        self.show()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def finish(self) -> None:
        """Keep the words, if the field is open."""
        if self.isHidden():
            return
        words = " ".join(self.text().split())
        changed = words != self._before
        self.drop()
        if changed:
            self.kept.emit(words)

    def drop(self) -> None:
        """Close and forget every word, the undo history too."""
        self._before = ""
        self.hide()
        self.setText("")

    def place(self, drawing: QRectF, room: QSize) -> None:
        """Beside a drawing, inside the viewer. drawing: its bounds in the viewer's coordinates; room: the viewer's."""
        height = self.sizeHint().height()
        right = drawing.right() + _GAP
        left = right if right + WIDTH <= room.width() else drawing.left() - _GAP - WIDTH
        at = QPointF(min(max(left, 2.0), room.width() - WIDTH - 2.0), drawing.top() - height / 2)
        self.move(round(at.x()), round(min(max(at.y(), 2.0), room.height() - height - 2.0)))

    def event(self, event: QEvent) -> bool:
        """Enter and Esc belong to the words, whatever they mean to the viewer around them."""
        override = event.type() is QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent) and event.key() in _ENDS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter keeps, Esc does not; both give the keys back to the film."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers() & ~_KEYPAD:
            self.finish()
            self.left.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.drop()
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Whoever goes elsewhere has said what they wanted to say; another window or a menu is not elsewhere."""
        super().focusOutEvent(event)
        if event.reason() not in _STAYS:
            self.finish()
