"""An administrator brings a model in from a stick, uses it, and goes back; nobody else sees that page."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QPushButton

from desktop import workflow
from desktop.access import Role
from desktop.jobs import Job
from desktop.records import AuditAction
from desktop.settings import model_folder
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.settings.screen import SettingsScreen

RISK = "risk-diabetes"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A newer version of a bundled model, as on a stick."""
    place = tmp_path / "stick" / RISK
    place.mkdir(parents=True)
    for path in (model_folder() / RISK).iterdir():
        (place / path.name).write_bytes(path.read_bytes())
    document = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
    document["version"] = "2.0"
    (place / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    return place


def open_page(driver: Driver) -> SettingsScreen:
    driver.press("Ctrl+6")
    screen = driver.find("settings_screen", SettingsScreen)
    screen.show_section("models")
    driver.settle()
    return screen


def press(driver: Driver, opened: MainWindow, name: str) -> None:
    """The button in the row of that name, whichever row it is."""
    buttons = opened.findChildren(QPushButton)
    found = next(one for one in buttons if one.objectName().startswith(name) and one.isVisibleTo(opened))
    found.click()


def shown(opened: MainWindow, name: str) -> bool:
    return any(
        one.objectName().startswith(name) and one.isVisibleTo(opened) for one in opened.findChildren(QPushButton)
    )


def test_a_model_is_brought_used_and_taken_back(
    opened: MainWindow, driver: Driver, context: UiContext, bundle: Path
) -> None:
    screen = open_page(driver)
    versions = screen.models.versions
    assert versions.isVisibleTo(opened)
    assert not shown(opened, "version_use")
    versions.bring(str(bundle))
    driver.wait(lambda: driver.shown("brought_question"), "question")
    driver.click("brought_question_yes")
    driver.wait(lambda: shown(opened, "version_use"), "kept")
    assert context.registry.get(RISK).version == "1.0.0"
    press(driver, opened, "version_use")
    driver.wait(lambda: shown(opened, "version_back"), "in use")
    assert context.registry.get(RISK).version == "2.0"
    press(driver, opened, "version_back")
    driver.wait(lambda: not shown(opened, "version_back"), "taken back")
    assert context.registry.get(RISK).version == "1.0.0"
    trail = [entry.action for entry in workflow.audit_entries(context.open_clinic, Job(), 20)]
    assert {AuditAction.IMPORT_MODEL, AuditAction.ACTIVATE_MODEL, AuditAction.ROLL_BACK_MODEL} <= set(trail)
    words = [one.text() for one in versions.findChildren(QLabel)]
    assert any("2.0" in text for text in words)


def test_what_nobody_answers_for_is_left(opened: MainWindow, driver: Driver, context: UiContext, bundle: Path) -> None:
    versions = open_page(driver).models.versions
    versions.bring(str(bundle))
    driver.wait(lambda: driver.shown("brought_question"), "question")
    driver.click("brought_question_no")
    driver.settle()
    assert not driver.shown("brought_question")
    assert not (context.places.models / "kept").exists()


def test_a_doctor_does_not_see_it(opened: MainWindow, driver: Driver, context: UiContext) -> None:
    clinic = context.open_clinic
    user = replace(clinic.session.user, roles=(Role.DOCTOR.value,))
    context.set_clinic(replace(clinic, session=replace(clinic.session, user=user)))
    driver.settle()
    screen = open_page(driver)
    assert not screen.models.versions.isVisibleTo(opened)
