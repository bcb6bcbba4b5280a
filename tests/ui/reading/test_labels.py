"""The words of a drawing: typed beside it, kept with it, printed with it."""

import pypdfium2  # type: ignore[import-untyped]  # ships no types
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.i18n import Language
from desktop.jobs import Job
from desktop.records import Annotation, StudyId
from desktop.ui.context import UiContext
from desktop.ui.reading import ReadingRoom
from tests.ui.reading.conftest import OpenStudy
from tests.ui.reading.test_reading_path import focused, press


def kept(clinic: workflow.Clinic, study: StudyId) -> tuple[Annotation, ...]:
    """The drawings on record."""
    return workflow.reading(clinic, Job(), study).annotations


def field(room: ReadingRoom) -> QLineEdit:
    """Where a label is typed."""
    found = room.study.viewer.findChild(QLineEdit, "drawing_label")
    assert isinstance(found, QLineEdit)
    return found


def draw_region(qtbot: QtBot, room: ReadingRoom) -> None:
    """A box by the keyboard; its label is asked for at once, before the store has said anything."""
    room.study.show_film()
    press(qtbot, Qt.Key.Key_G)
    press(qtbot, Qt.Key.Key_Return)
    for _ in range(5):
        press(qtbot, Qt.Key.Key_Right)
        press(qtbot, Qt.Key.Key_Down)
    press(qtbot, Qt.Key.Key_Return)
    press(qtbot, Qt.Key.Key_Return)
    assert focused() is field(room)


def wait_for_label(qtbot: QtBot, room: ReadingRoom, label: str) -> None:
    """Until the film on the screen knows the label."""
    qtbot.waitUntil(
        lambda: room.sitting is not None and [a.label for a in room.sitting.reading.annotations] == [label],
        timeout=5000,
    )


def test_a_region_is_named_as_soon_as_it_is_drawn(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic
) -> None:
    open_study(study)
    draw_region(qtbot, room)
    QTest.keyClicks(focused(), "Cavity  A")
    press(qtbot, Qt.Key.Key_Return)
    assert focused() is room.study.viewer
    assert field(room).isHidden()
    wait_for_label(qtbot, room, "Cavity A")
    (drawing,) = kept(clinic, study)
    assert drawing.label == "Cavity A"
    pdf = workflow.preview_report(clinic, Job(), study, None, (Language.ENGLISH,))
    pages = pypdfium2.PdfDocument(pdf)
    assert "Cavity A" in "".join(page.get_textpage().get_text_range() for page in pages)


def test_the_label_stands_beside_its_region(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId
) -> None:
    open_study(study)
    draw_region(qtbot, room)
    press(qtbot, Qt.Key.Key_Escape)
    wait_for_label(qtbot, room, "")
    bare = room.study.viewer.grab().toImage()
    press(qtbot, Qt.Key.Key_T)
    QTest.keyClicks(focused(), "Cavity")
    press(qtbot, Qt.Key.Key_Return)
    wait_for_label(qtbot, room, "Cavity")
    assert room.study.viewer.grab().toImage() != bare


def test_t_changes_a_label_and_esc_leaves_it(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic
) -> None:
    open_study(study)
    draw_region(qtbot, room)
    QTest.keyClicks(focused(), "Cavity")
    press(qtbot, Qt.Key.Key_Return)
    wait_for_label(qtbot, room, "Cavity")
    press(qtbot, Qt.Key.Key_T)
    assert field(room).text() == "Cavity"
    QTest.keyClicks(focused(), "Scar")
    press(qtbot, Qt.Key.Key_Escape)
    assert focused() is room.study.viewer
    assert room.isVisible()
    press(qtbot, Qt.Key.Key_T)
    QTest.keyClicks(focused(), "Nodule")
    press(qtbot, Qt.Key.Key_Return)
    wait_for_label(qtbot, room, "Nodule")
    assert len(kept(clinic, study)) == 1


def test_going_elsewhere_keeps_the_label(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, clinic: workflow.Clinic
) -> None:
    open_study(study)
    draw_region(qtbot, room)
    QTest.keyClicks(focused(), "Scar")
    room.study.panel.read.impression.setFocus()
    wait_for_label(qtbot, room, "Scar")
    assert field(room).text() == ""


def test_locking_while_a_label_is_typed_keeps_it(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId, context: UiContext, clinic: workflow.Clinic
) -> None:
    open_study(study)
    draw_region(qtbot, room)
    QTest.keyClicks(focused(), "Effusion")
    room.save_drafts()
    room.clear()
    assert field(room).text() == ""
    qtbot.waitUntil(lambda: not context.operations.busy, timeout=5000)
    assert [drawing.label for drawing in kept(clinic, study)] == ["Effusion"]


def test_a_double_click_on_a_drawing_asks_for_its_label(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, study: StudyId
) -> None:
    open_study(study)
    draw_region(qtbot, room)
    press(qtbot, Qt.Key.Key_Escape)
    wait_for_label(qtbot, room, "")
    viewer = room.study.viewer
    assert room.sitting is not None
    assert viewer.state is not None
    (drawing,) = room.sitting.reading.annotations
    x, y = viewer.state.to_view(drawing.points[0], viewer.width(), viewer.height())
    corner = viewer.rect().topLeft() + type(viewer.rect().topLeft())(round(x), round(y))
    QTest.mouseDClick(viewer, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, corner)
    assert focused() is field(room)


@pytest.mark.parametrize("language", list(Language))
def test_the_field_speaks_the_language_of_the_window(
    qtbot: QtBot,
    room: ReadingRoom,
    open_study: OpenStudy,
    study: StudyId,
    context: UiContext,
    language: Language,
) -> None:
    context.set_language(language)
    open_study(study)
    draw_region(qtbot, room)
    assert field(room).accessibleName() == context.tr("viewer.label")
    assert field(room).placeholderText() == context.tr("viewer.label.placeholder")
    assert QApplication.focusWidget() is field(room)
    press(qtbot, Qt.Key.Key_Escape)
