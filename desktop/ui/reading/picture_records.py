"""Keeps drawings that change with every click: each on record as it is now, as often as the store can keep up."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject

from desktop import workflow
from desktop.imaging.geometry import Point
from desktop.imaging.measure_lines import LAYERED
from desktop.jobs import Job
from desktop.records import Annotation, AnnotationId, AnnotationKind, InstanceId, new_id
from desktop.ui.context import UiContext

Place = tuple[InstanceId, AnnotationKind, int]
"""Which drawing: of which picture, of which kind, the how-manieth of them."""


@dataclass(frozen=True)
class _State:
    """What a drawing is; no points where it is none."""

    points: tuple[Point, ...]
    label: str


class DrawingKeeper(QObject):
    """While a drawing is being stored only its newest state waits."""

    def __init__(self, context: UiContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._ids: dict[Place, AnnotationId] = {}
        self._kept: dict[Place, _State] = {}
        self._waiting: dict[Place, _State] = {}
        self._storing: Place | None = None

    @property
    def busy(self) -> bool:
        """Whether the record is behind the screen."""
        return self._storing is not None or bool(self._waiting)

    def take(self, here: Sequence[Annotation]) -> None:
        """What is on record for the picture that came to the front, in order."""
        for kind in LAYERED:
            for number, drawing in enumerate(one for one in here if one.kind is kind):
                place = (drawing.instance, kind, number)
                self._ids[place] = drawing.id
                self._kept[place] = _State(drawing.points, drawing.label)

    def keep(
        self, instance: InstanceId, kind: AnnotationKind, number: int, points: tuple[Point, ...], label: str
    ) -> None:
        """Put a drawing on record as it is now."""
        self._want((instance, kind, number), _State(points, label))

    def remove(self, instance: InstanceId, kind: AnnotationKind, number: int = 0) -> None:
        """Take a drawing off the record's face; its rows stay."""
        place = (instance, kind, number)
        if place in self._kept or place in self._waiting or self._storing == place:
            self._want(place, _State((), ""))

    def clear(self) -> None:
        """Another study comes, or the clinic is locked: what waits joins the store's queue now; all is forgotten."""
        while self._waiting:
            self._store_first()
        self._ids.clear()
        self._kept.clear()

    def _want(self, place: Place, state: _State) -> None:
        if self._storing != place and self._kept.get(place, _State((), "")) == state:
            self._waiting.pop(place, None)
            return
        self._waiting[place] = state
        self._store_next()

    def _store_next(self) -> None:
        while self._storing is None and self._waiting:
            self._store_first()

    def _store_first(self) -> None:
        """Hand over what waits longest; the store works in order, so that it may follow another one."""
        clinic = self._context.clinic
        place = next(iter(self._waiting))
        state, before = self._waiting.pop(place), self._kept.get(place)
        if clinic is None or state == (before or _State((), "")):
            return
        drawing = self._ids.setdefault(place, AnnotationId(new_id()))
        self._storing = place
        self._kept[place] = state
        if not state.points:
            del self._ids[place], self._kept[place]
        self._context.operations.run(
            partial(_stored, clinic, place, drawing, state, before), initiator=self, ended=self._stored
        )

    def _stored(self) -> None:
        self._storing = None
        self._store_next()


def _stored(
    clinic: "workflow.Clinic", place: Place, drawing: AnnotationId, state: _State, before: _State | None, job: Job
) -> "workflow.Annotated | None":
    instance, kind, _ = place
    if state.points:
        return workflow.annotate(clinic, job, instance, kind, state.points, state.label, drawing)
    if before is None:
        return None
    author, now = clinic.session.user.id, clinic.clock()
    gone = Annotation(drawing, instance, kind, before.points, before.label, author, now)
    return workflow.remove_annotation(clinic, job, gone)
