"""When a clinic does not open, or has to come back from a backup: the pages for it, and the way between them."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop.errors import UserFacingError
from desktop.ui.start.damaged import DamagedPage
from desktop.ui.start.page import StartPage
from desktop.ui.start.restore import RestorePage
from desktop.ui.start.salvage import SalvagePage

if TYPE_CHECKING:
    from desktop.ui.context import UiContext


class Rescue(QObject):
    """Signals: shown(page) where another page is wanted; brought_back(folder) of a clinic that may be unlocked now;
    left, back to where the person came from; other_requested for another clinic."""

    shown = Signal(QObject)
    brought_back = Signal(str)
    left = Signal()
    other_requested = Signal()

    def __init__(self, context: "UiContext", parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._folder = Path()
        self._damaged = False
        self.damaged = DamagedPage(context)
        self.restore = RestorePage(context)
        self.salvage = SalvagePage(context)
        self.damaged.restore_requested.connect(self._restore_damaged)
        self.damaged.salvage_requested.connect(self._salvage_damaged)
        self.damaged.back_requested.connect(self._leave)
        self.damaged.other_requested.connect(self._leave_for_another)
        for page in (self.restore, self.salvage):
            page.back_requested.connect(self._back)
            page.brought_back.connect(self._brought_back)

    @property
    def pages(self) -> tuple[StartPage, ...]:
        """All of them."""
        return self.damaged, self.restore, self.salvage

    def show_damage(self, folder: Path, error: UserFacingError, user: str = "", passphrase: str = "") -> None:
        """A clinic did not open."""
        self._folder, self._damaged = folder, True
        self.damaged.show_damage(folder, error, user, passphrase)
        self.shown.emit(self.damaged)

    def show_restore(self, wanted: Path) -> None:
        """Bring a clinic back from a backup. wanted: where it should lie, if nothing does."""
        self._damaged = False
        self.restore.begin(wanted)
        self.shown.emit(self.restore)

    def show_salvage(self, folder: Path, user: str = "", passphrase: str = "") -> None:
        """Save what can be proven out of the clinic in a folder."""
        self._damaged = False
        self.salvage.begin(folder, user, passphrase)
        self.shown.emit(self.salvage)

    def _restore_damaged(self) -> None:
        self.restore.begin(self._folder)
        self.shown.emit(self.restore)

    def _salvage_damaged(self, user: str, passphrase: str) -> None:
        self.salvage.begin(self._folder, user, passphrase)
        self.shown.emit(self.salvage)

    def _back(self) -> None:
        self.restore.clear()
        self.salvage.clear()
        if self._damaged:
            self.shown.emit(self.damaged)
        else:
            self.left.emit()

    def _leave(self) -> None:
        self._forget()
        self.left.emit()

    def _leave_for_another(self) -> None:
        self._forget()
        self.other_requested.emit()

    def _brought_back(self, folder: str) -> None:
        self._forget()
        self.brought_back.emit(folder)

    def _forget(self) -> None:
        self._damaged = False
        for page in self.pages:
            page.clear()
