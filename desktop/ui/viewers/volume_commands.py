"""What a key does in the volume viewer: each command is a pure step from one `VolumeState` to the next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from desktop.imaging.slab import Slab, SlabMode
from desktop.imaging.volume_presets import VolumePreset
from desktop.imaging.volume_series import VolumeSeries
from desktop.ui.action import Action
from desktop.ui.viewers.view_state import windowed
from desktop.ui.viewers.volume_state import (
    MAX_ANGLE,
    PLANES,
    PaneKind,
    VolumeState,
    centre_of,
    first_state,
    in_pane,
    plane_for,
    scrolled,
)

ZOOM_STEP = 1.25
PAN_SHARE = 0.08
LEVEL_STEP, WIDTH_STEP = 0.05, 0.2
ANGLE_STEP = 5.0
PRESETS = 9
PAGE = 10
THICKNESSES = (0.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 50.0, 80.0)
OPACITIES = (0.0, 0.2, 0.4, 0.7, 1.0)


@dataclass(frozen=True, eq=False)
class VolumeAround:
    """What a command may need besides the state."""

    series: VolumeSeries
    presets: tuple[VolumePreset, ...]


VolumeCommand = Callable[[VolumeState, VolumeAround], VolumeState]


def scroll(steps: int, state: VolumeState, around: VolumeAround) -> VolumeState:
    """Pictures further in the active pane."""
    series = around.series
    if not series.solid:
        return replace(state, number=min(max(state.number + steps, 0), series.count - 1))
    return scrolled(state, state.active, series.volumes[state.moment], steps)


def pane(kind: PaneKind, state: VolumeState, around: VolumeAround) -> VolumeState:
    """Another pane has the keys."""
    return replace(state, active=kind) if around.series.solid else state


def next_pane(by: int, state: VolumeState, around: VolumeAround) -> VolumeState:
    """The pane after it."""
    if not around.series.solid:
        return state
    return replace(state, active=PLANES[(PLANES.index(state.active) + by) % len(PLANES)])


def enlarge(state: VolumeState, around: VolumeAround) -> VolumeState:
    """One pane or all four."""
    return replace(state, alone=not state.alone) if around.series.solid else state


def zoom(factor: float, state: VolumeState, around: VolumeAround) -> VolumeState:
    """Larger or smaller about the crosshair."""
    now = state.zoom(state.active)
    anchor = now.middle
    if around.series.solid and state.crosshair:
        volume = around.series.volumes[state.moment]
        anchor = in_pane(state.cross, plane_for(state.active, volume, state), centre_of(volume))
    return state.with_zoom(state.active, now.zoomed(factor, anchor))


def pan(dx: int, dy: int, state: VolumeState, around: VolumeAround) -> VolumeState:
    """Look further to one side."""
    now = state.zoom(state.active)
    step = PAN_SHARE * 250.0 / now.factor
    return state.with_zoom(state.active, now.panned(-dx * step, -dy * step))


def shift_window(darker: float, wider: float, state: VolumeState, around: VolumeAround) -> VolumeState:
    """Brightness and contrast by hand; of an inverted picture still as the eye sees it."""
    return replace(state, window=windowed(state.window, -darker if state.inverted else darker, wider))


def preset(number: int, state: VolumeState, around: VolumeAround) -> VolumeState:
    """The n-th preset, counted from 1; without that many nothing changes."""
    if number > len(around.presets):
        return state
    return replace(state, window=around.presets[number - 1].window)


def next_slab(state: VolumeState, around: VolumeAround) -> VolumeState:
    """Average, brightest, darkest; from a thin slice to a slab of 10 mm."""
    if not around.series.solid:
        return state
    if state.slab.thickness_mm == 0:
        return replace(state, slab=Slab(SlabMode.MEAN, 10.0))
    modes = list(SlabMode)
    at = modes.index(state.slab.mode) + 1
    return replace(state, slab=Slab(modes[at], state.slab.thickness_mm) if at < len(modes) else Slab())


def thicker(by: int, state: VolumeState, around: VolumeAround) -> VolumeState:
    """The next thickness up or down."""
    if not around.series.solid:
        return state
    now = min(range(len(THICKNESSES)), key=lambda n: abs(THICKNESSES[n] - state.slab.thickness_mm))
    wanted = THICKNESSES[min(max(now + by, 0), len(THICKNESSES) - 1)]
    return replace(state, slab=Slab(state.slab.mode, wanted))


def turn(first: float, second: float, state: VolumeState, around: VolumeAround) -> VolumeState:
    """Turn the oblique plane."""
    one, two = state.angles
    return replace(state, angles=(_wrapped(one + first), _wrapped(two + second)))


def moment(by: int, state: VolumeState, around: VolumeAround) -> VolumeState:
    """Another moment of a 4-D series, round and round."""
    return replace(state, moment=(state.moment + by) % around.series.moments)


def opacity(state: VolumeState, around: VolumeAround) -> VolumeState:
    """The overlay stronger, then away."""
    at = min(range(len(OPACITIES)), key=lambda n: abs(OPACITIES[n] - state.opacity))
    return replace(state, opacity=OPACITIES[(at + 1) % len(OPACITIES)])


def invert(state: VolumeState, around: VolumeAround) -> VolumeState:
    """Black for white."""
    return replace(state, inverted=not state.inverted)


def crosshair(state: VolumeState, around: VolumeAround) -> VolumeState:
    """Show or hide the crosshair."""
    return replace(state, crosshair=not state.crosshair)


def turning(state: VolumeState, around: VolumeAround) -> VolumeState:
    """All of the volume in the oblique pane, to be turned, or the plane again."""
    if not around.series.solid:
        return state
    return replace(state, turning=not state.turning, active=PaneKind.OBLIQUE)


def fit(state: VolumeState, around: VolumeAround) -> VolumeState:
    """Everything in view."""
    return replace(state, zooms=MappingProxyType({}))


def reset(state: VolumeState, around: VolumeAround) -> VolumeState:
    """As the series was when it was opened."""
    window = around.presets[0].window if around.presets else state.window
    return first_state(around.series, window)


def _wrapped(angle: float) -> float:
    return (angle + MAX_ANGLE) % (2 * MAX_ANGLE) - MAX_ANGLE


VOLUME_COMMANDS: Mapping[str, VolumeCommand] = {
    "volume.onward": partial(scroll, 1),
    "volume.back": partial(scroll, -1),
    "volume.far_onward": partial(scroll, PAGE),
    "volume.far_back": partial(scroll, -PAGE),
    "volume.to_last": partial(scroll, 1_000_000),
    "volume.to_first": partial(scroll, -1_000_000),
    "volume.axial": partial(pane, PaneKind.AXIAL),
    "volume.coronal": partial(pane, PaneKind.CORONAL),
    "volume.sagittal": partial(pane, PaneKind.SAGITTAL),
    "volume.oblique": partial(pane, PaneKind.OBLIQUE),
    "volume.next_pane": partial(next_pane, 1),
    "volume.enlarge": enlarge,
    "volume.zoom_in": partial(zoom, ZOOM_STEP),
    "volume.zoom_out": partial(zoom, 1 / ZOOM_STEP),
    "volume.pan_left": partial(pan, -1, 0),
    "volume.pan_right": partial(pan, 1, 0),
    "volume.pan_up": partial(pan, 0, -1),
    "volume.pan_down": partial(pan, 0, 1),
    **{f"volume.preset_{n}": partial(preset, n) for n in range(1, PRESETS + 1)},
    "volume.brighter": partial(shift_window, -LEVEL_STEP, 0),
    "volume.darker": partial(shift_window, LEVEL_STEP, 0),
    "volume.more_contrast": partial(shift_window, 0, -WIDTH_STEP),
    "volume.less_contrast": partial(shift_window, 0, WIDTH_STEP),
    "volume.slab": next_slab,
    "volume.thicker": partial(thicker, 1),
    "volume.thinner": partial(thicker, -1),
    "volume.turn_left": partial(turn, -ANGLE_STEP, 0),
    "volume.turn_right": partial(turn, ANGLE_STEP, 0),
    "volume.turn_up": partial(turn, 0, -ANGLE_STEP),
    "volume.turn_down": partial(turn, 0, ANGLE_STEP),
    "volume.next_moment": partial(moment, 1),
    "volume.last_moment": partial(moment, -1),
    "volume.overlay": opacity,
    "volume.invert": invert,
    "volume.crosshair": crosshair,
    "volume.turning": turning,
    "volume.fit": fit,
    "volume.reset": reset,
}

VOLUME_KEYS: Mapping[str, str] = {
    "Up": "volume.onward",
    "Down": "volume.back",
    "Shift+PgUp": "volume.far_onward",
    "Shift+PgDown": "volume.far_back",
    "End": "volume.to_last",
    "Home": "volume.to_first",
    "T": "volume.axial",
    "C": "volume.coronal",
    "G": "volume.sagittal",
    "O": "volume.oblique",
    "B": "volume.next_pane",
    "Return": "volume.enlarge",
    "Enter": "volume.enlarge",
    "+": "volume.zoom_in",
    "=": "volume.zoom_in",
    "-": "volume.zoom_out",
    "Ctrl+Left": "volume.pan_left",
    "Ctrl+Right": "volume.pan_right",
    "Ctrl+Up": "volume.pan_up",
    "Ctrl+Down": "volume.pan_down",
    **{str(n): f"volume.preset_{n}" for n in range(1, PRESETS + 1)},
    "Shift+Up": "volume.brighter",
    "Shift+Down": "volume.darker",
    "Shift+Right": "volume.more_contrast",
    "Shift+Left": "volume.less_contrast",
    "S": "volume.slab",
    "]": "volume.thicker",
    "[": "volume.thinner",
    "Alt+Left": "volume.turn_left",
    "Alt+Right": "volume.turn_right",
    "Alt+Up": "volume.turn_up",
    "Alt+Down": "volume.turn_down",
    "Right": "volume.next_moment",
    "Left": "volume.last_moment",
    "K": "volume.overlay",
    "I": "volume.invert",
    "X": "volume.crosshair",
    "H": "volume.turning",
    "F": "volume.fit",
    "Ctrl+0": "volume.reset",
}
"""Portable key texts; they hold while the viewer has the focus, and none is one of the reading's own."""

VOLUME_ACTIONS: tuple[Action, ...] = tuple(
    Action(
        command,
        "reading",
        tuple(keys for keys, asked in VOLUME_KEYS.items() if asked == command),
        f"reading.action.{command.replace('.', '_')}",
    )
    for command in VOLUME_COMMANDS
)
"""The same for the sheet under `?` and the palette."""
