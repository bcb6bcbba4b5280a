"""A clinic that does not open: what is wrong with it, and what to do."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent

from desktop import workflow
from desktop.errors import UserFacingError
from desktop.ui.admin.damage import ProblemList
from desktop.ui.start.page import StartPage
from desktop.ui.widgets.parts import button, label, row
from desktop.workflow import Problem, ProblemKind

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Verification

_WIDTH = 760
_TOO_NEW = frozenset({"store.too_new", "vault.keystore_too_new"})
# Keys that mean the clinic is damaged, not the passphrase wrong or another window open.
_DAMAGE = frozenset(
    {
        *_TOO_NEW,
        "store.database_missing",
        "store.database_damaged",
        "store.not_encrypted",
        "store.keystore_of_former_epoch",
        "vault.keystore_missing",
        "vault.keystore_damaged",
        "vault.keystore_changed",
    }
)
# Where the keys open and there is a database to read pages from.
_SALVABLE = frozenset({"store.database_damaged"})


def is_damage(error: Exception) -> bool:
    """Whether a clinic failed to open because of what became of its files."""
    return isinstance(error, UserFacingError) and error.key in _DAMAGE


class DamagedPage(StartPage):
    """Signals: restore_requested, salvage_requested(user, passphrase), back_requested, other_requested."""

    restore_requested = Signal()
    salvage_requested = Signal(str, str)
    back_requested = Signal()
    other_requested = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "damaged_page", _WIDTH)
        self._error: UserFacingError | None = None
        self._found: Verification | None = None
        self._who = ("", "")
        self._looking = False
        self.title = label("damaged_page_title", "title", wrap=True)
        self.place = label("damaged_page_place", "small", wrap=True)
        self.about = label("damaged_page_about", wrap=True)
        self.looking = label("damaged_page_looking", "muted", wrap=True)
        self.texts.add(self.looking.setText, "admin.damage.examining")
        self.problems = ProblemList(context, "damaged_page_problems")
        for part in (self.title, self.place, self.about, self.problems, self.looking):
            self.body.addWidget(part)
        self._build_buttons()
        self.retranslate()

    def show_damage(self, folder: Path, error: UserFacingError, user: str = "", passphrase: str = "") -> None:
        """Say what kept the clinic in `folder` from opening; with a passphrase, also look for everything else that is
        wrong with it. It is kept in memory until the page is left."""
        self._error, self._found, self._who = error, None, (user, passphrase)
        self._looking = bool(passphrase) and error.key not in _TOO_NEW
        self.place.setText(str(folder))
        if self._looking:

            def work(job: "Job") -> "Verification":
                return workflow.examine(folder, job, user=user, passphrase=passphrase)

            self.context.operations.run(
                work,
                initiator=self,
                done=self._examined,
                ended=self._looked,
                pool="background",
                title=self.context.tr("admin.damage.examining"),
            )
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        tr, error = self.context.tr, self._error
        newer = error is not None and error.key in _TOO_NEW
        self.title.setText(tr("admin.damage.too_new.title" if newer else "admin.damage.closed.title"))
        self.about.setText(tr("admin.damage.too_new.about" if newer else "admin.damage.closed.about"))
        self.looking.setVisible(self._looking)
        self.problems.set_found(self._named(), self._found.notes if self._found is not None else ())
        self.restore.setVisible(not newer)
        self.salvage.setVisible(error is not None and error.key in _SALVABLE)

    def activated(self) -> None:
        """The bright button has the focus."""
        (self.back if self.restore.isHidden() else self.restore).setFocus()

    def clear(self) -> None:
        """Forget the passphrase and what was found."""
        self._error = self._found = None
        self._who = ("", "")
        self._looking = False
        self.problems.set_found(())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc goes back."""
        if event.key() == Qt.Key.Key_Escape:
            self.back_requested.emit()
        else:
            super().keyPressEvent(event)

    def _named(self) -> tuple[Problem, ...]:
        """What was found; until then, and where nothing else was, what kept the clinic from opening."""
        if self._found is not None and self._found.problems:
            return self._found.problems
        if self._error is None:
            return ()
        kind = ProblemKind.KEYSTORE if "keystore" in self._error.key else ProblemKind.DATABASE
        return (Problem(kind, "", self._error.key, self._error.details),)

    def _examined(self, found: "Verification") -> None:
        self._found = found

    def _looked(self) -> None:
        self._looking = False
        self.retranslate()

    def _build_buttons(self) -> None:
        self.restore = button("damaged_page_restore", "primary")
        self.salvage = button("damaged_page_salvage")
        self.back = button("damaged_page_back", "quiet")
        self.other = button("damaged_page_other", "quiet")
        self.texts.add(self.restore.setText, "admin.damage.restore")
        self.texts.add(self.salvage.setText, "admin.damage.salvage")
        self.texts.add(self.back.setText, "admin.damage.again")
        self.texts.add(self.other.setText, "start.unlock.other")
        buttons = row()
        buttons.addWidget(self.back)
        buttons.addWidget(self.other)
        buttons.addStretch(1)
        buttons.addWidget(self.salvage)
        buttons.addWidget(self.restore)
        self.body.addLayout(buttons)
        self.restore.clicked.connect(self.restore_requested)
        self.salvage.clicked.connect(self._salvage)
        self.back.clicked.connect(self.back_requested)
        self.other.clicked.connect(self.other_requested)

    def _salvage(self) -> None:
        self.salvage_requested.emit(*self._who)
