"""Pictures as light: what the viewer paints, what a report prints and what a model sees.

A window change must be a matter of milliseconds on the slowest PC, so nothing here touches every pixel with floating
point: stored values are brought to at most 65,536 codes once (`Canvas`), and a render is one table look-up.
"""

from dataclasses import InitVar, dataclass, field

import numpy as np
import numpy.typing as npt

from desktop.imaging.geometry import Orientation
from desktop.imaging.resample import codes_of, light_of
from desktop.imaging.window import (
    FloatArray,
    Preset,
    apply_voi_lut,
    apply_window,
    automatic_window,
    brightness,
    default_window,
    modality_values,
    presets,
    to_modality,
)
from desktop.records import Photometric, Picture, VoiWindow
from desktop.records.picture import Array

__all__ = [
    "Canvas",
    "Preset",
    "RenderSettings",
    "automatic_window",
    "default_settings",
    "default_window",
    "grey",
    "modality_values",
    "presets",
    "render",
    "thumbnail",
]

_CODES = 65536
Pixels8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class RenderSettings:
    """What a person chose to see.

    window: VOI window in modality units; None takes the file's VOI LUT, or else `default_window`. Colour pictures take
    a window on their 0..255. invert: dark for bright. quarter_turns: clockwise, after mirroring left to right.
    step: every step-th detail only, averaged (2 halves both sides); the viewer renders no more pixels than it shows.
    """

    window: VoiWindow | None = None
    invert: bool = False
    quarter_turns: int = 0
    mirrored: bool = False
    step: int = 1

    def __post_init__(self) -> None:
        if self.step < 1:
            raise ValueError("a step is a whole number of pixels")

    @property
    def orientation(self) -> Orientation:
        """How the picture lies."""
        return Orientation(self.quarter_turns, self.mirrored)


def default_settings(picture: Picture) -> RenderSettings:
    """How a picture is first shown: its VOI LUT where it has one, else `default_window`."""
    return RenderSettings(window=None if picture.voi_lut is not None else default_window(picture))


@dataclass(eq=False)
class Canvas:
    """A picture made ready to be rendered again and again. Reduced copies are made when first asked for and kept.

    like: another picture of the same series; without a window of its own this one is then shown as that one is.
    """

    picture: Picture
    like: InitVar["Canvas | None"] = None
    _values: FloatArray = field(init=False)
    _default: VoiWindow | None = field(init=False)
    _padding: int | None = field(init=False, default=None)
    _levels: dict[int, Array] = field(init=False, default_factory=dict)

    def __post_init__(self, like: "Canvas | None") -> None:
        picture = self.picture
        if picture.voi_lut is None:
            self._default = like._default if like is not None else default_window(picture)
        else:
            self._default = None
        if picture.photometric is Photometric.RGB:
            self._levels[1] = picture.pixels
            self._values = np.arange(256, dtype=np.float32)
            return
        codes, stored = _codes(picture.pixels)
        self._levels[1] = codes
        self._values = to_modality(picture, stored)
        if picture.pixel_padding is not None:
            found = np.flatnonzero(stored == picture.pixel_padding)
            self._padding = int(found[0]) if found.size else None

    def render(self, settings: RenderSettings, part: tuple[int, int, int, int] | None = None) -> Pixels8:
        """Light, 0 dark to 255 bright: (rows, columns) uint8, or (rows, columns, 3) for colour, contiguous.

        MONOCHROME1 is turned; padding is black. With a step the size is that of the view divided by it, rounded up.
        part: (left, top, right, bottom), the end excluded, of the reduced picture before it is mirrored and turned.
        """
        table = self.table(settings)
        level = self._level(settings.step)
        if part is not None:
            left, top, right, bottom = part
            level = level[top:bottom, left:right]
        light: Pixels8 = np.take(table, level)
        return np.ascontiguousarray(settings.orientation.apply(light))

    @property
    def padding(self) -> int | None:
        """The code of what is no picture."""
        return self._padding

    def codes(self, step: int) -> Array:
        """The picture reduced by a step, as codes that `table` turns to light: (rows, columns[, 3]), read-only."""
        return self._level(step)

    def table(self, settings: RenderSettings) -> Pixels8:
        """Light for each code."""
        window = settings.window or self._default
        light = apply_window(self._values, window) if window else apply_voi_lut(self.picture, self._values)
        if (self.picture.photometric is Photometric.MONOCHROME1) != settings.invert:
            light = 1.0 - light
        table: Pixels8 = np.rint(light * np.float32(255)).astype(np.uint8)
        if self._padding is not None:
            table[self._padding] = 0
        return table

    def _level(self, step: int) -> Array:
        if step not in self._levels:
            self._levels[step] = _reduce(self._levels[1], step, self._padding)
        return self._levels[step]


def _codes(pixels: Array) -> tuple[Array, Array]:
    """Pixels as unsigned codes of at most 16 bits, and the stored value that each code stands for."""
    if pixels.dtype == np.uint8:
        return pixels, np.arange(256)
    high = pixels.max()
    if pixels.dtype == np.uint16:
        return pixels, np.arange(int(high) + 1)
    low = pixels.min()
    if pixels.dtype.kind in "iu" and int(high) - int(low) < _CODES:
        codes = (pixels.astype(np.int64) - int(low)).astype(np.uint16)
        return codes, np.arange(int(low), int(high) + 1)
    # 32-bit and floating values: 65,536 even steps from the lowest to the highest, far more than a screen can show.
    scale = (float(high) - float(low)) / (_CODES - 1) or 1.0
    codes = np.rint((pixels - np.float64(low)) / scale).astype(np.uint16)
    return codes, float(low) + scale * np.arange(_CODES)


def _reduce(codes: Array, step: int, padding: int | None) -> Array:
    """Codes averaged over step x step blocks, the last ones smaller; blocks that touch padding keep a real value.

    Colour is averaged as light, not as sRGB codes, which would darken whatever is finely striped.
    """
    if codes.ndim == 3:
        return codes_of(_averaged(light_of(codes), step))
    if padding is not None:
        return np.ascontiguousarray(codes[::step, ::step])
    return _averaged(codes, step)


def _averaged(codes: Array, step: int) -> Array:
    """Means of step x step blocks, rounded; the last blocks repeat the edge.

    16 bits that divide evenly are halved again and again, in less than half the time; a mean may then be off by one of
    65,536 for each halving.
    """
    import cv2  # loads in a tenth of a second; the window starts without it

    halved = step
    while codes.dtype == np.uint16 and halved % 2 == 0 and not (codes.shape[0] % halved or codes.shape[1] % halved):
        codes = np.asarray(cv2.resize(codes, (codes.shape[1] // 2, codes.shape[0] // 2), interpolation=cv2.INTER_AREA))
        halved //= 2
    if halved == 1:
        return codes
    step = halved
    rows, columns = -(-codes.shape[0] // step), -(-codes.shape[1] // step)
    below, beside = rows * step - codes.shape[0], columns * step - codes.shape[1]
    even = cv2.copyMakeBorder(codes, 0, below, 0, beside, cv2.BORDER_REPLICATE) if below or beside else codes
    return np.asarray(cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA))


def render(picture: Picture, settings: RenderSettings) -> Pixels8:
    """One picture as light, see `Canvas.render`. Keep a `Canvas` to render the same picture again."""
    return Canvas(picture).render(settings)


def grey(picture: Picture) -> FloatArray:
    """(rows, columns) float32 in 0..1, bright = dense: what models and reports take.

    The file's VOI LUT or first sensible window applied, MONOCHROME1 turned, colour as brightness, padding 0.
    """
    if picture.photometric is Photometric.RGB:
        return brightness(picture.pixels) / np.float32(255)
    codes, stored = _codes(picture.pixels)
    values = to_modality(picture, stored)
    if picture.voi_lut is not None:
        light = apply_voi_lut(picture, values)
    else:
        light = apply_window(values, default_window(picture))
    if picture.photometric is Photometric.MONOCHROME1:
        light = np.float32(1) - light
    if picture.pixel_padding is not None:
        light[stored == picture.pixel_padding] = 0.0
    return np.take(light, codes)


def thumbnail(picture: Picture, longest: int) -> Pixels8:
    """The picture as first shown, at most `longest` pixels on its longer side, never enlarged: as `render` gives it."""
    step = max(1, -(-max(picture.rows, picture.columns) // longest))
    settings = default_settings(picture)
    return render(picture, RenderSettings(window=settings.window, step=step))
