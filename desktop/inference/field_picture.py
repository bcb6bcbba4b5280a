"""From a photograph of a microscope's field to the tensor a detector reads, and boxes back into the photograph."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.records import Photometric, Picture

FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

_GROUND = 85.0
"""Percentile of each channel that fills the margin: the empty ground of a smear is bright."""


@dataclass(frozen=True)
class FieldPreparation:
    """The picture is scaled, in colour and with its aspect kept, to fit width × height; one that is higher than wide is
    laid on its side first."""

    width: int
    height: int


@dataclass(frozen=True, eq=False)
class PreparedField:
    """tensor: (1, 3, height, width) float32 in 0..255. scale: prepared pixels per pixel of the file; turned: rows and
    columns were exchanged; rows, columns: of the file."""

    tensor: FloatArray
    scale: float
    turned: bool
    rows: int
    columns: int

    def into(self, boxes: Floats) -> Floats:
        """Boxes (n, 4) left, top, right, bottom in pixels of the file → in prepared pixels."""
        return (boxes[:, [1, 0, 3, 2]] if self.turned else boxes) * self.scale

    def back(self, boxes: Floats) -> Floats:
        """Boxes in prepared pixels → in pixels of the file, cut where the picture ends."""
        found = boxes / self.scale
        found = found[:, [1, 0, 3, 2]] if self.turned else found
        return np.clip(found, 0.0, [self.columns, self.rows, self.columns, self.rows])


def prepare_field(picture: Picture, preparation: FieldPreparation) -> PreparedField:
    """The tensor of an 8-bit colour picture; a grey one has three equal channels."""
    from PIL import Image

    colours = _colours(picture)
    rows, columns = colours.shape[:2]
    turned = rows > columns
    if turned:
        colours = colours.transpose(1, 0, 2)
    high, wide = colours.shape[:2]
    scale = min(preparation.width / wide, preparation.height / high)
    size = (
        max(1, min(preparation.width, round(wide * scale))),
        max(1, min(preparation.height, round(high * scale))),
    )
    image = Image.fromarray(np.ascontiguousarray(colours)).resize(size, Image.Resampling.BILINEAR)
    small = np.asarray(image, dtype=np.float32)
    ground = np.percentile(small.reshape(-1, 3), _GROUND, axis=0)
    whole = np.empty((preparation.height, preparation.width, 3), np.float32)
    whole[:] = ground
    whole[: size[1], : size[0]] = small
    tensor = np.ascontiguousarray(whole.transpose(2, 0, 1)[None])
    return PreparedField(tensor, scale, turned, rows, columns)


def _colours(picture: Picture) -> npt.NDArray[np.uint8]:
    """(rows, columns, 3) uint8."""
    if picture.photometric is Photometric.RGB:
        return np.asarray(picture.pixels, dtype=np.uint8)
    from desktop.imaging import display

    grey = np.round(display.grey(picture) * 255.0).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)
