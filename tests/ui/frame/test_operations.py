"""Work off the main thread: delivery, cancelling, errors, lifetimes."""

import gc
import logging
import threading
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from PySide6.QtCore import QObject, QThread
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job
from desktop.records import Changes
from desktop.ui.context import UiContext
from desktop.ui.widgets.error_dialog import ErrorDialog


class Screen(QWidget):
    """A screen that remembers what it was told, and on which thread."""

    def __init__(self) -> None:
        super().__init__()
        self.results: list[object] = []
        self.errors: list[Exception] = []
        self.ends = 0
        self.on_main_thread: list[bool] = []

    def done(self, result: object) -> None:
        self.results.append(result)
        self.on_main_thread.append(QThread.currentThread() is self.thread())

    def failed(self, error: Exception) -> None:
        self.errors.append(error)

    def ended(self) -> None:
        self.ends += 1


class Changed:
    changes = Changes(patients=True)


@pytest.fixture
def screen(qtbot: QtBot) -> Screen:
    made = Screen()
    qtbot.addWidget(made)
    return made


def idle(qtbot: QtBot, context: UiContext) -> None:
    qtbot.waitUntil(lambda: not context.operations.busy, timeout=5000)


def test_work_runs_elsewhere_and_its_result_arrives_on_the_main_thread(
    qtbot: QtBot, context: UiContext, screen: Screen
) -> None:
    context.operations.run(
        lambda job: threading.current_thread().name, initiator=screen, done=screen.done, ended=screen.ended
    )
    idle(qtbot, context)
    assert str(screen.results[0]).startswith("store")
    assert screen.on_main_thread == [True]
    assert screen.ends == 1


def test_compute_work_goes_to_the_other_pool(qtbot: QtBot, context: UiContext, screen: Screen) -> None:
    context.operations.run(
        lambda job: threading.current_thread().name, initiator=screen, done=screen.done, pool="compute"
    )
    idle(qtbot, context)
    assert str(screen.results[0]).startswith("compute")


def test_a_closed_screen_gets_nothing_and_is_not_kept_alive(qtbot: QtBot, context: UiContext) -> None:
    gate = threading.Event()
    screen = Screen()
    heard = screen.results
    context.operations.run(
        lambda job: gate.wait(5) and "answer", initiator=screen, done=screen.done, ended=screen.ended
    )
    watcher = weakref.ref(screen)
    del screen
    gc.collect()
    assert watcher() is None
    gate.set()
    idle(qtbot, context)
    assert heard == []


def test_a_deleted_qt_object_gets_nothing_even_while_python_holds_it(qtbot: QtBot, context: UiContext) -> None:
    import shiboken6

    gate = threading.Event()
    screen = Screen()
    context.operations.run(lambda job: gate.wait(5), initiator=screen, done=screen.done)
    shiboken6.delete(screen)
    gate.set()
    idle(qtbot, context)
    assert screen.results == []


def test_a_widget_captured_by_the_work_dies_on_the_main_thread(qtbot: QtBot, context: UiContext) -> None:
    """Also where the work failed, whose traceback holds the frame that holds the widget."""
    died_on: list[str] = []
    owner = QObject()
    for fails in (False, True):
        captured = Screen()
        weakref.finalize(captured, lambda: died_on.append(threading.current_thread().name))

        def work(job: Job, held: Screen = captured, fails: bool = fails) -> str:
            if fails:
                raise UserFacingError("error.io")
            return held.objectName()

        context.operations.run(work, initiator=owner)
        del captured, work
    idle(qtbot, context)
    del owner
    gc.collect()
    assert died_on == ["MainThread", "MainThread"]
    for dialog in QApplication.topLevelWidgets():
        dialog.close()


def test_lambdas_are_refused_as_receivers(context: UiContext, screen: Screen) -> None:
    with pytest.raises(ValueError, match="bound methods"):
        context.operations.run(lambda job: 1, initiator=screen, done=lambda result: None)


def test_cancelling_is_silent_and_still_ends(qtbot: QtBot, context: UiContext, screen: Screen) -> None:
    started = threading.Event()

    def work(job: Job) -> None:
        started.set()
        while True:
            job.check()

    operation = context.operations.run(
        work, initiator=screen, done=screen.done, failed=screen.failed, ended=screen.ended
    )
    assert started.wait(5)
    operation.cancel()
    idle(qtbot, context)
    assert (screen.results, screen.errors, screen.ends) == ([], [], 1)


def test_cancelled_before_it_began_never_runs(qtbot: QtBot, context: UiContext, screen: Screen) -> None:
    gate = threading.Event()
    ran: list[bool] = []
    context.operations.run(lambda job: gate.wait(5), initiator=screen)
    waiting = context.operations.run(lambda job: ran.append(True), initiator=screen)
    waiting.cancel()
    gate.set()
    idle(qtbot, context)
    assert ran == []


def test_a_person_sized_failure_goes_to_the_screen(qtbot: QtBot, context: UiContext, screen: Screen) -> None:
    def work(job: Job) -> None:
        raise UserFacingError("access.denied", kind=ErrorKind.PERMISSION)

    context.operations.run(work, initiator=screen, failed=screen.failed, ended=screen.ended)
    idle(qtbot, context)
    assert [type(error) for error in screen.errors] == [UserFacingError]
    assert screen.ends == 1


def test_nobody_takes_it_so_three_lines_are_shown(qtbot: QtBot, context: UiContext, screen: Screen) -> None:
    def work(job: Job) -> None:
        raise OSError(28, "No space left on device")

    context.operations.run(work, initiator=screen)
    idle(qtbot, context)
    dialog = screen.findChild(ErrorDialog)
    assert dialog is not None
    assert dialog.isVisible()
    labels = [dialog.findChild(QLabel, name) for name in ("error_message", "error_data", "error_advice")]
    lines = [label.text() for label in labels if label is not None]
    assert lines == [
        "The disk is full. Nothing was changed.",
        "Everything saved before is safe. This step was not saved.",
        "Free some space or use another disk, then try again.",
    ]
    dialog.close()


def test_a_bug_is_shown_and_logged_without_its_message(
    qtbot: QtBot,
    context: UiContext,
    screen: Screen,
    caplog: pytest.LogCaptureFixture,
    expected_log: Callable[..., AbstractContextManager[None]],
) -> None:
    def work(job: Job) -> None:
        raise KeyError("Zhang San")

    with expected_log("desktop.ui.context", logging.ERROR, match="unexpected failure"):
        context.operations.run(work, initiator=screen, failed=screen.failed)
        idle(qtbot, context)
    assert screen.errors == []
    dialog = screen.findChild(ErrorDialog)
    assert dialog is not None
    assert dialog.isVisible()
    assert "KeyError" in caplog.text
    assert "Zhang San" not in caplog.text
    dialog.close()


def test_a_result_that_says_what_it_changed_is_announced(qtbot: QtBot, context: UiContext, screen: Screen) -> None:
    with qtbot.waitSignal(context.changed, timeout=5000) as heard:
        context.operations.run(lambda job: Changed(), initiator=screen)
    assert heard.args == [Changes(patients=True), screen]


def test_a_bar_only_after_more_than_half_a_second(qtbot: QtBot, context: UiContext, screen: Screen) -> None:
    gate = threading.Event()
    context.operations.run(lambda job: gate.wait(10), initiator=screen, title="Reading")
    qtbot.wait(300)
    assert not context.operations.visible
    qtbot.waitUntil(lambda: bool(context.operations.visible), timeout=2000)
    assert [operation.title for operation in context.operations.visible] == ["Reading"]
    gate.set()
    idle(qtbot, context)
    assert not context.operations.visible


def test_locking_drops_results_of_what_still_runs(qtbot: QtBot, context: UiContext, screen: Screen) -> None:
    gate = threading.Event()
    context.operations.run(
        lambda job: gate.wait(5) and Changed(), initiator=screen, done=screen.done, ended=screen.ended
    )
    with qtbot.assertNotEmitted(context.changed):
        context.operations.drop_all()
        gate.set()
        idle(qtbot, context)
    assert (screen.results, screen.ends) == ([], 0)


def test_what_outlasts_locking_ends_by_itself_unless_hurried(qtbot: QtBot, context: UiContext, screen: Screen) -> None:
    begun, may_end, over = threading.Event(), threading.Event(), threading.Event()

    def lasting(job: Job) -> str:
        begun.set()
        while not may_end.wait(0.01):
            job.check()
        return "done"

    def waiting(job: Job) -> None:
        operation.wait(job)
        over.set()

    operation = context.operations.run(lasting, initiator=screen, done=screen.done, pool="background", outlasts=True)
    assert begun.wait(5)
    context.operations.drop_all()
    assert context.operations.outlasting == (operation,)
    context.operations.run(waiting, initiator=screen, outlasts=True)
    assert not over.wait(0.3)
    context.operations.hurry()
    assert over.wait(5)
    idle(qtbot, context)
    assert operation.job.cancelled
    assert screen.results == [], "of what was dropped nothing is delivered"


def test_what_outlasts_locking_begins_even_when_it_was_cancelled_before(
    qtbot: QtBot, context: UiContext, screen: Screen
) -> None:
    hold, ran = threading.Event(), threading.Event()
    context.operations.run(lambda job: hold.wait(5), initiator=screen)
    operation = context.operations.run(lambda job: ran.set(), initiator=screen, outlasts=True)
    operation.cancel()
    hold.set()
    idle(qtbot, context)
    assert ran.is_set()
