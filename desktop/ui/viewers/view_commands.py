"""What a key does to a view: each command is a pure step from one `ViewState` to the next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from desktop.imaging.colour_tables import ColourTable
from desktop.imaging.display import Preset
from desktop.records import VoiWindow
from desktop.ui.viewers.view_state import Orientation, ViewState, windowed

ZOOM_STEP = 1.25
PAN_STEP = 60.0
LEVEL_STEP, WIDTH_STEP = 0.05, 0.2
PRESETS = 9


@dataclass(frozen=True)
class Surroundings:
    """What a command may need besides the view. width, height: logical size of the viewer; ratio: device pixels per
    logical one. window: what brightness and contrast start from. presets: in the order of their keys. true_zoom: where
    a millimetre in the patient is one on the screen, None where nobody can know."""

    width: float
    height: float
    ratio: float
    window: VoiWindow
    presets: tuple[Preset, ...] = ()
    true_zoom: float | None = None


Command = Callable[[ViewState, Surroundings], ViewState]


def fit(state: ViewState, around: Surroundings) -> ViewState:
    """The whole picture."""
    return state.fit(around.width, around.height)


def full_size(state: ViewState, around: Surroundings) -> ViewState:
    """One device pixel per picture pixel."""
    return state.with_zoom(1 / around.ratio)


def true_size(state: ViewState, around: Surroundings) -> ViewState:
    """A millimetre for a millimetre; nothing changes where that cannot be known."""
    return state.with_zoom(around.true_zoom) if around.true_zoom is not None else state


def exact_pixels(state: ViewState, around: Surroundings) -> ViewState:
    """Pixels as they are, or smooth ones again."""
    return replace(state, exact=not state.exact)


def next_colours(state: ViewState, around: Surroundings) -> ViewState:
    """The next colour table; after the last one grey again."""
    tables = list(ColourTable)
    return replace(state, colours=tables[(tables.index(state.colours) + 1) % len(tables)])


def zoom(factor: float, state: ViewState, around: Surroundings) -> ViewState:
    """Larger or smaller about the middle of the viewer."""
    return state.zoomed(factor, (around.width / 2, around.height / 2), around.width, around.height)


def pan(dx: float, dy: float, state: ViewState, around: Surroundings) -> ViewState:
    """Look further to one side: the picture moves the other way."""
    return state.panned(-dx, -dy)


def orient(change: Callable[[Orientation], Orientation], state: ViewState, around: Surroundings) -> ViewState:
    """Turned or flipped; a fitted picture stays fitted."""
    turned = replace(state, orientation=change(state.orientation))
    return turned.resized(around.width, around.height)


def shift_window(darker: float, wider: float, state: ViewState, around: Surroundings) -> ViewState:
    """Brightness and contrast by hand. On an inverted film the keys still mean what the eye sees."""
    darker = -darker if state.inverted else darker
    return replace(state, window=windowed(state.window or around.window, darker, wider))


def preset(number: int, state: ViewState, around: Surroundings) -> ViewState:
    """The n-th preset, counted from 1; without that many nothing changes."""
    if number > len(around.presets):
        return state
    return replace(state, window=around.presets[number - 1].window)


def auto_window(state: ViewState, around: Surroundings) -> ViewState:
    """The picture's own window."""
    return replace(state, window=None)


def invert(state: ViewState, around: Surroundings) -> ViewState:
    """Black for white."""
    return replace(state, inverted=not state.inverted)


def reset(state: ViewState, around: Surroundings) -> ViewState:
    """As the film was when it was opened."""
    return ViewState(state.rows, state.columns).fit(around.width, around.height)


VIEW_COMMANDS: Mapping[str, Command] = {
    "viewer.fit": fit,
    "viewer.full_size": full_size,
    "viewer.true_size": true_size,
    "viewer.zoom_in": partial(zoom, ZOOM_STEP),
    "viewer.zoom_out": partial(zoom, 1 / ZOOM_STEP),
    "viewer.pan_left": partial(pan, -PAN_STEP, 0),
    "viewer.pan_right": partial(pan, PAN_STEP, 0),
    "viewer.pan_up": partial(pan, 0, -PAN_STEP),
    "viewer.pan_down": partial(pan, 0, PAN_STEP),
    "viewer.turn_right": partial(orient, lambda o: o.turned(1)),
    "viewer.turn_left": partial(orient, lambda o: o.turned(3)),
    "viewer.flip_left_right": partial(orient, Orientation.flipped_horizontally),
    "viewer.flip_top_bottom": partial(orient, Orientation.flipped_vertically),
    "viewer.invert": invert,
    "viewer.auto_window": auto_window,
    **{f"viewer.preset_{n}": partial(preset, n) for n in range(1, PRESETS + 1)},
    "viewer.brighter": partial(shift_window, -LEVEL_STEP, 0),
    "viewer.darker": partial(shift_window, LEVEL_STEP, 0),
    "viewer.more_contrast": partial(shift_window, 0, -WIDTH_STEP),
    "viewer.less_contrast": partial(shift_window, 0, WIDTH_STEP),
    "viewer.exact_pixels": exact_pixels,
    "viewer.next_colours": next_colours,
    "viewer.reset": reset,
}
