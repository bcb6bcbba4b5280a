"""Somebody new, or somebody's roles, passphrase and whether they may unlock."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QFrame, QVBoxLayout, QWidget

from desktop.access import Role
from desktop.records import User
from desktop.ui.admin.people_words import role_words
from desktop.ui.start.new_passphrase import NewPassphrase
from desktop.ui.widgets.fields import Field
from desktop.ui.widgets.parts import Texts, button, column, label, line, narrow, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_FIELD_WIDTH = 420


class RolePicker(QWidget):
    """The roles side by side, each with its box. `touched` when one was ticked."""

    touched = Signal()

    def __init__(self, context: "UiContext", name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._context = context
        self._boxes: dict[Role, QCheckBox] = {}
        self.caption = label(f"{name}_label", "strong")
        boxes = row(spacing=16)
        for role in Role:
            made = QCheckBox()
            made.setObjectName(f"{name}_{role.value}")
            made.clicked.connect(self.touched)
            boxes.addWidget(made)
            self._boxes[role] = made
        boxes.addStretch(1)
        layout = column(self, spacing=4)
        layout.addWidget(self.caption)
        layout.addLayout(boxes)
        self.retranslate()

    @property
    def roles(self) -> tuple[Role, ...]:
        """What is ticked."""
        return tuple(role for role, box in self._boxes.items() if box.isChecked())

    def set_roles(self, roles: Sequence[str]) -> None:
        """Tick these, without telling."""
        for role, box in self._boxes.items():
            box.setChecked(role.value in roles)

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.caption.setText(self._context.tr("people.roles"))
        for role, box in self._boxes.items():
            box.setText(self._context.tr(f"people.role.{role.value}"))


class _Form(QFrame):
    """A framed form below the list. `closed` on Esc or by its button."""

    closed = Signal()

    def __init__(self, context: "UiContext", name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setProperty("role", "card")
        self.context = context
        self.texts = Texts(context)
        self.body: QVBoxLayout = column(self, margin=16, spacing=12)
        self.complaint = label(f"{name}_complaint", "danger", wrap=True)

    def complain(self, words: str) -> None:
        """Say below the fields what is wrong, or nothing."""
        self.complaint.setText(words)
        self.complaint.setVisible(bool(words))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc puts the form away."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)


class AddForm(_Form):
    """`submitted(name, roles, passphrase)` once it is complete."""

    submitted = Signal(str, tuple, str)

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "person_add")
        heading = label(role="heading")
        self.texts.add(heading.setText, "people.add")
        self.name = Field("person_name")
        self.texts.add(self.name.set_caption, "people.name")
        self.texts.add(self.name.set_hint, "people.name.hint")
        self.roles = RolePicker(context, "add_role")
        self.passphrase = NewPassphrase(
            context, "person_passphrase", caption="people.passphrase", again="people.passphrase.again"
        )
        about = label(role="small", wrap=True)
        self.texts.add(about.setText, "people.add.about")
        self.body.addWidget(heading)
        self.body.addLayout(narrow(self.name, _FIELD_WIDTH))
        self.body.addWidget(self.roles)
        self.body.addLayout(narrow(self.passphrase, _FIELD_WIDTH))
        self.body.addWidget(about)
        self.body.addWidget(self.complaint)
        self._cancel = button("person_cancel", "quiet")
        self.save = button("person_save", "primary")
        self.texts.add(self._cancel.setText, "ui.cancel")
        self.texts.add(self.save.setText, "people.add.save")
        buttons = row()
        buttons.addWidget(self._cancel)
        buttons.addStretch(1)
        buttons.addWidget(self.save)
        self.body.addLayout(buttons)
        self.name.edit.returnPressed.connect(self._submit)
        self.passphrase.submitted.connect(self._submit)
        self.save.clicked.connect(self._submit)
        self._cancel.clicked.connect(self.closed)
        self.complain("")

    def begin(self) -> None:
        """Empty, ready for a name."""
        self.wipe()
        self.name.edit.setFocus()

    def wipe(self) -> None:
        """Forget what was typed."""
        self.name.wipe()
        self.passphrase.wipe()
        self.roles.set_roles(())
        self.complain("")

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.texts.retranslate()
        self.roles.retranslate()
        self.passphrase.retranslate()

    def _submit(self) -> None:
        tr = self.context.tr
        self.name.set_error("" if self.name.text() else tr("people.name.missing"))
        wrong = [*([self.name] if self.name.has_error else []), *self.passphrase.wrong()]
        self.complain("" if self.roles.roles else tr("people.needs_role"))
        if wrong:
            wrong[0].edit.setFocus()
        elif self.roles.roles:
            self.submitted.emit(self.name.text(), self.roles.roles, self.passphrase.secret())


class PersonForm(_Form):
    """Signals: roles_changed(roles), passphrase_given(passphrase), disabled; the last two let somebody in or keep them
    out, and none of them asks: each can be put right by another."""

    roles_changed = Signal(tuple)
    passphrase_given = Signal(str)
    disabled = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "person_form")
        self._user: User | None = None
        self._is_self = False
        self.heading = label("person_heading", "heading")
        self.state = label("person_state", "muted", wrap=True)
        self.roles = RolePicker(context, "role")
        self._save = button("person_save_roles")
        self.texts.add(self._save.setText, "people.roles.save")
        self._roles_note = label(role="small", wrap=True)
        self.texts.add(self._roles_note.setText, "people.roles.note")
        roles = row(spacing=12)
        roles.addWidget(self._save)
        roles.addWidget(self._roles_note, 1)
        self._line = line()
        self._passphrase_title = label("person_passphrase_title", "strong", wrap=True)
        self.passphrase = NewPassphrase(context, "person_reset")
        self._give = button("person_give")
        for words in (self.heading, self.state):
            self.body.addWidget(words)
        self.body.addWidget(self.roles)
        self.body.addLayout(roles)
        self._lets_in: tuple[QWidget, ...] = (self._line, self._passphrase_title, self.passphrase, self._give)
        self.body.addWidget(self._line)
        self.body.addWidget(self._passphrase_title)
        self.body.addLayout(narrow(self.passphrase, _FIELD_WIDTH))
        self.body.addWidget(self._give, alignment=Qt.AlignmentFlag.AlignLeft)
        self.body.addWidget(self.complaint)
        self._disable = button("person_disable", "quiet")
        self._close = button("person_close", "quiet")
        self.texts.add(self._disable.setText, "people.disable")
        self.texts.add(self._close.setText, "ui.close")
        buttons = row()
        buttons.addWidget(self._disable)
        buttons.addStretch(1)
        buttons.addWidget(self._close)
        self.body.addLayout(buttons)
        self.roles.touched.connect(self._touched)
        self._save.clicked.connect(self._submit_roles)
        self.passphrase.submitted.connect(self._submit_passphrase)
        self._give.clicked.connect(self._submit_passphrase)
        self._disable.clicked.connect(self.disabled)
        self._close.clicked.connect(self.closed)
        self.complain("")

    @property
    def user(self) -> User | None:
        """Who is shown."""
        return self._user

    def show_user(self, user: User, *, is_self: bool) -> None:
        """Somebody's roles and state; what was typed about somebody else is forgotten."""
        self._user, self._is_self = user, is_self
        self.passphrase.wipe()
        self.complain("")
        self.roles.set_roles(user.roles)
        self.retranslate()
        self._touched()

    def wipe(self) -> None:
        """Forget who was shown."""
        self._user = None
        for words in (self.heading, self.state):
            words.setText("")
        self.passphrase.wipe()
        self.complain("")

    def retranslate(self) -> None:
        """Speak the window's language."""
        self.texts.retranslate()
        self.roles.retranslate()
        self.passphrase.retranslate()
        if self._user is None:
            return
        tr, disabled = self.context.tr, self._user.disabled
        self.heading.setText(self._user.name)
        key = "people.state.disabled" if disabled else "people.state.you" if self._is_self else "people.state.active"
        self.state.setText(tr(key, roles=role_words(self.context, self._user.roles)))
        about_roles: tuple[QWidget, ...] = (self.roles, self._save, self._roles_note)
        for part in about_roles:
            part.setVisible(not disabled)
        for part in self._lets_in:
            part.setVisible(not self._is_self)
        self._passphrase_title.setText(tr("people.enable.title" if disabled else "people.reset.title"))
        self._give.setText(tr("people.enable" if disabled else "people.reset"))
        self._disable.setVisible(not disabled and not self._is_self)

    def _touched(self) -> None:
        if self._user is not None:
            self._save.setEnabled({role.value for role in self.roles.roles} != set(self._user.roles))

    def _submit_roles(self) -> None:
        self.roles_changed.emit(self.roles.roles)

    def _submit_passphrase(self) -> None:
        wrong = self.passphrase.wrong()
        if wrong:
            wrong[0].edit.setFocus()
        else:
            self.passphrase_given.emit(self.passphrase.secret())
