"""The volume viewer on real widgets: linked planes, keys, mouse, refusals, forgetting."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from desktop.errors import UserFacingError
from desktop.i18n import Language
from desktop.imaging.slab import SlabMode
from desktop.imaging.volume import Volume
from desktop.imaging.volume_mask import MaskLayer
from desktop.imaging.volume_series import VolumeSeries
from desktop.imaging.volume_stack import StackFinding, StackFindingKind
from desktop.records import VoiWindow
from desktop.ui.actions import WINDOW_ACTIONS
from desktop.ui.context import UiContext
from desktop.ui.reading.actions import ROOM_ACTIONS, STUDY_ACTIONS
from desktop.ui.viewers.film_words import FilmText
from desktop.ui.viewers.volume_commands import VOLUME_COMMANDS, VOLUME_KEYS
from desktop.ui.viewers.volume_screen import VolumeScreen
from desktop.ui.viewers.volume_state import PLANES, PaneKind, VolumeState
from tests.imaging.volume_phantom import MARKERS, SIDE, grid_around, phantom

WINDOW = VoiWindow(500.0, 1000.0, function="LINEAR_EXACT")


def made_series(moments: int = 1) -> VolumeSeries:
    """The phantom as a CT; at each later moment it is brighter by 10."""
    grid = grid_around((1, 0, 0), (0, 1, 0))
    volumes = tuple(
        Volume((phantom(grid).voxels + 10 * moment).astype(np.int16), grid, unit="HU") for moment in range(moments)
    )
    positions = tuple(2.0 * number for number in range(SIDE))
    return VolumeSeries("CT", volumes, SIDE, moments, positions, (), lambda n, t: volumes[t].slab_of(n), 2.0, (WINDOW,))


def refused_series() -> VolumeSeries:
    """Slices with a gap."""
    whole = made_series()
    gap = StackFinding(StackFindingKind.GAP, 1, 4.0, 2.0)
    return replace(whole, volumes=(), findings=(gap,))


class Screen:
    """The widget and what a test asks of it."""

    def __init__(self, context: UiContext, qtbot: QtBot) -> None:
        self.widget = VolumeScreen(context)
        self.viewer = self.widget.viewer
        self._context, self._qtbot = context, qtbot
        qtbot.addWidget(self.widget)
        self.widget.resize(1000, 740)
        self.widget.show()
        self.widget.activateWindow()
        self.viewer.setFocus()

    def show(self, series: VolumeSeries) -> "Screen":
        """Show a series and wait for its pictures."""
        self.viewer.show_series(series)
        self.settle()
        return self

    def wait(self, until: Callable[[], bool]) -> None:
        """Until something is so."""
        self._qtbot.waitUntil(until, timeout=20_000)

    def settle(self) -> None:
        """Until every pane is drawn."""
        self._qtbot.waitUntil(lambda: not self._context.operations.busy, timeout=20_000)
        QApplication.processEvents()

    def press(self, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """A key, as a person presses it."""
        QTest.keyClick(self.viewer, key, held)
        self.settle()

    @property
    def state(self) -> VolumeState:
        """How the series is shown."""
        assert self.viewer.state is not None
        return self.viewer.state

    def light_at_cross(self, kind: PaneKind) -> int:
        """What a pane shows at the crosshair."""
        image = self.viewer.panes[kind].image
        assert image is not None
        x, y = image.slice.frame.to_picture(self.state.cross)
        return int(image.slice.light[round(y), round(x)])


@pytest.fixture
def screen(context: UiContext, qtbot: QtBot) -> Screen:
    """A viewer without a series."""
    return Screen(context, qtbot)


def test_four_linked_planes_show_the_same_place(screen: Screen) -> None:
    screen.show(made_series())
    assert [kind for kind in PLANES if screen.viewer.panes[kind].isVisible()] == list(PLANES)
    for place, value in MARKERS.values():
        screen.viewer.set_state(replace(screen.state, cross=place))
        screen.settle()
        for kind in PLANES:
            assert screen.light_at_cross(kind) == pytest.approx(value * 0.255, abs=2)


def test_a_click_moves_the_crosshair_of_every_pane(screen: Screen) -> None:
    screen.show(made_series())
    pane = screen.viewer.panes[PaneKind.CORONAL]
    target = pane.to_widget(-30.0, -30.0)
    QTest.mouseClick(pane, Qt.MouseButton.LeftButton, pos=target.toPoint())
    screen.settle()
    assert screen.state.active is PaneKind.CORONAL
    assert screen.state.cross == pytest.approx((-30.0, 0.0, 30.0), abs=2.0)


def test_the_wheel_scrolls_and_with_ctrl_it_zooms(screen: Screen) -> None:
    screen.show(made_series())
    pane = screen.viewer.panes[PaneKind.AXIAL]
    before = screen.state.cross
    _wheel(pane, 120, Qt.KeyboardModifier.NoModifier)
    assert screen.state.cross == pytest.approx((before[0], before[1], before[2] + 2.0))
    held = pane.to_pane(QPointF(40, 50))
    _wheel(pane, 120, Qt.KeyboardModifier.ControlModifier)
    assert screen.state.zoom(PaneKind.AXIAL).factor > 1
    assert pane.to_pane(QPointF(40, 50)) == pytest.approx(held)


def _wheel(pane: object, angle: int, held: Qt.KeyboardModifier) -> None:
    place = QPointF(40, 50)
    event = QWheelEvent(
        place, place, QPoint(), QPoint(0, angle), Qt.MouseButton.NoButton, held, Qt.ScrollPhase.NoScrollPhase, False
    )
    QApplication.sendEvent(pane, event)  # type: ignore[arg-type]  # a widget, whatever its own class


def test_the_right_button_changes_brightness_and_contrast(screen: Screen) -> None:
    screen.show(made_series())
    pane = screen.viewer.panes[PaneKind.SAGITTAL]
    before = screen.state.window
    QTest.mousePress(pane, Qt.MouseButton.RightButton, pos=QPoint(100, 100))
    QTest.mouseMove(pane, QPoint(160, 140))
    QTest.mouseRelease(pane, Qt.MouseButton.RightButton, pos=QPoint(160, 140))
    screen.settle()
    assert screen.state.window.width > before.width
    assert screen.state.window.center < before.center


def test_every_command_has_a_key_and_every_key_a_command(screen: Screen) -> None:
    assert set(VOLUME_KEYS.values()) == set(VOLUME_COMMANDS)
    taken = {keys for action in (*STUDY_ACTIONS, *ROOM_ACTIONS, *WINDOW_ACTIONS) for keys in action.shortcuts}
    assert not taken & set(VOLUME_KEYS)
    screen.show(made_series(moments=2))
    for command in VOLUME_COMMANDS:
        assert screen.viewer.run(command)
    screen.settle()
    assert not screen.viewer.run("volume.no_such_thing")


Check = Callable[[VolumeState], bool]
NONE, SHIFT, ALT, CTRL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ControlModifier,
)
KEYS: list[tuple[Qt.Key, Qt.KeyboardModifier, Check]] = [
    (Qt.Key.Key_Up, NONE, lambda s: s.cross[2] == pytest.approx(2.0)),
    (Qt.Key.Key_PageDown, SHIFT, lambda s: s.cross[2] == pytest.approx(-20.0)),
    (Qt.Key.Key_End, NONE, lambda s: s.cross[2] == pytest.approx(40.0)),
    (Qt.Key.Key_Home, NONE, lambda s: s.cross[2] == pytest.approx(-40.0)),
    (Qt.Key.Key_G, NONE, lambda s: s.active is PaneKind.SAGITTAL),
    (Qt.Key.Key_O, NONE, lambda s: s.active is PaneKind.OBLIQUE),
    (Qt.Key.Key_Return, NONE, lambda s: s.alone),
    (Qt.Key.Key_S, NONE, lambda s: s.slab.mode is SlabMode.MEAN and s.slab.thickness_mm == 10.0),
    (Qt.Key.Key_BracketRight, NONE, lambda s: s.slab.thickness_mm == 2.0),
    (Qt.Key.Key_Equal, NONE, lambda s: s.zoom(PaneKind.AXIAL).factor == 1.25),
    (Qt.Key.Key_Left, CTRL, lambda s: s.zoom(PaneKind.AXIAL).middle[0] < 0),
    (Qt.Key.Key_Up, SHIFT, lambda s: s.window.center < WINDOW.center),
    (Qt.Key.Key_3, NONE, lambda s: s.window == VoiWindow(40.0, 400.0)),
    (Qt.Key.Key_Right, ALT, lambda s: s.angles == (50.0, 0.0)),
    (Qt.Key.Key_Right, NONE, lambda s: s.moment == 1),
    (Qt.Key.Key_I, NONE, lambda s: s.inverted),
    (Qt.Key.Key_X, NONE, lambda s: not s.crosshair),
]


@pytest.mark.parametrize(("key", "held", "check"), KEYS)
def test_keys(screen: Screen, key: Qt.Key, held: Qt.KeyboardModifier, check: Check) -> None:
    screen.show(made_series(moments=2))
    assert not check(screen.state)
    screen.press(key, held)
    assert check(screen.state)
    screen.press(Qt.Key.Key_0, CTRL)
    assert not check(screen.state)


def test_missing_slices_are_told_and_only_slices_are_shown(screen: Screen, context: UiContext) -> None:
    screen.show(refused_series())
    shown = [kind for kind, pane in screen.viewer.panes.items() if pane.isVisible()]
    assert shown == [PaneKind.SLICES]
    notes = screen.viewer.findChild(QLabel, "volume_findings")
    assert notes is not None
    assert notes.isVisible()
    assert "4 mm" in notes.text()
    before = screen.state.number
    for key in (Qt.Key.Key_Up, Qt.Key.Key_S, Qt.Key.Key_Return, Qt.Key.Key_O, Qt.Key.Key_B):
        screen.press(key)
    assert screen.state.number == before + 1
    assert screen.state.slab.thickness_mm == 0
    assert screen.state.active is PaneKind.SLICES
    context.set_language(list(Language)[1])
    screen.widget.retranslate()
    assert "缺少层面" in notes.text()


def test_a_slice_that_cannot_be_read_is_told(screen: Screen, qtbot: QtBot) -> None:
    whole = made_series()

    def torn(number: int, moment: int) -> Volume:
        if number == SIDE // 2:
            return whole.volumes[moment].slab_of(number)
        raise UserFacingError("intake.truncated")

    screen.show(replace(refused_series(), read_slice=torn))
    with qtbot.waitSignal(screen.viewer.failed) as failed:
        screen.viewer.run("volume.onward")
    assert failed.args is not None
    assert failed.args[0].key == "intake.truncated"


def test_one_slice_is_shown_before_the_series(screen: Screen) -> None:
    series = made_series()
    screen.viewer.show_first(series.volumes[0].slab_of(20), (WINDOW,))
    screen.settle()
    assert screen.viewer.panes[PaneKind.SLICES].image is not None
    assert not screen.viewer.panes[PaneKind.CORONAL].isVisible()
    screen.show(series)
    assert screen.viewer.panes[PaneKind.CORONAL].isVisible()
    assert not screen.viewer.panes[PaneKind.SLICES].isVisible()


def test_a_mask_is_laid_over_in_its_colour_and_strength(screen: Screen) -> None:
    series = made_series()
    screen.show(series)
    voxels = np.zeros((SIDE, SIDE, SIDE), np.int16)
    voxels[18:23, 18:23, 18:23] = 1
    screen.viewer.set_masks((MaskLayer(Volume(voxels, series.volumes[0].grid), (255, 0, 0)),))
    screen.viewer.choose_opacity(1.0)
    screen.settle()
    for kind in PLANES:
        image = screen.viewer.panes[kind].image
        assert image is not None
        assert image.overlay is not None
        x, y = image.slice.frame.to_picture((0.0, 0.0, 0.0))
        assert image.overlay.pixelColor(round(x), round(y)).getRgb() == (255, 0, 0, 255)
    screen.viewer.choose_opacity(0.0)
    screen.settle()
    assert all(
        pane.image is not None and pane.image.overlay is None
        for kind, pane in screen.viewer.panes.items()
        if kind in PLANES
    )


def test_the_strip_follows_and_leads(screen: Screen) -> None:
    screen.show(made_series(moments=3))
    screen.widget.moments.setValue(2)
    assert screen.state.moment == 2
    screen.widget.slabs.setCurrentIndex(2)
    screen.widget.slabs.activated.emit(2)
    assert screen.state.slab.mode is SlabMode.MAXIMUM
    screen.press(Qt.Key.Key_BracketRight)
    assert screen.widget.thickness.value() == 4
    names = [screen.widget.presets.itemText(n) for n in range(screen.widget.presets.count())]
    assert {"Soft tissue", "Lung", "Bone", "Brain"} <= set(names)
    at = names.index("Lung")
    screen.widget.presets.setCurrentIndex(at)
    screen.widget.presets.activated.emit(at)
    assert screen.state.window == VoiWindow(-600.0, 1500.0)
    screen.settle()


def test_clearing_forgets_every_voxel_and_word(screen: Screen) -> None:
    screen.show(made_series())
    screen.viewer.set_text(FilmText(("Zhang Xiaoming",), ("CT",)))
    screen.settle()
    screen.widget.clear()
    assert screen.viewer.series is None
    assert screen.viewer.state is None
    assert all(pane.image is None and not pane.isVisible() for pane in screen.viewer.panes.values())
    assert not screen.viewer.run("volume.onward")


def test_the_letters_are_painted_on_the_edges(screen: Screen) -> None:
    """The pane of a left-right mirrored scan differs from that of the same scan by its letters alone staying put."""
    screen.show(made_series())
    pane = screen.viewer.panes[PaneKind.AXIAL]
    with_letters = pane.grab().toImage()
    left = _yellow(with_letters, range(40), range(pane.height() // 2 - 12, pane.height() // 2 + 12))
    right = _yellow(
        with_letters,
        range(pane.width() - 40, pane.width()),
        range(pane.height() // 2 - 12, pane.height() // 2 + 12),
    )
    assert left > 5
    assert right > 5


def _yellow(image: QImage, xs: range, ys: range) -> int:
    found = 0
    for x in xs:
        for y in ys:
            colour = image.pixelColor(x, y)
            found += colour.red() > 200 and colour.green() > 200 and colour.blue() < 140
    return found


def test_the_window_never_waits_for_a_picture(screen: Screen) -> None:
    screen.show(made_series())
    start = time.perf_counter()
    for _ in range(200):
        screen.viewer.run("volume.onward")
        screen.viewer.run("volume.back")
    assert time.perf_counter() - start < 4.0
    screen.settle()
    assert screen.light_at_cross(PaneKind.AXIAL) == pytest.approx(100 * 0.255, abs=2)


def test_keys_turn_an_oblique_plane_coarsely_until_they_rest(screen: Screen) -> None:
    screen.show(made_series())
    oblique, axial = (screen.viewer.panes[kind] for kind in (PaneKind.OBLIQUE, PaneKind.AXIAL))
    drafts: list[bool] = []
    oblique.drawn.connect(lambda pane: drafts.append(pane.image.slice.request.draft))
    others: list[object] = []
    axial.drawn.connect(others.append)
    screen.viewer.run("volume.turn_right")
    screen.wait(lambda: drafts[-1:] == [False])
    assert drafts[0] is True
    assert not others
    drafts.clear()
    screen.viewer.run("volume.darker")
    screen.settle()
    assert drafts == [False]


def test_the_whole_volume_turns_under_the_mouse(screen: Screen) -> None:
    screen.show(made_series())
    screen.press(Qt.Key.Key_H)
    assert screen.state.turning
    assert screen.widget._tools["turning"].isChecked()
    pane = screen.viewer.panes[PaneKind.OBLIQUE]
    before = screen.state.angles
    image = pane.image
    assert image is not None
    first = image.slice.light.copy()
    middle = pane.rect().center()
    QTest.mousePress(pane, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(pane, middle + QPoint(60, 20))
    QTest.mouseRelease(pane, Qt.MouseButton.LeftButton, pos=middle + QPoint(60, 20))
    screen.settle()
    assert screen.state.angles != before
    image = pane.image
    assert image is not None
    assert image.overlay is None
    assert image.slice.request.whole
    assert not image.slice.request.draft
    assert not np.array_equal(image.slice.light, first)
    # Each marker, from wherever it is looked at, is as bright as the brightest on its line of sight.
    place, value = MARKERS["L"]
    x, y = image.slice.frame.to_picture(place)
    assert image.slice.light[round(y), round(x)] == pytest.approx(value * 0.255, abs=2)
    screen.press(Qt.Key.Key_H)
    assert pane.image is not None
    assert not pane.image.slice.request.whole


def test_a_series_with_a_gap_has_no_whole_view(screen: Screen) -> None:
    screen.show(refused_series())
    screen.press(Qt.Key.Key_H)
    assert not screen.state.turning
    assert not screen.widget._tools["turning"].isVisible()
    notes = screen.widget.findChild(QLabel, "volume_findings")
    assert notes is not None
    assert "Slices are missing" in notes.text()
