"""The film viewer under mouse and keyboard."""

from datetime import UTC, datetime

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.imaging.measure_lines import outline
from desktop.records import (
    Annotation,
    AnnotationId,
    AnnotationKind,
    InstanceId,
    Modality,
    Spacing,
    SpacingSource,
    UserId,
    VoiWindow,
)
from desktop.ui.action import Action
from desktop.ui.context import UiContext
from desktop.ui.reading.actions import READING_ACTIONS, VIEWER_ACTIONS
from desktop.ui.viewers import VIEWERS, FilmViewer
from desktop.ui.viewers.drawing import Drawing, Tool, distance_to
from desktop.ui.viewers.film_numbers import measured_words
from desktop.ui.viewers.film_tiles import FilmTiles
from desktop.ui.viewers.film_words import corners
from desktop.ui.viewers.view_commands import VIEW_COMMANDS
from tests.ui.reading.ramp import film, state_of

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NO_KEYS = Qt.KeyboardModifier.NoModifier


def selected(viewer: FilmViewer) -> Annotation | None:
    """The drawing that is picked, asked afresh."""
    return viewer.selected


def test_every_kind_of_film_has_a_viewer() -> None:
    assert set(VIEWERS) == set(Modality)


def test_every_command_has_a_key_and_no_key_has_two() -> None:
    declared = {action.id for action in VIEWER_ACTIONS}
    assert set(VIEW_COMMANDS) <= declared
    assert {f"viewer.tool_{tool}" for tool in Tool} <= declared
    keys = [key for action in READING_ACTIONS for key in action.shortcuts]
    assert len(keys) == len(set(keys))
    assert all(action.shortcuts for action in READING_ACTIONS)


@pytest.mark.parametrize("action", VIEWER_ACTIONS, ids=lambda action: action.id)
def test_every_declared_command_is_understood(
    qtbot: QtBot, context: UiContext, viewer: FilmViewer, action: Action
) -> None:
    tiles = FilmTiles(context, viewer)
    qtbot.addWidget(tiles)
    assert tiles.run(action.id)
    viewer.setParent(None)  # else it goes with the tiles


def test_without_a_film_commands_do_nothing(qtbot: QtBot, context: UiContext) -> None:
    empty = FilmViewer(context)
    qtbot.addWidget(empty)
    assert not empty.run("viewer.invert")
    empty.grab()


def test_dragging_right_widens_and_dragging_down_darkens(qtbot: QtBot, viewer: FilmViewer) -> None:
    source = viewer.source
    assert source is not None
    before = source.base
    QTest.mousePress(viewer, RIGHT, NO_KEYS, QPoint(300, 200))
    QTest.mouseMove(viewer, QPoint(350, 260))
    QTest.mouseRelease(viewer, RIGHT, NO_KEYS, QPoint(350, 260))
    window = state_of(viewer).window
    assert window is not None
    assert window.width > before.width
    assert window.center > before.center


def test_the_wheel_zooms_about_the_pointer(viewer: FilmViewer) -> None:
    at = QPointF(150, 120)
    held = state_of(viewer).to_picture((150, 120), 600, 400)
    event = QWheelEvent(
        at,
        viewer.mapToGlobal(at),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewer, event)
    after = state_of(viewer)
    assert after.zoom > 2.0
    assert after.to_picture((150, 120), 600, 400) == pytest.approx(held, abs=1e-6)


def test_arrows_move_the_film_and_reset_brings_it_back(qtbot: QtBot, viewer: FilmViewer) -> None:
    first = state_of(viewer)
    viewer.setFocus()
    viewer.run("viewer.zoom_in")
    middle = state_of(viewer).center
    QTest.keyClick(viewer, Qt.Key.Key_Right)
    assert state_of(viewer).center[0] > middle[0]
    for command in ("viewer.invert", "viewer.turn_left", "viewer.preset_1", "viewer.flip_top_bottom", "viewer.reset"):
        viewer.run(command)
    assert state_of(viewer) == first


def test_one_to_one_is_one_device_pixel(viewer: FilmViewer) -> None:
    viewer.run("viewer.full_size")
    assert state_of(viewer).zoom == pytest.approx(1 / viewer.devicePixelRatioF())


def test_mirroring_is_marked_on_the_film(viewer: FilmViewer, context: UiContext) -> None:
    viewer.run("viewer.flip_left_right")
    text = viewer._text
    badges = corners(context, text, state_of(viewer), viewer.source, Tool.WINDOW, 1.0)[3].badges
    assert badges == ("Mirrored: left and right are swapped",)
    viewer.run("viewer.turn_right")
    viewer.run("viewer.turn_right")
    viewer.run("viewer.flip_top_bottom")
    assert corners(context, text, state_of(viewer), viewer.source, Tool.WINDOW, 1.0)[3].badges == ()


def test_a_length_says_where_its_millimetres_come_from(context: UiContext) -> None:
    spacing = Spacing(0.2, 0.1, SpacingSource.IMAGER_PIXEL_SPACING)
    kind = AnnotationKind.LENGTH
    words = measured_words(context, film(spacing), kind, ((0, 0), (30, 20)), None)
    assert words == "5.0 mm (imager pixel spacing, at the detector)"
    assert measured_words(context, film(), kind, ((0, 0), (30, 40)), None) == "50 px (no scale in the file)"


def test_a_length_is_dragged(qtbot: QtBot, viewer: FilmViewer) -> None:
    viewer.run("viewer.tool_length")
    with qtbot.waitSignal(viewer.drawn) as drawn:
        QTest.mousePress(viewer, LEFT, NO_KEYS, QPoint(100, 100))
        QTest.mouseMove(viewer, QPoint(200, 180))
        QTest.mouseRelease(viewer, LEFT, NO_KEYS, QPoint(200, 180))
    kind, points = drawn.args
    assert kind is AnnotationKind.LENGTH
    expected = [state_of(viewer).to_picture(at, 600, 400) for at in ((100, 100), (200, 180))]
    assert [pytest.approx(p, abs=0.51) for p in expected] == list(points)
    assert viewer.tool is Tool.WINDOW


def test_a_polygon_is_clicked_and_closed_by_a_double_click(qtbot: QtBot, viewer: FilmViewer) -> None:
    viewer.run("viewer.tool_region")
    with qtbot.waitSignal(viewer.drawn) as drawn:
        for at in (QPoint(100, 100), QPoint(200, 100), QPoint(200, 200)):
            QTest.mouseClick(viewer, LEFT, NO_KEYS, at)
        QTest.mouseDClick(viewer, LEFT, NO_KEYS, QPoint(200, 200))
    kind, points = drawn.args
    assert kind is AnnotationKind.REGION
    assert len(points) == 3


def test_a_box_is_dragged_and_escape_gives_up(qtbot: QtBot, viewer: FilmViewer) -> None:
    viewer.run("viewer.tool_region")
    with qtbot.waitSignal(viewer.drawn) as drawn:
        QTest.mousePress(viewer, LEFT, NO_KEYS, QPoint(100, 100))
        QTest.mouseMove(viewer, QPoint(160, 190))
        QTest.mouseRelease(viewer, LEFT, NO_KEYS, QPoint(160, 190))
    assert len(drawn.args[1]) == 2
    viewer.run("viewer.tool_region")
    viewer.setFocus()
    QTest.mouseClick(viewer, LEFT, NO_KEYS, QPoint(100, 100))
    QTest.keyClick(viewer, Qt.Key.Key_Escape)
    assert viewer.drawing is None
    assert viewer.tool is Tool.WINDOW


def test_a_length_by_keyboard_alone(qtbot: QtBot, viewer: FilmViewer) -> None:
    viewer.run("viewer.tool_length")
    viewer.setFocus()
    with qtbot.waitSignal(viewer.drawn) as drawn:
        QTest.keyClick(viewer, Qt.Key.Key_Return)
        for _ in range(4):
            QTest.keyClick(viewer, Qt.Key.Key_Right)
        QTest.keyClick(viewer, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
        QTest.keyClick(viewer, Qt.Key.Key_Return)
    (x0, y0), (x1, y1) = drawn.args[1]
    assert (x1 - x0) * state_of(viewer).zoom == pytest.approx(4 * 8 - 1)
    assert y0 == y1


def test_a_drawing_is_picked_with_mouse_or_key_and_removed(qtbot: QtBot, viewer: FilmViewer) -> None:
    drawing = Annotation(
        AnnotationId("1"),
        InstanceId("2"),
        AnnotationKind.REGION,
        ((50.0, 50.0), (150.0, 150.0)),
        "",
        UserId("3"),
        datetime.now(UTC),
    )
    viewer.set_annotations((drawing,))
    x, y = state_of(viewer).to_view((50.0, 100.0), 600, 400)
    QTest.mouseClick(viewer, LEFT, NO_KEYS, QPoint(round(x), round(y)))
    assert selected(viewer) is drawing
    QTest.mouseClick(viewer, LEFT, NO_KEYS, QPoint(5, 5))
    assert selected(viewer) is None
    viewer.run("viewer.next_drawing")
    with qtbot.waitSignal(viewer.removal_asked) as asked:
        viewer.run("viewer.remove_drawing")
    assert asked.args == [drawing]


def test_drawing_steps() -> None:
    start = Drawing(AnnotationKind.REGION, (0.0, 0.0))
    assert start.closed() is None
    one = start.pressed((1.0, 1.0)).released((1.0, 1.0), far=False)
    assert one.closed() is None
    assert one.pressed((1.0, 5.0)).released((1.0, 5.0), far=False).closed() is None
    two = one.pressed((4.0, 5.0)).released((4.0, 5.0), far=False)
    assert two.closed() == ((1.0, 1.0), (4.0, 5.0))
    assert two.without_last().points == ((1.0, 1.0),)
    assert outline(AnnotationKind.REGION, ((0, 0), (2, 1))) == ((0, 0), (2, 0), (2, 1), (0, 1))
    assert distance_to((1.0, 0.5), AnnotationKind.REGION, ((0, 0), (2, 1))) == pytest.approx(0.5)
    assert distance_to((5.0, 0.0), AnnotationKind.LENGTH, ((0, 0), (2, 0))) == pytest.approx(3.0)


def test_invert_keeps_what_brighter_means(viewer: FilmViewer) -> None:
    viewer.run("viewer.brighter")
    plain = state_of(viewer).window
    viewer.run("viewer.reset")
    viewer.run("viewer.invert")
    viewer.run("viewer.brighter")
    inverted = state_of(viewer).window
    source = viewer.source
    assert isinstance(plain, VoiWindow)
    assert isinstance(inverted, VoiWindow)
    assert source is not None
    assert plain.center < source.base.center < inverted.center
