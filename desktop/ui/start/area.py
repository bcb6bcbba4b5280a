"""Everything before the clinic is open: which page is next, and the slow work between them."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QLabel, QStackedWidget, QWidget

from desktop import workflow
from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.ui.icons import pixmap
from desktop.ui.start.create import CreatePage
from desktop.ui.start.damaged import is_damage
from desktop.ui.start.forgot import ForgotPage
from desktop.ui.start.page import StartPage
from desktop.ui.start.pin import PinPage
from desktop.ui.start.recovery import RecoveryPage
from desktop.ui.start.rescue import Rescue
from desktop.ui.start.unlock import UnlockPage
from desktop.ui.start.welcome import WelcomePage
from desktop.ui.widgets.file_dialog import file_dialog
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
        self.pin = PinPage(context)
        self.forgot = ForgotPage(context)
        self.rescue = Rescue(context, self)
        pages = (self.welcome, self.creation, self.recovery, self.unlock, self.pin, self.forgot)
        self._all: tuple[StartPage, ...] = (*pages, *self.rescue.pages)
        for page in self._all:
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
        self.unlock.pin_requested.connect(self.begin)
        self.unlock.forgot_requested.connect(self._show_forgot)
        self.pin.submitted.connect(self._unlock_with_pin)
        self.pin.passphrase_requested.connect(self._show_unlock)
        self.pin.shift_end_requested.connect(self._end_shift)
        self.forgot.submitted.connect(self._reset_with_card)
        self.forgot.back_requested.connect(self._back_from_forgot)
        self.recovery.finished.connect(self._enter)
        self.welcome.restore_requested.connect(self.show_restore)
        self.unlock.restore_requested.connect(self.show_restore)
        self.rescue.shown.connect(self._show)
        self.rescue.left.connect(self.begin)
        self.rescue.other_requested.connect(self._show_welcome)
        self.rescue.brought_back.connect(self._open_folder)

    def begin(self) -> None:
        """Ask for a PIN during a shift, else for the passphrase; without a clinic show the welcome page."""
        if not workflow.clinic_exists(self.folder):
            self._show_welcome()
        elif people := self._on_duty():
            self.pin.show_people(people)
            self._show(self.pin)
        else:
            self._show_unlock()

    def show_restore(self) -> None:
        """Bring a clinic back from a backup, beside whatever is here."""
        is_demo = self.folder == self._context.places.demo_clinic
        self.rescue.show_restore(self._context.places.clinic if is_demo else self.folder)

    def show_salvage(self) -> None:
        """Save what can be proven out of the clinic that was open last."""
        self.rescue.show_salvage(self.folder)

    @property
    def asks_pin(self) -> bool:
        """Whether the page for PINs is the one that would be seen."""
        return self.pages.currentWidget() is self.pin

    def focus_page(self) -> None:
        """Give the focus to what the page wants typed first."""
        page = self.pages.currentWidget()
        if isinstance(page, StartPage):
            page.activated()

    def retranslate(self) -> None:
        """Speak the window's language."""
        for page in self._all:
            page.retranslate()
        self._name.setText(self._context.tr("ui.product"))

    def clear(self) -> None:
        """Forget every word typed here."""
        for page in self._all:
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

    def _show_unlock(self, user: str = "") -> None:
        try:
            workflow.people.clinic_info(self.folder)
            self.unlock.show_clinic(self.folder, with_pin=bool(self._on_duty()))
        except UserFacingError as error:
            if is_damage(error):
                self.rescue.show_damage(self.folder, error)
                return
            self._context.show_error(error, self)
            self._show_welcome()
            return
        if user:
            self.unlock.choose(user)
        self._show(self.unlock)

    def _show_forgot(self, user: str) -> None:
        try:
            self.forgot.show_clinic(self.folder, user)
        except UserFacingError as error:
            self._context.show_error(error, self)
            return
        self._show(self.forgot)

    def _back_from_forgot(self) -> None:
        user = self.forgot.user.currentText()
        self.forgot.clear()
        self._show_unlock(user)

    def _on_duty(self) -> tuple[str, ...]:
        """Who may come back with a PIN."""
        return workflow.pin_users(self._context.shift, self.folder)

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

        self._context.operations.hurry()
        self.unlock.set_busy(True)
        self._context.operations.run(
            work,
            initiator=self,
            done=self._unlocked,
            failed=self._refused,
            ended=self._not_busy,
            title=self._context.tr("start.progress.unlock"),
        )

    def _unlock_with_pin(self, user: str, pin: str) -> None:
        folder, shift, models = self.folder, self._context.shift, self._context.registry

        def work(job: "Job") -> "Clinic":
            return workflow.unlock_with_pin(folder, job, shift, user=user, pin=pin, models=models)

        self._context.operations.hurry()
        self.pin.set_busy(True)
        self._context.operations.run(
            work,
            initiator=self,
            done=self._unlocked,
            failed=self._pin_refused,
            ended=self._not_busy,
            title=self._context.tr("start.progress.unlock"),
        )

    def _pin_refused(self, error: Exception) -> None:
        """Another try, or from now on the passphrase."""
        if isinstance(error, UserFacingError) and is_damage(error):
            self.rescue.show_damage(self.folder, error)
            return
        if not isinstance(error, UserFacingError) or error.kind is not ErrorKind.UNLOCK:
            self._context.show_error(error, self)
            return
        self._not_busy()
        if error.key == "people.pin_wrong":
            self.pin.refuse(error)
            return
        self._show_unlock(self.pin.user)
        self.pin.clear()
        self.unlock.refuse(error)

    def _end_shift(self) -> None:
        workflow.end_shift(self._context.shift)
        self._context.toast(self._context.tr("people.shift.ended"))
        self._show_unlock()

    def _reset_with_card(self, user: str, code: str, passphrase: str) -> None:
        folder, models = self.folder, self._context.registry

        def work(job: "Job") -> "Clinic":
            workflow.people.reset_with_card(folder, job, name=user, card=code, passphrase=passphrase)
            return workflow.unlock(folder, job, user=user, passphrase=passphrase, models=models)

        self._context.operations.hurry()
        self.forgot.set_busy(True)
        self._context.operations.run(
            work,
            initiator=self,
            done=self._reset,
            failed=self._card_refused,
            ended=self._not_busy,
            title=self._context.tr("start.progress.reset"),
        )

    def _reset(self, clinic: "Clinic") -> None:
        self._unlocked(clinic)
        self._context.toast(self._context.tr("start.forgot.done"))

    def _card_refused(self, error: Exception) -> None:
        if isinstance(error, UserFacingError) and is_damage(error):
            self.rescue.show_damage(self.folder, error)
        elif isinstance(error, UserFacingError) and not isinstance(error, KnownFailure):
            self._not_busy()
            self.forgot.refuse(error)
        else:
            self._context.show_error(error, self)

    def _refused(self, error: Exception) -> None:
        if isinstance(error, UserFacingError) and is_damage(error):
            user, passphrase = self.unlock.user.currentText(), self.unlock.passphrase.secret()
            self.unlock.clear()
            self.rescue.show_damage(self.folder, error, user, passphrase)
        elif isinstance(error, UserFacingError) and error.kind is ErrorKind.UNLOCK:
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
        self.pin.set_busy(False)
        self.forgot.set_busy(False)
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
        dialog = file_dialog(self._context, self, self._context.tr("start.welcome.other"))
        dialog.setDirectory(str(self._context.places.clinics))
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
