"""From a photograph of the retina to the tensor a network of vessels reads."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from desktop.inference.fundus_field import INSIDE, Circle, Retina, against_ground, cut_out

FloatArray = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

LIGHTS: Final = ("red", "green", "blue")
"""As they lie in a picture."""


@dataclass(frozen=True)
class VesselPreparation:
    """The circle of the retina is made `diameter` pixels wide in the middle of a square of `side`; of each of `lights`
    it is told how far each point is from its surroundings (`reach`: their standard deviation in pixels), in their
    spreads. Vessels stand out most in the green light, which comes first. inside: share of the circle's radius that is
    looked at."""

    diameter: int
    side: int
    reach: float
    inside: float = INSIDE
    lights: tuple[str, ...] = ("green",)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the tensor, without the batch."""
        return len(self.lights), self.side, self.side


def prepare_vessels(pixels: Bytes, circle: Circle, preparation: VesselPreparation) -> tuple[FloatArray, Retina]:
    """(rows, columns, 3) RGB → (1, lights, side, side), and the retina it is made from."""
    retina = cut_out(pixels, circle, preparation.diameter, preparation.side, preparation.inside)
    seen = (np.ascontiguousarray(retina.pixels[..., LIGHTS.index(light)]) for light in preparation.lights)
    told = [against_ground(light.astype(np.float32), retina.field, preparation.reach) for light in seen]
    return np.stack(told)[None], retina
