"""The quality gate: plain measurements of the pixels first, then, where a model has one, a small network that knows
what it looks at.

Both must be satisfied before a model may look at a picture. Every problem has advice in the catalogue under
`inference.quality.<slug>.advice`.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from desktop.inference.picture_manifest import PixelLimits, QualityGate
from desktop.inference.preparation import resample
from desktop.records import Photometric, Picture, Quality, QualityProblem

FloatArray = npt.NDArray[np.float32]

GOOD = "good"
# Problems of the picture itself, beside the classes of the gate's network.
TOO_SMALL = "too_small"
ELONGATED = "elongated"
COLOUR = "colour"
TOO_DARK = "too_dark"
TOO_BRIGHT = "too_bright"
LOW_CONTRAST = "low_contrast"
UNFAMILIAR = "unfamiliar"
# Nothing like what the model has learned from, as it finds itself.
STRANGE = "strange"
PIXEL_PROBLEMS = (TOO_SMALL, ELONGATED, COLOUR, TOO_DARK, TOO_BRIGHT, LOW_CONTRAST)


LIMITS = PixelLimits()


def pixel_problems(picture: Picture, grey: FloatArray, limits: PixelLimits = LIMITS) -> tuple[str, ...]:
    """Slugs of what the pixels alone give away; empty where nothing does.

    grey: (rows, columns) in 0..1 as displayed, bright = dense.
    """
    rows, columns = grey.shape
    if min(rows, columns) < limits.shortest_side:
        return (TOO_SMALL,)
    problems = []
    if max(rows, columns) > limits.longest_aspect * min(rows, columns):
        problems.append(ELONGATED)
    if picture.photometric is Photometric.RGB and coloured_share(picture.pixels, limits) > limits.coloured_share:
        problems.append(COLOUR)
    middle = resample(grey, 64)[6:58, 6:58]
    low, median, high = np.percentile(middle, [2, 50, 98])
    if high - low < limits.least_spread:
        problems.append(LOW_CONTRAST)
    elif median < limits.darkest_median or np.mean(middle <= 0.01) > limits.black_share:
        problems.append(TOO_DARK)
    elif median > limits.brightest_median or np.mean(middle >= 0.99) > limits.white_share:
        problems.append(TOO_BRIGHT)
    return tuple(problems)


def coloured_share(pixels: npt.NDArray[np.uint8], limits: PixelLimits = LIMITS) -> float:
    """Share of an RGB picture's pixels, (rows, columns, 3), whose channels differ clearly."""
    step = max(1, min(pixels.shape[:2]) // 256)
    sample = pixels[::step, ::step].astype(np.int16)
    difference = sample.max(axis=2) - sample.min(axis=2)
    return float(np.mean(difference > limits.coloured_difference))


def network_problems(gate: QualityGate, logits: Sequence[float] | FloatArray, distance: float) -> tuple[str, ...]:
    """Slugs of what the gate's network sees; empty where the picture passes.

    logits: one per class of the gate. distance: how far the picture lies from the good films it was trained on.
    """
    values = np.asarray(logits, dtype=np.float64)
    shares = np.exp(values - values.max())
    shares /= shares.sum()
    if shares[0] < gate.pass_at:
        return (gate.classes[1 + int(np.argmax(shares[1:]))],)
    return (UNFAMILIAR,) if distance > gate.distance_limit else ()


def quality(problems: Sequence[str]) -> Quality:
    """The record of a gate's verdict."""
    return Quality(ok=not problems, problems=tuple(QualityProblem(slug) for slug in problems))
