"""A probability as a bar: its length says it, the colour only helps."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget


class ProbabilityBar(QWidget):
    """A thin bar from 0 to 1 with a mark at one half. calm: drawn in the quiet colour, for what cannot be said."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("probability_bar")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._value = 0.0
        self._calm = False

    @property
    def value(self) -> float:
        """What it shows, 0 to 1."""
        return self._value

    def set_value(self, value: float, *, calm: bool, words: str) -> None:
        """Show a probability; words are for those who hear the screen."""
        self._value = value
        self._calm = calm
        self.setAccessibleName(words)
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(160, 10)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The track, the bar, the mark."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        palette = self.palette()
        track = QColor(palette.color(QPalette.ColorRole.Button))
        fill = palette.color(QPalette.ColorRole.PlaceholderText if self._calm else QPalette.ColorRole.Accent)
        whole = QRectF(0, 1, self.width(), self.height() - 2)
        painter.setBrush(track)
        painter.drawRoundedRect(whole, 4, 4)
        painter.setBrush(fill)
        painter.drawRoundedRect(QRectF(0, 1, max(4.0, self.width() * self._value), self.height() - 2), 4, 4)
        painter.setBrush(palette.color(QPalette.ColorRole.WindowText))
        painter.drawRect(QRectF(self.width() / 2 - 0.5, 0, 1, self.height()))
        painter.end()
