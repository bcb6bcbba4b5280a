"""Keys: another recovery card, and new keys for the whole clinic."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QPushButton

from desktop import workflow
from desktop.ui.admin.new_card import NewCardDialog
from desktop.ui.settings.section import Section
from desktop.ui.widgets.parts import button, label, set_role

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import RecoveryCard


class KeysSection(Section):
    """Both are rare; each says when it is wanted and what it ends."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "admin_keys", "settings.section.keys")
        self._dialog: NewCardDialog | None = None
        self._outcome = ""
        self._asked: QPushButton | None = None
        card = self.box("people.card.heading", "people.card.about")
        self._new_card = button("keys_new_card")
        self.texts.add(self._new_card.setText, "people.card.make")
        self._new_card.clicked.connect(self._draft_card)
        card.addWidget(self._new_card, alignment=Qt.AlignmentFlag.AlignLeft)
        epoch = self.box("people.epoch.heading", "people.epoch.about")
        for key in ("people.epoch.stays", "people.epoch.takes"):
            words = label(wrap=True)
            self.texts.add(words.setText, key)
            epoch.addWidget(words)
        self._epoch = label("keys_epoch", "small")
        self._result = label("keys_result", wrap=True)
        self._begin = button("keys_begin")
        self.texts.add(self._begin.setText, "people.epoch.begin")
        self._begin.clicked.connect(self._begin_epoch)
        epoch.addWidget(self._epoch)
        epoch.addWidget(self._begin, alignment=Qt.AlignmentFlag.AlignLeft)
        epoch.addWidget(self._result)
        self.body.addStretch(1)
        self._say("")

    def activated(self) -> None:
        """Which keys hold."""
        epoch = self.context.open_clinic.unlocked.epoch
        self._epoch.setText(self.context.tr("people.epoch.now", number=epoch))

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        if self.context.clinic is not None:
            self.activated()
        self._say(self._outcome)

    def clear(self) -> None:
        """The clinic is locked: the card that was being made is forgotten, the present one stays."""
        if self._dialog is not None:
            self._dialog.reject()
        self._say("")

    # Another recovery card

    def _draft_card(self) -> None:
        clinic = self.context.open_clinic

        def work(job: "Job") -> "RecoveryCard":
            return workflow.people.draft_recovery_card(clinic, job)

        self._asked = self._new_card
        self._new_card.setEnabled(False)
        self.context.operations.run(work, initiator=self, done=self._show_card, ended=self._ready)

    def _show_card(self, card: "RecoveryCard") -> None:
        self._dialog = NewCardDialog(self.context, card, self.context.open_clinic, self.window())
        self._dialog.finished.connect(self._card_answered)
        self._dialog.open()

    def _card_answered(self, answer: int) -> None:
        dialog, self._dialog = self._dialog, None
        self._ready()
        clinic = self.context.clinic
        if dialog is None or clinic is None or answer != QDialog.DialogCode.Accepted:
            return
        card = dialog.card

        def work(job: "Job") -> None:
            workflow.people.new_recovery_card(clinic, job, card=card)

        self.context.operations.run(
            work, initiator=self, done=self._card_taken, title=self.context.tr("people.card.taking")
        )

    def _card_taken(self, nothing: None) -> None:
        self.context.toast(self.context.tr("people.card.taken"))

    # New keys

    def _begin_epoch(self) -> None:
        clinic = self.context.open_clinic

        def work(job: "Job") -> int:
            return workflow.people.start_new_epoch(clinic, job)

        self._asked = self._begin
        self._begin.setEnabled(False)
        self._say("people.epoch.running")
        self.context.operations.run(
            work,
            initiator=self,
            done=self._begun,
            failed=self._not_begun,
            ended=self._epoch_ended,
            title=self.context.tr("people.step.copying"),
        )

    def _begun(self, epoch: int) -> None:
        workflow.end_shift(self.context.shift)
        self._say("people.epoch.done")
        self.activated()
        self.context.reseal_requested.emit()

    def _not_begun(self, error: Exception) -> None:
        self._say("")
        self.context.show_error(error, self)

    def _epoch_ended(self) -> None:
        if self._outcome == "people.epoch.running":
            self._say("people.epoch.cancelled")
        self._ready()

    def _ready(self) -> None:
        self._new_card.setEnabled(True)
        self._begin.setEnabled(True)
        if self._asked is not None and self._dialog is None and self.isVisible():
            self._asked.setFocus()

    def _say(self, key: str) -> None:
        self._outcome = key
        self._result.setText(self.context.tr(key) if key else "")
        self._result.setVisible(bool(key))
        set_role(self._result, "ok" if key == "people.epoch.done" else "muted")
