"""The backups' page: make one now, see what there is, prove that it can be restored, plan the next ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt

from desktop import workflow
from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.records import Changes
from desktop.ui.admin.backup_plan import BackupPlanBox
from desktop.ui.admin.backup_words import age, backup_row, counts_words, error_words, failure_words, moment, sentences
from desktop.ui.settings.section import Section
from desktop.ui.widgets.folder_dialog import ask_for_folder
from desktop.ui.widgets.parts import button, label, row, set_role
from desktop.ui.widgets.rows import RowList

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.ui.operations import Operation
    from desktop.workflow.backups import BackupMade, BackupProven, BackupState, KnownBackup

_MOST_FAULTS = 5


class BackupsSection(Section):
    """Everybody may back up; the plan is an administrator's."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "settings_backups", "settings.section.backups")
        self._state: BackupState | None = None
        self._known: tuple[KnownBackup, ...] = ()
        self._looked = False
        self._result: BackupMade | UserFacingError | None = None
        self._proof: BackupProven | UserFacingError | None = None
        self._running: Operation[Any] | None = None
        self._chosen: Path | None = None
        self._begin_when_known = False
        self._build_now()
        self._build_list()
        self._build_drill()
        self._pressed = self._start
        self.plan = BackupPlanBox(context)
        self.plan_frame = self.box("backup.plan.title", "backup.plan.about")
        self.plan_frame.addWidget(self.plan)
        self.body.addStretch(1)
        context.changed.connect(self._on_changed)
        self.retranslate()

    # What the frame asks

    def activated(self) -> None:
        """Ask the clinic how things stand."""
        self._load()
        self._start.setFocus()

    def back_up_now(self) -> None:
        """Begin, as the bright button does, as soon as it is known where the last one went."""
        if self._state is None:
            self._begin_when_known = True
        else:
            self._begin()

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        self.plan.retranslate()
        self._show()

    def clear(self) -> None:
        """The clinic is locked."""
        self._state = self._result = self._proof = self._running = self._chosen = None
        self._known, self._looked = (), False
        self._begin_when_known = False
        self.plan.clear()
        self._show()

    # Building

    def _build_now(self) -> None:
        inside = self.box("backup.now.title", "backup.now.about")
        self._last = label("backup_last", "strong", wrap=True)
        self._where = label("backup_where", "muted", wrap=True)
        self._start = button("backup_start", "primary")
        self._stop = button("backup_stop", "quiet")
        self._choose = button("backup_choose")
        self.icons.add(self._start, "save")
        self.icons.add(self._choose, "folder")
        self.texts.add(self._start.setText, "backup.now.button")
        self.texts.add(self._stop.setText, "ui.cancel")
        self.texts.add(self._choose.setText, "backup.now.choose")
        self._said = label("backup_result", wrap=True, selectable=True)
        self._start.clicked.connect(self._begin)
        self._stop.clicked.connect(self._cancel)
        self._choose.clicked.connect(self._ask_where)
        buttons = row()
        buttons.addWidget(self._start)
        buttons.addWidget(self._choose)
        buttons.addWidget(self._stop)
        buttons.addStretch(1)
        inside.addWidget(self._last)
        inside.addWidget(self._where)
        inside.addLayout(buttons)
        inside.addWidget(self._said)

    def _build_list(self) -> None:
        inside = self.box("backup.list.title")
        self._none = label("backup_none", "muted", wrap=True)
        self.list = RowList(self.context, "backup_list")
        self.list.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.texts.add(self.list.setAccessibleName, "backup.list.title")
        inside.addWidget(self._none)
        inside.addWidget(self.list)

    def _build_drill(self) -> None:
        inside = self.box("backup.drill.title", "backup.drill.about")
        self._proven = label("backup_proven", "strong", wrap=True)
        self._prove = button("backup_prove")
        self.icons.add(self._prove, "shield")
        self.texts.add(self._prove.setText, "backup.drill.button")
        self._proof_words = label("backup_proof", wrap=True, selectable=True)
        self._prove.clicked.connect(self._begin_proof)
        line = row()
        line.addWidget(self._prove)
        line.addStretch(1)
        inside.addWidget(self._proven)
        inside.addLayout(line)
        inside.addWidget(self._proof_words)

    # Asking the clinic

    def _load(self) -> None:
        clinic = self.context.open_clinic

        def state(job: "Job") -> "BackupState":
            return workflow.backups.backup_state(clinic, job)

        def known(job: "Job") -> "tuple[KnownBackup, ...]":
            return workflow.backups.known_backups(clinic, job)

        self.context.operations.run(state, initiator=self, done=self._take_state)
        # A stick that hangs must hold up neither anybody's deeds nor a backup.
        self.context.operations.run(known, initiator=self, done=self._take_known, pool="media")

    def _take_state(self, state: "BackupState") -> None:
        self._state = state
        self.plan.set_plan(state.plan)
        if self._chosen is None:
            self._chosen = _last_place(self._known, state)
        self._show()
        if self._begin_when_known:
            self._begin_when_known = False
            self._begin()

    def _take_known(self, known: "tuple[KnownBackup, ...]") -> None:
        self._known, self._looked = known, True
        if self._state is not None and self._chosen is None:
            self._chosen = _last_place(known, self._state)
        self._show()

    # Backing up

    def _begin(self) -> None:
        if self._running is not None:
            return
        if self._chosen is None:
            self._ask_where()
        else:
            self._back_up(self._chosen)

    def _ask_where(self) -> None:
        title = self.context.tr("backup.now.where")
        ask_for_folder(self.context, self, title, self.back_up_to, self._chosen if self._answers else None)

    @property
    def _answers(self) -> bool:
        """Whether the place of the last backup answered just now; the dialog must not wait for one that hangs."""
        return any(known.there and Path(known.run.place).parent == self._chosen for known in self._known)

    def back_up_to(self, chosen: str) -> None:
        """Make a backup in a folder, and remember it for the next one."""
        self._chosen = Path(chosen)
        self._back_up(self._chosen)

    def _back_up(self, dest: Path) -> None:
        clinic = self.context.open_clinic

        def work(job: "Job") -> "BackupMade":
            return workflow.backups.back_up(clinic, job, dest)

        self._result, self._pressed = None, self._start
        self._run(work, self._made, "backup.progress.manual", outlasts=True)

    def _begin_proof(self) -> None:
        clinic = self.context.open_clinic

        def work(job: "Job") -> "BackupProven":
            return workflow.backups.drill(clinic, job)

        self._proof, self._pressed = None, self._prove
        self._run(work, self._proved, "backup.progress.drill", outlasts=False)

    def _run(self, work: Any, done: Any, title: str, *, outlasts: bool) -> None:
        # A button that is switched off hands its focus on, and the page would scroll after it.
        self.setFocus()
        self._running = self.context.operations.run(
            work,
            initiator=self,
            done=done,
            failed=self._failed if outlasts else self._not_proved,
            ended=self._ended,
            pool="background",
            title=self.context.tr(title),
            outlasts=outlasts,
        )
        self._show()

    def _cancel(self) -> None:
        if self._running is not None:
            self._running.cancel()

    def _made(self, made: "BackupMade") -> None:
        self._result = made

    def _failed(self, error: Exception) -> None:
        self._result = error if isinstance(error, UserFacingError) else None
        self.context.announce(Changes(backups=True), self)

    def _proved(self, proof: "BackupProven") -> None:
        self._proof = proof

    def _not_proved(self, error: Exception) -> None:
        self._proof = error if isinstance(error, UserFacingError) else None
        self.context.announce(Changes(backups=True), self)

    def _ended(self) -> None:
        self._running = None
        self._show()
        if self.isVisible():
            self._pressed.setFocus()

    # Showing

    def _show(self) -> None:
        clinic = self.context.clinic
        self._show_last()
        self._show_buttons()
        self._said.setVisible(self._result is not None)
        if self._result is not None:
            self._show_result(self._result)
        self.list.set_rows([backup_row(self.context, known) for known in self._known])
        self.list.fit_height()
        self.list.setVisible(bool(self._known))
        self._none.setText(self.context.tr("backup.list.none" if self._looked else "backup.list.looking"))
        self._none.setVisible(not self._known)
        self._show_proof()
        may_plan = clinic is not None and clinic.session.may(Permission.MANAGE_CLINIC)
        self.plan.set_allowed(may_plan)

    def _show_last(self) -> None:
        tr, state, clinic = self.context.tr, self._state, self.context.clinic
        if state is None or clinic is None:
            self._last.setText("")
            self._where.setText("")
            return
        last = state.last
        words = [tr("backup.last.none")]
        if last is not None:
            key = "backup.last.restored" if last.kind is workflow.backups.RunKind.RESTORE else "backup.last"
            past = age(self.context, last.as_of, clinic.clock())
            words = [tr(key, time=moment(self.context, last.as_of), age=past)]
        if state.failure is not None and self._result is None:
            why = failure_words(self.context, state.failure.failure)
            words.append(tr("backup.last.failed", time=moment(self.context, state.failure.finished), why=why))
        self._last.setText(sentences(self.context, words))
        wrong = state.overdue or state.failure is not None
        set_role(self._last, "danger" if wrong else "caution" if last is None else "ok")
        self._where.setText(tr("backup.now.to", folder=str(self._chosen)) if self._chosen else tr("backup.now.first"))

    def _show_buttons(self) -> None:
        running = self._running is not None
        self._start.setEnabled(not running)
        self._choose.setEnabled(not running)
        self._choose.setVisible(self._chosen is not None)
        self._prove.setEnabled(not running and any(known.there and known.run.ok for known in self._known))
        self._stop.setVisible(running)

    def _show_result(self, result: "BackupMade | UserFacingError") -> None:
        tr = self.context.tr
        if isinstance(result, UserFacingError):
            self._said.setText(error_words(self.context, result))
            set_role(self._said, "danger")
            return
        counts = counts_words(self.context, result.counts)
        if result.verified:
            self._said.setText(tr("backup.done", counts=counts, folder=str(result.folder)))
            set_role(self._said, "ok")
            return
        told = [
            tr(f"{fault.key}{part}", where=fault.where)
            for fault in result.faults[:_MOST_FAULTS]
            for part in ("", ".advice")
        ]
        more = len(result.faults) - _MOST_FAULTS
        if more > 0:
            told.append(tr("backup.done.more_faults", count=more))
        self._said.setText("\n".join([tr("backup.done.faults", counts=counts, folder=str(result.folder)), *told]))
        set_role(self._said, "caution" if all(fault.in_clinic for fault in result.faults) else "danger")

    def _show_proof(self) -> None:
        tr, state, proof = self.context.tr, self._state, self._proof
        proven = state.proven if state is not None else None
        self._proven.setText(
            tr("backup.proven.at", time=moment(self.context, proven.finished))
            if proven is not None
            else tr("backup.proven.never")
        )
        self._proof_words.setVisible(proof is not None)
        if isinstance(proof, UserFacingError):
            self._proof_words.setText(error_words(self.context, proof))
            set_role(self._proof_words, "danger")
        elif proof is not None and proof.problems:
            first = proof.problems[0]
            told = [tr("backup.drill.problems", count=len(proof.problems)), tr(first.key, **first.details)]
            self._proof_words.setText(sentences(self.context, told))
            set_role(self._proof_words, "danger")
        elif proof is not None:
            made = proof.run.made or proof.run.finished
            self._proof_words.setText(tr("backup.drill.done", time=moment(self.context, made)))
            set_role(self._proof_words, "ok")

    def _on_changed(self, changes: Changes, initiator: QObject | None) -> None:
        if changes.backups and self._state is not None and self.context.clinic is not None:
            self._load()


def _last_place(known: "tuple[KnownBackup, ...]", state: "BackupState") -> Path | None:
    """Where the newest backup made by hand went."""
    runs = [one.run for one in known] + ([state.last] if state.last is not None else [])
    manual = (run for run in runs if run.kind is workflow.backups.RunKind.MANUAL and run.place)
    run = next(manual, None)
    return Path(run.place).parent if run is not None else None
