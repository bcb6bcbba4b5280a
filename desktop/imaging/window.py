"""From stored values to light: modality transformation, VOI window, and which window to begin with.

Stored value → modality value (`modality_values`) → 0..1 (`apply_window`, `apply_voi_lut`) → light (`display.render`).
PS3.3 C.11.1 and C.11.2; PS3.4 N.2.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.imaging.presets import in_hounsfield, in_percentiles
from desktop.records import Photometric, Picture, VoiWindow
from desktop.records.picture import Array

FloatArray = npt.NDArray[np.float32]

_LOW, _HIGH = 0.5, 99.5
_SAMPLES = 200_000
_LEAST_SHADED = 0.02
BINS = 128
"""Steps of a histogram: as many as its drawing has pixels."""


@dataclass(frozen=True)
class Preset:
    """A window somebody can choose. key: names its sentence, unless `name` (from the file) says it."""

    key: str
    window: VoiWindow | None
    name: str = ""


def modality_values(picture: Picture) -> FloatArray:
    """A grey picture's values in modality units: (rows, columns) float32; padding keeps its mapped value.

    A modality LUT is used where there is one, else slope and intercept. RGB gives brightness 0..255 (BT.601).
    """
    if picture.photometric is Photometric.RGB:
        return brightness(picture.pixels)
    return to_modality(picture, picture.pixels)


def brightness(rgb: Array) -> FloatArray:
    """(rows, columns, 3) uint8 as (rows, columns) float32 in 0..255."""
    grey = rgb[..., 0] * np.float32(0.299)
    grey += rgb[..., 1] * np.float32(0.587)
    grey += rgb[..., 2] * np.float32(0.114)
    return grey


def to_modality(picture: Picture, stored: Array) -> FloatArray:
    """Stored values of any shape in modality units, float32."""
    if picture.modality_lut is not None:
        index = np.clip(stored.astype(np.int64) - picture.modality_lut_first, 0, len(picture.modality_lut) - 1)
        return np.asarray(picture.modality_lut, dtype=np.float32)[index]
    if picture.slope == 1.0 and picture.intercept == 0.0:
        return stored.astype(np.float32)
    # In double precision: a 32-bit value times a slope of 1e-5 would lose its last digits in single.
    values: Array = stored * np.float64(picture.slope) + np.float64(picture.intercept)
    return values.astype(np.float32)


def apply_window(values: FloatArray, window: VoiWindow) -> FloatArray:
    """Modality values through a VOI window: float32 in 0..1 (PS3.3 C.11.2.1.2, C.11.2.1.3)."""
    center, width = np.float32(window.center), np.float32(window.width)
    if window.function == "SIGMOID":
        exponent = np.clip(-4.0 * (values - center) / width, -80.0, 80.0)
        return np.asarray(1.0 / (1.0 + np.exp(exponent)), dtype=np.float32)
    if window.function == "LINEAR_EXACT":
        fraction = (values - center) / width + np.float32(0.5)
    elif window.width <= 1:
        fraction = (values > center - np.float32(0.5)).astype(np.float32)
    else:
        fraction = (values - (center - np.float32(0.5))) / (width - np.float32(1)) + np.float32(0.5)
    clipped: Array = np.clip(fraction, 0.0, 1.0)
    return clipped.astype(np.float32)


def apply_voi_lut(picture: Picture, values: FloatArray) -> FloatArray:
    """Modality values through the file's VOI LUT (its entries are fractions already): float32 in 0..1."""
    if picture.voi_lut is None:
        raise ValueError("the picture has no VOI LUT")
    index = np.clip(np.rint(values).astype(np.int64) - picture.voi_lut_first, 0, len(picture.voi_lut) - 1)
    return np.asarray(picture.voi_lut, dtype=np.float32)[index]


def default_window(picture: Picture) -> VoiWindow:
    """The window to begin with, in modality units.

    The first of the file's own that shows a picture (some stations write one that leaves every pixel black or white);
    else the whole range of an 8-bit picture; else from the 0.5th to the 99.5th percentile without padding.
    """
    values = _sample(picture)
    for window in picture.windows:
        shades = apply_window(values, window)
        if np.count_nonzero((shades > 0.0) & (shades < 1.0)) >= _LEAST_SHADED * shades.size:
            return window
    plain = picture.modality_lut is None and picture.slope == 1.0 and picture.intercept == 0.0
    if plain and picture.pixels.dtype == np.uint8:
        return _between(0.0, float((1 << picture.bits) - 1))
    return automatic_window(picture)


def automatic_window(picture: Picture) -> VoiWindow:
    """From the 0.5th to the 99.5th percentile of the picture without padding."""
    return _percentiles(_sample(picture), _LOW, _HIGH)


def presets(picture: Picture) -> tuple[Preset, ...]:
    """The windows to offer for this picture, the file's own first, then those for what is in it."""
    offered: list[Preset] = []
    if picture.voi_lut is not None:
        offered.append(Preset("imaging.preset.file_table", None))
    offered += [Preset("imaging.preset.file", window, window.name) for window in picture.windows]
    values = _sample(picture)
    offered += [Preset(recipe.key, recipe.window()) for recipe in in_hounsfield(picture)]
    offered.append(Preset("imaging.preset.automatic", _percentiles(values, _LOW, _HIGH)))
    offered += [Preset(recipe.key, _percentiles(values, recipe.low, recipe.high)) for recipe in in_percentiles(picture)]
    offered.append(Preset("imaging.preset.full", _percentiles(values, 0.0, 100.0)))
    return tuple(offered)


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often which values occur. counts: of `BINS` even steps from low to high, in modality units."""

    low: float
    high: float
    counts: npt.NDArray[np.int64]


def histogram(picture: Picture) -> Histogram:
    """Of some 200,000 evenly spread pixels without padding."""
    values = _sample(picture)
    low, high = float(values.min()), float(values.max())
    high = high if high > low else low + 1.0
    counts, _ = np.histogram(values, bins=BINS, range=(low, high))
    return Histogram(low, high, counts)


def _sample(picture: Picture) -> FloatArray:
    """Modality values of at most some 200,000 evenly spread pixels, without padding unless there is nothing else."""
    step = max(1, int((picture.rows * picture.columns / _SAMPLES) ** 0.5))
    if picture.photometric is Photometric.RGB:
        return brightness(picture.pixels[::step, ::step]).ravel()
    stored = picture.pixels[::step, ::step].ravel()
    if picture.pixel_padding is not None:
        shown = stored[stored != picture.pixel_padding]
        stored = shown if shown.size else stored
    return to_modality(picture, stored)


def _percentiles(values: FloatArray, low: float, high: float) -> VoiWindow:
    bottom, top = np.percentile(values, (low, high))
    if not top > bottom:
        bottom, top = float(values.min()), float(values.max())
    return _between(float(bottom), float(top))


def _between(bottom: float, top: float) -> VoiWindow:
    """The exact window that maps bottom to 0 and top to 1; one step wide where they are the same."""
    width = top - bottom if top > bottom else 1.0
    return VoiWindow((bottom + top) / 2, width, function="LINEAR_EXACT")
