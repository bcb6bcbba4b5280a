"""A pane beside the film being read: an earlier film, or what changed since, with what its colours mean."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter
from PySide6.QtWidgets import QWidget

from desktop.imaging.registration_films import BRIGHTER, DARKER, FULL_COLOUR, FilmDifference, FilmRegistration
from desktop.ui.context import UiContext
from desktop.ui.viewers.film import FilmViewer
from desktop.ui.viewers.film_painting import HALO, MARGIN, TEXT, Corner, overlay_font
from desktop.ui.viewers.view_state import ViewState

_BAR = 12.0
_WIDEST = 260.0
_TALL = 380.0
_UNCHANGED = QColor(90, 90, 90)


@dataclass(frozen=True)
class Legend:
    """What the colours of a difference mean. darker, brighter: the words at the ends of the bar; below: what it rests
    on, line by line."""

    darker: str
    brighter: str
    below: tuple[str, ...] = ()


class BesidePane(FilmViewer):
    """A film that is looked at, not drawn on."""

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._legend: Legend | None = None

    @property
    def legend(self) -> Legend | None:
        """What the colours mean; None for a film."""
        return self._legend

    def set_legend(self, legend: Legend | None) -> None:
        """Say what the colours mean."""
        self._legend = legend
        self.update()

    def clear(self) -> None:
        """Forget every pixel and every word."""
        self._legend = None
        super().clear()

    def paint_over(self, painter: QPainter) -> None:
        """The legend at the bottom, where a film says its window and its zoom."""
        super().paint_over(painter)
        if self._legend is not None and self.picture is not None:
            painter.setFont(overlay_font(self.font()))
            paint_legend(painter, self._legend, self.width(), self.height())

    def _corners(self, state: ViewState) -> tuple[Corner, Corner, Corner, Corner]:
        made = super()._corners(state)
        if self._legend is None:
            return made
        return made[0], made[1], Corner(), Corner((), made[3].badges)


def paint_legend(painter: QPainter, legend: Legend, width: float, height: float) -> None:
    """A bar from darker to brighter with its words, over a dark ground, at the bottom of a pane."""
    metrics = QFontMetricsF(painter.font())
    step = metrics.height() + 2
    words = (legend.darker, legend.brighter)
    ends = sum(metrics.horizontalAdvance(one) for one in words) + 24
    # A small pane is left to the picture: what the colours mean, and no more.
    below = legend.below if height > _TALL else ()
    wide = min(max(ends, *(metrics.horizontalAdvance(one) for one in below), _WIDEST), width - 2 * MARGIN)
    stacked = ends > wide
    lines = (3 if stacked else 1) + len(below)
    tall = _BAR + lines * step + 12
    box = QRectF((width - wide) / 2 - 6, height - MARGIN - tall, wide + 12, tall)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(HALO)
    painter.drawRoundedRect(box, 4, 4)
    bar = QRectF(box.left() + 6, box.top() + 6, wide, _BAR)
    painter.fillRect(bar, _gradient(bar))
    painter.setPen(TEXT)
    line = QRectF(bar.left(), bar.bottom() + 2, wide, step)
    painter.drawText(line, Qt.AlignmentFlag.AlignLeft, words[0])
    if stacked:
        line.translate(0, step)
    painter.drawText(line, Qt.AlignmentFlag.AlignRight, words[1])
    for words_below in below:
        line.translate(0, step)
        painter.drawText(line, Qt.AlignmentFlag.AlignHCenter, words_below)


def _gradient(bar: QRectF) -> QLinearGradient:
    gradient = QLinearGradient(QPointF(bar.left(), 0), QPointF(bar.right(), 0))
    for at, colour in ((0.0, QColor(*DARKER)), (0.45, _UNCHANGED), (0.55, _UNCHANGED), (1.0, QColor(*BRIGHTER))):
        gradient.setColorAt(at, colour)
    return gradient


def difference_legend(context: UiContext, found: FilmDifference, views: tuple[str, str] = ("", "")) -> Legend:
    """What a difference of films means, and what it rests on. views: as the two files name them."""
    tr = context.tr
    below = [
        tr(
            "compare.films.based",
            correlation=_two_digits(found.registration.correlation),
            full=round(FULL_COLOUR * 100),
        ),
        tr("compare.films.caution"),
    ]
    if found.registration.mirrored:
        below.append(tr("compare.films.mirrored"))
    said = tuple(view.strip().upper() for view in views)
    if all(said) and said[0] != said[1]:
        below.append(tr("compare.films.views", now=said[0], before=said[1]))
    elif not all(said):
        below.append(tr("compare.films.view_unknown"))
    return Legend(tr("compare.films.darker"), tr("compare.films.brighter"), tuple(below))


def refusal_words(context: UiContext, found: FilmRegistration) -> str:
    """Why no difference is shown."""
    problem = found.problem.value if found.problem is not None else "not_converged"
    words = context.tr(
        f"compare.films.problem.{problem}",
        correlation=_two_digits(found.correlation),
        overlap=round(found.overlap * 100),
    )
    return f"{words}\n{context.tr('compare.films.mirrored')}" if found.mirrored else words


def _two_digits(value: float) -> str:
    return f"{value:.2f}"
