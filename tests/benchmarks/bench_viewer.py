"""How long a frame of the film viewer takes: brightness and contrast, scrolling through slices, zooming and moving.

Off-screen, at the size a film has on a laptop of 1366 x 768 beside the reading panel. A frame is all of it: codes to
colours, the picture on the widget, the words and drawings over it. The peer is Qt drawing a picture of the same size
that was made before: what no viewer can be faster than.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter, QPixmap

from desktop.jobs import Job
from desktop.records import FileHeader, Modality, Photometric, Picture
from desktop.ui.application import application
from desktop.ui.viewers.film_painting import Corner, overlay_font, paint_corners
from desktop.ui.viewers.frames import FilmSource, FrameRequest, render_frame
from desktop.ui.viewers.view_state import ViewState, windowed

VIEWER = (920, 620)
FRAME_SECONDS = 0.016
FRAMES = 200
SIZES = {"512 x 512": (512, 512), "3,000 x 2,500": (3000, 2500)}
WORDS = Corner(("W 1,500  L -600 · Lungs", "43 %"))


def picture(rows: int, columns: int, seed: int) -> Picture:
    """Smooth shapes and noise, 16 bits."""
    random = np.random.default_rng(seed)
    down, across = np.mgrid[0:rows, 0:columns].astype(np.float32)
    shapes = 20000 + 9000 * np.sin(down / (rows / 9) + seed) * np.cos(across / (columns / 7))
    noisy = (shapes + random.normal(0, 400, shapes.shape)).clip(0, 65535).astype(np.uint16)
    return Picture(noisy, Photometric.MONOCHROME2, FileHeader(modality=Modality.DX), bits=16)


@pytest.fixture(scope="module", params=SIZES, ids=lambda name: name)
def sources(request: pytest.FixtureRequest) -> tuple[str, list[FilmSource]]:
    """Some pictures of a size, the first prepared as a film is, the others as the next slices of it are."""
    application()
    rows, columns = SIZES[request.param]
    first = FilmSource.build(picture(rows, columns, 0), Job())
    return request.param, [first, *(FilmSource.like(picture(rows, columns, seed), first) for seed in range(1, 4))]


def show(target: QPixmap, source: FilmSource, state: ViewState) -> None:
    """One frame, from the state to the pixels of the widget."""
    frame = render_frame(FrameRequest(1, source, state, *VIEWER, 1.0), Job())
    painter = QPainter(target)
    painter.drawImage(0, 0, frame.image)
    painter.setFont(overlay_font(painter.font()))
    paint_corners(painter, (WORDS, WORDS, WORDS, WORDS), *VIEWER)
    painter.end()


def percentile(work: Sequence[Callable[[], object]]) -> tuple[float, float]:
    """The median and the 95th percentile of some frames, seconds."""
    took = []
    for frame in work:
        start = time.perf_counter()
        frame()
        took.append(time.perf_counter() - start)
    return float(np.median(took)), float(np.percentile(took, 95))


def peer(target: QPixmap) -> float:
    image = QImage(*VIEWER, QImage.Format.Format_RGB32)
    image.fill(0)

    def draw() -> None:
        painter = QPainter(target)
        painter.drawImage(0, 0, image)
        painter.end()

    return percentile([draw] * FRAMES)[1]


def report(what: str, took: tuple[float, float], floor: float) -> None:
    print(f"\n{what}: median {took[0] * 1e3:.1f} ms, p95 {took[1] * 1e3:.1f} ms; Qt's blit alone {floor * 1e3:.2f} ms")


def test_window_and_level(sources: tuple[str, list[FilmSource]]) -> None:
    name, (source, *_) = sources
    target = QPixmap(*VIEWER)
    state = ViewState(source.picture.rows, source.picture.columns).fit(*VIEWER)
    show(target, source, state)
    states = [replace(state, window=windowed(source.base, step / 500, step / 300)) for step in range(FRAMES)]
    took = percentile([partial(show, target, source, one) for one in states])
    report(f"brightness and contrast, {name}", took, peer(target))
    assert took[1] <= FRAME_SECONDS


def test_scrolling(sources: tuple[str, list[FilmSource]]) -> None:
    """Each frame another picture nobody has looked at: prepared, reduced and drawn."""
    name, (first, *others) = sources
    target = QPixmap(*VIEWER)
    state = ViewState(first.picture.rows, first.picture.columns).fit(*VIEWER)

    def slice_of(number: int) -> None:
        show(target, FilmSource.like(others[number % len(others)].picture, first), state)

    slice_of(0)
    took = percentile([partial(slice_of, number) for number in range(FRAMES)])
    report(f"scrolling, {name}", took, peer(target))
    assert took[1] <= FRAME_SECONDS


def test_zooming_and_moving(sources: tuple[str, list[FilmSource]]) -> None:
    name, (source, *_) = sources
    target = QPixmap(*VIEWER)
    state = ViewState(source.picture.rows, source.picture.columns).fit(*VIEWER)
    states = [state]
    for step in range(FRAMES):
        grown = states[-1].zoomed(1.02 if step < FRAMES / 2 else 1 / 1.02, (300, 200), *VIEWER)
        states.append(grown.panned(3, 2))
    for one in states:
        show(target, source, one)
    took = percentile([partial(show, target, source, one) for one in states])
    report(f"zooming and moving, {name}", took, peer(target))
    assert took[1] <= FRAME_SECONDS
