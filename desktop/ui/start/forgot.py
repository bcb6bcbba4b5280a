"""A forgotten passphrase: who, the recovery card's code, a new passphrase."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox

from desktop import workflow
from desktop.errors import ErrorKind, UserFacingError
from desktop.ui.start.countdown import Countdown
from desktop.ui.start.new_passphrase import NewPassphrase
from desktop.ui.start.page import StartPage
from desktop.ui.widgets.card_field import CardField
from desktop.ui.widgets.parts import button, column, label, row
from desktop.ui.widgets.sentences import together

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_WIDTH = 720


class ForgotPage(StartPage):
    """`submitted(user, code, passphrase)` once every group fits and both passphrases agree."""

    submitted = Signal(str, str, str)
    back_requested = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "forgot_page", _WIDTH)
        self._folder = Path()
        self._busy = False
        self._refusal: UserFacingError | None = None
        self._countdown = Countdown(self)
        self._countdown.changed.connect(self._enable)
        title = label("forgot_title", "title")
        about = label("forgot_about", "muted", wrap=True)
        self.texts.add(title.setText, "start.forgot.title")
        self.texts.add(about.setText, "start.forgot.about")
        caption = label("forgot_user_label", "strong")
        self.texts.add(caption.setText, "start.forgot.user")
        self.user = QComboBox()
        self.user.setObjectName("forgot_user")
        self.texts.add(self.user.setAccessibleName, "start.forgot.user")
        caption.setBuddy(self.user)
        who = column(spacing=4)
        who.addWidget(caption)
        who.addWidget(self.user)
        self.card_code = CardField(context, "forgot_card")
        self.passphrase = NewPassphrase(context, "forgot_passphrase")
        self.body.addWidget(title)
        self.body.addWidget(about)
        self.body.addLayout(who)
        self.body.addWidget(self.card_code)
        self.body.addWidget(self.passphrase)
        self.back = button("forgot_back", "quiet")
        self.submit = button("forgot_submit", "primary")
        self.texts.add(self.back.setText, "ui.back")
        buttons = row()
        buttons.addWidget(self.back)
        buttons.addStretch(1)
        buttons.addWidget(self.submit)
        self.body.addLayout(buttons)
        self.card_code.submitted.connect(self._submit)
        self.card_code.changed.connect(self._forget_refusal)
        self.passphrase.submitted.connect(self._submit)
        self.submit.clicked.connect(self._submit)
        self.back.clicked.connect(self.back_requested)
        self.retranslate()

    def show_clinic(self, folder: Path, user: str) -> None:
        """Ask for the card of this clinic. user: who was chosen before."""
        self._folder = folder
        self.user.clear()
        self.user.addItems(list(workflow.clinic_users(folder)))
        self.user.setCurrentIndex(max(0, self.user.findText(user)))
        self.clear()
        self._countdown.watch(folder)

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        self.card_code.retranslate()
        self.passphrase.retranslate()
        self._enable()
        self._show_refusal()

    def activated(self) -> None:
        """The card comes first: without it nothing else helps."""
        self.card_code.setFocus()

    def clear(self) -> None:
        """Forget what was typed."""
        self._refusal = None
        self.card_code.wipe()
        self.passphrase.wipe()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc goes back."""
        if event.key() == Qt.Key.Key_Escape and not self._busy:
            self.back_requested.emit()
        else:
            super().keyPressEvent(event)

    def set_busy(self, busy: bool) -> None:
        """While the card is tried nothing can be changed."""
        self._busy = busy
        for part in (self.user, self.card_code, self.passphrase, self.back):
            part.setEnabled(not busy)
        self._enable()

    def refuse(self, error: UserFacingError) -> None:
        """Say what is wrong, and what to do, beside the card."""
        self._refusal = error
        self._show_refusal()
        self._countdown.watch(self._folder)
        if error.kind is ErrorKind.WRONG_RECOVERY_CARD:
            self.card_code.groups[0].setFocus()
            self.card_code.groups[0].selectAll()

    def _enable(self) -> None:
        seconds = self._countdown.seconds
        self.submit.setEnabled(not self._busy and seconds == 0)
        key = "start.unlock.wait" if seconds else "start.forgot.submit"
        self.submit.setText(self.context.tr(key, seconds=seconds))

    def _forget_refusal(self) -> None:
        self._refusal = None

    def _show_refusal(self) -> None:
        refusal = self._refusal
        if refusal is not None:
            words = (self.context.tr(key, **refusal.details) for key in (refusal.key, f"{refusal.key}.advice"))
            self.card_code.set_error(together(self.context, *words))

    def _submit(self) -> None:
        if not self.submit.isEnabled() or self.card_code.complain():
            return
        wrong = self.passphrase.wrong()
        if wrong:
            wrong[0].edit.setFocus()
            return
        self._refusal = None
        self.card_code.set_error("")
        self.submitted.emit(self.user.currentText(), self.card_code.code, self.passphrase.secret())
