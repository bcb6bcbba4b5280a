"""A clinic with several people, open in the settings."""

from collections.abc import Callable

import pytest

from desktop import workflow
from desktop.access import Role
from desktop.jobs import Job
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow

NURSE = "Nurse Mwangi"
NURSE_PASSPHRASE = "green rice and tea"


@pytest.fixture
def nurse(opened: MainWindow, context: UiContext) -> str:
    """Somebody besides the doctor."""
    workflow.people.add_user(context.open_clinic, Job(), name=NURSE, roles=[Role.NURSE], passphrase=NURSE_PASSPHRASE)
    return NURSE


@pytest.fixture
def show_section(driver: Driver, opened: MainWindow) -> Callable[[str], None]:
    """Goes to a section of the settings by keyboard and mouse."""

    def show(name: str) -> None:
        driver.press("Ctrl+6")
        driver.settle()
        driver.click(f"section_{name}")
        driver.settle()

    return show
