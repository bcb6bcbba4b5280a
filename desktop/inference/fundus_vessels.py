"""From a photograph of the retina to the tensor a network of vessels reads."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.inference.fundus_field import Circle, Retina, against_ground, cut_out

FloatArray = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class VesselPreparation:
    """The circle of the retina is made `diameter` pixels wide in the middle of a square of `side`; of the green light,
    in which vessels stand out most, it is told how far each point is from its surroundings (`reach`: their standard
    deviation in pixels), in their spreads."""

    diameter: int
    side: int
    reach: float


def prepare_vessels(pixels: Bytes, circle: Circle, preparation: VesselPreparation) -> tuple[FloatArray, Retina]:
    """(rows, columns, 3) RGB → (1, 1, side, side), and the retina it is made from."""
    retina = cut_out(pixels, circle, preparation.diameter, preparation.side)
    green = np.ascontiguousarray(retina.pixels[..., 1]).astype(np.float32)
    return against_ground(green, retina.field, preparation.reach)[None, None], retina
