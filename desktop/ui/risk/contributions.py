"""What each value adds, as bars to the left or the right of what a model would say if nothing were known."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from desktop.records import Finding
from desktop.ui.risk import words
from desktop.ui.widgets.parts import label

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.ui.risk.inputs import RiskInput

_SMALLEST = 0.005
_WIDEST = 1.0
"""Log-odds a full bar stands for at least: what hardly matters must not look large."""


class ContributionBar(QWidget):
    """A bar from the middle, to the right where the value raises, to the left where it lowers; the words beside it say
    the same."""

    def __init__(self, share: float, spoken: str) -> None:
        """share: -1 to 1."""
        super().__init__()
        self.setObjectName("risk_bar")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(spoken)
        self.share = share

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(140, 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bar, then the line it begins at."""
        painter = QPainter(self)
        palette, middle = self.palette(), self.width() / 2
        length = middle * abs(self.share)
        painter.setPen(Qt.PenStyle.NoPen)
        role = QPalette.ColorRole.Accent if self.share > 0 else QPalette.ColorRole.PlaceholderText
        painter.setBrush(QColor(palette.color(role)))
        painter.drawRect(QRectF(middle if self.share > 0 else middle - length, 3, length, self.height() - 6))
        painter.setBrush(QColor(palette.color(QPalette.ColorRole.WindowText)))
        painter.drawRect(QRectF(middle - 0.5, 0, 1, self.height()))
        painter.end()


class Contributions(QWidget):
    """A line for each value that adds something, the one that matters most first."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("risk_contributions")
        self._context = context
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(0, 2)
        self._grid.setColumnStretch(1, 2)
        self._grid.setColumnStretch(2, 1)

    def show_finding(self, finding: Finding | None, inputs: "dict[str, RiskInput]") -> None:
        """What adds to an answer, and by how much."""
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        parts = [] if finding is None else [one for one in finding.contributions if abs(one.log_odds) >= _SMALLEST]
        parts.sort(key=lambda one: -abs(one.log_odds))
        widest = max((abs(one.log_odds) for one in parts), default=_WIDEST)
        widest = max(widest, _WIDEST)
        for place, one in enumerate(parts):
            made = inputs[one.key]
            value = made.value
            name = label(f"risk_part_{one.key}", wrap=True)
            shown = made.text(value) if value is not None else self._context.tr("risk.unknown")
            name.setText(self._context.tr("risk.value", name=made.field.name, value=shown))
            does = label(f"risk_does_{one.key}", "muted", wrap=True)
            does.setText(words.weight_text(self._context, one.log_odds))
            self._grid.addWidget(name, place, 0)
            self._grid.addWidget(ContributionBar(one.log_odds / widest, f"{name.text()}: {does.text()}"), place, 1)
            self._grid.addWidget(does, place, 2)
