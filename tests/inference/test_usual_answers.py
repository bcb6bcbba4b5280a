"""A photograph is refused where what a detector says of it as a whole is unlike what it usually says."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from desktop.inference.detection_manifest import read_detection_manifest
from desktop.inference.fields import Fields, ManifestError
from desktop.inference.golden_fields import malaria_field
from desktop.inference.usual_answers import Usual, UsualAnswers, numbers_of
from desktop.records import AnalysisStatus
from tests.inference.test_detection_packs import DrawnMaps, asked, smear

FloatArray = npt.NDArray[np.float32]
ONE = Usual((0.0, 0.0), (1.0, 0.0, 0.0, 1.0))


def maps(sure: float, infected: float, count: int = 40) -> FloatArray:
    """(2, 30, 40): so many cells, one in ten infected by that."""
    found = np.full((2, 30, 40), 0.05, np.float32)
    found[0] = 0.0
    for index in range(count):
        row, column = 2 + 3 * (index // 12), 2 + 3 * (index % 12)
        found[0, row, column] = sure
        if index % 10 == 0:
            found[1, row, column] = infected
    return found


class TwoMembers(DrawnMaps):
    """Stands for a graph whose members say the same."""

    def run(self, tensor: FloatArray) -> Mapping[str, FloatArray]:
        return {**super().run(tensor), "member_scores": np.concatenate([self.scores, self.scores])}


def watchful() -> dict[str, Any]:
    """A manifest that knows what is usual: sure cells, few of them infected."""
    document = smear()
    usual = numbers_of(maps(0.8, 0.9)).tolist()
    member = {"mean": usual, "precision": [4.0, 0.0, 0.0, 4.0]}
    document["out_of_distribution"]["answers"] = {"members": [member, member], "limit": 1.0}
    document["network_data_format"]["outputs"]["member_scores"] = {
        "type": "tensor",
        "shape": [4, 30, 40],
        "dtype": "float32",
    }
    return document


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        (maps(0.8, 0.9), AnalysisStatus.OK),
        (maps(0.75, 0.85), AnalysisStatus.OK),
        (maps(0.3, 0.9), AnalysisStatus.REFUSED),
        (maps(0.8, 0.05), AnalysisStatus.REFUSED),
        (maps(0.8, 0.9, 0), AnalysisStatus.REFUSED),
    ],
)
def test_an_unusual_answer_is_none(seen: FloatArray, status: AnalysisStatus) -> None:
    analysis = asked(watchful(), TwoMembers(seen), malaria_field())
    assert analysis.status is status
    assert bool(analysis.boxes) is (status is AnalysisStatus.OK)


def test_without_such_numbers_the_distance_alone_tells() -> None:
    assert asked(smear(), DrawnMaps(maps(0.3, 0.9)), malaria_field()).status is AnalysisStatus.OK


def test_the_members_count_alike() -> None:
    other = Usual((3.0, 0.0), (1.0, 0.0, 0.0, 1.0))
    scores = maps(0.8, 0.9)
    one, two = ONE.away(numbers_of(scores)), other.away(numbers_of(scores))
    both = UsualAnswers((ONE, other), 1.0).away(np.concatenate([scores, scores]))
    assert both == pytest.approx((one + two) / 2)


@pytest.mark.parametrize("spoilt", ["mean", "precision", "members", "maps", "sorts"])
def test_a_manifest_that_does_not_hold_is_damaged(spoilt: str) -> None:
    document = watchful()
    answers = document["out_of_distribution"]["answers"]
    if spoilt == "maps":
        document["network_data_format"]["outputs"]["member_scores"]["shape"] = [2, 30, 40]
    elif spoilt == "sorts":
        document["boxes"]["each_once"] = False
    elif spoilt == "members":
        answers["members"] = []
    else:
        answers["members"][0][spoilt].append(1.0)
    with pytest.raises(ManifestError):
        read_detection_manifest(Fields.of(document, ""))
