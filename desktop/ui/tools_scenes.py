"""Scenes of the Tools destination for the screenshots, and of the question what a case turned out to be."""

from collections.abc import Callable

from desktop.ui.people_scenes import Camera
from desktop.ui.tools.registry import TOOLS


def tools(camera: Camera, open_keys: Callable[[], None]) -> None:
    """The list and each tool, after one film was read. open_keys: brings the sheet of keys."""
    driver = camera.driver
    driver.press("Ctrl+4")
    driver.settle()
    camera.take("tools")
    camera.take("tools-keys", open_keys)
    for tool in TOOLS:
        driver.click(f"tool_open_{tool.id}")
        driver.settle()
        camera.take(f"tools-{tool.id}")
        driver.press("Esc")
        driver.settle()


def turned_out(camera: Camera) -> None:
    """On a study whose report is signed."""
    driver = camera.driver
    camera.take("reading-turned-out", lambda: _ask(camera))
    driver.settle()


def _ask(camera: Camera) -> None:
    driver = camera.driver
    if driver.shown("turned_out"):
        driver.click("turned_out")
        driver.wait(lambda: driver.shown("turned_out_dialog"), "what it turned out to be")
