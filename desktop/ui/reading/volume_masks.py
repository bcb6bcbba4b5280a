"""What is painted in a series: fetched when it opens, kept a moment after each stroke, written as DICOM SEG."""

import re
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, QTimer, Signal
from PySide6.QtWidgets import QFileDialog

from desktop import workflow
from desktop.jobs import Job
from desktop.records import Modality, Segmentation, SegmentationId
from desktop.ui.context import UiContext
from desktop.ui.reading.mask_agreement import MaskAgreementDialog
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
        self._shown: SegmentationId | None = None
        self._found: tuple[workflow.MaskOn, ...] = ()
        self._dialog: QFileDialog | None = None
        self._waiting = QTimer(self)
        self._waiting.setSingleShot(True)
        self._waiting.setInterval(KEEP_AFTER_MS)
        self._waiting.timeout.connect(self._keep)
        self._book.to_keep.connect(self._waiting.start)
        screen.masks.export_asked.connect(self._ask_where)
        screen.masks.person_chosen.connect(self._show_person)
        screen.masks.compare_asked.connect(self._compare)

    def begin(self, sitting: Sitting, opened: "workflow.OpenSeries") -> None:
        """Another series: what was painted on it, and what the study's files lay over it."""
        self.clear()
        self._sitting, self._opened = sitting, opened
        if not opened.series.solid:
            return
        self._screen.viewer.set_masks(opened.layers)
        self._screen.masks.name_layers(tuple((layer.name, layer.millilitres) for layer in opened.layers))
        study = sitting.study.study.id
        self._fetch(None)
        self._screen.masks.offer_export(sitting.may_export, as_dicom=not _is_file(sitting))
        assert study == opened.study

    def follow(self, sitting: Sitting) -> None:
        """Where the reading stands now: once it is signed nothing more is painted."""
        self._sitting = sitting
        if self._fetched and self._book.writable and not sitting.writable:
            self._book.set_painting(False)
            self._book.writable = False
            self._book.changed.emit()
            self._name_people()

    def clear(self) -> None:
        """Keep what waits to be kept, and forget the series."""
        self._keep_waiting()
        if self._dialog is not None:
            self._dialog.close()
            self._dialog.deleteLater()
            self._dialog = None
        self._sitting = self._opened = None
        self._fetched, self._shown, self._found = False, None, ()
        self._book.clear()
        self._name_people()

    # Whose

    def _fetch(self, which: SegmentationId | None) -> None:
        opened, clinic = self._opened, self._context.open_clinic
        assert opened is not None
        self._context.operations.run(
            partial(_fetch, clinic, opened, which),
            initiator=self,
            done=self._fetched_mask,
            failed=self._fail,
            title="",
        )

    def _fetched_mask(self, result: "_Fetched") -> None:
        opened, kept, found = result
        sitting = self._sitting
        if opened is not self._opened or sitting is None:
            return
        self._fetched, self._found = True, found
        self._shown = kept.id if kept is not None else None
        self._book.begin(opened.series.volumes[0], opened.source, kept, writable=sitting.writable)
        self._name_people()

    def _name_people(self) -> None:
        sitting = self._sitting
        begun = any(one.own and not one.merged and not one.after for one in self._found)
        may_begin = sitting is not None and sitting.writable and not begun
        self._screen.masks.name_people(self._found, self._shown or "", may_begin=may_begin)

    def _show_person(self, which: str) -> None:
        """Another's painting, or one that is begun from nothing."""
        opened, sitting = self._opened, self._sitting
        if opened is None or sitting is None:
            return
        self._keep_waiting()
        if which:
            self._fetch(SegmentationId(which))
            return
        self._shown = None
        self._book.begin(opened.series.volumes[0], opened.source, None, writable=sitting.writable)
        self._book.set_painting(True)
        self._name_people()

    def _compare(self) -> None:
        opened, sitting = self._opened, self._sitting
        if opened is None or sitting is None:
            return
        self._keep_waiting()
        dialog = MaskAgreementDialog(self._context, opened, self._screen, may_keep=sitting.writable)
        dialog.kept.connect(self._show_person)
        dialog.open()

    def _keep_waiting(self) -> None:
        if self._waiting.isActive():
            self._waiting.stop()
            self._keep()

    def _keep(self) -> None:
        opened, place, clinic = self._opened, self._book.grid, self._context.clinic
        if opened is None or place is None or clinic is None or not self._fetched:
            return
        grid, shape = place
        segments = self._book.segments()
        draft = workflow.MaskDraft(opened.study, opened.key, grid, shape, opened.source, segments, self._shown)
        self._context.operations.run(
            partial(_store, clinic, draft), initiator=self, done=self._is_kept, failed=self._fail
        )

    def _is_kept(self, result: "_Stored") -> None:
        draft, kept, found = result
        opened = self._opened
        if opened is not None and (draft.study, draft.series) == (opened.study, opened.key):
            self._found = found
            if draft.begun_from == self._shown:
                self._shown = kept.segmentation.id
            self._name_people()
        self.kept.emit()

    # The way out

    def _ask_where(self) -> None:
        sitting, opened = self._sitting, self._opened
        if sitting is None or opened is None:
            return
        self._keep_waiting()
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
            partial(_export, clinic, opened, self._shown, Path(path)),
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


_Fetched = tuple["workflow.OpenSeries", Segmentation | None, tuple["workflow.MaskOn", ...]]
_Stored = tuple["workflow.MaskDraft", "workflow.MaskKept", tuple["workflow.MaskOn", ...]]


def _fetch(
    clinic: "workflow.Clinic", opened: "workflow.OpenSeries", which: SegmentationId | None, job: Job
) -> _Fetched:
    found = workflow.masks_on(clinic, job, opened.study, opened.key)
    return opened, workflow.open_mask(clinic, job, opened.study, opened.key, which), found


def _store(clinic: "workflow.Clinic", draft: "workflow.MaskDraft", job: Job) -> _Stored:
    kept = workflow.keep_mask(clinic, job, draft)
    return draft, kept, workflow.masks_on(clinic, job, draft.study, draft.series)


def _export(
    clinic: "workflow.Clinic",
    opened: "workflow.OpenSeries",
    which: SegmentationId | None,
    path: Path,
    job: Job,
) -> "workflow.Exported":
    return workflow.export_mask(clinic, job, opened.study, opened.key, path, which)
