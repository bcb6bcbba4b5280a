"""What a case turned out to be: asked once it was decided, kept beside the reading, told where the report stands."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import LabelBasis, LabelValue, StudyId
from desktop.ui.context import UiContext
from desktop.ui.reading import ReadingRoom
from desktop.ui.reading import study_page as study_page_module
from desktop.ui.reading.footer import Turn
from desktop.ui.reading.turned_out import TurnedOutDialog
from desktop.workflow.turning_out import outcomes
from tests.ui.reading.conftest import OpenStudy
from tests.ui.reading.test_reading_path import press, read_and_reveal, turn

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture(autouse=True)
def _no_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_page_module, "REVEAL_GUARD_SECONDS", 0.0)


def dialog(room: ReadingRoom) -> TurnedOutDialog:
    found = [one for one in room.study.findChildren(TurnedOutDialog) if one.isVisible()]
    assert len(found) == 1
    return found[0]


def part(where: QWidget, name: str) -> QWidget:
    found = where.findChild(QWidget, name)
    assert isinstance(found, QWidget)
    return found


def focus() -> str:
    """Name of whoever gets the keys."""
    widget = QApplication.focusWidget()
    return widget.objectName() if widget is not None else ""


def decided(qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId) -> None:
    """Read, revealed and accepted."""
    open_study(study)
    read_and_reveal(qtbot, room)
    press(qtbot, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: turn(room) is Turn.SIGN and room.study.preview.ready, timeout=8000)


@pytest.mark.parametrize("language", list(Language))
def test_by_keyboard_from_the_decision_to_the_line_below_the_report(
    qtbot: QtBot,
    room: ReadingRoom,
    open_study: OpenStudy,
    study: StudyId,
    clinic: workflow.Clinic,
    context: UiContext,
    language: Language,
) -> None:
    context.set_language(language)
    decided(qtbot, room, open_study, study)
    press(qtbot, Qt.Key.Key_T, CTRL)
    asking = dialog(room)
    qtbot.waitUntil(lambda: focus() == "turned_out_0", timeout=5000)
    focused = QApplication.focusWidget()
    assert focused is not None
    QTest.keyClick(focused, Qt.Key.Key_1)
    QTest.keyClick(focused, Qt.Key.Key_Return)
    problem = part(asking, "turned_out_problem")
    assert isinstance(problem, QLabel)
    assert problem.text() == context.tr("outcomes.no_basis")
    basis = QApplication.focusWidget()
    assert basis is part(asking, "turned_out_basis")
    QTest.keyClick(basis, Qt.Key.Key_2)
    note = part(asking, "turned_out_note")
    assert isinstance(note, QLineEdit)
    QTest.keyClicks(note, "sputum culture")
    QTest.keyClick(note, Qt.Key.Key_Return)
    said = room.study.panel.report.findChild(QLabel, "report_turned_out")
    assert isinstance(said, QLabel)
    qtbot.waitUntil(lambda: "sputum culture" in said.text(), timeout=5000)
    assert context.tr("outcomes.basis.laboratory") in said.text()
    assert clinic.session.user.name in said.text()
    (kept,) = outcomes(clinic, Job(), study)
    assert (kept.finding, kept.value, kept.basis) == ("pneumonia", LabelValue.PRESENT, LabelBasis.LABORATORY)
    assert room.sitting is not None
    assert not room.sitting.signed


def test_it_is_not_asked_before_anything_was_decided(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId
) -> None:
    open_study(study)
    assert not room.study.panel.report.turned_out.isVisible()
    assert not room.study.turned_out.actions["outcomes.record"].isEnabled()
    read_and_reveal(qtbot, room)
    assert not room.study.turned_out.actions["outcomes.record"].isEnabled()


def test_nothing_chosen_keeps_nothing_and_esc_leaves(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic
) -> None:
    decided(qtbot, room, open_study, study)
    assert room.study.panel.report.turned_out.isVisible()
    room.study.panel.report.turned_out.click()
    asking = dialog(room)
    QTest.mouseClick(part(asking, "turned_out_save"), Qt.MouseButton.LeftButton)
    assert asking.isVisible()
    QTest.keyClick(asking, Qt.Key.Key_Escape)
    assert not asking.isVisible()
    assert outcomes(clinic, Job(), study) == ()


def test_a_signed_report_can_be_told_too_and_stays_as_it_is(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic
) -> None:
    decided(qtbot, room, open_study, study)
    press(qtbot, Qt.Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: room.sitting is not None and room.sitting.signed, timeout=8000)
    assert room.sitting is not None
    before = room.sitting.reading.reports[-1].sha256
    assert room.study.panel.report.turned_out.isVisible()
    room.study.turned_out.ask()
    QTest.keyClick(part(dialog(room), "turned_out_0"), Qt.Key.Key_2)
    QTest.keyClick(part(dialog(room), "turned_out_basis"), Qt.Key.Key_4)
    QTest.keyClick(part(dialog(room), "turned_out_basis"), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(outcomes(clinic, Job(), study)) == 1, timeout=5000)
    assert outcomes(clinic, Job(), study)[0].basis is LabelBasis.FOLLOW_UP
    assert room.sitting.reading.reports[-1].sha256 == before
