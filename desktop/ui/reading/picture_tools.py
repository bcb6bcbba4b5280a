"""What photographs can do besides: a film in one is straightened, the back of an eye looked at, cells counted."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop import workflow
from desktop.access import Permission
from desktop.imaging.counting import CountClass, Counting
from desktop.imaging.film_photo import Straightening
from desktop.imaging.fundus import FundusLook, RetinalGrid, looked_at
from desktop.imaging.measure_lines import GRIDS
from desktop.jobs import Job
from desktop.records import (
    Annotation,
    AnnotationKind,
    InstanceId,
    Modality,
    Photometric,
    Picture,
)
from desktop.ui.action import Action, bind
from desktop.ui.context import UiContext
from desktop.ui.reading.desk import ReadingDesk
from desktop.ui.reading.film_side import FilmSide
from desktop.ui.reading.picture_records import DrawingKeeper
from desktop.ui.reading.sitting import Sitting, StudyKind
from desktop.ui.viewers import FilmViewer
from desktop.ui.viewers.counting import CountingLayer
from desktop.ui.viewers.fundus import GridLayer
from desktop.ui.viewers.photo import PhotoDialog


def _action(name: str, key: str, *shortcuts: str) -> Action:
    return Action(name, "reading", shortcuts, key)


PICTURE_ACTIONS: tuple[Action, ...] = (
    _action("photo_straighten", "photo.action.straighten", "Shift+T"),
    _action("fundus_green", "fundus.action.green", "Shift+R"),
    _action("fundus_enhance", "fundus.action.enhance", "Shift+L"),
    _action("fundus_grid", "fundus.action.grid", "Shift+O"),
    _action("counting_count", "counting.action.count", "Shift+N"),
)
_KINDS = {reference: kind for kind, reference in GRIDS.items()}


class PictureTools(QObject):
    """Stands between the film viewer, its layers and the desk. On a signed film nothing is marked.

    Signals: reopen_asked(study id) once a straight film was added to it; tally_asked(words) for the findings.
    """

    reopen_asked = Signal(str)
    tally_asked = Signal(str)

    def __init__(
        self, context: UiContext, page: QWidget, desk: ReadingDesk, viewer: FilmViewer, film: FilmSide
    ) -> None:
        super().__init__(page)
        self._context = context
        self._desk = desk
        self._viewer = viewer
        self._film = film
        self._shown: InstanceId | None = None
        self._base: Picture | None = None
        self._look = FundusLook.AS_TAKEN
        self._dialog: PhotoDialog | None = None
        self.grid = GridLayer(context, viewer)
        self.counts = CountingLayer(context, viewer)
        self._keeper = DrawingKeeper(context, self)
        handlers: dict[str, Callable[[], object]] = {
            "photo_straighten": self.straighten,
            "fundus_green": partial(self._change_look, green=True),
            "fundus_enhance": partial(self._change_look, enhanced=True),
            "fundus_grid": self._toggle_grid,
            "counting_count": self._toggle_counting,
        }
        self.actions = bind(context, page, PICTURE_ACTIONS, handlers)
        self.grid.changed.connect(self._grid_changed)
        self.counts.changed.connect(self._counted)
        self.counts.tally_asked.connect(self.tally_asked)
        desk.updated.connect(self._show_sitting)
        viewer.state_changed.connect(self._follow)

    # What the page calls

    def enable(self, kind: StudyKind, previewing: bool) -> None:
        """Films and photographs only, and not before the report's pages."""
        on = kind is StudyKind.FILM and not previewing
        for action in PICTURE_ACTIONS:
            self.actions[action.id].setEnabled(on)
        if not on:
            self._end_layers()

    def clear(self) -> None:
        """Forget every mark and every pixel; what was marked is on its way to the record already."""
        self.counts.clear()
        self.grid.clear()
        self._keeper.clear()
        if self._dialog is not None:
            self._dialog.close()
            self._dialog = None
        self._shown = self._base = None
        self._look = FundusLook.AS_TAKEN

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.actions.retranslate()
        self.counts.retranslate()
        self.grid.retranslate()

    # A film in a photograph

    def straighten(self) -> None:
        """Show the corners of the film in the photograph in front; nothing is kept before somebody says so."""
        sitting, instance = self._desk.sitting, self._film.instance
        if not self._may_mark() or sitting is None or instance is None:
            return
        picture = sitting.study.pictures.get(instance.id)
        if sitting.study.study.modality is not Modality.PHOTO or instance.made_from is not None or picture is None:
            self._say("photo.not_a_photograph")
            return
        clinic = self._context.open_clinic
        if not clinic.session.may(Permission.IMPORT_IMAGES):
            self._say("access.denied")
            return
        self._end_layers()
        self._dialog = PhotoDialog(self._context, picture, self._viewer.window())
        self._dialog.confirmed.connect(partial(self._straighten, instance.id))
        self._dialog.finished.connect(self._dialog_closed)
        self._dialog.open()

    def _dialog_closed(self) -> None:
        self._dialog = None
        self._viewer.setFocus()

    def _straighten(self, photo: InstanceId, confirmed: Straightening) -> None:
        clinic = self._context.open_clinic

        def work(job: Job) -> workflow.FilmStraightened:
            return workflow.straighten_photo(clinic, job, photo, confirmed)

        self._context.operations.run(
            work, initiator=self, done=self._straightened, title=self._context.tr("photo.progress")
        )

    def _straightened(self, result: "workflow.FilmStraightened") -> None:
        self._say("photo.kept")
        if self._desk.sitting is not None and self._desk.sitting.study.study.id == result.study:
            self.reopen_asked.emit(result.study)

    # The back of an eye

    def _change_look(self, *, green: bool = False, enhanced: bool = False) -> None:
        base = self._base
        if base is None or not self._is_still():
            return
        if green and base.photometric is not Photometric.RGB:
            self._say("fundus.no_colour")
            return
        self._look = FundusLook.of(green=self._look.green != green, enhanced=self._look.enhanced != enhanced)
        if self._look is FundusLook.AS_TAKEN:
            self._take_look((base, self._look, base))
            return
        self._context.operations.run(
            partial(_looked, base, self._look), initiator=self, done=self._take_look, pool="display"
        )

    def _take_look(self, result: tuple[Picture, FundusLook, Picture]) -> None:
        base, look, made = result
        if base is self._base and look is self._look:
            self._viewer.show_instead(made)
            self._viewer.set_note(self._context.tr(f"fundus.look.{look.value}") if made is not base else "")

    def _toggle_grid(self) -> None:
        self._toggle(self.grid)

    def _grid_changed(self, grid: RetinalGrid | None) -> None:
        """Keep where the grid lies now. There is one on a picture; sized by the other thing it is another drawing."""
        instance = self._film.instance
        if instance is None:
            return
        for kind in GRIDS:
            if grid is None or _KINDS[grid.reference] is not kind:
                self._keeper.remove(instance.id, kind)
        if grid is not None:
            self._keeper.keep(instance.id, _KINDS[grid.reference], 0, (grid.centre, grid.start, grid.end), "")

    # Cells

    def _toggle_counting(self) -> None:
        self._toggle(self.counts)

    def _counted(self, counting: Counting) -> None:
        instance = self._film.instance
        if instance is None:
            return
        for place, counted in enumerate(counting.classes):
            if counted.points:
                self._keeper.keep(instance.id, AnnotationKind.COUNT, place, counted.points, counted.name)
            else:
                self._keeper.remove(instance.id, AnnotationKind.COUNT, place)

    # Both layers

    def _toggle(self, layer: GridLayer | CountingLayer) -> None:
        if layer.at_work:
            layer.end()
        elif self._may_mark():
            self._end_layers()
            self._viewer.finish_label()
            layer.begin()

    def _end_layers(self) -> None:
        self.grid.end()
        self.counts.end()

    def _may_mark(self) -> bool:
        sitting = self._desk.sitting
        if sitting is None or self._viewer.picture is None:
            return False
        if not sitting.writable:
            self._say("workflow.already_signed" if sitting.signed else "access.denied")
        return sitting.writable and self._is_still()

    def _is_still(self) -> bool:
        """Whether a single picture is in front: marks and looks are for what does not move."""
        run = self._film.run
        moves = run is not None and len(run) > 1
        if moves:
            self._say("photo.not_of_clips")
        return not moves

    def _say(self, key: str) -> None:
        self._context.toast(self._context.tr(key))

    # Following the film

    def _follow(self) -> None:
        """Another picture came to the front: its own marks, as it was taken."""
        instance = self._film.instance
        wanted = instance.id if instance is not None and self._viewer.picture is not None else None
        if wanted == self._shown:
            return
        self._shown, self._look = wanted, FundusLook.AS_TAKEN
        self._base = self._viewer.picture
        self._viewer.set_note("")
        self._end_layers()
        self._show_marks()

    def _show_sitting(self, sitting: Sitting) -> None:
        """The reading was read again; while marks are on their way what is on the screen is newer."""
        if not self._keeper.busy and self._differs():
            self._show_marks()
        if not sitting.writable:
            self._end_layers()

    def _show_marks(self) -> None:
        sitting, instance = self._desk.sitting, self._film.instance
        if sitting is None or instance is None or self._shown is None:
            return
        here = [one for one in sitting.reading.annotations if one.instance == instance.id]
        self._keeper.take(here)
        counts = [one for one in here if one.kind is AnnotationKind.COUNT]
        self.counts.show_count([CountClass(one.label, one.points) for one in counts])
        self.grid.show_grid(next((_grid_of(one) for one in here if one.kind in GRIDS), None))

    def _differs(self) -> bool:
        """Whether the record of the picture in front says something else than the screen."""
        sitting, instance, counting = self._desk.sitting, self._film.instance, self.counts.counting
        if sitting is None or instance is None or counting is None:
            return True
        here = [one for one in sitting.reading.annotations if one.instance == instance.id]
        told = {(one.label, one.points) for one in here if one.kind is AnnotationKind.COUNT}
        grid = next((_grid_of(one) for one in here if one.kind in GRIDS), None)
        seen = {(one.name, one.points) for one in counting.classes if one.points}
        return told != seen or grid != self.grid.grid


def _grid_of(drawing: Annotation) -> RetinalGrid:
    centre, start, end = drawing.points
    return RetinalGrid(centre, start, end, GRIDS[drawing.kind])


def _looked(base: Picture, look: FundusLook, job: Job) -> tuple[Picture, FundusLook, Picture]:
    job.check()
    return base, look, looked_at(base, look)
