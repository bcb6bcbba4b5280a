"""Learning in the window: what is missing, in the background with a way to stop, into use by a click and back."""

import threading

import pytest
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QTableWidget

from desktop import workflow
from desktop.i18n import Language
from desktop.inference import Library
from desktop.inference.trusted import Trust
from desktop.jobs import Job
from desktop.learning.head_tuning import Enough, Figures, Point, Tuned, Verdict
from desktop.learning.statistics import Interval, wilson
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.feedback.learning import LearningPage
from desktop.ui.main_window import MainWindow
from desktop.workflow import ModelVersion, tuning, tuning_whole
from desktop.workflow.tuning import FindingTuned, ModelTuned, TuningState

MODEL = "chest-xray-child"
PLENTY = Enough(300, 120, 180, 30, 40)


def figures(missed: int) -> Figures:
    shares = {point: wilson(30 - missed, 30) for point in Point}
    return Figures(Interval(0.9, 0.85, 0.95, 70), 0.3, shares)


def words(driver: Driver, name: str) -> str:
    return driver.find(name, QLabel).text()


def go(driver: Driver) -> None:
    driver.press("Ctrl+5")
    driver.press("Alt+3")
    driver.settle()


def choose(driver: Driver, name: str) -> None:
    models = driver.find("learning_models", QComboBox)
    models.setCurrentIndex(models.findData(name))
    driver.settle()


def cell(driver: Driver, table: str, line: int, place: int) -> str:
    return str(driver.find(table, QTableWidget).model().index(line, place).data())


def pretend(monkeypatch: pytest.MonkeyPatch, tuned: Tuned, kept: ModelVersion | None = None) -> None:
    """Have the clinic know plenty, and a tuning end like this."""

    def state(clinic: workflow.Clinic, job: Job, model: str, *, library: Library) -> TuningState:
        version = clinic.models.get(model).version
        versions = tuple(one for one in workflow.model_versions(library) if one.name == model)
        return TuningState(model, version, False, (FindingTuned("pneumonia", PLENTY),), versions)

    def tune(clinic: workflow.Clinic, job: Job, model: str, *, library: Library) -> ModelTuned:
        return ModelTuned(model, (FindingTuned("pneumonia", PLENTY, tuned),), 270, 3, kept)

    monkeypatch.setattr(tuning, "tuning_state", state)
    monkeypatch.setattr(tuning, "tune_model", tune)


def test_without_answers_it_says_what_is_missing(
    opened: MainWindow, driver: Driver, context: UiContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning_whole, "can_learn_whole", lambda: False)
    go(driver)
    choose(driver, MODEL)
    assert "50 cases" in cell(driver, "learning_have", 0, 5)
    assert driver.shown("learning_no_torch")
    assert not driver.shown("learning_what"), "only what can be done here is offered"
    assert not driver.find("learning_start", QPushButton).isEnabled()
    assert words(driver, "learning_told").startswith("To learn a finding takes 50 cases")
    assert not driver.shown("learning_use")
    assert not driver.shown("learning_back")
    monkeypatch.setattr(tuning_whole, "can_learn_whole", lambda: True)
    context.set_language(Language.CHINESE)
    driver.settle()
    assert "太少" in cell(driver, "learning_have", 0, 5)
    assert "50" in cell(driver, "learning_have", 0, 5)
    assert not driver.shown("learning_no_torch")
    driver.find("learning_what", QComboBox).setCurrentIndex(1)
    driver.settle()
    assert "100" in cell(driver, "learning_have", 0, 5), "a whole network takes more"
    assert words(driver, "learning_told").startswith("整个网络学习一项所见")
    page = opened.findChild(LearningPage)
    assert page is not None
    opened.lock()
    driver.settle()
    assert page.models.count() == 0, "locking forgets it"


def test_what_is_worse_is_shown_and_not_put_forward(
    opened: MainWindow, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    worse = Tuned(Verdict.WORSE, PLENTY, None, figures(1), figures(15), (Point.NOT_MISSED,))
    pretend(monkeypatch, worse)
    go(driver)
    choose(driver, MODEL)
    driver.click("learning_start")
    driver.settle()
    assert cell(driver, "learning_have", 0, 5).startswith("Worse in a guarded share")
    assert driver.find("learning_compared", QTableWidget).rowCount() == 1 + len(Point)
    assert "below the interval" in cell(driver, "learning_compared", 2, 3)
    assert "3 pictures were left out" in words(driver, "learning_told")
    assert not driver.shown("learning_use")
    choose(driver, "malaria-cell")
    assert not driver.shown("learning_compared"), "another model has no figures yet"


def test_what_is_better_is_the_next_thing_to_do(
    opened: MainWindow, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = ModelVersion(MODEL, "1.1.0+1", "0" * 64, Trust.TRAINED_HERE, "", "", in_use=False)
    pretend(monkeypatch, Tuned(Verdict.BETTER, PLENTY, None, figures(15), figures(1)), kept)
    go(driver)
    choose(driver, MODEL)
    assert driver.find("learning_start", QPushButton).property("role") == "primary"
    driver.click("learning_start")
    driver.settle()
    assert driver.shown("learning_use")
    assert driver.find("learning_use", QPushButton).property("role") == "primary"
    assert driver.find("learning_start", QPushButton).property("role") == "", "one bright button"


def test_it_can_be_stopped_and_nothing_is_left(
    opened: MainWindow, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, Tuned(Verdict.TOO_FEW, PLENTY))
    begun = threading.Event()

    def endless(clinic: workflow.Clinic, job: Job, model: str, *, library: Library) -> ModelTuned:
        begun.set()
        while True:
            job.check()

    monkeypatch.setattr(tuning_whole, "can_learn_whole", lambda: True)
    monkeypatch.setattr(tuning_whole, "tune_whole_model", endless)
    go(driver)
    choose(driver, MODEL)
    driver.find("learning_what", QComboBox).setCurrentIndex(1)
    driver.click("learning_start")
    driver.wait(begun.is_set, "the tuning")
    assert words(driver, "learning_told").startswith("The whole network learns in the background")
    driver.wait(lambda: driver.shown("learning_stop"), "the way to stop it")
    driver.click("learning_stop")
    driver.wait(lambda: driver.shown("learning_start"), "the end of it")
    assert not driver.shown("learning_compared")
