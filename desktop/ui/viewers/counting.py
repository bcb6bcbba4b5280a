"""Counting cells by click: a mark for each, a tally by class, every step kept and taken back with one key."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from desktop.imaging.counting import CLASSES, CountClass, Counting, begun
from desktop.ui.action import Action
from desktop.ui.context import UiContext
from desktop.ui.viewers.film import FilmViewer
from desktop.ui.viewers.film_painting import HALO, SELECTED
from desktop.ui.viewers.label_field import LabelField
from desktop.ui.viewers.photo_layer import PictureLayer, paint_box
from desktop.ui.viewers.view_state import Point

COLOURS = (
    *(QColor(86, 180, 233), QColor(230, 159, 0), QColor(0, 158, 115), QColor(240, 228, 66), QColor(204, 121, 167)),
    *(QColor(213, 94, 0), QColor(0, 114, 178), QColor(255, 255, 255), QColor(153, 153, 153)),
)
"""Okabe and Ito's; a class has a shape besides, as colour alone tells some nothing."""
_REACH = 12.0
_SIZE = 5.0
_TOP = 84.0
_INDENT = 20.0


def _action(name: str, *shortcuts: str) -> Action:
    return Action(f"counting_{name}", "counting", shortcuts, f"counting.action.{name}")


COUNTING_ACTIONS: tuple[Action, ...] = (
    *(_action(f"class_{number}", str(number)) for number in range(1, CLASSES + 1)),
    _action("undo", "Backspace", "Ctrl+Z"),
    _action("name", "N"),
    _action("to_findings", "T"),
)
"""While somebody counts; Shift and a click takes a mark away."""


class CountingLayer(PictureLayer):
    """Signals: changed(Counting) after each step; tally_asked(words) for the reading's findings."""

    changed = Signal(object)
    tally_asked = Signal(str)

    def __init__(self, context: UiContext, viewer: FilmViewer) -> None:
        super().__init__(context, viewer, COUNTING_ACTIONS)
        self.setObjectName("counting_layer")
        self._counting: Counting | None = None
        self._names: tuple[str, ...] = ()
        self._label = LabelField(context, self)
        self._label.setObjectName("counting_name")
        self._label.kept.connect(self._named)
        self._label.left.connect(self.setFocus)

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """What the keys do, by action."""
        choose = {f"counting_class_{number + 1}": partial(self.choose, number) for number in range(CLASSES)}
        rest = {"counting_undo": self.undo, "counting_name": self.name, "counting_to_findings": self.to_findings}
        return {**choose, **rest}

    @property
    def counting(self) -> Counting | None:
        """The count on the picture; None without a picture."""
        return self._counting

    def show_count(self, on_record: Sequence[CountClass]) -> None:
        """The count on record for the picture in front; classes named on the picture before stay ready."""
        unnamed = [self._context.tr("counting.class", number=number) for number in range(1, CLASSES + 1)]
        if self._counting is not None:
            self._names = tuple(one.name for one in self._counting.classes if one.name not in unnamed)
        counting = begun(on_record, self._names, unnamed)
        at = self._counting.at if self._counting is not None else 0
        self._counting = counting.chosen(at)
        self.setVisible(self.at_work or self.has_something())
        self.update()

    def clear(self) -> None:
        """Forget every point and every name."""
        self._label.drop()
        self.end()
        self._counting, self._names = None, ()
        self.hide()

    def tally(self) -> str:
        """What was counted, as a sentence."""
        if self._counting is None:
            return ""
        tr = self._context.tr
        shares = [
            tr("counting.share", name=share.name, count=share.count, percent=f"{share.percent or 0:.1f}")
            for share in self._counting.shares()
        ]
        return tr("counting.tally", total=self._counting.total, shares=tr("merging.same_join").join(shares))

    # What the keys do

    def choose(self, number: int) -> None:
        """Count another class."""
        if self._counting is not None:
            self._counting = self._counting.chosen(number)
            self.update()

    def undo(self) -> None:
        """Take back the last mark."""
        if self._counting is not None:
            self._take(self._counting.undone())

    def name(self) -> None:
        """Let the class that is counted be named."""
        if self._counting is not None:
            self._label.begin(self._counting.classes[self._counting.at].name, "counting.name.placeholder")
            self._label.place(QRectF(self.width() / 2 - 120, _TOP, 0, 0), self.size())

    def to_findings(self) -> None:
        """Write the tally into the reading."""
        if self._counting is not None and self._counting.total:
            self.tally_asked.emit(self.tally())

    def _named(self, words: str) -> None:
        if self._counting is not None:
            self._take(self._counting.named(self._counting.at, words))

    def _take(self, counting: Counting) -> None:
        before, self._counting = self._counting, counting
        self.update()
        if counting != before:
            self.changed.emit(counting)

    # The layer

    def has_something(self) -> bool:
        """Whether anything was counted on the picture."""
        return self._counting is not None and self._counting.total > 0

    def pressed(self, at: Point, *, shift: bool) -> None:
        """One more; with Shift the nearest one less."""
        state = self._viewer.state
        if self._counting is None or state is None:
            return
        self._take(self._counting.without(at, _REACH / state.zoom) if shift else self._counting.placed(at))

    def paint_layer(self, painter: QPainter) -> None:
        """A sign for each, and the tally at the right."""
        counting = self._counting
        if counting is None:
            return
        for number, counted in enumerate(counting.classes):
            for point in counted.points:
                paint_sign(painter, number, self.to_view(point))
        self._paint_tally(painter, counting)

    def _paint_tally(self, painter: QPainter, counting: Counting) -> None:
        tr = self._context.tr
        current = counting.at if self.at_work else None
        shown = [number for number, one in enumerate(counting.classes) if one.points or number == current]
        percents = {share.name: f"{share.percent or 0:.1f} %" for share in counting.shares()}
        lines = []
        for number in shown:
            one = counting.classes[number]
            percent = percents.get(one.name, "")
            lines.append(tr("counting.row", number=number + 1, name=one.name, count=len(one.points), percent=percent))
        lines.append(tr("counting.total", total=counting.total))
        if self.at_work:
            lines.extend(tr("counting.hint").split("\n"))
        places = paint_box(painter, lines, self.box_left(), self.width(), _TOP, _INDENT)
        for number, place in zip(shown, places, strict=False):
            paint_sign(painter, number, QPointF(place.left() + 12, place.center().y()))
            if number == current:
                painter.setPen(QPen(SELECTED, 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(place)


def paint_sign(painter: QPainter, number: int, at: QPointF) -> None:
    """The sign of a class, with a dark rim so that it shows on pale cells and dark ones."""
    for pen, size in ((QPen(HALO, 3.5), _SIZE), (QPen(COLOURS[number], 1.8), _SIZE)):
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        _shape(painter, number, at, size)


def _shape(painter: QPainter, number: int, at: QPointF, size: float) -> None:
    x, y = at.x(), at.y()
    outlines: dict[int, Sequence[tuple[float, float]]] = {
        1: ((-1, -1), (1, -1), (1, 1), (-1, 1)),
        2: ((0, -1.2), (1.1, 0.9), (-1.1, 0.9)),
        3: ((0, -1.3), (1.1, 0), (0, 1.3), (-1.1, 0)),
        6: ((0, 1.2), (1.1, -0.9), (-1.1, -0.9)),
        7: ((0, -1.2), (1.15, -0.3), (0.7, 1.1), (-0.7, 1.1), (-1.15, -0.3)),
    }
    if number in outlines:
        painter.drawPolygon(QPolygonF([QPointF(x + dx * size, y + dy * size) for dx, dy in outlines[number]]))
    elif number in (4, 5):
        ends = ((1, 0), (0, 1)) if number == 4 else ((0.8, 0.8), (0.8, -0.8))
        for dx, dy in ends:
            painter.drawLine(QPointF(x - dx * size, y - dy * size), QPointF(x + dx * size, y + dy * size))
    else:
        painter.drawEllipse(at, size if number == 0 else size * 1.5, size if number == 0 else size * 1.5)
