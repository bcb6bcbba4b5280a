"""Scenes of what stands behind a suggestion, and of the risk tool, for the screenshots."""

from PySide6.QtWidgets import QComboBox, QLineEdit

from desktop.ui.people_scenes import Camera
from desktop.ui.risk.screen import RiskTool
from desktop.ui.risk.what_if import MarkedSlider

_VALUES = (("glucose_2h", "155"), ("bmi", "33"), ("age", "50"), ("pregnancies", "3"))


def behind_a_suggestion(camera: Camera) -> None:
    """On a study whose suggestion was just revealed: why, similar cases, hidden parts. All is closed again."""
    driver = camera.driver
    driver.click("suggestion_why")
    driver.settle()
    if not driver.shown("finding_similar"):
        return
    camera.take("reading-similar", lambda: _open_similar(camera))
    driver.click("finding_hiding")
    driver.settle()
    camera.take("reading-hidden-parts")
    driver.click("finding_hiding")
    driver.settle()
    if driver.shown("suggestion_overlay"):
        driver.click("suggestion_overlay")
    driver.click("suggestion_why")
    driver.settle()


def _open_similar(camera: Camera) -> None:
    camera.driver.click("finding_similar")
    camera.driver.wait(lambda: camera.driver.shown("similar_dialog"), "similar cases")
    camera.driver.settle()


def risk(camera: Camera) -> None:
    """The risk tool with values, one of them moved."""
    driver = camera.driver
    driver.press("Ctrl+4")
    driver.settle()
    driver.click("tool_open_risk")
    driver.settle()
    driver.find("risk_tool", RiskTool).models.setCurrentIndex(0)
    driver.find("risk_glucose_2h_unit", QComboBox).setCurrentIndex(0)
    for name, value in _VALUES:
        field = driver.find(f"risk_{name}", QLineEdit)
        field.setFocus()
        driver.type(value)
        driver.settle()
    camera.take("tools-risk-answer", lambda: _move(camera))
    driver.press("Esc")
    driver.settle()


def _move(camera: Camera) -> None:
    """Another language brings every slider back to its mark."""
    slider = camera.driver.find("what_if_bmi", MarkedSlider)
    slider.setValue(slider.given // 2)
    camera.driver.settle()
