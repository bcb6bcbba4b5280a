"""The viewer for CT and MR series: three linked planes and an oblique one, or slices where no volume can be made."""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from PySide6.QtCore import QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from desktop.imaging.slab import Slab
from desktop.imaging.volume import Volume
from desktop.imaging.volume_mask import MaskLayer
from desktop.imaging.volume_presets import VolumePreset, volume_presets
from desktop.imaging.volume_series import VolumeSeries
from desktop.records import VoiWindow
from desktop.ui.action import bind
from desktop.ui.context import UiContext
from desktop.ui.viewers.film_words import FilmText
from desktop.ui.viewers.view_state import windowed
from desktop.ui.viewers.volume_commands import VOLUME_ACTIONS, VOLUME_COMMANDS, VolumeAround
from desktop.ui.viewers.volume_mask_book import MaskBook
from desktop.ui.viewers.volume_mask_commands import MASK_ACTIONS, MASK_COMMANDS
from desktop.ui.viewers.volume_pane import PaneContent, VolumePane
from desktop.ui.viewers.volume_state import (
    PLANES,
    PaneKind,
    PaneZoom,
    VolumeState,
    clamped,
    first_state,
    plane_for,
    scrolled,
    snapped,
)
from desktop.ui.viewers.volume_words import finding_words

LEVEL_TRAVEL, WIDTH_TRAVEL = 400.0, 180.0
ANGLE_PER_PIXEL = 0.5
WHEEL_ZOOM = 1.2
REST_MILLISECONDS = 150


class _Deed(StrEnum):
    CROSS = "cross"
    WINDOW = "window"
    PAN = "pan"
    TURN = "turn"
    PAINT = "paint"


@dataclass(frozen=True)
class _Drag:
    """A button held down: what it does, where it began, the state then."""

    pane: VolumePane
    deed: _Deed
    start: QPointF
    before: VolumeState


class VolumeViewer(QWidget):
    """Shows one series.

    Left button: crosshair (scrolls the slices where there is no volume). Right: brightness and contrast. Middle, or
    left with Shift: pan. Left with Alt in the oblique pane: turn it. Wheel: scroll; with Ctrl: zoom. Double click: one
    pane or all. While painting the left button paints; book: what is painted. Signals: state_changed after anything
    about the view changed; series_shown when another series is there; failed(error) where a slice cannot be read.
    """

    state_changed = Signal()
    series_shown = Signal()
    failed = Signal(object)

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("volume_viewer")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._context = context
        self._series: VolumeSeries | None = None
        self._state: VolumeState | None = None
        self._presets: tuple[VolumePreset, ...] = ()
        self._masks: tuple[MaskLayer, ...] = ()
        self._text = FilmText()
        self._loading = False
        self._drag: _Drag | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MILLISECONDS)
        self._rest.timeout.connect(self._settle)
        self.book = MaskBook(self)
        self.panes = {kind: VolumePane(context, kind, self) for kind in PaneKind}
        self._notes = QLabel()
        self._notes.setObjectName("volume_findings")
        self._notes.setTextFormat(Qt.TextFormat.PlainText)
        self._notes.setWordWrap(True)
        self._notes.setProperty("role", "caution")
        self._notes.setContentsMargins(8, 4, 8, 4)
        self._notes.hide()
        self._actions = bind(
            context,
            self,
            (*VOLUME_ACTIONS, *MASK_ACTIONS),
            {action.id: partial(self.run, action.id) for action in (*VOLUME_ACTIONS, *MASK_ACTIONS)},
        )
        self.book.changed.connect(self._book_changed)
        self._offer_commands(False)
        self._lay_out()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        for number, kind in enumerate(PLANES):
            grid.addWidget(self.panes[kind], number // 2, number % 2)
        grid.addWidget(self.panes[PaneKind.SLICES], 0, 0)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(0)
        page.addWidget(self._notes)
        page.addLayout(grid, 1)
        for pane in self.panes.values():
            pane.pressed.connect(self._press)
            pane.moved.connect(self._move)
            pane.released.connect(self._release)
            pane.wheeled.connect(self._wheel)
            pane.doubled.connect(self._double)
            pane.failed.connect(self.failed)
            pane.hide()

    # What is shown

    @property
    def series(self) -> VolumeSeries | None:
        """The series on show."""
        return self._series

    @property
    def state(self) -> VolumeState | None:
        """How it is shown."""
        return self._state

    @property
    def presets(self) -> tuple[VolumePreset, ...]:
        """The windows offered, in the order of their keys."""
        return self._presets

    @property
    def has_masks(self) -> bool:
        """Whether something lies over the series."""
        return bool(self._masks or self.book.painted or self.book.elsewhere)

    def show_first(self, volume: Volume, windows: tuple[VoiWindow, ...] = ()) -> None:
        """One slice to look at while the series is on its way."""
        self._loading = True
        self._begin(VolumeSeries("", (), 1, 1, (), (), lambda _number, _moment: volume, windows=windows), volume)

    def show_series(self, series: VolumeSeries) -> None:
        """Show another series from its middle. Raises UserFacingError where not even one slice can be read."""
        self._loading = False
        sample = series.volumes[0] if series.solid else series.read_slice(series.count // 2, 0)
        self._begin(series, sample)

    def _begin(self, series: VolumeSeries, sample: Volume) -> None:
        self._drag = None
        self._masks = ()
        self.book.clear()
        self._series = series
        self._presets = volume_presets(sample, series.windows)
        self._state = first_state(series, self._presets[0].window)
        self._offer_commands(True)
        self._show_notes()
        self._show()
        self.series_shown.emit()

    def set_masks(self, masks: tuple[MaskLayer, ...]) -> None:
        """Lay segments over the series."""
        self._masks = masks
        self._show()

    def set_text(self, text: FilmText) -> None:
        """Whose series it is, for the corners."""
        self._text = text
        self._show()

    def set_state(self, state: VolumeState, *, draft: bool = False) -> None:
        """Show it another way."""
        self._state = state
        self._show(draft=draft)
        self.state_changed.emit()

    def clear(self) -> None:
        """Forget every voxel and every word."""
        self._series = self._state = self._drag = None
        self._presets, self._masks, self._text = (), (), FilmText()
        self._loading = False
        self.book.clear()
        self._offer_commands(False)
        self._notes.setText("")
        self._notes.hide()
        for pane in self.panes.values():
            pane.clear()
            pane.hide()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._actions.retranslate()
        self._show_notes()
        self.update()
        for pane in self.panes.values():
            pane.update()

    def _offer_commands(self, on: bool) -> None:
        """Without a series there is nothing to command, nor to list under `?`."""
        for action in VOLUME_ACTIONS:
            self._actions[action.id].setEnabled(on)
        for action in MASK_ACTIONS:
            self._actions[action.id].setEnabled(on and self.book.available)

    def _book_changed(self) -> None:
        """Another stroke, another brush, or another series to paint in."""
        self._offer_commands(self._series is not None)
        for pane in self.panes.values():
            pane.set_brush(self.book.radius if self.book.painting else None)
        self._show(draft=self._drag is not None)
        if self._state is not None:
            self.state_changed.emit()

    def _show_notes(self) -> None:
        series = self._series
        words = [finding_words(self._context, finding) for finding in series.findings] if series is not None else []
        if self._loading:
            words = [self._context.tr("volume.loading")]
        self._notes.setText("\n".join(words))
        self._notes.setVisible(bool(words))

    def _show(self, *, draft: bool = False) -> None:
        series, state = self._series, self._state
        if series is None or state is None:
            return
        shown = (PaneKind.SLICES,) if not series.solid else (state.active,) if state.alone else PLANES
        for kind, pane in self.panes.items():
            pane.setVisible(kind in shown)
        speaker = shown[0]
        for kind in shown:
            text = self._text if kind is speaker else None
            masks = (*self._masks, *self.book.elsewhere)
            self.panes[kind].show_content(
                PaneContent(series, state, self._presets, masks, text, draft, self.book.painted)
            )

    # Commands: every one has a key

    def run(self, command: str) -> bool:
        """Carry out a command by its id, such as `volume.slab`. False without a series or such a command."""
        if self._state is None or self._series is None:
            return False
        if command in MASK_COMMANDS and self.book.available:
            MASK_COMMANDS[command](self.book)
            return True
        if command not in VOLUME_COMMANDS:
            return False
        self._step_to(VOLUME_COMMANDS[command](self._state, VolumeAround(self._series, self._presets)))
        return True

    def _step_to(self, state: VolumeState) -> None:
        """Show what keys or the wheel ask for: an oblique plane coarsely while it moves, finely once they rest."""
        before = self._state
        moving = before is not None and (before.cross, before.angles) != (state.cross, state.angles)
        if moving:
            self._rest.start()
        self.set_state(state, draft=moving)

    def _settle(self) -> None:
        if self._drag is None:
            self._show()

    def choose_window(self, window: VoiWindow) -> None:
        """Another window."""
        if self._state is not None:
            self.set_state(replace(self._state, window=window))

    def choose_slab(self, slab: Slab) -> None:
        """Another slab."""
        if self._state is not None:
            self.set_state(replace(self._state, slab=slab))

    def choose_moment(self, moment: int) -> None:
        """Another moment of a 4-D series."""
        if self._state is not None and self._series is not None and 0 <= moment < self._series.moments:
            self.set_state(replace(self._state, moment=moment))

    def choose_opacity(self, opacity: float) -> None:
        """The overlay stronger or weaker."""
        if self._state is not None:
            self.set_state(replace(self._state, opacity=min(max(opacity, 0.0), 1.0)))

    # The mouse

    def _press(self, pane: VolumePane, event: QMouseEvent) -> None:
        if self._state is None or self._series is None:
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if self._series.solid and self._state.active is not pane.kind:
            self.set_state(replace(self._state, active=pane.kind))
        deed = _deed(pane, event)
        if deed is _Deed.CROSS and self._series.solid and self._state.whole(pane.kind):
            deed = _Deed.TURN
        elif deed is _Deed.CROSS and self.book.painting and self._series.solid:
            deed = _Deed.PAINT
            self._paint(pane, event.position(), begin=True)
        self._drag = _Drag(pane, deed, event.position(), self._state)
        if self._drag.deed is _Deed.CROSS:
            self._drag_cross(self._drag, event.position())

    def _move(self, pane: VolumePane, event: QMouseEvent) -> None:
        drag = self._drag
        if drag is None or self._state is None:
            return
        away = event.position() - drag.start
        if drag.deed is _Deed.CROSS:
            self._drag_cross(drag, event.position())
        elif drag.deed is _Deed.PAINT:
            self._paint(pane, event.position())
        elif drag.deed is _Deed.WINDOW:
            darker = -away.y() / LEVEL_TRAVEL
            window = windowed(drag.before.window, -darker if drag.before.inverted else darker, away.x() / WIDTH_TRAVEL)
            self.set_state(replace(self._state, window=window), draft=True)
        elif drag.deed is _Deed.PAN:
            scale = pane.scale()
            before: PaneZoom = drag.before.zoom(pane.kind)
            self.set_state(self._state.with_zoom(pane.kind, before.panned(away.x() / scale, away.y() / scale)))
        else:
            one, two = drag.before.angles
            angles = (one + away.x() * ANGLE_PER_PIXEL, two + away.y() * ANGLE_PER_PIXEL)
            self.set_state(replace(self._state, angles=angles), draft=True)

    def _drag_cross(self, drag: _Drag, at: QPointF) -> None:
        series, state = self._series, self._state
        if series is None or state is None:
            return
        if not series.solid:
            steps = round((at.y() - drag.start.y()) / max(4.0, drag.pane.height() / (series.count + 1)))
            number = min(max(drag.before.number + steps, 0), series.count - 1)
            self.set_state(replace(state, number=number))
            return
        point = drag.pane.point_under(at)
        if point is not None:
            volume = series.volumes[state.moment]
            place = clamped(point, volume) if drag.pane.kind is PaneKind.OBLIQUE else snapped(point, volume)
            self.set_state(replace(state, cross=place), draft=True)

    def _paint(self, pane: VolumePane, at: QPointF, *, begin: bool = False) -> None:
        point = pane.point_under(at)
        if point is None or self._state is None or pane.volume is None:
            return
        if begin:
            self.book.press(plane_for(pane.kind, pane.volume, self._state), point)
        else:
            self.book.move(point)

    def _release(self, pane: VolumePane) -> None:
        self._drag = None
        self.book.release()
        if self._state is not None:
            self._show()

    def _double(self, pane: VolumePane) -> None:
        if self._state is not None and self._series is not None and self._series.solid:
            self.set_state(replace(self._state, active=pane.kind, alone=not self._state.alone))

    def _wheel(self, pane: VolumePane, notches: int, event: QWheelEvent) -> None:
        series, state = self._series, self._state
        if series is None or state is None:
            return
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            zoom = state.zoom(pane.kind).zoomed(WHEEL_ZOOM**notches, pane.to_pane(event.position()))
            self.set_state(state.with_zoom(pane.kind, zoom))
        elif series.solid:
            self._step_to(scrolled(state, pane.kind, series.volumes[state.moment], notches))
        else:
            number = min(max(state.number + notches, 0), series.count - 1)
            self.set_state(replace(state, number=number))


def _deed(pane: VolumePane, event: QMouseEvent) -> _Deed:
    """What a button does where it was pressed."""
    button, held = event.button(), event.modifiers()
    if button is Qt.MouseButton.RightButton:
        return _Deed.WINDOW
    if button is Qt.MouseButton.MiddleButton or held & Qt.KeyboardModifier.ShiftModifier:
        return _Deed.PAN
    if held & Qt.KeyboardModifier.AltModifier and pane.kind is PaneKind.OBLIQUE:
        return _Deed.TURN
    return _Deed.CROSS
