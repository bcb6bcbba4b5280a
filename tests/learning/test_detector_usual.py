"""What a detector usually says of a photograph, and what it says of others."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from desktop.inference.detection_model import DetectionModel
from desktop.inference.subject import Subject
from desktop.jobs import Job
from desktop.learning import detector_pack_card
from desktop.learning.detector_packs import MALARIA_FIELD
from desktop.learning.detector_usual import asked_strangers, fit_usual, kept, made_smaller
from desktop.learning.films import read_picture
from desktop.records import Analysis, AnalysisStatus, Count, Picture, Provenance, Quality

RUNS = np.repeat(np.arange(12), 10)
PARTS = RUNS % 2
RANDOM = np.random.default_rng(4)
NUMBERS = RANDOM.normal(size=(120, 2)) + RANDOM.normal(size=(12, 2))[RUNS] * 0.5


def test_most_photographs_pass_and_strange_ones_do_not() -> None:
    usual = fit_usual(NUMBERS, PARTS, RUNS.tolist(), 0.05)
    assert usual is not None
    assert len(usual.members) == 2
    away = np.array([usual.members[part].away(one) for part, one in zip(PARTS, NUMBERS, strict=True)])
    # Held against its own part with itself in it a photograph is nearer than the limit was made for.
    assert (away <= usual.limit).mean() >= 0.95
    assert usual.members[0].away(np.array([9.0, -9.0])) > usual.limit
    share: Any = kept(NUMBERS, PARTS, RUNS.tolist(), 0.05)
    assert 0.85 < share["value"] <= 1.0


def test_a_run_is_not_held_against_itself() -> None:
    moved = NUMBERS.copy()
    moved[RUNS == 3] += 50.0
    usual = fit_usual(moved, PARTS, RUNS.tolist(), 0.05)
    assert usual is not None
    # Its own ten would have made it usual; so they lie beyond the limit, which the other 110 set.
    share: Any = kept(moved, PARTS, RUNS.tolist(), 0.1)
    assert share["value"] < 0.95


@pytest.mark.parametrize(("refused", "runs"), [(0.0, RUNS.tolist()), (0.05, PARTS.tolist())])
def test_without_other_runs_or_leave_nothing_is_refused(refused: float, runs: list[int]) -> None:
    assert fit_usual(NUMBERS, PARTS, runs, refused) is None
    assert kept(NUMBERS, PARTS, runs, refused) is None


class Wary:
    """Refuses what is dark."""

    def analyse(self, picture: Picture, _subject: Subject, _job: Job) -> Analysis:
        made = Provenance("malaria-field", "1", "0" * 64, "cpu", "", 1.0)
        if picture.pixels.mean() < 100:
            return Analysis(AnalysisStatus.REFUSED, made, Quality(False, ()), reason="no")
        counts = (Count("red_cell", 7, 5, 9), Count("infected_cell", 2, 0, 3))
        return Analysis(AnalysisStatus.OK, made, Quality(True, ()), counts=counts)


def test_others_are_asked_as_far_as_there_are_any(tmp_path: Path) -> None:
    folder = tmp_path / "blood_cells" / "images"
    folder.mkdir(parents=True)
    for number, light in enumerate((50, 200, 220, 60)):
        Image.new("RGB", (60, 40), (light, light // 2 + 60, light)).save(folder / f"{number}.jpg")
    rows: Any = asked_strangers(cast(DetectionModel, Wary()), MALARIA_FIELD, tmp_path, Job())
    assert [row["photographs"] for row in rows] == [4, 4]
    assert rows[0]["refused"]["value"] == 0.5
    assert rows[0]["counted"] == {"red_cell": 14, "infected_cell": 4}
    figures = {"answered": {"value": 0.97, "low": 0.95, "high": 0.99}, "strangers": rows}
    text = detector_pack_card.sorted_refusals(MALARIA_FIELD, figures)
    assert "97.0 % (95.0–99.0) of this" in text
    assert "| blood without malaria, of another laboratory | 4 | 50.0 %" in text
    assert detector_pack_card.sorted_refusals(MALARIA_FIELD, {"answered": None}) == ""


def test_a_photograph_made_smaller_keeps_its_size(tmp_path: Path) -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:20, :30] = (200, 100, 50)
    Image.fromarray(pixels).save(tmp_path / "one.png")
    picture = read_picture(tmp_path / "one.png")
    small = made_smaller(picture, 0.5)
    assert small.pixels.shape == (40, 60, 3)
    assert np.array_equal(small.pixels[:10, :15], pixels[:10, :15])
    assert small.pixels[:20, :30].mean() == pytest.approx(pixels.mean())
    assert made_smaller(picture, 1.0) is picture
