"""Frames of a film: a frozen request in, a ready-to-show image out. Runs off the main thread; touches no widget."""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
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
SMALLEST_LEVEL = 512


@dataclass(frozen=True, eq=False)
class FilmSource:
    """A picture and its reduced copies, so that a frame never reads more pixels than it shows.

    levels: level k has one pixel for 2**k by 2**k of the picture, stored values averaged. window: how the picture is
    first shown, None where the file brings a table of its own. base: the window that brightness and contrast by hand
    start from.
    """

    levels: tuple[Picture, ...]
    window: VoiWindow | None
    base: VoiWindow
    presets: tuple[display.Preset, ...]

    @property
    def picture(self) -> Picture:
        """The picture itself."""
        return self.levels[0]

    @classmethod
    def build(cls, picture: Picture, job: Job) -> "FilmSource":
        """Reduce until the longer side is short enough. Raises Cancelled."""
        levels = [picture]
        while max(levels[-1].rows, levels[-1].columns) > 2 * SMALLEST_LEVEL and min(levels[-1].pixels.shape[:2]) > 1:
            job.check()
            levels.append(replace(levels[-1], pixels=_halved(levels[-1].pixels)))
        window = display.default_settings(picture).window
        return cls(tuple(levels), window, window or display.automatic_window(picture), display.presets(picture))


def _halved(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Every 2 by 2 block as its mean; an odd last row or column is left out (less than a screen pixel where used)."""
    rows, columns = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    wide = np.float32 if pixels.dtype.kind == "f" else np.int32 if pixels.dtype.itemsize < 4 else np.int64
    total = pixels[0:rows:2, 0:columns:2].astype(wide)
    for down, right in ((0, 1), (1, 0), (1, 1)):
        total += pixels[down:rows:2, right:columns:2].astype(wide)
    mean = total / 4 if pixels.dtype.kind == "f" else total >> 2
    return mean.astype(pixels.dtype)


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


def level_for(source: FilmSource, device_pixels_per_pixel: float) -> int:
    """The smallest copy that still has a pixel for each device pixel."""
    if device_pixels_per_pixel >= 1:
        return 0
    return min(int(math.log2(1 / device_pixels_per_pixel)), len(source.levels) - 1)


def visible_part(request: FrameRequest, level: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (exclusive) of what shows, in pixels of a level, one pixel of margin included."""
    width, height = request.width, request.height
    corners = [
        request.state.to_picture(corner, width, height)
        for corner in ((0, 0), (width, 0), (0, height), (width, height))
    ]
    factor = 2**level
    columns, rows = request.source.levels[level].columns, request.source.levels[level].rows
    left = math.floor((min(x for x, _ in corners) + 0.5) / factor) - 1
    right = math.ceil((max(x for x, _ in corners) + 0.5) / factor) + 1
    top = math.floor((min(y for _, y in corners) + 0.5) / factor) - 1
    bottom = math.ceil((max(y for _, y in corners) + 0.5) / factor) + 1
    return max(left, 0), max(top, 0), min(right, columns), min(bottom, rows)


def _draw_film(painter: QPainter, request: FrameRequest, to_device: QTransform) -> None:
    level = level_for(request.source, request.state.zoom * request.ratio)
    left, top, right, bottom = visible_part(request, level)
    if left >= right or top >= bottom:
        return
    part = replace(
        request.source.levels[level], pixels=request.source.levels[level].pixels[top:bottom, left:right]
    )
    window = request.state.window or request.source.window
    grey = np.ascontiguousarray(
        display.render(part, display.RenderSettings(window=window, invert=request.state.inverted))
    )
    colour = part.photometric is Photometric.RGB
    film = QImage(
        grey.data,
        right - left,
        bottom - top,
        grey.strides[0],
        QImage.Format.Format_RGB888 if colour else QImage.Format.Format_Grayscale8,
    )
    factor = 2**level
    placed = QTransform(factor, 0, 0, factor, left * factor - 0.5, top * factor - 0.5)
    painter.setTransform(placed * to_device)
    painter.drawImage(0, 0, film)


def _draw_heat(
    painter: QPainter, request: FrameRequest, activation: Activation, to_device: QTransform
) -> None:
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
    painter.drawImage(
        target, image, QRectF(0, 0, heat.shape[1], heat.shape[0]), Qt.ImageConversionFlag.AutoColor
    )
