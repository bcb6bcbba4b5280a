"""What a patient agreed to, on the chart: per purpose how it stands, every decision so far, and the next one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from desktop import workflow
from desktop.access import Permission
from desktop.i18n import format_date
from desktop.records import Consent, ConsentDecision, ConsentPurpose, ConsentState, PatientId, UserId
from desktop.ui.patients import words
from desktop.ui.patients.consent_form import ConsentForm
from desktop.ui.widgets.parts import button, card, column, label, row

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import ConsentDraft, ConsentRecorded, PatientChart

_SHOWN_DECISIONS = 6


class ConsentsPart(QStackedWidget):
    """Three purposes; pressing what the patient says opens a short form in their place."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("chart_consents")
        self._context = context
        self._patient: PatientId | None = None
        self._states: tuple[ConsentState, ...] = ()
        self._names: Mapping[UserId, str] = {}
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        inner = QWidget()
        inner.setProperty("role", "scroll")
        self._boxes: QVBoxLayout = column(inner, spacing=12)
        self._scroll.setWidget(inner)
        self._form_page = QScrollArea()
        self._form_page.setWidgetResizable(True)
        self.form = ConsentForm(context)
        self.form.setProperty("role", "scroll")
        self.form.submitted.connect(self._record)
        self.form.given_up.connect(self.close_form)
        self._form_page.setWidget(self.form)
        self.addWidget(self._scroll)
        self.addWidget(self._form_page)

    @property
    def asks(self) -> bool:
        """Whether the form is open."""
        return self.currentWidget() is self._form_page

    def show_chart(self, chart: "PatientChart | None") -> None:
        """Say how somebody stands on each purpose."""
        patient = chart.patient.id if chart is not None else None
        if patient != self._patient:
            self.form.clear()
            self.setCurrentWidget(self._scroll)
        self._patient = patient
        self._states = chart.consents if chart is not None else ()
        self._names = chart.colleagues if chart is not None else {}
        self._fill()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.form.retranslate()
        self._fill()

    def close_form(self) -> None:
        """Nothing is written down."""
        self.form.clear()
        self.setCurrentWidget(self._scroll)
        self.setFocus()

    def _fill(self) -> None:
        while self._boxes.count():
            item = self._boxes.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for state in self._states:
            self._boxes.addWidget(self._box(state))
        self._boxes.addStretch(1)

    def _box(self, state: ConsentState) -> QFrame:
        tr, purpose = self._context.tr, state.purpose.value
        box = card(f"consent_{purpose}")
        inside = column(box, margin=12, spacing=4)
        head = row(spacing=8)
        title = label(f"consent_{purpose}_title", "strong")
        title.setText(tr(f"consents.purpose.{purpose}"))
        standing = label(f"consent_{purpose}_state", self._role(state))
        standing.setText(self._standing(state))
        head.addWidget(title)
        head.addWidget(standing)
        head.addStretch(1)
        for decision in self._offered(state):
            made = button(f"consent_{purpose}_{decision.value}", "quiet")
            made.setText(tr(f"consents.say.{decision.value}"))
            made.setProperty("purpose", purpose)
            made.setProperty("decision", decision.value)
            made.clicked.connect(self._ask)
            head.addWidget(made)
        inside.addLayout(head)
        about = label(role="small", wrap=True)
        about.setText(tr(f"consents.purpose.{purpose}.about"))
        inside.addWidget(about)
        for place, consent in enumerate(state.history[:_SHOWN_DECISIONS]):
            line = label(f"consent_{purpose}_line_{place}", "" if place == 0 else "muted", wrap=True, selectable=True)
            line.setText(self._line(consent))
            inside.addWidget(line)
        return box

    def _offered(self, state: ConsentState) -> tuple[ConsentDecision, ...]:
        clinic = self._context.clinic
        if clinic is None or not clinic.session.may(Permission.RECORD_CONSENTS):
            return ()
        if state.latest is not None and state.latest.decision is ConsentDecision.GIVEN:
            renewed = () if state.permits(words.today(self._context)) else (ConsentDecision.GIVEN,)
            return (*renewed, ConsentDecision.WITHDRAWN)
        return (ConsentDecision.GIVEN, ConsentDecision.REFUSED)

    def _standing(self, state: ConsentState) -> str:
        """In a few words; colour says nothing that they do not."""
        latest = state.latest
        if latest is None:
            return self._context.tr("consents.state.not_asked")
        if latest.decision is ConsentDecision.GIVEN and not state.permits(words.today(self._context)):
            return self._context.tr("consents.state.ended")
        return self._context.tr(f"consents.state.{latest.decision.value}")

    def _role(self, state: ConsentState) -> str:
        if state.permits(words.today(self._context)):
            return "ok"
        return "caution" if state.latest is None else "muted"

    def _line(self, consent: Consent) -> str:
        """One decision: when, what, who, until when, why."""
        tr, language = self._context.tr, self._context.language
        parts = [
            format_date(consent.decided.astimezone().date(), language),
            tr(f"consents.state.{consent.decision.value}"),
        ]
        if consent.decided_by:
            parts.append(tr("consents.line.by", who=consent.decided_by))
        if consent.valid_until is not None:
            parts.append(tr("consents.line.until", day=format_date(consent.valid_until, language)))
        if consent.retain_until is not None:
            parts.append(tr("consents.line.keep", day=format_date(consent.retain_until, language)))
        if consent.note:
            parts.append(consent.note)
        parts.append(tr("consents.line.author", who=self._names.get(consent.author, tr("merging.somebody"))))
        return " · ".join(parts)

    def _ask(self) -> None:
        if self._patient is None:
            return
        pressed = self.sender()
        purpose, decision = ConsentPurpose(pressed.property("purpose")), ConsentDecision(pressed.property("decision"))
        self.form.begin(self._patient, purpose, decision)
        self.setCurrentWidget(self._form_page)
        self.form.focus_first()

    def _record(self, draft: "ConsentDraft") -> None:
        clinic = self._context.open_clinic

        def work(job: "Job") -> "ConsentRecorded":
            return workflow.record_consent(clinic, job, draft)

        self.form.set_ready(False)
        self._context.operations.run(work, initiator=self, done=self._recorded, ended=self._ready)

    def _recorded(self, result: "ConsentRecorded") -> None:
        self.close_form()
        self._context.toast(self._context.tr("consents.recorded"))

    def _ready(self) -> None:
        self.form.set_ready(True)
