"""Photographs of microscope fields drawn by our own code, to see whether a detector still answers as it did when it was
made. No patient."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from desktop.records import FileHeader, Modality, Photometric, Picture

Floats = npt.NDArray[np.float64]
_Place = tuple[tuple[slice, slice], Floats]

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
# As large and as stained as those the research packs learn from: middles of cells, and which
# have a parasite; nuclei; rods with their slope in degrees.
_GIEMSA_GROUND, _GIEMSA_CELL = (198.0, 214.0, 200.0), (168.0, 132.0, 158.0)
_PARASITE, _CHROMATIN = (128.0, 74.0, 134.0), (86.0, 26.0, 88.0)
_SMALL_CELLS = tuple(
    (50 + 74 * column + 9 * ((row + 2 * column) % 3), 44 + 73 * row + 7 * ((2 * row + column) % 4))
    for row in range(6)
    for column in range(8)
)
_RINGED, _FULL = (2, 9), 19
_UNSEEN = 24
"""Pixels beyond a spot's edge where nothing of it is left."""
_SPUTUM_GROUND, _METHYLENE, _FUCHSIN = (165.0, 140.0, 122.0), (38.0, 84.0, 122.0), (205.0, 70.0, 96.0)
_NUCLEI = ((90, 120, 30), (540, 90, 26), (500, 380, 34), (150, 390, 28))
_RODS = (
    (220, 80, 20), (330, 60, 75), (420, 170, 140), (260, 210, 5), (120, 250, 110), (360, 300, 50), (600, 240, 95),
    (430, 290, 15), (300, 420, 165), (400, 430, 60), (40, 330, 35),
)  # fmt: skip  # places, seven to a line


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


def malaria_field() -> Picture:
    """A Giemsa-stained thin smear, 640 × 480 in colour: 48 red cells as wide as those of a malaria field, two with a
    ring and a dot in them, one full of a dark parasite with grains."""
    picture = np.empty((_ROWS, _COLUMNS, 3))
    picture[:] = _GIEMSA_GROUND
    for place in _SMALL_CELLS:
        _dab(picture, _spot((*place, 21)), _GIEMSA_CELL)
        _dab(picture, _spot((*place, 9), 6.0), _GIEMSA_GROUND, 0.35)
    for number in _RINGED:
        across, down = _SMALL_CELLS[number]
        _dab(picture, _ring(across + 6, down - 5), _PARASITE, 0.7)
        _dab(picture, _spot((across + 11, down - 10, 2.5), 2.0), _CHROMATIN)
    across, down = _SMALL_CELLS[_FULL]
    _dab(picture, _spot((across, down, 19), 6.0), _PARASITE, 0.8)
    for beside in ((-7, -4), (5, -8), (8, 6), (-4, 8), (0, 0)):
        _dab(picture, _spot((across + beside[0], down + beside[1], 3), 2.0), _CHROMATIN)
    return Picture(np.round(picture).astype(np.uint8), Photometric.RGB, FileHeader(modality=Modality.PHOTO))


def sputum_field() -> Picture:
    """Sputum stained after Ziehl-Neelsen, 640 × 480 in colour: four blue nuclei and eleven thin red rods."""
    picture = np.empty((_ROWS, _COLUMNS, 3))
    picture[:] = _SPUTUM_GROUND
    for place in _NUCLEI:
        _dab(picture, _spot(place, 8.0), _METHYLENE, 0.9)
    for across, down, degrees in _RODS:
        _dab(picture, _rod(across, down, degrees), _FUCHSIN, 0.9)
    return Picture(np.round(picture).astype(np.uint8), Photometric.RGB, FileHeader(modality=Modality.PHOTO))


FIELDS: Mapping[str, Callable[[], Picture]] = {
    "smear-field/1": smear_field,
    "malaria-field/1": malaria_field,
    "sputum-field/1": sputum_field,
}


def _rod(across: float, down: float, degrees: float) -> _Place:
    """1 inside a thin rod, 0 outside; no farther than can be seen."""
    window = _window((across, down, 10))
    rows, columns = np.mgrid[window].astype(np.float64)
    angle = np.radians(degrees)
    along = (columns - across) * np.cos(angle) + (rows - down) * np.sin(angle)
    beside = (rows - down) * np.cos(angle) - (columns - across) * np.sin(angle)
    far = np.hypot(np.maximum(np.abs(along) - 8.0, 0.0), beside) - 2.0
    return window, 1.0 / (1.0 + np.exp(np.clip(far * 2.0, -60.0, 60.0)))


def _spot(place: Sequence[float], edge: float = 3.0) -> _Place:
    """As `_disc`, no farther than can be seen."""
    across, down, radius = place
    window = _window(place)
    rows, columns = np.mgrid[window].astype(np.float64)
    far = np.hypot(columns - across, rows - down) - radius
    return window, 1.0 / (1.0 + np.exp(np.clip(far * 4.0 / edge, -60.0, 60.0)))


def _ring(across: float, down: float) -> _Place:
    """1 on a thin ring."""
    window = _window((across, down, 7))
    rows, columns = np.mgrid[window].astype(np.float64)
    far = np.hypot(columns - across, rows - down)
    outer, inner = (1.0 / (1.0 + np.exp(np.clip((far - radius) * 2.0, -60.0, 60.0))) for radius in (7, 4))
    return window, outer - inner


def _window(place: Sequence[float]) -> tuple[slice, slice]:
    across, down, radius = place
    far = radius + _UNSEEN
    return (
        slice(max(0, int(down - far)), min(_ROWS, int(down + far) + 1)),
        slice(max(0, int(across - far)), min(_COLUMNS, int(across + far) + 1)),
    )


def _dab(picture: Floats, spot: _Place, colour: Sequence[float], share: float = 1.0) -> None:
    """Paint in a window."""
    window, where = spot
    picture[window] += share * where[:, :, None] * (np.asarray(colour) - picture[window])


def _disc(place: Sequence[float], edge: float = 3.0) -> Floats:
    """1 inside a circle, 0 outside, soft over `edge` pixels."""
    across, down, radius = place
    rows, columns = np.mgrid[0:_ROWS, 0:_COLUMNS].astype(np.float64)
    far = np.hypot(columns - across, rows - down) - radius
    return np.asarray(1.0 / (1.0 + np.exp(np.clip(far * 4.0 / edge, -60.0, 60.0))), dtype=np.float64)


def _paint(picture: Floats, where: Floats, colour: Sequence[float]) -> None:
    picture += where[:, :, None] * (np.asarray(colour) - picture)
