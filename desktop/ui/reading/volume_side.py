"""The series of a study: reads the one on show in the background, first one slice, then all of it."""

from functools import partial

from PySide6.QtCore import QObject, Signal

from desktop import workflow
from desktop.imaging.volume import Volume
from desktop.jobs import Job
from desktop.records import StudyId
from desktop.ui.context import UiContext
from desktop.ui.operations import Operation
from desktop.ui.reading.film_text import film_text
from desktop.ui.reading.sitting import Sitting, StudyKind
from desktop.ui.reading.volume_masks import VolumeMasks
from desktop.ui.viewers.volume_screen import VolumeScreen


class VolumeSide(QObject):
    """Keeps the volume viewer at what a `Sitting` says. Signals: failed(error) where a series cannot be read;
    shown(OpenSeries) when all of one is on the screen."""

    failed = Signal(object)
    shown = Signal(object)

    def __init__(self, context: UiContext, screen: VolumeScreen, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._screen = screen
        self._sitting: Sitting | None = None
        self._opened: workflow.OpenSeries | None = None
        self._reading: Operation[tuple[StudyId, workflow.OpenSeries]] | None = None
        self.masks = VolumeMasks(context, screen, self)
        self.masks.failed.connect(self.failed)
        screen.viewer.failed.connect(self.failed)
        screen.series_chosen.connect(self._show)

    @property
    def showing(self) -> bool:
        """Whether a study of slices is on the desk."""
        return self._sitting is not None

    def begin(self, sitting: Sitting) -> None:
        """Another study: its largest series; any other study leaves the viewer empty."""
        self.clear()
        if sitting.kind is not StudyKind.SLICES:
            return
        self._sitting = sitting
        clinic, study = self._context.open_clinic, sitting.study.study.id
        self._context.operations.run(
            partial(_first, clinic, study), initiator=self, done=self._take_first, failed=self._drop, pool="media"
        )
        self._show(0)

    def show_sitting(self, sitting: Sitting) -> None:
        """Where the reading stands now, and whose it is."""
        if self._sitting is not None:
            self._sitting = sitting
            self.masks.follow(sitting)
            self._show_words()

    def step(self, by: int) -> None:
        """Another series of the study."""
        if self._opened is not None and 0 <= self._opened.number + by < len(self._opened.names):
            self._show(self._opened.number + by)

    def clear(self) -> None:
        """Forget every voxel and every word; what is being read is dropped."""
        if self._reading is not None:
            self._reading.cancel()
        self.masks.clear()
        self._sitting = self._opened = self._reading = None
        self._screen.clear()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._screen.retranslate()
        self._show_words()

    def _show(self, number: int) -> None:
        sitting = self._sitting
        if sitting is None:
            return
        if self._reading is not None:
            self._reading.cancel()
        self.masks.clear()
        clinic, study = self._context.open_clinic, sitting.study.study.id
        self._reading = self._context.operations.run(
            partial(_whole, clinic, study, number),
            initiator=self,
            done=self._take_whole,
            failed=self._fail,
            pool="compute",
            title=self._context.tr("volume.progress.slices"),
        )

    def _take_first(self, result: tuple[StudyId, Volume]) -> None:
        sitting = self._sitting
        if sitting is not None and sitting.study.study.id == result[0] and self._opened is None:
            self._screen.viewer.show_first(result[1])
            self._show_words()

    def _take_whole(self, result: tuple[StudyId, "workflow.OpenSeries"]) -> None:
        sitting = self._sitting
        if sitting is None or sitting.study.study.id != result[0]:
            return
        self._opened, self._reading = result[1], None
        self._screen.viewer.show_series(self._opened.series)
        self.masks.begin(sitting, self._opened)
        self._screen.set_series([(one.description, one.count) for one in self._opened.names], self._opened.number)
        self._show_words()
        self.shown.emit(self._opened)

    def _drop(self, error: Exception) -> None:
        """The series itself is about to say the same."""

    def _fail(self, error: Exception) -> None:
        self._reading = None
        self.failed.emit(error)

    def _show_words(self) -> None:
        sitting = self._sitting
        if sitting is not None and sitting.study.study.instances:
            study = sitting.study
            instance = study.study.instances[0]
            # The panes count their slices themselves; files are not slices.
            text = film_text(self._context, study.patient, study.study, instance, None, among=(1, 1))
            self._screen.viewer.set_text(text)


def _first(clinic: "workflow.Clinic", study: StudyId, job: Job) -> tuple[StudyId, Volume]:
    return study, workflow.first_look_at_series(clinic, job, study)


def _whole(clinic: "workflow.Clinic", study: StudyId, number: int, job: Job) -> "tuple[StudyId, workflow.OpenSeries]":
    return study, workflow.open_series(clinic, job, study, number)
