"""One import from the first question to the last sentence."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QStandardPaths, Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from desktop import workflow
from desktop.access import Permission
from desktop.records import PatientId, StudyId
from desktop.ui.context import UiContext
from desktop.ui.importing.asking_models import ask_models
from desktop.ui.importing.files import plain_files
from desktop.ui.importing.mismatch import MismatchDialog
from desktop.ui.importing.outcome import FileOutcome, Status, Summary
from desktop.ui.importing.results import ResultsDialog
from desktop.ui.importing.whose import WhoseDialog
from desktop.ui.operations import Operation
from desktop.ui.widgets.file_dialog import file_dialog

if TYPE_CHECKING:
    from desktop.ui.importing.disc_flow import DiscFlow


def start_import(
    context: UiContext, paths: Sequence[Path], patient: PatientId | None, parent: QWidget
) -> "ImportFlow | None":
    """Begin; the flow lives until it is done. None where the user's role may not import."""
    flow = _new_flow(context, patient, parent)
    if flow is not None:
        flow.begin(paths)
    return flow


def start_folder_import(context: UiContext, patient: PatientId | None, parent: QWidget) -> "ImportFlow | None":
    """Begin with the question for a folder."""
    flow = _new_flow(context, patient, parent)
    if flow is not None:
        flow.ask_folder()
    return flow


def _new_flow(context: UiContext, patient: PatientId | None, parent: QWidget) -> "ImportFlow | None":
    clinic = context.clinic
    if clinic is None:
        return None
    if not clinic.session.may(Permission.IMPORT_IMAGES):
        context.toast(context.tr("access.denied"))
        return None
    return ImportFlow(context, clinic, patient, parent.window())


class ImportFlow(QObject):
    """Files one after the other: read, compare the name, keep. Nothing is stored of a file that was refused.

    Signals: finished(tuple of FileOutcome) at the very end, cancelled or not.
    """

    finished = Signal(object)

    def __init__(
        self, context: UiContext, clinic: "workflow.Clinic", patient: PatientId | None, window: QWidget
    ) -> None:
        super().__init__(window)
        self._context = context
        self._clinic = clinic
        self._patient = patient
        self._window = window
        self._waiting: list[Path] = []
        self._current: Path | None = None
        self._total = 0
        self._outcomes: list[FileOutcome] = []
        self._to_ask: list[StudyId] = []
        self._error: Exception | None = None
        self._accepted: dict[str, str] = {}
        self._refused: set[str] = set()
        self._dialog: QDialog | None = None
        self._results: ResultsDialog | None = None
        self._running: Operation[Any] | None = None
        self._preview: workflow.FilePreview | None = None
        self._mismatch: workflow.NameMismatch | None = None
        self._over = False
        self._paths: tuple[Path, ...] = ()
        self.disc: DiscFlow | None = None

    # Questions before the work

    def begin(self, paths: Sequence[Path]) -> None:
        """With these files and folders; without any, ask for files."""
        if paths:
            self._gather(tuple(paths))
        else:
            self._ask(self._files_dialog())

    def ask_folder(self) -> None:
        """Ask for a folder."""
        dialog = self._files_dialog()
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setWindowTitle(self._context.tr("importing.choose_folder"))
        self._ask(dialog)

    def _files_dialog(self) -> QFileDialog:
        tr = self._context.tr
        dialog = file_dialog(self._context, self._window, tr("importing.choose"))
        dialog.setObjectName("import_files_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters([tr("importing.filter.films"), tr("importing.filter.all")])
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.HomeLocation)
        dialog.setDirectory(folder)
        dialog.filesSelected.connect(self._files_chosen)
        return dialog

    def _ask(self, dialog: QDialog) -> None:
        """Show a question; closing it without an answer ends the import."""
        self._dialog = dialog
        dialog.rejected.connect(self._given_up)
        dialog.open()

    def _answered(self) -> None:
        dialog, self._dialog = self._dialog, None
        if dialog is not None:
            dialog.rejected.disconnect(self._given_up)
            dialog.hide()
            dialog.deleteLater()

    def _given_up(self) -> None:
        if self._dialog is not None:
            self._dialog.deleteLater()
            self._dialog = None
        self._end()

    def _files_chosen(self, names: list[str]) -> None:
        self._answered()
        self._gather(tuple(Path(name) for name in names))

    def _gather(self, paths: tuple[Path, ...]) -> None:
        self._paths = paths
        self._context.operations.run(
            partial(plain_files, self._clinic, paths, self._patient is not None),
            initiator=self,
            done=self._gathered,
            failed=self._failed_whole,
            pool="media",
        )

    def _gathered(self, files: tuple[Path, ...] | None) -> None:
        if files is None:
            self._sort()
            return
        self._waiting, self._total = list(files), len(files)
        if self._patient is None:
            dialog = WhoseDialog(self._context, self._total, self._window)
            dialog.chosen.connect(self._patient_chosen)
            self._ask(dialog)
            return
        self._work()

    def _sort(self) -> None:
        """A disc, a folder, an archive or many files: a list first."""
        # Late: it brings pydicom along, which would slow down the reading room's first opening.
        from desktop.ui.importing.disc_flow import DiscFlow

        self.disc = DiscFlow(self._context, self._clinic, self._patient, self._window)
        self.disc.finished.connect(self._disc_done)
        self.disc.begin(self._paths)

    def _disc_done(self, outcomes: tuple[FileOutcome, ...]) -> None:
        self._over = True
        self.finished.emit(outcomes)
        self.deleteLater()

    def _patient_chosen(self, patient: str) -> None:
        self._patient = PatientId(patient)
        self._answered()
        self._work()

    def _failed_whole(self, error: Exception) -> None:
        self._context.show_error(error, self._window)
        self._end()

    # One file after the other

    def _work(self) -> None:
        if self._total > 1:
            self._results = ResultsDialog(self._context, self._total, self._window)
            self._results.stopped.connect(self.stop)
            self._results.finished.connect(self._results_closed)
            self._results.show()
        self._next()

    def stop(self) -> None:
        """Keep what is kept; leave the rest."""
        if self.disc is not None:
            self.disc.stop()
        self._waiting.clear()
        if self._running is not None:
            self._running.cancel()

    def _next(self) -> None:
        if self._context.clinic is not self._clinic or not self._waiting:
            self._end()
            return
        clinic, path = self._clinic, self._waiting.pop(0)
        self._current = path
        self._preview = self._mismatch = None
        self._running = self._context.operations.run(
            lambda job: workflow.preview_file(clinic, job, path),
            initiator=self,
            done=self._read,
            failed=self._not_read,
            ended=self._after_reading,
            pool="compute",
            title=self._context.tr("importing.progress", number=len(self._outcomes) + 1, count=self._total),
        )

    def _read(self, preview: "workflow.FilePreview") -> None:
        self._preview = preview

    def _not_read(self, error: Exception) -> None:
        self._note(Status.ERROR, error)

    def _after_reading(self) -> None:
        if self._preview is None:
            self._done_with_file()
        else:
            self._keep(None)

    def _keep(self, reason: str | None) -> None:
        clinic, preview, patient = self._clinic, self._preview, self._patient
        if preview is None or patient is None:
            return
        if reason is None:
            reason = self._accepted.get(_named(preview))
        accepted = reason
        self._running = self._context.operations.run(
            lambda job: workflow.import_preview(clinic, job, preview, patient, accepted),
            initiator=self,
            done=self._kept,
            failed=self._not_kept,
            ended=self._after_keeping,
            title=self._context.tr("importing.progress", number=len(self._outcomes) + 1, count=self._total),
        )

    def _kept(self, imported: "workflow.Imported") -> None:
        tr = self._context.tr
        if imported.duplicate:
            self._add(Status.DUPLICATE, tr("importing.duplicate"), imported.study)
        else:
            self._add(Status.OK, "", imported.study)
            self._to_ask.append(imported.study)

    def _not_kept(self, error: Exception) -> None:
        if isinstance(error, workflow.NameMismatch) and self._preview is not None:
            if _named(self._preview) in self._refused:
                self._note(Status.REFUSED, error)
            else:
                self._mismatch = error
            return
        self._note(Status.ERROR, error)

    def _after_keeping(self) -> None:
        if self._mismatch is None or self._current is None:
            self._done_with_file()
            return
        dialog = MismatchDialog(self._context, self._mismatch, self._current, self._window)
        dialog.accepted_with.connect(self._mismatch_accepted)
        dialog.rejected.connect(self._mismatch_refused)
        self._dialog = dialog
        dialog.open()

    def _mismatch_accepted(self, reason: str) -> None:
        dialog, self._dialog, self._mismatch = self._dialog, None, None
        if dialog is not None:
            dialog.deleteLater()
        if self._preview is not None:
            self._accepted[_named(self._preview)] = reason
            self._keep(reason)

    def _mismatch_refused(self) -> None:
        mismatch, self._mismatch = self._mismatch, None
        if self._dialog is not None:
            self._dialog.deleteLater()
            self._dialog = None
        if mismatch is not None and self._preview is not None:
            self._refused.add(_named(self._preview))
            self._note(Status.REFUSED, mismatch)
            self._done_with_file()

    def _done_with_file(self) -> None:
        self._running = None
        self._preview = self._current = None
        self._next()

    def _note(self, status: Status, error: Exception) -> None:
        text = self._context.error_text(error)
        self._error = error if status is Status.ERROR else None
        self._add(status, f"{text.message}\n{text.advice}", None)

    def _add(self, status: Status, words: str, study: StudyId | None) -> None:
        if self._current is None:
            return
        outcome = FileOutcome(self._current, status, words, study)
        self._outcomes.append(outcome)
        if self._results is not None:
            self._results.add(outcome)

    # The end

    def _end(self) -> None:
        if self._over:
            return
        self._over = True
        outcomes = tuple(self._outcomes)
        if self._context.clinic is self._clinic and outcomes:
            self._say(outcomes)
            studies = list(dict.fromkeys(o.study for o in outcomes if o.study is not None))
            ask_models(self._context, self._clinic, self._to_ask)
            if studies:
                self._open(studies[0])
        self.finished.emit(outcomes)
        if self._results is None:
            self.deleteLater()

    def _say(self, outcomes: tuple[FileOutcome, ...]) -> None:
        summary = Summary.of(outcomes)
        tr = self._context.tr
        if self._results is not None:
            self._results.end(summary)
        elif self._error is not None:
            self._context.show_error(self._error, self._window)
        elif summary.failed:
            self._context.toast(tr("importing.refused"))
        else:
            self._context.toast(tr("importing.duplicate" if summary.duplicates else "importing.kept"))

    def _open(self, study: str) -> None:
        self._context.study_requested.emit(study)

    def _results_closed(self, result: int) -> None:
        if self._results is not None:
            self._results.deleteLater()
            self._results = None
        if self._over:
            self.deleteLater()
        else:
            self.stop()


def _named(preview: "workflow.FilePreview") -> str:
    """The names a file bears, so that one answer holds for a whole disc of the same patient."""
    return "=".join(preview.header.name_groups)
