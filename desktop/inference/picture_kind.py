"""Whether a picture looks like what a model is meant for: cheap measurements that its manifest sets the limits of.

Every problem has advice in the catalogue under `inference.quality.<slug>.advice`.
"""

import numpy as np
import numpy.typing as npt

from desktop.imaging import display
from desktop.inference.picture_manifest import Colour, HeadOnBlack, OneBody, PictureKind
from desktop.inference.preparation import resample, without_frame
from desktop.records import Photometric, Picture

FloatArray = npt.NDArray[np.float32]

OTHER_SIZE = "other_size"
OTHER_SHAPE = "other_shape"
OTHER_COLOUR = "other_colour"
NOT_ONE_BODY = "not_one_body"
NOT_A_HEAD = "not_a_head"
KIND_PROBLEMS = (OTHER_SIZE, OTHER_SHAPE, OTHER_COLOUR, NOT_ONE_BODY, NOT_A_HEAD)

_SIDE = 64
# Shares of the brightest that is no speck: a cell's edge is brighter, ground stirred up by a lossy file is darker.
_BODY, _GROUND = 0.35, 0.08
_FRAME = 0.15
_EVEN = 0.35


def kind_problems(kind: PictureKind, picture: Picture) -> tuple[str, ...]:
    """Slugs of why a picture is none of a kind, the cheapest to see first; empty where it is one."""
    rows, columns = picture.pixels.shape[:2]
    short, long = min(rows, columns), max(rows, columns)
    if short < kind.shortest_side or long > kind.longest_side:
        return (OTHER_SIZE,)
    if long > kind.longest_aspect * short:
        return (OTHER_SHAPE,)
    coloured = picture.photometric is Photometric.RGB
    if kind.colour is not Colour.ANY and coloured != (kind.colour is Colour.COLOUR):
        return (OTHER_COLOUR,)
    if kind.one_body is not None and not is_one_body(display.grey(picture), kind.one_body):
        return (NOT_ONE_BODY,)
    if kind.head is not None and not is_head(display.grey(picture), kind.head):
        return (NOT_A_HEAD,)
    return ()


def is_head(grey: FloatArray, wanted: HeadOnBlack) -> bool:
    """Whether grey values, (rows, columns) in 0..1, show one slice of a head in black air, bone white."""
    # Here and not above: OpenCV and SciPy load in a tenth of a second each.
    from desktop.inference import head_slice

    pixels = head_slice.as_bytes(grey)
    if float(np.mean(pixels < head_slice.BLACK)) < wanted.ground:
        return False
    body = head_slice.body_of(pixels) > 0
    edge = np.concatenate([body[0], body[-1], body[:, 0], body[:, -1]])
    if not body.any() or float(edge.mean()) > wanted.edge:
        return False
    return float(np.mean(pixels[body] >= head_slice.BONE)) >= wanted.bone


def is_one_body(grey: FloatArray, wanted: OneBody) -> bool:
    """Whether grey values, (rows, columns) in 0..1, show one evenly lit body on black ground."""
    small = resample(without_frame(grey, _FRAME)[0], _SIDE)
    bright = float(np.percentile(small, 95))
    body = small > _BODY * bright
    if bright <= 0 or not body.any():
        return False
    median = float(np.median(small[body]))
    edge = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    border = float(np.mean(edge < _BODY * bright))
    even = float(np.mean(np.abs(small[body] / median - 1) < _EVEN))
    murky = float(np.mean((small > _GROUND * bright) & (small < 0.5 * median)))
    return border >= wanted.border and even >= wanted.even and murky <= wanted.murky
