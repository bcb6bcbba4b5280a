"""Scenes of the film viewer for the screenshots: measured, looked at closely, and beside an earlier film."""

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from desktop.ui.people_scenes import Camera
from desktop.ui.viewers import FilmViewer

_CLICKS = {
    "viewer.tool_cardiothoracic": ((0.40, 0.66), (0.60, 0.68), (0.26, 0.74), (0.74, 0.74)),
    "viewer.tool_length": ((0.30, 0.30), (0.44, 0.30)),
    "viewer.tool_cobb": ((0.47, 0.20), (0.55, 0.21), (0.46, 0.36), (0.56, 0.33)),
    "viewer.tool_point": ((0.34, 0.50),),
}
"""Where each tool is clicked, as parts of the viewer's width and height."""


def films(camera: Camera, open_keys: Callable[[], None]) -> None:
    """With a film in front whose reading is not signed. open_keys: brings the sheet of keys."""
    driver = camera.driver
    viewer = driver.find("film_viewer", FilmViewer)
    for tool, places in _CLICKS.items():
        viewer.run(tool)
        for across, down in places:
            at = QPoint(round(viewer.width() * across), round(viewer.height() * down))
            QTest.mouseClick(viewer, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
        driver.settle()
    camera.take("film-measured")
    for command in ("viewer.histogram", "viewer.magnifier", "viewer.next_colours"):
        viewer.run(command)
    camera.take("film-closer")
    for command in ("viewer.histogram", "viewer.magnifier", "viewer.reset"):
        viewer.run(command)
    viewer.setFocus()
    driver.press("F2")
    camera.take("film-beside")
    driver.press("Shift+F2")
    camera.take("film-keys", open_keys)
