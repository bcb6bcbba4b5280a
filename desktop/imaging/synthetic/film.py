"""A whole synthetic film: shape model, drawn anatomy, grain, and the words that say it is nobody's."""

from functools import cache

import numpy as np
import numpy.typing as npt

from desktop.i18n.catalogue import resource_folder
from desktop.imaging.synthetic.anatomy import (
    DRAWN_COLUMNS,
    DRAWN_ROWS,
    Opacity,
    add_opacity,
    clouds,
    draw_bones,
    draw_vessels,
    find_chest,
)
from desktop.imaging.synthetic.shape import FloatArray, shape_model

FILM_ROWS, FILM_COLUMNS = 2 * DRAWN_ROWS, 2 * DRAWN_COLUMNS
BITS = 12
_STREAM = 0x4C414E
_LOWEST, _HIGHEST = 180, 3750
_GRAIN = 0.010
_MARGIN = 24
_PLATE = 6


def draw_film(seed: int, opacity: Opacity | None = None) -> npt.NDArray[np.uint16]:
    """(FILM_ROWS, FILM_COLUMNS) uint16 of 12 bits, bright = dense; the same for the same seed and opacity."""
    random = np.random.default_rng((_STREAM, seed))
    blurred = shape_model().draw(random)
    film = _enlarge(blurred, DRAWN_ROWS, DRAWN_COLUMNS)
    chest = find_chest(blurred, film)
    body = np.clip((film - 0.10) / 0.25, 0, 1)
    drawn = film + body * draw_bones(chest, random) + draw_vessels(chest, random)
    drawn += body * chest.lungs * np.float32(0.010) * clouds(random, 5)
    if opacity is not None:
        drawn = add_opacity(drawn, chest, opacity, random)
    full = _enlarge(_toned(drawn.astype(np.float32)), FILM_ROWS, FILM_COLUMNS)
    full += _grain(random, full.shape) * (np.float32(0.4) + np.clip(full, 0, 1))
    stored = np.rint(_LOWEST + np.clip(full, 0, 1) * (_HIGHEST - _LOWEST)).astype(np.uint16)
    _write_marks(stored)
    return stored


def _toned(film: FloatArray) -> FloatArray:
    """Steeper in the middle greys, as film and screen are: averaging many children has taken contrast away."""
    return np.asarray(0.5 + 0.5 * np.tanh(2.9 * (film - 0.52)) / np.tanh(2.9 * 0.5), dtype=np.float32)


def _enlarge(film: FloatArray, rows: int, columns: int) -> FloatArray:
    from PIL import Image

    picture = Image.fromarray(film.astype(np.float32))
    return np.array(picture.resize((columns, rows), Image.Resampling.BICUBIC), dtype=np.float32)


def _grain(random: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Quantum mottle: noise whose neighbours agree a little, as a detector's do."""
    noise = random.standard_normal(shape, dtype=np.float32)
    noise[1:] += np.float32(0.5) * noise[:-1]
    noise[:, 1:] += np.float32(0.5) * noise[:, :-1]
    return noise * np.float32(_GRAIN)


@cache
def marks() -> npt.NDArray[np.bool_]:
    """The burnt-in words, drawn once with the bundled font and kept as a small picture."""
    from PIL import Image

    with Image.open(resource_folder() / "demo" / "synthetic_mark.png") as picture:
        return np.asarray(picture.convert("L")) > 127


def _write_marks(stored: npt.NDArray[np.uint16]) -> None:
    """Burn the words into the middle of the upper and the lower edge, on a dark plate so that they stand out anywhere.

    The corners stay free: there a viewer writes whose film it is.
    """
    words = marks()
    rows, columns = words.shape
    left = (FILM_COLUMNS - columns) // 2
    for top in (_MARGIN, FILM_ROWS - rows - _MARGIN):
        plate = stored[top - _PLATE : top + rows + _PLATE, left - 2 * _PLATE : left + columns + 2 * _PLATE]
        plate //= 4
        stored[top : top + rows, left : left + columns][words] = (1 << BITS) - 1
