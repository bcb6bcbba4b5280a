"""Sorting cells: a helper finds nothing else, each answer is one key, and a doctor hears of helpers afterwards."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QPushButton, QTableWidget

from desktop import workflow
from desktop.access import Role
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import LabelBasis, LabelValue, UserId
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.palette import shown_actions
from desktop.ui.rail import Destination, destinations
from tests.workflow.test_cells import boxes, bring_in, cell, keep

JOB = Job()


@pytest.fixture
def smear(opened: MainWindow, context: UiContext, tmp_path: Path) -> None:
    """A photograph with three cells."""
    study = bring_in(context.open_clinic, tmp_path)
    keep(context.open_clinic, study, "malaria-field", boxes(*(cell(place, 0.5) for place in range(3))))


def as_helper(clinic: workflow.Clinic, who: str) -> workflow.Clinic:
    user = replace(clinic.session.user, id=UserId(who), name=who, roles=(Role.HELPER,))
    return replace(clinic, session=workflow.Session(user))


def words(driver: Driver, name: str) -> str:
    return driver.find(name, QLabel).text()


def test_a_helper_sees_one_cell_after_the_other_and_nothing_else(
    opened: MainWindow, driver: Driver, context: UiContext, smear: None
) -> None:
    doctor = context.open_clinic
    helper = as_helper(doctor, "wu")
    assert destinations(helper.session) == (Destination.FEEDBACK, Destination.SETTINGS)
    context.set_clinic(helper)
    assert opened.workspace is not None
    opened.workspace.activated()
    driver.settle()
    assert words(driver, "cells_progress") == "Cell 1 of 3"
    assert not any(driver.shown(f"feedback_section_{name}") for name in ("label", "quality", "learning"))
    assert not any(driver.shown(name) for name in ("rail_patients", "rail_reading", "rail_tools", "status_backup"))
    named = {action.objectName() for action in shown_actions(opened.workspace)}
    assert "action_cells_present" in named
    assert not named & {"action_search", "action_import_film", "action_feedback_quality", "action_back_up"}
    for key in ("1", "2", "Backspace", "3", "S"):
        driver.press(key)
        driver.settle()
    assert words(driver, "cells_empty_sentence") == "Cells you sorted: 2. Waiting for your word: 1."
    driver.press("Ctrl+6")
    driver.settle()
    assert not any(driver.shown(f"section_{name}") for name in ("layouts", "models", "backups", "people", "audit"))
    with doctor.store.snapshot() as tx:
        said = [label for _, label in tx.cells.page(0, 9)]
    assert [one.value for one in said] == [LabelValue.PRESENT, LabelValue.ABSENT, LabelValue.UNSURE]
    assert {one.basis for one in said} == {LabelBasis.LAY}
    context.set_language(Language.CHINESE)
    driver.press("Ctrl+5")
    driver.settle()
    assert words(driver, "cells_question") == "这个细胞里有疟原虫吗？"


def test_a_doctor_hears_what_helpers_said_after_the_own_word(
    opened: MainWindow, driver: Driver, context: UiContext, smear: None
) -> None:
    for who in ("wu", "xu"):
        helper = as_helper(context.open_clinic, who)
        (task, *_) = workflow.cells.cell_queue(helper, JOB).tasks
        workflow.cells.answer_cell(helper, JOB, task, LabelValue.PRESENT)
    driver.press("Ctrl+5")
    driver.press("Alt+4")
    driver.settle()
    assert not driver.shown("cells_told")
    driver.click("cells_answer_absent")
    driver.settle()
    assert "and so did 0 of 2 helpers" in words(driver, "cells_told")
    driver.click("cells_back")
    driver.settle()
    assert words(driver, "cells_told") == "Helpers say of this cell: 2 yes, 0 no, 0 cannot tell."
    assert driver.find("cells_answer_absent", QPushButton).isChecked()
    driver.press("Alt+2")
    driver.settle()
    table = driver.find("quality_table", QTableWidget)
    assert {table.model().index(row, 0).data() for row in range(table.rowCount())} == {"Parasite in a cell (helpers)"}
    driver.press("Alt+4")
    opened.lock()
    driver.settle()
    assert opened.workspace is None or not driver.shown("cells_progress")
