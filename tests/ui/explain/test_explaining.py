"""Behind a suggestion, by mouse and keyboard: similar confirmed cases, and what happens when a part is hidden."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QLabel, QPushButton

from desktop import workflow
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import Activation, Observation, StudyId
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.explain.similar_dialog import CaseCard
from desktop.ui.main_window import MainWindow
from desktop.ui.rail import Destination
from desktop.workflow import explaining
from desktop.workflow.explaining import Agreement
from tests.workflow.test_explaining import FINDING, confirm, film, patient, suggested

pytestmark = pytest.mark.usefixtures("opened")


def read(driver: Driver, window: MainWindow, study: StudyId) -> None:
    """The study on the desk, with why open."""
    assert window.workspace is not None
    window.workspace.open_study(study)
    driver.settle()
    driver.wait(lambda: driver.shown("suggestion_why"), "study")
    if not driver.find("suggestion_why", QPushButton).isChecked():
        driver.press("Y")
        driver.settle()


def confirmed(clinic: workflow.Clinic, folder: Path, count: int) -> list[StudyId]:
    made = []
    for number in range(count):
        study = film(clinic, folder, patient(clinic), 1.0 + number, seed=number)
        suggested(clinic, study)
        confirm(clinic, study, number % 2 == 0)
        made.append(study)
    return made


def mine(clinic: workflow.Clinic, folder: Path) -> StudyId:
    study = film(clinic, folder, patient(clinic), 1.0, seed=99)
    suggested(clinic, study)
    return study


@pytest.mark.parametrize("language", list(Language))
def test_similar_cases_say_how_many_there_are_and_open_with_the_keyboard_alone(
    opened: MainWindow, driver: Driver, context: UiContext, tmp_path: Path, language: Language
) -> None:
    context.set_language(language)
    clinic, finding = context.open_clinic, {Language.ENGLISH: "Pneumonia", Language.CHINESE: "肺炎"}[language]
    read(driver, opened, mine(clinic, tmp_path))
    driver.click("finding_similar")
    driver.settle()
    assert driver.find("similar_words", QLabel).text() == context.tr("explaining.similar.none")
    assert not driver.shown("similar_case_0")
    driver.press("Esc")
    driver.settle()
    assert not driver.shown("similar_dialog")

    confirmed(clinic, tmp_path, 1)
    driver.press("Shift+Y")
    driver.settle()
    assert driver.find("similar_words", QLabel).text() == context.tr("explaining.similar.few", count=1)
    card = driver.find("similar_case_0", QPushButton)
    assert card.hasFocus()
    assert context.tr("explaining.present", finding=finding) in card.accessibleName()
    assert context.tr("explaining.known.reference") in card.accessibleName()
    assert not driver.shown("similar_case_1")
    driver.press("Esc")
    driver.settle()

    confirmed(clinic, tmp_path, 5)
    driver.press("Shift+Y")
    driver.settle()
    said = driver.find("similar_words", QLabel).text()
    present = sum(
        context.tr("explaining.present", finding=finding)
        in driver.find(f"similar_case_{place}", QPushButton).accessibleName()
        for place in range(5)
    )
    assert said == context.tr("explaining.similar.some", shown=5, count=6, present=present, finding=finding)
    words = [one.text() for one in driver.find("similar_case_0", QPushButton).findChildren(QLabel) if one.text()]
    assert len(words) == 5
    assert all("explaining." not in line and "settings." not in line for line in words)
    assert driver.find("similar_about", QLabel).text() == context.tr("explaining.similar.about")
    driver.press("Right")
    card = driver.find("similar_case_1", QPushButton)
    assert card.hasFocus()
    assert isinstance(card, CaseCard)
    wanted = card.study
    driver.press("Return")
    driver.settle()
    assert not driver.shown("similar_dialog")
    assert opened.workspace is not None
    assert opened.workspace.current is Destination.READING
    sitting = opened.workspace.reading().sitting
    assert sitting is not None
    assert sitting.study.study.id == wanted
    driver.press("Shift+Y")
    driver.settle()
    context.lock_requested.emit()
    driver.wait(lambda: context.clinic is None, "lock")
    driver.settle()
    assert not driver.shown("similar_dialog")


def test_hiding_parts_lays_a_second_map_over_the_film_and_takes_it_away(
    opened: MainWindow, driver: Driver, context: UiContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = mine(context.open_clinic, tmp_path)
    read(driver, opened, study)
    before = workflow.reading(context.open_clinic, Job(), study).suggestions
    driver.press("Shift+U")
    driver.settle()
    said = driver.find("finding_hidden", QLabel)
    assert said.text()
    assert said.height() >= said.heightForWidth(said.width())
    assert opened.workspace is not None
    page = opened.workspace.reading().study
    hidden = page.explain._film.hidden
    assert hidden is not None
    overlay = page.viewer.overlay
    assert (overlay is not None and overlay.hidden) is (hidden.occlusion.map is not None)
    driver.press("Shift+U")
    driver.settle()
    assert not driver.shown("finding_hidden")
    assert page.explain._film.hidden is None
    driver.click("finding_hiding")  # known already: at once
    assert driver.shown("finding_hidden")
    after = workflow.reading(context.open_clinic, Job(), study).suggestions
    assert [one.analysis.findings for one in after] == [one.analysis.findings for one in before]

    found = explaining.hidden_parts(context.open_clinic, Job(), after[0].id, FINDING)
    for agreement in Agreement:
        none = agreement is Agreement.NOTHING
        figures = replace(found.occlusion, before=0.97, lowest=0.62, map=None if none else _map())
        told = replace(found, occlusion=figures, agreement=agreement)
        monkeypatch.setattr(explaining, "hidden_parts", lambda *asked, told=told: told)
        read(driver, opened, mine(context.open_clinic, tmp_path))
        read(driver, opened, study)
        driver.press("Shift+U")
        driver.settle()
        words = driver.find("finding_hidden", QLabel).text()
        if none:
            assert words == context.tr("explaining.hiding.nowhere", before="97 %")
        else:
            assert "62 %" in words
            assert context.tr(f"explaining.hiding.{agreement.value}") in words


def _map() -> Activation:
    return Activation(FINDING, np.eye(6, dtype=np.float32))


def test_a_model_that_changed_offers_neither(
    opened: MainWindow, driver: Driver, context: UiContext, tmp_path: Path
) -> None:
    clinic = context.open_clinic
    study = film(clinic, tmp_path, patient(clinic), 1.0)
    suggested(clinic, study, sha256="ab" * 32)
    read(driver, opened, study)
    assert driver.shown("finding_why")
    assert not driver.shown("finding_similar")
    assert not driver.shown("finding_hiding")
    told: list[str] = []
    context.toast_requested.connect(told.append)
    driver.press("Shift+Y")
    driver.press("Shift+U")
    driver.settle()
    assert not driver.shown("similar_dialog")
    assert told == [context.tr("explaining.model_changed")] * 2


@pytest.mark.parametrize("language", list(Language))
def test_what_does_not_fit_the_chart_is_said_beside_the_finding(
    opened: MainWindow, driver: Driver, context: UiContext, tmp_path: Path, language: Language
) -> None:
    context.set_language(language)
    clinic = context.open_clinic
    whose = patient(clinic)
    study = film(clinic, tmp_path, whose, 1.0)
    suggested(clinic, study)
    read(driver, opened, study)
    assert not driver.shown("finding_doubt")
    measured = (Observation("8310-5", 36.6, "Cel"), Observation("59408-5", 98, "%"), Observation("9279-1", 26, "/min"))
    recorded = workflow.record_visit(clinic, Job(), workflow.VisitDraft(whose, observations=measured))
    context.announce(recorded.changes, None)
    driver.settle()
    said = driver.find("finding_doubt", QLabel).text()
    assert "36.6 °C" in said
    assert context.tr("review.decision.likely") in said
    other = mine(clinic, tmp_path)
    read(driver, opened, other)
    assert not driver.shown("finding_doubt")
