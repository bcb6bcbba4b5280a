"""The left rail: where you can go, in icons with words."""

from collections.abc import Collection
from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QToolButton

from desktop.access import Permission
from desktop.ui.icons import icon
from desktop.ui.tools.registry import tools_for
from desktop.ui.widgets.parts import column

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.workflow import Session

_WIDTH = 104
_ICON_SIZE = 24


class Destination(StrEnum):
    """The places of the window. Only what is finished is shown."""

    TODAY = "today"
    PATIENTS = "patients"
    READING = "reading"
    TOOLS = "tools"
    FEEDBACK = "feedback"
    SETTINGS = "settings"


_NEEDS = {
    Destination.TODAY: Permission.VIEW_PATIENTS,
    Destination.PATIENTS: Permission.VIEW_PATIENTS,
    Destination.READING: Permission.VIEW_IMAGES,
    Destination.SETTINGS: Permission.USE_CLINIC,
    Destination.FEEDBACK: Permission.SORT_CELLS,
}


def destinations(session: "Session") -> tuple[Destination, ...]:
    """Where somebody has anything to do, in order: an auditor sees no patients."""
    allowed = {destination for destination, needed in _NEEDS.items() if session.may(needed)}
    if tools_for(session):
        allowed.add(Destination.TOOLS)
    return tuple(destination for destination in Destination if destination in allowed)


class Rail(QFrame):
    """`chosen(destination)` on a click or key."""

    chosen = Signal(str)
    lock_pressed = Signal()

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setProperty("role", "rail")
        self.setFixedWidth(_WIDTH)
        self._context = context
        self._buttons: dict[Destination, QToolButton] = {}
        layout = column(self, margin=6, spacing=4)
        for destination in Destination:
            made = self._button(f"rail_{destination}")
            made.setCheckable(True)
            made.setAutoExclusive(True)
            made.setProperty("destination", destination.value)
            made.clicked.connect(self._pressed)
            self._buttons[destination] = made
            layout.addWidget(made)
        layout.addStretch(1)
        self._lock = self._button("rail_lock")
        self._lock.clicked.connect(self.lock_pressed)
        layout.addWidget(self._lock)
        context.theme_changed.connect(self._paint)
        self._paint()
        self.retranslate()

    def mark(self, destination: Destination) -> None:
        """Show where we are."""
        self._buttons[destination].setChecked(True)

    def offer(self, destinations: Collection[Destination]) -> None:
        """Show only these."""
        for destination, made in self._buttons.items():
            made.setVisible(destination in destinations)

    def retranslate(self) -> None:
        """Speak the window's language."""
        for number, destination in enumerate(Destination, start=1):
            made = self._buttons[destination]
            made.setText(self._context.tr(f"ui.rail.{destination}"))
            made.setToolTip(f"{made.text()}  Ctrl+{number}")
        self._lock.setText(self._context.tr("ui.rail.lock"))
        self._lock.setToolTip(f"{self._lock.text()}  Ctrl+L")

    def _button(self, name: str) -> QToolButton:
        made = QToolButton()
        made.setObjectName(name)
        made.setProperty("role", "rail")
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        made.setIconSize(QSize(_ICON_SIZE, _ICON_SIZE))
        made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return made

    def _paint(self) -> None:
        colours = self._context.colours
        for destination, made in self._buttons.items():
            made.setIcon(icon(destination.value, colours.muted, _ICON_SIZE, colours.accent))
        self._lock.setIcon(icon("lock", colours.muted, _ICON_SIZE))

    def _pressed(self) -> None:
        self.chosen.emit(self.sender().property("destination"))
