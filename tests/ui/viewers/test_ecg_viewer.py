"""The ECG page: true to scale, complete, and worked by keys and mouse."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.i18n import Language
from desktop.records import STANDARD_LEADS, FileHeader, Lead, Modality, Recording, Trace, TraceFormat
from desktop.settings import Theme
from desktop.signals.synthetic import DrawnHeart, draw
from desktop.ui.context import UiContext
from desktop.ui.reading.actions import ECG_ACTIONS, ROOM_ACTIONS, STUDY_ACTIONS
from desktop.ui.viewers.ecg import EcgViewer
from desktop.ui.viewers.ecg_calibration import BAR_MM, CalibrationDialog
from desktop.ui.viewers.ecg_commands import ECG_COMMANDS
from desktop.ui.viewers.ecg_screen import ScaleSource, scale_of
from desktop.ui.viewers.ecg_state import LEAD_IN, EcgLayout, EcgView, fitting_layout, lay_out
from desktop.ui.viewers.ecg_tiles import thinned

PIXELS = 4.0
"""Logical pixels in a millimetre in these tests: as if somebody had measured the screen."""


def recording(trace: Trace) -> Recording:
    return Recording((trace,), FileHeader(modality=Modality.ECG), TraceFormat.CSV)


@pytest.fixture
def viewer(qtbot: QtBot, context: UiContext) -> Iterator[EcgViewer]:
    """A page wide enough for ten seconds in true size, with a drawn heart on it."""
    made = EcgViewer(context)
    qtbot.addWidget(made)
    made.resize(1100, 760)
    made.set_screen_scale(PIXELS)
    made.show()
    qtbot.waitExposed(made)
    made.show_recording(recording(draw(DrawnHeart(), seconds=20.0).trace))
    qtbot.waitUntil(lambda: made.source is not None and made.measurements is not None, timeout=20_000)
    yield made
    made.clear()


def painted(viewer: EcgViewer) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The page as (rows, columns) of grey."""
    image = QImage(viewer.size(), QImage.Format.Format_Grayscale8)
    viewer.render(image)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width()].copy()  # the memory is the image's


@pytest.mark.parametrize("layout", [EcgLayout.THREE_BY_FOUR, EcgLayout.SIX_BY_TWO, EcgLayout.TWELVE_BY_ONE])
def test_every_lead_is_on_every_page(layout: EcgLayout) -> None:
    trace = draw(DrawnHeart()).trace
    page = lay_out(trace, EcgView(layout=layout), (270.0, 160.0))
    names = [trace.leads[strip.row].name for strip in page.strips]
    assert set(names) == set(STANDARD_LEADS)
    assert page.scale == 1.0
    assert page.seconds == pytest.approx(10.0, abs=0.5)
    assert all(strip.left == pytest.approx(page.place_of(strip.begin, EcgView(layout=layout))) for strip in page.strips)


def test_three_by_four_is_read_down_the_columns() -> None:
    trace = draw(DrawnHeart()).trace
    page = lay_out(trace, EcgView(), (270.0, 160.0))
    rows = [
        [trace.leads[s.row].name for s in page.strips if s.top == top] for top in sorted({s.top for s in page.strips})
    ]
    assert rows == [["I", "aVR", "V1", "V4"], ["II", "aVL", "V2", "V5"], ["III", "aVF", "V3", "V6"], ["II"]]


def test_a_narrow_viewer_shows_the_page_smaller_or_less_of_it_in_true_size() -> None:
    trace = draw(DrawnHeart()).trace
    fitted = lay_out(trace, EcgView(), (130.0, 100.0))
    assert fitted.scale == pytest.approx(130 / (LEAD_IN + 250))
    true = lay_out(trace, EcgView(fitted=False), (130.0, 100.0))
    assert true.scale == 1.0
    assert true.seconds == pytest.approx((130 - LEAD_IN) / 25)


def test_the_page_is_true_to_scale(viewer: EcgViewer, context: UiContext) -> None:
    """The calibration pulse is 10 mm high, and the squares are 5 mm wide, in the pixels that were measured."""
    context.change_settings(replace(context.settings, theme=Theme.LIGHT))
    viewer.run("ecg.layout_12x1")
    viewer.run("ecg.layout_3x4")
    grey = painted(viewer)
    page = viewer.page()
    assert page is not None
    assert page.scale == 1.0
    x = round((LEAD_IN - 4.5) * PIXELS)
    dark = np.flatnonzero((grey[:, x - 2 : x + 3] < 90).all(axis=1))
    first_row = viewer._paper().top() + page.strips[0].middle * PIXELS - 10 * PIXELS
    assert np.abs(dark - first_row).min() <= 1.5
    empty = grey[round(viewer._paper().top()) + 3, round(10 * PIXELS) :].astype(int)
    major = np.flatnonzero(empty < 205)
    steps = np.diff(major[np.insert(np.diff(major) > 2, 0, True)])
    assert np.median(steps) == pytest.approx(5 * PIXELS, abs=1)


def test_thinning_loses_no_peak() -> None:
    dice = np.random.default_rng(1)
    y = dice.normal(0, 1, 10_000)
    y[5021] = 50.0
    x, kept = thinned(np.arange(10_000, dtype=np.float64) * 0.1, y, 0.1)
    assert len(x) == len(kept) < 3_000
    assert kept.max() == 50.0
    assert kept.min() == y.min()


def test_a_page_scrolled_to_is_the_page_drawn_anew(viewer: EcgViewer) -> None:
    """Tiles kept while scrolling join without a seam, and nothing of where the page was is left on it."""
    for layout in ("ecg.layout_3x4", "ecg.layout_12x1"):
        viewer.run(layout)
        for start in (0.123, 1.7, 1.65):
            viewer.set_view(replace(viewer.view, start=start))
            scrolled = painted(viewer)
            viewer._tiles.forget()
            assert np.array_equal(scrolled, painted(viewer))


def test_a_spike_of_one_sample_is_seen_wherever_the_page_is(qtbot: QtBot, context: UiContext) -> None:
    rows = np.zeros((1, 20_000), np.float32)
    rows[0, 7_777] = 2.0
    rows[0, 7_778:7_783] = np.nan
    viewer = EcgViewer(context)
    qtbot.addWidget(viewer)
    viewer.resize(900, 620)
    viewer.show_recording(recording(Trace(rows, 1000.0, (Lead("II", "mV"),))))
    qtbot.waitUntil(lambda: viewer.source is not None)
    page = viewer.page()
    assert page is not None
    scale = viewer.screen_scale().pixels * page.scale
    for step in range(25):
        viewer.set_view(replace(viewer.view, start=2.0 + 0.1237 * step))
        grey = painted(viewer)
        top = viewer._paper().top() + (page.strips[0].middle - 20.0) * scale
        x = page.place_of(7.777, viewer.view) * scale
        around = grey[round(top) : round(top) + 12, round(x) - 2 : round(x) + 3].astype(int)
        ground = np.median(grey[round(top) : round(top) + 12])
        assert np.abs(around - ground).max() > 80
        assert np.abs(np.argwhere(np.abs(around - ground) > 80)[:, 1].mean() - 2) <= 1.5


def test_every_command_has_a_key_and_no_key_has_two(viewer: EcgViewer) -> None:
    declared = {action.id for action in ECG_ACTIONS}
    assert set(ECG_COMMANDS) | {"ecg.calibrate"} == declared
    keys = [key for action in (*ECG_ACTIONS, *STUDY_ACTIONS, *ROOM_ACTIONS) for key in action.shortcuts]
    assert len(keys) == len(set(keys))
    for name in ECG_COMMANDS:
        assert viewer.run(name)
        viewer.grab()


def test_without_a_trace_commands_do_nothing(qtbot: QtBot, context: UiContext) -> None:
    empty = EcgViewer(context)
    qtbot.addWidget(empty)
    assert not empty.run("ecg.speed")
    empty.grab()


def test_the_wheel_goes_along_the_trace_and_stays_inside(viewer: EcgViewer) -> None:
    def turn(notches: int) -> None:
        event = QWheelEvent(
            QPointF(300, 300),
            viewer.mapToGlobal(QPointF(300, 300)),
            QPoint(),
            QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(viewer, event)

    turn(-5)
    assert viewer.view.start == pytest.approx(2.0)
    turn(-1000)
    assert viewer.view.start == pytest.approx(10.0, abs=0.6)
    turn(1000)
    assert viewer.view.start == 0.0


def test_a_dragged_caliper_measures_time_and_height(viewer: EcgViewer) -> None:
    QTest.mousePress(viewer, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(200, 300))
    QTest.mouseMove(viewer, QPoint(300, 340))
    QTest.mouseRelease(viewer, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(300, 340))
    caliper = viewer.view.caliper
    assert caliper is not None
    assert caliper.seconds == pytest.approx(100 / PIXELS / 25)
    assert caliper.heights is not None
    assert abs(caliper.heights[1] - caliper.heights[0]) == pytest.approx(40 / PIXELS)
    QTest.keyClick(viewer, Qt.Key.Key_Escape)
    assert viewer.view.caliper is None


def test_a_filter_is_named_and_changes_only_what_is_shown(qtbot: QtBot, viewer: EcgViewer) -> None:
    before = viewer.source
    viewer.run("ecg.filter")
    viewer.run("ecg.filter")
    qtbot.waitUntil(lambda: viewer.source is not before and viewer.source is not None)
    assert viewer.source is not None
    assert before is not None
    assert viewer.source.setting.high_hz == 40.0
    assert viewer.source.recorded is before.recorded


@pytest.mark.parametrize("theme", list(Theme))
@pytest.mark.parametrize("language", list(Language))
def test_pages_of_odd_recordings_are_painted(
    qtbot: QtBot, context: UiContext, theme: Theme, language: Language
) -> None:
    """A pressure beside a lead without calibration, with a gap."""
    context.change_settings(replace(context.settings, theme=theme, language=language))
    samples = np.stack([np.sin(np.arange(4000) / 30) * 40 + 80, np.arange(4000) % 300]).astype(np.float32)
    samples[1, 500:900] = np.nan
    viewer = EcgViewer(context)
    qtbot.addWidget(viewer)
    viewer.resize(700, 500)
    trace = Trace(samples, 200.0, (Lead("ABP", "mmHg"), Lead("II", "")))
    assert fitting_layout(trace) is EcgLayout.TWELVE_BY_ONE
    viewer.show_recording(recording(trace))
    qtbot.waitUntil(lambda: viewer.source is not None and viewer.measurements is not None, timeout=20_000)
    for name in ("ecg.layout_3x4", "ecg.layout_beats", "ecg.layout_12x1"):
        viewer.run(name)
        viewer.grab()


def test_the_screen_is_calibrated_with_a_ruler(qtbot: QtBot, context: UiContext, viewer: EcgViewer) -> None:
    kept: list[float | None] = []
    dialog = CalibrationDialog(context, PIXELS, viewer)
    dialog.kept.connect(kept.append)
    dialog.open()
    QTest.keyClick(dialog, Qt.Key.Key_Right)
    QTest.keyClick(dialog, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert kept == [pytest.approx((PIXELS * BAR_MM + 5.5) / BAR_MM)]
    assert scale_of(None, kept[0]).source is ScaleSource.MEASURED
    assert scale_of(None, 900.0).source is ScaleSource.ASSUMED
