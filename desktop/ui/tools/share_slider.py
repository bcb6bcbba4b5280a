"""A slider of a share in whole per cent that shows where the keys go."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSlider

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_HEIGHT, _WIDTH = 28, 260


class ShareSlider(QSlider):
    """Arrows move it by one, Page Up and Page Down by five."""

    def __init__(self, context: "UiContext", name: str, lowest: int, highest: int) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setObjectName(name)
        self.setRange(lowest, highest)
        self.setPageStep(5)
        self.setFixedSize(_WIDTH, _HEIGHT)
        self._context = context

    def paintEvent(self, event: QPaintEvent) -> None:
        """The slider, and a ring while it has the focus."""
        super().paintEvent(event)
        if self.hasFocus():
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(self._context.colours.focus), 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
            painter.end()
