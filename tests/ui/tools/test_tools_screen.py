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


@pytest.mark.parametrize("language", list(Language))
def test_every_tool_opens_and_leads_back(
    opened: MainWindow, driver: Driver, context: UiContext, language: Language
) -> None:
    context.set_language(language)
    driver.press("Ctrl+5")
    for tool in TOOLS:
        assert driver.shown(f"tool_{tool.id}")
        driver.find(f"tool_open_{tool.id}", QPushButton).setFocus()
        driver.press("Return")
        driver.settle()
        assert driver.find("tool_title", QLabel).text() == context.tr(f"tools.{tool.id}")
        driver.press("Esc")
        driver.settle()
        assert driver.find(f"tool_open_{tool.id}", QPushButton).hasFocus()


def test_a_click_anywhere_on_a_card_opens_it_and_it_stays_open(opened: MainWindow, driver: Driver) -> None:
    driver.press("Ctrl+5")
    driver.click(f"tool_{TOOLS[0].id}")
    driver.settle()
    assert driver.shown("tool_title")
    driver.press("Ctrl+1")
    driver.settle()
    driver.press("Ctrl+5")
    driver.settle()
    assert driver.shown("tool_title")
    driver.click("tools_back")
    driver.settle()
    assert not driver.shown("tool_title")


def test_the_palette_opens_one_from_anywhere(opened: MainWindow, driver: Driver, context: UiContext) -> None:
    driver.press("Ctrl+1")
    driver.press("Ctrl+K")
    driver.settle()
    driver.type(context.tr(f"tools.{TOOLS[-1].id}.open"))
    driver.press("Return")
    driver.settle()
    assert driver.find("tool_title", QLabel).text() == context.tr(f"tools.{TOOLS[-1].id}")


def test_locking_closes_what_was_open(opened: MainWindow, driver: Driver, context: UiContext) -> None:
    driver.press("Ctrl+5")
    driver.click(f"tool_open_{TOOLS[0].id}")
    driver.settle()
    workspace = opened.workspace
    assert workspace is not None
    workspace.tools().clear()
    assert workspace.tools().page is None


def test_settings_stay_last_on_the_rail_and_keep_their_key(opened: MainWindow, driver: Driver) -> None:
    driver.settle()
    places = {one.value: driver.find(f"rail_{one}", QToolButton).y() for one in Destination}
    assert max(places, key=lambda name: places[name]) == "settings"
    driver.press("Ctrl+4")
    driver.settle()
    assert driver.shown("settings_screen")


@pytest.mark.parametrize(("role", "seen"), [(Role.DOCTOR, True), (Role.AUDITOR, False)])
def test_nobody_sees_an_empty_list(role: Role, seen: bool) -> None:
    session = Session(User(UserId("u"), "li", (role.value,), b"k" * 32))
    assert (Destination.TOOLS in destinations(session)) is seen
