"""Creating a clinic: its name, who you are, your passphrase."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal

from desktop.ui.start.new_passphrase import NewPassphrase
from desktop.ui.start.page import StartPage
from desktop.ui.widgets.fields import Field
from desktop.ui.widgets.parts import button, label, row

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
        for field, key in ((self.clinic, "start.create.clinic"), (self.user, "start.create.user")):
            self.texts.add(field.set_caption, key)
            self.body.addWidget(field)
            field.edit.returnPressed.connect(self._submit)
        self.passphrase = NewPassphrase(
            context,
            "new_passphrase",
            caption="start.create.passphrase",
            again="start.create.again",
            hint="strength_hint",
            spacing=16,
        )
        self.passphrase.submitted.connect(self._submit)
        self.body.addWidget(self.passphrase)
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
        self.create_button.clicked.connect(self._submit)
        self.back.clicked.connect(self.back_requested)
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        complained = self.clinic.has_error or self.user.has_error
        self.passphrase.retranslate()
        if complained:
            self._complain()

    def activated(self) -> None:
        """Begin at the first empty field."""
        for field in (self.clinic, self.user, *self.passphrase.fields):
            if not field.edit.text():
                field.edit.setFocus()
                return

    def clear(self) -> None:
        """Forget what was typed."""
        self.clinic.wipe()
        self.user.wipe()
        self.passphrase.wipe()

    def set_busy(self, busy: bool) -> None:
        """While keys are made nothing can be changed."""
        for part in (self.clinic, self.user, self.passphrase, self.back, self.create_button):
            part.setEnabled(not busy)

    def _submit(self) -> None:
        wrong = self._complain()
        if wrong:
            wrong[0].edit.setFocus()
            return
        self.submitted.emit(self.clinic.text(), self.user.text(), self.passphrase.secret())

    def _complain(self) -> list[Field]:
        """Say beside each field what is wrong with it; gives those fields."""
        tr = self.context.tr
        self.clinic.set_error("" if self.clinic.text() else tr("start.clinic_needs_name"))
        self.user.set_error("" if self.user.text() else tr("start.user_needs_name"))
        return [*(field for field in (self.clinic, self.user) if field.has_error), *self.passphrase.wrong()]
