"""Labelling with keys and with the mouse: nobody is named, every answer is kept, an answer can be given again."""

import pytest
from PySide6.QtWidgets import QLabel, QPushButton, QTableWidget

from desktop import workflow
from desktop.i18n import Language
from desktop.records import InstanceId, Label, LabelBasis, LabelValue, StudyId, User, UserId
from desktop.ui.context import UiContext
from desktop.ui.driver import Driver
from desktop.ui.main_window import MainWindow
from desktop.ui.rail import Destination, destinations
from desktop.ui.viewers import FilmViewer
from tests.ui.feedback.conftest import KEYS

Films = list[tuple[StudyId, InstanceId]]


def kept(context: UiContext, films: Films) -> list[Label]:
    with context.open_clinic.store.snapshot() as tx:
        return [label for study, _ in films for label in tx.labels.for_study(study)]


def words(driver: Driver, name: str) -> str:
    return driver.find(name, QLabel).text()


def go(driver: Driver) -> None:
    driver.press("Ctrl+5")
    driver.settle()


def test_a_whole_list_is_labelled_with_a_few_keys(
    opened: MainWindow, driver: Driver, context: UiContext, films: Films
) -> None:
    go(driver)
    assert words(driver, "labelling_progress") == "Picture 1 of 3"
    assert not driver.find("labelling_next", QPushButton).isEnabled()
    for _ in films:
        driver.press("1")
        driver.press("3")
        driver.press("Return")
        driver.settle()
    assert words(driver, "labelling_empty_sentence").startswith("Pictures you labelled: 3.")
    labels = kept(context, films)
    assert {label.basis for label in labels} == {LabelBasis.BLIND}
    assert {(label.instance, label.finding): label.value for label in labels} == {
        (instance, key): value
        for _, instance in films
        for key, value in zip(KEYS, (LabelValue.PRESENT, LabelValue.UNSURE), strict=True)
    }


def test_nobody_is_named_beside_the_picture_and_it_can_be_looked_at_closely(
    opened: MainWindow, driver: Driver, context: UiContext, films: Films
) -> None:
    driver.press("Ctrl+2")
    driver.settle()
    go(driver)
    viewer = driver.find("film_viewer", FilmViewer)
    assert viewer.source is not None
    assert opened.workspace is not None
    assert opened.workspace.banner.patient is None
    shown = " ".join(label.text() for label in opened.findChildren(QLabel) if label.isVisible())
    assert "张小明" not in shown
    assert "Zhang" not in shown
    before = viewer.state
    assert before is not None
    driver.press("+")
    driver.press("I")
    assert viewer.state is not None
    assert viewer.state.zoom > before.zoom
    assert viewer.state.inverted != before.inverted


def test_an_answer_can_be_given_again(opened: MainWindow, driver: Driver, context: UiContext, films: Films) -> None:
    go(driver)
    driver.press("1")
    driver.press("1")
    driver.press("Return")
    driver.settle()
    driver.press("Backspace")
    driver.settle()
    assert words(driver, "labelling_progress") == "Picture 1 of 3"
    assert driver.find("answer_0_present", QPushButton).isChecked()
    driver.press("2")
    driver.click("labelling_next")
    driver.settle()
    assert words(driver, "labelling_progress") == "Picture 2 of 3"
    labels = kept(context, films)
    assert [label.value for label in labels if label.finding == KEYS[0]] == [LabelValue.PRESENT, LabelValue.ABSENT]
    driver.press("Backspace")
    driver.settle()
    assert driver.find("labelling_next", QPushButton).isEnabled()
    driver.press("Ctrl+Return")
    driver.settle()
    assert words(driver, "labelling_progress") == "Picture 2 of 3"
    assert len(kept(context, films)) == len(labels), "what was not changed is not said again"


def test_the_mouse_does_the_same(opened: MainWindow, driver: Driver, context: UiContext, films: Films) -> None:
    driver.click("rail_feedback")
    driver.settle()
    driver.click("answer_0_absent")
    driver.click("answer_1_unsure")
    driver.click("labelling_next")
    driver.settle()
    driver.click("labelling_skip")
    driver.settle()
    assert words(driver, "labelling_progress") == "Picture 2 of 2"
    assert {label.value for label in kept(context, films)} == {LabelValue.ABSENT, LabelValue.UNSURE}


def test_nothing_waits_is_said(opened: MainWindow, driver: Driver, context: UiContext) -> None:
    go(driver)
    assert words(driver, "labelling_empty_sentence").startswith("No picture waits for your word.")
    context.set_language(Language.CHINESE)
    driver.settle()
    assert words(driver, "labelling_empty_sentence").startswith("没有图片等您标注")


def test_the_board_tells_who_by_a_code(opened: MainWindow, driver: Driver, films: Films) -> None:
    go(driver)
    for keys in ("1", "2", "Return"):
        driver.press(keys)
    driver.settle()
    driver.press("Alt+2")
    driver.settle()
    table = driver.find("quality_table", QTableWidget)
    assert table.rowCount() == 2
    assert str(table.model().index(0, 1).data()).endswith("(you)")
    assert "Only one person" in words(driver, "quality_together")
    driver.press("Alt+1")
    driver.settle()
    assert words(driver, "labelling_progress") == "Picture 2 of 3"
    viewer = driver.find("film_viewer", FilmViewer)
    opened.lock()
    driver.settle()
    assert viewer.source is None, "locking forgets the picture"


@pytest.mark.parametrize(("role", "offered"), [("doctor", True), ("nurse", False), ("administrator", False)])
def test_only_who_reads_films_is_offered_it(role: str, offered: bool) -> None:
    session = workflow.Session(User(UserId("u"), "Wei", (role,), bytes(32)))
    assert (Destination.FEEDBACK in destinations(session)) is offered
