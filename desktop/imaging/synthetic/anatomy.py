"""What the blurred shape model leaves out, drawn by rule: ribs, clavicles, spine, trachea, vessels, and an opacity.

All of it works on a square-pixel grid of DRAWN_ROWS x DRAWN_COLUMNS in units of grey (0..1, bright = dense), added to
the blurred film. Distances are fractions of the grid's height or width, so nothing depends on its size.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from desktop.imaging.synthetic.shape import COLUMNS, ROWS, FloatArray
from desktop.records.picture import Array

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

DRAWN_ROWS, DRAWN_COLUMNS = 540, 660
SIDES = (-1, 1)
_MIDLINE = 0.5
_NECK_OF_RIB = 0.028
_AERATED, _SOFT_EDGE = 0.56, 0.05


class Opacity(StrEnum):
    """A shadow like that of a consolidation, by the patient's own side."""

    RIGHT_LOWER = "right_lower"
    RIGHT_UPPER = "right_upper"
    LEFT_LOWER = "left_lower"
    BOTH_LOWER = "both_lower"


_PLACES: dict[Opacity, tuple[tuple[int, float], ...]] = {
    # (side on the film, height): the patient's right is on the left of the film.
    Opacity.RIGHT_LOWER: ((-1, 0.60),),
    Opacity.RIGHT_UPPER: ((-1, 0.36),),
    Opacity.LEFT_LOWER: ((1, 0.62),),
    Opacity.BOTH_LOWER: ((-1, 0.58), (1, 0.60)),
}


@dataclass(frozen=True, eq=False)
class Chest:
    """A blurred film on the drawing grid and where its chest wall runs.

    wall: for each side the distance of the wall from the midline in columns, per row. lungs: 0..1, how aerated.
    """

    film: FloatArray
    walls: tuple[FloatArray, FloatArray]
    lungs: FloatArray

    def wall(self, side: int) -> FloatArray:
        """The wall of the left (-1) or right (1) half of the film."""
        return self.walls[0] if side < 0 else self.walls[1]


def find_chest(blurred: FloatArray, film: FloatArray) -> Chest:
    """blurred: (ROWS, COLUMNS) as drawn by the shape model. film: the same on the drawing grid."""
    left, right = (_wall(blurred, side) for side in SIDES)
    columns = np.arange(DRAWN_COLUMNS) - _MIDLINE * DRAWN_COLUMNS
    distance = np.where(columns < 0, -columns / left[:, None], columns / right[:, None])
    height = np.arange(DRAWN_ROWS)[:, None] / DRAWN_ROWS
    between = _below(-height, -0.16, 0.02) * _below(height, 0.86, 0.02)
    lungs = (_below(distance, 1.0, 0.03) * _below(film, _AERATED, _SOFT_EDGE) * between).astype(np.float32)
    return Chest(film.astype(np.float32), (left, right), lungs)


def _below(values: Array, limit: float | Array, softness: float) -> Array:
    """1 well below a limit, 0 well above it, falling smoothly over some times `softness`."""
    return np.asarray(0.5 - 0.5 * np.tanh((values - limit) / (2 * softness)))


def _wall(blurred: FloatArray, side: int) -> FloatArray:
    """The ribs seen end-on form the brightest line outside the darkest one: found per row, smoothed by a parabola."""
    middle = COLUMNS // 2
    half = blurred[:, middle - 1 :: -1] if side < 0 else blurred[:, middle:]
    heights = np.arange(round(0.30 * ROWS), round(0.66 * ROWS))
    found = []
    for row in half[heights]:
        darkest = 6 + int(row[6:30].argmin())
        found.append(darkest + int(row[darkest : darkest + 12].argmax()))
    distances = np.asarray(found, dtype=np.float64)
    keep = np.ones(len(distances), dtype=bool)
    curve = np.polyfit(heights, distances, 2)
    for _ in range(3):  # rows where a diaphragm or a shoulder misled the search drop out
        error = np.abs(np.polyval(curve, heights) - distances)
        keep = error <= max(1.0, 1.5 * float(np.median(error[keep])))
        curve = np.polyfit(heights[keep], distances[keep], 2)
    rows = np.arange(DRAWN_ROWS) * ROWS / DRAWN_ROWS
    widths = np.clip(np.polyval(curve, np.clip(rows, 0.2 * ROWS, 0.72 * ROWS)), 10, 0.48 * COLUMNS)
    return np.asarray(widths * DRAWN_COLUMNS / COLUMNS, dtype=np.float32)


def draw_bones(chest: Chest, random: np.random.Generator) -> FloatArray:
    """Ribs, clavicles and spine: (DRAWN_ROWS, DRAWN_COLUMNS) to be added to the film."""
    layer = np.zeros((DRAWN_ROWS, DRAWN_COLUMNS), dtype=np.float32)
    top, spacing = random.uniform(0.155, 0.175), random.uniform(0.066, 0.074)
    slope, bow = random.uniform(0.035, 0.06), random.uniform(0.03, 0.045)
    strength = random.uniform(0.085, 0.115)
    for side in SIDES:
        for number in range(9):
            start = top + spacing * (number + random.normal(0, 0.03))
            near = 0.72 if number == 0 else 1.0
            _draw_posterior(layer, chest, side, start, near, slope + 0.012 * number, bow, strength)
            if 1 <= number <= 6:
                _draw_anterior(layer, chest, side, start + 1.9 * spacing, 0.55 * strength, random)
        _draw_clavicle(layer, chest, side, random)
    _draw_spine(layer, random)
    return layer


def _add_band(layer: FloatArray, columns: Array, centre: FloatArray, half: FloatArray, strength: FloatArray) -> None:
    """A bone along a line: bright at its two edges (cortex), less between. centre, half: in rows, per column."""
    reach = int(half.max() * 2) + 3
    low = max(0, int(centre.min()) - reach)
    high = min(DRAWN_ROWS, int(centre.max()) + reach + 1)
    if high <= low or columns.size == 0:
        return
    across = (np.arange(low, high)[:, None] - centre) / half
    edges = np.exp(-(((np.abs(across) - 0.75) / 0.28) ** 2))
    body = _below(np.abs(across), 0.95, 0.12)
    layer[low:high, columns] += (strength * (0.38 * edges + 0.72 * body)).astype(np.float32)


def _side_columns(side: int, near: float, far: float) -> tuple[Array, FloatArray]:
    """Columns of one half from `near` to `far` from the midline (in columns), and their distances from it."""
    middle = _MIDLINE * DRAWN_COLUMNS
    distance = np.arange(int(near), int(far), dtype=np.float32)
    columns = np.rint(middle + side * distance).astype(np.intp)
    inside = (columns >= 0) & (columns < DRAWN_COLUMNS)
    return columns[inside], distance[inside]


def _draw_posterior(
    layer: FloatArray,
    chest: Chest,
    side: int,
    start: float,
    length: float,
    slope: float,
    bow: float,
    strength: float,
) -> None:
    """The back part of a rib: from the spine, first up, then down to the wall."""
    row = start * DRAWN_ROWS
    wall = float(chest.wall(side)[min(DRAWN_ROWS - 1, int(row + 0.06 * DRAWN_ROWS))]) * length
    columns, distance = _side_columns(side, _NECK_OF_RIB * DRAWN_COLUMNS, wall * 1.01)
    along = distance / wall
    centre = row + DRAWN_ROWS * (slope * along**2 * 1.6 - bow * np.sin(np.pi * along) * 0.8 + 0.03 * along**6)
    half = np.full_like(centre, 0.0125 * DRAWN_ROWS) * (1.0 - 0.15 * along)
    fade = np.clip((distance / DRAWN_COLUMNS - _NECK_OF_RIB) / 0.06, 0.0, 1.0) * np.clip(1.15 - start, 0.4, 1.0)
    _add_band(layer, columns, centre, half, strength * fade)


def _draw_anterior(
    layer: FloatArray, chest: Chest, side: int, start: float, strength: float, random: np.random.Generator
) -> None:
    """The front part of a rib: from the wall down towards the breastbone, ending in cartilage that is not seen."""
    row = start * DRAWN_ROWS
    wall = float(chest.wall(side)[min(DRAWN_ROWS - 1, int(row))])
    end = wall * random.uniform(0.42, 0.52)
    columns, distance = _side_columns(side, end, wall)
    inward = (wall - distance) / wall
    centre = row + DRAWN_ROWS * (0.16 * inward - 0.035 * np.exp(-inward / 0.05))
    half = np.full_like(centre, 0.0135 * DRAWN_ROWS)
    fade = np.clip((distance - end) / (0.06 * DRAWN_COLUMNS), 0.0, 1.0)
    _add_band(layer, columns, centre, half, strength * fade)


def _draw_clavicle(layer: FloatArray, chest: Chest, side: int, random: np.random.Generator) -> None:
    far = float(chest.wall(side)[int(0.3 * DRAWN_ROWS)]) * 1.05
    columns, distance = _side_columns(side, 0.045 * DRAWN_COLUMNS, far)
    along = distance / far
    rise = random.uniform(0.02, 0.06)
    centre = DRAWN_ROWS * (0.205 - rise * along + 0.018 * np.sin(2 * np.pi * along))
    half = np.full_like(centre, 0.013 * DRAWN_ROWS) * (1.25 - 0.5 * np.sin(np.pi * along))
    fade = np.clip((1.02 - along) / 0.15, 0.0, 1.0) * np.clip((distance / DRAWN_COLUMNS - 0.045) / 0.012, 0.0, 1.0)
    _add_band(layer, columns, centre, half, random.uniform(0.09, 0.13) * fade)


def _draw_spine(layer: FloatArray, random: np.random.Generator) -> None:
    """Discs as darker gaps, pedicles as bright spots, and the windpipe as a dark column in front of the spine."""
    rows = np.arange(DRAWN_ROWS, dtype=np.float32)[:, None] / DRAWN_ROWS
    columns = (np.arange(DRAWN_COLUMNS, dtype=np.float32) / DRAWN_COLUMNS - _MIDLINE)[None, :]
    period, phase = random.uniform(0.046, 0.052), random.uniform(0, 1)
    width = 0.026 + 0.010 * rows
    within = _below(np.abs(columns), width, 0.004)
    beat = (rows / period + phase) % 1.0
    gap = np.exp(-(((beat - 0.5) / 0.10) ** 2))
    pedicle = np.exp(-(((beat - 0.15) / 0.12) ** 2)) * np.exp(-(((np.abs(columns) - 0.6 * width) / 0.005) ** 2))
    layer += (1.15 - rows) * (within * (0.010 - 0.026 * gap) + 0.03 * pedicle).astype(np.float32)
    lean = random.uniform(-0.006, 0.010)
    trachea = np.exp(-(((columns - lean * rows / 0.3) / 0.014) ** 2)) * _below(rows, 0.33, 0.02)
    layer -= (random.uniform(0.05, 0.08) * trachea).astype(np.float32)


def draw_vessels(chest: Chest, random: np.random.Generator) -> FloatArray:
    """Arteries and veins fanning out from the hila, thinner at each fork: (DRAWN_ROWS, DRAWN_COLUMNS)."""
    from PIL import Image, ImageDraw, ImageFilter

    canvas = Image.new("L", (DRAWN_COLUMNS, DRAWN_ROWS))
    pen = ImageDraw.Draw(canvas)
    for side in SIDES:
        root_x = (_MIDLINE + side * 0.085) * DRAWN_COLUMNS
        for _ in range(11):
            angle = random.uniform(-1.2, 1.3)
            root_y = random.uniform(0.40, 0.52) * DRAWN_ROWS
            _branch(pen, random, side, (root_x, root_y, angle, random.uniform(60, 95), 4.2))
    soft = canvas.filter(ImageFilter.GaussianBlur(1.1))
    layer = np.asarray(soft, dtype=np.float32) * np.float32(0.085 / 255)
    return np.asarray(layer * (0.25 + 0.75 * chest.lungs), dtype=np.float32)


def _branch(
    pen: "ImageDraw", random: np.random.Generator, side: int, start: tuple[float, float, float, float, float]
) -> None:
    """One vessel and what it forks into. start: x, y, angle from the horizontal, length, width."""
    waiting = [start]
    while waiting:
        x, y, angle, length, width = waiting.pop()
        steps = max(2, int(length / 8))
        for _ in range(steps):
            angle += random.normal(0, 0.13)
            new_x, new_y = x + side * np.cos(angle) * length / steps, y + np.sin(angle) * length / steps
            pen.line((x, y, new_x, new_y), fill=int(min(255, 60 + 45 * width)), width=max(1, round(width)))
            x, y = float(new_x), float(new_y)
        if width > 0.9:
            for turn in (random.uniform(-0.7, -0.2), random.uniform(0.2, 0.7)):
                waiting.append((x, y, angle + turn, length * random.uniform(0.6, 0.8), width * 0.62))


def add_opacity(film: FloatArray, chest: Chest, opacity: Opacity, random: np.random.Generator) -> FloatArray:
    """The film with cloudy shadows where `opacity` says: denser lung with ragged edges, drawn towards soft tissue."""
    rows = np.arange(DRAWN_ROWS, dtype=np.float32)[:, None]
    columns = np.arange(DRAWN_COLUMNS, dtype=np.float32)[None, :]
    cloud: Array = np.zeros_like(film)
    for side, height in _PLACES[opacity]:
        row = height * DRAWN_ROWS + random.normal(0, 6)
        wall = float(chest.wall(side)[int(row)])
        middle = _MIDLINE * DRAWN_COLUMNS + side * wall * random.uniform(0.50, 0.60)
        for _ in range(7):
            at_row, at_column = row + random.normal(0, 26), middle + random.normal(0, 0.10) * wall
            tall, wide = random.uniform(30, 56), random.uniform(0.16, 0.30) * wall
            cloud += random.uniform(0.30, 0.50) * np.exp(
                -(((rows - at_row) / tall) ** 2) - ((columns - at_column) / wide) ** 2
            )
    ragged = cloud * np.exp(0.30 * clouds(random, 48) + 0.16 * clouds(random, 14))
    density = 0.92 * (1.0 - np.exp(-1.5 * ragged)) * np.clip(chest.lungs + 0.25, 0, 1)
    return np.asarray(film + density * np.clip(0.71 - film, 0, None), dtype=np.float32)


def clouds(random: np.random.Generator, size: float) -> FloatArray:
    """Smooth noise of zero mean and unit spread with features of about `size` drawn pixels."""
    from PIL import Image

    shape = (int(DRAWN_ROWS / size) + 2, int(DRAWN_COLUMNS / size) + 2)
    coarse = Image.fromarray(random.normal(0, 1, shape).astype(np.float32))
    return np.asarray(coarse.resize((DRAWN_COLUMNS, DRAWN_ROWS), Image.Resampling.BICUBIC), dtype=np.float32)
