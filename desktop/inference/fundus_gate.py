"""Whether a photograph shows a retina, and whether enough of it can be seen: cheap measurements that the manifest sets
the limits of.

Every problem has advice in the catalogue under `inference.quality.<slug>.advice`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.inference.fundus_field import INSIDE, Circle, Retina

FloatArray = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

NOT_RETINA = "not_retina"

_LOOK = 256
_BURNT, _BLACK = 250, 30
_DARKEST = 4.0


@dataclass(frozen=True)
class Limit:
    """A measure by name and where it must lie; `problem` is the slug told where it does not."""

    measure: str
    low: float
    high: float
    problem: str

    def holds(self, measures: Mapping[str, float]) -> bool:
        """Whether what was measured is within the limits."""
        return self.low <= measures[self.measure] <= self.high


def problems(limits: Sequence[Limit], measures: Mapping[str, float]) -> tuple[str, ...]:
    """Slugs of what is beyond its limits, each once."""
    return tuple(dict.fromkeys(limit.problem for limit in limits if not limit.holds(measures)))


SHAPE_MEASURES = ("rim", "seen", "filled", "beyond", "red_green", "green_blue")
"""Names of what `shape_measures` gives."""

SIGHT_MEASURES = ("whole", "light", "burnt", "black", "contrast", "sharpness", "vessels", "sureness")
"""Names of what `sight_measures` gives."""


def shape_measures(pixels: Bytes, circle: Circle) -> dict[str, float]:
    """What a photograph of a retina looks like from afar: a filled circle on black, red before green before blue.

    red_green, green_blue: logarithms of how the channels' medians stand to each other."""
    step = max(1, max(pixels.shape[:2]) // _LOOK)
    small = pixels[step // 2 :: step, step // 2 :: step]
    rows, columns = (np.arange(size) * step + step // 2 for size in small.shape[:2])
    inside = np.hypot(columns[None, :] - circle.x, rows[:, None] - circle.y) < 0.95 * circle.radius
    red, green, blue = np.median(small[inside], axis=0) + _DARKEST if inside.any() else (1.0, 1.0, 1.0)
    return {
        "rim": circle.rim,
        "seen": circle.seen,
        "filled": circle.filled,
        "beyond": circle.beyond,
        "red_green": float(np.log(red / green)),
        "green_blue": float(np.log(green / blue)),
    }


def sight_measures(retina: Retina, circle: Circle, vessels: FloatArray) -> dict[str, float]:
    """How much can be seen on a retina. vessels: (side, side) probability of each point.

    whole: share of the circle that the picture shows. light: median of the brightest channel, 0..255. burnt, black:
    shares of the field without anything in them. contrast: spread of the green light about its surroundings, as a share
    of it. sharpness: spread of fine detail over that of coarse. vessels: share of the field. sureness: how sure the
    network is of them."""
    import cv2

    field = retina.field
    if not field.any():
        return dict.fromkeys(SIGHT_MEASURES, 0.0)
    top = retina.pixels.max(axis=2)[field]
    green = retina.pixels[..., 1].astype(np.float32)
    inner = cv2.erode(field.astype(np.uint8), np.ones((17, 17), np.uint8), borderValue=0) > 0
    inner = inner if inner.any() else field
    calm = [cv2.GaussianBlur(green, (0, 0), reach) for reach in (0.8, 1.6, 3.2)]
    few = (green.shape[1] // 4, green.shape[0] // 4)
    weight = cv2.resize(field.astype(np.float32), few, interpolation=cv2.INTER_AREA)
    small = cv2.resize(green * field, few, interpolation=cv2.INTER_AREA)
    ground = cv2.GaussianBlur(small, (0, 0), 8.5) / (cv2.GaussianBlur(weight, (0, 0), 8.5) + np.float32(1e-3))
    ground = cv2.resize(ground, green.shape[::-1], interpolation=cv2.INTER_LINEAR)
    medium = (calm[2] - ground)[inner]
    fine = (calm[0] - calm[1])[inner]
    there = vessels[field] > 0.5
    spread = float(np.std(medium)) + 1e-3
    return {
        "whole": float(field.sum() / (np.pi * (INSIDE * circle.radius * retina.scale) ** 2)),
        "light": float(np.median(top)),
        "burnt": float(np.mean(green[field] >= _BURNT)),
        "black": float(np.mean(top < _BLACK)),
        "contrast": float(np.std(medium / (ground[inner] + np.float32(8)))),
        "sharpness": float(np.std(fine)) / spread,
        "vessels": float(np.mean(there)),
        "sureness": float(np.mean(vessels[field][there])) if there.any() else 0.0,
    }
