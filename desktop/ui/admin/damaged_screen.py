"""After unlocking: what the look at the clinic found. Nothing where all is well, a line where Lantern had not been
closed, a page where something is wrong."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QScrollArea, QWidget

from desktop import workflow
from desktop.access import Permission
from desktop.ui.admin.damage import ProblemList
from desktop.ui.widgets.parts import Icons, Texts, button, card, column, label, row, set_role
from desktop.workflow import ProblemKind

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Verification

_READABLE_WIDTH = 820


class HealthWatch(QObject):
    """`found(Verification)` where the look right after unlocking found something wrong."""

    found = Signal(object)

    def __init__(self, context: "UiContext", parent: QObject) -> None:
        super().__init__(parent)
        self._context = context

    def activated(self) -> None:
        """The clinic was unlocked: look at it beside people's work."""
        clinic = self._context.open_clinic

        def work(job: "Job") -> "Verification":
            return workflow.quick_check(clinic, job)

        title = self._context.tr("admin.damage.looking")
        self._context.operations.run(work, initiator=self, done=self._looked, pool="background", title=title)

    def _looked(self, found: "Verification") -> None:
        if found.problems:
            self.found.emit(found)
        elif self._context.open_clinic.store.ended_uncleanly:
            self._context.toast(self._context.tr("admin.damage.unclean"))


class DamagedScreen(QWidget):
    """Names each damage and what to do. Working on is offered where the database itself is sound.

    Signals: restore_requested, salvage_requested, check_requested, continued.
    """

    restore_requested = Signal()
    salvage_requested = Signal()
    check_requested = Signal()
    continued = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("damaged_screen")
        self.setProperty("role", "page")
        self._context = context
        self._texts = Texts(context)
        self._icons = Icons(context)
        self._found: Verification | None = None
        title = label("damaged_title", "title", wrap=True)
        self._texts.add(title.setText, "admin.damage.title")
        self._about = label("damaged_about", wrap=True)
        self.problems = ProblemList(context, "damaged_problems")
        inner = card("damaged_inner", "plain")
        inner.setMaximumWidth(_READABLE_WIDTH)
        body = column(inner, margin=24, spacing=16)
        body.addWidget(title)
        body.addWidget(self._about)
        body.addWidget(self.problems)
        body.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        layout = column(self, spacing=0)
        layout.addWidget(scroll, 1)
        layout.addWidget(self._build_foot())

    def show_found(self, found: "Verification") -> None:
        """What is wrong."""
        self._found = found
        sound = not self._broken
        session = self._context.open_clinic.session
        self._go_on.setVisible(sound)
        self._check.setVisible(sound and session.may(Permission.MANAGE_CLINIC))
        self._salvage.setVisible(session.may(Permission.MANAGE_CLINIC))
        set_role(self._restore, "" if sound else "primary")
        set_role(self._go_on, "primary" if sound else "quiet")
        self.retranslate()

    def activated(self) -> None:
        """The bright button has the focus."""
        (self._restore if self._broken else self._go_on).setFocus()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self._about.setText(self._context.tr("admin.damage.broken" if self._broken else "admin.damage.sound"))
        self.problems.set_found(*((self._found.problems, self._found.notes) if self._found is not None else ((),)))

    def clear(self) -> None:
        """The clinic is locked."""
        self._found = None
        self.retranslate()

    @property
    def _broken(self) -> bool:
        """Whether what is written from now on may be lost."""
        return self._found is not None and any(one.kind is ProblemKind.DATABASE for one in self._found.problems)

    def _build_foot(self) -> QWidget:
        foot = card("damaged_foot", "head")
        inside = row(foot, spacing=8)
        inside.setContentsMargins(24, 12, 24, 12)
        self._restore = button("damaged_restore")
        self._salvage = button("damaged_salvage")
        self._check = button("damaged_check")
        self._go_on = button("damaged_continue")
        for made, key, signal in (
            (self._go_on, "admin.damage.continue", self.continued),
            (self._check, "admin.damage.check", self.check_requested),
            (self._restore, "admin.damage.restore", self.restore_requested),
            (self._salvage, "admin.damage.salvage", self.salvage_requested),
        ):
            self._texts.add(made.setText, key)
            made.clicked.connect(signal)
            inside.addWidget(made)
        inside.addStretch(1)
        return foot
