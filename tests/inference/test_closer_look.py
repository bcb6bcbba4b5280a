"""A photograph of several fields is looked at in tiles, and only such a one. A network that finds drawn discs, faintly
where they are small, stands for a graph."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from desktop.errors import Cancelled
from desktop.inference.closer_look import typical_size
from desktop.inference.detection_manifest import read_detection_manifest
from desktop.inference.detection_model import DetectionModel
from desktop.inference.fields import Fields, ManifestError
from desktop.inference.subject import Subject
from desktop.jobs import Job
from desktop.records import Analysis, AnalysisStatus, FileHeader, Modality, Photometric, Picture
from tests.inference.test_detection import DOCUMENT

USUAL = 24
TILES: dict[str, Any] = {"kind": "red_cell", "low": 19.0, "usual": 24.0, "high": 30.0, "overlap": 36, "most": 20}
GROUND, CELL = (226, 219, 221), (190, 100, 110)


def document(**tiles: object) -> dict[str, Any]:
    made = copy.deepcopy(DOCUMENT)
    made["boxes"]["tiles"] = TILES | tiles
    made["applicability"]["tinted_share"] = 0.0
    return made


def without() -> dict[str, Any]:
    made = document()
    del made["boxes"]["tiles"]
    return made


class Discs:
    """Finds dark discs. A size it does not know it tells too near the one it knows, faintly, and from afar; where there
    is no disc at all it knows nothing."""

    device = "cpu"

    def __init__(self, job: Job | None = None, cancel_at: int = 0) -> None:
        self.asked, self._job, self._cancel_at = 0, job, cancel_at

    def run(self, tensor: npt.NDArray[np.float32]) -> Mapping[str, npt.NDArray[np.float32]]:
        self.asked += 1
        if self._job is not None and self.asked == self._cancel_at:
            self._job.cancel()
        scores, reach = np.zeros((1, 60, 80), np.float32), np.full((4, 60, 80), 1.0, np.float32)
        places = ndimage.find_objects(ndimage.label(tensor[0, 1] < 160)[0])
        true = float(np.median([place[1].stop - place[1].start for place in places])) if places else 1.0
        told = USUAL * (true / USUAL) ** 0.5
        for down, across in places:
            row, column = ((part.start + part.stop) // 8 for part in (down, across))
            scores[0, row, column] = 0.9 if 19 <= told <= 30 else 0.2
            reach[:, row, column] = told / 2
        away = abs(np.log(true / USUAL))
        return {"scores": scores, "reach": reach, "distance": np.array([away], np.float32)}


def field(rows: int, columns: int, apart: int, size: int, bare: int = 0) -> Picture:
    """Discs on a lattice. bare: columns at the left without any."""
    pixels = np.empty((rows, columns, 3), np.uint8)
    pixels[:] = GROUND
    y, x = np.mgrid[0:rows, 0:columns]
    there = np.hypot(y % apart - apart / 2, x % apart - apart / 2) < size / 2
    pixels[there & (x >= bare) & (y < rows // apart * apart) & (x < columns // apart * apart)] = CELL
    return Picture(pixels, Photometric.RGB, FileHeader(modality=Modality.PHOTO))


def asked(made: dict[str, Any], picture: Picture, network: Discs, job: Job | None = None) -> Analysis:
    model = DetectionModel(read_detection_manifest(Fields.of(made, "")), Path("some-cells"))
    model._runner = network  # type: ignore[assignment]  # stands for a graph that was loaded
    return model.analyse(picture, Subject(), job or Job())


WIDE = (720, 960, 48, USUAL)
"""Three fields across and three down, fifteen discs by twenty."""


@pytest.mark.parametrize("upright", [False, True])
def test_a_photograph_of_several_fields_is_counted_in_tiles(upright: bool) -> None:
    picture = field(*WIDE)
    if upright:
        picture = Picture(picture.pixels.transpose(1, 0, 2).copy(), Photometric.RGB, picture.header)
    job = Job()
    analysis = asked(document(), picture, Discs(), job)
    assert analysis.status is AnalysisStatus.OK
    assert 9 <= analysis.tiles <= 20
    assert analysis.counts[0].number == 300
    assert (job.progress.key, job.progress.total) == ("workflow.progress.tiles", analysis.tiles)
    middles = {
        (round((box.x + box.width / 2 - 24) / 48), round((box.y + box.height / 2 - 24) / 48)) for box in analysis.boxes
    }
    assert len(middles) == 300
    for box in analysis.boxes:
        assert abs((box.x + box.width / 2) % 48 - 24) < 4
        assert abs(box.width - USUAL) < 5
    again = asked(document(), picture, Discs())
    assert (again.boxes, again.counts) == (analysis.boxes, analysis.counts)


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (field(480, 640, 96, 2 * USUAL), "things have their usual size"),
        (field(240, 320, 24, 10), "the file has no more pixels"),
        (field(720, 960, 360, USUAL), "too few things to tell a size from"),
    ],
)
def test_other_photographs_are_seen_once_and_answered_as_without_tiles(picture: Picture, why: str) -> None:
    network = Discs()
    said, plain = asked(document(), picture, network), asked(without(), picture, Discs())
    assert said.tiles == 0, why
    assert network.asked == 1, why
    assert (said.status, said.boxes, said.counts, said.provenance.input_sha256) == (
        plain.status,
        plain.boxes,
        plain.counts,
        plain.provenance.input_sha256,
    )


def test_a_part_that_would_be_refused_by_itself_leaves_the_answer_to_the_whole() -> None:
    picture = field(720, 960, 48, USUAL, bare=500)
    said, plain = asked(document(), picture, Discs()), asked(without(), picture, Discs())
    assert said.tiles == 0
    assert (said.status, said.boxes, said.counts) == (plain.status, plain.boxes, plain.counts)


def test_no_more_tiles_than_allowed() -> None:
    network = Discs()
    analysis = asked(document(most=6), field(*WIDE), network)
    assert analysis.tiles <= 6
    assert network.asked <= 1 + 4 + 6


@pytest.mark.parametrize("at", [2, 5, 9])
def test_it_can_be_cancelled_between_tiles(at: int) -> None:
    job = Job()
    network = Discs(job, cancel_at=at)
    with pytest.raises(Cancelled):
        asked(document(), field(*WIDE), network, job)
    assert network.asked == at


def test_a_size_is_told_from_enough_things_each_as_much_as_its_score() -> None:
    boxes = np.array([[0.0, 0, side, side, 0, score] for side, score in ((10, 0.2), (12, 0.2), (30, 0.9), (31, 0.9))])
    assert typical_size(boxes, 0) is None
    more = np.concatenate([boxes, [[0, 0, 99, 99, 1, 0.9], [0, 0, 11, 11, 0, 0.2], [0, 0, 9, 9, 0, 0.05]]])
    assert typical_size(more, 0) == 30
    assert typical_size(more, 1) is None


@pytest.mark.parametrize(
    ("tiles", "where"),
    [
        ({"kind": "amoeba"}, "boxes.tiles.kind"),
        ({"low": 24.0}, "boxes.tiles"),
        ({"high": 23.0}, "boxes.tiles"),
        ({"usual": float("nan")}, "boxes.tiles.usual"),
        ({"overlap": 29}, "boxes.tiles.overlap"),
        ({"overlap": 121}, "boxes.tiles.overlap"),
        ({"overlap": 36.5}, "boxes.tiles.overlap"),
        ({"most": 1}, "boxes.tiles.most"),
        ({"most": 65}, "boxes.tiles.most"),
        ({"low": None}, "boxes.tiles.low"),
    ],
)
def test_a_manifest_that_tells_untruths_of_tiles_is_named_by_place(tiles: dict[str, object], where: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read_detection_manifest(Fields.of(document(**tiles), ""))
    assert caught.value.where == where


def test_a_count_that_grades_is_of_one_field() -> None:
    from tests.inference.test_detection_packs import sputum

    made = sputum()
    made["boxes"]["tiles"] = TILES | {"kind": "afb"}
    with pytest.raises(ManifestError) as caught:
        read_detection_manifest(Fields.of(made, ""))
    assert caught.value.where == "boxes.tiles"
