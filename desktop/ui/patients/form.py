"""Registering a patient, or mending what is on file: all of it from the keyboard."""

import itertools
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QScrollArea, QVBoxLayout, QWidget

from desktop import workflow
from desktop.i18n import format_age
from desktop.records import HumanName, PartialDate, Patient, Sex
from desktop.ui.patients import typed, words
from desktop.ui.widgets.fields import Choice, Field
from desktop.ui.widgets.parts import Texts, column, label

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.workflow import PatientDraft, UnsavedPatient

_ASKED = ("not_asked", "none", "some")
_SEXES = (Sex.MALE, Sex.FEMALE, Sex.OTHER, Sex.UNKNOWN)


class PatientForm(QScrollArea):
    """The fields alone. Signals: edited after every keystroke; submitted on Enter in a field."""

    edited = Signal()
    submitted = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("patient_form")
        self.setWidgetResizable(True)
        self._context = context
        self._texts = Texts(context)
        self._patient: Patient | None = None
        self.name = Field("patient_name")
        self.sex = Choice("patient_sex", [sex.value for sex in _SEXES])
        self.birth = Field("patient_birth")
        self.phone = Field("patient_phone")
        self.village = Field("patient_village")
        self.identifiers = Field("patient_identifiers")
        self.asked = Choice("patient_allergies_asked", _ASKED)
        self.allergies = Field("patient_allergies")
        self._sex_caption = label("patient_sex_label", "strong")
        self._asked_caption = label("patient_allergies_asked_label", "strong")
        self._lay_out()
        for field in self._fields:
            field.edit.textEdited.connect(self._edited)
            field.edit.returnPressed.connect(self.submitted)
        for choice in (self.sex, self.asked):
            choice.entered.connect(self.submitted)
        self.sex.chosen.connect(self._edited)
        self.asked.chosen.connect(self._asked_changed)
        self.birth.edit.textChanged.connect(self._birth_typed)
        self._order_tabs()
        self.start_over()
        self.retranslate()

    @property
    def _fields(self) -> tuple[Field, ...]:
        return (self.name, self.birth, self.phone, self.village, self.identifiers, self.allergies)

    @property
    def patient(self) -> Patient | None:
        """Whose record is being mended; None for somebody new."""
        return self._patient

    @property
    def is_blank(self) -> bool:
        """Whether nothing was typed."""
        typed_words = any(field.text() for field in self._fields)
        return not typed_words and not self.sex.value and self.asked.value == "not_asked"

    def start_over(self) -> None:
        """An empty form for somebody new."""
        self._patient = None
        for field in self._fields:
            field.wipe()
        self.sex.set_value("")
        self.asked.set_value("not_asked")
        self.allergies.setVisible(False)

    def fill(self, patient: Patient) -> None:
        """Show what is on file."""
        self.start_over()
        self._patient = patient
        self.name.edit.setText(patient.display_name)
        self.sex.set_value(patient.sex.value)
        self.birth.edit.setText(str(patient.birth_date) if patient.birth_date else "")
        self.phone.edit.setText(typed.join_list(patient.phones))
        self.village.edit.setText(patient.village)
        self.identifiers.edit.setText(typed.join_list([i.value for i in patient.identifiers]))
        self.asked.set_value("some" if patient.allergies else "none" if patient.no_known_allergies else "not_asked")
        self.allergies.edit.setText(typed.write_allergies(patient.allergies))
        self.allergies.setVisible(bool(patient.allergies))

    def typed(self) -> "UnsavedPatient":
        """What stands in the form, exactly."""
        return workflow.UnsavedPatient(
            name=self.name.edit.text(),
            sex=self.sex.value,
            birth=self.birth.edit.text(),
            phone=self.phone.edit.text(),
            village=self.village.edit.text(),
            identifiers=self.identifiers.edit.text(),
            asked=self.asked.value,
            allergies=self.allergies.edit.text(),
        )

    def go_on_with(self, typed: "UnsavedPatient") -> None:
        """A form for somebody new that says what was typed before."""
        self.start_over()
        self.show_typed(typed)

    def show_typed(self, typed: "UnsavedPatient") -> None:
        """Say what was typed before, about whomever the form is."""
        self.name.edit.setText(typed.name)
        self.sex.set_value(typed.sex)
        self.birth.edit.setText(typed.birth)
        self.phone.edit.setText(typed.phone)
        self.village.edit.setText(typed.village)
        self.identifiers.edit.setText(typed.identifiers)
        self.asked.set_value(typed.asked or "not_asked")
        self.allergies.edit.setText(typed.allergies)
        self.allergies.setVisible(typed.asked == "some")

    def draft(self) -> "PatientDraft | None":
        """What was typed as a draft; None, with complaints beside the fields, where something is wrong."""
        wrong = self._complain()
        if wrong:
            wrong[0].edit.setFocus()
            return None
        return self._build(self._birth()[0])

    def draft_so_far(self) -> "PatientDraft | None":
        """As `draft`, without a complaint: for looking up duplicates while typing."""
        birth, _ = self._birth()
        return self._build(birth) if self.name.text() else None

    def focus_first(self) -> None:
        """Begin at the name."""
        self.name.edit.setFocus()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        tr = self._context.tr
        self.sex.set_texts(
            tr("patients.form.sex"), [tr(f"patients.form.sex.{sex.value}") for sex in _SEXES], ("m", "f", "o", "u")
        )
        self.asked.set_texts(tr("patients.form.asked"), [tr(f"patients.form.asked.{value}") for value in _ASKED])
        self._say_birth()
        if any(field.has_error for field in self._fields):
            self._complain()

    def _complain(self) -> list[Field]:
        """Say beside each field what is wrong with it; gives those fields."""
        missing = self.asked.value == "some" and not self.allergies.text()
        complaints = (
            (self.name, "" if self.name.text() else "patients.form.name.missing"),
            (self.birth, "" if self._birth()[1] else "patients.form.birth.wrong"),
            (self.allergies, "patients.form.allergies.missing" if missing else ""),
        )
        for field, key in complaints:
            field.set_error(self._context.tr(key) if key else "")
        return [field for field, key in complaints if key]

    def _birth(self) -> tuple[PartialDate | None, bool]:
        try:
            return typed.parse_birth(self.birth.text(), words.today(self._context)), True
        except ValueError:
            return None, False

    def _build(self, birth: PartialDate | None) -> "PatientDraft":
        old = self._patient
        unchanged = old is not None and old.display_name == self.name.text()
        first = old.names[0] if old is not None and unchanged else HumanName(text=self.name.text())
        some = self.asked.value == "some"
        return workflow.PatientDraft(
            names=(first, *(old.names[1:] if old is not None else ())),
            sex=Sex(self.sex.value) if self.sex.value else Sex.UNKNOWN,
            birth_date=birth,
            phones=typed.split_list(self.phone.text()),
            village=self.village.text(),
            identifiers=typed.parse_identifiers(self.identifiers.text(), old.identifiers if old is not None else ()),
            allergies=typed.parse_allergies(self.allergies.text()) if some else (),
            no_known_allergies=self.asked.value == "none",
            synthetic=old.synthetic if old is not None else False,
        )

    def _edited(self) -> None:
        self.edited.emit()

    def _asked_changed(self, value: str) -> None:
        self.allergies.setVisible(value == "some")
        if value == "some":
            self.allergies.edit.setFocus()
        self.edited.emit()

    def _birth_typed(self) -> None:
        self.birth.set_error("")
        self._say_birth()

    def _say_birth(self) -> None:
        """Say at once how a date or an age was understood."""
        tr = self._context.tr
        birth, understood = self._birth()
        if birth is None:
            half_typed = bool(self.birth.text()) and not understood
            self.birth.set_hint("…" if half_typed else tr("patients.form.birth.hint"))
            return
        age = birth.age_on(words.today(self._context))
        spoken = format_age(age.months, age.days, self._context.language) if age is not None else ""
        key = "patients.form.birth.exact" if birth.day is not None else "patients.form.birth.about"
        self.birth.set_hint(tr(key, date=str(birth), age=spoken))

    def _lay_out(self) -> None:
        for field, key in (
            (self.name, "patients.form.name"),
            (self.birth, "patients.form.birth"),
            (self.phone, "patients.form.phone"),
            (self.village, "patients.form.village"),
            (self.identifiers, "patients.form.identifiers"),
            (self.allergies, "patients.form.allergies"),
        ):
            self._texts.add(field.set_caption, key)
        self._texts.add(self.identifiers.set_hint, "patients.form.identifiers.hint")
        self._texts.add(self.allergies.set_hint, "patients.form.allergies.hint")
        self._texts.add(self._sex_caption.setText, "patients.form.sex")
        self._texts.add(self._asked_caption.setText, "patients.form.asked")
        inner = QWidget()
        inner.setProperty("role", "scroll")
        grid = QGridLayout(inner)
        grid.setContentsMargins(0, 0, 8, 0)
        grid.setHorizontalSpacing(20)
        grid.setVerticalSpacing(12)
        grid.addWidget(self.name, 0, 0)
        grid.addLayout(_captioned(self._sex_caption, self.sex), 0, 1)
        grid.addWidget(self.birth, 1, 0)
        grid.addWidget(self.phone, 1, 1)
        grid.addWidget(self.village, 2, 0)
        grid.addWidget(self.identifiers, 2, 1)
        grid.addLayout(_captioned(self._asked_caption, self.asked), 3, 0, 1, 2)
        grid.addWidget(self.allergies, 4, 0, 1, 2)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(5, 1)
        self.setWidget(inner)

    def _order_tabs(self) -> None:
        stops = (
            self.name.edit,
            self.sex,
            self.birth.edit,
            self.phone.edit,
            self.village.edit,
            self.identifiers.edit,
            self.asked,
            self.allergies.edit,
        )
        for before, after in itertools.pairwise(stops):
            QWidget.setTabOrder(before, after)


def _captioned(caption: QWidget, control: QWidget) -> QVBoxLayout:
    layout = column(spacing=4)
    layout.addWidget(caption)
    layout.addWidget(control)
    layout.addStretch(1)
    return layout
