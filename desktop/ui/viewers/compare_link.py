"""How one scan is shown as another one is: the same place, as large, the same plane. Pure: no Qt."""

from dataclasses import dataclass, replace

from desktop.imaging.registration import Rigid
from desktop.imaging.volume import Volume
from desktop.records import VoiWindow
from desktop.ui.viewers.volume_state import (
    PaneKind,
    PaneZoom,
    VolumeState,
    centre_of,
    clamped,
    in_pane,
    in_patient,
    plane_for,
)


@dataclass(frozen=True, eq=False)
class Shown:
    """A scan on the screen. fitted: logical pixels per millimetre at which the active pane shows all of it. base: the
    window it was first shown in."""

    volume: Volume
    state: VolumeState
    fitted: float
    base: VoiWindow


def followed(leader: Shown, follower: Shown, motion: Rigid, *, own_window: bool = False) -> VolumeState:
    """The follower's state beside the leader's. motion: from places of the leader to places of the follower.

    own_window: the follower's brightness is its own (a difference).
    """
    led = leader.state
    kind = led.active
    cross = clamped(motion.place(led.cross), follower.volume)
    state = replace(
        follower.state,
        cross=cross,
        slab=led.slab,
        angles=led.angles,
        active=kind,
        alone=led.alone,
        crosshair=led.crosshair,
        inverted=follower.state.inverted if own_window else led.inverted,
        window=follower.state.window if own_window else _window(leader, follower),
    )
    if kind is PaneKind.SLICES:
        return state
    zoom = led.zoom(kind)
    factor = zoom.factor * leader.fitted / follower.fitted
    middle = in_patient(*zoom.middle, plane_for(kind, leader.volume, led), centre_of(leader.volume))
    plane = plane_for(kind, follower.volume, state)
    return state.with_zoom(kind, PaneZoom(factor, in_pane(motion.place(middle), plane, centre_of(follower.volume))))


def _window(leader: Shown, follower: Shown) -> VoiWindow:
    """Hounsfield units are the same on every scan; other values change as much as the leader's did."""
    window = leader.state.window
    if leader.volume.unit == follower.volume.unit == "HU":
        return window
    moved = (window.center - leader.base.center) / leader.base.width
    own = follower.base
    width = max(own.width * window.width / leader.base.width, 1e-6)
    return VoiWindow(own.center + moved * own.width, width, "", own.function)
