"""A photograph that shows more than one field: its things are too small for a network that sees it whole.

A photograph does not say how much it was enlarged. How large the things are that a network finds on it tells: where
that is clearly less than on any photograph it was made from, and the file has the pixels, parts of it are looked at
again, so enlarged that the things have their usual size.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.inference.detection_manifest import TileSpec
from desktop.inference.field_picture import FieldPreparation
from desktop.inference.tiling import Tile, joined, tiles_of
from desktop.jobs import Job

Floats = npt.NDArray[np.float64]

FAINTEST = 0.1
"""Scores of things whose size is measured: small ones are found faintly."""
_FEWEST = 5
"""Things that a size is told from."""
_GLANCES = 4
_LEAST_ZOOM = 1.25
_STEP = 2.0
"""A network tells the size of what it does not know too near the usual: asked about photographs at 0.6 to 1.2 of their
scale, the one for blood cells sees sizes change by about the square root. So steps are the square of what it sees."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network says of a photograph, or a part of it. found: (n, ≥ 6) as `boxes_of` gives them, with scores from
    FAINTEST on at the latest, in prepared pixels. placed: the same in pixels of the whole file. distance: from the
    photographs of the training. strange: so far, or so unusual an answer, that by itself it would be refused."""

    found: Floats
    placed: Floats
    distance: float
    strange: bool


@dataclass(frozen=True, eq=False)
class Closer:
    """What was found in tiles. placed: as in `Seen`. tiles: how many. scale: prepared pixels per pixel of the file."""

    placed: Floats
    tiles: int
    scale: float


@dataclass(frozen=True, eq=False)
class Question:
    """A photograph and whom to ask. rows, columns: of the file. kind: number of the kind whose size `spec` tells.
    same: boxes that share more of their union are one thing. ask: about a part. probability: of a score of that kind.
    """

    spec: TileSpec
    preparation: FieldPreparation
    rows: int
    columns: int
    kind: int
    same: float
    ask: Callable[[Tile], Seen]
    probability: Callable[[float], float]

    @property
    def scale(self) -> float:
        """Prepared pixels per pixel of the file where it is seen whole."""
        wide, high = max(self.rows, self.columns), min(self.rows, self.columns)
        return min(self.preparation.width / wide, self.preparation.height / high)

    def tiles(self, zoom: float) -> tuple[Tile, ...]:
        """The parts that the network sees `zoom` times as large as in the whole photograph."""
        per_pixel = self.scale * zoom
        width, height = (round(side / per_pixel) for side in (self.preparation.width, self.preparation.height))
        if self.rows > self.columns:
            width, height = height, width
        return tiles_of(self.rows, self.columns, height, width, math.ceil(self.spec.overlap / per_pixel))

    def farthest(self) -> float:
        """The greatest zoom for which the file has the pixels, in no more tiles than allowed."""
        zoom = 1.0 / self.scale
        while zoom > _LEAST_ZOOM and len(self.tiles(zoom)) > self.spec.most:
            zoom *= 0.98
        return zoom

    def support(self, placed: Floats, per_pixel: float) -> float:
        """How many things of the usual size are expected: the sum of their probabilities."""
        sizes = _sizes(placed) * per_pixel
        usual = (placed[:, 4] == self.kind) & (sizes >= self.spec.low) & (sizes <= self.spec.high)
        return float(sum(self.probability(float(score)) for score in placed[usual, 5]))


def look_closer(question: Question, whole: Seen, job: Job) -> Closer | None:
    """What is found in tiles, where that is the better answer; None where the whole photograph is not to be looked at
    in tiles, or does as well.

    It is better where every tile would be answered by itself, the tiles (their median) lie nearer to the photographs of
    the training than the whole does, and more things of the usual size are expected in them. Raises what `ask` raises,
    Cancelled.
    """
    # What is refused as a whole stays refused: five smears of another laboratory would have been answered in tiles.
    zoom = 1.0 if whole.strange else zoom_of(question, whole, job)
    if zoom < _LEAST_ZOOM:
        return None
    tiles, found, distances = question.tiles(zoom), list[Floats](), list[float]()
    for number, tile in enumerate(tiles):
        job.report("workflow.progress.tiles", number, len(tiles))
        seen = question.ask(tile)
        if seen.strange:
            return None
        found.append(seen.placed)
        distances.append(seen.distance)
    placed = joined(found, tiles, question.same)
    before, after = question.support(whole.placed, question.scale), question.support(placed, question.scale * zoom)
    if float(np.median(distances)) >= whole.distance or after <= before:
        return None
    return Closer(placed, len(tiles), question.scale * zoom)


def zoom_of(question: Question, whole: Seen, job: Job) -> float:
    """How much larger than in the whole photograph things have about their usual size, 1 where they have it there or it
    cannot be told: step by step, each after a glance at the tile that promises most. Raises what `ask` raises."""
    spec, zoom, size = question.spec, 1.0, typical_size(whole.found, question.kind)
    if size is None or size >= spec.low:
        return zoom
    farthest = question.farthest()
    if farthest < _LEAST_ZOOM:
        return zoom
    for _ in range(_GLANCES):
        zoom = min(zoom * (spec.usual / size) ** _STEP, farthest)
        job.check()
        size = typical_size(question.ask(_promising(question.tiles(zoom), whole.placed)).found, question.kind)
        if size is None or size >= spec.low or zoom >= farthest:
            break
    # Whatever the last glance told is still worth a step, also one back.
    return zoom if size is None else min(zoom * (spec.usual / size) ** _STEP, farthest)


def typical_size(found: Floats, kind: int) -> float | None:
    """The root of the area of a kind's boxes, (n, ≥ 6), in their own pixels: the median, each as much as its score.
    None where there are too few for that."""
    boxes = found[(found[:, 4] == kind) & (found[:, 5] >= FAINTEST)]
    if len(boxes) < _FEWEST:
        return None
    order = np.argsort(_sizes(boxes), kind="stable")
    weights = np.cumsum(boxes[order, 5])
    return float(_sizes(boxes)[order][np.searchsorted(weights, weights[-1] / 2)])


def _sizes(boxes: Floats) -> Floats:
    return np.asarray(np.sqrt(np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1)))


def _promising(tiles: Sequence[Tile], placed: Floats) -> Tile:
    """The tile with the most, by score, in its own part; the first of several."""
    middle = (placed[:, :2] + placed[:, 2:4]) / 2

    def promise(tile: Tile) -> float:
        left, top, right, bottom = tile.own
        within = (middle >= [left, top]).all(axis=1) & (middle < [right, bottom]).all(axis=1)
        return float(placed[within, 5].sum())

    return max(tiles, key=promise)
