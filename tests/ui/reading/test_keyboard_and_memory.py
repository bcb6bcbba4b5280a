"""Tab order is reading order, and a closed room, with its patient, is let go."""

import gc
import weakref

import shiboken6
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.records import StudyId
from desktop.ui.context import UiContext
from desktop.ui.reading import ReadingRoom
from tests.ui.reading.conftest import OpenStudy


def focus_name() -> str:
    """Who has the keys."""
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget.objectName()


def test_tab_goes_from_the_film_through_the_fields_to_the_bright_button(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId
) -> None:
    open_study(study)
    QTest.keyClicks(room.study.panel.read.impression, "Normal")
    room.study.viewer.setFocus()
    seen = []
    for _ in range(3):
        QTest.keyClick(room, Qt.Key.Key_Tab)
        seen.append(focus_name())
    assert seen == ["findings_text", "impression_text", "save_impression"]
    QTest.keyClick(room, Qt.Key.Key_Backtab)
    assert focus_name() == "impression_text"


def test_escape_leaves_a_field_and_keeps_the_words(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId
) -> None:
    open_study(study)
    QTest.keyClicks(room.study.panel.read.impression, "Half a sen")
    QTest.keyClick(room.study.panel.read.impression, Qt.Key.Key_Escape)
    assert focus_name() == "film_viewer"
    assert room.study.panel.read.impression_words == "Half a sen"
    QTest.keyClick(room.study.viewer, Qt.Key.Key_I)
    state = room.study.viewer.state
    assert state is not None
    assert state.inverted


def test_w_goes_to_the_worklist_and_back_and_enter_opens(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId
) -> None:
    open_study(study)
    room.study.viewer.setFocus()
    QTest.keyClick(room.study.viewer, Qt.Key.Key_W)
    qtbot.waitUntil(lambda: room.worklist.isVisible() and bool(room.worklist.studies), timeout=5000)
    keys = [summary.study.id for summary in room.worklist.studies]
    room.worklist.rows.setCurrentIndex(room.worklist.rows.model().index(keys.index(study), 0))
    QTest.keyClick(room.worklist.rows, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: room.study.isVisible() and room.study.viewer.frame is not None, timeout=5000)
    sitting = room.sitting
    assert sitting is not None
    assert sitting.study.study.id == study


def test_the_bright_button_is_in_sight_on_a_laptop_whatever_is_open(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId
) -> None:
    open_study(study)
    panel = room.study.panel
    panel.suggestion.why.setChecked(True)
    panel.suggestion.limits.setChecked(True)
    button = panel.footer.primary
    assert button is not None
    place = button.mapTo(room, button.rect().bottomRight())
    assert room.rect().contains(place)
    assert button.visibleRegion().boundingRect().size() == button.size()


def open_and_close(qtbot: QtBot, context: UiContext, study: StudyId) -> "list[weakref.ref[QWidget]]":
    """A room with a film in it, used and destroyed; weak references to its parts."""
    room = ReadingRoom(context)
    room.show()
    room.open_study(study)
    qtbot.waitUntil(lambda: room.study.viewer.frame is not None, timeout=5000)
    qtbot.waitUntil(lambda: not context.operations.busy, timeout=5000)
    parts: list[QWidget] = [room, room.study, room.study.viewer, room.worklist, room.study.panel]
    room.close()
    shiboken6.delete(room)
    return [weakref.ref(part) for part in parts]


def test_a_closed_room_is_let_go(qtbot: QtBot, context: UiContext, study: StudyId) -> None:
    parts = open_and_close(qtbot, context, study)
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    assert [part() for part in parts] == [None] * len(parts)
