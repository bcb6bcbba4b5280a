"""When a detector looks in tiles is told by what it finds on photographs of one field; what it brings, by several."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from desktop.inference.calibration import Calibration
from desktop.inference.detection_manifest import TileSpec
from desktop.jobs import Job
from desktop.learning import detector_card, detector_tiles
from desktop.learning.detector_data import Photograph
from desktop.learning.detector_export import with_tiles
from desktop.learning.detector_packs import SPUTUM_AFB
from desktop.learning.detector_sets import BLOOD_CELLS, Kind
from desktop.learning.detector_settings import DetectorSettings

Floats = npt.NDArray[np.float64]
WANTED = replace(BLOOD_CELLS, kinds=(Kind("red_cell", ("RBC",), {"en": "Red cell", "zh": "红细胞"}),))
SIZE = 24
SPEC = TileSpec("red_cell", 19.0, 24.0, 30.0, 36, 48)


def photograph(number: int) -> Photograph:
    """Twelve discs and their boxes."""
    pixels = np.full((3, 240, 320), 220, np.uint8)
    rows, columns = np.mgrid[0:240, 0:320]
    boxes = []
    for x in range(40, 320, 80):
        for y in range(40, 240, 80):
            pixels[:, np.hypot(columns + 0.5 - x, rows + 0.5 - y) < SIZE / 2] = 60
            boxes.append([x - 12.0, y - 12, x + 12, y + 12, 0])
    return Photograph(f"{number}", f"{number}", pixels, np.array(boxes), number)


def found(side: float, count: int = 12) -> Floats:
    return np.tile([10.0, 10, 10 + side, 10 + side, 0, 0.8], (count, 1))


def test_none_of_the_photographs_learned_from_is_below_what_is_told() -> None:
    sizes = [20.04, 21, 22, 23, 24, 24, 25, 26, 27, 28, 29.01]
    photographs = [photograph(number) for number in range(len(sizes))]
    spec = detector_tiles.fit_tiles([found(side) for side in sizes], photographs, WANTED)
    # What is drawn is shorter than the largest median: then nothing may be said.
    assert spec is None
    larger = [replace(one, boxes=one.boxes * [1, 1, 1.2, 1.2, 1]) for one in photographs]
    spec = detector_tiles.fit_tiles([found(side) for side in sizes], larger, WANTED)
    assert spec is not None
    assert (spec.kind, spec.low, spec.usual, spec.high) == ("red_cell", 20.0, 24.0, 29.1)
    assert spec.high <= spec.overlap <= 120


@pytest.mark.parametrize("wanted", [SPUTUM_AFB, WANTED])
def test_little_to_tell_a_size_from_tells_none(wanted: Any) -> None:
    photographs = [photograph(number) for number in range(12)]
    few = [found(20 + number, 12 if wanted is SPUTUM_AFB else 3) for number in range(12)]
    assert detector_tiles.fit_tiles(few, photographs, wanted) is None


class Discs:
    """Two members of a graph that find discs, faintly and too large where they are small."""

    def run(self, tensor: npt.NDArray[np.float32]) -> Mapping[str, npt.NDArray[np.float32]]:
        scores, reach = np.zeros((1, 60, 80), np.float32), np.ones((4, 60, 80), np.float32)
        places = ndimage.find_objects(ndimage.label(tensor[0, 1] < 140)[0])
        true = float(np.median([place[1].stop - place[1].start for place in places])) if places else 1.0
        told = SIZE * (true / SIZE) ** 0.5
        for down, across in places:
            row, column = ((part.start + part.stop) // 8 for part in (down, across))
            scores[0, row, column] = 0.9 if told >= 20 else 0.2
            reach[:, row, column] = told / 2
        away = np.full(2, abs(np.log(true / SIZE)), np.float32)
        return {
            "member_scores": np.concatenate([scores, scores]),
            "member_reach": np.concatenate([reach, reach]),
            "member_distances": away,
        }


def test_fields_put_together_are_counted_whole_and_in_tiles() -> None:
    photographs = [photograph(number) for number in range(8)]
    runner: Any = Discs()
    rows: Any = detector_tiles.several_fields(
        runner,
        photographs,
        np.arange(8) % 2,
        [(Calibration(), 0.5)],
        SPEC,
        2.0,
        WANTED,
        DetectorSettings(members=2),
        Job(),
    )
    assert rows == [
        {
            "fields": 4,
            "pictures": 2,
            "in_tiles": 2,
            "count_error_whole": {"red_cell": 1.0},
            "count_error": {"red_cell": 0.0},
        }
    ]
    card = detector_card._fields(WANTED, {"fields": rows})
    assert "| 4 | 2 of 2 | 100 % | 0 % |" in card
    assert detector_card._fields(WANTED, {}) == ""


def test_an_evaluation_brings_it_into_the_manifest_and_takes_it_out() -> None:
    manifest = {"name": "x", "boxes": {"overlap": 0.45, "tiles": {"low": 1}}}
    assert with_tiles(manifest, SPEC)["boxes"] == {"overlap": 0.45, "tiles": asdict(SPEC)}
    assert with_tiles(manifest, None) == {"name": "x", "boxes": {"overlap": 0.45}}
