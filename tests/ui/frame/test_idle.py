"""Locking when nobody is there, and after sleep."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from desktop.ui.idle import IdleWatch


class Clocks:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.steady = 100.0
        self.wall = 5000.0

    def pass_seconds(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def watch(qapp: QApplication, clocks: Clocks) -> Iterator[IdleWatch]:
    owner = QObject()
    made = IdleWatch(qapp, owner, clock=lambda: clocks.steady, wall=lambda: clocks.wall)
    made.set_minutes(1)
    made.start()
    yield made
    made.stop()


def test_counts_down_and_expires_once(qtbot: QtBot, watch: IdleWatch, clocks: Clocks) -> None:
    clocks.pass_seconds(15)
    with qtbot.waitSignal(watch.ticked) as tick:
        watch.tick()
    assert tick.args == [45]
    for _ in range(2):
        clocks.pass_seconds(15)
        watch.tick()
    clocks.pass_seconds(15)
    with qtbot.waitSignal(watch.expired):
        watch.tick()
    with qtbot.assertNotEmitted(watch.ticked), qtbot.assertNotEmitted(watch.expired):
        watch.tick()


def test_a_key_begins_the_count_again(qtbot: QtBot, watch: IdleWatch, clocks: Clocks) -> None:
    field = QLineEdit()
    qtbot.addWidget(field)
    field.show()
    field.activateWindow()
    qtbot.waitUntil(field.hasFocus)
    clocks.pass_seconds(15)
    watch.tick()
    QTest.keyClick(field.windowHandle(), Qt.Key.Key_A)
    assert field.text() == "a"
    with qtbot.waitSignal(watch.ticked) as tick:
        watch.tick()
    assert tick.args == [60]


def test_a_pc_that_slept_is_locked_at_once(qtbot: QtBot, watch: IdleWatch, clocks: Clocks) -> None:
    """Asleep, the steady clock of Linux stands still; only the wall clock tells."""
    clocks.wall += 120
    with qtbot.waitSignal(watch.expired) as expired:
        watch.tick()
    assert expired.signal_triggered
    with qtbot.assertNotEmitted(watch.ticked), qtbot.assertNotEmitted(watch.expired):
        watch.tick()


def test_a_clock_set_back_does_not_lock(qtbot: QtBot, watch: IdleWatch, clocks: Clocks) -> None:
    clocks.wall -= 3600
    with qtbot.assertNotEmitted(watch.expired), qtbot.waitSignal(watch.ticked) as tick:
        watch.tick()
    assert tick.args == [60]
    clocks.pass_seconds(15)
    with qtbot.waitSignal(watch.ticked) as tick:
        watch.tick()
    assert tick.args == [45]


def test_sleep_is_noticed_whether_or_not_it_counts(qtbot: QtBot, watch: IdleWatch, clocks: Clocks) -> None:
    """PINs end with sleep; a locked clinic counts down to nothing."""
    watch.stop()
    clocks.pass_seconds(15)
    with qtbot.assertNotEmitted(watch.slept):
        watch.tick()
    clocks.wall += 120
    with qtbot.waitSignal(watch.slept), qtbot.assertNotEmitted(watch.expired):
        watch.tick()
