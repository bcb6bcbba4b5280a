"""You: who is signed in, another passphrase, a PIN for this shift."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from desktop import workflow
from desktop.errors import ErrorKind, UserFacingError
from desktop.ui.admin.people_words import complaint, role_words
from desktop.ui.settings.section import Section
from desktop.ui.start.new_passphrase import NewPassphrase
from desktop.ui.widgets.fields import SecretField
from desktop.ui.widgets.parts import button, label, narrow, row, set_role

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow.people import UserChanged

_FIELD_WIDTH = 420
_PIN_WIDTH = 204


class AccountSection(Section):
    """Everybody sees it; each sees only themselves."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "settings_you", "settings.section.you")
        self._passphrase_refusal: Exception | None = None
        self._pin_refusal: Exception | None = None
        self._focus_before: QWidget | None = None
        who = self.box("people.you.who")
        self._name = label("you_name", "strong")
        self._roles = label("you_roles", "muted", wrap=True)
        who.addWidget(self._name)
        who.addWidget(self._roles)
        self._build_passphrase()
        self._build_pin()
        self._build_shift()
        self.body.addStretch(1)
        context.theme_changed.connect(self.retranslate)
        self.retranslate()

    def activated(self) -> None:
        """Say who it is, and whether there is a PIN."""
        user = self.context.open_clinic.session.user
        self._name.setText(user.name)
        self._roles.setText(role_words(self.context, user.roles))
        self._show_pin()

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        tr, muted = self.context.tr, self.context.colours.muted
        self.old.set_reveal(tr("start.reveal"), muted)
        self.new.retranslate()
        for field in (self.pin, self.pin_again):
            field.set_reveal(tr("start.pin.reveal"), muted)
        if self.context.clinic is not None:
            self.activated()
        self._complain()

    def clear(self) -> None:
        """The clinic is locked."""
        self._name.setText("")
        self._roles.setText("")
        self._pin_state.setText("")
        self.verticalScrollBar().setValue(0)
        self._passphrase_refusal = self._pin_refusal = None
        for field in (self.old, self.pin, self.pin_again):
            field.wipe()
        self.new.wipe()

    def _complain(self) -> None:
        """Say beside the fields what the clinic refused."""
        refusal = self._passphrase_refusal
        wrong_old = isinstance(refusal, UserFacingError) and refusal.key == "unlock.wrong_passphrase"
        if refusal is not None:
            words = self.context.tr("people.you.old.wrong") if wrong_old else complaint(self.context, refusal)
            about_old = isinstance(refusal, UserFacingError) and refusal.kind is ErrorKind.UNLOCK
            (self.old if about_old else self.new.passphrase).set_error(words)
        if self._pin_refusal is not None:
            self.pin.set_error(complaint(self.context, self._pin_refusal))

    # Another passphrase

    def _build_passphrase(self) -> None:
        box = self.box("people.you.passphrase", "people.you.passphrase.about")
        self.old = SecretField("you_old")
        self.new = NewPassphrase(self.context, "you_new")
        self._change = button("you_change")
        self.texts.add(self.old.set_caption, "people.you.old")
        self.texts.add(self._change.setText, "people.you.change")
        for part in (self.old, self.new):
            box.addLayout(narrow(part, _FIELD_WIDTH))
        box.addWidget(self._change, alignment=Qt.AlignmentFlag.AlignLeft)
        self.old.edit.returnPressed.connect(self._change_passphrase)
        self.new.submitted.connect(self._change_passphrase)
        self._change.clicked.connect(self._change_passphrase)

    def _change_passphrase(self) -> None:
        old, new = self.old.secret(), self.new.secret()
        missing = not old
        self._passphrase_refusal = None
        self.old.set_error(self.context.tr("people.you.old.missing") if missing else "")
        wrong = self.new.wrong()
        if missing or wrong:
            (self.old if missing else wrong[0]).edit.setFocus()
            return
        clinic = self.context.open_clinic

        def work(job: "Job") -> "UserChanged":
            return workflow.people.change_passphrase(clinic, job, old=old, new=new)

        self._set_busy(True)
        self.context.operations.run(
            work,
            initiator=self,
            done=self._passphrase_changed,
            failed=self._passphrase_refused,
            ended=self._not_busy,
            title=self.context.tr("people.step.key"),
        )

    def _passphrase_changed(self, result: "UserChanged") -> None:
        self.old.wipe()
        self.new.wipe()
        self.context.toast(self.context.tr("people.you.changed"))

    def _passphrase_refused(self, error: Exception) -> None:
        self._not_busy()
        if complaint(self.context, error):
            self._passphrase_refusal = error
            self._complain()
            self.old.edit.setFocus()
            self.old.edit.selectAll()
        else:
            self.context.show_error(error, self)

    # The PIN of a shift

    def _build_pin(self) -> None:
        box = self.box("people.pin.title", "people.pin.about")
        self._pin_state = label("pin_state", wrap=True)
        self.pin = SecretField("you_pin")
        self.pin_again = SecretField("you_pin_again")
        self.texts.add(self.pin.set_caption, "people.pin.new")
        self.texts.add(self.pin_again.set_caption, "people.pin.again")
        self.texts.add(self.pin.set_hint, "people.pin.hint")
        fields = row(spacing=12)
        for field in (self.pin, self.pin_again):
            field.setFixedWidth(_PIN_WIDTH)
            field.edit.setInputMethodHints(field.edit.inputMethodHints() | Qt.InputMethodHint.ImhDigitsOnly)
            field.edit.returnPressed.connect(self._set_pin)
            fields.addWidget(field, alignment=Qt.AlignmentFlag.AlignTop)
        fields.addStretch(1)
        self._set = button("you_pin_set")
        self._forget = button("you_pin_forget", "quiet")
        self.texts.add(self._set.setText, "people.pin.set")
        self.texts.add(self._forget.setText, "people.pin.forget")
        buttons = row()
        buttons.addWidget(self._set)
        buttons.addWidget(self._forget)
        buttons.addStretch(1)
        box.addWidget(self._pin_state)
        box.addLayout(fields)
        box.addLayout(buttons)
        self._set.clicked.connect(self._set_pin)
        self._forget.clicked.connect(self._forget_pin)

    def _build_shift(self) -> None:
        box = self.box("people.shift.title", "people.shift.about")
        self._end = button("you_end_shift")
        self.texts.add(self._end.setText, "start.pin.end_shift")
        self._end.clicked.connect(self.context.shift_end_requested)
        box.addWidget(self._end, alignment=Qt.AlignmentFlag.AlignLeft)

    def _show_pin(self) -> None:
        clinic = self.context.clinic
        if clinic is None:
            return
        has_pin = clinic.session.user.name in workflow.pin_users(self.context.shift, clinic.store.folder)
        self._pin_state.setText(self.context.tr("people.pin.is_set" if has_pin else "people.pin.none"))
        set_role(self._pin_state, "ok" if has_pin else "muted")
        self._forget.setVisible(has_pin)

    def _set_pin(self) -> None:
        pin = self.pin.secret()
        self._pin_refusal = None
        self.pin.set_error("")
        differs = pin != self.pin_again.secret()
        self.pin_again.set_error(self.context.tr("people.pin.differs") if differs else "")
        if differs:
            self.pin_again.edit.setFocus()
            return
        clinic, shift = self.context.open_clinic, self.context.shift

        def work(job: "Job") -> None:
            workflow.set_pin(clinic, job, shift, pin=pin)

        self._set_busy(True)
        self.context.operations.run(
            work, initiator=self, done=self._pin_is_set, failed=self._pin_refused, ended=self._not_busy
        )

    def _pin_is_set(self, nothing: None) -> None:
        self.pin.wipe()
        self.pin_again.wipe()
        self._show_pin()

    def _pin_refused(self, error: Exception) -> None:
        self._not_busy()
        if complaint(self.context, error):
            self._pin_refusal = error
            self._complain()
            self.pin.edit.setFocus()
            self.pin.edit.selectAll()
        else:
            self.context.show_error(error, self)

    def _forget_pin(self) -> None:
        clinic, shift = self.context.open_clinic, self.context.shift

        def work(job: "Job") -> None:
            workflow.forget_pin(clinic, job, shift)

        self.context.operations.run(work, initiator=self, ended=self._show_pin)

    def _set_busy(self, busy: bool) -> None:
        """While keys are made nothing can be changed; the focus comes back to where it was."""
        before, self._focus_before = self._focus_before, self.focusWidget() if busy else None
        for part in (self.old, self.new, self._change, self.pin, self.pin_again, self._set):
            part.setEnabled(not busy)
        if before is not None and self.isVisible():
            before.setFocus()

    def _not_busy(self) -> None:
        self._set_busy(False)
