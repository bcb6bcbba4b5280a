"""Frames of a film: a frozen request in, a ready-to-show image out. Runs off the main thread; touches no widget."""

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QColor, QImage, QPainter, QTransform

from desktop.imaging import display
from desktop.imaging.colour_tables import colours
from desktop.imaging.resample import covered, resample
from desktop.imaging.window import Histogram, histogram
from desktop.jobs import Job
from desktop.records import Photometric, Picture, VoiWindow
from desktop.records.picture import Array
from desktop.ui.viewers.overlay import Overlay, paint
from desktop.ui.viewers.view_state import ViewState

BACKGROUND = (10, 10, 10)


@dataclass(frozen=True)
class Sampled:
    """The codes under the device pixels of a view that show the picture, kept while only its window or its colours
    change.

    key: what they depend on. left, top: of the first of them in the view; width, height: of the whole view.
    """

    key: object
    codes: Array
    left: int
    top: int
    width: int
    height: int


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
    _sampled: list[Sampled] = field(default_factory=list)

    @property
    def picture(self) -> Picture:
        """The picture itself."""
        return self.canvas.picture

    @cached_property
    def histogram(self) -> Histogram:
        """Of the picture's values."""
        return histogram(self.picture)

    @classmethod
    def build(cls, picture: Picture, job: Job) -> "FilmSource":
        """Prepare a picture. Raises Cancelled."""
        job.check()
        window = display.default_settings(picture).window
        base = window or display.automatic_window(picture)
        made = cls(display.Canvas(picture), window, base, display.presets(picture))
        _ = made.histogram  # so that the window need not work it out
        return made

    @classmethod
    def like(cls, picture: Picture, other: "FilmSource") -> "FilmSource":
        """Prepare another picture of the same kind in a hurry, such as the next slice or frame: shown as `other`."""
        return cls(display.Canvas(picture, other.canvas), other.window, other.base, other.presets)

    def forget_view(self) -> None:
        """Let go of the codes of the last view: another picture of the run is on the screen."""
        self._sampled.clear()

    def sampled(self, request: "FrameRequest") -> Sampled:
        """The codes for a request. Only the last view is kept."""
        state = request.state
        key = (
            *(state.zoom, state.center, state.orientation, state.exact),
            *(request.width, request.height, request.ratio),
        )
        last = self._sampled[:1]
        if last and last[0].key == key:
            return last[0]
        made = Sampled(key, *_sample(request))
        self._sampled[:] = [made]
        return made


@dataclass(frozen=True, eq=False)
class FrameRequest:
    """What to draw. serial: grows with each request; an answer older than one already shown is dropped.

    width, height: logical size of the viewer; ratio: device pixels per logical pixel. overlay: drawn when the
    state asks for it.
    """

    serial: int
    source: FilmSource
    state: ViewState
    width: int
    height: int
    ratio: float
    overlay: Overlay | None = None


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
    job.check()
    image = film_image(request)
    job.check()
    if request.state.overlay and request.overlay is not None:
        painter = QPainter(image)
        try:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            state = request.state
            paint(painter, request.overlay, state.rows, state.columns, picture_to_device(request))
        finally:
            painter.end()
    image.setDevicePixelRatio(request.ratio)
    return Frame(request, image)


def film_image(request: FrameRequest) -> QImage:
    """The film alone, RGB32, one value for each device pixel."""
    source, state = request.source, request.state
    sampled = source.sampled(request)
    settings = display.RenderSettings(window=state.window or source.window, invert=state.inverted)
    light = source.canvas.table(settings)
    width, height, codes = sampled.width, sampled.height, sampled.codes
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor(*BACKGROUND))
    if codes.size:
        # A row of 32-bit pixels is never padded.
        shown = np.frombuffer(image.bits(), np.uint32).reshape(height, width)
        there = shown[sampled.top : sampled.top + codes.shape[0], sampled.left : sampled.left + codes.shape[1]]
        if source.picture.photometric is Photometric.RGB:
            there[:] = _bgrx(codes, light)
        else:
            there[:] = np.take(_rgb32(colours(state.colours))[light], codes)
    return image


def _bgrx(rgb: Array, light: Array) -> npt.NDArray[np.uint32]:
    """(rows, columns, 3) uint8 through a table of 256, as Qt's 0xffRRGGBB: on every PC we run on blue comes first."""
    import cv2  # loads in a tenth of a second; the window starts without it

    made = cv2.cvtColor(cv2.LUT(np.ascontiguousarray(rgb), light), cv2.COLOR_RGB2BGRA)
    return np.asarray(made).view("<u4")[..., 0]


def _rgb32(rgb: Array) -> npt.NDArray[np.uint32]:
    """(…, 3) uint8 as (…) of Qt's 0xffRRGGBB."""
    wide = rgb.astype(np.uint32)
    red, green = wide[..., 0] << np.uint32(16), wide[..., 1] << np.uint32(8)
    packed: npt.NDArray[np.uint32] = np.uint32(0xFF000000) | red | green | wide[..., 2]
    return packed


def _sample(request: FrameRequest) -> tuple[Array, int, int, int, int]:
    """The codes under the device pixels of a request that show its picture, the first one's place, the view's size."""
    source, state, ratio = request.source, request.state, request.ratio
    width, height = max(1, round(request.width * ratio)), max(1, round(request.height * ratio))
    # Exact pixels are for looking closer; a reduced picture shows averages either way.
    exact = state.exact and state.zoom * ratio >= 1
    step = step_for(source.picture, state.zoom * ratio)
    left, top, right, bottom = visible_part(request, step)
    codes = source.canvas.codes(step)
    if left >= right or top >= bottom:
        return codes[:0, :0], 0, 0, width, height
    # From the centre of a device pixel to the picture, then to the reduced part of it.
    across, down = state.direction_to_picture(1, 0), state.direction_to_picture(0, 1)
    begin = state.to_picture((0.5 / ratio, 0.5 / ratio), request.width, request.height)
    one = 1.0 / (state.zoom * ratio * step)
    matrix = np.array(
        [
            [across[0] * one, down[0] * one, (begin[0] + 0.5) / step - 0.5 - left],
            [across[1] * one, down[1] * one, (begin[1] + 0.5) / step - 0.5 - top],
        ]
    )
    part = np.ascontiguousarray(codes[top:bottom, left:right])
    # A portrait film fills half of a wide viewer: the other half takes no time.
    first_x, first_y, end_x, end_y = covered(part.shape[0], part.shape[1], matrix, width, height)
    if first_x == end_x:
        return codes[:0, :0], 0, 0, width, height
    matrix[:, 2] += matrix[:, :2] @ (first_x, first_y)
    size = end_x - first_x, end_y - first_y
    made, _ = resample(part, matrix, *size, smooth=not exact, padding=source.canvas.padding)
    return made, first_x, first_y, width, height


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
