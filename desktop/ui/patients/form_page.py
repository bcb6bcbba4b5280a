"""The registration page: the form, who it may be already, and the buttons."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop import workflow
from desktop.access import Permission
from desktop.records import DuplicateCandidate, Patient, PatientId
from desktop.ui.patients import words
from desktop.ui.patients.form import PatientForm
from desktop.ui.patients.form_draft import FormDraft
from desktop.ui.patients.form_keeper import FormKeeper
from desktop.ui.patients.unsaved import KeptStrip, moment_text
from desktop.ui.widgets.parts import Icons, Texts, button, card, column, label, row
from desktop.ui.widgets.rows import Row, RowList, Tone

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Clinic, Edited, Registered, UnsavedEdit, UnsavedPatient, UnsavedWork

_PAUSE_MILLISECONDS = 300
_DUPLICATES_WIDTH = 340


@dataclass(frozen=True)
class _Answer:
    """Who the draft of one moment may be."""

    number: int
    candidates: tuple[DuplicateCandidate, ...]


class PatientFormPage(QWidget):
    """Signals: saved(Patient) once on file; left on Esc, with what was typed kept; patient_chosen(id) of a double;
    merge_requested(Patient, id) where the one being edited is the same person; offered() when a registration the same
    user did not save is back; discarded(UnsavedWork) when changes to a record shall not be kept."""

    saved = Signal(object)
    left = Signal()
    patient_chosen = Signal(str)
    merge_requested = Signal(object, str)
    offered = Signal()
    discarded = Signal(object)

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("patient_form_page")
        self._context = context
        self._texts = Texts(context)
        self._icons = Icons(context)
        self._asked_number = 0
        self._base = ""
        self._on_file: UnsavedPatient | None = None
        self._edits: FormKeeper[UnsavedEdit] = FormKeeper(context, self, _keep, self._show_kept)
        self._candidates: tuple[DuplicateCandidate, ...] = ()
        self.form = PatientForm(context)
        self._draft = FormDraft(context, self.form, self)
        self._title = label("form_title", "title")
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MILLISECONDS)
        self._pause.timeout.connect(self._look_for_duplicates)
        layout = column(self, margin=24, spacing=16)
        layout.addWidget(self._title)
        layout.addWidget(self._build_kept())
        middle = row(spacing=24)
        middle.addWidget(self.form, 1)
        middle.addWidget(self._build_duplicates(), alignment=Qt.AlignmentFlag.AlignTop)
        layout.addLayout(middle, 1)
        layout.addLayout(self._build_buttons())
        for keys in ("Ctrl+Return", "Ctrl+Enter", "Ctrl+S"):
            QShortcut(QKeySequence(keys), self, self.save)
        self.form.submitted.connect(self.save)
        self.form.edited.connect(self._pause.start)
        self.form.edited.connect(self._keep_edit)
        self._draft.changed.connect(self._show_kept)
        self._draft.turned.connect(self._show_kept)
        self._draft.changed.connect(self._pause.start)
        self._draft.offered.connect(self.offered)
        self.retranslate()

    def begin(self) -> None:
        """Somebody new; what was typed before Esc is still there."""
        if self.form.patient is not None:
            self._edits.save_now()
            self._edits.forget()
            self._start_over()
        self._draft.take_up()
        self._show()

    def edit(self, patient: Patient, base: str, kept: "UnsavedWork | None" = None) -> None:
        """Mend what is on file. base: the version that is shown; another one by then makes the edit a conflict.

        kept: changes begun before, which have a base of their own. Those that still stand in the form go before.
        """
        self._draft.set_aside()
        if self.form.patient is None or not self._edits.holds(patient.id):
            self._base = base
            self._edits.begin(patient.id, kept.saved if kept is not None else None)
            self.form.fill(patient)
            self._on_file = self.form.typed()
            if kept is not None and isinstance(kept.form, workflow.UnsavedEdit):
                self._base = kept.form.base
                self.form.show_typed(kept.form.form)
            self._set_candidates(())
        elif kept is not None:
            self._edits.came_back(kept.saved)
        self._show()

    def let_go(self, patient: PatientId) -> None:
        """Changes to that record are not wanted any more."""
        if self.form.patient is not None and self._edits.holds(patient):
            self._edits.forget()
            self._start_over()

    def save(self) -> None:
        """Put it on file, or say what is missing."""
        draft = self.form.draft()
        if draft is None or not self._save.isEnabled():
            return
        clinic, patient, base = self._context.open_clinic, self.form.patient, self._base
        self._edits.save_now()

        def work(job: "Job") -> "Registered | Edited":
            if patient is None:
                return workflow.register_patient(clinic, job, draft)
            return workflow.edit_patient(clinic, job, patient.id, draft, base, typed=True)

        self._save.setEnabled(False)
        self._context.operations.run(
            work,
            initiator=self,
            done=self._saved,
            ended=self._ready,
            title=self._context.tr("patients.form.saving"),
        )

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self.form.retranslate()
        editing = self.form.patient is not None
        self._title.setText(self._context.tr("patients.form.edit" if editing else "patients.form.title"))
        self._save.setText(self._context.tr("patients.form.save" if editing else "patients.form.register"))
        self._again.setVisible(not editing)
        self._set_candidates(self._candidates)
        self._show_kept()

    def clear(self) -> None:
        """Forget the patient and what was typed."""
        self._pause.stop()
        self._draft.forget()
        self._edits.forget()
        self._start_over()

    def save_draft(self) -> None:
        """Before locking, or when another page is shown: put what was typed in the store's queue."""
        self._draft.save_now()
        self._edits.save_now()

    def _empty(self) -> None:
        """By hand: nothing of it is kept."""
        self._start_over()
        self._draft.drop()

    def _show(self) -> None:
        self.retranslate()
        self.form.focus_first()

    def _start_over(self) -> None:
        self.form.start_over()
        self._asked_number += 1
        self._set_candidates(())
        self.form.focus_first()

    def _build_kept(self) -> QWidget:
        self._kept = KeptStrip("form")
        self._kept.discarded.connect(self._discard)
        self._earlier = button("form_earlier", "quiet")
        self._texts.add(self._earlier.setText, "patients.form.earlier.open")
        self._earlier.clicked.connect(self._draft.swap)
        self._kept.line.addWidget(self._earlier)
        return self._kept

    def _show_kept(self) -> None:
        """Say that the form shows, or that there is, what was typed before; or that what is typed cannot be kept."""
        tr, waiting, since = self._context.tr, self._draft.waiting, self._edits.since
        self._earlier.setVisible(waiting)
        if self._edits.failing or self._draft.failing:
            self._kept.say(tr("patients.unsaved.failed"))
        elif self.form.patient is not None:
            said = tr("patients.form.kept.edit", when=moment_text(self._context, since)) if since is not None else ""
            self._kept.say(said, tr("patients.unsaved.discard"))
        elif waiting:
            self._kept.say(tr("patients.form.earlier"))
        else:
            self._kept.say(tr("patients.form.kept") if self._draft.resumed else "")

    def _keep_edit(self) -> None:
        """Changes to a record; none where the form says what is on file. Not those that are being saved."""
        if self.form.patient is not None and self._save.isEnabled():
            typed = self.form.typed()
            self._edits.keep(None if typed == self._on_file else workflow.UnsavedEdit(self._base, typed))

    def _discard(self) -> None:
        patient, since = self.form.patient, self._edits.since
        if patient is not None and since is not None:
            form = workflow.UnsavedEdit(self._base, self.form.typed())
            self.discarded.emit(workflow.UnsavedWork(patient, form, since))

    def _build_duplicates(self) -> QWidget:
        box = card("duplicates")
        box.setFixedWidth(_DUPLICATES_WIDTH)
        inside = column(box, margin=16, spacing=8)
        self._duplicates_title = label("duplicates_title", "heading", wrap=True)
        self._duplicates_about = label("duplicates_about", "muted", wrap=True)
        self._duplicates = RowList(self._context, "duplicates_list")
        self._texts.add(self._duplicates.setAccessibleName, "patients.duplicates.title")
        self._duplicates.chosen.connect(self.patient_chosen)
        inside.addWidget(self._duplicates_title)
        inside.addWidget(self._duplicates_about)
        inside.addWidget(self._duplicates)
        self._compare = button("duplicates_compare", "quiet")
        self._texts.add(self._compare.setText, "merging.compare")
        self._compare.clicked.connect(self._ask_merge)
        inside.addWidget(self._compare)
        return box

    def _build_buttons(self) -> QHBoxLayout:
        back = button("form_back", "quiet")
        self._again = button("form_again", "quiet")
        self._save = button("form_save", "primary")
        self._icons.add(self._save, "check")
        self._texts.add(back.setText, "patients.form.back")
        self._texts.add(self._again.setText, "patients.form.again")
        back.clicked.connect(self.left)
        self._again.clicked.connect(self._empty)
        self._save.clicked.connect(self.save)
        hint = label("form_hint", "small")
        self._texts.add(hint.setText, "patients.form.keys")
        buttons = row()
        buttons.addWidget(back)
        buttons.addWidget(self._again)
        buttons.addStretch(1)
        buttons.addWidget(hint)
        buttons.addWidget(self._save)
        return buttons

    def _look_for_duplicates(self) -> None:
        draft = self.form.draft_so_far()
        self._asked_number += 1
        if draft is None or self._context.clinic is None:
            self._set_candidates(())
            return
        clinic, number = self._context.open_clinic, self._asked_number

        def work(job: "Job") -> _Answer:
            return _Answer(number, workflow.possible_duplicates(clinic, job, draft))

        self._context.operations.run(work, initiator=self, done=self._show_duplicates)

    def _show_duplicates(self, answer: _Answer) -> None:
        if answer.number != self._asked_number:
            return
        mine = self.form.patient
        self._set_candidates(tuple(c for c in answer.candidates if mine is None or c.patient.id != mine.id))

    def _set_candidates(self, candidates: tuple[DuplicateCandidate, ...]) -> None:
        self._candidates = candidates
        tr = self._context.tr
        self._duplicates.set_rows([self._duplicate_row(candidate) for candidate in candidates], select_first=True)
        self._duplicates.fit_height()
        self._duplicates.setVisible(bool(candidates))
        clinic = self._context.clinic
        may_merge = clinic is not None and clinic.session.may(Permission.MERGE_PATIENTS)
        self._compare.setVisible(bool(candidates) and self.form.patient is not None and may_merge)
        self._duplicates_title.setText(
            tr("patients.duplicates.title") if candidates else tr("patients.duplicates.none")
        )
        self._duplicates_about.setText(
            tr("patients.duplicates.about") if candidates else tr("patients.duplicates.none.about")
        )

    def _duplicate_row(self, candidate: DuplicateCandidate) -> Row:
        return Row(
            candidate.patient.id,
            f"{candidate.patient.display_name} · {words.age_text(self._context, candidate.patient)}",
            words.reasons_text(self._context, candidate),
            tone=Tone.CAUTION,
        )

    def _ask_merge(self) -> None:
        if self.form.patient is not None and self._duplicates.current_key:
            self.merge_requested.emit(self.form.patient, self._duplicates.current_key)

    def _saved(self, result: "Registered | Edited") -> None:
        number = result.patient.card_number
        new = self.form.patient is None
        key = "patients.form.registered" if new else "patients.form.saved"
        if isinstance(result, workflow.Edited) and result.conflict is not None:
            key = "merging.crossed"
        self._edits.forget()
        self._start_over()
        if new:
            self._draft.drop()
        self._context.toast(self._context.tr(key, number=number))
        self.saved.emit(result.patient)

    def _ready(self) -> None:
        """What was typed while a refused save was under way is kept too."""
        self._save.setEnabled(True)
        self._keep_edit()


def _keep(clinic: "Clinic", job: "Job", patient: PatientId, typed: "UnsavedEdit | None") -> None:
    workflow.keep_unsaved_edit(clinic, job, patient, typed)
