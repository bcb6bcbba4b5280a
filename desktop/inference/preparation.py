"""From grey values to the square tensor a network reads. Training and the clinic use these same functions."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.imaging import display
from desktop.inference.picture_manifest import AnyPreparation, CellPreparation, MeasuredPreparation, Preparation
from desktop.records import Photometric, Picture

FloatArray = npt.NDArray[np.float32]


Box = tuple[float, float, float, float]
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)

_LUMINOSITY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
# Of the brightest: below it lies the ground, even where a lossy file has stirred it up.
GROUND = 0.2
# A channel whose mean is darker holds nothing to compare with.
DARKEST = 0.02
# In spreads of the cell; black ground would be far beyond.
FARTHEST = 6.0


@dataclass(frozen=True, eq=False)
class Prepared:
    """A graph's input, (1, channels, side, side) or (1, numbers), and the part of the picture it shows: left, top,
    right, bottom as fractions of the picture's width and height."""

    tensor: FloatArray
    box: Box


def without_frame(grey: FloatArray, level: float) -> tuple[FloatArray, Box]:
    """The picture without the black rows and columns around it, and the part of the whole that is left.

    level: share of the picture's range up to which a pixel is black. How much black surrounds a film depends on
    the machine and on how a child was held, and in the training data it tells the label.
    """
    low, high = float(grey.min()), float(grey.max())
    limit = low + level * (high - low)
    if level <= 0 or limit >= high:
        return grey, WHOLE
    rows = np.flatnonzero(grey.max(axis=1) > limit)
    columns = np.flatnonzero(grey.max(axis=0) > limit)
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    height, width = grey.shape
    return grey[top:bottom, left:right], (left / width, top / height, right / width, bottom / height)


def resample(grey: FloatArray, side: int) -> FloatArray:
    """(rows, columns) → (side, side) float32 by an anti-aliased triangle filter.

    A 3,000 × 2,500 radiograph and its 384-pixel copy give nearly the same square. Aspect is given up on purpose:
    in the training data it tells the label.
    """
    # Here and not above: the window starts faster without Pillow.
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(grey, dtype=np.float32))
    return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR), dtype=np.float32)


def stretch(square: FloatArray, low_percentile: float, high_percentile: float) -> FloatArray:
    """Values between two percentiles of the picture spread over 0..1, the rest clipped; a flat picture gives 0."""
    low, high = np.percentile(square, [low_percentile, high_percentile])
    if high - low < 1e-6:
        return np.zeros_like(square)
    spread: FloatArray = np.clip((square - np.float32(low)) / np.float32(high - low), 0.0, 1.0).astype(np.float32)
    return spread


def standardise(stretched: FloatArray, epsilon: float) -> FloatArray:
    """(x - mean) / (standard deviation + epsilon) over the picture."""
    mean = np.mean(stretched, dtype=np.float64)
    deviation = np.std(stretched, dtype=np.float64)
    return ((stretched - mean) / (deviation + epsilon)).astype(np.float32)


def prepare_film(grey: FloatArray, preparation: Preparation) -> Prepared:
    """(rows, columns) grey, bright = dense → a float32 tensor of zero mean and about unit deviation.

    It does not change when the grey values are scaled or shifted, nor with the size or the aspect of the file.
    """
    film, box = without_frame(grey, preparation.frame_level)
    square = resample(film, preparation.side)
    stretched = stretch(square, preparation.low_percentile, preparation.high_percentile)
    return Prepared(standardise(stretched, preparation.epsilon)[None, None], box)


def prepare(light: FloatArray, preparation: AnyPreparation) -> Prepared:
    """The input a model asks for. light: (rows, columns), or (rows, columns, 3) where it `sees_colour`, in 0..1."""
    if isinstance(preparation, CellPreparation):
        return prepare_cell(light, preparation)
    if isinstance(preparation, MeasuredPreparation):
        # Here and not above: OpenCV and SciPy load in a tenth of a second each.
        from desktop.inference import head_slice

        return Prepared(head_slice.measure(brightness(light)), WHOLE)
    return prepare_film(light, preparation)


def sees_colour(preparation: AnyPreparation) -> bool:
    """Whether a picture in colour is given as it is rather than as its brightness."""
    return isinstance(preparation, CellPreparation)


def light_of(picture: Picture, preparation: AnyPreparation) -> FloatArray:
    """A picture as a model looks at it: (rows, columns) as shown, or (rows, columns, 3) in colour; 0..1."""
    if picture.photometric is Photometric.RGB and sees_colour(preparation):
        return picture.pixels.astype(np.float32) / np.float32(255)
    return display.grey(picture)


def prepare_cell(light: FloatArray, preparation: CellPreparation) -> Prepared:
    """(rows, columns) or (rows, columns, 3) in 0..1, one cell on black ground → (1, 3, side, side) in -6..6.

    It does not change with light, white balance or contrast, nor with the size or the aspect of the crop.
    """
    square, box = cell_square(light, preparation.side, preparation.frame_level)
    return Prepared(against_body(square, preparation)[None], box)


def cell_square(light: FloatArray, side: int, frame_level: float) -> tuple[FloatArray, Box]:
    """(rows, columns) or (rows, columns, 3) → (3, side, side) without the ground around it; grey gives three alike."""
    grey = brightness(light)
    cut, box = without_frame(grey, frame_level)
    if light.ndim == 2:
        return np.repeat(resample(cut, side)[None], 3, axis=0), box
    height, width = grey.shape
    left, top, right, bottom = (round(share * size) for share, size in zip(box, (width, height) * 2, strict=True))
    return np.stack([resample(light[top:bottom, left:right, channel], side) for channel in range(3)]), box


def against_body(square: FloatArray, preparation: CellPreparation) -> FloatArray:
    """(3, side, side) in 0..1 → how far each value is from the cell's own mean, in the cell's spreads, within -6..6."""
    grey = brightness(np.moveaxis(square, 0, 2))
    lit = grey[grey > GROUND * grey.max()]
    body = grey > preparation.body_level * (float(lit.mean(dtype=np.float64)) if lit.size else 0.0)
    if not body.any():
        return np.zeros_like(square)
    means = np.mean(square[:, body], axis=1, dtype=np.float64).astype(np.float32)
    shares = square / np.maximum(means, DARKEST)[:, None, None] - np.float32(1)
    spread = np.sqrt(np.mean(shares[:, body] ** 2, dtype=np.float64))
    return np.clip(shares / np.float32(spread + preparation.epsilon), -FARTHEST, FARTHEST).astype(np.float32)


def brightness(light: FloatArray) -> FloatArray:
    """Grey stays; (rows, columns, 3) → (rows, columns) by ITU-R BT.601, as pictures are turned grey everywhere."""
    return light if light.ndim == 2 else light @ _LUMINOSITY


def fingerprint(tensor: FloatArray) -> str:
    """SHA-256 (hex) of a prepared tensor's shape and little-endian bytes."""
    digest = hashlib.sha256(repr(tensor.shape).encode("ascii"))
    digest.update(np.ascontiguousarray(tensor, dtype="<f4").tobytes())
    return digest.hexdigest()
