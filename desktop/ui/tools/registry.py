"""Every tool of the window, written down by hand; each is built when somebody first opens it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from desktop.access import Permission
from desktop.ui.action import WINDOW, Action

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.workflow import Session


class ToolPage(QWidget):
    """What a tool shows below its name and the way back. Signal: patient_changed(Patient or None) for the banner, where
    a tool is about somebody."""

    patient_changed = Signal(object)

    def activated(self) -> None:
        """It is shown: read what may have changed, put the focus where one begins."""

    def retranslate(self) -> None:
        """Speak the window's language."""

    def clear(self) -> None:
        """The clinic is locked: drop every patient datum."""


@dataclass(frozen=True)
class Tool:
    """id: slug; its sentences are `tools.<id>` (name) and `tools.<id>.about` (one sentence). icon: of resources/icons.
    needs: who may not do it does not see it. build: imports its page late, the window starts without it."""

    id: str
    icon: str
    needs: Permission
    build: "Callable[[UiContext], ToolPage]"

    @property
    def action(self) -> Action:
        """Its command in the palette."""
        return Action(f"tool_{self.id}", WINDOW, text_key=f"tools.{self.id}.open")


def _risk(context: "UiContext") -> ToolPage:
    from desktop.ui.risk.screen import RiskTool

    return RiskTool(context)


def _validation(context: "UiContext") -> ToolPage:
    from desktop.ui.tools.validation import ValidationTool

    return ValidationTool(context)


def _site(context: "UiContext") -> ToolPage:
    from desktop.ui.tools.site_wizard import SiteWizard

    return SiteWizard(context)


TOOLS: tuple[Tool, ...] = (
    Tool("risk", "risk", Permission.VIEW_PATIENTS, _risk),
    Tool("validation", "chart", Permission.READ_IMAGES, _validation),
    Tool("site", "threshold", Permission.READ_IMAGES, _site),
)


def tools_for(session: "Session") -> tuple[Tool, ...]:
    """The tools somebody may use."""
    return tuple(tool for tool in TOOLS if session.may(tool.needs))
