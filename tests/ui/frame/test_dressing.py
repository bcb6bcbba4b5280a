"""A change of theme: at once where one looks, soon everywhere, never a frozen window."""

import pytest
import shiboken6
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QLabel, QStackedWidget
from pytestqt.qtbot import QtBot

from desktop.settings import Theme
from desktop.ui.dressing import Dresser
from desktop.ui.theme import PALETTES
from desktop.ui.widgets.parts import label

MANY = 1000
"""Far more than one piece of the work takes in."""


@pytest.fixture
def pages(qtbot: QtBot) -> QStackedWidget:
    """One page in sight, one behind it; each a label the style sheet colours."""
    stack = QStackedWidget()
    qtbot.addWidget(stack)
    stack.addWidget(label("seen", "danger"))
    stack.addWidget(label("behind", "danger"))
    return stack


def named(pages: QStackedWidget, name: str) -> QLabel:
    found = pages.findChild(QLabel, name)
    assert found is not None
    return found


def ink(widget: QLabel) -> str:
    return widget.palette().color(QPalette.ColorRole.WindowText).name()


def test_what_is_seen_changes_at_once_and_the_rest_soon(
    qapp: QApplication, pages: QStackedWidget, qtbot: QtBot
) -> None:
    seen, behind = named(pages, "seen"), named(pages, "behind")
    dresser = Dresser(qapp, pages)
    dresser.dress(Theme.LIGHT)
    pages.show()
    qtbot.waitUntil(lambda: not dresser.busy)
    assert ink(seen) == ink(behind) == PALETTES[Theme.LIGHT].danger
    dresser.dress(Theme.DARK)
    assert ink(seen) == PALETTES[Theme.DARK].danger
    assert dresser.busy
    qtbot.waitUntil(lambda: not dresser.busy)
    assert ink(behind) == PALETTES[Theme.DARK].danger


def test_what_comes_into_sight_meanwhile_is_next(qapp: QApplication, pages: QStackedWidget, qtbot: QtBot) -> None:
    behind = named(pages, "behind")
    for number in range(MANY):
        pages.addWidget(label(f"far behind {number}"))
    dresser = Dresser(qapp, pages)
    dresser.dress(Theme.LIGHT)
    pages.show()
    qtbot.waitUntil(lambda: not dresser.busy)
    dresser.dress(Theme.HIGH_CONTRAST)
    pages.setCurrentWidget(behind)
    qapp.processEvents()
    assert ink(behind) == PALETTES[Theme.HIGH_CONTRAST].danger
    qtbot.waitUntil(lambda: not dresser.busy)


def test_a_widget_that_dies_meanwhile_does_no_harm(qapp: QApplication, pages: QStackedWidget, qtbot: QtBot) -> None:
    dresser = Dresser(qapp, pages)
    dresser.dress(Theme.LIGHT)
    pages.show()
    qtbot.waitUntil(lambda: not dresser.busy)
    dresser.dress(Theme.DARK)
    shiboken6.delete(named(pages, "behind"))
    qtbot.waitUntil(lambda: not dresser.busy)
    assert ink(named(pages, "seen")) == PALETTES[Theme.DARK].danger
