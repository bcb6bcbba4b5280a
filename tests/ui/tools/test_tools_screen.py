"""The Tools destination: cards, a way back, the palette, and who sees it."""

import pytest
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton

from desktop.access import Role
from desktop.i18n import Language
from desktop.records import User, UserId
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.rail import Destination, destinations
from desktop.ui.tools.registry import TOOLS
from desktop.workflow import Session


def test_every_tool_opens_by_key_and_leads_back(opened: MainWindow, driver: Driver, context: UiContext) -> None:
    for language in Language:
        context.set_language(language)
        driver.press("Ctrl+4")
        for tool in TOOLS:
            driver.find(f"tool_open_{tool.id}", QPushButton).setFocus()
            driver.press("Return")
            driver.settle()
            assert driver.find("tool_title", QLabel).text() == context.tr(f"tools.{tool.id}")
            driver.press("Esc")
            driver.settle()
            assert driver.find(f"tool_open_{tool.id}", QPushButton).hasFocus()


def test_a_click_anywhere_on_a_card_opens_it_until_it_is_left_or_locked(opened: MainWindow, driver: Driver) -> None:
    driver.press("Ctrl+4")
    driver.click(f"tool_{TOOLS[0].id}")
    driver.settle()
    assert driver.shown("tool_title")
    driver.press("Ctrl+1")
    driver.settle()
    driver.press("Ctrl+4")
    driver.settle()
    assert driver.shown("tool_title")
    driver.click("tools_back")
    driver.settle()
    assert not driver.shown("tool_title")
    driver.click(f"tool_open_{TOOLS[0].id}")
    driver.settle()
    assert opened.workspace is not None
    opened.workspace.tools().clear()
    assert opened.workspace.tools().page is None


def test_the_palette_opens_one_from_anywhere_and_settings_stay_last(
    opened: MainWindow, driver: Driver, context: UiContext
) -> None:
    driver.press("Ctrl+1")
    driver.press("Ctrl+K")
    driver.settle()
    driver.type(context.tr(f"tools.{TOOLS[-1].id}.open"))
    driver.press("Return")
    driver.settle()
    assert driver.find("tool_title", QLabel).text() == context.tr(f"tools.{TOOLS[-1].id}")
    places = {one.value: driver.find(f"rail_{one}", QToolButton).y() for one in Destination}
    assert max(places, key=lambda name: places[name]) == "settings"
    driver.press("Ctrl+6")
    driver.settle()
    assert driver.shown("settings_screen")


@pytest.mark.parametrize(("role", "seen"), [(Role.DOCTOR, True), (Role.AUDITOR, False)])
def test_nobody_sees_an_empty_list(role: Role, seen: bool) -> None:
    session = Session(User(UserId("u"), "li", (role.value,), b"k" * 32))
    assert (Destination.TOOLS in destinations(session)) is seen
