"""Creating a clinic: its name, who you are, your passphrase."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal

from desktop.ui.start.page import StartPage
from desktop.ui.start.strength import MINIMUM_LENGTH, Strength, strength
from desktop.ui.widgets.fields import Field, SecretField
from desktop.ui.widgets.parts import button, label, row, set_role

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_WIDTH = 520


class CreatePage(StartPage):
    """Asks; `submitted(clinic name, user name, passphrase)` once it is complete."""

    submitted = Signal(str, str, str)
    back_requested = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "create_page", _WIDTH)
        title = label("create_title", "title")
        self.texts.add(title.setText, "start.create.title")
        self.body.addWidget(title)
        self.clinic = Field("clinic_name")
        self.user = Field("user_name")
        self.passphrase = SecretField("new_passphrase")
        self.again = SecretField("new_passphrase_again")
        for field, key in (
            (self.clinic, "start.create.clinic"),
            (self.user, "start.create.user"),
            (self.passphrase, "start.create.passphrase"),
            (self.again, "start.create.again"),
        ):
            self.texts.add(field.set_caption, key)
            self.body.addWidget(field)
            field.edit.returnPressed.connect(self._submit)
        self.hint = label("strength_hint", "small", wrap=True)
        self.body.insertWidget(self.body.indexOf(self.again), self.hint)
        self.texts.add(self.clinic.set_hint, "start.create.clinic.hint")
        self.texts.add(self.user.set_hint, "start.create.user.hint")
        buttons = row()
        self.back = button("create_back", "quiet")
        self.create_button = button("create_submit", "primary")
        self.texts.add(self.back.setText, "ui.back")
        self.texts.add(self.create_button.setText, "start.create.submit")
        buttons.addWidget(self.back)
        buttons.addStretch(1)
        buttons.addWidget(self.create_button)
        self.body.addLayout(buttons)
        self.passphrase.edit.textChanged.connect(self._judge)
        self.create_button.clicked.connect(self._submit)
        self.back.clicked.connect(self.back_requested)
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        for field in (self.passphrase, self.again):
            field.set_reveal(self.context.tr("start.reveal"), self.context.colours.muted)
        self._judge()
        if any(field.has_error for field in (self.clinic, self.user, self.passphrase, self.again)):
            self._complain()

    def activated(self) -> None:
        """Begin at the first empty field."""
        for field in (self.clinic, self.user, self.passphrase, self.again):
            if not field.edit.text():
                field.edit.setFocus()
                return

    def clear(self) -> None:
        """Forget what was typed."""
        for field in (self.clinic, self.user, self.passphrase, self.again):
            field.wipe()

    def set_busy(self, busy: bool) -> None:
        """While keys are made nothing can be changed."""
        for part in (self.clinic, self.user, self.passphrase, self.again, self.back, self.create_button):
            part.setEnabled(not busy)

    def _judge(self) -> None:
        verdict = strength(self.passphrase.secret())
        key = "start.strength.empty" if not self.passphrase.secret() else f"start.strength.{verdict}"
        self.hint.setText(self.context.tr(key, minimum=MINIMUM_LENGTH))
        set_role(self.hint, "ok" if verdict is Strength.GOOD else "small")

    def _submit(self) -> None:
        wrong = self._complain()
        if wrong:
            wrong[0].edit.setFocus()
            return
        self.submitted.emit(self.clinic.text(), self.user.text(), self.passphrase.secret())

    def _complain(self) -> list[Field]:
        """Say beside each field what is wrong with it; gives those fields."""
        tr = self.context.tr
        complaints = (
            (self.clinic, "" if self.clinic.text() else tr("start.clinic_needs_name")),
            (self.user, "" if self.user.text() else tr("start.user_needs_name")),
            (
                self.passphrase,
                tr("start.passphrase_too_short", minimum=MINIMUM_LENGTH)
                if len(self.passphrase.secret()) < MINIMUM_LENGTH
                else "",
            ),
            (
                self.again,
                "" if self.again.secret() == self.passphrase.secret() else tr("start.create.differs"),
            ),
        )
        for field, complaint in complaints:
            field.set_error(complaint)
        return [field for field, complaint in complaints if complaint]
