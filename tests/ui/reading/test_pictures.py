"""Photographs in the reading room: a film straightened, the back of an eye, cells counted. With mouse and with keys."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.imaging.fundus import FundusLook, looked_at
from desktop.intake.folder import DiskSource
from desktop.jobs import Job
from desktop.records import AnnotationKind, Patient, Photometric, StudyId
from desktop.ui.reading import ReadingRoom
from desktop.ui.viewers.photo import PhotoDialog
from desktop.workflow.import_storing import keep_files, seal_files
from tests.imaging.film_scene import Scene, outline, photographed
from tests.intake.other_formats import clip_bytes

from .conftest import OpenStudy, draw_film

Key = Qt.Key


@pytest.fixture
def photo(clinic: workflow.Clinic, patient: Patient, tmp_path: Path) -> StudyId:
    """A film of our own drawing, photographed askew before a light box."""
    picture, _ = photographed(draw_film(3, (400, 320)), Scene(pitch=9, yaw=-7), 0.8)
    path = tmp_path / "phone.png"
    Image.fromarray(picture.pixels).save(path)
    return workflow.import_file(clinic, Job(), path, patient.id).study


@pytest.fixture
def colours(clinic: workflow.Clinic, patient: Patient, tmp_path: Path) -> StudyId:
    """A colour photograph whose channels differ."""
    red, green = draw_film(4, (300, 400)), draw_film(5, (300, 400))
    path = tmp_path / "eye.png"
    Image.fromarray(np.stack([red, green, red // 3], axis=-1)).save(path)
    return workflow.import_file(clinic, Job(), path, patient.id).study


def drawings(clinic: workflow.Clinic, study: StudyId) -> list[tuple[AnnotationKind, str, int]]:
    """What is on record: kind, label and number of points of each drawing."""
    found = workflow.reading(clinic, Job(), study).annotations
    return [(one.kind, one.label, len(one.points)) for one in found]


def dialog_of(qtbot: QtBot, room: ReadingRoom) -> PhotoDialog:
    QTest.keyClick(room.study.viewer, Key.Key_T, Qt.KeyboardModifier.ShiftModifier)
    made = room.window().findChild(PhotoDialog)
    assert made is not None
    qtbot.waitUntil(made.keep.isEnabled)
    return made


def test_a_straight_film_is_kept_beside_the_photograph(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, clinic: workflow.Clinic, photo: StudyId
) -> None:
    open_study(photo)
    dialog = dialog_of(qtbot, room)
    proposed = dialog.corners.corners
    assert proposed is not None
    true = outline(Scene(pitch=9, yaw=-7), 0.8)
    assert np.hypot(*(np.array(proposed) - true).T).max() < 8
    qtbot.waitUntil(lambda: not dialog.preview.pixmap().isNull())
    assert len(workflow.open_study(clinic, Job(), photo).study.instances) == 1, "nothing is kept before it is confirmed"
    QTest.mouseClick(dialog.keep, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: room.sitting is not None and len(room.sitting.study.study.instances) == 2)
    opened = workflow.open_study(clinic, Job(), photo)
    original, film = opened.study.instances
    assert film.made_from == original.id
    assert opened.study.main == film
    assert opened.pictures[original.id].photometric is Photometric.RGB
    assert opened.pictures[film.id].photometric is Photometric.MONOCHROME2
    assert opened.pictures[film.id].spacing is None
    assert film.columns / film.rows == pytest.approx(0.8, rel=0.04)
    qtbot.waitUntil(lambda: room.study.viewer.picture is not None and room.study.viewer.picture.columns == film.columns)


def test_corners_move_with_mouse_and_keys_and_nothing_is_kept_by_esc(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, clinic: workflow.Clinic, photo: StudyId
) -> None:
    open_study(photo)
    dialog = dialog_of(qtbot, room)
    view = dialog.corners
    assert view.corners is not None
    before = view.corners
    QTest.keyClick(view, Key.Key_3)
    QTest.keyClick(view, Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    after = view.corners
    assert after[2][0] < before[2][0]
    assert after[:2] == before[:2]
    start = view.place(after[0]).toPoint()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(view, start + QPoint(30, 20))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=start + QPoint(30, 20))
    assert view.corners[0][0] > after[0][0]
    QTest.keyClick(dialog, Key.Key_Escape)
    assert len(workflow.open_study(clinic, Job(), photo).study.instances) == 1


def test_green_light_keeps_the_view_and_says_so(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, colours: StudyId
) -> None:
    open_study(colours)
    viewer = room.study.viewer
    taken = viewer.picture
    assert taken is not None
    viewer.run("viewer.zoom_in")
    zoom = viewer.state.zoom if viewer.state is not None else 0
    QTest.keyClick(viewer, Key.Key_R, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: viewer.picture is not taken)
    assert viewer.picture is not None
    assert viewer.picture.photometric is Photometric.MONOCHROME2
    assert np.array_equal(viewer.picture.pixels, taken.pixels[..., 1])
    assert viewer.state is not None
    assert viewer.state.zoom == zoom
    green = viewer.picture
    QTest.keyClick(viewer, Key.Key_L, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: viewer.picture is not green)
    assert np.array_equal(viewer.picture.pixels, looked_at(taken, FundusLook.GREEN_ENHANCED).pixels)
    for key in (Key.Key_L, Key.Key_R):
        QTest.keyClick(viewer, key, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: viewer.picture is taken)


def test_cells_are_counted_by_click_and_key_and_survive_reopening(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, clinic: workflow.Clinic, colours: StudyId
) -> None:
    open_study(colours)
    viewer, counts = room.study.viewer, room.study.tools.counts
    QTest.keyClick(viewer, Key.Key_N, Qt.KeyboardModifier.ShiftModifier)
    assert room.study.tools.counts.at_work
    for place in (QPoint(300, 200), QPoint(340, 220), QPoint(380, 260)):
        QTest.mouseClick(counts, Qt.MouseButton.LeftButton, pos=place)
    QTest.keyClick(counts, Key.Key_2)
    QTest.keyClick(counts, Key.Key_N)
    name = QApplication.focusWidget()
    assert name is not None
    QTest.keyClicks(name, "Ring forms")
    QTest.keyClick(name, Key.Key_Return)
    QTest.keyClick(counts, Key.Key_Right)
    QTest.keyClick(counts, Key.Key_Return)
    QTest.keyClick(counts, Key.Key_Return)
    QTest.keyClick(counts, Key.Key_Backspace)
    expected = [(AnnotationKind.COUNT, "Class 1", 3), (AnnotationKind.COUNT, "Ring forms", 1)]
    qtbot.waitUntil(lambda: sorted(drawings(clinic, colours)) == sorted(expected))
    QTest.keyClick(counts, Key.Key_T)
    assert "Counted 4: Class 1 3 (75.0 %); Ring forms 1 (25.0 %)" in room.study.panel.read.findings_words
    QTest.mouseClick(counts, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, QPoint(341, 221))
    qtbot.waitUntil(lambda: (AnnotationKind.COUNT, "Class 1", 2) in drawings(clinic, colours))
    QTest.keyClick(counts, Key.Key_Escape)
    assert not counts.at_work
    author = workflow.reading(clinic, Job(), colours).annotations[0].author
    assert author == clinic.session.user.id
    room.study.leave()
    open_study(colours)
    assert counts.counting is not None
    assert {(one.name, len(one.points)) for one in counts.counting.classes if one.points} == {
        ("Class 1", 2),
        ("Ring forms", 1),
    }


def test_clicks_made_a_moment_before_leaving_are_kept(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, clinic: workflow.Clinic, colours: StudyId
) -> None:
    open_study(colours)
    counts = room.study.tools.counts
    QTest.keyClick(room.study.viewer, Key.Key_N, Qt.KeyboardModifier.ShiftModifier)
    for across in range(6):
        QTest.mouseClick(counts, Qt.MouseButton.LeftButton, pos=QPoint(250 + 20 * across, 240))
    room.study.leave()
    qtbot.waitUntil(lambda: drawings(clinic, colours) == [(AnnotationKind.COUNT, "Class 1", 6)])


def test_marks_and_looks_are_not_for_what_moves(
    room: ReadingRoom, open_study: OpenStudy, clinic: workflow.Clinic, patient: Patient, tmp_path: Path
) -> None:
    path = tmp_path / "scope.avi"
    path.write_bytes(clip_bytes(".avi"))
    source = DiskSource(path, path.stat().st_size)
    study = keep_files(clinic, Job(), seal_files(clinic, Job(), (source,), patient.id)).files[0].study
    assert study is not None
    open_study(study)
    viewer, taken = room.study.viewer, room.study.viewer.picture
    for key in (Key.Key_N, Key.Key_O, Key.Key_T, Key.Key_R, Key.Key_L):
        QTest.keyClick(viewer, key, Qt.KeyboardModifier.ShiftModifier)
    assert not room.study.tools.counts.at_work
    assert not room.study.tools.grid.at_work
    assert room.window().findChild(PhotoDialog) is None
    assert viewer.picture is taken


def test_a_grid_is_sized_by_the_disc_moved_and_kept(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, clinic: workflow.Clinic, colours: StudyId
) -> None:
    open_study(colours)
    viewer, grid = room.study.viewer, room.study.tools.grid
    QTest.keyClick(viewer, Key.Key_O, Qt.KeyboardModifier.ShiftModifier)
    for place in (QPoint(300, 300), QPoint(360, 300)):
        QTest.mouseClick(grid, Qt.MouseButton.LeftButton, pos=place)
    made = grid.grid
    assert made is not None
    assert viewer.state is not None
    assert made.pixels_per_mm * viewer.state.zoom == pytest.approx(60 / 1.80, rel=0.02)
    assert made.centre == made.disc_centre
    QTest.keyClick(grid, Key.Key_Right)
    assert grid.grid is not None
    assert grid.grid.centre[0] > made.centre[0]
    qtbot.waitUntil(lambda: drawings(clinic, colours) == [(AnnotationKind.GRID_DISC, "", 3)])
    QTest.keyClick(grid, Key.Key_C)
    assert grid.grid.centre == made.disc_centre
    QTest.keyClick(grid, Key.Key_R)
    for place in (QPoint(300, 300), QPoint(460, 320)):
        QTest.mouseClick(grid, Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: drawings(clinic, colours) == [(AnnotationKind.GRID_FOVEA, "", 3)])
    QTest.keyClick(grid, Key.Key_Delete)
    qtbot.waitUntil(lambda: drawings(clinic, colours) == [])
