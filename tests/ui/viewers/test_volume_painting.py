"""Painting in a volume with mouse and keys on real widgets."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.i18n import Language
from desktop.imaging.volume_mask import COLOURS
from desktop.records import GridSource
from desktop.ui.actions import WINDOW_ACTIONS
from desktop.ui.context import UiContext
from desktop.ui.reading.actions import ROOM_ACTIONS, STUDY_ACTIONS
from desktop.ui.viewers.volume_commands import VOLUME_KEYS
from desktop.ui.viewers.volume_mask_commands import MASK_ACTIONS
from desktop.ui.viewers.volume_pane import VolumePane
from desktop.ui.viewers.volume_state import PLANES, PaneKind
from tests.ui.viewers.test_volume_viewer import Screen, made_series, refused_series

PAINT, LEFT = Qt.Key.Key_D, Qt.MouseButton.LeftButton


@pytest.fixture
def screen(context: UiContext, qtbot: QtBot) -> Screen:
    """The phantom (voxels of 2 mm each way), ready to be painted in."""
    made = Screen(context, qtbot).show(made_series())
    series = made.viewer.series
    assert series is not None
    made.viewer.book.begin(series.volumes[0], GridSource.POSITIONS, None, writable=True)
    made.settle()
    return made


def stroke(screen: Screen, pane: VolumePane, *points: tuple[float, float]) -> None:
    """With the left button through points in pane coordinates."""
    places: list[QPoint] = [pane.to_widget(*point).toPoint() for point in points]
    QTest.mousePress(pane, LEFT, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(pane, place)
    QTest.mouseRelease(pane, LEFT, pos=places[-1])
    screen.settle()


def test_the_brush_paints_in_the_plane_under_it_and_says_how_much(screen: Screen) -> None:
    book = screen.viewer.book
    assert not screen.widget.masks.isVisible()
    screen.press(PAINT)
    assert screen.widget.masks.isVisible()
    kept: list[None] = []
    book.to_keep.connect(lambda: kept.append(None))
    book.set_brush(8)  # 10 mm
    before = screen.state.cross
    stroke(screen, screen.viewer.panes[PaneKind.CORONAL], (0.0, 0.0))
    assert screen.state.cross == before
    assert len(kept) == 1
    # A disc of 10 mm, one voxel of 2 mm thick.
    assert book.millilitres(1) == pytest.approx(np.pi * 100 * 2 / 1000, rel=0.06)
    words = screen.widget.masks.words.text()
    assert f"({book.voxels(1)} voxels)" in words
    assert "slice positions and pixel spacing" in words
    for kind in PLANES:
        image = screen.viewer.panes[kind].image
        assert image is not None
        assert image.overlay is not None  # every plane goes through it
    coronal = screen.viewer.panes[PaneKind.CORONAL].image
    assert coronal is not None
    assert coronal.overlay is not None
    x, y = coronal.slice.frame.to_picture(before)
    colour = coronal.overlay.pixelColor(round(x), round(y))
    assert (colour.red(), colour.green(), colour.blue()) == pytest.approx(COLOURS[0], abs=3)


def test_strokes_are_taken_back_put_back_and_rubbed_out(screen: Screen) -> None:
    book, pane = screen.viewer.book, screen.viewer.panes[PaneKind.AXIAL]
    screen.press(PAINT)
    stroke(screen, pane, (-20.0, 0.0), (0.0, 0.0), (20.0, 0.0))
    whole = book.voxels(1)
    stroke(screen, pane, (0.0, -20.0), (0.0, 20.0))
    both = book.voxels(1)
    assert 0 < whole < both
    screen.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert book.voxels(1) == whole
    screen.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert book.voxels(1) == both
    screen.press(Qt.Key.Key_V)
    stroke(screen, pane, (0.0, -20.0), (0.0, 20.0))
    assert 0 < book.voxels(1) < whole
    screen.widget.masks.tools["wipe"].click()
    screen.settle()
    assert book.voxels(1) == 0
    assert book.painted is None
    screen.widget.masks.tools["undo"].click()
    assert book.voxels(1) > 0


def test_labels_have_names_and_colours_of_their_own(screen: Screen) -> None:
    book, bar = screen.viewer.book, screen.widget.masks
    screen.press(PAINT)
    stroke(screen, screen.viewer.panes[PaneKind.AXIAL], (-20.0, 0.0))
    bar.name.setText("肝")
    bar.name.editingFinished.emit()
    bar.tools["add"].click()
    stroke(screen, screen.viewer.panes[PaneKind.AXIAL], (20.0, 0.0))
    assert [(label.number, label.name) for label in book.labels] == [(1, "肝"), (2, "")]
    assert [segment.colour for segment in book.segments()] == [COLOURS[0], COLOURS[1]]
    assert book.voxels(1) > 0
    assert book.voxels(2) > 0
    assert [bar.labels.itemText(at) for at in range(2)] == ["肝", "Label 2"]
    bar.labels.activated.emit(0)
    assert book.current.name == "肝"
    screen.press(Qt.Key.Key_Q)
    assert book.current.number == 2


def test_a_brush_has_sizes_and_can_be_a_ball(screen: Screen) -> None:
    book, pane = screen.viewer.book, screen.viewer.panes[PaneKind.AXIAL]
    screen.press(PAINT)
    before = book.brush
    screen.press(Qt.Key.Key_BracketRight, Qt.KeyboardModifier.ControlModifier)
    assert book.brush == before + 1
    assert screen.widget.masks.brush.value() == before + 1
    screen.press(Qt.Key.Key_BracketLeft, Qt.KeyboardModifier.ControlModifier)
    book.set_brush(8)
    screen.press(Qt.Key.Key_D, Qt.KeyboardModifier.ShiftModifier)
    stroke(screen, pane, (0.0, 0.0))
    assert book.millilitres(1) == pytest.approx(4 / 3 * np.pi * 1000 / 1000, rel=0.06)
    QTest.mouseMove(pane, pane.rect().center())
    assert pane.hasMouseTracking()
    screen.press(PAINT)
    assert not pane.hasMouseTracking()
    stroke(screen, pane, (10.0, 10.0))
    assert screen.state.cross[:2] == pytest.approx((10.0, 10.0), abs=2.0)  # the crosshair again


def test_what_was_painted_comes_back_and_another_grid_is_looked_at_only(screen: Screen) -> None:
    from tests.store.test_segmentations import painted as record_of

    book = screen.viewer.book
    screen.press(PAINT)
    stroke(screen, screen.viewer.panes[PaneKind.AXIAL], (-20.0, 0.0), (20.0, 10.0))
    grid, shape = book.grid or pytest.fail("there is a grid")
    blank = record_of("study")  # type: ignore[arg-type]  # any text is an id here
    kept = replace(
        blank,
        shape=shape,
        origin=grid.origin,
        through=grid.through,
        down=grid.down,
        across=grid.across,
        segments=book.segments(),
    )
    count = book.voxels(1)
    series = made_series()
    screen.show(series)
    assert not book.anything
    book.begin(series.volumes[0], GridSource.POSITIONS, kept, writable=True)
    assert book.voxels(1) == count
    other = replace(kept, origin=(kept.origin[0] + 1.0, *kept.origin[1:]))
    book.begin(series.volumes[0], GridSource.POSITIONS, other, writable=True)
    screen.settle()
    assert not book.available
    assert len(book.elsewhere) == 1
    assert "cannot be changed" in screen.widget.masks.words.text()
    image = screen.viewer.panes[PaneKind.AXIAL].image
    assert image is not None
    assert image.overlay is not None


def test_without_a_volume_or_in_a_signed_study_nothing_is_painted(context: UiContext, qtbot: QtBot) -> None:
    screen = Screen(context, qtbot).show(refused_series())
    screen.press(PAINT)
    assert not screen.viewer.book.painting
    series = made_series()
    screen.show(series)
    screen.viewer.book.begin(series.volumes[0], GridSource.POSITIONS, None, writable=False)
    screen.press(PAINT)
    assert not screen.viewer.book.painting
    assert not screen.widget.masks.isVisible()


def test_no_key_has_two_meanings() -> None:
    taken = {keys for action in (*STUDY_ACTIONS, *ROOM_ACTIONS, *WINDOW_ACTIONS) for keys in action.shortcuts}
    own = [keys for action in MASK_ACTIONS for keys in action.shortcuts]
    assert len(set(own)) == len(own)
    assert not set(own) & (taken | set(VOLUME_KEYS))


def test_everything_is_said_in_both_languages(screen: Screen, context: UiContext) -> None:
    screen.press(PAINT)
    stroke(screen, screen.viewer.panes[PaneKind.AXIAL], (0.0, 0.0))
    context.set_language(Language.CHINESE)
    screen.widget.retranslate()
    assert "标签 1：" in screen.widget.masks.words.text()
    assert screen.widget.masks.tools["erase"].text() == "擦除"
