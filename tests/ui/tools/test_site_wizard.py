"""The wizard: says what is missing, shows what would change, puts it into use and takes it back, by mouse and keys."""

import logging
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QSlider, QTableWidget

from desktop.access import Role
from desktop.i18n import Language
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.tools.charts import ShareChart
from desktop.ui.tools.site_wizard import SiteWizard
from desktop.workflow import Session
from tests.confirmed_clinic import FINDING, MODEL, fill
from tests.conftest import ExpectLog


def open_tool(driver: Driver) -> None:
    driver.press("Ctrl+4")
    driver.click("tool_open_site")
    driver.settle()


def test_under_fifty_cases_it_says_what_is_missing(
    opened: MainWindow, driver: Driver, context: UiContext, tmp_path: Path
) -> None:
    fill(context.open_clinic, tmp_path, 30, present=0.2)
    fill(context.open_clinic, tmp_path, 25, seed=5, basis=None)
    open_tool(driver)
    wanted = [
        context.tr("validation.missing.cases", count=20),
        context.tr("validation.missing.present", count=4),
    ]
    assert driver.find("site_missing", QLabel).text() == context.tr("site.missing", what=", ".join(wanted))
    assert not driver.shown("site_table")
    assert not driver.shown("site_apply")
    driver.find("site_least", QComboBox).setCurrentIndex(2)
    driver.settle()
    assert driver.shown("site_apply")
    assert driver.find("site_weak", QLabel).text() == context.tr("validation.incorporation", count=25)


def test_wished_used_and_taken_back(opened: MainWindow, driver: Driver, context: UiContext, tmp_path: Path) -> None:
    fill(context.open_clinic, tmp_path, 80)
    context.set_language(Language.CHINESE)
    program = context.registry.get(MODEL).thresholds(FINDING)
    open_tool(driver)
    assert not driver.find("site_roc", ShareChart).empty
    slider = driver.find("site_sensitivity", QSlider)
    assert slider.value() == 96, "no more than 32 cases can promise"
    for _ in range(2):
        QTest.keyClick(slider, Qt.Key.Key_PageDown)
    driver.settle()
    assert slider.value() == 86
    words = driver.find("site_sensitivity_words", QLabel).text()
    assert words == context.tr("site.wish.sensitivity", percent=86)
    table = driver.find("site_table", QTableWidget)
    assert (table.rowCount(), table.columnCount()) == (8, 3)
    assert context.registry.get(MODEL).thresholds(FINDING) == program
    driver.click("site_apply")
    driver.settle()
    used = context.registry.get(MODEL).site.used
    assert [(one.sensitivity, one.cases) for one in used] == [(0.86, 80)]
    assert "80" in driver.find("site_use", QLabel).text()
    assert (context.places.models / "site.json").exists()
    driver.click("site_drop")
    driver.settle()
    assert context.registry.get(MODEL).thresholds(FINDING) == program
    assert not driver.shown("site_drop")
    page = driver.find("site_wizard", SiteWizard)
    page.clear()
    assert page.table.rowCount() == 0, "nothing of the clinic stays once it is locked"
    driver.settle()


def test_who_may_not_apply_sees_and_a_damaged_file_is_said_and_taken_back(
    opened: MainWindow, driver: Driver, context: UiContext, tmp_path: Path, expected_log: ExpectLog
) -> None:
    clinic = context.open_clinic
    fill(clinic, tmp_path, 60)
    doctor = replace(clinic, session=Session(replace(clinic.session.user, roles=(Role.DOCTOR.value,))))
    context.set_clinic(doctor)
    open_tool(driver)
    assert driver.shown("site_table")
    assert driver.shown("site_whose")
    assert not driver.shown("site_apply")
    driver.press("Esc")
    context.set_clinic(clinic)
    context.places.models.mkdir(parents=True, exist_ok=True)
    (context.places.models / "site.json").write_text("{")
    with expected_log("desktop.inference.registry", logging.ERROR, match="site_damaged"):
        context.registry.refresh()
    open_tool(driver)
    assert driver.find("site_use", QLabel).text() == context.tr("inference.site_damaged")
    driver.click("site_drop")
    driver.settle()
    assert not driver.shown("site_drop")
    assert not context.registry.get(MODEL).site.damaged
