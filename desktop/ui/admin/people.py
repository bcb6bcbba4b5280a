"""People: who may unlock the clinic, their roles, and what each role may do."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from desktop import workflow
from desktop.access import Permission, Role
from desktop.records import Changes, User
from desktop.ui.admin.people_form import AddForm, PersonForm
from desktop.ui.admin.people_words import complaint, role_words
from desktop.ui.admin.permissions import PermissionTable
from desktop.ui.settings.section import Section
from desktop.ui.widgets.parts import button, label, row
from desktop.ui.widgets.rows import Row, RowList, Tone

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow.people import UserChanged

_WIDTH = 1040


class PeopleSection(Section):
    """An auditor looks; an administrator chooses somebody and changes what holds."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "admin_people", "settings.section.people")
        self._users: tuple[User, ...] = ()
        self._said = ""
        self._refusal: Exception | None = None
        self._focus_before: QWidget | None = None
        about = label(role="muted", wrap=True)
        self.texts.add(about.setText, "people.about")
        self._add = button("people_add", "primary")
        self.icons.add(self._add, "person-plus")
        self.texts.add(self._add.setText, "people.add")
        head = row(spacing=12)
        head.addWidget(about, 1)
        head.addWidget(self._add)
        self.list = RowList(context, "people_list")
        self.texts.add(self.list.setAccessibleName, "settings.section.people")
        self.adding = AddForm(context)
        self.person = PersonForm(context)
        self.body.addLayout(head)
        for part in (self.list, self.adding, self.person):
            self.body.addWidget(part)
        self._build_matrix()
        self.body.addStretch(1)
        inner = self.widget()
        if inner is not None:
            inner.setMaximumWidth(_WIDTH)
        self._connect()
        self._close()

    def activated(self) -> None:
        """Ask the clinic who there is."""
        self._add.setVisible(self._may_change)
        self._load()

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        self.adding.retranslate()
        self.person.retranslate()
        self._matrix.retranslate()
        self._complain()
        self._fill()

    def clear(self) -> None:
        """The clinic is locked."""
        self._users = ()
        self.verticalScrollBar().setValue(0)
        self._close()
        self._fill()

    def _build_matrix(self) -> None:
        box = self.box("people.matrix.title", "people.matrix.about")
        self._matrix = PermissionTable(self.context)
        box.addWidget(self._matrix)

    def _connect(self) -> None:
        self._add.clicked.connect(self._begin_adding)
        self.list.chosen.connect(self._choose)
        self.adding.submitted.connect(self._add_user)
        self.adding.closed.connect(self._close)
        self.person.closed.connect(self._close)
        self.person.roles_changed.connect(self._set_roles)
        self.person.passphrase_given.connect(self._give_passphrase)
        self.person.disabled.connect(self._disable)
        self.context.changed.connect(self._on_changed)

    @property
    def _may_change(self) -> bool:
        clinic = self.context.clinic
        return clinic is not None and clinic.session.may(Permission.MANAGE_USERS)

    # The list

    def _load(self) -> None:
        clinic = self.context.open_clinic

        def work(job: "Job") -> tuple[User, ...]:
            return workflow.people.list_users(clinic, job)

        self.context.operations.run(work, initiator=self, done=self._show)

    def _show(self, users: tuple[User, ...]) -> None:
        self._users = users
        self._fill()
        shown = self.person.user
        if shown is not None:
            self._show_person(shown.id)

    def _fill(self) -> None:
        self.list.set_rows([self._row(user) for user in self._users])
        self.list.fit_height()

    def _row(self, user: User) -> Row:
        tr = self.context.tr
        remark, tone = ("people.list.you", Tone.GOOD) if self._is_self(user) else ("", Tone.QUIET)
        if user.disabled:
            remark, tone = "people.list.disabled", Tone.CAUTION
        return Row(user.id, user.name, role_words(self.context, user.roles), tr(remark) if remark else "", tone)

    def _is_self(self, user: User) -> bool:
        clinic = self.context.clinic
        return clinic is not None and user.id == clinic.session.user.id

    def _choose(self, user: str) -> None:
        if self._may_change:
            self.adding.wipe()
            self.adding.hide()
            self._show_person(user)
            self.ensureWidgetVisible(self.person)

    def _show_person(self, identity: str) -> None:
        user = next((user for user in self._users if user.id == identity), None)
        if user is not None:
            self.list.setCurrentIndex(self.list.rows.index(self._users.index(user)))
            self.person.show_user(user, is_self=self._is_self(user))
            self.person.show()

    def _begin_adding(self) -> None:
        self.person.wipe()
        self.person.hide()
        self.list.clearSelection()
        self.adding.show()
        self.adding.begin()

    def _close(self) -> None:
        focus: QWidget | None = self.focusWidget()
        had_focus = focus is not None and any(form.isAncestorOf(focus) for form in self._forms)
        self._refusal = None
        for form in self._forms:
            form.wipe()
            form.hide()
        if had_focus:
            self.list.setFocus()

    def _on_changed(self, changes: Changes, initiator: QObject | None) -> None:
        if changes.users and self.context.clinic is not None and self.isVisible():
            self._load()

    # Deeds

    def _add_user(self, name: str, roles: tuple[Role, ...], passphrase: str) -> None:
        clinic = self.context.open_clinic
        self._said = "people.added"
        self._run(lambda job: workflow.people.add_user(clinic, job, name=name, roles=roles, passphrase=passphrase))

    def _set_roles(self, roles: tuple[Role, ...]) -> None:
        clinic, name = self.context.open_clinic, self._shown_name()
        self._said = "people.roles.saved"
        self._run(lambda job: workflow.people.set_roles(clinic, job, name=name, roles=roles))

    def _give_passphrase(self, passphrase: str) -> None:
        clinic, name = self.context.open_clinic, self._shown_name()
        user = self.person.user
        if user is not None and user.disabled:
            self._said = "people.enabled"
            self._run(lambda job: workflow.people.enable_user(clinic, job, name=name, passphrase=passphrase))
        else:
            self._said = "people.reset.done"
            self._run(lambda job: workflow.people.reset_user(clinic, job, name=name, passphrase=passphrase))

    def _disable(self) -> None:
        clinic, name = self.context.open_clinic, self._shown_name()
        self._said = "people.disabled"
        self._run(lambda job: workflow.people.disable_user(clinic, job, name=name))

    def _shown_name(self) -> str:
        return self.person.user.name if self.person.user is not None else ""

    def _run(self, work: "Callable[[Job], UserChanged]") -> None:
        self._refusal = None
        self._complain()
        self._focus_before = self.focusWidget()
        for form in self._forms:
            form.setEnabled(False)
        self.context.operations.run(
            work,
            initiator=self,
            done=self._done,
            failed=self._refused,
            ended=self._ready,
            title=self.context.tr("people.step.key"),
        )

    def _done(self, result: "UserChanged") -> None:
        self.context.toast(self.context.tr(self._said, user=result.user.name))
        known = {user.id: user for user in self._users}
        known[result.user.id] = result.user
        self._users = tuple(sorted(known.values(), key=lambda user: user.name))
        self._fill()
        self.adding.wipe()
        self.adding.hide()
        self._ready()
        self._show_person(result.user.id)
        self.list.setFocus()

    def _refused(self, error: Exception) -> None:
        self._ready()
        if complaint(self.context, error):
            self._refusal = error
            self._complain()
        else:
            self.context.show_error(error, self)

    def _complain(self) -> None:
        words = complaint(self.context, self._refusal) if self._refusal is not None else ""
        for form in self._forms:
            form.complain(words if form.isVisibleTo(self) else "")

    def _ready(self) -> None:
        before, self._focus_before = self._focus_before, None
        for form in self._forms:
            form.setEnabled(True)
        if before is not None and self.isVisible():
            before.setFocus()

    @property
    def _forms(self) -> tuple[AddForm, PersonForm]:
        return self.adding, self.person
