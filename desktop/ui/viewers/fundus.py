"""The grid over a photograph of the back of the eye: marked by two clicks, moved by whoever reads."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QPainter, QPen, QPolygonF

from desktop.imaging.fundus import DISC_DIAMETER_MM, DISC_FOVEA_MM, GridReference, RetinalGrid
from desktop.ui.action import Action
from desktop.ui.context import UiContext
from desktop.ui.viewers.film import FilmViewer
from desktop.ui.viewers.film_painting import HALO, LINE, SELECTED
from desktop.ui.viewers.photo_layer import PictureLayer, paint_box
from desktop.ui.viewers.view_state import Point

_TOP = 84.0
_SHORTEST = 4.0


def _action(name: str, *shortcuts: str) -> Action:
    return Action(f"grid_{name}", "grid", shortcuts, f"fundus.action.{name}")


GRID_ACTIONS: tuple[Action, ...] = (
    _action("reference", "R"),
    _action("anchor", "C"),
    _action("again", "Backspace"),
    _action("remove", "Delete"),
)
"""While somebody places a grid."""


class GridLayer(PictureLayer):
    """Two clicks give the size, the third and every other one the middle. Signals: changed(RetinalGrid or None)."""

    changed = Signal(object)

    def __init__(self, context: UiContext, viewer: FilmViewer) -> None:
        super().__init__(context, viewer, GRID_ACTIONS)
        self.setObjectName("grid_layer")
        self._grid: RetinalGrid | None = None
        self._reference = GridReference.DISC
        self._first: Point | None = None
        self._dragging = False

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """What the keys do, by action."""
        return {
            "grid_reference": self.change_reference,
            "grid_anchor": self.next_anchor,
            "grid_again": self.mark_again,
            "grid_remove": self.remove,
        }

    @property
    def grid(self) -> RetinalGrid | None:
        """The grid on the picture."""
        return self._grid

    def show_grid(self, grid: RetinalGrid | None) -> None:
        """The grid on record for the picture in front."""
        self._grid, self._first = grid, None
        if grid is not None:
            self._reference = grid.reference
        self.setVisible(self.at_work or self.has_something())
        self.update()

    def clear(self) -> None:
        """Forget it."""
        self.end()
        self._grid = self._first = None
        self.hide()

    # What the keys do

    def change_reference(self) -> None:
        """Size it by the other thing; that has to be marked anew."""
        other = GridReference.FOVEA if self._reference is GridReference.DISC else GridReference.DISC
        self._reference = other
        self.mark_again()

    def mark_again(self) -> None:
        """Mark what gives the size once more; until then the grid on record stays what it is."""
        self._grid = self._first = None
        self.update()

    def next_anchor(self) -> None:
        """Put the middle on the disc, then on the fovea where that was marked."""
        if self._grid is not None:
            anchors = self._grid.anchors
            at = anchors.index(self._grid.centre) + 1 if self._grid.centre in anchors else 0
            self._centre(anchors[at % len(anchors)])

    def remove(self) -> None:
        """Take the grid off the picture."""
        self._grid = self._first = None
        self.changed.emit(None)
        self.update()

    # The layer

    def has_something(self) -> bool:
        """Whether there is a grid."""
        return self._grid is not None

    def pressed(self, at: Point, *, shift: bool) -> None:
        """The next point that is asked for; with all of them there, the middle."""
        if self._grid is not None:
            self._centre(at)
        elif self._first is None:
            self._first = at
        elif abs(at[0] - self._first[0]) + abs(at[1] - self._first[1]) >= _SHORTEST:
            marked = RetinalGrid(at, self._first, at, self._reference)
            self._first = None
            self._take(RetinalGrid(marked.disc_centre, marked.start, marked.end, marked.reference))

    def pen_shown(self) -> bool:
        """Until the size is marked; then the arrows move the grid."""
        return self._grid is None

    def dragged(self, at: Point) -> None:
        """The middle follows the hand."""
        if self._grid is not None:
            self._centre(at)

    def moved(self, by: Point) -> bool:
        """The arrows move the grid once it is there."""
        state = self._viewer.state
        if self._grid is None or state is None:
            return False
        x, y = self._grid.centre
        self._centre(state.clamped((x + by[0], y + by[1])))
        return True

    def _centre(self, at: Point) -> None:
        grid = self._grid
        if grid is not None and at != grid.centre:
            self._take(RetinalGrid(at, grid.start, grid.end, grid.reference))

    def _take(self, grid: RetinalGrid) -> None:
        self._grid = grid
        self.changed.emit(grid)
        self.update()

    def paint_layer(self, painter: QPainter) -> None:
        """Circles and spokes; what gave the size; what the millimetres rest on."""
        grid = self._grid
        if grid is not None:
            lines = [QPolygonF([self.to_view(point) for point in line]) for line in grid.lines()]
            marked = QPolygonF([self.to_view(grid.start), self.to_view(grid.end)])
            for pen in (QPen(HALO, 3.5), QPen(SELECTED if self.at_work else LINE, 1.5)):
                painter.setPen(pen)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                for line in lines:
                    painter.drawPolyline(line)
                _cross(painter, self.to_view(grid.centre))
            dashed = QPen(LINE, 1.5, Qt.PenStyle.DashLine)
            painter.setPen(dashed)
            painter.drawPolyline(marked)
        elif self._first is not None:
            painter.setPen(QPen(SELECTED, 2))
            _cross(painter, self.to_view(self._first))
        paint_box(painter, self._words(), self.box_left(), self.width(), _TOP)

    def _words(self) -> list[str]:
        tr, grid = self._context.tr, self._grid
        words: list[str] = []
        if grid is not None:
            taken = f"{DISC_DIAMETER_MM:.2f}" if grid.reference is GridReference.DISC else f"{DISC_FOVEA_MM:.2f}"
            words += [tr("fundus.grid"), tr(f"fundus.grid.{grid.reference.value}", mm=taken)]
            words += tr("fundus.grid.estimate").split("\n")
        if self.at_work:
            asked = "placed" if grid is not None else f"{self._reference.value}_{1 if self._first is None else 2}"
            words += [tr(f"fundus.hint.{asked}"), *tr("fundus.hint.keys").split("\n")]
        return words


def _cross(painter: QPainter, at: QPointF) -> None:
    painter.drawLine(QPointF(at.x() - 6, at.y()), QPointF(at.x() + 6, at.y()))
    painter.drawLine(QPointF(at.x(), at.y() - 6), QPointF(at.x(), at.y() + 6))
