"""When a detector looks at a photograph in tiles, and what that brings on photographs that show several fields.

numpy and ONNX Runtime only.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from desktop.inference.calibration import Calibration
from desktop.inference.closer_look import FAINTEST, Question, Seen, look_closer, typical_size
from desktop.inference.detection_decoding import boxes_of
from desktop.inference.detection_manifest import TileSpec
from desktop.inference.detection_model import log_odds
from desktop.inference.field_picture import prepare_field
from desktop.inference.runner_onnx import OnnxRunner
from desktop.inference.tiling import Tile
from desktop.jobs import Job
from desktop.learning.detector_data import Photograph, preparation_of
from desktop.learning.detector_sets import DetectorSet
from desktop.learning.detector_settings import DetectorSettings
from desktop.learning.records import Json
from desktop.records import FileHeader, Modality, Photometric, Picture

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST = 48
"""Tiles allowed: enough for four fields across and four down where the largest things take half of a tile's height."""
_FEWEST = 10
_LARGEST = 99.0
"""Percentile of all things' longer sides that the overlap of tiles is as long as."""
_PUT_TOGETHER = ((2, 3), (3, 1))
"""Fields across and down, and how many such pictures are made for each member."""


def fit_tiles(found: Sequence[Floats], photographs: Sequence[Photograph], wanted: DetectorSet) -> TileSpec | None:
    """From what each photograph's own held-out member finds on it, boxes (n, ≥ 6): none of them is looked at in tiles.

    None where too few have enough on them to tell, where a count grades one field, or where the things are too large.
    """
    if wanted.graded is not None:
        return None
    told = [size for size in (typical_size(boxes, 0) for boxes in found) if size is not None]
    drawn = np.concatenate([one.boxes for one in photographs])
    if len(told) < _FEWEST or not len(drawn):
        return None
    low, usual, high = math.floor(10 * min(told)) / 10, round(float(np.median(told)), 1), math.ceil(10 * max(told)) / 10
    largest = math.ceil(np.percentile((drawn[:, 2:4] - drawn[:, :2]).max(axis=1), _LARGEST))
    overlap = min(largest, min(wanted.width, wanted.height) // 2)
    if not 1.0 <= low < usual < high <= overlap:
        return None
    return TileSpec(wanted.kinds[0].key, low, usual, high, overlap, MOST)


@dataclass(frozen=True, eq=False)
class Member:
    """One member of a detector's graph, and what is made of its answers. number: of the member. limit: of the distance,
    beyond which it would not answer."""

    runner: OnnxRunner
    number: int
    wanted: DetectorSet
    settings: DetectorSettings
    limit: float

    def look(self, pixels: npt.NDArray[np.uint8], tile: Tile | None = None) -> Seen:
        """What it says of a picture (rows, columns, 3), or of a part of it."""
        left, top = (0, 0) if tile is None else (tile.left, tile.top)
        part = pixels if tile is None else pixels[tile.top : tile.bottom, tile.left : tile.right]
        picture = Picture(part, Photometric.RGB, FileHeader(modality=Modality.PHOTO))
        prepared, kinds = prepare_field(picture, preparation_of(self.wanted)), len(self.wanted.kinds)
        outputs = self.runner.run(prepared.tensor)
        scores = outputs["member_scores"][self.number * kinds : (self.number + 1) * kinds]
        reach = outputs["member_reach"][self.number * 4 : (self.number + 1) * 4]
        away = float(outputs["member_distances"][self.number])
        found = boxes_of(scores, reach, [FAINTEST] * kinds, self.settings.overlap)
        places = prepared.back(found[:, :4]) + np.array([left, top, left, top])
        return Seen(found, np.concatenate([places, found[:, 4:]], axis=1), away, away > self.limit)


def several_fields(
    runner: OnnxRunner,
    photographs: Sequence[Photograph],
    part: Ints,
    fits: Sequence[tuple[Calibration, float]],
    spec: TileSpec,
    limit: float,
    wanted: DetectorSet,
    settings: DetectorSettings,
    job: Job,
) -> list[Json]:
    """Photographs put together to pictures of several fields, each by the member that saw none of them: counts from the
    whole and as the clinic counts, in tiles. fits: of each kind calibration and counting threshold, as shipped;
    what the rim cuts is counted like the rest."""
    rows: list[Json] = []
    for across, pictures in _PUT_TOGETHER:
        said = list[tuple[Floats, Floats, Floats]]()
        tiled = 0
        for number in range(settings.members):
            member = Member(runner, number, wanted, settings, limit)
            own = [one for one, of in zip(photographs, part, strict=True) if of == number]
            for start in range(min(pictures, len(own) // across**2)):
                job.check()
                chosen = own[start :: len(own) // across**2][: across**2]
                true = np.concatenate([one.boxes for one in chosen])
                pixels = _together(chosen, across)
                whole = member.look(pixels)
                tiles = _tiled(member, pixels, whole, fits[0][0], spec, job)
                tiled += tiles is not None
                seen = whole.placed if tiles is None else tiles
                said.append((_counts(whole.placed, fits), _counts(seen, fits), _drawn(true, len(fits))))
        if said:
            rows.append(_row(across, said, tiled, wanted))
    return rows


def _together(photographs: Sequence[Photograph], across: int) -> npt.NDArray[np.uint8]:
    """As many photographs across as down, as one picture (rows, columns, 3)."""
    rows = [
        np.concatenate([one.pixels.transpose(1, 2, 0) for one in photographs[at : at + across]], axis=1)
        for at in range(0, across**2, across)
    ]
    return np.ascontiguousarray(np.concatenate(rows))


def _tiled(
    member: Member, pixels: npt.NDArray[np.uint8], whole: Seen, calibration: Calibration, spec: TileSpec, job: Job
) -> Floats | None:
    """What is found in tiles, None where the picture is answered whole."""
    question = Question(
        spec=spec,
        preparation=preparation_of(member.wanted),
        rows=pixels.shape[0],
        columns=pixels.shape[1],
        kind=0,
        same=member.settings.overlap,
        ask=partial(member.look, pixels),
        probability=lambda score: calibration.probability(log_odds(score)),
    )
    closer = look_closer(question, whole, job)
    return None if closer is None else closer.placed


def _counts(placed: Floats, fits: Sequence[tuple[Calibration, float]]) -> Floats:
    """Of each kind, what counts."""
    sure = [
        fits[int(kind)][0].probability(log_odds(float(score))) >= fits[int(kind)][1] for kind, score in placed[:, 4:6]
    ]
    return np.bincount(placed[np.array(sure, bool), 4].astype(np.int64), minlength=len(fits)).astype(np.float64)


def _drawn(boxes: Floats, kinds: int) -> Floats:
    return np.array([float((boxes[:, 4] == kind).sum()) for kind in range(kinds)])


def _row(across: int, said: Sequence[tuple[Floats, Floats, Floats]], tiled: int, wanted: DetectorSet) -> Json:
    whole, tiles, true = (np.array(part) for part in zip(*said, strict=True))

    def errors(counts: Floats) -> Json:
        off = np.abs(counts - true).sum(axis=0) / np.maximum(1.0, true.sum(axis=0))
        return {kind.key: round(float(value), 4) for kind, value in zip(wanted.kinds, off, strict=True)}

    return {
        "fields": across**2,
        "pictures": len(said),
        "in_tiles": tiled,
        "count_error_whole": errors(whole),
        "count_error": errors(tiles),
    }
