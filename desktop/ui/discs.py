"""Discs and sticks that were just plugged in: noticed, looked at off the main thread, offered quietly."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QStorageInfo, QTimer, Signal

from desktop.access import Permission
from desktop.jobs import Job

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.workflow import Clinic

POLL_MILLISECONDS = 4000
_EVERYWHERE = Path()
"""Stands for the question what is plugged in at all."""


def volumes() -> frozenset[Path]:
    """Where something is plugged in or connected. A share that hangs holds this up: never on the main thread."""
    return frozenset(Path(one.rootPath()) for one in QStorageInfo.mountedVolumes() if one.isValid() and one.isReady())


class DiscWatch(QObject):
    """Looks every few seconds while the clinic is open. What was there already is not offered, and nothing twice.

    Signals: chosen(tuple of Path) where somebody wants to see what is on it.
    """

    chosen = Signal(object)

    def __init__(self, context: "UiContext", parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._known: frozenset[Path] | None = None
        self._offered: Path | None = None
        self._looking = False
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MILLISECONDS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def look(self) -> None:
        """Ask what is plugged in now."""
        clinic = self._context.clinic
        if clinic is None:
            self._known = None
            return
        if self._looking or not clinic.session.may(Permission.IMPORT_IMAGES):
            return
        self._looking = True
        try:
            self._context.operations.run(
                partial(_look, clinic, self._known),
                initiator=self,
                done=self._looked,
                failed=self._not_looked,
                ended=self._ready,
                pool="media",
                title=self._context.tr("importing.progress.gathering"),
            )
        except RuntimeError:  # the pools are closed: the program is ending, with its last timers still due
            self._timer.stop()

    def _looked(self, found: tuple[frozenset[Path] | None, Path | None]) -> None:
        self._known, disc = found
        if disc is not None:
            self._offered = disc
            tr = self._context.tr
            self._context.undo_offered.emit(tr("importing.disc.plugged_in"), tr("importing.disc.look"), self._open)

    def _not_looked(self, error: Exception) -> None:
        """A disc that was pulled out again, or cannot be read: nobody asked for it."""

    def _ready(self) -> None:
        self._looking = False

    def _open(self) -> None:
        if self._offered is not None:
            self.chosen.emit((self._offered,))


def _look(clinic: "Clinic", known: frozenset[Path] | None, job: Job) -> tuple[frozenset[Path] | None, Path | None]:
    """What is plugged in, and what of it is new and holds pictures. A share or a stick that hangs is not waited for."""
    nothing: frozenset[Path] = frozenset()
    now = clinic.media.ask({_EVERYWHERE: volumes}, nothing)[_EVERYWHERE]
    if known is None or not now:
        return now or known, None
    # Late, as pydicom would slow down every start of the window.
    from desktop.workflow import import_finding as finding

    for place in sorted(now - known):
        job.check()
        if clinic.media.ask({place: partial(finding.holds_pictures, clinic, job, place)}, False)[place]:
            return now, place
    return now, None
