"""What is drawn on the film goes on record: drawings, their labels, and calibrations by a known object."""

from PySide6.QtCore import QObject

from desktop.records import Annotation, AnnotationId, AnnotationKind, InstanceId
from desktop.ui.context import UiContext
from desktop.ui.reading.desk import ReadingDesk
from desktop.ui.reading.film_side import FilmSide
from desktop.ui.viewers import FilmViewer
from desktop.ui.viewers.view_state import Point

LABELLED = (AnnotationKind.REGION, AnnotationKind.FREEHAND, AnnotationKind.ELLIPSE)
"""What is asked for words as soon as it is drawn; the others say themselves what they are."""


class FilmDrawings(QObject):
    """Stands between the film and the desk. On a film that is signed a drawing stays on the screen only."""

    def __init__(self, context: UiContext, desk: ReadingDesk, viewer: FilmViewer, film: FilmSide) -> None:
        super().__init__(viewer)
        self._context = context
        self._desk = desk
        self._viewer = viewer
        self._film = film
        self._labelling: tuple[InstanceId, AnnotationId] | None = None
        self._calibrating: tuple[InstanceId, tuple[Point, ...]] | None = None
        self._calibrated_frame = 1
        viewer.drawn.connect(self._drawn)
        viewer.removal_asked.connect(self._remove)
        viewer.label_asked.connect(self._label)
        viewer.labelled.connect(self._labelled)

    def clear(self) -> None:
        """Forget which drawing was named last."""
        self._labelling = self._calibrating = None

    @property
    def _writable(self) -> bool:
        return self._desk.sitting is not None and self._desk.sitting.writable

    def _drawn(self, kind: AnnotationKind, points: tuple[Point, ...]) -> None:
        instance = self._film.instance
        if not self._writable or instance is None:
            return
        if kind is AnnotationKind.CALIBRATION:
            self._ask_length(instance.id, points, self._frame)
            return
        drawing = self._desk.annotate(instance.id, kind, points, frame=self._frame)
        if kind in LABELLED:
            self._start(instance.id, drawing, points)

    @property
    def _frame(self) -> int:
        """The frame on the screen, counted from 1."""
        return self._film.place.frame if self._film.place is not None else 1

    def _ask_length(self, instance: InstanceId, points: tuple[Point, ...], frame: int) -> None:
        """A known object is nothing until somebody says how long it is."""
        self._viewer.finish_label()
        self._calibrated_frame = frame
        self._labelling, self._calibrating = None, (instance, points)
        self._viewer.start_label(points, hint="viewer.label.millimetres")

    def _label(self, annotation: Annotation) -> None:
        if not self._writable:
            return
        if annotation.kind is AnnotationKind.CALIBRATION:
            self._ask_length(annotation.instance, annotation.points, annotation.frame)
        else:
            self._start(annotation.instance, annotation.id, annotation.points, annotation.label)

    def _start(self, instance: InstanceId, drawing: AnnotationId, points: tuple[Point, ...], words: str = "") -> None:
        self._viewer.finish_label()
        self._labelling, self._calibrating = (instance, drawing), None
        self._viewer.start_label(points, words)

    def _labelled(self, words: str) -> None:
        if self._calibrating is not None:
            (instance, points), self._calibrating = self._calibrating, None
            length = typed_millimetres(words)
            if length is None:
                self._context.toast(self._context.tr("viewer.calibration.not_a_length"))
            else:
                frame = self._calibrated_frame
                self._desk.annotate(instance, AnnotationKind.CALIBRATION, points, f"{length:g}", frame)
        elif self._labelling is not None:
            self._desk.label_annotation(*self._labelling, words)

    def _remove(self, annotation: Annotation) -> None:
        if self._writable:
            self._desk.remove_annotation(annotation)


def typed_millimetres(words: str) -> float | None:
    """A length as typed: `25`, `25.0 mm`, `2,5cm`, `25 毫米`; None where it is none, or over ten metres."""
    text = words.strip().lower().replace("，", ",").replace(",", ".")
    factor = 1.0
    for unit, millimetres in (("毫米", 1.0), ("厘米", 10.0), ("mm", 1.0), ("cm", 10.0)):
        if text.endswith(unit):
            text, factor = text.removesuffix(unit).strip(), millimetres
            break
    try:
        length = float(text) * factor
    except ValueError:
        return None
    return length if 0 < length < 10_000 else None
