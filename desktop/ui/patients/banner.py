"""Who this is about: on top of every screen that concerns a patient."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy

from desktop.records import Patient
from desktop.ui.icons import pixmap
from desktop.ui.patients.words import age_text, allergies_text, sex_text
from desktop.ui.widgets.parts import label, row, set_role

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_HEIGHT = 56
_ICON_SIZE = 20
_ALLERGIES_WIDTH = 460
"""Longer lists go on over several lines; none of it is ever cut."""
_SLACK = 8


class PatientBanner(QFrame):
    """Name, age, sex, number; allergies in red with an icon and words. Hidden while it is about nobody."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("patient_banner")
        self.setProperty("role", "banner")
        self.setMinimumHeight(_HEIGHT)
        self._context = context
        self._patient: Patient | None = None
        self._name = label("banner_name", "title")
        self._facts = label("banner_facts")
        self._synthetic = label("banner_synthetic", "chip")
        self._synthetic.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._icon = QLabel()
        self._allergies = label("banner_allergies", "allergy", wrap=True)
        layout = row(self, spacing=12)
        layout.setContentsMargins(20, 8, 20, 8)
        layout.addWidget(self._name)
        layout.addWidget(self._facts)
        layout.addWidget(self._synthetic)
        layout.addStretch(1)
        layout.addWidget(self._icon)
        layout.addWidget(self._allergies)
        context.theme_changed.connect(self.retranslate)
        self.set_patient(None)

    @property
    def patient(self) -> Patient | None:
        """Whom it names."""
        return self._patient

    def set_patient(self, patient: Patient | None) -> None:
        """Name somebody, or nobody."""
        self._patient = patient
        self.setVisible(patient is not None)
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the window's language."""
        patient = self._patient
        if patient is None:
            for words in (self._name, self._facts, self._allergies):
                words.setText("")
            self._name.setToolTip("")
            return
        name = patient.display_name
        metrics = self._name.fontMetrics()
        self._name.setText(name if len(name) <= 40 else f"{name[:39]}…")
        self._name.setToolTip(name)
        self._name.setMinimumWidth(metrics.horizontalAdvance(self._name.text()))
        self._facts.setText(
            "  ·  ".join(
                part
                for part in (
                    age_text(self._context, patient),
                    sex_text(self._context, patient),
                    self._context.tr("patients.number", number=patient.card_number) if patient.card_number else "",
                )
                if part
            )
        )
        self._synthetic.setVisible(patient.synthetic)
        self._synthetic.setText(self._context.tr("patients.synthetic"))
        self._show_allergies(patient)

    def _show_allergies(self, patient: Patient) -> None:
        colours = self._context.colours
        self._allergies.setText(allergies_text(self._context, patient))
        if patient.allergies:
            role, name, colour = "allergy", "warning", colours.danger
        elif patient.no_known_allergies:
            role, name, colour = "muted", "check", colours.muted
        else:
            role, name, colour = "caution", "question", colours.caution
        set_role(self._allergies, role)
        wanted = self._allergies.fontMetrics().horizontalAdvance(self._allergies.text()) + _SLACK
        self._allergies.setFixedWidth(min(wanted, _ALLERGIES_WIDTH))
        self._icon.setPixmap(pixmap(name, colour, _ICON_SIZE, max(2.0, self.devicePixelRatioF())))
