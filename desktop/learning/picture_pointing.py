"""The pointing game (Zhang et al., IJCV 126:1084, 2018): whether what a model marks on a picture lies where somebody
drew a box round the finding. numpy and ONNX Runtime only.

Each picture is judged by the map of the member that never saw its patient. Beside it: a place chosen by chance (the
share of the picture that the boxes cover), the picture's middle, and the place where most boxes of other people lie.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.inference.manifest import TensorSpec
from desktop.inference.preparation import Box, prepare
from desktop.inference.runner_onnx import OnnxRunner
from desktop.inference.tasks.classification import heat
from desktop.jobs import Job
from desktop.learning.graph_maps import with_member_maps
from desktop.learning.picture_data import Indices, preparation_of, upright
from desktop.learning.picture_sets import Drawn, Example
from desktop.learning.picture_settings import PictureSettings
from desktop.learning.records import Json
from desktop.learning.statistics import interval, wilson

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Place = tuple[float, float]
"""From left and from the top, as shares of the picture."""

FEWEST = 10
"""Pictures of a finding; of fewer nothing is concluded."""
_FINE = 200
_SEEN_FROM = 0.4
"""Of full heat: what is fainter everywhere is not seen in the window at all (`ui.viewers.overlay`)."""


@dataclass(frozen=True, eq=False)
class Pointed:
    """Where one picture's map is highest. box: the part of the picture the network saw."""

    drawn: Drawn
    group: str
    box: Box
    peak: Place
    heat: float


@dataclass(frozen=True)
class Maps:
    """A graph that gives each member's map, and what these are called, in the members' order."""

    runner: OnnxRunner
    names: tuple[str, ...]


def runner_of(graph: bytes, activation: TensorSpec, settings: PictureSettings) -> Maps:
    """activation: the shipped map, (findings, rows, columns). Raises ValueError where it is no mean of the members'."""
    made, names = with_member_maps(graph, settings.members)
    image = TensorSpec("image", (1, settings.side, settings.side))
    return Maps(OnnxRunner(made, image, tuple(TensorSpec(name, activation.shape) for name in names)), names)


def pointing(
    maps: Maps,
    examples: Sequence[Example],
    parts: Indices,
    drawn: Sequence[Drawn],
    keys: Sequence[str],
    settings: PictureSettings,
    job: Job,
) -> dict[str, Json]:
    """Figures of each finding that somebody drew; None for one that has no map. keys: of the findings that have."""
    places = {one.name: index for index, one in enumerate(examples)}
    found: dict[str, list[Pointed]] = {}
    for one in drawn:
        job.check()
        index = places.get(one.name)
        if index is not None and one.finding in keys:
            example, number = examples[index], keys.index(one.finding)
            pointed = _point(maps, example, int(parts[index]), one, number, settings)
            found.setdefault(one.finding, []).append(pointed)
    nothing: dict[str, Json] = {one.finding: None for one in drawn if one.name in places}
    return nothing | {key: _figures(rows) for key, rows in found.items()}


def points_nowhere(one: Mapping[str, Any]) -> bool:
    """Whether there were enough pictures of a finding, and its map did not point better than the best of the others
    beyond chance. one: its figures."""
    best = max(one["chance"], one["middle"]["value"], one["usual"]["value"])
    return bool(one["hits"]["n"] >= FEWEST and one["hits"]["low"] <= best)


def _point(
    maps: Maps,
    example: Example,
    part: int,
    drawn: Drawn,
    number: int,
    settings: PictureSettings,
) -> Pointed:
    prepared = prepare(upright(example), preparation_of(settings))
    map_ = maps.runner.run(prepared.tensor)[maps.names[part]][number]
    row, column = np.unravel_index(int(map_.argmax()), map_.shape)
    left, top, right, bottom = prepared.box
    across, down = (float(column) + 0.5) / map_.shape[1], (float(row) + 0.5) / map_.shape[0]
    peak = (left + (right - left) * across, top + (bottom - top) * down)
    return Pointed(drawn, example.group, prepared.box, peak, float(heat(map_).max()))


def _figures(rows: Sequence[Pointed]) -> Json:
    covered = [_covered(one.drawn) for one in rows]
    whole = np.sum(covered, axis=0, dtype=np.int64)
    usual = []
    for own in rows:
        same = [cover for cover, one in zip(covered, rows, strict=True) if one.group == own.group]
        others = whole - np.sum(same, axis=0, dtype=np.int64)
        row, column = np.unravel_index(int(others.argmax()), others.shape)
        usual.append(_within(own.drawn, ((float(column) + 0.5) / _FINE, (float(row) + 0.5) / _FINE)))
    middle = [_within(one.drawn, ((one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2)) for one in rows]
    hits = [_within(one.drawn, one.peak) for one in rows]
    return {
        "hits": interval(wilson(sum(hits), len(rows))),
        "people": len({one.group for one in rows}),
        "chance": round(float(np.mean([cover.mean() for cover in covered])), 4),
        "middle": interval(wilson(sum(middle), len(rows))),
        "usual": interval(wilson(sum(usual), len(rows))),
        "seen": interval(wilson(sum(one.heat >= _SEEN_FROM for one in rows), len(rows))),
    }


def _within(drawn: Drawn, place: Place) -> bool:
    x, y = place
    return any(left <= x <= right and top <= y <= bottom for left, top, right, bottom in drawn.boxes)


def _covered(drawn: Drawn) -> Bools:
    """(fine, fine) where boxes lie."""
    at = (np.arange(_FINE) + 0.5) / _FINE
    found = np.zeros((_FINE, _FINE), dtype=np.bool_)
    for left, top, right, bottom in drawn.boxes:
        found |= ((top <= at) & (at <= bottom))[:, None] & ((left <= at) & (at <= right))[None, :]
    return found
