"""The trace of a study: which recording, whose words over it, which earlier one to compare with."""

from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from PySide6.QtCore import QObject

from desktop import workflow
from desktop.i18n import format_date
from desktop.jobs import Job
from desktop.records import ImagingStudy, InstanceId, Modality, Recording, StudyId
from desktop.signals.measure import EcgMeasurements, measure_ecg
from desktop.ui.context import UiContext
from desktop.ui.reading.film_text import film_text
from desktop.ui.reading.sitting import Sitting
from desktop.ui.viewers.ecg import Earlier
from desktop.ui.viewers.ecg_calibration import CalibrationDialog
from desktop.ui.viewers.ecg_pane import EcgPane


class TraceSide(QObject):
    """Keeps the ECG pane at what a `Sitting` says, and the newest earlier electrocardiogram ready for comparing."""

    def __init__(self, context: UiContext, pane: EcgPane, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._pane = pane
        self._sitting: Sitting | None = None
        self._at = 0
        self._opened: _Opened | None = None

    @property
    def showing(self) -> bool:
        """Whether a trace is on the desk."""
        return self._sitting is not None

    def begin(self, sitting: Sitting) -> None:
        """Another study: its first trace; a study of pictures leaves the pane empty."""
        self._at = 0
        self._sitting = sitting if sitting.study.recordings else None
        self._show_recording()

    def show_sitting(self, sitting: Sitting) -> None:
        """Where the reading stands now, and whose it is."""
        if self._sitting is not None:
            self._sitting = sitting
            self._show_words()

    @property
    def instance(self) -> InstanceId | None:
        """The recording on the screen."""
        return self._sitting.study.study.instances[self._at].id if self._sitting is not None else None

    def show_instance(self, instance: InstanceId) -> bool:
        """Another recording, where it is not on the screen yet and the study has it; whether it was changed."""
        known = [one.id for one in self._sitting.study.study.instances] if self._sitting is not None else []
        if instance not in known or known.index(instance) == self._at:
            return False
        self._at = known.index(instance)
        self._show_recording()
        return True

    def step(self, by: int) -> None:
        """Another trace of the study."""
        if self._sitting is not None and 0 <= self._at + by < len(self._sitting.study.study.instances):
            self._at += by
            self._show_recording()

    def clear(self) -> None:
        """Forget every sample and every word."""
        self._sitting = self._opened = None
        self._pane.viewer.clear()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._pane.retranslate()
        self._show_words()

    def run(self, command: str) -> bool:
        """Carry out one of the viewer's commands."""
        if command == "ecg.calibrate":
            self._calibrate()
            return True
        return self._pane.viewer.run(command)

    def _show_recording(self) -> None:
        sitting, viewer = self._sitting, self._pane.viewer
        if sitting is None:
            viewer.clear()
            return
        viewer.set_screen_scale(self._context.settings.pixels_per_mm)
        instance = sitting.study.study.instances[self._at]
        viewer.show_recording(sitting.study.recordings[instance.id])
        self._show_words()
        self._load_earlier(sitting)

    def _show_words(self) -> None:
        sitting = self._sitting
        if sitting is None:
            return
        study = sitting.study
        instance = study.study.instances[self._at]
        self._pane.viewer.set_text(film_text(self._context, study.patient, study.study, instance, None))
        earlier, opened = self._pane.viewer.earlier, self._opened
        if earlier is not None and opened is not None:
            self._compare_with(opened, earlier.measured)

    # The earlier one

    def _load_earlier(self, sitting: Sitting) -> None:
        clinic, now = self._context.clinic, sitting.study.study
        before = [
            one.study
            for one in sitting.study.others
            if one.study.modality is Modality.ECG and _when(one.study) <= _when(now)
        ]
        if clinic is None or not before:
            return
        newest = max(before, key=_when)
        self._context.operations.run(
            partial(_opened, clinic, now.id, newest), initiator=self, done=self._measure_earlier
        )

    def _measure_earlier(self, opened: "_Opened") -> None:
        if self._sitting is not None and self._sitting.study.study.id == opened.now:
            self._context.operations.run(
                partial(_measured, opened), initiator=self, done=self._take_earlier, pool="compute"
            )

    def _take_earlier(self, result: "tuple[_Opened, EcgMeasurements]") -> None:
        opened, measured = result
        if self._sitting is not None and self._sitting.study.study.id == opened.now:
            self._opened = opened
            self._compare_with(opened, measured)

    def _compare_with(self, opened: "_Opened", measured: EcgMeasurements) -> None:
        now = _day(self._context, self._sitting.study.study) if self._sitting is not None else ""
        earlier = _day(self._context, opened.study)
        self._pane.viewer.set_earlier(Earlier(earlier, measured), (now, earlier))

    # The screen

    def _calibrate(self) -> None:
        pixels = self._pane.viewer.screen_scale().pixels
        dialog = CalibrationDialog(self._context, pixels, self._pane.window())
        dialog.kept.connect(self._calibrated)
        dialog.open()

    def _calibrated(self, pixels: float | None) -> None:
        self._context.change_settings(replace(self._context.settings, pixels_per_mm=pixels))
        self._pane.viewer.set_screen_scale(pixels)


@dataclass(frozen=True, eq=False)
class _Opened:
    """An earlier recording and which study wanted it."""

    now: StudyId
    study: ImagingStudy
    recording: Recording


def _opened(clinic: "workflow.Clinic", now: StudyId, study: ImagingStudy, job: Job) -> _Opened:
    return _Opened(now, study, workflow.open_recording(clinic, job, study.id))


def _measured(opened: _Opened, job: Job) -> tuple[_Opened, EcgMeasurements]:
    job.check()
    return opened, measure_ecg(opened.recording.main)


def _when(study: ImagingStudy) -> date:
    return study.started or study.added.date()


def _day(context: UiContext, study: ImagingStudy) -> str:
    return format_date(_when(study), context.language)
