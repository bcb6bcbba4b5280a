"""Two sorts of one thing, each listed once; a grade by a count; another stain refused. Drawn maps stand for a graph."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from desktop.i18n import Language
from desktop.inference.detection_decoding import told_apart
from desktop.inference.detection_manifest import read_detection_manifest
from desktop.inference.detection_model import DetectionModel, staining
from desktop.inference.fields import Fields, ManifestError
from desktop.inference.golden_fields import FIELDS, malaria_field, smear_field, sputum_field
from desktop.inference.subject import Subject
from desktop.jobs import Job
from desktop.records import Analysis, AnalysisStatus, Decision, FileHeader, Modality, Photometric, Picture
from tests.inference.test_detection import DOCUMENT

KIND: dict[str, Any] = DOCUMENT["boxes"]["kinds"][0]


def smear() -> dict[str, Any]:
    """A manifest of cells that are told apart."""
    document = copy.deepcopy(DOCUMENT)
    document["boxes"] |= {"stride": 8, "each_once": True}
    document["boxes"]["kinds"] = [
        KIND | {"threshold": 0.5},
        KIND | {"key": "infected_cell", "name": {"en": "Infected", "zh": "受感染"}, "threshold": 0.4},
    ]
    outputs = document["network_data_format"]["outputs"]
    outputs["scores"]["shape"], outputs["reach"]["shape"] = [2, 30, 40], [4, 30, 40]
    document["golden"]["evidence"] = [1.0, 1.0, 1.0]
    document["applicability"]["stain"] = {"low": 4.0}
    return document


def sputum() -> dict[str, Any]:
    """A manifest of rods whose count grades a finding."""
    document = copy.deepcopy(DOCUMENT)
    document["boxes"]["kinds"] = [KIND | {"key": "afb", "name": {"en": "Bacillus", "zh": "杆菌"}}]
    document["boxes"]["grade"] = {"finding": "afb", "kind": "afb", "cuts": [1, 10]}
    document["findings"] = [
        {
            "key": "afb",
            "output": 0,
            "name": {"en": "Bacilli", "zh": "抗酸杆菌"},
            "codings": [],
            "calibration": {"temperature": 1.0, "offset": 1.0},
            "thresholds": {"positive": 0.6, "negative": 0.4, "alpha_positive": 0.1, "alpha_negative": 0.1},
        }
    ]
    document["applicability"]["stain"] = {"high": 3.0}
    return document


class DrawnMaps:
    """Stands for a graph."""

    device = "cpu"

    def __init__(self, scores: npt.NDArray[np.float32], distance: float = 1.0) -> None:
        self.scores, self.distance = scores, distance

    def run(self, tensor: npt.NDArray[np.float32]) -> Mapping[str, npt.NDArray[np.float32]]:
        assert tensor.shape == (1, 3, 240, 320)
        reach = np.full((4, *self.scores.shape[1:]), 6.0, np.float32)
        return {"scores": self.scores, "reach": reach, "distance": np.array([self.distance], np.float32)}


def asked(document: dict[str, Any], maps: DrawnMaps, picture: Picture) -> Analysis:
    model = DetectionModel(read_detection_manifest(Fields.of(document, "")), Path("some-cells"))
    model._runner = maps  # type: ignore[assignment]  # stands for a graph that was loaded
    return model.analyse(picture, Subject(), Job())


def cells(*places: tuple[int, int, float, float]) -> DrawnMaps:
    """row, column, how sure it is a cell, how probably infected."""
    scores = np.zeros((2, 30, 40), np.float32)
    scores[1] = 0.9
    for row, column, score, infected in places:
        scores[:, row, column] = score, infected
    return DrawnMaps(scores)


def rods(count: int, score: float = 0.9) -> DrawnMaps:
    scores = np.zeros((1, 60, 80), np.float32)
    for index in range(count):
        scores[0, 4 + 8 * (index // 9), 4 + 8 * (index % 9)] = score
    return DrawnMaps(scores)


def test_a_peak_is_told_apart_where_it_is() -> None:
    maps = cells((3, 4, 0.9, 0.2), (10, 20, 0.8, 0.7))
    found = told_apart(maps.scores, np.full((4, 30, 40), 6.0, np.float32), 0.5, 0.45, 8)
    assert found[:, 5:].tolist() == [pytest.approx([0.9, 0.2]), pytest.approx([0.8, 0.7])]
    assert found[0, :4].tolist() == [4.5 * 8 - 6, 3.5 * 8 - 6, 4.5 * 8 + 6, 3.5 * 8 + 6]
    assert told_apart(np.zeros((2, 3, 3), np.float32), np.ones((4, 3, 3), np.float32), 0.5, 0.4, 8).shape == (0, 7)


def test_each_cell_is_listed_once_under_the_sort_it_is_taken_for() -> None:
    places = ((3, 4, 0.9, 0.2), (10, 20, 0.8, 0.7), (20, 30, 0.7, 0.45), (25, 10, 0.3, 0.9))
    analysis = asked(smear(), cells(*places), malaria_field())
    said = [(box.kind, round(box.probability, 3)) for box in analysis.boxes]
    # The third is taken for infected from 0.4 on; the fourth is not surely a cell.
    assert said == [("red_cell", 0.8), ("infected_cell", 0.7), ("infected_cell", 0.45)]
    assert [(count.kind, count.number) for count in analysis.counts] == [("red_cell", 1), ("infected_cell", 2)]
    assert analysis.findings == ()


def test_no_cell_is_no_box() -> None:
    analysis = asked(smear(), cells(), malaria_field())
    assert (analysis.status, analysis.boxes) == (AnalysisStatus.OK, ())
    assert [count.number for count in analysis.counts] == [0, 0]


@pytest.mark.parametrize(("count", "grade"), [(0, 0), (1, 1), (9, 1), (10, 2), (30, 2)])
def test_the_count_is_the_grade(count: int, grade: int) -> None:
    analysis = asked(sputum(), rods(count), sputum_field())
    (finding,) = analysis.findings
    assert (finding.key, finding.grade) == ("afb", grade)
    assert analysis.counts[0].number == count
    assert finding.decision is (Decision.LIKELY if count else Decision.UNLIKELY)


def test_what_is_listed_but_not_counted_is_no_sure_finding() -> None:
    (finding,) = asked(sputum(), rods(20, 0.3), sputum_field()).findings
    assert finding.probability > 0.9
    assert (finding.grade, finding.decision) == (0, Decision.CANNOT_SAY)


def test_findings_and_kinds_have_their_names() -> None:
    model = DetectionModel(read_detection_manifest(Fields.of(sputum(), "")), Path("some-cells"))
    assert model.finding_name("afb", Language.ENGLISH) == "Bacilli"
    model = DetectionModel(read_detection_manifest(Fields.of(smear(), "")), Path("some-cells"))
    assert model.finding_name("infected_cell", Language.ENGLISH) == "Infected"


def test_another_stain_or_none_is_refused() -> None:
    assert staining(malaria_field().pixels) > 4 > 3 > staining(sputum_field().pixels)
    grey = Picture(malaria_field().pixels[:, :, 1].copy(), Photometric.MONOCHROME2, FileHeader(modality=Modality.PHOTO))
    for document, maps, pictures in (
        (smear(), cells(), (sputum_field(), grey)),
        (sputum(), rods(3), (malaria_field(), smear_field(), grey)),
    ):
        for picture in pictures:
            analysis = asked(document, maps, picture)
            assert analysis.status is AnalysisStatus.REFUSED
            assert (analysis.boxes, analysis.counts, analysis.findings) == ((), (), ())
    strange = DrawnMaps(cells().scores, distance=9.0)
    assert asked(smear(), strange, malaria_field()).status is AnalysisStatus.REFUSED


def test_the_drawn_fields_are_always_the_same() -> None:
    for name in ("malaria-field/1", "sputum-field/1"):
        field = FIELDS[name]()
        assert field.pixels.shape == (480, 640, 3)
        assert np.array_equal(field.pixels, FIELDS[name]().pixels)


@pytest.mark.parametrize(
    ("document", "path", "value", "where"),
    [
        (smear, "boxes.stride", 4, "network_data_format.outputs.scores"),
        (smear, "boxes.stride", 3, "boxes.stride"),
        (smear, "boxes.kinds", [KIND], "boxes.kinds"),
        (sputum, "findings", [], "findings"),
        (sputum, "boxes.grade", None, "findings"),
        (sputum, "boxes.grade.kind", "amoeba", "boxes.grade.kind"),
        (sputum, "boxes.grade.cuts", [10, 1], "boxes.grade.cuts"),
        (sputum, "boxes.grade.cuts", [0.5], "boxes.grade.cuts"),
        (sputum, "applicability.stain.high", "blue", "applicability.stain.high"),
    ],
)
def test_a_manifest_that_does_not_hold_together_is_named_by_place(
    document: Any, path: str, value: object, where: str
) -> None:
    whole = document()
    *way, last = path.split(".")
    place: Any = whole
    for step in way:
        place = place[step]
    place[last] = value
    with pytest.raises(ManifestError) as caught:
        read_detection_manifest(Fields.of(whole, ""))
    assert caught.value.where == where
