"""Photographs of microscope fields drawn by our own code, to see whether a detector still answers as it did when it was
made. No patient."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from desktop.records import FileHeader, Modality, Photometric, Picture

Floats = npt.NDArray[np.float64]

_ROWS, _COLUMNS = 480, 640
_GROUND = (226.0, 219.0, 221.0)
_RED, _PALE = (190.0, 145.0, 150.0), (222.0, 200.0, 205.0)
_BODY, _NUCLEUS = (200.0, 190.0, 222.0), (104.0, 62.0, 150.0)
_PLATELET = (150.0, 110.0, 180.0)
# Middle across and down, and radius, in pixels.
_RED_CELLS = (
    (60, 70, 50), (170, 52, 52), (300, 66, 49), (560, 80, 52), (470, 56, 46), (84, 210, 53), (196, 262, 50),
    (90, 400, 51), (214, 412, 54), (330, 430, 48), (462, 404, 52), (592, 420, 50), (600, 240, 47), (262, 330, 46),
)  # fmt: skip  # places, five to a line
_WHITE_CELL = (420, 222, 92)
_LOBES = ((392, 196, 38), (446, 208, 40), (420, 256, 36))
_PLATELETS = ((300, 176, 18), (536, 320, 17))


def smear_field() -> Picture:
    """A stained thin blood smear, 640 × 480 in colour: fourteen red cells, pale in the middle, a white cell with a
    nucleus of three lobes, two platelets."""
    picture = np.empty((_ROWS, _COLUMNS, 3))
    picture[:] = _GROUND
    for place in _RED_CELLS:
        _paint(picture, _disc(place), _RED)
        across, down, radius = place
        _paint(picture, 0.8 * _disc((across, down, radius * 0.42), 6.0), _PALE)
    _paint(picture, _disc(_WHITE_CELL), _BODY)
    _paint(picture, np.max([_disc(lobe) for lobe in _LOBES], axis=0), _NUCLEUS)
    for place in _PLATELETS:
        _paint(picture, 0.9 * _disc(place, 4.0), _PLATELET)
    return Picture(np.round(picture).astype(np.uint8), Photometric.RGB, FileHeader(modality=Modality.PHOTO))


FIELDS: Mapping[str, Callable[[], Picture]] = {"smear-field/1": smear_field}


def _disc(place: Sequence[float], edge: float = 3.0) -> Floats:
    """1 inside a circle, 0 outside, soft over `edge` pixels."""
    across, down, radius = place
    rows, columns = np.mgrid[0:_ROWS, 0:_COLUMNS].astype(np.float64)
    far = np.hypot(columns - across, rows - down) - radius
    return np.asarray(1.0 / (1.0 + np.exp(np.clip(far * 4.0 / edge, -60.0, 60.0))), dtype=np.float64)


def _paint(picture: Floats, where: Floats, colour: Sequence[float]) -> None:
    picture += where[:, :, None] * (np.asarray(colour) - picture)
