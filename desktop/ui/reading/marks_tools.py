"""Key images; drawings that came from other programs; and ours, written for them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop.imaging.frame_run import FramePlace
from desktop.imaging.geometry import Orientation
from desktop.imaging.slice_ground import lying
from desktop.jobs import Job
from desktop.records import ImportedDrawing, ImportedMarks, InstanceId
from desktop.ui.action import Action, bind
from desktop.ui.context import UiContext
from desktop.ui.reading.desk import ReadingDesk
from desktop.ui.reading.film_side import FilmSide
from desktop.ui.reading.sitting import Sitting, StudyKind
from desktop.ui.viewers import FilmViewer
from desktop.ui.viewers.foreign_mark import ForeignMark, beside
from desktop.ui.viewers.marks_layer import MarksLayer
from desktop.ui.viewers.volume_screen import VolumeScreen
from desktop.ui.widgets.file_dialog import file_dialog
from desktop.workflow import drawings_exporting as exporting
from desktop.workflow import key_images as marking


def _action(name: str, *shortcuts: str) -> Action:
    return Action(f"marks.{name}", "reading", shortcuts, f"marks.{name}.action")


MARKS_ACTIONS: tuple[Action, ...] = (
    _action("key_image", "Shift+M"),
    _action("show_imported", "Shift+I"),
    _action("save_gsps", "Ctrl+Shift+G"),
    _action("save_tid1500", "Ctrl+Shift+M"),
    _action("save_ko", "Ctrl+Shift+K"),
)
_ENDING = "dcm"


class MarksTools(QObject):
    """Stands between the film, its layer of marks and the desk."""

    def __init__(
        self,
        context: UiContext,
        page: QWidget,
        desk: ReadingDesk,
        viewer: FilmViewer,
        film: FilmSide,
        slices: VolumeScreen,
    ) -> None:
        super().__init__(page)
        self._context = context
        self._page = page
        self._desk = desk
        self._viewer = viewer
        self._film = film
        self._slices = slices
        self._dialog: QFileDialog | None = None
        self._format = ""
        self.layer = MarksLayer(viewer, lambda: film.place)
        handlers: dict[str, Callable[[], object]] = {
            "marks.key_image": self.toggle_key_image,
            "marks.show_imported": self.toggle_imported,
            **{f"marks.save_{name}": partial(self.save, name) for name in exporting.DRAWING_FORMATS},
        }
        self.actions = bind(context, page, MARKS_ACTIONS, handlers)

    # What the page calls

    def enable(self, kind: StudyKind, previewing: bool) -> None:
        """Films, photographs and slices, and not before the report's pages."""
        for action in MARKS_ACTIONS:
            self.actions[action.id].setEnabled(kind is not StudyKind.TRACE and not previewing)

    def show_sitting(self, sitting: Sitting) -> None:
        """What is on record now."""
        instances: dict[str, InstanceId] = {}
        for one in sitting.study.study.instances:
            if one.instance_uid:
                instances.setdefault(one.instance_uid, one.id)
        keys = {FramePlace(one.instance, one.frame) for one in sitting.reading.key_images}
        marks: list[ForeignMark] = []
        for imported in sitting.reading.imported:
            for picture in imported.key_images:
                if picture.instance_uid in instances:
                    keys.add(FramePlace(instances[picture.instance_uid], picture.frame))
            for drawing in imported.shown:
                instance = instances.get(drawing.instance_uid)
                if instance is not None:
                    marks.append(self._foreign(imported, drawing, instance))
        self.layer.set_keys(frozenset(keys), self._context.tr("marks.badge"))
        self.layer.set_marks(marks)
        self._slices.drawer.set_keys(frozenset(keys))
        self._slices.drawer.set_marks(marks)

    def clear(self) -> None:
        """Forget every mark, and take a dialog that is open off the screen."""
        self.layer.clear()
        if self._dialog is not None:
            self._dialog.close()
            self._dialog.deleteLater()
            self._dialog = None

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.actions.retranslate()
        if self._desk.sitting is not None:
            self.show_sitting(self._desk.sitting)

    def _foreign(self, imported: ImportedMarks, drawing: ImportedDrawing, instance: InstanceId) -> ForeignMark:
        tr = self._context.tr
        place = imported.source.partition(", ")[0]  # the institution, else who made the program
        source = tr("patients.list_comma").join(part for part in (place, drawing.observer) if part)
        origin = tr("marks.imported", source=source) if source else tr("marks.imported_unknown")
        return ForeignMark(FramePlace(instance, drawing.frame), drawing, beside(drawing.label, drawing.stated, origin))

    @property
    def _place(self) -> FramePlace | None:
        """The picture in front; None where there is none, or none that a mark could refer to."""
        sitting = self._desk.sitting
        if sitting is not None and sitting.kind is StudyKind.SLICES:
            return self._slices.drawer.grounds.place
        return self._film.place if self._viewer.state is not None else None

    def _views(self) -> dict[InstanceId, exporting.View]:
        """How pictures are shown now: the film in front; of slices all that are, as they share their window."""
        sitting, place, film = self._desk.sitting, self._film.place, self._viewer.state
        if sitting is not None and sitting.kind is StudyKind.SLICES:
            series, state = self._slices.viewer.series, self._slices.viewer.state
            if series is None or state is None:
                return {}
            lies = lying(series.volumes[0]) if series.solid else Orientation()
            view = exporting.View(state.window, state.inverted, lies)
            return {place.instance: view for place, _, _ in self._slices.drawer.grounds.places()}
        return {place.instance: exporting.View(film.window, film.inverted, film.orientation)} if film and place else {}

    # Deeds

    def toggle_key_image(self) -> None:
        """Mark the picture in front, or take the mark away; a mark that came in a file stays."""
        sitting = self._desk.sitting
        if sitting is None:
            return
        if sitting.kind is StudyKind.SLICES:
            self._slices.drawer.grounds.settle()
        place = self._place
        if place is None:
            if sitting.kind is StudyKind.SLICES and self._slices.viewer.state is not None:
                self._context.toast(self._context.tr("slice.not_a_picture"))
            return
        if not sitting.may_read:
            self._context.toast(self._context.tr("access.denied"))
            return
        clinic = self._context.open_clinic
        ours = any((one.instance, one.frame) == (place.instance, place.frame) for one in sitting.reading.key_images)

        def work(job: Job) -> marking.KeyImageMarked:
            return marking.mark_key_image(clinic, job, place.instance, marked=not ours, frame=place.frame)

        self._context.operations.run(work, initiator=self, done=self._marked, failed=self._failed)

    def _marked(self, done: marking.KeyImageMarked) -> None:
        holds = done.key_image is not None and not done.key_image.deleted
        self._context.toast(self._context.tr("marks.marked" if holds else "marks.unmarked"))

    def toggle_imported(self) -> None:
        """Show what came from other programs, or only the film."""
        self.layer.set_shown(not self.layer.shown)
        self._slices.drawer.set_shown(self.layer.shown)
        self._context.toast(self._context.tr("marks.shown" if self.layer.shown else "marks.hidden"))

    def save(self, format: str) -> None:
        """Ask where, then write."""
        sitting = self._desk.sitting
        if sitting is None:
            return
        if not sitting.may_export:
            self._context.toast(self._context.tr("access.denied"))
            return
        tr = self._context.tr
        nothing = not (sitting.reading.key_images if format == exporting.KEY_OBJECTS else sitting.reading.annotations)
        if nothing:
            self._context.toast(tr("marks.no_key_images" if format == exporting.KEY_OBJECTS else "marks.no_drawings"))
            return
        if self._dialog is not None:
            self._dialog.deleteLater()
        dialog = file_dialog(self._context, self._page, tr(f"marks.save.{format}"))
        dialog.setObjectName("save_marks_dialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(_ENDING)
        dialog.setNameFilter(tr("marks.filter"))
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        if Path(folder).is_dir():
            dialog.setDirectory(folder)
        day = sitting.study.study.started or sitting.study.study.added.date()
        number = sitting.study.patient.card_number or sitting.study.study.id[:8]
        dialog.selectFile(f"{day.isoformat()}-{number}-{format}.{_ENDING}")
        dialog.fileSelected.connect(self._write)
        self._format, self._dialog = format, dialog
        dialog.open()

    def _write(self, path: str) -> None:
        clinic, sitting = self._context.clinic, self._desk.sitting
        if clinic is None or sitting is None or not path:
            return
        study, format, views = sitting.study.study.id, self._format, self._views()

        def work(job: Job) -> exporting.DrawingsExported:
            return exporting.export_drawings(clinic, job, study, format, Path(path), views)

        self._context.operations.run(
            work,
            initiator=self,
            done=self._written,
            failed=self._failed,
            title=self._context.tr("workflow.progress.drawings"),
        )

    def _written(self, done: exporting.DrawingsExported) -> None:
        first = done.files[0].file.name if done.files else ""
        self._context.toast(self._context.tr("marks.saved", file=first, count=len(done.files)))

    def _failed(self, error: Exception) -> None:
        self._context.show_error(error, self._page)
