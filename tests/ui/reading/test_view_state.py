"""The mapping between picture and screen holds under every turn, flip, zoom and pan."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.records import VoiWindow
from desktop.ui.viewers.view_commands import VIEW_COMMANDS, Surroundings
from desktop.ui.viewers.view_state import MAX_ZOOM, Orientation, ViewState, windowed

ORIENTATIONS = [Orientation(turns, mirrored) for turns in range(4) for mirrored in (False, True)]
SIZE = (800.0, 600.0)

coordinates = st.floats(-500, 5000, allow_nan=False)
view_points = st.tuples(st.floats(0, 800), st.floats(0, 600))
states = st.builds(
    ViewState,
    rows=st.integers(1, 5000),
    columns=st.integers(1, 5000),
    zoom=st.floats(0.01, MAX_ZOOM),
    center=st.tuples(coordinates, coordinates),
    fitted=st.just(False),
    orientation=st.sampled_from(ORIENTATIONS),
)


@given(states, view_points)
def test_to_picture_undoes_to_view(state: ViewState, point: tuple[float, float]) -> None:
    back = state.to_view(state.to_picture(point, *SIZE), *SIZE)
    assert back == pytest.approx(point, abs=1e-6)


@given(states, view_points, st.floats(0.2, 5))
def test_zoom_keeps_the_point_under_the_pointer(state: ViewState, anchor: tuple[float, float], factor: float) -> None:
    held = state.to_picture(anchor, *SIZE)
    zoomed = state.zoomed(factor, anchor, *SIZE)
    moved = zoomed.to_picture(anchor, *SIZE)
    unclamped = zoomed.clamped(zoomed.center)
    on_edge = any(
        value in (-0.5, limit - 0.5) for value, limit in zip(unclamped, (state.columns, state.rows), strict=True)
    )
    assert on_edge or moved == pytest.approx(held, abs=1e-6)


@given(states, st.floats(-300, 300), st.floats(-300, 300))
def test_pan_follows_the_hand_while_the_middle_is_on_the_picture(state: ViewState, dx: float, dy: float) -> None:
    panned = state.panned(dx, dy)
    assert panned.contains(panned.center)
    x, y = state.direction_to_picture(dx / state.zoom, dy / state.zoom)
    wanted = (state.center[0] - x, state.center[1] - y)
    if state.contains(wanted):
        before = state.to_view(state.center, *SIZE)
        after = panned.to_view(state.center, *SIZE)
        assert (after[0] - before[0], after[1] - before[1]) == pytest.approx((dx, dy), abs=1e-6)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_fit_shows_the_whole_picture_and_touches_two_edges(orientation: Orientation) -> None:
    state = ViewState(rows=300, columns=1000, orientation=orientation).fit(*SIZE)
    corners = [state.to_view((x, y), *SIZE) for x in (-0.5, 999.5) for y in (-0.5, 299.5)]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    assert min(min(xs), min(ys)) >= -1e-9
    assert max(xs) <= SIZE[0] + 1e-9
    assert max(ys) <= SIZE[1] + 1e-9
    assert max(xs) - min(xs) == pytest.approx(SIZE[0]) or max(ys) - min(ys) == pytest.approx(SIZE[1])


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("viewer.flip_left_right", (-1, 0, 0, 1)),
        ("viewer.flip_top_bottom", (1, 0, 0, -1)),
        ("viewer.turn_right", (0, -1, 1, 0)),
        ("viewer.turn_left", (0, 1, -1, 0)),
    ],
)
def test_flips_and_turns_act_on_what_is_on_the_screen(
    orientation: Orientation, command: str, expected: tuple[int, int, int, int]
) -> None:
    before = ViewState(rows=70, columns=90, orientation=orientation, center=(40.0, 30.0))
    after = VIEW_COMMANDS[command](before, Surroundings(*SIZE, 1.0, VoiWindow(128, 256)))
    a, b, c, d = expected
    for x, y in itertools.product((1.0, -2.0), (3.0, 0.5)):
        sx, sy = before.direction_to_view(x, y)
        assert after.direction_to_view(x, y) == pytest.approx((a * sx + b * sy, c * sx + d * sy))


def test_fitted_view_follows_the_viewer_and_a_zoomed_one_stays() -> None:
    state = ViewState(rows=100, columns=100).fit(200, 200)
    assert state.resized(400, 400).zoom == pytest.approx(4.0)
    assert state.with_zoom(3.0).resized(400, 400).zoom == 3.0


@given(st.floats(-1, 1), st.floats(-20, 20))
def test_a_window_stays_wider_than_nothing(darker: float, wider: float) -> None:
    assert windowed(VoiWindow(100, 50, "bone"), darker, wider).width > 0
