"""Writing down what a patient decided about one purpose: who decided, until when, and why."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from desktop import workflow
from desktop.i18n import format_date
from desktop.records import ConsentDecision, ConsentPurpose, PatientId
from desktop.ui.patients import typed, words
from desktop.ui.widgets.fields import Field
from desktop.ui.widgets.parts import Texts, button, column, label, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.workflow import ConsentDraft


@dataclass(frozen=True)
class _Days:
    """Both days as understood; wrong: the fields that make no sense."""

    until: date | None
    keep: date | None
    wrong: tuple[Field, ...]


class ConsentForm(QWidget):
    """Signals: submitted(ConsentDraft) on Enter; given_up."""

    submitted = Signal(object)
    given_up = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("consent_form")
        self._context = context
        self._texts = Texts(context)
        self._patient: PatientId | None = None
        self._purpose = ConsentPurpose.CARE
        self._decision = ConsentDecision.GIVEN
        self._title = label("consent_form_title", "heading", wrap=True)
        self.by = Field("consent_by")
        self.note = Field("consent_note")
        self.until = Field("consent_until")
        self.keep = Field("consent_keep")
        self._save = button("consent_save", "primary")
        layout = column(self, spacing=12)
        layout.addWidget(self._title)
        grid = QGridLayout()
        grid.setHorizontalSpacing(20)
        grid.setVerticalSpacing(12)
        for place, field in enumerate(self._fields):
            grid.addWidget(field, place // 2, place % 2)
            grid.setColumnStretch(place % 2, 1)
            field.edit.returnPressed.connect(self._submit)
        for field in (self.until, self.keep):
            field.edit.textChanged.connect(self._say_days)
        layout.addLayout(grid)
        layout.addStretch(1)
        back = button("consent_back", "quiet")
        back.clicked.connect(self.given_up)
        self._save.clicked.connect(self._submit)
        for setter, key in (
            (self.by.set_caption, "consents.form.by"),
            (self.by.set_hint, "consents.form.by.hint"),
            (self.until.set_caption, "consents.form.until"),
            (self.keep.set_caption, "consents.form.keep"),
            (back.setText, "consents.form.back"),
            (self._save.setText, "consents.form.save"),
        ):
            self._texts.add(setter, key)
        buttons = row()
        buttons.addWidget(back)
        buttons.addStretch(1)
        buttons.addWidget(self._save)
        layout.addLayout(buttons)
        self.retranslate()

    @property
    def _fields(self) -> tuple[Field, ...]:
        return (self.by, self.note, self.until, self.keep)

    def begin(self, patient: PatientId, purpose: ConsentPurpose, decision: ConsentDecision) -> None:
        """An empty form for one decision."""
        self._patient, self._purpose, self._decision = patient, purpose, decision
        for field in self._fields:
            field.wipe()
        self.until.setVisible(decision is ConsentDecision.GIVEN)
        self.keep.setVisible(decision is not ConsentDecision.REFUSED)
        self.retranslate()

    def focus_first(self) -> None:
        """Begin at who decided."""
        self.by.edit.setFocus()

    def retranslate(self) -> None:
        """Speak the window's language."""
        tr = self._context.tr
        self._texts.retranslate()
        purpose = tr(f"consents.purpose.{self._purpose.value}")
        self._title.setText(tr(f"consents.form.{self._decision.value}", purpose=purpose))
        reason = "note" if self._decision is ConsentDecision.GIVEN else "reason"
        self.note.set_caption(tr(f"consents.form.{reason}"))
        self._say_days()

    def clear(self) -> None:
        """Forget what was typed."""
        self._patient = None
        for field in self._fields:
            field.wipe()

    def set_ready(self, ready: bool) -> None:
        """Whether it can be saved."""
        self._save.setEnabled(ready)

    def _days(self) -> _Days:
        today = words.today(self._context)
        days: list[date | None] = []
        wrong: list[Field] = []
        for field in (self.until, self.keep):
            try:
                days.append(typed.parse_day(field.text(), today) if field.isVisibleTo(self) else None)
            except (ValueError, OverflowError):
                days.append(None)
                wrong.append(field)
        return _Days(days[0], days[1], tuple(wrong))

    def _say_days(self) -> None:
        """Say at once how a day was understood."""
        days = self._days()
        for field, day in ((self.until, days.until), (self.keep, days.keep)):
            field.set_error("")
            said = format_date(day, self._context.language) if day is not None else ""
            field.set_hint(said or self._context.tr("consents.form.day.hint"))

    def _submit(self) -> None:
        if self._patient is None or not self._save.isEnabled():
            return
        days = self._days()
        for field in days.wrong:
            field.set_error(self._context.tr("consents.form.day.wrong"))
        if days.wrong:
            days.wrong[0].edit.setFocus()
            return
        draft: ConsentDraft = workflow.ConsentDraft(
            self._patient,
            self._purpose,
            self._decision,
            self.by.text(),
            valid_until=days.until,
            retain_until=days.keep,
            note=self.note.text(),
        )
        self.submitted.emit(draft)
