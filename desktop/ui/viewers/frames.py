"""Frames of a film: a frozen request in, a ready-to-show image out. Runs off the main thread; touches no widget."""

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QTransform

from desktop.imaging import display
from desktop.jobs import Job
from desktop.records import Activation, Photometric, Picture, VoiWindow
from desktop.ui.viewers.view_state import ViewState

BACKGROUND = (10, 10, 10)
HEAT_COLOUR = (230, 159, 0)
HEAT_FROM = 0.4
HEAT_OPACITY = 0.45


@dataclass(frozen=True, eq=False)
class FilmSource:
    """A picture made ready to be drawn again and again; a frame never reads many more pixels than it shows.

    window: how the picture is first shown, None where the file brings a table of its own. base: the window that
    brightness and contrast by hand start from.
    """

    canvas: display.Canvas
    window: VoiWindow | None
    base: VoiWindow
    presets: tuple[display.Preset, ...]

    @property
    def picture(self) -> Picture:
        """The picture itself."""
        return self.canvas.picture

    @classmethod
    def build(cls, picture: Picture, job: Job) -> "FilmSource":
        """Prepare a picture. Raises Cancelled."""
        job.check()
        window = display.default_settings(picture).window
        base = window or display.automatic_window(picture)
        return cls(display.Canvas(picture), window, base, display.presets(picture))


@dataclass(frozen=True, eq=False)
class FrameRequest:
    """What to draw. serial: grows with each request; an answer older than one already shown is dropped.

    width, height: logical size of the viewer; ratio: device pixels per logical pixel. activation: drawn when the
    state asks for the overlay.
    """

    serial: int
    source: FilmSource
    state: ViewState
    width: int
    height: int
    ratio: float
    activation: Activation | None = None


@dataclass(frozen=True, eq=False)
class Frame:
    """The answer. image: RGB32, as many device pixels as the viewer has."""

    request: FrameRequest
    image: QImage


def picture_to_device(request: FrameRequest) -> QTransform:
    """From picture coordinates to device pixels of the frame."""
    state, ratio = request.state, request.ratio
    scale = state.zoom * ratio
    right, down = state.direction_to_view(1, 0), state.direction_to_view(0, 1)
    origin = state.to_view((0.0, 0.0), request.width, request.height)
    return QTransform(
        right[0] * scale,
        right[1] * scale,
        down[0] * scale,
        down[1] * scale,
        origin[0] * ratio,
        origin[1] * ratio,
    )


def render_frame(request: FrameRequest, job: Job) -> Frame:
    """Draw what is visible, at the viewer's own resolution. Raises Cancelled."""
    image = QImage(
        max(1, round(request.width * request.ratio)),
        max(1, round(request.height * request.ratio)),
        QImage.Format.Format_RGB32,
    )
    image.fill(QColor(*BACKGROUND))
    job.check()
    painter = QPainter(image)
    try:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        to_device = picture_to_device(request)
        _draw_film(painter, request, to_device)
        if request.state.overlay and request.activation is not None:
            _draw_heat(painter, request, request.activation, to_device)
    finally:
        painter.end()
    image.setDevicePixelRatio(request.ratio)
    return Frame(request, image)


def step_for(picture: Picture, device_pixels_per_pixel: float) -> int:
    """How many pixels of the picture, 1, 2, 4 …, may be averaged into one and still give one for each device pixel."""
    step = 1
    while 2 * step * device_pixels_per_pixel <= 1 and 2 * step < max(picture.rows, picture.columns):
        step *= 2
    return step


def visible_part(request: FrameRequest, step: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (exclusive) of what shows, in pixels of the reduced picture, with one of margin."""
    width, height = request.width, request.height
    corners = [
        request.state.to_picture(corner, width, height) for corner in ((0, 0), (width, 0), (0, height), (width, height))
    ]
    picture = request.source.picture
    left = math.floor((min(x for x, _ in corners) + 0.5) / step) - 1
    right = math.ceil((max(x for x, _ in corners) + 0.5) / step) + 1
    top = math.floor((min(y for _, y in corners) + 0.5) / step) - 1
    bottom = math.ceil((max(y for _, y in corners) + 0.5) / step) + 1
    return max(left, 0), max(top, 0), min(right, -(-picture.columns // step)), min(bottom, -(-picture.rows // step))


def _draw_film(painter: QPainter, request: FrameRequest, to_device: QTransform) -> None:
    source, state = request.source, request.state
    step = step_for(source.picture, state.zoom * request.ratio)
    left, top, right, bottom = visible_part(request, step)
    if left >= right or top >= bottom:
        return
    settings = display.RenderSettings(window=state.window or source.window, invert=state.inverted, step=step)
    light = source.canvas.render(settings, part=(left, top, right, bottom))
    colour = source.picture.photometric is Photometric.RGB
    film = QImage(
        light.data,
        right - left,
        bottom - top,
        light.strides[0],
        QImage.Format.Format_RGB888 if colour else QImage.Format.Format_Grayscale8,
    )
    painter.setTransform(QTransform(step, 0, 0, step, left * step - 0.5, top * step - 0.5) * to_device)
    painter.drawImage(0, 0, film)


def _draw_heat(painter: QPainter, request: FrameRequest, activation: Activation, to_device: QTransform) -> None:
    """The activation as one colour whose strength says how much; weak parts stay clear."""
    heat = np.clip((activation.heat.astype(np.float32) - HEAT_FROM) / (1 - HEAT_FROM), 0, 1) * HEAT_OPACITY
    pixels = np.empty((*heat.shape, 4), np.uint8)
    for channel, value in enumerate(HEAT_COLOUR):
        pixels[..., channel] = np.rint(heat * value)
    pixels[..., 3] = np.rint(heat * 255)
    image = QImage(
        pixels.data, heat.shape[1], heat.shape[0], pixels.strides[0], QImage.Format.Format_RGBA8888_Premultiplied
    )
    state = request.state
    left, top, right, bottom = activation.box
    target = QRectF(
        left * state.columns - 0.5,
        top * state.rows - 0.5,
        (right - left) * state.columns,
        (bottom - top) * state.rows,
    )
    painter.setTransform(to_device)
    painter.drawImage(target, image, QRectF(0, 0, heat.shape[1], heat.shape[0]), Qt.ImageConversionFlag.AutoColor)
