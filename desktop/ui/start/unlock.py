"""Unlocking: who, the passphrase, Enter."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFrame, QVBoxLayout

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.ui.start.countdown import Countdown
from desktop.ui.start.page import StartPage
from desktop.ui.widgets.fields import SecretField
from desktop.ui.widgets.parts import button, card, column, label, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_WIDTH = 440


class UnlockPage(StartPage):
    """`submitted(user, passphrase)` on Enter; counts down while a wrong passphrase slows the next try.

    Signals besides: other_requested for another clinic, pin_requested, forgot_requested(user),
    restore_requested.
    """

    submitted = Signal(str, str)
    other_requested = Signal()
    pin_requested = Signal()
    forgot_requested = Signal(str)
    restore_requested = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "unlock_page", _WIDTH)
        self._folder = Path()
        self._busy = False
        self._refusal: UserFacingError | None = None
        self._countdown = Countdown(self)
        self._countdown.changed.connect(self._enable)
        self.title = label("unlock_title", "title")
        self.place = label("unlock_place", "small", wrap=True)
        self.body.addWidget(self.title)
        self.body.addWidget(self.place)
        self.demo_note = self._build_demo_note()
        self.body.addWidget(self.demo_note)
        self.body.addLayout(self._build_who())
        self.passphrase = SecretField("unlock_passphrase")
        self.texts.add(self.passphrase.set_caption, "start.unlock.passphrase")
        self.body.addWidget(self.passphrase)
        self._build_buttons()
        context.theme_changed.connect(self.retranslate)
        self.retranslate()

    def show_clinic(self, folder: Path, *, with_pin: bool = False) -> None:
        """Say which clinic, and who may unlock it. Reads only the folder's keystore. with_pin: somebody has one."""
        self._folder = folder
        is_demo = folder == self.context.places.demo_clinic
        users = (workflow.DEMO_USER,) if is_demo else workflow.clinic_users(folder)
        self.user.clear()
        self.user.addItems(list(users))
        self.choose(self.context.settings.last_user)
        self.clear()
        self.demo_note.setVisible(is_demo)
        self.forgot.setVisible(not is_demo)
        self.restore.setVisible(not is_demo)
        self.pin.setVisible(with_pin)
        if is_demo:
            self.passphrase.edit.setText(workflow.DEMO_PASSPHRASE)
        self._countdown.watch(folder)
        self.retranslate()

    def choose(self, user: str) -> None:
        """Choose somebody, where they may unlock."""
        self.user.setCurrentIndex(max(0, self.user.findText(user)))

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        is_demo = self._folder == self.context.places.demo_clinic
        self.title.setText(self.context.tr("start.unlock.demo" if is_demo else "start.unlock.title"))
        self.place.setText(self.context.tr("start.unlock.place", folder=str(self._folder)))
        self.place.setToolTip(str(self._folder))
        self._credentials.setText(
            self.context.tr("start.demo.credentials", user=workflow.DEMO_USER, passphrase=workflow.DEMO_PASSPHRASE)
        )
        self.passphrase.set_reveal(self.context.tr("start.reveal"), self.context.colours.muted)
        self._enable()
        self._show_refusal()

    def activated(self) -> None:
        """The next key belongs to the passphrase."""
        self.passphrase.edit.setFocus()
        self.passphrase.edit.selectAll()

    def clear(self) -> None:
        """Forget what was typed."""
        self._refusal = None
        self.passphrase.wipe()

    def set_busy(self, busy: bool) -> None:
        """While the key is made nothing can be pressed."""
        self._busy = busy
        self._enable()

    def refuse(self, error: UserFacingError) -> None:
        """Say at once what is wrong; then count down until the next try is allowed."""
        self._refusal = error
        self._show_refusal()
        self.passphrase.edit.selectAll()
        self._countdown.watch(self._folder)
        self.passphrase.edit.setFocus()

    def _show_refusal(self) -> None:
        refusal = self._refusal
        self.passphrase.set_error(self.context.tr(refusal.key, **refusal.details) if refusal is not None else "")

    def _build_demo_note(self) -> QFrame:
        box = card("unlock_demo_note", "notice")
        self._credentials = label("unlock_demo_credentials", "strong", wrap=True, selectable=True)
        warning = label("unlock_demo_warning", "small", wrap=True)
        self.texts.add(warning.setText, "start.demo.warning")
        inside = column(box, margin=12, spacing=4)
        inside.addWidget(self._credentials)
        inside.addWidget(warning)
        return box

    def _build_who(self) -> QVBoxLayout:
        caption = label("unlock_user_label", "strong")
        self.texts.add(caption.setText, "start.unlock.user")
        self.user = QComboBox()
        self.user.setObjectName("unlock_user")
        self.texts.add(self.user.setAccessibleName, "start.unlock.user")
        caption.setBuddy(self.user)
        who = column(spacing=4)
        who.addWidget(caption)
        who.addWidget(self.user)
        return who

    def _build_buttons(self) -> None:
        self.pin = button("unlock_pin", "quiet")
        self.submit = button("unlock_submit", "primary")
        self.forgot = button("unlock_forgot", "quiet")
        self.other = button("unlock_other", "quiet")
        self.restore = button("unlock_restore", "quiet")
        self.icons.add(self.submit, "lock")
        self.texts.add(self.pin.setText, "start.unlock.pin")
        self.texts.add(self.submit.setText, "start.unlock.submit")
        self.texts.add(self.forgot.setText, "start.unlock.forgot")
        self.texts.add(self.other.setText, "start.unlock.other")
        self.texts.add(self.restore.setText, "backup.restore.title")
        main, foot = row(), row()
        main.addWidget(self.pin)
        main.addStretch(1)
        main.addWidget(self.submit)
        foot.addWidget(self.forgot)
        foot.addStretch(1)
        foot.addWidget(self.other)
        self.body.addLayout(main)
        self.body.addLayout(foot)
        self.body.addWidget(self.restore, alignment=Qt.AlignmentFlag.AlignLeft)
        self.passphrase.edit.returnPressed.connect(self._submit)
        self.submit.clicked.connect(self._submit)
        self.other.clicked.connect(self.other_requested)
        self.restore.clicked.connect(self.restore_requested)
        self.pin.clicked.connect(self.pin_requested)
        self.forgot.clicked.connect(self._forgotten)

    def _enable(self) -> None:
        seconds = self._countdown.seconds
        self.submit.setEnabled(not self._busy and seconds == 0)
        self.user.setEnabled(not self._busy)
        for part in (self.forgot, self.other, self.pin, self.restore):
            part.setEnabled(not self._busy)
        self.passphrase.edit.setReadOnly(self._busy)
        key = "start.unlock.wait" if seconds else "start.unlock.submit"
        self.submit.setText(self.context.tr(key, seconds=seconds))

    def _submit(self) -> None:
        if not self.submit.isEnabled() or not self.passphrase.secret():
            return
        self._refusal = None
        self._show_refusal()
        self.submitted.emit(self.user.currentText(), self.passphrase.secret())

    def _forgotten(self) -> None:
        self.forgot_requested.emit(self.user.currentText())
