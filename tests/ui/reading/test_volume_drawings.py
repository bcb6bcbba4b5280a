"""Drawings and key images on the slices of a CT: drawn with mouse and keys, kept, shown again, printed, handed on."""

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.imaging.slab import Slab, SlabMode
from desktop.jobs import Job
from desktop.records import AnnotationKind, InstanceId, Patient, PrintedPicture, StudyId, VoiWindow
from desktop.ui.context import UiContext
from desktop.ui.reading import ReadingRoom
from desktop.ui.reading.actions import ROOM_ACTIONS, STUDY_ACTIONS
from desktop.ui.reading.hanging_actions import COMPARE_ACTIONS, SLICES_COMPARE_ACTIONS
from desktop.ui.reading.marks_tools import MARKS_ACTIONS
from desktop.ui.viewers.slice_drawer import SliceDrawer
from desktop.ui.viewers.slice_tools import SLICE_ACTIONS
from desktop.ui.viewers.volume import VolumeViewer
from desktop.ui.viewers.volume_commands import VOLUME_ACTIONS
from desktop.ui.viewers.volume_mask_commands import MASK_ACTIONS
from desktop.ui.viewers.volume_state import PaneKind
from desktop.workflow import Clinic, import_finding, import_storing
from desktop.workflow import drawings_exporting as exporting
from desktop.workflow import key_images as marking
from tests.intake.test_series_volume import ct_slice

from .test_marks import keep
from .test_volume_study import _files, _store

SHIFT = Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton
SIZE, COUNT = 40, 8


@pytest.fixture
def ct(clinic: Clinic, patient: Patient, tmp_path: Path) -> StudyId:
    """Eight slices, 0.5 mm in the slice and 2.5 mm apart; slice n holds n * 100 HU at the patient's right."""
    study = pydicom.uid.generate_uid()
    paths = []
    for number in range(COUNT):
        pixels = np.full((SIZE, SIZE), 1024, np.int16)
        pixels[:, : SIZE // 2] += 100 * number
        ds = pydicom.dcmread(io.BytesIO(ct_slice(number, pixels)))
        ds.StudyInstanceUID, ds.StudyDate = study, "20261119"
        paths.append(tmp_path / f"{number}.dcm")
        ds.save_as(paths[-1])
    with import_finding.gather_files(clinic, Job(), paths) as gathered:
        kept = import_storing.keep_files(
            clinic, Job(), import_storing.seal_files(clinic, Job(), gathered.sources, patient.id)
        )
    found = kept.files[0].study
    assert found is not None
    return found


@pytest.fixture
def shown(qtbot: QtBot, context: UiContext, room: ReadingRoom, ct: StudyId) -> VolumeViewer:
    """The study in the reading room."""
    _open(qtbot, context, room, ct)
    return room.study.volume.viewer


def _open(qtbot: QtBot, context: UiContext, room: ReadingRoom, ct: StudyId) -> None:
    room.open_study(ct)
    viewer = room.study.volume.viewer
    qtbot.waitUntil(lambda: viewer.series is not None and viewer.series.solid, timeout=10_000)
    qtbot.waitUntil(lambda: not context.operations.busy, timeout=10_000)
    viewer.setFocus()


def _at(drawer: SliceDrawer, kind: PaneKind, x: float, y: float) -> QPoint:
    """Where a pixel lies on a pane's layer."""
    placing = drawer.grounds.placing(kind)
    assert placing is not None
    return QPointF(*placing.to_view((x, y))).toPoint()


def _draw(drawer: SliceDrawer, kind: PaneKind, *points: tuple[float, float]) -> None:
    """Press at the first, drag to the second."""
    layer = drawer.layers[kind]
    places = [_at(drawer, kind, *point) for point in points]
    QTest.mousePress(layer, LEFT, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(layer, place)
    QTest.mouseRelease(layer, LEFT, pos=places[-1])


def _instance(clinic: Clinic, ct: StudyId, drawer: SliceDrawer) -> InstanceId:
    place = drawer.grounds.place
    assert place is not None
    return place.instance


def test_a_drawing_on_a_slice_is_a_record_of_its_picture_and_shows_whenever_that_is_shown(
    qtbot: QtBot,
    context: UiContext,
    room: ReadingRoom,
    clinic: Clinic,
    ct: StudyId,
    shown: VolumeViewer,
    tmp_path: Path,
) -> None:
    page = room.study
    drawer, axial = page.volume.drawer, PaneKind.AXIAL
    first = _instance(clinic, ct, drawer)
    QTest.keyClick(shown, Qt.Key.Key_L)
    assert drawer.layers[axial].hasFocus()
    _draw(drawer, axial, (5.0, 10.0), (25.0, 10.0))
    qtbot.waitUntil(lambda: len(workflow.reading(clinic, Job(), ct).annotations) == 1)
    (line,) = workflow.reading(clinic, Job(), ct).annotations
    assert (line.instance, line.frame, line.kind) == (first, 1, AnnotationKind.LENGTH)
    assert np.allclose(line.points, ((5.0, 10.0), (25.0, 10.0)), atol=0.2)
    assert drawer.tool is None
    qtbot.waitUntil(lambda: bool(drawer.marks(axial)) and "mm" in drawer.marks(axial)[0].words)
    assert "pixel spacing in the file" in drawer.marks(axial)[0].words
    assert float(drawer.marks(axial)[0].words.split()[0]) == pytest.approx(10.0, abs=0.2)

    QTest.keyClick(shown, Qt.Key.Key_K, SHIFT)  # a point, with the keys alone: the pen begins in the middle
    layer = drawer.layers[axial]
    for key in (*[Qt.Key.Key_Left] * 5, Qt.Key.Key_Return):
        QTest.keyClick(layer, key)
    qtbot.waitUntil(lambda: len(workflow.reading(clinic, Job(), ct).annotations) == 2)
    number = drawer.grounds.at
    assert number is not None
    qtbot.waitUntil(lambda: any(f"{number[1] * 100} HU" in mark.words for mark in drawer.marks(axial)))

    QTest.keyClick(shown, Qt.Key.Key_Up)
    assert drawer.marks(axial) == ()
    assert layer.isHidden()
    QTest.keyClick(shown, Qt.Key.Key_Down)
    assert len(drawer.marks(axial)) == 2
    room.clear()
    _open(qtbot, context, room, ct)
    assert len(drawer.marks(axial)) == 2, "whoever opens the study again sees them"
    QTest.keyClick(shown, Qt.Key.Key_N, SHIFT)
    QTest.keyClick(shown, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: len(drawer.marks(axial)) == 1)

    QTest.keyClick(shown, Qt.Key.Key_4)  # another window goes along
    assert shown.state is not None
    window = shown.state.window
    for format in ("gsps", "tid1500"):
        page.marks.actions[f"marks.save_{format}"].trigger()
        dialog = room.window().findChild(QFileDialog, "save_marks_dialog")
        assert dialog is not None
        out = tmp_path / f"{format}.dcm"
        dialog.fileSelected.emit(str(out))
        dialog.close()
        qtbot.waitUntil(out.exists)
        dialog.setObjectName("")
    state = pydicom.dcmread(tmp_path / "gsps.dcm")
    uid = next(one.instance_uid for one in workflow.open_study(clinic, Job(), ct).study.instances if one.id == first)
    reference = state.GraphicAnnotationSequence[0].ReferencedImageSequence[0]
    assert reference.ReferencedSOPInstanceUID == uid
    assert float(state.SoftcopyVOILUTSequence[0].WindowWidth) == window.width
    assert uid in str(pydicom.dcmread(tmp_path / "tid1500.dcm"))


def test_a_region_is_named_as_it_is_drawn_and_enter_ends_only_its_name(
    qtbot: QtBot, clinic: Clinic, ct: StudyId, shown: VolumeViewer, room: ReadingRoom
) -> None:
    drawer, axial = room.study.volume.drawer, PaneKind.AXIAL
    QTest.keyClick(shown, Qt.Key.Key_E, SHIFT)
    _draw(drawer, axial, (2.0, 5.0), (12.0, 15.0))
    field = drawer.layers[axial].label
    assert field.hasFocus()
    assert shown.state is not None
    alone = shown.state.alone
    QTest.keyClicks(field, "cyst")
    QTest.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: [one.label for one in workflow.reading(clinic, Job(), ct).annotations] == ["cyst"])
    assert shown.state.alone is alone
    qtbot.waitUntil(lambda: any("mean 400 HU" in mark.words for mark in drawer.marks(axial)))
    qtbot.waitUntil(lambda: drawer.marks(axial)[0].words.startswith("cyst · "))
    QTest.keyClick(shown, Qt.Key.Key_L, SHIFT)
    qtbot.waitUntil(field.hasFocus)
    QTest.keyClicks(field, "abscess")
    QTest.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: [one.label for one in workflow.reading(clinic, Job(), ct).annotations] == ["abscess"])


def test_what_is_measured_on_another_plane_says_that_it_is_not_kept(
    qtbot: QtBot, clinic: Clinic, ct: StudyId, shown: VolumeViewer, room: ReadingRoom, context: UiContext
) -> None:
    drawer = room.study.volume.drawer
    QTest.keyClick(shown, Qt.Key.Key_C)
    QTest.keyClick(shown, Qt.Key.Key_L)
    ground = drawer.grounds.ground(PaneKind.CORONAL)
    assert ground is not None
    assert ground.place is None
    assert any("not kept" in line for line in drawer.lines(PaneKind.CORONAL))
    _draw(drawer, PaneKind.CORONAL, (5.0, 10.0), (5.0, 30.0))
    qtbot.waitUntil(lambda: "mm" in drawer.marks(PaneKind.CORONAL)[0].words)
    assert "10.0 mm" in drawer.marks(PaneKind.CORONAL)[0].words
    assert "voxel size" in drawer.marks(PaneKind.CORONAL)[0].words
    assert any("not kept" in line for line in drawer.lines(PaneKind.CORONAL))
    assert drawer.marks(PaneKind.AXIAL) == ()
    shown.choose_slab(Slab(SlabMode.MAXIMUM, 5.0))
    assert drawer.marks(PaneKind.CORONAL) == (), "another slab is another plane"
    thick = drawer.grounds.ground(PaneKind.AXIAL)
    assert thick is not None
    assert thick.place is None
    shown.choose_slab(Slab())
    assert len(drawer.marks(PaneKind.CORONAL)) == 1
    QTest.keyClick(shown, Qt.Key.Key_Delete)
    assert drawer.marks(PaneKind.CORONAL) == ()
    qtbot.waitUntil(lambda: not context.operations.busy)
    assert workflow.reading(clinic, Job(), ct).annotations == ()


def test_a_key_image_is_marked_listed_found_again_and_printed_as_the_screen_shows_it(
    qtbot: QtBot, clinic: Clinic, ct: StudyId, shown: VolumeViewer, room: ReadingRoom, context: UiContext
) -> None:
    page = room.study
    drawer, axial = page.volume.drawer, PaneKind.AXIAL
    marked = _instance(clinic, ct, drawer)
    assert page.volume.marked.isHidden()
    QTest.keyClick(shown, Qt.Key.Key_M, SHIFT)
    qtbot.waitUntil(lambda: drawer.is_key(axial))
    assert drawer.layers[axial].isVisible()
    assert not drawer.is_key(PaneKind.CORONAL)
    assert [one.instance for one in workflow.reading(clinic, Job(), ct).key_images] == [marked]
    assert page.volume.marked.itemText(1) == "Slice 5 of 8 · Key image"
    QTest.keyClick(shown, Qt.Key.Key_Home)
    assert not drawer.is_key(axial)
    page.volume.marked.activated.emit(1)
    assert drawer.is_key(axial)
    QTest.keyClick(shown, Qt.Key.Key_End)
    QTest.keyClick(shown, Qt.Key.Key_PageDown, Qt.KeyboardModifier.ControlModifier)
    assert drawer.is_key(axial)
    QTest.keyClick(shown, Qt.Key.Key_Home)
    shown.choose_window(VoiWindow(300.0, 80.0))
    page._desk.record_impression("No fracture.")
    qtbot.waitUntil(lambda: page.sitting is not None and bool(page.sitting.reading.impressions))
    page.show_report()
    qtbot.waitUntil(lambda: page.preview.ready, timeout=10_000)
    page._sign()
    qtbot.waitUntil(lambda: bool(workflow.reading(clinic, Job(), ct).reports), timeout=10_000)
    (report,) = workflow.reading(clinic, Job(), ct).reports
    assert report.content.picture == PrintedPicture(marked, 1, VoiWindow(300.0, 80.0))
    qtbot.waitUntil(lambda: page.preview.ready and not context.operations.busy, timeout=10_000)


def test_slices_shown_one_by_one_are_drawn_on_too(
    qtbot: QtBot, context: UiContext, clinic: Clinic, patient: Patient, room: ReadingRoom, tmp_path: Path
) -> None:
    study = _store(clinic, _files(tmp_path, lacking=5), patient.id)
    room.open_study(study)
    viewer, drawer, kind = room.study.volume.viewer, room.study.volume.drawer, PaneKind.SLICES
    qtbot.waitUntil(lambda: viewer.series is not None and viewer.series.count == 11, timeout=10_000)
    qtbot.waitUntil(lambda: drawer.grounds.ground(kind) is not None and not context.operations.busy, timeout=10_000)
    viewer.setFocus()
    QTest.keyClick(viewer, Qt.Key.Key_L)
    _draw(drawer, kind, (4.0, 6.0), (24.0, 6.0))
    qtbot.waitUntil(lambda: len(workflow.reading(clinic, Job(), study).annotations) == 1)
    (line,) = workflow.reading(clinic, Job(), study).annotations
    assert np.allclose(line.points, ((4.0, 6.0), (24.0, 6.0)), atol=0.2)
    assert line.instance == _instance(clinic, study, drawer)
    qtbot.waitUntil(
        lambda: bool(drawer.marks(kind)) and drawer.marks(kind)[0].words.startswith(("10.0 mm", "9.9", "10.1"))
    )
    QTest.keyClick(viewer, Qt.Key.Key_Up)
    qtbot.waitUntil(lambda: drawer.marks(kind) == ())
    QTest.keyClick(viewer, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: len(drawer.marks(kind)) == 1)
    QTest.mouseClick(drawer.layers[kind], LEFT, pos=_at(drawer, kind, 14.0, 6.0))
    assert drawer.selected == line
    QTest.keyClick(viewer, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: workflow.reading(clinic, Job(), study).annotations == ())
    qtbot.waitUntil(lambda: not context.operations.busy, timeout=10_000)


def test_a_key_image_of_another_series_is_listed_and_opens_it(
    qtbot: QtBot, context: UiContext, clinic: Clinic, patient: Patient, room: ReadingRoom, tmp_path: Path
) -> None:
    study = _store(clinic, _files(tmp_path), patient.id)
    _open(qtbot, context, room, study)
    screen = room.study.volume
    bone = next(place for place, series in _places(clinic, study).items() if series == 1)
    marking.mark_key_image(clinic, Job(), bone)
    room.study._desk._reload()
    qtbot.waitUntil(lambda: screen.marked.count() == 2)
    assert screen.marked.itemText(1) == "bone (4) · Key image"
    screen.marked.activated.emit(1)
    qtbot.waitUntil(lambda: screen.viewer.series is not None and screen.viewer.series.count == 4, timeout=10_000)
    qtbot.waitUntil(lambda: screen.drawer.is_key(PaneKind.AXIAL))
    assert screen.marked.itemText(1).startswith("Slice ")
    qtbot.waitUntil(lambda: not context.operations.busy, timeout=10_000)


def _places(clinic: Clinic, study: StudyId) -> dict[InstanceId, int]:
    """Which series each picture belongs to."""
    return dict(workflow.open_series(clinic, Job(), study).series_of)


def test_a_colleagues_key_image_from_a_file_shows_as_ours(
    qtbot: QtBot,
    clinic: Clinic,
    ct: StudyId,
    shown: VolumeViewer,
    room: ReadingRoom,
    context: UiContext,
    tmp_path: Path,
) -> None:
    drawer, axial = room.study.volume.drawer, PaneKind.AXIAL
    place = drawer.grounds.place
    assert place is not None
    workflow.annotate(clinic, Job(), place.instance, AnnotationKind.LENGTH, ((5.0, 5.0), (25.0, 5.0)), "old")
    marking.mark_key_image(clinic, Job(), place.instance)
    for format in ("tid1500", "ko"):
        exporting.export_drawings(clinic, Job(), ct, format, tmp_path / f"{format}.dcm")
    (ours,) = workflow.reading(clinic, Job(), ct).annotations
    workflow.remove_annotation(clinic, Job(), ours)
    marking.mark_key_image(clinic, Job(), place.instance, marked=False)
    keep(clinic, workflow.open_study(clinic, Job(), ct).patient, tmp_path / "tid1500.dcm", tmp_path / "ko.dcm")
    room.clear()
    _open(qtbot, context, room, ct)
    assert drawer.is_key(axial)
    (mark,) = drawer.marks(axial)
    assert mark.foreign
    assert mark.words.startswith("old\nLength 10 mm")
    QTest.keyClick(shown, Qt.Key.Key_I, SHIFT)
    assert drawer.marks(axial) == ()


def test_no_key_of_theirs_means_something_else_before_slices() -> None:
    others = (*VOLUME_ACTIONS, *MASK_ACTIONS, *STUDY_ACTIONS, *ROOM_ACTIONS, *MARKS_ACTIONS)
    taken = {keys for action in (*others, *COMPARE_ACTIONS, *SLICES_COMPARE_ACTIONS) for keys in action.shortcuts}
    own = [keys for action in SLICE_ACTIONS for keys in action.shortcuts]
    assert len(own) == len(set(own))
    assert not taken & set(own)
