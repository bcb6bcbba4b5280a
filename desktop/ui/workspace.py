"""The open clinic's frame: rail at the left, banner on top, one destination, status at the bottom."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.i18n import Language
from desktop.records import Patient, PatientId, StudyId
from desktop.settings import Theme
from desktop.ui.action import bind
from desktop.ui.actions import WINDOW_ACTIONS
from desktop.ui.admin.backup_banner import BackupBanner
from desktop.ui.admin.damaged_screen import DamagedScreen, HealthWatch
from desktop.ui.palette import CommandPalette, shown_actions
from desktop.ui.patients.banner import PatientBanner
from desktop.ui.patients.screen import PatientsScreen
from desktop.ui.rail import Destination, Rail, destinations
from desktop.ui.shortcuts import ShortcutSheet
from desktop.ui.status import StatusStrip
from desktop.ui.today.screen import TodayScreen
from desktop.ui.tools.registry import TOOLS
from desktop.ui.widgets.parts import column, row
from desktop.workflow import Problem, ProblemKind, Verification

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.ui.feedback.screen import FeedbackScreen
    from desktop.ui.reading import ReadingRoom
    from desktop.ui.settings.screen import SettingsScreen
    from desktop.ui.tools.screen import ToolsScreen


_NEEDS = {
    "register_patient": Permission.EDIT_PATIENTS,
    "import_film": Permission.IMPORT_IMAGES,
    "import_folder": Permission.IMPORT_IMAGES,
    "fetch_images": Permission.IMPORT_IMAGES,
    "fetch_planned": Permission.IMPORT_IMAGES,
    "send_study": Permission.SEND_IMAGES,
    "sendings": Permission.SEND_IMAGES,
    "search": Permission.VIEW_PATIENTS,
    "back_up": Permission.BACK_UP,
}
"""Commands that are hidden from who may not do them."""


class Screen(Protocol):
    """What every destination offers."""

    def retranslate(self) -> None:
        """Speak the window's language."""

    def activated(self) -> None:
        """The destination is shown."""

    def clear(self) -> None:
        """The clinic is locked: drop every patient datum."""


class Workspace(QWidget):
    """`lock_requested` from the rail or Ctrl+L. Destinations are built when first wanted and then kept."""

    lock_requested = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("workspace")
        self.setProperty("role", "page")
        self._context = context
        self._patients_of: dict[QObject, Patient | None] = {}
        self._screens: dict[Destination, QWidget] = {}
        self._current = Destination.TODAY
        self._shown_to: tuple[str, str] = ("", "")
        self.rail = Rail(context)
        self.banner = PatientBanner(context)
        self.stack = QStackedWidget()
        self.status = StatusStrip(context)
        right = column(spacing=0)
        right.addWidget(self.banner)
        right.addWidget(self.stack, 1)
        upper = row(spacing=0)
        upper.addWidget(self.rail)
        upper.addLayout(right, 1)
        self.alarm = BackupBanner(context, self.status.backups)
        layout = column(self, spacing=0)
        layout.addWidget(self.alarm)
        layout.addLayout(upper, 1)
        layout.addWidget(self.status)
        self.rail.chosen.connect(self._go_to_name)
        self.rail.lock_pressed.connect(self.lock_requested)
        self.health = HealthWatch(context, self)
        self.damaged = DamagedScreen(context)
        self.stack.addWidget(self.damaged)
        self.health.found.connect(self._show_damage)
        context.damaged.connect(self._meet_damage)
        self.damaged.continued.connect(self._go_on)
        self.damaged.check_requested.connect(self._check_now)
        self.alarm.pressed.connect(self._back_up_now)
        self.status.backups_requested.connect(self._show_backups)
        self.status.network.arrivals_requested.connect(self._show_arrivals)
        self.status.network.settings_requested.connect(self._show_network)
        self.status.sendings.sendings_requested.connect(self._show_sendings)
        context.study_requested.connect(self.open_study)
        context.patient_requested.connect(self.open_patient)
        self._actions = bind(context, self, WINDOW_ACTIONS, self._handlers())
        opening = {tool.action.id: self._open_tool for tool in TOOLS}
        self._tools = bind(context, self, [tool.action for tool in TOOLS], opening)

    # Where we are

    @property
    def current(self) -> Destination:
        """The destination on the screen."""
        return self._current

    def activated(self) -> None:
        """The clinic was unlocked: back to where we were, unless it is another clinic or somebody else."""
        self.status.activated()
        clinic = self._context.open_clinic
        now = (clinic.store.store_id, clinic.session.user.id)
        same, self._shown_to = now == self._shown_to, now
        self.rail.offer(allowed := destinations(clinic.session))
        for destination in Destination:
            self._actions[f"go_{destination}"].setEnabled(destination in allowed)
        for name, permission in _NEEDS.items():
            self._actions[name].setEnabled(clinic.session.may(permission))
        for tool in TOOLS:
            self._tools[tool.action.id].setEnabled(clinic.session.may(tool.needs))
        self.show_destination(self._current if same and self._current in allowed else allowed[0])
        self.health.activated()

    def show_destination(self, destination: Destination) -> None:
        """Go somewhere."""
        screen = self._screen(destination)
        self._current = destination
        self.rail.mark(destination)
        self.stack.setCurrentWidget(screen)
        self.banner.set_patient(self._patients_of.get(screen))
        _as_screen(screen).activated()

    def retranslate(self) -> None:
        """Speak the window's language, everywhere."""
        for part in (self.rail, self.banner, self.alarm, self.damaged, self.status, self._actions, self._tools):
            part.retranslate()
        for screen in self._screens.values():
            _as_screen(screen).retranslate()

    def save_drafts(self) -> None:
        """Before locking: screens hand unsaved words to the store."""
        for screen in self._screens.values():
            save = getattr(screen, "save_drafts", None)
            if save is not None:
                save()

    def clear(self) -> None:
        """Forget every patient, everywhere."""
        for screen in self._screens.values():
            _as_screen(screen).clear()
        self.damaged.clear()
        self._patients_of.clear()
        self.banner.set_patient(None)

    # Deeds

    def open_study(self, study: str) -> None:
        """Read a film."""
        room = self.reading()
        self.show_destination(Destination.READING)
        room.open_study(StudyId(study))

    def open_patient(self, patient: str) -> None:
        """Somebody's page."""
        self.show_destination(Destination.PATIENTS)
        self.patients().open_patient(patient)

    def register(self) -> None:
        """Somebody new."""
        screen = self.patients()
        if self._current is not Destination.PATIENTS:
            self.show_destination(Destination.PATIENTS)
        screen.register()

    def import_files(self, paths: tuple[Path, ...] = ()) -> None:
        """Bring in films for the patient on the screen, if there is one. Without paths a dialog asks for them."""
        from desktop.ui.importing import start_import

        patient = self.banner.patient
        start_import(self._context, paths, patient.id if patient is not None else None, self)

    def patients(self) -> PatientsScreen:
        """The Patients destination."""
        screen = self._screen(Destination.PATIENTS)
        assert isinstance(screen, PatientsScreen)
        return screen

    def reading(self) -> "ReadingRoom":
        """The Reading room."""
        from desktop.ui.reading import ReadingRoom

        screen = self._screen(Destination.READING)
        assert isinstance(screen, ReadingRoom)
        return screen

    # Building

    def _screen(self, destination: Destination) -> QWidget:
        if destination not in self._screens:
            build: dict[Destination, Callable[[], QWidget]] = {
                Destination.TODAY: self._build_today,
                Destination.PATIENTS: self._build_patients,
                Destination.READING: self._build_reading,
                Destination.SETTINGS: self._build_settings,
                Destination.TOOLS: self._build_tools,
                Destination.FEEDBACK: self._build_feedback,
            }
            screen = build[destination]()
            self._screens[destination] = screen
            self.stack.addWidget(screen)
        return self._screens[destination]

    def _build_today(self) -> TodayScreen:
        screen = TodayScreen(self._context)
        screen.register_requested.connect(self.register)
        screen.import_requested.connect(self.import_files)
        screen.study_chosen.connect(self.open_study)
        screen.patient_chosen.connect(self.open_patient)
        return screen

    def _build_patients(self) -> PatientsScreen:
        screen = PatientsScreen(self._context)
        screen.patient_changed.connect(self._patient_changed)
        screen.study_chosen.connect(self.open_study)
        screen.import_requested.connect(self._import_for)
        screen.chart.fetch_requested.connect(self._fetch_images)
        screen.chart.send_requested.connect(self._send_study)
        return screen

    def _build_reading(self) -> "ReadingRoom":
        from desktop.ui.reading import ReadingRoom

        screen = ReadingRoom(self._context)
        screen.patient_changed.connect(self._patient_changed)
        screen.register_requested.connect(self.register)
        return screen

    def _build_settings(self) -> "SettingsScreen":
        from desktop.ui.settings.screen import SettingsScreen

        return SettingsScreen(self._context)

    def _build_tools(self) -> "ToolsScreen":
        from desktop.ui.tools.screen import ToolsScreen

        screen = ToolsScreen(self._context)
        screen.patient_changed.connect(self._patient_changed)
        return screen

    def _build_feedback(self) -> "FeedbackScreen":
        from desktop.ui.feedback.screen import FeedbackScreen

        return FeedbackScreen(self._context)

    def _handlers(self) -> dict[str, Callable[[], object]]:
        return {
            "go_today": self._go_today,
            "go_patients": self._go_patients,
            "go_reading": self._go_reading,
            "go_settings": self._go_settings,
            "go_tools": self._go_tools,
            "go_feedback": self._go_feedback,
            "register_patient": self.register,
            "import_film": self._import_here,
            "import_folder": self._import_folder,
            "fetch_images": self._fetch_images,
            "fetch_planned": self._fetch_planned,
            "send_study": self._send_study,
            "sendings": self._show_sendings,
            "search": self._search,
            "palette": self._open_palette,
            "shortcuts": self._open_shortcuts,
            "back_up": self._back_up_now,
            "switch_language": self._switch_language,
            "switch_theme": self._switch_theme,
            "lock": self.lock_requested.emit,
            "end_shift": self._context.shift_end_requested.emit,
        }

    def _patient_changed(self, patient: Patient | None) -> None:
        screen = self.sender()
        self._patients_of[screen] = patient
        if self.stack.currentWidget() is screen:
            self.banner.set_patient(patient)

    def _import_for(self, patient: str) -> None:
        from desktop.ui.importing import start_import

        start_import(self._context, (), PatientId(patient), self)

    def settings(self) -> "SettingsScreen":
        """The Settings destination."""
        from desktop.ui.settings.screen import SettingsScreen

        screen = self._screen(Destination.SETTINGS)
        assert isinstance(screen, SettingsScreen)
        return screen

    def tools(self) -> "ToolsScreen":
        """The Tools destination."""
        from desktop.ui.tools.screen import ToolsScreen

        screen = self._screen(Destination.TOOLS)
        assert isinstance(screen, ToolsScreen)
        return screen

    def _open_tool(self) -> None:
        """The tool whose command was chosen."""
        self.show_destination(Destination.TOOLS)
        self.tools().open_tool(self.sender().objectName().removeprefix("action_tool_"))

    def _show_backups(self) -> None:
        self.show_destination(Destination.SETTINGS)
        self.settings().show_section("backups")

    def _show_network(self) -> None:
        self.show_destination(Destination.SETTINGS)
        self.settings().show_section("network")

    def _show_arrivals(self) -> None:
        from desktop.ui.admin.network_inbox import ArrivalsDialog

        ArrivalsDialog(self._context, self).open()

    def _show_damage(self, found: Verification) -> None:
        self.damaged.show_found(found)
        self.banner.set_patient(None)
        self.stack.setCurrentWidget(self.damaged)
        self.damaged.activated()

    def _meet_damage(self, error: UserFacingError) -> None:
        """Of one damaged page many deeds fail; the first one is told, and it is told on the page."""
        if self.stack.currentWidget() is not self.damaged:
            self._show_damage(Verification((Problem(ProblemKind.DATABASE, "", error.key, error.details),)))

    def _go_on(self) -> None:
        self.show_destination(self._current)

    def _check_now(self) -> None:
        self.show_destination(Destination.SETTINGS)
        self.settings().show_section("check")
        self.settings().check_now()

    def _back_up_now(self) -> None:
        self._show_backups()
        self.settings().back_up_now()

    # Handlers of the window's actions

    def _go_to_name(self, name: str) -> None:
        self.show_destination(Destination(name))

    def _go_today(self) -> None:
        self.show_destination(Destination.TODAY)

    def _go_patients(self) -> None:
        self.show_destination(Destination.PATIENTS)

    def _go_reading(self) -> None:
        self.show_destination(Destination.READING)

    def _go_settings(self) -> None:
        self.show_destination(Destination.SETTINGS)

    def _go_tools(self) -> None:
        self.show_destination(Destination.TOOLS)

    def _go_feedback(self) -> None:
        self.show_destination(Destination.FEEDBACK)

    def _import_here(self) -> None:
        self.import_files()

    def _import_folder(self) -> None:
        from desktop.ui.importing import start_folder_import

        patient = self.banner.patient
        start_folder_import(self._context, patient.id if patient is not None else None, self)

    def _fetch_images(self) -> None:
        from desktop.ui.network.fetch_dialog import open_fetch

        open_fetch(self._context, self.banner.patient, self)

    def _fetch_planned(self) -> None:
        from desktop.ui.network.planned_dialog import open_planned

        open_planned(self._context, self)

    def _send_study(self) -> None:
        """The study being read, or the one chosen on somebody's page."""
        from desktop.ui.network.send_dialog import open_send

        study, patient = None, self.banner.patient
        if self._current is Destination.READING and patient is not None:
            sitting = self.reading().sitting
            study = sitting.study.study.id if sitting is not None else None
        elif self._current is Destination.PATIENTS and patient is not None:
            study = self.patients().chart.chosen_study
        if study is None or patient is None:
            self._context.toast(self._context.tr("network.send.choose"))
        else:
            open_send(self._context, study, patient.display_name, self)

    def _show_sendings(self) -> None:
        from desktop.ui.network.sendings_dialog import open_sendings

        open_sendings(self._context, self)

    def _search(self) -> None:
        self.show_destination(Destination.PATIENTS)
        self.patients().show_finder()

    def _open_palette(self) -> None:
        CommandPalette(self._context, shown_actions(self._screens[self._current], self), self).open()

    def _open_shortcuts(self) -> None:
        screen = shown_actions(self._screens[self._current])
        mine = [action for action in self.actions() if action.objectName().startswith("action_")]
        everywhere = [action for action in mine if action.isEnabled()]
        ShortcutSheet(self._context, screen, everywhere, self).open()

    def _switch_language(self) -> None:
        languages = list(Language)
        self._context.set_language(languages[(languages.index(self._context.language) + 1) % len(languages)])

    def _switch_theme(self) -> None:
        themes = list(Theme)
        self._context.set_theme(themes[(themes.index(self._context.settings.theme) + 1) % len(themes)])


def _as_screen(widget: QWidget) -> Screen:
    """Destinations are widgets with the three methods; the type checker sees each where it is built."""
    assert hasattr(widget, "activated")
    assert hasattr(widget, "retranslate")
    assert hasattr(widget, "clear")
    return widget
