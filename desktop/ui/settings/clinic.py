"""The clinic's own choices: reading order, report language, templates."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QPlainTextEdit

from desktop import workflow
from desktop.i18n import Language
from desktop.ui.settings.section import Section
from desktop.ui.widgets.fields import Choice
from desktop.ui.widgets.parts import button, label, row

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Policy, PolicyChanged

_TEMPLATE_HEIGHT = 132


class ClinicSection(Section):
    """Saved by the button, audited; only an administrator may."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "settings_clinic", "settings.section.clinic")
        self._policy: Policy | None = None
        self.order = Choice("policy_order", [order.value for order in workflow.ReadingOrder])
        self.order.chosen.connect(self._touched)
        self.box("settings.order", "settings.order.about").addWidget(self.order)
        self.language = Choice("policy_language", [choice.value for choice in workflow.ReportLanguage])
        self.language.chosen.connect(self._touched)
        self.box("settings.report_language", "settings.report_language.about").addWidget(self.language)
        self.templates: dict[Language, QPlainTextEdit] = {}
        box = self.box("settings.template", "settings.template.about")
        for language in Language:
            caption = label(f"template_{language.value}_label", "strong")
            caption.setText(language.own_name)
            edit = QPlainTextEdit()
            edit.setObjectName(f"template_{language.value}")
            edit.setFixedHeight(_TEMPLATE_HEIGHT)
            edit.setTabChangesFocus(True)
            edit.textChanged.connect(self._touched)
            edit.setAccessibleName(language.own_name)
            box.addWidget(caption)
            box.addWidget(edit)
            self.templates[language] = edit
        foot = row()
        self._note = label("policy_note", "muted", wrap=True)
        self._undo = button("policy_undo", "quiet")
        self._save = button("policy_save", "primary")
        self.texts.add(self._undo.setText, "settings.undo")
        self.texts.add(self._save.setText, "settings.save")
        self._undo.clicked.connect(self._show)
        self._save.clicked.connect(self._store)
        foot.addWidget(self._note, 1)
        foot.addWidget(self._undo)
        foot.addWidget(self._save)
        self.body.addLayout(foot)
        self.body.addStretch(1)
        self.retranslate()
        self._touched()

    def activated(self) -> None:
        """Ask the clinic what holds, unless something is being changed."""
        if self._save.isEnabled():
            return
        clinic = self.context.open_clinic

        def work(job: "Job") -> "Policy":
            return workflow.policy(clinic, job)

        self.context.operations.run(work, initiator=self, done=self._take)

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        tr = self.context.tr
        self.order.set_texts(
            tr("settings.order"), [tr(f"settings.order.{order.value}") for order in workflow.ReadingOrder]
        )
        self.language.set_texts(
            tr("settings.report_language"),
            [tr(f"settings.report_language.{choice.value}") for choice in workflow.ReportLanguage],
        )

    def clear(self) -> None:
        """The clinic is locked."""
        self._policy = None
        for edit in self.templates.values():
            edit.clear()
        self._touched()

    def _take(self, policy: "Policy") -> None:
        self._policy = policy
        self._show()

    def _show(self) -> None:
        if self._policy is None:
            return
        self.order.set_value(self._policy.reading_order.value)
        self.language.set_value(self._policy.report_language.value)
        for language, edit in self.templates.items():
            edit.setPlainText(self._policy.template(language))
        self._touched()

    def _typed(self) -> "Policy | None":
        """The policy as the page shows it. A template left as Lantern brings it stays Lantern's."""
        if self._policy is None:
            return None
        brought = workflow.Policy()
        own = {
            language: "" if edit.toPlainText() == brought.template(language) else edit.toPlainText()
            for language, edit in self.templates.items()
        }
        return workflow.Policy(
            reading_order=workflow.ReadingOrder(self.order.value),
            report_language=workflow.ReportLanguage(self.language.value),
            template_en=own[Language.ENGLISH],
            template_zh=own[Language.CHINESE],
        )

    def _touched(self) -> None:
        changed = self._policy is not None and self._typed() != self._policy
        self._save.setEnabled(changed)
        self._undo.setEnabled(changed)

    def _store(self) -> None:
        clinic, new = self.context.open_clinic, self._typed()
        if new is None:
            return

        def work(job: "Job") -> "PolicyChanged":
            return workflow.set_policy(clinic, job, new)

        self.context.operations.run(work, initiator=self, done=self._stored)

    def _stored(self, result: "PolicyChanged") -> None:
        self._take(result.policy)
        self.context.toast(self.context.tr("settings.saved"))
