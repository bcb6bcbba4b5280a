"""Scenes of the Feedback destination for the screenshots: a picture to label, its keys, the labellers' board, what a
model has to learn from, and what is said where there is no cell to sort."""

from collections.abc import Callable

from desktop.ui.people_scenes import Camera


def feedback(camera: Camera, open_keys: Callable[[], None]) -> None:
    """With films whose suggestions nobody has seen. open_keys: brings the sheet of keys."""
    driver = camera.driver
    driver.press("Ctrl+5")
    driver.wait(lambda: driver.shown("labelling_progress"), "a picture to label")
    driver.settle()
    camera.take("feedback-label")
    camera.take("feedback-keys", open_keys)
    for keys in ("1", "Return"):
        driver.press(keys)
        driver.settle()
    driver.press("Alt+2")
    driver.settle()
    camera.take("feedback-quality")
    driver.press("Alt+3")
    driver.settle()
    camera.take("feedback-learning")
    driver.press("Alt+4")
    driver.settle()
    camera.take("feedback-cells-none")
    driver.press("Alt+1")
    driver.settle()
