"""Drawing and measuring on the slices of a volume viewer, and which of them are marked.

On one of the scan's own pictures a drawing goes on record; on any other plane it is measured and stays on the screen.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal

from desktop.imaging.frame_run import FramePlace
from desktop.imaging.measure import manual_scale
from desktop.imaging.slice_ground import Ground
from desktop.records import Annotation, AnnotationKind, InstanceId, Picture
from desktop.ui.action import bind
from desktop.ui.context import UiContext
from desktop.ui.viewers.drawing import HAND_STEP, Drawing, Tool, distance_to
from desktop.ui.viewers.film_drawn import PICK_DISTANCE
from desktop.ui.viewers.film_numbers import measured_words
from desktop.ui.viewers.film_painting import Mark
from desktop.ui.viewers.film_words import STEPS
from desktop.ui.viewers.foreign_mark import ForeignMark
from desktop.ui.viewers.slice_grounds import SliceGrounds
from desktop.ui.viewers.slice_layer import SliceLayer
from desktop.ui.viewers.slice_marks import (
    MarkedSlice,
    OnScreen,
    drawings_by_picture,
    marked_elsewhere,
    marked_slices,
    next_marked,
)
from desktop.ui.viewers.slice_tools import SLICE_ACTIONS, SLICE_TOOLS
from desktop.ui.viewers.view_state import Point
from desktop.ui.viewers.volume import VolumeViewer
from desktop.ui.viewers.volume_state import PaneKind

_PICTURES = 8
_OPEN_ENDED = (AnnotationKind.REGION, AnnotationKind.FREEHAND)


@dataclass(frozen=True)
class _Under:
    """A drawing under way."""

    pane: PaneKind
    ground: Ground
    drawing: Drawing


class SliceDrawer(QObject):
    """Signals: drawn(FramePlace, AnnotationKind, points) when a drawing that can be kept is finished;
    removal_asked(Annotation), label_asked(Annotation) for the selected one; labelled(words); wanted(Ground) where its
    picture is needed to measure on, to be answered with `give_picture`; changed() after the tool or a mark did."""

    drawn = Signal(object, object, object)
    removal_asked = Signal(object)
    label_asked = Signal(object)
    labelled = Signal(str)
    wanted = Signal(object)
    changed = Signal()

    def __init__(self, context: UiContext, viewer: VolumeViewer) -> None:
        super().__init__(viewer)
        self._context = context
        self._viewer = viewer
        self.grounds = SliceGrounds(viewer)
        self._annotations: tuple[Annotation, ...] = ()
        self._foreign: tuple[ForeignMark, ...] = ()
        self._keys: frozenset[FramePlace] = frozenset()
        self._foreign_shown = True
        self._pictures: dict[FramePlace | Ground, Picture | None] = {}
        self._here: tuple[OnScreen, ...] = ()
        self._tool: Tool | None = None
        self._under: _Under | None = None
        self._selected: Annotation | None = None
        self._labelling: SliceLayer | None = None
        self.layers = {kind: SliceLayer(context, pane, self) for kind, pane in viewer.panes.items()}
        self.actions = bind(
            context, viewer, SLICE_ACTIONS, {action.id: partial(self.run, action.id) for action in SLICE_ACTIONS}
        )
        for layer in self.layers.values():
            layer.label.kept.connect(self.labelled)
            layer.label.left.connect(self._take_keys)
        viewer.state_changed.connect(self._follow)
        viewer.series_shown.connect(self._series_shown)
        viewer.book.changed.connect(self._book_changed)
        self._offer()

    # What is shown

    def begin(self, instances: Mapping[str, InstanceId]) -> None:
        """The whole series is there. instances: the study's pictures by SOP instance UID."""
        self.grounds.begin(instances)
        self._follow()
        self.changed.emit()

    def clear(self) -> None:
        """Forget every drawing and every word."""
        self._drop_labels()
        self.grounds.begin({})
        self._annotations, self._foreign = (), ()
        self._keys, self._here = frozenset(), ()
        self._pictures.clear()
        self._tool = self._under = self._selected = None
        self._offer()
        self._follow()
        self.changed.emit()

    def set_annotations(self, annotations: tuple[Annotation, ...]) -> None:
        """The drawings on record for the study."""
        kept = {one.id: one for one in annotations}
        self._annotations = annotations
        self._selected = kept.get(self._selected.id) if self._selected is not None else None
        self._here = tuple(one for one in self._here if one.ground.place is None)
        self._follow()
        self.changed.emit()

    def set_marks(self, marks: Sequence[ForeignMark]) -> None:
        """What files of other programs draw on pictures of the study."""
        self._foreign = tuple(marks)
        self._follow()
        self.changed.emit()

    def set_keys(self, keys: frozenset[FramePlace]) -> None:
        """Which pictures are key images."""
        self._keys = keys
        self._follow()
        self.changed.emit()

    def set_shown(self, shown: bool) -> None:
        """Show imported drawings, or leave them out."""
        self._foreign_shown = shown
        self._follow()

    def give_picture(self, ground: Ground, picture: Picture | None) -> None:
        """The picture a ground shows; None where it could not be read."""
        self._pictures[ground.place or ground] = picture
        while len(self._pictures) > _PICTURES:
            del self._pictures[next(iter(self._pictures))]
        self._follow()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.actions.retranslate()
        self._follow()

    def _series_shown(self) -> None:
        """Another series: nothing of the one before fits."""
        self._drop_labels()
        self._here = ()
        self._pictures.clear()
        self._tool = self._under = self._selected = None
        self.grounds.begin({})
        self._offer()
        self._follow()

    def _offer(self) -> None:
        for action in SLICE_ACTIONS:
            self.actions[action.id].setEnabled(self._viewer.series is not None)

    def _book_changed(self) -> None:
        if self.painting and self._tool is not None:
            self.set_tool(None)
        else:
            self._follow()

    def _follow(self) -> None:
        if self._tool is not None and self._under is not None and self._under.pane is self.grounds.own_pane:
            self._settle()
        under = self._under
        if under is not None:
            ground = self.grounds.ground(under.pane)
            if ground is None or not ground.same(under.ground):
                # Another slice came: what is half drawn stays behind.
                self._under = self._fresh(under.pane)
        for layer in self.layers.values():
            if not layer.pane.isHidden():
                layer.follow()

    def _settle(self) -> None:
        """Nothing is drawn between two pictures: a slab stays, else the nearest picture comes."""
        state = self._viewer.state
        if state is not None and state.slab.thickness_mm == 0:
            self.grounds.settle()

    @property
    def painting(self) -> bool:
        """Whether the left button paints a mask."""
        return self._viewer.book.painting

    # What lies there

    def marks(self, kind: PaneKind) -> tuple[Mark, ...]:
        """What is painted over a pane."""
        if not (self._annotations or self._foreign or self._here or self._under):
            return ()
        ground = self.grounds.near(kind)
        if ground is None:
            return ()
        found = [
            Mark(one.kind, one.points, self._words(ground, one.kind, one.points, one.label), one == self._selected)
            for one in self.annotations(ground)
        ]
        found += [
            Mark(one.kind, self._moved(one, ground), self._words(one.ground, one.kind, one.points))
            for one in self._here
            if one.ground.same(ground)
        ]
        if self._foreign_shown and ground.place is not None:
            found += [one.mark for one in self._foreign if one.place == ground.place]
        under = self._under
        if under is not None and under.pane is kind and under.drawing.points:
            lines = under.drawing.outline
            words = "" if under.drawing.kind in _OPEN_ENDED else self._words(ground, under.drawing.kind, lines)
            rectangle = under.drawing.dragging and len(lines) == 2
            found.append(Mark(under.drawing.kind, lines, words, selected=True, open=not rectangle))
        return tuple(found)

    def annotations(self, ground: Ground) -> tuple[Annotation, ...]:
        """The drawings on record that lie on a picture."""
        if ground.place is None:
            return ()
        return tuple(
            one for one in self._annotations if (one.instance, one.frame) == (ground.place.instance, ground.place.frame)
        )

    @staticmethod
    def _moved(one: OnScreen, ground: Ground) -> tuple[Point, ...]:
        return tuple(ground.to_picture(one.ground.to_patient(point)) for point in one.points)

    def _words(self, ground: Ground, kind: AnnotationKind, points: tuple[Point, ...], label: str = "") -> str:
        key = ground.place or ground
        if key not in self._pictures:
            self._pictures[key] = None  # asked for once
            self.wanted.emit(ground)
        picture = self._pictures.get(key)
        if picture is None:
            return label
        same = tuple(one for one in self._annotations if ground.place and one.instance == ground.place.instance)
        measured = measured_words(self._context, picture, kind, points, manual_scale(picture, same))
        return " · ".join(part for part in (label, measured) if part)

    def is_key(self, kind: PaneKind) -> bool:
        """Whether a pane shows a key image."""
        return bool(self._keys) and kind is self.grounds.own_pane and self.grounds.place in self._keys

    def cursor(self, kind: PaneKind) -> Point | None:
        """Where the pen is, if it is on this pane."""
        return self._under.drawing.cursor if self._under is not None and self._under.pane is kind else None

    def lines(self, kind: PaneKind) -> tuple[str, ...]:
        """What to say over a pane: what comes next, and that nothing drawn here is kept."""
        ground, tool, under = self.grounds.ground(kind), self._tool, self._under
        if ground is None:
            return ()
        tr = self._context.tr
        said = []
        if tool is not None and under is not None and under.pane is kind:
            step = f"_{min(len(under.drawing.points), STEPS[tool] - 1) + 1}" if tool in STEPS else ""
            said.append(tr(f"viewer.hint.{tool.value}{step}"))
        here = any(one.ground.same(ground) for one in self._here)
        if ground.place is None and (said or here):
            said.append(tr("slice.not_kept"))
        return tuple(said)

    # Marked slices

    @property
    def marked(self) -> tuple[MarkedSlice, ...]:
        """Every slice of the series that is a key image or is drawn on, in the order of scrolling."""
        return marked_slices(self.grounds, self._keys, self._drawn())

    @property
    def elsewhere(self) -> tuple[tuple[FramePlace, bool, int], ...]:
        """Marked pictures of the study that are none of this series': which, whether a key image, how many drawings."""
        return marked_elsewhere(self.grounds, self._keys, self._drawn())

    def _drawn(self) -> Counter[FramePlace]:
        return drawings_by_picture(self._annotations, self._foreign)

    def jump(self, slice: MarkedSlice) -> None:
        """Show a marked slice, in the plane it was taken in."""
        self.grounds.show(slice.moment, slice.number)

    def step_marked(self, by: int) -> None:
        """The next marked slice (1), or the one before (-1); round and round."""
        found = next_marked(self.grounds, self.marked, by)
        if found is None:
            self._context.toast(self._context.tr("slice.none_marked"))
        else:
            self.jump(found)

    # Commands

    def run(self, command: str) -> bool:
        """Carry out a command by its id, such as `slice.tool_length`. False without a series or such a command."""
        state = self._viewer.state
        if self._viewer.series is None or state is None:
            return False
        if command in SLICE_TOOLS:
            self.set_tool(SLICE_TOOLS[command])
        elif command == "slice.next_drawing":
            self._select_next()
        elif command == "slice.label_drawing":
            self._ask(self.label_asked.emit)
        elif command == "slice.remove_drawing":
            self._remove()
        elif command in ("slice.next_marked", "slice.previous_marked"):
            self.step_marked(1 if command == "slice.next_marked" else -1)
        else:
            return False
        return True

    @property
    def tool(self) -> Tool | None:
        """What the left button draws; None while it moves the cross."""
        return self._tool

    @property
    def selected(self) -> Annotation | None:
        """The drawing that Delete would remove."""
        return self._selected

    def set_tool(self, tool: Tool | None) -> None:
        """Begin a drawing in the pane that has the keys, on the slice nearest to the cross; None for no tool."""
        series, state = self._viewer.series, self._viewer.state
        if series is None or state is None:
            return
        self._under = None
        if tool is None:
            had, self._tool = self._tool, None
            self._follow()
            if had is not None:
                self._take_keys()
            self.changed.emit()
            return
        pane = state.active if series.solid else PaneKind.SLICES
        if self.grounds.ground(pane) is None:
            self._context.toast(self._context.tr("slice.nothing_to_draw_on"))
            return
        self.finish_label()
        self._tool = tool
        self._viewer.book.set_painting(False)
        if pane is self.grounds.own_pane:
            self._settle()
        self._under = self._fresh(pane)
        self._follow()
        layer = self.layers[pane]
        layer.setFocus(Qt.FocusReason.OtherFocusReason)
        self.changed.emit()

    def _fresh(self, pane: PaneKind) -> _Under | None:
        ground = self.grounds.ground(pane)
        if ground is None or self._tool is None or self._tool.draws is None:
            return None
        return _Under(pane, ground, Drawing(self._tool.draws, self.layers[pane].middle))

    def _take_keys(self) -> None:
        self._viewer.setFocus(Qt.FocusReason.OtherFocusReason)

    def _visible(self) -> tuple[Annotation, ...]:
        """The drawings on record in the panes on show."""
        found: dict[str, Annotation] = {}
        for kind, layer in self.layers.items():
            ground = self.grounds.near(kind) if not layer.pane.isHidden() else None
            found |= {one.id: one for one in self.annotations(ground)} if ground is not None else {}
        return tuple(found.values())

    def _select_next(self) -> None:
        here = self._visible()
        if here:
            at = here.index(self._selected) + 1 if self._selected in here else 0
            self._selected = here[at % len(here)]
            self._follow()

    def _ask(self, asked: Callable[[Annotation], object]) -> None:
        here = self._visible()
        if self._selected not in here:
            self._selected = here[0] if len(here) == 1 else None
            self._follow()
        if self._selected is not None:
            asked(self._selected)

    def _remove(self) -> None:
        """The selected drawing; without one, what was measured last on a plane that keeps nothing."""
        grounds = [self.grounds.ground(kind) for kind, layer in self.layers.items() if not layer.pane.isHidden()]
        here = [one for one in self._here if any(ground is not None and one.ground.same(ground) for ground in grounds)]
        if here and self._selected not in self._visible():
            self._here = tuple(one for one in self._here if one is not here[-1])
            self._follow()
        else:
            self._ask(self.removal_asked.emit)

    # Drawing, told by the layers

    def press(self, kind: PaneKind, point: Point) -> None:
        """A point set with the button held; in another pane the drawing begins there."""
        state = self._viewer.state
        if self._under is None or self._under.pane is not kind:
            if state is not None and self._viewer.series is not None and self._viewer.series.solid:
                self._viewer.set_state(replace(state, active=kind))
            if kind is self.grounds.own_pane:
                self._settle()
            self._under = self._fresh(kind)
        self._change(lambda drawing: drawing.pressed(point))

    def move(self, kind: PaneKind, point: Point) -> None:
        """The pen elsewhere."""
        if self._under is not None and self._under.pane is kind:
            placing = self.grounds.placing(kind)
            least = HAND_STEP / placing.scale if placing is not None else 0.0
            self._change(lambda drawing: drawing.moved(point, least))

    def release(self, kind: PaneKind, point: Point, *, far: bool) -> None:
        """The button let go."""
        if self._under is not None and self._under.pane is kind:
            self._change(lambda drawing: drawing.released(point, far=far))
            self._finish(self._under.drawing.finished_by_release(far=far))

    def set_point(self) -> None:
        """Set a point where the pen is; again there ends a drawing of any number of points."""
        if self._under is None:
            return
        drawing = self._under.drawing
        again = bool(drawing.points) and drawing.points[-1] == drawing.cursor
        placed = drawing if again else drawing.pressed(drawing.cursor).released(drawing.cursor, far=False)
        self._change(lambda _: placed)
        if again or placed.complete:
            self._finish(placed.closed())

    def close_line(self) -> None:
        """End a drawing of any number of points."""
        if self._under is not None and self._under.drawing.points:
            self._finish(self._under.drawing.closed())

    def take_back(self) -> None:
        """One point fewer."""
        self._change(Drawing.without_last)

    def _change(self, step: Callable[[Drawing], Drawing]) -> None:
        under = self._under
        if under is not None:
            self._under = replace(under, drawing=step(under.drawing))
            self.layers[under.pane].update()

    def _finish(self, points: tuple[Point, ...] | None) -> None:
        under = self._under
        if under is None:
            return
        if points is None:
            if under.drawing.complete:
                self._change(Drawing.without_last)
            return
        self._here = (*self._here, OnScreen(under.ground, under.drawing.kind, points))
        self.set_tool(None)
        if under.ground.place is not None:
            self.drawn.emit(under.ground.place, under.drawing.kind, points)

    def pick(self, kind: PaneKind, at: Point) -> bool:
        """Select the drawing under a point of a pane; False where there is none."""
        ground, placing = self.grounds.near(kind), self.grounds.placing(kind)
        if ground is None or placing is None:
            return False
        point, reach = placing.to_picture(at), PICK_DISTANCE / placing.scale
        near = [one for one in self.annotations(ground) if distance_to(point, one.kind, one.points) <= reach]
        had, self._selected = self._selected, near[-1] if near else None
        if had != self._selected:
            self._follow()
        if near:
            self._take_keys()
        return bool(near)

    # Labels

    def start_label(self, place: FramePlace, points: tuple[Point, ...], words: str = "") -> None:
        """Let the words of a drawing be typed beside it, where its slice is shown."""
        for kind, layer in self.layers.items():
            ground = self.grounds.near(kind) if not layer.pane.isHidden() else None
            if ground is not None and ground.place == place:
                self.finish_label()
                self._labelling = layer
                layer.start_label(points, words)
                return

    def finish_label(self) -> None:
        """Keep what is typed as a label, if somebody types one."""
        if self._labelling is not None:
            self._labelling.label.finish()

    def _drop_labels(self) -> None:
        for layer in self.layers.values():
            layer.label.drop()
        self._labelling = None
