"""A disc, folder, archive or many files: found, matched, shown, and stored study by study."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QDialog, QWidget

from desktop import workflow
from desktop.imaging.display import Pixels8
from desktop.records import Patient, PatientId, StudyId
from desktop.ui.context import UiContext
from desktop.ui.importing import disc_words as say
from desktop.ui.importing.asking_models import ask_models
from desktop.ui.importing.disc_dialog import PICTURE, DiscDialog
from desktop.ui.importing.disc_plan import Plan, Task
from desktop.ui.importing.mismatch import MismatchDialog
from desktop.ui.importing.outcome import FileOutcome, Status, Summary
from desktop.ui.importing.register import RegisterDialog
from desktop.ui.importing.whose import WhoseDialog
from desktop.ui.operations import Operation
from desktop.workflow import import_finding as finding
from desktop.workflow import import_storing as storing


class DiscFlow(QObject):
    """Signals: finished(tuple of FileOutcome) when the dialog is closed, cancelled or not."""

    finished = Signal(object)

    def __init__(
        self, context: UiContext, clinic: "workflow.Clinic", patient: PatientId | None, window: QWidget
    ) -> None:
        super().__init__(window)
        self._context = context
        self._clinic = clinic
        self._opened = patient
        self._window = window
        self._found: finding.Found | None = None
        self._plan = Plan(context)
        self._tasks: list[Task] = []
        self._task: Task | None = None
        self._kept: list[storing.FileKept] = []
        self._to_ask: dict[StudyId, None] = {}
        self._running: Operation[Any] | None = None
        self._question: QDialog | None = None
        self._asked: Patient | None = None
        self._looks = 0
        self._shown_study = False
        self._over = False
        self.dialog = DiscDialog(context, window)
        self._connect()

    def _connect(self) -> None:
        dialog = self.dialog
        dialog.selected.connect(self._selected)
        dialog.choose_requested.connect(self._choose)
        dialog.register_requested.connect(self._register)
        dialog.leave_requested.connect(self._leave)
        dialog.import_requested.connect(self._import)
        dialog.keep_both_requested.connect(self._keep_both)
        dialog.stopped.connect(self.stop)
        self._context.operations.shown.connect(self._show_progress)
        self._context.locked.connect(self._end)

    # Finding

    def begin(self, paths: Sequence[Path]) -> None:
        """Look through files, folders, archives and discs; the first picture is on the screen meanwhile."""
        clinic = self._clinic
        self.dialog.show()
        self._context.operations.run(
            lambda job: finding.first_look(clinic, job, paths, PICTURE),
            initiator=self,
            done=self._show_first,
            failed=self._no_picture,
            pool="display",
        )
        self._running = self._context.operations.run(
            lambda job: finding.find_files(clinic, job, paths),
            initiator=self,
            done=self._sorted,
            failed=self._failed,
            ended=self._idle,
            pool="compute",
            title=self._context.tr("importing.progress.gathering"),
        )

    def _sorted(self, found: finding.Found) -> None:
        self._found = found
        clinic, opened = self._clinic, self._opened
        headers = [patient.header for patient in found.index.patients]
        self._running = self._context.operations.run(
            lambda job: finding.match_files(clinic, job, headers, opened),
            initiator=self,
            done=self._matched,
            failed=self._failed,
            ended=self._idle,
        )

    def _matched(self, matches: tuple[finding.Match, ...]) -> None:
        if self._found is not None:
            self._plan.begin(self._found.index, matches)
            self._show_list(self._plan.first_question)

    def _failed(self, error: Exception) -> None:
        self._context.show_error(error, self._window)
        self._end()

    def _idle(self) -> None:
        """Whatever ran is over; another piece may have begun in its place."""
        if self._running is not None and self._running.finished:
            self._running = None
        if self._over:
            self._let_go()

    # Showing

    def _show_list(self, select: str = "") -> None:
        self.dialog.show_rows(self._plan.rows(), select)
        self._show_selected()
        ready = len(self._plan.tasks())
        self.dialog.go.setEnabled(ready > 0 and self._task is None)
        key = "importing.disc.import_count" if ready else "importing.disc.import"
        self.dialog.go.setText(self._context.tr(key, count=ready))
        if self._task is None:
            self.dialog.set_busy(False)
            self.dialog.words.setText(self._plan.summary())

    def _selected(self, key: str) -> None:
        self._show_selected()
        source = self._plan.source(key)
        self._looks += 1
        if source is None:
            self.dialog.show_picture(None)
            return
        number, clinic = self._looks, self._clinic
        self._context.operations.run(
            lambda job: (number, finding.look_at(clinic, job, source, PICTURE)),
            initiator=self,
            done=self._show_look,
            failed=self._no_picture,
            pool="display",
        )

    def _show_selected(self) -> None:
        key = self.dialog.list.current_key
        person = self._plan.person(key)
        if person is None:
            name, why = self._plan.refusal(key)
            self.dialog.show_patient(name, "", why, may_choose=False, left_out=False)
            return
        goes, _ = say.whose_text(self._context, person.match, person.patient, person.left_out)
        self.dialog.show_patient(
            say.name_in_file(self._context, person.found.header),
            goes,
            self._plan.note(person),
            may_choose=self._task is None and not person.done,
            left_out=person.left_out,
        )
        self.dialog.register.setVisible(self._task is None and not person.done and self._plan.is_named(person))

    def _show_first(self, light: Pixels8 | None) -> None:
        if not self._looks:
            self.dialog.show_picture(light)

    def _show_look(self, look: tuple[int, Pixels8 | None]) -> None:
        if look[0] == self._looks:
            self.dialog.show_picture(look[1])

    def _no_picture(self, error: Exception) -> None:
        """The list says what is wrong with a file; here nothing is shown of it."""
        self.dialog.show_picture(None)

    def _show_progress(self) -> None:
        if self._running is None or self._over:
            return
        progress = self._running.progress
        if progress.key:
            words = self._plan.running(self._task) or self._context.tr(progress.key)
            self.dialog.show_progress(words, progress.done, progress.total)

    # Whose they are

    def _choose(self) -> None:
        person = self._plan.person(self.dialog.list.current_key)
        if person is None:
            return
        dialog = WhoseDialog(self._context, sum(len(study.sources) for study in person.found.studies), self.dialog)
        dialog.chosen.connect(self._patient_chosen)
        if person.match.likely:
            dialog.finder.search.setText(person.match.likely[0].display_name)
        self._ask(dialog)

    def _patient_chosen(self, patient: str) -> None:
        self._answered()
        person = self._plan.person(self.dialog.list.current_key)
        if person is None:
            return
        clinic, header = self._clinic, person.found.header
        self._context.operations.run(
            lambda job: finding.check_choice(clinic, job, header, PatientId(patient)),
            initiator=self,
            done=self._checked,
        )

    def _checked(self, choice: finding.Choice) -> None:
        person = self._plan.person(self.dialog.list.current_key)
        if person is None:
            return
        if not choice.mismatch:
            self._plan.give(person, choice.patient, "")
            self._show_list(self._plan.first_question)
            return
        error = workflow.NameMismatch(person.found.header, choice.patient)
        dialog = MismatchDialog(self._context, error, Path(person.found.studies[0].sources[0].name), self.dialog)
        self._asked = choice.patient
        dialog.accepted_with.connect(self._mismatch_accepted)
        self._ask(dialog)

    def _mismatch_accepted(self, reason: str) -> None:
        self._answered()
        person = self._plan.person(self.dialog.list.current_key)
        if person is not None and self._asked is not None:
            self._plan.give(person, self._asked, reason)
            self._show_list(self._plan.first_question)

    def _register(self) -> None:
        person = self._plan.person(self.dialog.list.current_key)
        if person is None or not self._plan.is_named(person):
            return
        clinic, header = self._clinic, person.found.header
        self._context.operations.run(
            lambda job: finding.draft_from_header(clinic, job, header), initiator=self, done=self._confirm
        )

    def _confirm(self, draft: "workflow.PatientDraft") -> None:
        dialog = RegisterDialog(self._context, draft, self.dialog)
        dialog.registered.connect(self._registered)
        self._ask(dialog)

    def _registered(self, patient: Patient) -> None:
        self._answered()
        person = self._plan.person(self.dialog.list.current_key)
        if person is not None:
            self._plan.give(person, patient, "")
            self._show_list(self._plan.first_question)

    def _leave(self) -> None:
        person = self._plan.person(self.dialog.list.current_key)
        if person is not None:
            person.left_out = not person.left_out
            self._show_list()

    def _ask(self, dialog: QDialog) -> None:
        self._question = dialog
        dialog.open()

    def _answered(self) -> None:
        dialog, self._question = self._question, None
        if dialog is not None:
            dialog.hide()
            dialog.deleteLater()

    # Storing

    def _import(self) -> None:
        self._tasks = self._plan.tasks()
        self._next()

    def _keep_both(self) -> None:
        self.dialog.both.hide()
        self._tasks = self._plan.second_versions()
        self._next()

    def _next(self) -> None:
        if self._over or self._context.clinic is not self._clinic:
            return
        self._task = self._tasks.pop(0) if self._tasks else None
        if self._task is None:
            self._done()
            return
        task, clinic = self._task, self._clinic
        self.dialog.set_busy(True)
        self._show_list()
        self._running = self._context.operations.run(
            lambda job: storing.seal_files(clinic, job, task.sources, task.patient, task.consent),
            initiator=self,
            done=self._sealed,
            failed=self._not_stored,
            ended=self._after_sealing,
            pool="compute",
            title=self._context.tr("importing.progress.sealing"),
        )

    def _sealed(self, sealed: storing.SealedFiles) -> None:
        clinic = self._clinic
        self._running = self._context.operations.run(
            lambda job: storing.keep_files(clinic, job, sealed),
            initiator=self,
            done=self._stored,
            failed=self._not_stored,
            ended=self._after_storing,
            outlasts=True,
        )

    def _stored(self, result: storing.FilesKept) -> None:
        if self._task is None:
            return
        self._plan.note_kept(self._task, result.files)
        self._kept += result.files
        new = [one for one in result.files if one.study is not None]
        for one in new:
            if one.askable and one.state is storing.FileState.OK and one.study is not None:
                self._to_ask[one.study] = None
        if new and not self._shown_study and new[0].study is not None:
            # The first study is on the screen while the rest is stored behind it.
            self._shown_study = True
            self._context.study_requested.emit(new[0].study)

    def _not_stored(self, error: Exception) -> None:
        if self._task is not None:
            text = self._context.error_text(error)
            self._plan.note_failed(self._task, f"{text.message} {text.advice}")

    def _after_sealing(self) -> None:
        """Sealed files are being put on record; where sealing failed or was stopped, the next study's turn comes."""
        if self._over or (self._running is not None and self._running.finished):
            self._after_storing()

    def _after_storing(self) -> None:
        self._running = None
        if self._over:
            self._let_go()
        else:
            self._next()

    def _done(self) -> None:
        self._show_list()
        summary = Summary.of(self._outcomes())
        words = self._context.tr(
            "importing.results.end", kept=summary.kept, duplicates=summary.duplicates, failed=summary.failed
        )
        self.dialog.words.setText(words)
        versions = self._plan.versions
        self.dialog.both.setVisible(versions > 0)
        self.dialog.both.setText(self._context.tr("importing.disc.both", count=versions))
        self.dialog.close_button.setFocus()
        ask_models(self._context, self._clinic, self._to_ask)
        self._to_ask.clear()

    # The end

    def stop(self) -> None:
        """Keep what is kept, leave the rest; with nothing under way, close."""
        self._tasks.clear()
        if self._task is not None and self._running is not None:
            self._running.cancel()
            return
        self._end()

    def _end(self) -> None:
        if self._over:
            return
        self._over = True
        self._answered()
        self.dialog.hide()
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
        self.finished.emit(self._outcomes())
        # While files are being read they stay open; the operation's end lets go of them, unless the clinic was locked.
        if running is None or self._context.clinic is not self._clinic:
            self._let_go()

    def _let_go(self) -> None:
        if self._found is not None:
            self._found.gathered.close()
            self._found = None
        self.dialog.deleteLater()
        self.deleteLater()

    def _outcomes(self) -> tuple[FileOutcome, ...]:
        return tuple(self._outcome(one) for one in self._kept)

    def _outcome(self, one: storing.FileKept) -> FileOutcome:
        words = ""
        if one.error is not None:
            text = self._context.error_text(one.error)
            words = f"{text.message}\n{text.advice}"
        status = Status.REFUSED if one.state is storing.FileState.VERSION else Status(one.state.value)
        return FileOutcome(Path(one.name), status, words, one.study)
