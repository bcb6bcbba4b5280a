"""Frames show the right pixels in the right place, off the main thread, and old ones are dropped."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from desktop.jobs import Job
from desktop.records import Activation, FileHeader, Modality, Photometric, Picture, VoiWindow
from desktop.records.picture import Array
from desktop.ui.context import UiContext
from desktop.ui.viewers import FilmViewer, frame_view
from desktop.ui.viewers.frames import (
    BACKGROUND,
    FilmSource,
    Frame,
    FrameRequest,
    render_frame,
    step_for,
    visible_part,
)
from desktop.ui.viewers.overlay import Overlay
from desktop.ui.viewers.view_state import Orientation, ViewState

ORIENTATIONS = [Orientation(turns, mirrored) for turns in range(4) for mirrored in (False, True)]


def picture(pixels: Array, photometric: Photometric = Photometric.MONOCHROME2) -> Picture:
    """A film of these pixels."""
    return Picture(pixels, photometric, FileHeader(modality=Modality.DX), bits=8 * pixels.dtype.itemsize)


def spotted(rows: int, columns: int, spot: tuple[int, int]) -> Picture:
    """Black but for a white block of 5 by 5 pixels about (x, y)."""
    pixels = np.zeros((rows, columns), np.uint8)
    x, y = spot
    pixels[y - 2 : y + 3, x - 2 : x + 3] = 255
    return picture(pixels)


def request(source: FilmSource, state: ViewState, ratio: float = 1.0, serial: int = 1) -> FrameRequest:
    """A frame for a viewer of 400 by 300."""
    return FrameRequest(serial, source, state, 400, 300, ratio)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("ratio", [1.0, 2.0])
@pytest.mark.parametrize("zoom", [None, 2.5])
def test_a_pixel_lies_where_the_mapping_says(orientation: Orientation, ratio: float, zoom: float | None) -> None:
    spot = (50, 61)
    source = FilmSource.build(spotted(90, 120, spot), Job())
    state = ViewState(90, 120, orientation=orientation).fit(400, 300)
    if zoom is not None:
        state = replace(state, zoom=zoom, center=(55.0, 58.0), fitted=False)
    frame = render_frame(request(source, state, ratio), Job())
    x, y = state.to_view((float(spot[0]), float(spot[1])), 400, 300)
    assert frame.image.pixelColor(round(x * ratio - 0.5), round(y * ratio - 0.5)).red() > 250
    away = state.to_view((20.0, 61.0), 400, 300)
    assert frame.image.pixelColor(round(away[0] * ratio - 0.5), round(away[1] * ratio - 0.5)).red() < 5
    assert (frame.image.width(), frame.image.height()) == (400 * ratio, 300 * ratio)


def test_a_large_film_is_reduced_and_its_spot_stays_in_place() -> None:
    pixels = np.zeros((2400, 3000), np.uint16)
    pixels[1190:1230, 2000:2040] = 4000
    source = FilmSource.build(picture(pixels), Job())
    state = replace(ViewState(2400, 3000).fit(400, 300), window=VoiWindow(2000, 4000))
    frame = render_frame(request(source, state), Job())
    x, y = state.to_view((2019.5, 1209.5), 400, 300)
    assert frame.image.pixelColor(round(x - 0.5), round(y - 0.5)).red() > 240
    bright = [i for i in range(400) if frame.image.pixelColor(i, round(y - 0.5)).red() > 60]
    assert 3 <= len(bright) <= 7


def test_colour_stays_colour() -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[..., 0] = 200
    frame = render_frame(
        request(FilmSource.build(picture(pixels, Photometric.RGB), Job()), ViewState(40, 60).fit(400, 300)), Job()
    )
    middle = frame.image.pixelColor(200, 150)
    assert middle.red() > 150
    assert middle.green() < 30


def test_beside_the_film_it_is_near_black_in_every_theme() -> None:
    source = FilmSource.build(picture(np.full((30, 30), 255, np.uint8)), Job())
    frame = render_frame(request(source, ViewState(30, 30).fit(400, 300)), Job())
    assert frame.image.pixelColor(2, 150) == QColor(*BACKGROUND)


def test_the_overlay_covers_what_it_says_and_only_when_asked() -> None:
    source = FilmSource.build(picture(np.full((100, 200), 90, np.uint8)), Job())
    heat = np.zeros((4, 4), np.float32)
    heat[1, 1] = 1.0
    activation = Activation("pneumonia", heat, (0.5, 0.0, 1.0, 1.0))
    state = ViewState(100, 200).fit(400, 300)
    overlay = Overlay(activation)
    plain = render_frame(replace(request(source, state), overlay=overlay), Job()).image
    shown = render_frame(replace(request(source, replace(state, overlay=True)), overlay=overlay), Job()).image
    x, y = state.to_view((137.0, 37.0), 400, 300)
    assert plain.pixelColor(round(x), round(y)).red() == plain.pixelColor(round(x), round(y)).blue()
    hot = shown.pixelColor(round(x), round(y))
    assert hot.red() > hot.blue() + 40
    cold = state.to_view((30.0, 50.0), 400, 300)
    assert shown.pixel(round(cold[0]), round(cold[1])) == plain.pixel(round(cold[0]), round(cold[1]))


@settings(max_examples=200)
@given(
    rows=st.integers(1, 4000),
    columns=st.integers(1, 4000),
    zoom=st.floats(0.02, 8),
    centre=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    orientation=st.sampled_from(ORIENTATIONS),
    ratio=st.sampled_from([1.0, 1.5, 2.0]),
)
def test_the_part_that_is_read_covers_what_shows_and_little_more(
    rows: int, columns: int, zoom: float, centre: tuple[float, float], orientation: Orientation, ratio: float
) -> None:
    point = (centre[0] * (columns - 1), centre[1] * (rows - 1))
    state = ViewState(rows, columns, zoom=zoom, center=point, fitted=False, orientation=orientation)
    empty = np.zeros((1, 1), np.uint8)
    film = picture(np.broadcast_to(empty, (rows, columns)))
    source = FilmSource.__new__(FilmSource)
    object.__setattr__(source, "canvas", type("Still", (), {"picture": film})())
    wanted = request(source, state, ratio)
    step = step_for(film, zoom * ratio)
    left, top, right, bottom = visible_part(wanted, step)
    for corner in ((0, 0), (400, 0), (0, 300), (400, 300)):
        x, y = state.clamped(state.to_picture(corner, 400, 300))
        assert left * step - 0.5 <= x <= right * step - 0.5 or right == -(-columns // step)
        assert top * step - 0.5 <= y <= bottom * step - 0.5 or bottom == -(-rows // step)
    device_pixels = 400 * ratio * 300 * ratio
    assert (right - left) * (bottom - top) <= 4 * device_pixels + 8 * (400 + 300) * ratio + 64


@pytest.fixture
def viewer(qtbot: QtBot, context: UiContext) -> Iterator[FilmViewer]:
    """A viewer of 400 by 300 on the screen."""
    made = FilmViewer(context)
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.clear()


def test_frames_are_drawn_off_the_main_thread_and_only_the_newest_wish_is_kept(
    qtbot: QtBot, viewer: FilmViewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, drawn = threading.Event(), []

    def slow(wanted: FrameRequest, job: Job) -> Frame:
        gate.wait(5)
        assert threading.current_thread() is not threading.main_thread()
        drawn.append(wanted)
        return render_frame(wanted, job)

    monkeypatch.setattr(frame_view, "render_frame", slow)
    viewer.show_picture(spotted(90, 120, (50, 61)))
    qtbot.waitUntil(lambda: viewer.source is not None)
    for _ in range(20):
        viewer.run("viewer.zoom_in")
    gate.set()
    qtbot.waitUntil(lambda: viewer.frame is not None and viewer.frame.request.state == viewer.state)
    assert len(drawn) == 2
    assert drawn[-1].state == viewer.state


def test_an_answer_about_a_film_that_is_gone_is_dropped(qtbot: QtBot, viewer: FilmViewer) -> None:
    viewer.show_picture(spotted(90, 120, (50, 61)))
    qtbot.waitUntil(lambda: viewer.frame is not None)
    late = viewer.frame
    assert late is not None
    viewer.show_picture(spotted(80, 70, (30, 30)))
    viewer._take_frame(late)
    assert viewer.frame is not late
    qtbot.waitUntil(lambda: viewer.frame is not None)
    newer = viewer.frame
    assert newer is not None
    viewer._take_frame(replace(newer, request=replace(newer.request, serial=newer.request.serial - 1)))
    assert viewer.frame is newer
    viewer.clear()
    viewer._take_frame(newer)
    assert viewer.frame is None
