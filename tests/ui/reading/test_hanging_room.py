"""Earlier pictures beside new ones in the reading room: found, hung, compared, remembered; nothing of a model shown."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QComboBox, QPushButton
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.imaging.registration import Registration, RegistrationProblem, Rigid
from desktop.jobs import Job
from desktop.records import Patient, StudyId
from desktop.settings import OwnLayout, SettingsFile
from desktop.ui.context import UiContext
from desktop.ui.reading import ReadingRoom, hanging_volumes
from desktop.ui.settings.layouts import LayoutsSection
from desktop.ui.viewers.compare_films import BesidePane, Legend, paint_legend
from desktop.ui.viewers.volume_state import PaneKind, plane_for
from desktop.workflow import Clinic, import_finding, import_storing
from tests.ui.reading.conftest import OpenStudy, StandIn, draw_film
from tests.ui.reading.test_seal import texts

Pixels = npt.NDArray[np.uint8]


def _film(folder: Path, name: str, pixels: Pixels, day: str, view: str = "PA") -> Path:
    """A radiograph of a chest as a station writes it."""
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", generate_uid()
    made.StudyInstanceUID, made.SeriesInstanceUID = generate_uid(), generate_uid()
    made.Modality, made.StudyDate, made.BodyPartExamined, made.ViewPosition = "DX", day, "CHEST", view
    made.Rows, made.Columns = pixels.shape
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    made.PixelData = pixels.tobytes()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path = folder / f"{name}.dcm"
    made.save_as(path, enforce_file_format=True)
    return path


def _store(clinic: Clinic, paths: list[Path], patient: Patient) -> StudyId:
    with import_finding.gather_files(clinic, Job(), paths) as gathered:
        sealed = import_storing.seal_files(clinic, Job(), gathered.sources, patient.id)
        kept = import_storing.keep_files(clinic, Job(), sealed)
    study = kept.files[0].study
    assert study is not None
    return study


def _chest(seed: int, spot: bool = False) -> Pixels:
    y, x = np.mgrid[0:240, 0:280].astype(np.float64)
    film = 150 + 20 * np.sin(y / 11)
    for middle in (85, 195):
        film[np.hypot((x - middle) / 44, (y - 110) / 76) < 1] -= 90
    film[np.hypot((x - 160) / 38, (y - 150) / 42) < 1] += 60
    if spot:
        film[np.hypot(x - 80, y - 110) < 12] += 90
    noise = np.random.default_rng(seed).normal(0, 4, film.shape)
    return np.asarray(np.clip(film + noise, 0, 255), np.uint8)


@pytest.fixture
def now(clinic: Clinic, patient: Patient, tmp_path: Path) -> StudyId:
    """A chest film with an earlier one and an earlier side view on record, the newest brought in last but one."""
    _store(clinic, [_film(tmp_path, "old", _chest(1), "20260301")], patient)
    study = _store(clinic, [_film(tmp_path, "new", _chest(2, spot=True), "20261110")], patient)
    _store(clinic, [_film(tmp_path, "side", draw_film(3), "20260601", "LL")], patient)
    return study


def test_the_newest_comparable_film_hangs_beside(
    qtbot: QtBot, context: UiContext, room: ReadingRoom, open_study: OpenStudy, now: StudyId, model: StandIn
) -> None:
    for summary in workflow.open_study(context.open_clinic, Job(), now).others:
        workflow.suggest(context.open_clinic, Job(), summary.study.id)
    open_study(now)
    tiles = room.study.tiles
    assert tiles.layout_shown == (1, 2)
    qtbot.waitUntil(lambda: tiles.viewers[1].frame is not None)
    beside = tiles.viewers[1].picture
    assert beside is not None
    assert beside.header.study_date is not None
    assert beside.header.study_date.isoformat() == "2026-03-01"
    assert "8 months earlier" in tiles.viewers[1]._text.study
    every = texts(room)
    assert not [text for text in every if "0.91" in text or "91 %" in text or "Pneumonia" in text]
    assert tiles.viewers[1].overlay is None


def test_what_changed_takes_the_earlier_films_place(
    qtbot: QtBot, context: UiContext, room: ReadingRoom, open_study: OpenStudy, now: StudyId
) -> None:
    open_study(now)
    tools, pane = room.study.hanging, room.study.tiles.viewers[1]
    qtbot.waitUntil(lambda: pane.frame is not None)
    assert isinstance(pane, BesidePane)
    tools.run("compare.difference")
    qtbot.waitUntil(lambda: pane.legend is not None and pane.frame is not None, timeout=20_000)
    assert pane.legend is not None
    assert pane.legend.brighter == "brighter than before"
    assert pane.picture is not None
    red, _, blue = (int(part) for part in pane.picture.pixels[110, 80])
    assert red > 150
    assert blue < 60
    assert "What changed since:" in pane._text.study
    pane.grab()
    room.study.tiles.run("viewer.zoom_in")
    one, other = room.study.viewer.state, pane.state
    assert one is not None
    assert other is not None
    assert one.zoom / other.zoom == pytest.approx(1.0)
    tools.run("compare.difference")
    qtbot.waitUntil(lambda: pane.legend is None)
    assert not tools.films.comparing
    assert context.settings.own_layouts == ()


def test_the_frontal_view_is_read_first_and_the_side_view_hangs_beside(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, clinic: Clinic, patient: Patient, tmp_path: Path
) -> None:
    paths = [_film(tmp_path, view, _chest(n), "20260303", view) for n, view in enumerate(("LL", "PA"))]
    one = pydicom.dcmread(paths[0]).StudyInstanceUID
    other = pydicom.dcmread(paths[1])
    other.StudyInstanceUID = one
    other.save_as(paths[1])
    open_study(_store(clinic, paths, patient))
    tiles = room.study.tiles
    assert tiles.layout_shown == (1, 2)
    qtbot.waitUntil(lambda: tiles.viewers[1].frame is not None)
    views = [pane.picture.header.view_position for pane in tiles.viewers if pane.picture is not None]
    assert views == ["PA", "LL"]


def test_no_difference_is_said_in_words(
    qtbot: QtBot, room: ReadingRoom, open_study: OpenStudy, clinic: Clinic, patient: Patient, tmp_path: Path
) -> None:
    upside_down = np.ascontiguousarray(_chest(7)[::-1])
    _store(clinic, [_film(tmp_path, "a", upside_down, "20260102", "")], patient)
    open_study(_store(clinic, [_film(tmp_path, "b", _chest(8), "20260202")], patient))
    pane = room.study.tiles.viewers[1]
    qtbot.waitUntil(lambda: pane.frame is not None)
    room.study.hanging.run("compare.difference")
    qtbot.waitUntil(lambda: pane.picture is None, timeout=20_000)
    assert pane._empty.startswith("No difference is shown")
    pane.grab()


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # off-screen, no popup grabs the keyboard
def test_a_layout_chosen_by_hand_is_how_the_next_opens(
    qtbot: QtBot,
    context: UiContext,
    room: ReadingRoom,
    open_study: OpenStudy,
    now: StudyId,
    study: StudyId,
) -> None:
    told: list[str] = []
    context.toast_requested.connect(told.append)
    open_study(now)
    chooser = room.study.hanging.choose_layout()
    assert chooser.size_shown == (1, 2)
    squares = chooser._squares
    QTest.keyClick(squares, Qt.Key.Key_Down)
    assert chooser.size_shown == (2, 2)
    QTest.keyClick(squares, Qt.Key.Key_Return)
    assert _layout(room) == (2, 2)
    assert any("Remembered: X-ray · Chest · with an earlier one" in words for words in told)
    room.study.tiles.run("viewer.link")
    assert len([words for words in told if "Remembered" in words]) == 1
    user = context.open_clinic.session.user.id
    own = OwnLayout(user, "x_ray", "CHEST", True, 2, 2, linked=False)
    assert SettingsFile(context.places.settings).load().own_layouts == (own,)
    open_study(study)
    assert _layout(room) == (1, 1)
    assert _linked(room) is True
    open_study(now)
    assert _layout(room) == (2, 2)
    assert _linked(room) is False
    room.study.hanging.run("compare.prior")
    assert _layout(room) == (1, 1)
    room.study.hanging.run("compare.prior")
    assert _layout(room) == (1, 2)


def _linked(room: ReadingRoom) -> bool:
    return room.study.tiles.linked


def _kept(context: UiContext) -> list[OwnLayout]:
    return list(context.settings.own_layouts)


def _layout(room: ReadingRoom) -> tuple[int, int]:
    return room.study.tiles.layout_shown


def test_settings_show_change_and_forget_layouts(qtbot: QtBot, context: UiContext) -> None:
    user = context.open_clinic.session.user.id
    mine = OwnLayout(user, "x_ray", "CHEST", True, 2, 2)
    slices = OwnLayout(user, "ct", "HEAD", True, 1, 2)
    theirs = OwnLayout("somebody", "ct", "HEAD", True, 1, 1)
    context.change_settings(replace(context.settings, own_layouts=(mine, slices, theirs)))
    section = LayoutsSection(context)
    qtbot.addWidget(section)
    section.activated()
    sizes, linked = section.findChild(QComboBox, "layout_size_0"), section.findChild(QCheckBox, "layout_linked_0")
    assert sizes is not None
    assert linked is not None
    assert sizes.currentText() == "2 × 2"
    sizes.activated.emit(sizes.count() - 1)
    linked.setChecked(False)
    changed = replace(mine, rows=3, columns=3, linked=False)
    assert _kept(context) == [changed, slices, theirs]
    forget = section.findChild(QPushButton, "layout_forget_1")
    assert forget is not None
    forget.click()
    assert _kept(context) == [changed, theirs]
    everything = section.findChild(QPushButton, "layouts_forget_all")
    assert everything is not None
    everything.click()
    assert _kept(context) == [theirs]
    assert any("not changed any layout" in text for text in texts(section))


# Slices


def _scan(folder: Path, name: str, day: str, higher: float) -> list[Path]:
    """A small CT: a block with a bright corner, `higher` mm further up in the scanner's own coordinates."""
    study, series = generate_uid(), generate_uid()
    paths = []
    from tests.intake.test_series_volume import ct_slice

    for number in range(16):
        pixels = np.full((24, 24), 24, np.int16)
        pixels[4:20, 6:18] = 1064
        pixels[5:9, 7 : 8 + number // 2] = 1500
        made = pydicom.dcmread(io.BytesIO(ct_slice(number, pixels)))
        made.StudyInstanceUID, made.SeriesInstanceUID = study, series
        made.StudyDate, made.BodyPartExamined, made.PixelSpacing = day, "HEAD", [4.0, 4.0]
        made.ImagePositionPatient = [-10, -20, 4.0 * number + higher]
        made.SliceThickness = 4.0
        paths.append(folder / f"{name}{number}.dcm")
        made.save_as(paths[-1])
    return paths


@pytest.fixture
def scan(clinic: Clinic, patient: Patient, tmp_path: Path) -> StudyId:
    """A CT with an earlier one that lay 40 mm higher."""
    _store(clinic, _scan(tmp_path, "old", "20260101", 40.0), patient)
    return _store(clinic, _scan(tmp_path, "new", "20260501", 0.0), patient)


def _wait_beside(qtbot: QtBot, context: UiContext, room: ReadingRoom) -> None:
    volumes = room.study.hanging.volumes
    qtbot.waitUntil(lambda: volumes.beside and volumes.other.series is not None, timeout=20_000)
    qtbot.waitUntil(lambda: not context.operations.busy, timeout=30_000)


def test_an_earlier_scan_scrolls_along_by_place(
    qtbot: QtBot, context: UiContext, room: ReadingRoom, scan: StudyId
) -> None:
    room.open_study(scan)
    _wait_beside(qtbot, context, room)
    volumes, viewer = room.study.hanging.volumes, room.study.volume.viewer
    assert any(text.startswith("Aligned automatically") for text in texts(volumes))
    assert viewer.run("volume.onward")
    viewer.run("volume.zoom_in")
    one, other = viewer.state, volumes.other.state
    assert one is not None
    assert other is not None
    assert other.alone
    assert other.active is one.active is PaneKind.AXIAL
    expected = (one.cross[0], one.cross[1], one.cross[2] + 40.0)
    assert np.linalg.norm(np.array(other.cross) - np.array(expected)) < 4.0
    assert other.window == one.window
    series = volumes.other.series
    assert series is not None
    assert plane_for(PaneKind.AXIAL, series.volumes[0], other) is not None
    assert volumes.other.run("volume.onward")
    moved = viewer.state
    assert moved is not None
    assert moved.cross[2] > one.cross[2]
    room.study.hanging.run("compare.link")
    assert volumes.other.run("volume.onward")
    assert viewer.state == moved
    assert context.settings.own_layouts[0].linked is False
    room.study.hanging.run("compare.difference")
    qtbot.waitUntil(lambda: volumes.other.series is not series, timeout=20_000)
    qtbot.waitUntil(lambda: not context.operations.busy, timeout=20_000)
    assert any(text.startswith("Bright: denser now") for text in texts(volumes))
    room.study.hanging.run("compare.prior")
    room.study.hanging.run("compare.prior")
    assert not volumes.beside
    room.clear()
    assert volumes.other.series is None


def test_a_failed_alignment_says_so_and_shows_no_difference(
    qtbot: QtBot, context: UiContext, room: ReadingRoom, scan: StudyId, monkeypatch: pytest.MonkeyPatch
) -> None:
    poor = Registration(Rigid(), 0.2, 0.9, 30.0, RegistrationProblem.NOT_CONVERGED)
    monkeypatch.setattr(hanging_volumes, "register_volumes", lambda now, before, job: poor)
    room.open_study(scan)
    _wait_beside(qtbot, context, room)
    volumes = room.study.hanging.volumes
    earlier = volumes.other.series
    room.study.hanging.run("compare.difference")
    qtbot.waitUntil(lambda: not context.operations.busy, timeout=20_000)
    assert volumes.other.series is earlier
    assert any(
        text.startswith("Could not be aligned automatically (two tries differ by 30.0 mm") for text in texts(volumes)
    )
    # By the middles until somebody shows the same place in both.
    assert volumes.motion.shift == pytest.approx((0.0, 0.0, 40.0))


def test_a_photograph_without_a_part_has_nothing_to_compare_with(
    context: UiContext, room: ReadingRoom, open_study: OpenStudy, clinic: Clinic, patient: Patient, tmp_path: Path
) -> None:
    told: list[str] = []
    context.toast_requested.connect(told.append)
    for number in (1, 2):
        Image.fromarray(draw_film(number)).save(tmp_path / f"{number}.png")
        last = workflow.import_file(clinic, Job(), tmp_path / f"{number}.png", patient.id).study
    open_study(last)
    assert _layout(room) == (1, 1)
    room.study.hanging.run("compare.difference")
    assert told == ["No earlier picture of this part to compare with."]


def test_the_legend_gives_way_to_the_picture_in_a_small_pane(qtbot: QtBot, context: UiContext) -> None:
    legend = Legend("darker than before", "brighter than before", ("Aligned", "Look at both films"))
    heights = []
    for height in (300, 600):
        pixmap = QPixmap(400, height)
        pixmap.fill(Qt.GlobalColor.white)
        painter = QPainter(pixmap)
        paint_legend(painter, legend, 400, height)
        painter.end()
        image = pixmap.toImage()
        heights.append(sum(image.pixelColor(200, row).lightness() < 200 for row in range(height)))
    assert 0 < heights[0] < 60 < heights[1]
