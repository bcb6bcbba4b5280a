"""Cells for the malaria cell recipe, read once and kept as small squares."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from desktop.inference.preparation import cell_square
from desktop.jobs import Job
from desktop.learning.cell_settings import Settings
from desktop.learning.cells import Cell
from desktop.learning.films import read_picture
from desktop.records import Picture

Bytes = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

LARGE_SIDE = 72
GREY_SIDE = 50


@dataclass(frozen=True, eq=False)
class CellSquares:
    """Cells as squares without their ground, (n, 3, side, side) 0..255.

    large: for training. colour, grey: as the clinic prepares a cell in colour, and the same cell as a grey camera of
    50 × 50 pixels would give it. labels: (n) bool.
    """

    large: Bytes
    colour: Bytes
    grey: Bytes
    labels: npt.NDArray[np.bool_]


def load_squares(cells: Sequence[Cell], settings: Settings, job: Job, say: Callable[[str], None]) -> CellSquares:
    """Read every cell."""
    count, side, level = len(cells), settings.side, settings.frame_level
    large = np.empty((count, 3, LARGE_SIDE, LARGE_SIDE), np.uint8)
    colour, grey = np.empty((count, 3, side, side), np.uint8), np.empty((count, 3, side, side), np.uint8)
    for index, cell in enumerate(cells):
        if index % 500 == 0:
            job.report("learning.progress.reading", index, count)
        light = light_of(read_picture(cell.path))
        large[index] = _bytes(cell_square(light, LARGE_SIDE, level)[0])
        colour[index] = _bytes(cell_square(light, side, level)[0])
        grey[index] = _bytes(cell_square(small_grey(light), side, level)[0])
    say(f"read {count} cells")
    return CellSquares(large, colour, grey, np.array([cell.parasitized for cell in cells], dtype=bool))


def light_of(picture: Picture) -> FloatArray:
    """A picture file's values in 0..1, (rows, columns) or (rows, columns, 3)."""
    light: FloatArray = picture.pixels.astype(np.float32) / np.float32(255)
    return light


def small_grey(light: FloatArray) -> FloatArray:
    """The same cell as a grey camera would give it: luminosity, 50 × 50 pixels, 8 bits."""
    image = Image.fromarray(np.rint(light * 255).astype(np.uint8)).convert("L")
    small = image.resize((GREY_SIDE, GREY_SIDE), Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.float32) / np.float32(255)


def in_colour(light: FloatArray) -> FloatArray:
    """(rows, columns, 3), the three alike where the picture is grey."""
    return np.repeat(light[:, :, None], 3, axis=2) if light.ndim == 2 else light


def _bytes(square: FloatArray) -> Bytes:
    return np.rint(np.clip(square, 0, 1) * 255).astype(np.uint8)
