"""What lies over a volume: segments somebody or something painted, on a grid of their own."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from desktop.imaging.reslice import Frame, cut
from desktop.imaging.volume import Volume

Colour = tuple[int, int, int]
COLOURS: tuple[Colour, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
"""Okabe and Ito's, told apart by colour-blind eyes too."""


@dataclass(frozen=True, eq=False)
class MaskLayer:
    """A segment. volume: 1 inside, 0 outside, int16; it may lie on another grid than what it is laid over. name: what
    its file calls it. millilitres: of all that is inside, None where nobody counted."""

    volume: Volume
    colour: Colour = COLOURS[0]
    name: str = ""
    millilitres: float | None = None


def measured(layer: MaskLayer) -> MaskLayer:
    """With its size: the voxels inside, each of its own grid's size."""
    inside = int(np.count_nonzero(layer.volume.voxels >= 1))
    voxel = abs(float(np.linalg.det(layer.volume.grid.steps)))
    return replace(layer, millilitres=inside * voxel / 1000)


def painted(layers: tuple[MaskLayer, ...], frame: Frame, opacity: float) -> npt.NDArray[np.uint8] | None:
    """The layers on a raster: (rows, columns, 4) uint8, red, green, blue, alpha, premultiplied; None where nothing is
    to be seen. opacity: 0 to 1; later layers cover earlier ones."""
    if not layers or opacity <= 0:
        return None
    picture = np.zeros((frame.rows, frame.columns, 4), np.uint8)
    for layer in layers:
        found = cut(layer.volume, frame)
        inside = found.values >= 0.5
        if found.inside is not None:
            inside &= found.inside
        picture[inside] = [*(round(part * opacity) for part in layer.colour), round(255 * opacity)]
    return picture if picture.any() else None
