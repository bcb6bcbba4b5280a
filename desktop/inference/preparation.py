"""From grey values to the square tensor a network reads. Training and the clinic use these same functions."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.inference.picture_manifest import Preparation

FloatArray = npt.NDArray[np.float32]


Box = tuple[float, float, float, float]
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A network's input, (1, 1, side, side), and the part of the picture it shows: left, top, right, bottom as
    fractions of the picture's width and height."""

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


def prepare(grey: FloatArray, preparation: Preparation) -> Prepared:
    """(rows, columns) grey, bright = dense → a float32 tensor of zero mean and about unit deviation.

    It does not change when the grey values are scaled or shifted, nor with the size or the aspect of the file.
    """
    film, box = without_frame(grey, preparation.frame_level)
    square = resample(film, preparation.side)
    stretched = stretch(square, preparation.low_percentile, preparation.high_percentile)
    return Prepared(standardise(stretched, preparation.epsilon)[None, None], box)


def fingerprint(tensor: FloatArray) -> str:
    """SHA-256 (hex) of a prepared tensor's shape and little-endian bytes."""
    digest = hashlib.sha256(repr(tensor.shape).encode("ascii"))
    digest.update(np.ascontiguousarray(tensor, dtype="<f4").tobytes())
    return digest.hexdigest()
