"""Writing a visit down from the keyboard: why the patient came, what was measured, found and prescribed."""

import itertools
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QGridLayout, QPlainTextEdit, QScrollArea, QWidget

from desktop import workflow
from desktop.access import Permission
from desktop.records import EncounterId, Observation, Patient, PatientId, new_id
from desktop.ui.patients import typed, visit_values
from desktop.ui.patients.form_keeper import FormKeeper
from desktop.ui.patients.unsaved import KeptStrip, moment_text
from desktop.ui.patients.visit_values import MEASURES
from desktop.ui.widgets.fields import Field
from desktop.ui.widgets.parts import Icons, Texts, button, column, label, row

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Clinic, UnsavedVisit, UnsavedWork, VisitDraft, VisitRecorded

_NOTE_HEIGHT = 84
_COLUMNS = 3


class VisitForm(QWidget):
    """Signals: saved once on file; left on Esc, with what was typed kept; discarded(UnsavedWork) if it shall not be."""

    saved = Signal()
    left = Signal()
    discarded = Signal(object)

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("visit_form")
        self._context = context
        self._texts = Texts(context)
        self._icons = Icons(context)
        self._patient: Patient | None = None
        self._encounter = EncounterId("")
        self._keeper: FormKeeper[UnsavedVisit] = FormKeeper(context, self, _keep, self._say_kept)
        self._kept = KeptStrip("visit")
        self._kept.discarded.connect(self._discard)
        self.reason = Field("visit_reason")
        self.measures = {measure.name: Field(f"visit_{measure.name}") for measure in MEASURES}
        self.pressure = Field("visit_pressure")
        self.problems = Field("visit_problems")
        self.medicines = Field("visit_medicines")
        self.note = QPlainTextEdit()
        self.note.setObjectName("visit_note")
        self.note.setTabChangesFocus(True)
        self.note.setFixedHeight(_NOTE_HEIGHT)
        self._note_caption = label("visit_note_label", "strong")
        self._save = button("visit_save", "primary")
        self._build()
        for field in self._fields:
            field.edit.returnPressed.connect(self.save)
            field.edit.textEdited.connect(self._keep_typed)
        self.note.textChanged.connect(self._keep_typed)
        for keys in ("Ctrl+Return", "Ctrl+Enter", "Ctrl+S"):
            QShortcut(QKeySequence(keys), self, self.save)
        self.retranslate()

    @property
    def _fields(self) -> tuple[Field, ...]:
        return (self.reason, *self.measures.values(), self.pressure, self.problems, self.medicines)

    @property
    def _by_name(self) -> dict[str, Field]:
        """The fields as `UnsavedVisit` calls them."""
        own = {"reason": self.reason, "pressure": self.pressure}
        return {**own, **self.measures, "problems": self.problems, "medicines": self.medicines}

    @property
    def patient(self) -> Patient | None:
        """Whose visit it is."""
        return self._patient

    def begin(self, patient: Patient, kept: "UnsavedWork | None" = None) -> None:
        """A visit of somebody. kept: what was begun before; what still stands in the form goes before."""
        if not self._keeper.holds(patient.id):
            self._start_over(kept)
            self._patient = patient
            self._keeper.begin(patient.id, kept.saved if kept is not None else None)
        elif kept is not None:
            self._keeper.came_back(kept.saved)
        self._say_kept()
        may = self._context.open_clinic.session.may(Permission.PRESCRIBE)
        self.problems.setVisible(may)
        self.medicines.setVisible(may)
        self.activated()

    def activated(self) -> None:
        """Begin at the reason."""
        self.reason.edit.setFocus()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self._say_kept()
        if any(field.has_error for field in self._fields):
            self._read()

    def clear(self) -> None:
        """Forget what was typed; the store has it."""
        self._keeper.forget()
        self._start_over(None)

    def save_draft(self) -> None:
        """Before locking, or when another page is shown: put what was typed in the store's queue."""
        self._keeper.save_now()

    def let_go(self, patient: PatientId) -> None:
        """The visit begun of that patient is not wanted any more."""
        if self._keeper.holds(patient):
            self.clear()

    def save(self) -> None:
        """Put it on file, or say what is wrong."""
        draft = self._read()
        if draft is None or not self._save.isEnabled():
            return
        clinic = self._context.open_clinic
        self._keeper.save_now()

        def work(job: "Job") -> "VisitRecorded":
            return workflow.record_visit(clinic, job, draft)

        self._save.setEnabled(False)
        title = self._context.tr("visits.saving")
        self._context.operations.run(work, initiator=self, done=self._saved, ended=self._ready, title=title)

    def _build(self) -> None:
        tr = self._texts.add
        title = label("visit_title", "title")
        tr(title.setText, "visits.form.title")
        about = label("visit_about", "muted", wrap=True)
        tr(about.setText, "visits.form.about")
        tr(self.reason.set_caption, "visits.form.reason")
        for measure in MEASURES:
            tr(self.measures[measure.name].set_caption, f"visits.measure.{measure.name}.caption")
        tr(self.pressure.set_caption, "visits.measure.pressure.caption")
        tr(self.problems.set_caption, "visits.form.problems")
        tr(self.problems.set_hint, "visits.form.problems.hint")
        tr(self.medicines.set_caption, "visits.form.medicines")
        tr(self.medicines.set_hint, "visits.form.medicines.hint")
        tr(self._note_caption.setText, "visits.form.note")
        tr(self.note.setAccessibleName, "visits.form.note")
        inner = QWidget()
        inner.setProperty("role", "scroll")
        grid = QGridLayout(inner)
        grid.setContentsMargins(0, 0, 8, 0)
        grid.setHorizontalSpacing(20)
        grid.setVerticalSpacing(12)
        grid.addWidget(self.reason, 0, 0, 1, _COLUMNS)
        for place, field in enumerate((*self.measures.values(), self.pressure)):
            grid.addWidget(field, 1 + place // _COLUMNS, place % _COLUMNS)
            grid.setColumnStretch(place % _COLUMNS, 1)
        grid.addWidget(self.problems, 3, 0)
        grid.addWidget(self.medicines, 3, 1, 1, _COLUMNS - 1)
        note = column(spacing=4)
        note.addWidget(self._note_caption)
        note.addWidget(self.note)
        grid.addLayout(note, 4, 0, 1, _COLUMNS)
        grid.setRowStretch(5, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        layout = column(self, margin=24, spacing=12)
        layout.addWidget(title)
        layout.addWidget(self._kept)
        layout.addWidget(about)
        layout.addWidget(scroll, 1)
        back = button("visit_back", "quiet")
        tr(back.setText, "merging.back")
        back.clicked.connect(self.left)
        hint = label("visit_hint", "small")
        tr(hint.setText, "patients.form.keys")
        self._icons.add(self._save, "check")
        tr(self._save.setText, "visits.form.save")
        self._save.clicked.connect(self.save)
        buttons = row()
        buttons.addWidget(back)
        buttons.addStretch(1)
        buttons.addWidget(hint)
        buttons.addWidget(self._save)
        layout.addLayout(buttons)
        stops = (*(field.edit for field in self._fields), self.note)
        for before, after in itertools.pairwise(stops):
            QWidget.setTabOrder(before, after)

    def _read(self) -> "VisitDraft | None":
        """What was typed; None, with a complaint beside each field, where something is wrong."""
        tr = self._context.tr
        observations: list[Observation] = []
        wrong: list[Field] = []
        for measure in MEASURES:
            field = self.measures[measure.name]
            field.set_error("")
            try:
                read = measure.read(field.text())
            except ValueError:
                limits = {"lowest": visit_values.number_text(measure.lowest), "highest": f"{measure.highest:g}"}
                field.set_error(tr("visits.measure.wrong", **limits, unit=measure.shown))
                wrong.append(field)
            else:
                observations += [read] if read is not None else []
        self.pressure.set_error("")
        try:
            observations += visit_values.read_pressure(self.pressure.text())
        except ValueError:
            self.pressure.set_error(tr("visits.measure.pressure.wrong"))
            wrong.append(self.pressure)
        if wrong:
            wrong[0].edit.setFocus()
            return None
        may = self.problems.isVisibleTo(self)
        problems = typed.split_list(self.problems.text()) if may else ()
        medicines = visit_values.read_medicines(self.medicines.text()) if may else ()
        note = self.note.toPlainText().strip()
        nothing = not (self.reason.text() or note or observations or problems or medicines)
        self.reason.set_error(tr("visits.form.nothing") if nothing else "")
        if nothing or self._patient is None:
            self.reason.edit.setFocus()
            return None
        return workflow.VisitDraft(
            self._patient.id,
            reason=self.reason.text(),
            note=note,
            observations=tuple(observations),
            conditions=tuple(workflow.ConditionDraft(problem) for problem in problems),
            medications=medicines,
            id=self._encounter,
        )

    def _start_over(self, kept: "UnsavedWork | None") -> None:
        """What was begun before, or an empty form. The visit has its id from now on: saved twice, it is one visit."""
        form = kept.form if kept is not None else None
        typed = form if isinstance(form, workflow.UnsavedVisit) else workflow.UnsavedVisit(EncounterId(new_id()))
        self._patient = None
        self._encounter = typed.encounter
        for name, field in self._by_name.items():
            field.wipe()
            field.edit.setText(getattr(typed, name))
        self.note.setPlainText(typed.note)

    def _typed(self) -> "UnsavedVisit":
        """What stands in the form, exactly."""
        words = {name: field.edit.text() for name, field in self._by_name.items()}
        return workflow.UnsavedVisit(self._encounter, note=self.note.toPlainText(), **words)

    def _keep_typed(self) -> None:
        """Kept as it is typed; not while it is being saved, but again where the save was refused."""
        if self._patient is not None and self._save.isEnabled():
            typed = self._typed()
            self._keeper.keep(None if typed == workflow.UnsavedVisit(self._encounter) else typed)

    def _say_kept(self) -> None:
        tr, since = self._context.tr, self._keeper.since
        if self._keeper.failing:
            self._kept.say(tr("patients.unsaved.failed"))
            return
        said = tr("visits.kept", when=moment_text(self._context, since)) if since is not None else ""
        self._kept.say(said, tr("patients.unsaved.discard"))

    def _discard(self) -> None:
        if self._patient is not None and self._keeper.since is not None:
            self.discarded.emit(workflow.UnsavedWork(self._patient, self._typed(), self._keeper.since))

    def _saved(self, result: "VisitRecorded") -> None:
        self.clear()
        self._context.toast(self._context.tr("visits.saved"))
        self.saved.emit()

    def _ready(self) -> None:
        self._save.setEnabled(True)
        self._keep_typed()


def _keep(clinic: "Clinic", job: "Job", patient: PatientId, typed: "UnsavedVisit | None") -> None:
    workflow.keep_unsaved_visit(clinic, job, patient, typed)
