"""A film under the hand: what mouse and keys do to it, which tool draws, which drawings lie on the picture shown."""

from dataclasses import dataclass, replace

from PySide6.QtCore import QEvent, QPointF, Qt, Signal, SignalInstance
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from desktop.imaging.frame_run import FramePlace
from desktop.imaging.measure import manual_scale
from desktop.records import Annotation, AnnotationKind, Picture, Spacing, VoiWindow
from desktop.ui.context import UiContext
from desktop.ui.viewers.drawing import HAND_STEP, Drawing, Tool, distance_to
from desktop.ui.viewers.film_lens import histogram_box, value_at
from desktop.ui.viewers.frame_view import FrameView
from desktop.ui.viewers.view_state import Point, windowed, with_nearer_edge

PEN_STEP = 8.0
DRAG_THRESHOLD = 4.0
PICK_DISTANCE = 7.0
LEVEL_TRAVEL = 400.0
WIDTH_TRAVEL = 180.0
_PEN_KEYS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_PAN_KEYS = {
    Qt.Key.Key_Left: "viewer.pan_left",
    Qt.Key.Key_Right: "viewer.pan_right",
    Qt.Key.Key_Up: "viewer.pan_up",
    Qt.Key.Key_Down: "viewer.pan_down",
}


@dataclass(frozen=True)
class Drag:
    """A button held down: what it does, where it began and where it is, the window at the start."""

    tool: Tool
    start: Point
    last: Point
    window: VoiWindow
    far: bool = False


@dataclass(frozen=True)
class KeptHere:
    """A drawing that is on the screen only. place: of the picture it was drawn on; None of a single film."""

    place: FramePlace | None
    kind: AnnotationKind
    points: tuple[Point, ...]


class DrawnFilm(FrameView):
    """Signals: drawn(AnnotationKind, points) when a drawing is finished; removal_asked(Annotation) and
    label_asked(Annotation) for the selected one; tool_changed after the left button's meaning changed."""

    drawn = Signal(object, object)
    removal_asked = Signal(object)
    label_asked = Signal(object)
    tool_changed = Signal()

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._tool = Tool.WINDOW
        self._drag: Drag | None = None
        self._drawing: Drawing | None = None
        self._annotations: tuple[Annotation, ...] = ()
        self._kept_here: tuple[KeptHere, ...] = ()
        self._selected: Annotation | None = None
        self._manual: Spacing | None = None
        self._pointer: Point | None = None
        self._lens = self._histogram = False

    def run(self, command: str) -> bool:
        """Carry out a command by its id; a film alone has none."""
        return False

    def show_picture(self, picture: Picture) -> None:
        """Show another picture, fitted, with no drawing on it."""
        super().show_picture(picture)
        self.set_tool(Tool.WINDOW)

    def clear(self) -> None:
        """Forget every pixel and every drawing."""
        self._annotations, self._kept_here, self._selected = (), (), None
        self._drawing, self._drag = None, None
        self._manual = self._pointer = None
        super().clear()

    # Drawings

    @property
    def place(self) -> FramePlace | None:
        """Which picture of a run is on the screen; None for a single film."""
        return None

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        """The drawings on record that lie on the picture shown."""
        place = self.place
        if place is None:
            return self._annotations
        return tuple(a for a in self._annotations if (a.instance, a.frame) == (place.instance, place.frame))

    def set_annotations(self, annotations: tuple[Annotation, ...]) -> None:
        """The drawings on record for this picture, or for all pictures of the run."""
        self._annotations = annotations
        kept = {annotation.id: annotation for annotation in annotations}
        self._selected = kept.get(self._selected.id) if self._selected is not None else None
        self._kept_here = ()
        self._calibrate()
        self.update()

    def _calibrate(self) -> None:
        """A known object on one frame is as long on every frame of its file."""
        place = self.place
        same = tuple(a for a in self._annotations if place is None or a.instance == place.instance)
        self._manual = manual_scale(self._picture, same) if self._picture is not None else None

    def _picture_changed(self) -> None:
        """Another picture of the run is on the screen: what is half drawn stays behind."""
        self._selected = None
        if self._drawing is not None:
            self.set_tool(self._tool)
        self._calibrate()
        self.update()

    def keep_here(self, kind: AnnotationKind, points: tuple[Point, ...]) -> None:
        """Show a drawing without its being on record: until it is stored, or on a film that is signed already."""
        self._kept_here = (*self._kept_here, KeptHere(self.place, kind, points))
        self.update()

    @property
    def tool(self) -> Tool:
        """What the left button does."""
        return self._tool

    @property
    def drawing(self) -> Drawing | None:
        """The drawing under way."""
        return self._drawing

    @property
    def selected(self) -> Annotation | None:
        """The drawing that Delete would remove."""
        return self._selected

    @property
    def magnifying(self) -> bool:
        """Whether the magnifier is out."""
        return self._lens

    @property
    def histogram_shown(self) -> bool:
        """Whether the histogram lies over the film."""
        return self._histogram

    def set_tool(self, tool: Tool) -> None:
        """Give the left button a meaning; a drawing tool begins with its pen in the middle."""
        self._tool = tool
        self._drawing = None
        if tool.draws is not None and self._state is not None:
            middle = self._state.to_picture((self.width() / 2, self.height() / 2), self.width(), self.height())
            self._drawing = Drawing(tool.draws, middle)
        crosshair = tool.draws is not None
        shape = Qt.CursorShape.CrossCursor if crosshair else Qt.CursorShape.ArrowCursor
        self.setCursor(Qt.CursorShape.OpenHandCursor if tool is Tool.PAN else shape)
        self.update()
        self.tool_changed.emit()

    def _select_next(self) -> None:
        here = self.annotations
        if not here:
            return
        places = [annotation.id for annotation in here]
        place = places.index(self._selected.id) + 1 if self._selected is not None else 0
        self._selected = here[place % len(places)]
        self.update()

    def _ask_about_selected(self, asked: SignalInstance) -> None:
        if self._selected is None and len(self.annotations) == 1:
            self._selected = self.annotations[0]
        if self._selected is not None:
            asked.emit(self._selected)

    # Drawing

    def _finish(self, points: tuple[Point, ...] | None) -> None:
        if points is None or self._drawing is None:
            if self._drawing is not None and self._drawing.complete:
                # As many points as there can be, but nothing between them: the last one is asked for again.
                self._drawing = self._drawing.without_last()
            return
        kind = self._drawing.kind
        self.set_tool(Tool.WINDOW)
        self.keep_here(kind, points)
        self.drawn.emit(kind, points)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The pen's keys while a drawing is under way, else the arrows move the film; the rest goes on."""
        if self._drawing is not None:
            taken = self._pen_key(event, self._drawing)
        else:
            taken = event.key() in _PAN_KEYS and self.run(_PAN_KEYS[Qt.Key(event.key())])
        if not taken:
            super().keyPressEvent(event)

    def _pen_key(self, event: QKeyEvent, drawing: Drawing) -> bool:
        key = Qt.Key(event.key())
        if key in _PEN_KEYS:
            self._move_pen(drawing, *_PEN_KEYS[key], fine=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._place_point(drawing)
        elif key == Qt.Key.Key_Backspace:
            self._drawing = drawing.without_last()
        elif key == Qt.Key.Key_Escape:
            self.set_tool(Tool.WINDOW)
        else:
            return False
        self.update()
        return True

    def _move_pen(self, drawing: Drawing, right: int, down: int, *, fine: bool) -> None:
        if self._state is None:
            return
        step = 1.0 if fine else PEN_STEP
        x, y = self._state.direction_to_picture(right * step / self._state.zoom, down * step / self._state.zoom)
        self._drawing = drawing.moved(self._state.clamped((drawing.cursor[0] + x, drawing.cursor[1] + y)))

    def _place_point(self, drawing: Drawing) -> None:
        """Enter sets a point; a drawing ends with the last it can have, others when Enter is pressed there again."""
        again = bool(drawing.points) and drawing.points[-1] == drawing.cursor
        placed = drawing if again else drawing.pressed(drawing.cursor).released(drawing.cursor, far=False)
        self._drawing = placed
        if again or placed.complete:
            self._finish(placed.closed())

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Left: the tool. Right: brightness and contrast. Middle: move."""
        if self._state is None or self._source is None:
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        button = event.button()
        tool = self._tool
        if button is Qt.MouseButton.RightButton:
            tool = Tool.WINDOW
        elif button is Qt.MouseButton.MiddleButton:
            tool = Tool.PAN
        elif button is not Qt.MouseButton.LeftButton:
            return
        at = _point(event.position())
        self._drag = Drag(tool, at, at, self._state.window or self._source.base)
        if self._take_histogram(at):
            return
        if tool.draws is not None and self._drawing is not None:
            self._drawing = self._drawing.pressed(self._on_picture(at))
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the hand."""
        at = _point(event.position())
        drag, self._pointer = self._drag, at
        if self._lens:
            self.update()
        if self._drawing is not None and self._state is not None:
            self._drawing = self._drawing.moved(self._on_picture(at), HAND_STEP / self._state.zoom)
            self.update()
        if drag is None or self._state is None:
            return
        far = drag.far or max(abs(at[0] - drag.start[0]), abs(at[1] - drag.start[1])) > DRAG_THRESHOLD
        self._drag = replace(drag, last=at, far=far)
        if not far or self._take_histogram(at):
            return
        if drag.tool is Tool.PAN:
            self.set_state(self._state.panned(at[0] - drag.last[0], at[1] - drag.last[1]))
        elif drag.tool is Tool.WINDOW:
            darker = (at[1] - drag.start[1]) / LEVEL_TRAVEL * (-1 if self._state.inverted else 1)
            wider = (at[0] - drag.start[0]) / WIDTH_TRAVEL
            self.set_state(replace(self._state, window=windowed(drag.window, darker, wider)))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag, set a point, or pick a drawing."""
        drag, self._drag = self._drag, None
        if drag is None or self._state is None:
            return
        at = _point(event.position())
        if self._on_histogram(drag.start):
            return
        if drag.tool.draws is not None and self._drawing is not None:
            self._drawing = self._drawing.released(self._on_picture(at), far=drag.far)
            self._finish(self._drawing.finished_by_release(far=drag.far))
        elif not drag.far:
            self._pick(at)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Close a polygon; without one, label the drawing there; without that, fit the picture."""
        if self._drawing is not None and self._drawing.points:
            self._finish(self._drawing.closed())
            return
        self._pick(_point(event.position()))
        if self._selected is not None:
            self.label_asked.emit(self._selected)
        else:
            self.run("viewer.fit")

    def leaveEvent(self, event: QEvent) -> None:
        """The magnifier goes back to the middle."""
        super().leaveEvent(event)
        self._pointer = None
        self.update()

    def _on_histogram(self, at: Point) -> bool:
        return self._histogram and histogram_box(self.width(), self.height()).contains(QPointF(*at))

    def _take_histogram(self, at: Point) -> bool:
        """Move the nearer edge of the window to where the histogram is pressed or dragged."""
        if self._drag is None or not self._on_histogram(self._drag.start):
            return False
        if self._source is None or self._state is None:
            return False
        box = histogram_box(self.width(), self.height())
        value = value_at(self._source.histogram, box, min(max(at[0], box.left()), box.right()))
        window = self._state.window or self._source.base
        self.set_state(replace(self._state, window=with_nearer_edge(window, value)))
        return True

    def _on_picture(self, at: Point) -> Point:
        if self._state is None:
            raise RuntimeError("no picture")
        return self._state.clamped(self._state.to_picture(at, self.width(), self.height()))

    def _pick(self, at: Point) -> None:
        if self._state is None:
            return
        point = self._state.to_picture(at, self.width(), self.height())
        reach = PICK_DISTANCE / self._state.zoom
        near = [a for a in self.annotations if distance_to(point, a.kind, a.points) <= reach]
        self._selected = near[-1] if near else None
        self.update()


def _point(position: QPointF) -> Point:
    return position.x(), position.y()
