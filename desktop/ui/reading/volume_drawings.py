"""What is drawn on a slice goes on record; the slices' own pictures are read to measure on."""

from functools import partial

from PySide6.QtCore import QObject

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.imaging.frame_run import FramePlace
from desktop.imaging.measure_lines import LAYERED
from desktop.imaging.slice_ground import Ground, plane_picture
from desktop.imaging.volume import Volume
from desktop.jobs import Job
from desktop.records import (
    Annotation,
    AnnotationId,
    AnnotationKind,
    ImagingStudy,
    InstanceId,
    Picture,
    PrintedPicture,
)
from desktop.ui.context import UiContext
from desktop.ui.reading.desk import ReadingDesk
from desktop.ui.reading.film_drawings import LABELLED
from desktop.ui.reading.sitting import Sitting
from desktop.ui.viewers.slice_drawer import SliceDrawer
from desktop.ui.viewers.view_state import Point
from desktop.ui.viewers.volume_screen import VolumeScreen
from desktop.workflow import viewing_series


class VolumeDrawings(QObject):
    """Stands between the slices and the desk. In a study that is signed a drawing stays on the screen only."""

    def __init__(self, context: UiContext, desk: ReadingDesk, screen: VolumeScreen) -> None:
        super().__init__(screen)
        self._context = context
        self._desk = desk
        self._screen = screen
        self._viewer = screen.viewer
        self._drawer: SliceDrawer = screen.drawer
        self._labelling: tuple[InstanceId, AnnotationId] | None = None
        self._drawer.drawn.connect(self._drawn)
        self._drawer.removal_asked.connect(self._remove)
        self._drawer.label_asked.connect(self._label)
        self._drawer.labelled.connect(self._labelled)
        self._drawer.wanted.connect(self._read)

    def begin(self, opened: "workflow.OpenSeries") -> None:
        """All of a series is on the screen."""
        sitting = self._desk.sitting
        if sitting is None or sitting.study.study.id != opened.study:
            return
        instances: dict[str, InstanceId] = {}
        for one in sitting.study.study.instances:
            instances.setdefault(one.instance_uid, one.id)
        self._drawer.begin(instances)
        self._screen.marked.go_on(opened.series_of)

    def show_sitting(self, sitting: Sitting) -> None:
        """Where the reading stands now."""
        self._drawer.set_annotations(tuple(one for one in sitting.reading.annotations if one.kind not in LAYERED))

    def clear(self) -> None:
        """Forget which drawing was named last."""
        self._labelling = None

    @property
    def on_paper(self) -> PrintedPicture | None:
        """The slice for the report, in the window of the screen: the first key image of this series, else the first
        slice that is drawn on, else the one that is shown; None where nothing is shown yet."""
        state, place = self._viewer.state, self._drawer.grounds.place
        marked = self._drawer.marked
        chosen = next((one.place for one in marked if one.key), next((one.place for one in marked), place))
        if state is None or chosen is None:
            return None
        return PrintedPicture(chosen.instance, chosen.frame, state.window, state.inverted)

    @property
    def _writable(self) -> bool:
        return self._desk.sitting is not None and self._desk.sitting.writable

    def _drawn(self, place: FramePlace, kind: AnnotationKind, points: tuple[Point, ...]) -> None:
        if not self._writable:
            return
        drawing = self._desk.annotate(place.instance, kind, points, frame=place.frame)
        if kind in LABELLED:
            self._labelling = (place.instance, drawing)
            self._drawer.start_label(place, points)

    def _label(self, annotation: Annotation) -> None:
        if self._writable:
            self._drawer.finish_label()
            self._labelling = (annotation.instance, annotation.id)
            place = FramePlace(annotation.instance, annotation.frame)
            self._drawer.start_label(place, annotation.points, annotation.label)

    def _labelled(self, words: str) -> None:
        if self._labelling is not None:
            self._desk.label_annotation(*self._labelling, words)

    def _remove(self, annotation: Annotation) -> None:
        if self._writable:
            self._desk.remove_annotation(annotation)

    # What is measured on

    def _read(self, ground: Ground) -> None:
        """A picture from its file, as other programs will measure on it; a plane from the volume."""
        sitting, series, state = self._desk.sitting, self._viewer.series, self._viewer.state
        clinic = self._context.clinic
        if sitting is None or series is None or state is None or clinic is None:
            return
        if ground.place is not None:
            work = partial(_picture, clinic, sitting.study.study, ground)
        elif series.solid:
            work = partial(_plane, series.volumes[ground.moment], ground)
        else:
            return
        self._context.operations.run(work, initiator=self, done=self._take, failed=self._fail, pool="media")

    def _take(self, found: tuple[Ground, Picture]) -> None:
        self._drawer.give_picture(*found)

    def _fail(self, error: Exception) -> None:
        """A drawing whose picture cannot be read shows without a number; the slice itself says what is wrong."""
        if not isinstance(error, UserFacingError):
            raise error


def _picture(clinic: "workflow.Clinic", study: ImagingStudy, ground: Ground, job: Job) -> tuple[Ground, Picture]:
    assert ground.place is not None
    return ground, viewing_series.slice_picture(clinic, job, study, ground.place)


def _plane(volume: Volume, ground: Ground, job: Job) -> tuple[Ground, Picture]:
    job.check()
    return ground, plane_picture(volume, ground.plane, ground.slab)
