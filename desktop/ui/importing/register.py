"""Putting somebody on file as the files describe them: one look, one key."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QWidget

from desktop import workflow
from desktop.jobs import Job
from desktop.records import DuplicateCandidate, Patient, PatientId
from desktop.ui.context import UiContext
from desktop.ui.patients import words
from desktop.ui.widgets.parts import button, card, column, label

if TYPE_CHECKING:
    from desktop.workflow import PatientDraft, Registered


class RegisterDialog(QDialog):
    """Signals: registered(Patient)."""

    registered = Signal(object)

    def __init__(self, context: UiContext, draft: "PatientDraft", parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("register_dialog")
        self._context = context
        self._draft = draft
        tr = context.tr
        self.setWindowTitle(tr("importing.register.title"))
        self.setMinimumWidth(520)
        head = label("register_words", "heading", wrap=True)
        head.setText(tr("importing.register"))
        self._known = label("register_known", "caution", wrap=True)
        self._known.hide()
        back = button("register_back", "quiet")
        back.setText(tr("ui.cancel"))
        back.clicked.connect(self.reject)
        self.save = button("register_save", "primary")
        self.save.setText(tr("patients.form.register"))
        self.save.setDefault(True)
        self.save.clicked.connect(self._save)
        foot = QHBoxLayout()
        foot.addWidget(back)
        foot.addStretch(1)
        foot.addWidget(self.save)
        layout = column(self, margin=24, spacing=12)
        layout.addWidget(head)
        layout.addWidget(self._card())
        layout.addWidget(self._known)
        layout.addLayout(foot)
        self.save.setFocus()
        context.operations.run(partial(_possible, context.open_clinic, draft), initiator=self, done=self._show_known)

    def _card(self) -> QWidget:
        person = self._draft.as_patient(PatientId(""), "")
        box = card("register_card")
        inside = column(box, margin=12, spacing=4)
        name = label("register_name", "title", wrap=True, selectable=True)
        name.setText(" · ".join(one.display for one in person.names))
        about = label("register_about", "", wrap=True)
        born = words.birth_text(self._context, person)
        parts = [words.sex_text(self._context, person), born or words.age_text(self._context, person)]
        parts += [self._context.tr("importing.disc.number", number=one.value) for one in person.identifiers]
        about.setText(" · ".join(parts))
        inside.addWidget(name)
        inside.addWidget(about)
        return box

    def _show_known(self, candidates: tuple[DuplicateCandidate, ...]) -> None:
        if candidates:
            who = self._context.tr("patients.list_comma").join(one.patient.display_name for one in candidates[:3])
            self._known.setText(self._context.tr("importing.register.known", who=who))
            self._known.show()

    def _save(self) -> None:
        clinic, draft = self._context.open_clinic, self._draft
        self.save.setEnabled(False)
        self._context.operations.run(
            lambda job: workflow.register_patient(clinic, job, draft),
            initiator=self,
            done=self._saved,
            ended=self._ready,
        )

    def _saved(self, result: "Registered") -> None:
        patient: Patient = result.patient
        self.accept()
        self.registered.emit(patient)

    def _ready(self) -> None:
        self.save.setEnabled(True)


def _possible(clinic: "workflow.Clinic", draft: "PatientDraft", job: Job) -> tuple[DuplicateCandidate, ...]:
    return tuple(workflow.possible_duplicates(clinic, job, draft))
