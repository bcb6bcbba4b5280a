"""Measuring, looking closer and films side by side, with the mouse and with the keys."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.imaging.colour_tables import ColourTable
from desktop.imaging.geometry import Orientation
from desktop.jobs import Job
from desktop.records import (
    Annotation,
    AnnotationId,
    AnnotationKind,
    InstanceId,
    Patient,
    Picture,
    Spacing,
    SpacingSource,
    StudyId,
    UserId,
)
from desktop.settings import OwnKeys, Settings, SettingsFile
from desktop.ui.action import bind
from desktop.ui.context import UiContext
from desktop.ui.own_keys import OwnKeysDialog
from desktop.ui.reading import ReadingRoom
from desktop.ui.reading.actions import VIEWER_ACTIONS
from desktop.ui.reading.film_drawings import typed_millimetres
from desktop.ui.viewers import FilmViewer
from desktop.ui.viewers.drawing import Tool
from desktop.ui.viewers.ecg_calibration import CalibrationDialog
from desktop.ui.viewers.film_lens import edges, histogram_box
from desktop.ui.viewers.film_numbers import measured_words
from desktop.ui.viewers.film_scale import true_size
from desktop.ui.viewers.film_tiles import LAYOUTS, Companion, FilmTiles
from desktop.ui.viewers.film_words import FilmText
from tests.ui.reading.conftest import OpenStudy, draw_film
from tests.ui.reading.ramp import film, state_of

LEFT, NO_KEYS = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SCALE = Spacing(0.5, 0.5, SpacingSource.PIXEL_SPACING)


def drag(viewer: FilmViewer, *points: tuple[int, int]) -> None:
    """The left button held from the first point to the last."""
    QTest.mousePress(viewer, LEFT, NO_KEYS, QPoint(*points[0]))
    for point in points[1:]:
        QTest.mouseMove(viewer, QPoint(*point))
    QTest.mouseRelease(viewer, LEFT, NO_KEYS, QPoint(*points[-1]))


CLICKS = {
    Tool.ANGLE: 3,
    Tool.COBB: 4,
    Tool.BIDIRECTIONAL: 4,
    Tool.CARDIOTHORACIC: 4,
    Tool.ELLIPSE: 2,
    Tool.POINT: 1,
    Tool.CALIBRATION: 2,
}


@pytest.mark.parametrize("tool", CLICKS)
def test_each_tool_ends_with_its_last_click(qtbot: QtBot, viewer: FilmViewer, tool: Tool) -> None:
    viewer.run(f"viewer.tool_{tool}")
    with qtbot.waitSignal(viewer.drawn) as drawn:
        for number in range(CLICKS[tool]):
            assert viewer.tool is tool
            viewer.grab()
            QTest.mouseClick(viewer, LEFT, NO_KEYS, QPoint(100 + 40 * number, 100 + 30 * (number % 2)))
    assert drawn.args[0] is tool.draws
    assert len(drawn.args[1]) == CLICKS[tool]
    assert viewer.tool is Tool.WINDOW
    viewer.grab()


@pytest.mark.parametrize("tool", CLICKS)
def test_each_tool_by_the_keyboard(qtbot: QtBot, viewer: FilmViewer, tool: Tool) -> None:
    viewer.run(f"viewer.tool_{tool}")
    viewer.setFocus()
    with qtbot.waitSignal(viewer.drawn) as drawn:
        for _ in range(CLICKS[tool]):
            QTest.keyClick(viewer, Qt.Key.Key_Return)
            QTest.keyClick(viewer, Qt.Key.Key_Right)
            QTest.keyClick(viewer, Qt.Key.Key_Down)
    assert len(drawn.args[1]) == CLICKS[tool]


def test_an_ellipse_without_height_asks_for_its_corner_again(qtbot: QtBot, viewer: FilmViewer) -> None:
    viewer.run("viewer.tool_ellipse")
    for x in (100, 200):
        QTest.mouseClick(viewer, LEFT, NO_KEYS, QPoint(x, 100))
    assert viewer.tool is Tool.ELLIPSE
    with qtbot.waitSignal(viewer.drawn) as drawn:
        QTest.mouseClick(viewer, LEFT, NO_KEYS, QPoint(200, 180))
    assert len(drawn.args[1]) == 2


def test_two_drags_make_a_cobb_angle(qtbot: QtBot, viewer: FilmViewer) -> None:
    viewer.run("viewer.tool_cobb")
    with qtbot.waitSignal(viewer.drawn) as drawn:
        drag(viewer, (100, 100), (150, 100), (200, 100))
        drag(viewer, (100, 200), (150, 250), (200, 300))
    assert len(drawn.args[1]) == 4
    words = measured_words(viewer._context, film(), AnnotationKind.COBB, drawn.args[1], None)
    assert words == "Cobb 45.0° (square pixels assumed)"


def test_a_line_drawn_by_hand_closes_when_the_button_is_let_go(qtbot: QtBot, viewer: FilmViewer) -> None:
    viewer.run("viewer.tool_freehand")
    with qtbot.waitSignal(viewer.drawn) as drawn:
        drag(viewer, (100, 100), (150, 90), (200, 110), (210, 200), (120, 190))
    kind, points = drawn.args
    assert kind is AnnotationKind.FREEHAND
    assert len(points) == 5


def test_every_number_names_its_source(context: UiContext) -> None:
    scaled, plain = film(SCALE), film()

    def words(picture: Picture, kind: AnnotationKind, *points: tuple[float, float]) -> str:
        return measured_words(context, picture, kind, points, None)

    box = ((9.5, 9.5), (29.5, 29.5))
    assert words(scaled, AnnotationKind.REGION, *box).startswith(
        "1.00 cm² (pixel spacing in the file)\nmean 195 (no unit)"
    )
    assert words(plain, AnnotationKind.REGION, *box).startswith("400 px² (no scale in the file)\nmean 195 (no unit)")
    assert "no scale" in words(plain, AnnotationKind.BIDIRECTIONAL, (0, 0), (20, 0), (10, 0), (10, 10))
    two = words(scaled, AnnotationKind.BIDIRECTIONAL, (0, 0), (20, 0), (10, 0), (10, 10))
    assert two == "10.0 × 5.0 mm (pixel spacing in the file)"
    ratio = words(plain, AnnotationKind.CARDIOTHORACIC, (100, 50), (150, 60), (75, 80), (175, 90))
    assert ratio == "Heart/chest 0.50 (50 %)"
    wrong = words(plain, AnnotationKind.CARDIOTHORACIC, (10, 50), (250, 60), (75, 80), (175, 90))
    assert wrong == "The heart must lie within the chest"
    assert words(plain, AnnotationKind.POINT, (12.0, 5.0)) == "120 (no unit)  at 12, 5"
    assert words(plain, AnnotationKind.ANGLE, (0, 0), (10, 0), (10, 10)) == "90.0° (square pixels assumed)"


@pytest.mark.parametrize(
    ("typed", "millimetres"),
    [("25", 25.0), ("25.5 mm", 25.5), ("2,5 cm", 25.0), ("25 毫米", 25.0), ("", None), ("-3", None), ("a coin", None)],
)
def test_a_length_as_people_type_it(typed: str, millimetres: float | None) -> None:
    assert typed_millimetres(typed) == millimetres


@pytest.mark.parametrize("label", ["", "a coin", "-1", "0", "nan", "99999"])
def test_a_calibration_without_a_length_cannot_be(label: str) -> None:
    with pytest.raises(ValueError, match="how long"):
        Annotation(
            AnnotationId("1"),
            InstanceId("2"),
            AnnotationKind.CALIBRATION,
            ((0.0, 0.0), (9.0, 0.0)),
            label,
            UserId("3"),
            datetime.now(UTC),
        )


class TestLookingCloser:
    def test_colours_go_round_and_exact_pixels_come_back(self, viewer: FilmViewer) -> None:
        seen = []
        for _ in ColourTable:
            viewer.run("viewer.next_colours")
            seen.append(state_of(viewer).colours)
        assert set(seen) == set(ColourTable)
        assert seen[-1] is ColourTable.GREY
        viewer.run("viewer.exact_pixels")
        assert state_of(viewer).exact

    def test_the_magnifier_follows_the_mouse(self, qtbot: QtBot, viewer: FilmViewer) -> None:
        plain = viewer.grab().toImage()
        viewer.run("viewer.magnifier")
        QTest.mouseMove(viewer, QPoint(450, 200))
        lens = viewer.grab().toImage()
        assert lens.pixel(450 + 60, 200) != plain.pixel(450 + 60, 200)
        assert lens.pixel(100, 200) == plain.pixel(100, 200)
        viewer.run("viewer.magnifier")
        assert not viewer.magnifying

    def test_the_windows_edge_is_dragged_on_the_histogram(self, viewer: FilmViewer) -> None:
        viewer.run("viewer.histogram")
        viewer.grab()
        box = histogram_box(600, 400)
        y = round(box.center().y())
        drag(viewer, (round(box.left()) + 8, y), (round(box.left()) + 30, y), (round(box.center().x()), y))
        window = state_of(viewer).window
        assert window is not None
        low, high = edges(window)
        assert low == pytest.approx(2990 / 2, rel=0.03)
        assert high == pytest.approx(2990, rel=0.03)
        assert viewer.tool is Tool.WINDOW

    def test_true_size_needs_both_millimetres(self, viewer: FilmViewer, context: UiContext) -> None:
        assert true_size(film(), None, 4.0, None).reason == "viewer.true_size.no_scale"
        assert true_size(film(SCALE), None, None, None).reason == "viewer.true_size.no_screen"
        tall = Spacing(0.5, 0.25, SpacingSource.PIXEL_SPACING)
        assert true_size(film(tall), None, 4.0, None).reason == "viewer.true_size.not_square"
        found = true_size(film(SCALE), None, 4.0, None)
        assert found.zoom == 2.0
        assert found.words(context) == "True size: pixel spacing in the file; screen measured with a ruler"

    def test_true_size_on_the_screen(self, qtbot: QtBot, viewer: FilmViewer, context: UiContext) -> None:
        before = state_of(viewer)
        with qtbot.waitSignal(context.toast_requested):
            viewer.run("viewer.true_size")
        assert state_of(viewer) == before
        context.change_settings(replace(context.settings, pixels_per_mm=4.0))
        viewer.show_picture(film(SCALE))
        qtbot.waitUntil(lambda: viewer.source is not None)
        viewer.run("viewer.true_size")
        assert state_of(viewer).zoom == 2.0

    def test_a_ruler_tells_the_screens_millimetre(self, viewer: FilmViewer, context: UiContext) -> None:
        context.change_settings(replace(context.settings, pixels_per_mm=4.0))
        viewer.run("viewer.calibrate_screen")
        dialog = viewer.findChild(CalibrationDialog)
        assert dialog is not None
        QTest.keyClick(dialog, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
        keep = dialog.findChild(QPushButton, "calibrate_keep")
        assert keep is not None
        keep.click()
        assert context.settings.pixels_per_mm == pytest.approx(4.05)

    def test_hidden_corners_are_remembered(self, viewer: FilmViewer, context: UiContext) -> None:
        viewer.run("viewer.corner_1")
        viewer.run("viewer.corner_3")
        assert SettingsFile(context.places.settings).load().hidden_corners == (0, 2)
        viewer.run("viewer.corner_1")
        assert context.settings.hidden_corners == (2,)


class TestTiles:
    @pytest.fixture
    def tiles(self, qtbot: QtBot, context: UiContext, viewer: FilmViewer) -> Iterator[FilmTiles]:
        made = FilmTiles(context, viewer)
        qtbot.addWidget(made)
        made.resize(1000, 700)
        made.show()
        qtbot.waitExposed(made)
        made.set_layout(LAYOUTS.index((2, 2)))
        made.show_companions([Companion(film(columns=150), FilmText()), Companion(film(), FilmText())])
        qtbot.waitUntil(lambda: all(pane.frame is not None for pane in made.viewers[:3]))
        yield made
        made.clear()

    def test_layouts_from_one_to_nine(self, tiles: FilmTiles) -> None:
        rooms = []
        for _ in LAYOUTS:
            tiles.run("viewer.next_layout")
            rooms.append(tiles.room + 1)
        assert sorted(rooms) == [1, 2, 2, 3, 3, 4, 6, 6, 9]

    def test_linked_films_show_the_same_part(self, tiles: FilmTiles) -> None:
        tiles.run("viewer.zoom_in")
        tiles.run("viewer.pan_right")
        tiles.run("viewer.turn_right")
        tiles.run("viewer.invert")
        first, second = (state_of(pane) for pane in tiles.viewers[:2])
        assert second.inverted
        assert second.orientation == Orientation()
        assert (second.center[0] + 0.5) / 150 == pytest.approx((first.center[0] + 0.5) / 300)

    def test_linked_films_darken_alike_on_their_own_scales(self, tiles: FilmTiles) -> None:
        tiles.run("viewer.darker")
        one, two = tiles.viewers[:2]
        assert one.source is not None
        assert two.source is not None
        for pane in (one, two):
            window, base = state_of(pane).window, pane.source.base if pane.source else None
            assert window is not None
            assert base is not None
            assert (window.center - base.center) / base.width == pytest.approx(0.05)
        assert one.source.base != two.source.base

    def test_unlinked_films_do_not_follow(self, tiles: FilmTiles) -> None:
        tiles.run("viewer.link")
        before = state_of(tiles.viewers[1])
        tiles.run("viewer.zoom_in")
        assert state_of(tiles.viewers[1]) == before
        tiles.run("viewer.link")
        assert state_of(tiles.viewers[1]) != before


def test_own_keys_take_the_place_of_ours(qtbot: QtBot, context: UiContext, viewer: FilmViewer) -> None:
    handlers: dict[str, Callable[[], object]] = {action.id: viewer.update for action in VIEWER_ACTIONS}
    bound = bind(context, viewer, VIEWER_ACTIONS, handlers)
    actions = [bound[action.id] for action in VIEWER_ACTIONS]
    dialog = OwnKeysDialog(context, actions, [], viewer)
    qtbot.addWidget(dialog)
    edit = dialog._edits["viewer.invert"]
    edit.setKeySequence("Ctrl+F")
    edit.editingFinished.emit()
    assert bound["viewer.invert"].shortcut().toString() == "Ctrl+F"
    assert SettingsFile(context.places.settings).load().own_keys == (OwnKeys("viewer.invert", "Ctrl+F"),)
    edit.setKeySequence("F")
    edit.editingFinished.emit()
    assert "is taken: Fit to the window" in dialog._problem.text()
    assert bound["viewer.invert"].shortcut().toString() == "Ctrl+F"
    dialog._take_ours()
    assert bound["viewer.invert"].shortcut().toString() == "I"
    assert context.settings.own_keys == ()


def test_settings_with_nonsense_in_them_are_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"own_keys": [{"action": "viewer.fit"}]}', encoding="utf-8")
    assert SettingsFile(path).load() == Settings()


class TestOnRecord:
    def test_a_calibration_changes_every_length_and_survives(
        self, qtbot: QtBot, room: ReadingRoom, study: StudyId, open_study: OpenStudy, clinic: workflow.Clinic
    ) -> None:
        open_study(study)
        viewer = room.study.viewer
        viewer.run("viewer.tool_calibration")
        drag(viewer, (200, 200), (250, 200), (300, 200))
        label = viewer.findChild(QLineEdit, "drawing_label")
        assert label is not None
        QTest.keyClicks(label, "25")
        QTest.keyClick(label, Qt.Key.Key_Return)
        viewer.run("viewer.tool_angle")
        for at in ((200, 300), (250, 300), (250, 350)):
            QTest.mouseClick(viewer, LEFT, NO_KEYS, QPoint(*at))
        qtbot.waitUntil(lambda: len(workflow.reading(clinic, Job(), study).annotations) == 2, timeout=5000)
        known, angle = workflow.reading(clinic, Job(), study).annotations
        assert (known.kind, known.millimetres) == (AnnotationKind.CALIBRATION, 25.0)
        assert angle.kind is AnnotationKind.ANGLE
        assert known.author == clinic.session.user.id
        room.study.leave()
        open_study(study)
        qtbot.waitUntil(lambda: viewer._manual is not None, timeout=5000)
        words = viewer._words(AnnotationKind.LENGTH, known.points, "")
        assert words == "25.0 mm (calibrated by hand)"

    def test_a_prior_stands_beside_the_film(
        self,
        qtbot: QtBot,
        room: ReadingRoom,
        patient: Patient,
        study: StudyId,
        open_study: OpenStudy,
        clinic: workflow.Clinic,
        tmp_path: Path,
    ) -> None:
        earlier = tmp_path / "earlier.png"
        Image.fromarray(draw_film(77, (300, 200))).save(earlier)
        workflow.import_file(clinic, Job(), earlier, patient.id)
        open_study(study)
        room.study.tiles.run("viewer.next_layout")
        beside = room.study.tiles.viewers[1]
        qtbot.waitUntil(lambda: beside.frame is not None, timeout=5000)
        assert beside.picture is not None
        assert beside.picture.rows == 300
        room.study.leave()
        assert beside.picture is None
