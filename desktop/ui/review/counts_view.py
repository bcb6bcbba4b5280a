"""What a model counted: how many of each kind, and between what the true number usually lies."""

from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from desktop.records import Count, Suggestion
from desktop.ui.context import UiContext
from desktop.ui.reading.step_card import paragraph
from desktop.ui.review import words
from desktop.ui.viewers.overlay import kind_colour

_SWATCH = 12


class CountsView(QWidget):
    """One line for each kind, in the colour of its boxes; in how many parts the picture was looked at, where it was;
    what the counts are not, and limits on demand."""

    def __init__(self, context: UiContext, suggestion: Suggestion, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("counts")
        self._context = context
        self._suggestion = suggestion
        self._title = QLabel(self)
        self._title.setObjectName("counts_title")
        self._title.setProperty("role", "heading")
        self._tiles = paragraph("counts_tiles", "muted", self)
        self._tiles.setVisible(suggestion.analysis.tiles > 0)
        self._note = paragraph("counts_note", "muted", self)
        self._limits = paragraph("counts_limits", "muted", self)
        self._limits.hide()
        self._rows: list[tuple[Count, QLabel, QLabel, QLabel]] = []
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        for row, count in enumerate(suggestion.analysis.counts):
            swatch = QLabel(self)
            pixels = QPixmap(_SWATCH, _SWATCH)
            pixels.fill(kind_colour(row))
            swatch.setPixmap(pixels)
            name, number, range_ = QLabel(self), QLabel(self), QLabel(self)
            number.setObjectName(f"count_{count.kind}")
            number.setProperty("role", "heading")
            range_.setObjectName(f"range_{count.kind}")
            range_.setProperty("role", "muted")
            for column, label in enumerate((swatch, name, number, range_)):
                grid.addWidget(label, row, column)
            self._rows.append((count, name, number, range_))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._title)
        layout.addLayout(grid)
        layout.addWidget(self._tiles)
        layout.addWidget(self._note)
        layout.addWidget(self._limits)
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        self._title.setText(tr("review.counts"))
        for count, name, number, range_ in self._rows:
            name.setText(words.kind_name(self._context, self._suggestion, count.kind))
            number.setText(str(count.number))
            known = count.low is not None and count.high is not None
            range_.setText(tr("review.counts.range", low=count.low, high=count.high) if known else "")
        self._tiles.setText(tr("review.counts.tiles", tiles=self._suggestion.analysis.tiles))
        self._note.setText(tr("review.counts.note"))
        self._limits.setText(words.limits(self._context, self._suggestion))

    def show_limits(self, shown: bool) -> None:
        """Open or close the model's limits."""
        self._limits.setVisible(shown)
