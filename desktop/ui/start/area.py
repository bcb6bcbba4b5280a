"""Everything before the clinic is open: which page is next, and the slow work between them."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QLabel, QStackedWidget, QWidget

from desktop import workflow
from desktop.errors import ErrorKind, UserFacingError
from desktop.ui.icons import pixmap
from desktop.ui.start.create import CreatePage
from desktop.ui.start.page import StartPage
from desktop.ui.start.recovery import RecoveryPage
from desktop.ui.start.unlock import UnlockPage
from desktop.ui.start.welcome import WelcomePage
from desktop.ui.widgets.language_switch import LanguageSwitch
from desktop.ui.widgets.parts import card, column, label, row
from desktop.ui.widgets.progress_area import ProgressArea

if TYPE_CHECKING:
    from desktop.jobs import Job
    from desktop.ui.context import UiContext
    from desktop.workflow import Clinic, Created

_LOGO_SIZE = 28


class StartArea(QWidget):
    """First start, unlock and recovery card. `opened` once a clinic is unlocked and the person is through.

    Attributes: folder, of the clinic in question.
    """

    opened = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("start_area")
        self.setProperty("role", "page")
        self._context = context
        self._waiting: Clinic | None = None
        self.folder = self._first_folder()
        self.pages = QStackedWidget()
        self.welcome = WelcomePage(context)
        self.creation = CreatePage(context)
        self.recovery = RecoveryPage(context)
        self.unlock = UnlockPage(context)
        for page in (self.welcome, self.creation, self.recovery, self.unlock):
            self.pages.addWidget(page)
        layout = column(self, spacing=0)
        layout.addWidget(self._build_head())
        layout.addWidget(self.pages, 1)
        layout.addWidget(self._build_foot())
        self.welcome.create_requested.connect(self._show_create)
        self.welcome.demo_requested.connect(self._explore_demo)
        self.welcome.folder_requested.connect(self._choose_folder)
        self.creation.back_requested.connect(self._show_welcome)
        self.creation.submitted.connect(self._create_clinic)
        self.unlock.submitted.connect(self._unlock)
        self.unlock.other_requested.connect(self._show_welcome)
        self.recovery.finished.connect(self._enter)

    def begin(self) -> None:
        """Show the unlock page where there is a clinic, else the welcome page."""
        if workflow.clinic_exists(self.folder):
            self._show_unlock()
        else:
            self._show_welcome()

    def focus_page(self) -> None:
        """Give the focus to what the page wants typed first."""
        page = self.pages.currentWidget()
        if isinstance(page, StartPage):
            page.activated()

    def retranslate(self) -> None:
        """Speak the window's language."""
        for page in (self.welcome, self.creation, self.recovery, self.unlock):
            page.retranslate()
        self._name.setText(self._context.tr("ui.product"))

    def clear(self) -> None:
        """Forget every word typed here."""
        for page in (self.welcome, self.creation, self.recovery, self.unlock):
            page.clear()

    # Pages

    def _first_folder(self) -> Path:
        places, last = self._context.places, self._context.settings.last_clinic
        remembered = [Path(last)] if last else []
        for folder in (*remembered, places.clinic, places.demo_clinic):
            if workflow.clinic_exists(folder):
                return folder
        return places.clinic

    def _show(self, page: StartPage) -> None:
        self.pages.setCurrentWidget(page)
        page.activated()

    def _show_welcome(self) -> None:
        self._show(self.welcome)

    def _show_create(self) -> None:
        self._show(self.creation)

    def _show_unlock(self) -> None:
        try:
            self.unlock.show_clinic(self.folder)
        except UserFacingError as error:
            self._context.show_error(error, self)
            self._show_welcome()
            return
        self._show(self.unlock)

    def _build_head(self) -> QWidget:
        head = card(role="head")
        inside = row(head, margin=16, spacing=8)
        self._logo = QLabel()
        self._name = label("product_name", "heading")
        self._name.setText(self._context.tr("ui.product"))
        inside.addWidget(self._logo)
        inside.addWidget(self._name)
        inside.addStretch(1)
        inside.addWidget(LanguageSwitch(self._context))
        self._context.theme_changed.connect(self._paint_logo)
        self._paint_logo()
        return head

    def _build_foot(self) -> QWidget:
        foot = card(role="head")
        foot.setFixedHeight(48)
        inside = row(foot, spacing=8)
        inside.setContentsMargins(16, 4, 16, 4)
        inside.addStretch(1)
        inside.addWidget(ProgressArea(self._context), alignment=Qt.AlignmentFlag.AlignCenter)
        inside.addStretch(1)
        return foot

    def _paint_logo(self) -> None:
        scale = max(2.0, self.devicePixelRatioF())
        self._logo.setPixmap(pixmap("lantern", self._context.colours.accent, _LOGO_SIZE, scale))

    # Deeds

    def _create_clinic(self, name: str, user: str, passphrase: str) -> None:
        folder, models = self._context.places.clinic, self._context.registry
        if workflow.clinic_exists(folder):
            folder = _free_folder(folder)

        def work(job: "Job") -> "Created":
            return workflow.create_clinic(folder, job, name=name, admin=user, passphrase=passphrase, models=models)

        self.folder = folder
        self.creation.set_busy(True)
        self._context.operations.run(
            work,
            initiator=self,
            done=self._created,
            ended=self._not_busy,
            title=self._context.tr("start.progress.keys"),
        )

    def _created(self, made: "Created") -> None:
        self._waiting = made.clinic
        self._remember(made.clinic)
        self.recovery.show_card(made.recovery_card, made.clinic)
        self._show(self.recovery)

    def _explore_demo(self) -> None:
        folder, models = self._context.places.demo_clinic, self._context.registry
        self.folder = folder
        if workflow.clinic_exists(folder):
            self._show_unlock()
            return

        def work(job: "Job") -> "Clinic":
            return workflow.create_demo_clinic(folder, job, models=models)

        self.welcome.setEnabled(False)
        self._context.operations.run(
            work,
            initiator=self,
            done=self._unlocked,
            ended=self._not_busy,
            title=self._context.tr("start.progress.demo"),
        )

    def _unlock(self, user: str, passphrase: str) -> None:
        folder, models = self.folder, self._context.registry

        def work(job: "Job") -> "Clinic":
            return workflow.unlock(folder, job, user=user, passphrase=passphrase, models=models)

        self.unlock.set_busy(True)
        self._context.operations.run(
            work,
            initiator=self,
            done=self._unlocked,
            failed=self._refused,
            ended=self._not_busy,
            title=self._context.tr("start.progress.unlock"),
        )

    def _refused(self, error: Exception) -> None:
        if isinstance(error, UserFacingError) and error.kind is ErrorKind.UNLOCK:
            self._not_busy()
            self.unlock.refuse(error)
        else:
            self._context.show_error(error, self)

    def _unlocked(self, clinic: "Clinic") -> None:
        self._waiting = clinic
        self._remember(clinic)
        self._enter()

    def _enter(self) -> None:
        clinic, self._waiting = self._waiting, None
        if clinic is None:
            return
        self.clear()
        self._context.set_clinic(clinic)
        self.opened.emit()

    def _not_busy(self) -> None:
        self.creation.set_busy(False)
        self.unlock.set_busy(False)
        self.welcome.setEnabled(True)

    def _remember(self, clinic: "Clinic") -> None:
        self._context.change_settings(
            replace(
                self._context.settings,
                language=self._context.language,
                last_user=clinic.session.user.name,
                last_clinic=str(self.folder),
            )
        )

    def _choose_folder(self) -> None:
        dialog = QFileDialog(self, self._context.tr("start.welcome.other"), str(self._context.places.clinics))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._open_folder)
        dialog.open()

    def _open_folder(self, chosen: str) -> None:
        folder = Path(chosen)
        if not workflow.clinic_exists(folder):
            error = UserFacingError("workflow.no_clinic_here", kind=ErrorKind.NOT_FOUND)
            self._context.show_error(error, self)
            return
        self.folder = folder
        self._show_unlock()


def _free_folder(taken: Path) -> Path:
    """A folder beside the first clinic's for another one."""
    number = 2
    while taken.with_name(f"{taken.name}-{number}").exists():
        number += 1
    return taken.with_name(f"{taken.name}-{number}")
