"""What is painted in a series: fetched when it opens, kept a moment after each stroke, written as DICOM SEG."""

import re
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, QTimer, Signal
from PySide6.QtWidgets import QFileDialog

from desktop import workflow
from desktop.jobs import Job
from desktop.records import Modality, Segmentation
from desktop.ui.context import UiContext
from desktop.ui.reading.sitting import Sitting
from desktop.ui.viewers.volume_screen import VolumeScreen
from desktop.ui.widgets.file_dialog import file_dialog

KEEP_AFTER_MS = 600


class VolumeMasks(QObject):
    """Stands between the volume viewer and the store. In a study that is signed nothing can be painted.

    Signals: failed(error); kept() when what was painted is on record.
    """

    failed = Signal(object)
    kept = Signal()

    def __init__(self, context: UiContext, screen: VolumeScreen, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._screen = screen
        self._book = screen.viewer.book
        self._sitting: Sitting | None = None
        self._opened: workflow.OpenSeries | None = None
        self._fetched = False
        self._dialog: QFileDialog | None = None
        self._waiting = QTimer(self)
        self._waiting.setSingleShot(True)
        self._waiting.setInterval(KEEP_AFTER_MS)
        self._waiting.timeout.connect(self._keep)
        self._book.to_keep.connect(self._waiting.start)
        screen.masks.export_asked.connect(self._ask_where)

    def begin(self, sitting: Sitting, opened: "workflow.OpenSeries") -> None:
        """Another series: what was painted on it, and what the study's files lay over it."""
        self.clear()
        self._sitting, self._opened = sitting, opened
        if not opened.series.solid:
            return
        self._screen.viewer.set_masks(opened.layers)
        self._screen.masks.name_layers(tuple((layer.name, layer.millilitres) for layer in opened.layers))
        clinic, study = self._context.open_clinic, sitting.study.study.id
        self._context.operations.run(
            partial(_fetch, clinic, opened), initiator=self, done=self._fetched_mask, failed=self._fail, title=""
        )
        self._screen.masks.offer_export(sitting.may_export, as_dicom=not _is_file(sitting))
        assert study == opened.study

    def follow(self, sitting: Sitting) -> None:
        """Where the reading stands now: once it is signed nothing more is painted."""
        self._sitting = sitting
        if self._fetched and self._book.writable and not sitting.writable:
            self._book.set_painting(False)
            self._book.writable = False
            self._book.changed.emit()

    def clear(self) -> None:
        """Keep what waits to be kept, and forget the series."""
        if self._waiting.isActive():
            self._waiting.stop()
            self._keep()
        if self._dialog is not None:
            self._dialog.close()
            self._dialog.deleteLater()
            self._dialog = None
        self._sitting = self._opened = None
        self._fetched = False
        self._book.clear()

    def _fetched_mask(self, result: "tuple[workflow.OpenSeries, Segmentation | None]") -> None:
        opened, kept = result
        sitting = self._sitting
        if opened is not self._opened or sitting is None:
            return
        self._fetched = True
        volume = opened.series.volumes[0]
        self._book.begin(volume, opened.source, kept, writable=sitting.writable)

    def _keep(self) -> None:
        opened, place, clinic = self._opened, self._book.grid, self._context.clinic
        if opened is None or place is None or clinic is None or not self._fetched:
            return
        grid, shape = place
        draft = workflow.MaskDraft(opened.study, opened.key, grid, shape, opened.source, self._book.segments())
        self._context.operations.run(
            partial(_store, clinic, draft), initiator=self, done=self._is_kept, failed=self._fail
        )

    def _is_kept(self, result: "workflow.MaskKept") -> None:
        self.kept.emit()

    # The way out

    def _ask_where(self) -> None:
        sitting, opened = self._sitting, self._opened
        if sitting is None or opened is None:
            return
        if self._waiting.isActive():
            self._waiting.stop()
            self._keep()
        tr = self._context.tr
        dialog = file_dialog(self._context, self._screen, tr("volume.mask.export.title"))
        dialog.setObjectName("save_mask_dialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        whole_file = _is_file(sitting)
        dialog.setDefaultSuffix("nrrd" if whole_file else "dcm")
        filters = ("nrrd", "nifti") if whole_file else ("dicom",)
        dialog.setNameFilters([tr(f"volume.mask.export.filter.{kind}") for kind in filters])
        dialog.filterSelected.connect(self._follow_filter)
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        if Path(folder).is_dir():
            dialog.setDirectory(folder)
        dialog.selectFile(_file_name(sitting, "nrrd" if whole_file else "dcm"))
        dialog.fileSelected.connect(self._write)
        self._dialog = dialog
        dialog.open()

    def _follow_filter(self, chosen: str) -> None:
        """The ending that belongs to the kind of file."""
        if self._dialog is not None:
            ending = next((one for one in ("nrrd", "nii.gz", "dcm") if f"*.{one}" in chosen), "nrrd")
            self._dialog.setDefaultSuffix(ending)
            if self._sitting is not None:
                self._dialog.selectFile(_file_name(self._sitting, ending))

    def _write(self, path: str) -> None:
        opened, clinic = self._opened, self._context.clinic
        if opened is None or clinic is None or not path:
            return
        self._context.operations.run(
            partial(_export, clinic, opened, Path(path)),
            initiator=self,
            done=self._written,
            failed=self._fail,
            title=self._context.tr("volume.progress.writing"),
        )

    def _written(self, exported: "workflow.Exported") -> None:
        self._context.toast(self._context.tr("reports.saved", file=exported.file.name))

    def _fail(self, error: Exception) -> None:
        self.failed.emit(error)


def _is_file(sitting: Sitting) -> bool:
    """Whether it is a volume file, which has no DICOM pictures that a segmentation could refer to."""
    return sitting.study.study.modality is Modality.VOLUME


def _file_name(sitting: Sitting, ending: str) -> str:
    """A name that sorts by date and tells nobody whose it is."""
    study = sitting.study.study
    number = re.sub(r"[^0-9A-Za-z-]+", "", sitting.study.patient.card_number) or str(study.id)[:8]
    return f"{(study.started or study.added.date()).isoformat()}-{number}-seg.{ending}"


def _fetch(
    clinic: "workflow.Clinic", opened: "workflow.OpenSeries", job: Job
) -> "tuple[workflow.OpenSeries, Segmentation | None]":
    return opened, workflow.open_mask(clinic, job, opened.study, opened.key)


def _store(clinic: "workflow.Clinic", draft: "workflow.MaskDraft", job: Job) -> "workflow.MaskKept":
    return workflow.keep_mask(clinic, job, draft)


def _export(clinic: "workflow.Clinic", opened: "workflow.OpenSeries", path: Path, job: Job) -> "workflow.Exported":
    return workflow.export_mask(clinic, job, opened.study, opened.key, path)
