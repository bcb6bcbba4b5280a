"""The Settings destination: sections at the left, the chosen one at the right."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QPushButton, QStackedWidget, QWidget

from desktop.access import Permission
from desktop.ui.admin.account import AccountSection
from desktop.ui.admin.audit import AuditSection
from desktop.ui.admin.backups import BackupsSection
from desktop.ui.admin.check import CheckSection
from desktop.ui.admin.keys import KeysSection
from desktop.ui.admin.network import NetworkSection
from desktop.ui.admin.people import PeopleSection
from desktop.ui.settings.about import AboutSection
from desktop.ui.settings.clinic import ClinicSection
from desktop.ui.settings.layouts import LayoutsSection
from desktop.ui.settings.models import ModelsSection
from desktop.ui.settings.section import Section
from desktop.ui.settings.this_pc import ThisPcSection
from desktop.ui.widgets.parts import button, column, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_NAMES_WIDTH = 200
_SECTIONS: dict[str, Callable[["UiContext"], Section]] = {
    "this_pc": ThisPcSection,
    "you": AccountSection,
    "layouts": LayoutsSection,
    "clinic": ClinicSection,
    "people": PeopleSection,
    "keys": KeysSection,
    "network": NetworkSection,
    "models": ModelsSection,
    "backups": BackupsSection,
    "check": CheckSection,
    "audit": AuditSection,
    "about": AboutSection,
}
_NEEDS = {
    "clinic": Permission.MANAGE_CLINIC,
    "people": Permission.VIEW_USERS,
    "keys": Permission.MANAGE_USERS,
    "network": Permission.MANAGE_CLINIC,
    "check": Permission.MANAGE_CLINIC,
    "audit": Permission.VIEW_AUDIT,
    "backups": Permission.BACK_UP,
    "layouts": Permission.BACK_UP,
    "models": Permission.BACK_UP,
}
"""The last are for whoever belongs to the clinic: a helper looks after nothing but the own passphrase."""


class SettingsScreen(QWidget):
    """Shows only the sections the person's role may use. Each is built when it is first wanted and then kept."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("settings_screen")
        self._context = context
        self._sections: dict[str, Section] = {}
        self._names: dict[str, QPushButton] = {}
        self._stack = QStackedWidget()
        names = QFrame()
        names.setFixedWidth(_NAMES_WIDTH)
        inside = column(names, margin=12, spacing=4)
        for name in _SECTIONS:
            made = button(f"section_{name}", "section")
            made.setCheckable(True)
            made.setAutoExclusive(True)
            made.setProperty("section", name)
            made.clicked.connect(self._chosen)
            inside.addWidget(made)
            self._names[name] = made
        inside.addStretch(1)
        layout = row(self, spacing=0)
        layout.addWidget(names)
        layout.addWidget(self._stack, 1)
        self._names["this_pc"].setChecked(True)
        self.retranslate()

    @property
    def section_names(self) -> tuple[str, ...]:
        """Every section, in order, whether or not the person may use it."""
        return tuple(_SECTIONS)

    def show_section(self, name: str) -> None:
        """Go to a section."""
        section = self._section(name)
        self._names[name].setChecked(True)
        self._stack.setCurrentWidget(section)
        section.activated()

    @property
    def backups(self) -> BackupsSection:
        """The backups' section."""
        section = self._section("backups")
        assert isinstance(section, BackupsSection)
        return section

    @property
    def models(self) -> ModelsSection:
        """The models' section."""
        section = self._section("models")
        assert isinstance(section, ModelsSection)
        return section

    def check_now(self) -> None:
        """As the bright button of the check's section does."""
        section = self._section("check")
        assert isinstance(section, CheckSection)
        section.check()

    def back_up_now(self) -> None:
        """As the bright button of the backups' section does."""
        self.backups.back_up_now()

    def activated(self) -> None:
        """Called when the destination is shown."""
        session = self._context.open_clinic.session
        for name, permission in _NEEDS.items():
            self._names[name].setVisible(session.may(permission))
        current = next(name for name, made in self._names.items() if made.isChecked())
        shown = "this_pc" if self._names[current].isHidden() else current
        self.show_section(shown)
        self._names[shown].setFocus()

    def retranslate(self) -> None:
        """Speak the window's language."""
        for name, made in self._names.items():
            made.setText(self._context.tr(f"settings.section.{name}"))
        for section in self._sections.values():
            section.retranslate()

    def clear(self) -> None:
        """The clinic is locked."""
        for section in self._sections.values():
            section.clear()

    def _section(self, name: str) -> Section:
        if name not in self._sections:
            made = _SECTIONS[name](self._context)
            made.retranslate()
            self._sections[name] = made
            self._stack.addWidget(made)
        return self._sections[name]

    def _chosen(self) -> None:
        self.show_section(self.sender().property("section"))
