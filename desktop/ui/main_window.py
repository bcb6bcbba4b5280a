"""The window: before the clinic is open, the open clinic, and the way between them."""

import contextlib
import gc
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QIcon, QPixmapCache, QShowEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget

from desktop import workflow
from desktop.errors import Cancelled, UserFacingError
from desktop.ui.admin.resealing import Resealing
from desktop.ui.clipboard import ClipboardGuard
from desktop.ui.discs import DiscWatch
from desktop.ui.dressing import Dresser
from desktop.ui.drops import FileDrops
from desktop.ui.icons import forget, icon
from desktop.ui.idle import IdleWatch
from desktop.ui.qt_words import QtWords
from desktop.ui.start import StartArea
from desktop.ui.widgets.toast import Toast

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.ui.workspace import Workspace

_SMALLEST = (1024, 600)
_USUAL = (1366, 728)
_CLOSE_POLL_MILLISECONDS = 30
_CLOSE_AT_MOST_MILLISECONDS = 8000


class MainWindow(QMainWindow):
    """A frame; every destination is its own widget. `closed` once everything is saved and locked."""

    closed = Signal()

    def __init__(self, context: "UiContext", application: QApplication) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self._context = context
        self._application = application
        self._closing = 0
        self._finishing = False
        self.dresser = Dresser(application, self)
        self.dresser.dress(context.settings.theme)
        self.setMinimumSize(*_SMALLEST)
        self.resize(*_USUAL)
        self._qt_words = QtWords(context, application, self)
        self.start = StartArea(context)
        self.workspace: Workspace | None = None
        self.drops: FileDrops | None = None
        self.discs: DiscWatch | None = None
        self._outer = QStackedWidget()
        self._outer.addWidget(self.start)
        self.setCentralWidget(self._outer)
        self.toast = Toast(self)
        self.idle = IdleWatch(application, self)
        self._clipboard = ClipboardGuard(self)
        self._resealing = Resealing(context, self)
        self._close_timer = QTimer(self)
        self._close_timer.setInterval(_CLOSE_POLL_MILLISECONDS)
        self._close_timer.timeout.connect(self._close_when_idle)
        self.start.opened.connect(self._enter)
        self.idle.expired.connect(self.lock)
        self.idle.slept.connect(self._slept)
        context.toast_requested.connect(self.toast.say)
        context.undo_offered.connect(self.toast.offer)
        context.lock_requested.connect(self.lock)
        context.shift_end_requested.connect(self._end_shift)
        context.language_changed.connect(self.retranslate)
        context.theme_changed.connect(self._dress)
        context.settings_changed.connect(self._follow_settings)
        self._name_window()
        self.start.begin()

    def retranslate(self) -> None:
        """Speak the window's language, everywhere, without a restart."""
        self._name_window()
        self.start.retranslate()
        if self.workspace is not None:
            self.workspace.retranslate()

    def lock(self) -> None:
        """Forget everything about every patient, then ask for the passphrase.

        Drafts go to the store first; work under way is cancelled; the store is closed and the keys are wiped behind it,
        which waits for a backup that runs or is due, unless somebody wants in again.
        """
        clinic = self._context.clinic
        if clinic is None or self.workspace is None:
            return
        self.idle.stop()
        self._context.operations.drop_all()
        backups = self._context.operations.outlasting
        leave_network = self._context.network.release()
        self.workspace.save_drafts()
        self.workspace.clear()
        self._close_other_windows()
        self.toast.wipe()
        self._clipboard.wipe()
        QPixmapCache.clear()
        self.start.begin()
        self._outer.setCurrentWidget(self.start)
        self._context.set_clinic(None)

        def work(job: "Job") -> None:
            try:
                leave_network()
                for backup in backups:
                    backup.wait(job)
                with contextlib.suppress(UserFacingError, Cancelled):
                    workflow.backups.run_scheduled_backup(clinic, job)
            finally:
                workflow.lock(clinic)

        title = self._context.tr("backup.progress.locking")
        self._context.operations.run(work, initiator=self, title=title, outlasts=True)
        gc.collect()

    def showEvent(self, event: QShowEvent) -> None:
        """Fetch the modules behind the unlock screen while somebody reads it, so that it is there sooner."""
        super().showEvent(event)
        if self.workspace is None and not event.spontaneous():
            self._context.operations.run(_fetch_workspace, initiator=self, pool="compute")

    def event(self, event: QEvent) -> bool:
        """Take the keyboard back when a dialog closes: without a window manager nobody else gives it back."""
        if event.type() is QEvent.Type.WindowUnblocked:
            QTimer.singleShot(0, self.activateWindow)
        return super().event(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Lock first; leave when drafts are saved and the store is closed. While a backup is being finished the window
        stays and says so; who closes it again does not want to wait."""
        if self._context.clinic is not None and self.workspace is not None:
            self._finishing = self.workspace.status.backups.wants_time
            self.lock()
            if self._finishing:
                self._context.toast(self._context.tr("backup.closing"))
        elif self._finishing and event.spontaneous():
            self._finishing = False
            self._context.operations.hurry()
        if self._context.operations.busy and self._closing < _CLOSE_AT_MOST_MILLISECONDS:
            if not self._finishing:
                self.hide()
            self._close_timer.start()
            event.ignore()
            return
        event.accept()
        self.closed.emit()

    def _enter(self) -> None:
        self._close_timer.stop()
        self._closing, self._finishing = 0, False
        if self.workspace is None:
            self.workspace = _workspace()(self._context)
            self.workspace.lock_requested.connect(self.lock)
            self.workspace.damaged.restore_requested.connect(self._restore)
            self.workspace.damaged.salvage_requested.connect(self._salvage)
            self._outer.addWidget(self.workspace)
            self.idle.ticked.connect(self.workspace.status.show_seconds)
            self.drops = FileDrops(self.workspace)
            self.drops.dropped.connect(self.workspace.import_files)
            self.discs = DiscWatch(self._context, self.workspace)
            self.discs.chosen.connect(self.workspace.import_files)
        self._outer.setCurrentWidget(self.workspace)
        self.workspace.activated()
        self.idle.set_minutes(self._context.settings.idle_minutes)
        self.idle.start()

    def _restore(self) -> None:
        """Leave the damaged clinic for a backup of it."""
        self.lock()
        self.start.show_restore()

    def _salvage(self) -> None:
        """Leave the damaged clinic for what can be saved out of it."""
        self.lock()
        self.start.show_salvage()

    def _end_shift(self) -> None:
        workflow.end_shift(self._context.shift)
        self.lock()
        self._context.toast(self._context.tr("people.shift.ended"))

    def _slept(self) -> None:
        """The PC was suspended: whoever opens its lid may be somebody else, so the keys go at once."""
        self.lock()
        self._context.operations.hurry()
        self._context.shift.slept()
        if self.start.asks_pin:
            self.start.begin()

    def _name_window(self) -> None:
        self.setWindowTitle(self._context.tr("ui.product"))

    def _dress(self) -> None:
        forget()
        self.dresser.dress(self._context.settings.theme)

    def _follow_settings(self) -> None:
        self.idle.set_minutes(self._context.settings.idle_minutes)

    def _close_other_windows(self) -> None:
        for window in self._application.topLevelWidgets():
            if window is not self and window.isWindow():
                window.close()

    def _close_when_idle(self) -> None:
        if not self._finishing:
            self._closing += _CLOSE_POLL_MILLISECONDS
        if not self._context.operations.busy or self._closing >= _CLOSE_AT_MOST_MILLISECONDS:
            self._close_timer.stop()
            self.close()


def window_icon(context: "UiContext") -> QIcon:
    """The lantern of the task bar."""
    return icon("lantern", context.colours.accent, 64)


def _workspace() -> "type[Workspace]":
    from desktop.ui.workspace import Workspace

    return Workspace


def _fetch_workspace(_job: "Job") -> None:
    _workspace()
