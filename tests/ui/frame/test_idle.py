"""Locking when nobody is there, and after sleep."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from desktop.ui.asleep import Moment, slept_between
from desktop.ui.asleep import clocks as clocks_here
from desktop.ui.idle import IdleWatch


class Clocks:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.steady = 100.0
        self.wall = 5000.0
        self.suspended: float | None = None

    def look(self) -> Moment:
        return Moment(self.steady, self.wall, self.suspended)

    def pass_seconds(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def watch(qapp: QApplication, clocks: Clocks) -> Iterator[IdleWatch]:
    owner = QObject()
    made = IdleWatch(qapp, owner, look=clocks.look)
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


@pytest.mark.parametrize("told", [False, True])
def test_a_pc_that_stood_still_is_not_asleep(qtbot: QtBot, watch: IdleWatch, clocks: Clocks, told: bool) -> None:
    """Two ticks 45 seconds apart, as on a PC that swaps: the clinic stays open."""
    clocks.suspended = 7.0 if told else None
    watch.tick()
    clocks.pass_seconds(45)
    with (
        qtbot.assertNotEmitted(watch.slept),
        qtbot.assertNotEmitted(watch.expired),
        qtbot.waitSignal(watch.ticked) as tick,
    ):
        watch.tick()
    assert tick.args == [15]


BEFORE = Moment(100, 5000, 30)


@pytest.mark.parametrize(
    ("now", "slept"),
    [
        (Moment(101, 5001, 30), False),
        (Moment(160, 5060, 30), False),  # it stood still
        (Moment(101, 5121, 150), True),
        (Moment(101, 5001, 150), True),  # it slept, and somebody set the clock back
        (Moment(101, 5010, 39), False),  # it nodded
        (Moment(101, 5101, 30), False),  # somebody set the clock
        (Moment(101, 5401, 30), True),  # its host had stopped it
        (Moment(101, 4000, 30), False),
        (Moment(101, 5025, None), True),
        (Moment(160, 5060, None), False),
    ],
)
def test_sleep_is_told_from_standing_still(now: Moment, slept: bool) -> None:
    assert slept_between(BEFORE, now, 300) is slept


def test_this_system_says_how_long_it_slept() -> None:
    look = clocks_here()
    before, now = look(), look()
    assert now.steady >= before.steady
    assert now.suspended is not None
    assert before.suspended is not None
    assert now.suspended >= -0.1
    assert abs(now.suspended - before.suspended) < 1
