"""The viewer for a single film: window, zoom, turn, measure, mark. Everything works with the keyboard alone."""

from dataclasses import dataclass, replace

from PySide6.QtCore import QEvent, QPointF, Qt, Signal, SignalInstance
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QWidget

from desktop.imaging.measure import manual_scale
from desktop.records import Annotation, AnnotationKind, Picture, Spacing, VoiWindow
from desktop.ui.context import UiContext
from desktop.ui.viewers.drawing import HAND_STEP, Drawing, Tool, distance_to
from desktop.ui.viewers.film_lens import histogram_box, paint_histogram, paint_lens, value_at
from desktop.ui.viewers.film_numbers import measured_words
from desktop.ui.viewers.film_painting import (
    SELECTED,
    TEXT,
    Corner,
    Mark,
    overlay_font,
    paint_corners,
    paint_marks,
    paint_pen,
)
from desktop.ui.viewers.film_scale import TrueSize, ask_screen, true_size
from desktop.ui.viewers.film_words import FilmText, corners
from desktop.ui.viewers.frame_view import FrameView
from desktop.ui.viewers.label_field import LabelField
from desktop.ui.viewers.view_commands import VIEW_COMMANDS, Surroundings
from desktop.ui.viewers.view_state import Point, ViewState, windowed, with_nearer_edge

OPEN_ENDED = (AnnotationKind.REGION, AnnotationKind.FREEHAND)
"""What measures something only once it is closed."""

PEN_STEP = 8.0
DRAG_THRESHOLD = 4.0
PICK_DISTANCE = 7.0
LEVEL_TRAVEL = 400.0
WIDTH_TRAVEL = 180.0
WHEEL_STEP = 1.2
_TOOLS = {f"viewer.tool_{tool.value}": tool for tool in Tool}
_MIDDLE = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
_CORNERS = ("viewer.corner_1", "viewer.corner_2", "viewer.corner_3", "viewer.corner_4")
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


class FilmViewer(FrameView):
    """Shows one film.

    Signals: drawn(AnnotationKind, points) when a drawing is finished; removal_asked(Annotation) and
    label_asked(Annotation) for the selected one; labelled(words) when the label asked for last was typed; tool_changed
    after the left button's meaning changed.
    """

    drawn = Signal(object, object)
    removal_asked = Signal(object)
    label_asked = Signal(object)
    labelled = Signal(str)
    tool_changed = Signal()

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.setObjectName("film_viewer")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(240, 200)
        self._tool = Tool.WINDOW
        self._drag: Drag | None = None
        self._drawing: Drawing | None = None
        self._annotations: tuple[Annotation, ...] = ()
        self._kept_here: tuple[tuple[AnnotationKind, tuple[Point, ...]], ...] = ()
        self._selected: Annotation | None = None
        self._text = FilmText()
        self._empty = ""
        self._manual: Spacing | None = None
        self._pointer: Point | None = None
        self._lens = self._histogram = False
        self._label = LabelField(context, self)
        self._labelled_points: tuple[Point, ...] = ()
        self._label.kept.connect(self._label_kept)
        self._label.left.connect(self._take_keys)
        self.state_changed.connect(self._place_label)

    # What is shown

    def show_picture(self, picture: Picture) -> None:
        """Show another picture, fitted, with no drawing on it."""
        self.finish_label()
        super().show_picture(picture)
        self.set_tool(Tool.WINDOW)

    def clear(self) -> None:
        """Forget every pixel and every word."""
        self._label.drop()
        self._annotations, self._kept_here, self._selected = (), (), None
        self._drawing, self._drag = None, None
        self._manual = self._pointer = None
        self._text = FilmText()
        super().clear()

    def set_text(self, text: FilmText) -> None:
        """Whose film it is, for the corners."""
        self._text = replace(text, note=self._text.note)
        self.update()

    def set_note(self, words: str) -> None:
        """Say in a corner that the film is not shown as it was taken; empty where it is."""
        self._text = replace(self._text, note=words)
        self.update()

    def set_empty_words(self, words: str) -> None:
        """What to say where there is no film."""
        self._empty = words
        self.update()

    def set_annotations(self, annotations: tuple[Annotation, ...]) -> None:
        """The drawings on record for this picture."""
        self._annotations = annotations
        kept = {annotation.id: annotation for annotation in annotations}
        self._selected = kept.get(self._selected.id) if self._selected is not None else None
        self._kept_here = ()
        self._manual = manual_scale(self._picture, annotations) if self._picture is not None else None
        self.update()

    def keep_here(self, kind: AnnotationKind, points: tuple[Point, ...]) -> None:
        """Show a drawing without its being on record: until it is stored, or on a film that is signed already."""
        self._kept_here = (*self._kept_here, (kind, points))
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

    # Commands: every one has a key

    def run(self, command: str) -> bool:
        """Carry out a command by its id, such as `viewer.invert`. False without a picture or such a command."""
        if self._state is None or self._source is None:
            return False
        if command == "viewer.true_size" and self.true_size.zoom is None:
            self._context.toast(self.true_size.words(self._context))
        elif command in VIEW_COMMANDS:
            self.set_state(VIEW_COMMANDS[command](self._state, self._surroundings()))
        elif command in _TOOLS:
            self.set_tool(_TOOLS[command])
        elif command == "viewer.overlay":
            self.set_state(replace(self._state, overlay=self.has_activation and not self._state.overlay))
        elif command == "viewer.calibrate_screen":
            ask_screen(self._context, self)
        elif command == "viewer.magnifier":
            self._lens = not self._lens
            self.update()
        elif command == "viewer.histogram":
            self._histogram = not self._histogram
            self.update()
        elif command in _CORNERS:
            self._toggle_corner(_CORNERS.index(command))
        elif command == "viewer.next_drawing":
            self._select_next()
        elif command == "viewer.label_drawing":
            self._ask_about_selected(self.label_asked)
        elif command == "viewer.remove_drawing":
            self._ask_about_selected(self.removal_asked)
        else:
            return False
        return True

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

    def _surroundings(self) -> Surroundings:
        if self._source is None:
            raise RuntimeError("no picture")
        return Surroundings(
            self.width(),
            self.height(),
            self.devicePixelRatioF(),
            self._source.base,
            self._source.presets,
            self.true_size.zoom,
        )

    def _toggle_corner(self, corner: int) -> None:
        """Show or hide the words of a corner, on this PC from now on; warnings stay."""
        hidden = set(self._context.settings.hidden_corners) ^ {corner}
        self._context.change_settings(replace(self._context.settings, hidden_corners=tuple(sorted(hidden))))
        self.update()

    @property
    def true_size(self) -> TrueSize:
        """At which zoom a millimetre is a millimetre, and what that rests on."""
        return true_size(self._picture, self._manual, self._context.settings.pixels_per_mm, self.screen())

    @property
    def magnifying(self) -> bool:
        """Whether the magnifier is out."""
        return self._lens

    @property
    def histogram_shown(self) -> bool:
        """Whether the histogram lies over the film."""
        return self._histogram

    def _select_next(self) -> None:
        if not self._annotations:
            return
        places = [annotation.id for annotation in self._annotations]
        place = places.index(self._selected.id) + 1 if self._selected is not None else 0
        self._selected = self._annotations[place % len(places)]
        self.update()

    def _ask_about_selected(self, asked: SignalInstance) -> None:
        if self._selected is None and len(self._annotations) == 1:
            self._selected = self._annotations[0]
        if self._selected is not None:
            asked.emit(self._selected)

    # Labels

    def start_label(self, points: tuple[Point, ...], words: str = "", hint: str = "viewer.label.placeholder") -> None:
        """Let the label of a drawing be typed beside it; whoever asks keeps in mind which drawing it is.

        hint: key of the sentence that says what to type.
        """
        if self._state is not None:
            self._labelled_points = points
            self._label.begin(words, hint)
            self._place_label()

    def finish_label(self) -> None:
        """Keep what is typed as a label, if somebody types one."""
        self._label.finish()

    def _label_kept(self, words: str) -> None:
        self.labelled.emit(words)

    def _take_keys(self) -> None:
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _place_label(self) -> None:
        if self._state is not None and not self._label.isHidden():
            corners = [QPointF(*self._state.to_view(p, self.width(), self.height())) for p in self._labelled_points]
            self._label.place(QPolygonF(corners).boundingRect(), self.size())

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

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        notches = event.angleDelta().y() / 120
        if self._state is not None and notches:
            anchor = _point(event.position())
            self.set_state(self._state.zoomed(WHEEL_STEP**notches, anchor, self.width(), self.height()))
        event.accept()

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
        near = [a for a in self._annotations if distance_to(point, a.kind, a.points) <= reach]
        self._selected = near[-1] if near else None
        self.update()

    # Painting

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show that the keys go here."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The keys go elsewhere."""
        super().focusOutEvent(event)
        self.update()

    def paint_over(self, painter: QPainter) -> None:
        """Drawings, corners, the pen and the focus line."""
        painter.setFont(overlay_font(self.font()))
        if self._picture is None or self._state is None:
            painter.setPen(TEXT)
            painter.drawText(self.rect().adjusted(12, 12, -12, -12), _MIDDLE, self._empty)
            return
        paint_marks(painter, self._marks(), self._state, self.width(), self.height())
        if self._histogram and self._source is not None:
            box = histogram_box(self.width(), self.height())
            paint_histogram(painter, self._source.histogram, self._state.window or self._source.window, box)
        if self._lens and self._source is not None:
            at = self._pointer or (self.width() / 2, self.height() / 2)
            size = (self.width(), self.height())
            paint_lens(painter, self._source, self._state, at, size, self.devicePixelRatioF())
        if self._drawing is not None and not self.underMouse():
            paint_pen(painter, self._state.to_view(self._drawing.cursor, self.width(), self.height()))
        paint_corners(
            painter,
            self._without_hidden(self._corners(self._state)),
            self.width(),
            self.height(),
        )
        if self.hasFocus():
            painter.setPen(QPen(SELECTED, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _corners(self, state: ViewState) -> tuple[Corner, Corner, Corner, Corner]:
        drawn = len(self._drawing.points) if self._drawing is not None else 0
        ratio = self.devicePixelRatioF()
        made = corners(self._context, self._text, state, self._source, self._tool, ratio, drawn)
        size = self.true_size
        if size.zoom is None or abs(size.zoom - state.zoom) > 1e-9:
            return made
        below = replace(made[2], lines=(*made[2].lines, size.words(self._context)))
        return made[0], made[1], below, made[3]

    def _without_hidden(self, made: tuple[Corner, Corner, Corner, Corner]) -> tuple[Corner, Corner, Corner, Corner]:
        """Without the words of the corners somebody hid; what is drawn now still says what comes next."""
        kept = [
            Corner((), corner.badges) if at in self._context.settings.hidden_corners else corner
            for at, corner in enumerate(made)
        ]
        if self._tool.draws is not None:
            kept[2] = made[2]
        return kept[0], kept[1], kept[2], kept[3]

    def _marks(self) -> tuple[Mark, ...]:
        marks = [
            Mark(a.kind, a.points, self._words(a.kind, a.points, a.label), selected=a == self._selected)
            for a in self._annotations
        ]
        marks += [Mark(kind, points, self._words(kind, points, "")) for kind, points in self._kept_here]
        if self._drawing is not None and self._drawing.points:
            lines = self._drawing.outline
            words = "" if self._drawing.kind in OPEN_ENDED else self._words(self._drawing.kind, lines, "")
            rectangle = self._drag is not None and self._drag.far and len(lines) == 2
            marks.append(Mark(self._drawing.kind, lines, words, selected=True, open=not rectangle))
        return tuple(marks)

    def _words(self, kind: AnnotationKind, points: tuple[Point, ...], label: str) -> str:
        if self._picture is None:
            return label
        if kind is AnnotationKind.CALIBRATION and label:
            return self._context.tr("viewer.calibration.words", length=label)
        measured = measured_words(self._context, self._picture, kind, points, self._manual)
        return " · ".join(part for part in (label, measured) if part)


def _point(position: QPointF) -> Point:
    return position.x(), position.y()
