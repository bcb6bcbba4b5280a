"""The research packs that find and count: tables with groups and without boxes, cells told apart, grades by a count,
and cards that say what they are. No network is exported here: drawn maps stand for one."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from desktop.errors import UserFacingError
from desktop.inference.calibration import Calibration
from desktop.inference.detection_manifest import read_detection_manifest
from desktop.inference.fields import Fields
from desktop.inference.runner_onnx import OnnxRunner
from desktop.jobs import Job
from desktop.learning import RECIPES, detector_card, detector_evaluation, detector_export, detector_sorting
from desktop.learning.detector_data import Photograph, parts, read_photographs
from desktop.learning.detector_evaluation import KindFit
from desktop.learning.detector_figures import Judged
from desktop.learning.detector_grading import grades_of, threshold_of
from desktop.learning.detector_packs import MALARIA_FIELD, MALARIA_SETTINGS, SPUTUM_AFB, SPUTUM_SETTINGS
from desktop.learning.detector_sets import DetectorSet
from desktop.learning.detector_settings import DetectorSettings
from desktop.learning.detector_sorting import Seen, say
from desktop.learning.robustness import lost_rows

Maps = Mapping[str, npt.NDArray[np.float32]]

MALARIA = replace(MALARIA_FIELD, width=192, height=144)
SPUTUM = replace(SPUTUM_AFB, width=96, height=80)
TWO = replace(MALARIA_SETTINGS, members=2, threads=1)
GRADED = SPUTUM_AFB.graded
assert GRADED is not None


class DrawnMaps:
    """Stands for a graph: what is drawn on a photograph comes out as peaks, a little unsure, but for the thirteenth.
    Photographs are told apart by their first pixel."""

    def __init__(self, photographs: Sequence[Photograph], wanted: DetectorSet, settings: DetectorSettings) -> None:
        self.photographs, self.wanted, self.members = photographs, wanted, settings.members
        self.random = np.random.default_rng(5)

    def run(self, tensor: npt.NDArray[np.float32]) -> Maps:
        number = int(tensor[0, 0, 0, 0])
        boxes = self.photographs[number].boxes if number < len(self.photographs) else np.empty((0, 5))
        stride, kinds = self.wanted.stride, len(self.wanted.kinds)
        shape = (self.wanted.height // stride, self.wanted.width // stride)
        scores, reach = np.zeros((kinds, *shape), np.float32), np.full((4, *shape), 4.0, np.float32)
        if self.wanted.each_once:
            scores[1] = 0.1
        for index, (left, top, right, bottom, kind) in enumerate(boxes):
            x, y = (left + right) / 2, (top + bottom) / 2
            column, row = int(x / stride), int(y / stride)
            at = ((column + 0.5) * stride, (row + 0.5) * stride)
            reach[:, row, column] = (at[0] - left, at[1] - top, right - at[0], bottom - at[1])
            scores[0, row, column] = 0.0 if index == 12 else 0.6 + 0.3 * self.random.random()
            if self.wanted.each_once:
                scores[1, row, column] = (0.55 if kind == 1 else 0.1) + 0.4 * self.random.random()
        scores[0, 0, 0] = 0.3
        one = {"scores": scores, "reach": reach, "distance": np.array([1.0], np.float32)}
        return one | {
            "member_scores": np.tile(scores, (self.members, 1, 1)),
            "member_reach": np.tile(reach, (self.members, 1, 1)),
            "member_distances": np.full(self.members, 1.2, np.float32),
        }


def photographs(wanted: DetectorSet, counts: Sequence[int], size: float) -> list[Photograph]:
    """Photographs with so many things each, one in five of the second kind where there is one."""
    random, found = np.random.default_rng(3), []
    for number, count in enumerate(counts):
        pixels = random.integers(100, 200, (3, wanted.height, wanted.width)).astype(np.uint8)
        pixels[0, 0, 0] = number
        columns = int(wanted.width // (size + 4))
        places = [(4 + (size + 4) * (i % columns), 4 + (size + 4) * (i // columns)) for i in range(count)]
        kind = [float(i % 5 == 2) if wanted.each_once else 0.0 for i in range(count)]
        boxes = [(x, y, x + size, y + size, k) for (x, y), k in zip(places, kind, strict=True)]
        found.append(Photograph(f"p{number:02}", f"{number:064x}", pixels, np.array(boxes).reshape(-1, 5), number // 2))
    return found


def fake(found: Sequence[Photograph], wanted: DetectorSet, settings: DetectorSettings) -> OnnxRunner:
    return cast(OnnxRunner, DrawnMaps(found, wanted, settings))


def write_set(root: Path, wanted: DetectorSet, rows: Sequence[Sequence[object]], groups: Mapping[str, str]) -> Path:
    folder = root / wanted.folder
    (folder / "images").mkdir(parents=True)
    for name, header, lines in (
        ("boxes.csv", ("file", "label", "xmin", "ymin", "xmax", "ymax"), rows),
        ("labels.csv", ("file", wanted.group), [(f"images/{image}", group) for image, group in groups.items()]),
    ):
        with (folder / name).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(header)
            writer.writerows(lines)
    for image in groups:
        Image.new("RGB", (384, 288), (200, 190, 200)).save(folder / "images" / image)
    return root


def test_photographs_without_a_box_are_learned_from_too_and_groups_stay_together(tmp_path: Path) -> None:
    rows = [
        ("images/b.png", "ring", 20, 20, 80, 80),
        ("images/b.png", "red_blood_cell", 120, 20, 180, 80),
        ("images/c.png", "difficult", 20, 120, 80, 180),
    ]
    groups = {"a.png": "k2", "b.png": "k1", "c.png": "k2", "d.png": "k3"}
    found = read_photographs(write_set(tmp_path, MALARIA, rows, groups), MALARIA)
    assert [one.name for one in found] == ["a.png", "b.png", "c.png", "d.png"]
    assert [len(one.boxes) for one in found] == [0, 2, 1, 0]
    assert found[1].boxes[:, 4].tolist() == [1, 0]
    assert found[1].boxes[0, :4].tolist() == [10, 10, 40, 40]
    assert found[2].boxes[0, 4] == 2
    assert found[0].run == found[2].run
    assert len({one.run for one in found}) == 3


def test_a_box_on_a_photograph_that_no_table_knows_is_never_learned(tmp_path: Path) -> None:
    root = write_set(tmp_path, MALARIA, [("images/z.png", "ring", 20, 20, 80, 80)], {"a.png": "k1"})
    with pytest.raises(UserFacingError) as caught:
        read_photographs(root, MALARIA)
    assert caught.value.key == "learning.bad_table"


def test_large_groups_do_not_all_end_on_one_side() -> None:
    empty = np.empty((0, 5))
    runs = [0] * 9 + [1] * 8 + [2] * 2 + [3] * 2 + [4]
    found = [Photograph("n", "s", np.zeros((3, 2, 2), np.uint8), empty, run) for run in runs]
    part = parts(found, 2)
    assert [len({int(side) for side, one in zip(part, found, strict=True) if one.run == run}) for run in range(5)] == [
        1
    ] * 5
    assert sorted(np.bincount(part).tolist()) == [11, 11]


def test_a_thing_is_owned_by_its_surest_box() -> None:
    drawn = np.array([[0.0, 0, 10, 10, 1], [20, 0, 30, 10, 2], [40, 0, 50, 10, 0]])
    boxes = np.array([[0.0, 0, 10, 10, 0, 0.9, 0.8], [1, 0, 11, 10, 0, 0.8, 0.1], [20, 0, 30, 10, 0, 0.7, 0.6]])
    seen = Seen.of(boxes, drawn)
    assert seen.owner.tolist() == [0, -1, 1]
    assert seen.sorts().tolist() == [1, -1, 2]
    said = say(seen, [KindFit(Calibration(), 0.75, (0, 0)), KindFit(Calibration(), 0.5, (0, 0))])
    assert said.named.tolist() == [True, False]
    assert (said.counts(), said.true) == ((1, 1), (1, 1))
    assert Seen.of(np.empty((0, 7)), drawn).sorts().tolist() == []
    assert Seen.of(boxes, np.empty((0, 5))).sorts().tolist() == [-1, -1, -1]


def test_cells_told_apart_are_measured_and_stated() -> None:
    found = photographs(MALARIA, [20, 15, 25, 18, 22, 20, 12, 20], 20.0)
    runner = fake(found, MALARIA, TWO)
    measured = detector_sorting.measured(runner, found, MALARIA, TWO, Job())
    figures: Any = measured.figures
    assert figures["kinds"]["infected_cell"]["drawn"] == sum(int((one.boxes[:, 4] == 1).sum()) for one in found)
    assert 0.7 < figures["kinds"]["infected_cell"]["boxed"]["value"] < 0.85
    assert figures["auc"]["value"] > 0.9
    assert figures["share"]["error"]["value"] < 0.1
    manifest = detector_export.document(b"graph", runner, MALARIA, measured, TWO)
    read = read_detection_manifest(Fields.of(manifest, ""))
    assert (read.research, read.each_once, read.stride) == (True, True, 8)
    assert read.stain[0] == 4.0
    training = {"settings": {"members": 2, "epochs": 5, "views": 2}, "seconds": 60.0}
    texts = detector_card.texts(MALARIA, manifest, training, figures, None)
    card = texts["CARD.md"].decode()
    assert card.startswith(f"# malaria-field {MALARIA_FIELD.version} (research)")
    assert "For research only" in card
    assert "parasitaemia" in card
    assert "points of the mean of the shares of drawn cells" in card
    lost = lost_rows(figures["robustness"])
    assert {one.of for one in lost} == {"infected_cell"}
    assert all(one.value == pytest.approx(0.0, abs=0.01) for one in lost), "this answer comes whatever the light"
    shipped: Any = detector_sorting.asked(runner, found, read, MALARIA, TWO, Job())
    assert shipped["auc"] == pytest.approx(figures["auc"], abs=0.1)


def test_a_field_is_graded_by_its_count() -> None:
    found = photographs(SPUTUM, [0, 3, 14, 1, 0, 20, 5, 12, 2, 16, 0, 7], 8.0)
    runner = fake(found, SPUTUM, SPUTUM_SETTINGS)
    measured = detector_evaluation.measured(runner, found, SPUTUM, SPUTUM_SETTINGS, Job())
    figures: Any = measured.figures
    assert figures["grade"]["kappa"]["value"] > 0.8
    assert np.array(figures["grade"]["table"]).sum() == len(found)
    assert figures["finding"]["none_drawn"] == 3
    manifest = detector_export.document(b"graph", runner, SPUTUM, measured, SPUTUM_SETTINGS)
    read = read_detection_manifest(Fields.of(manifest, ""))
    assert [spec.key for spec in read.findings] == ["afb"]
    assert read.grade is not None
    assert [read.grade.grade(count) for count in (0, 1, 9, 10, 40)] == [0, 1, 1, 2, 2]
    training = {"settings": {"members": 2, "epochs": 5, "views": 2}, "seconds": 60.0}
    card = detector_card.texts(SPUTUM, manifest, training, figures, None)["CARD.md"].decode()
    assert "Quadratic kappa" in card
    assert "1 to 9" in card
    assert {one.of for one in lost_rows(figures["robustness"])} == {"grade of afb"}
    assert "points of the share of photographs whose grade" in card


def test_the_threshold_is_the_one_whose_grades_agree() -> None:
    assert GRADED is not None
    drawn = [np.array([[i * 10.0, 0, i * 10 + 8, 8, 0] for i in range(n)]).reshape(-1, 5) for n in (0, 4, 12)]
    # Everything drawn is found at 0.6, and as much again that is not there at 0.3.
    found = []
    for boxes in drawn:
        right = np.concatenate([boxes, np.full((len(boxes), 1), 0.6)], axis=1)
        wrong = np.concatenate([boxes + np.array([0, 50, 0, 50, 0]), np.full((len(boxes), 1), 0.3)], axis=1)
        found.append(np.concatenate([right, [[500.0, 0, 508, 8, 0, 0.3]], wrong]))
    assert 0.3 < threshold_of(GRADED, Judged(found, drawn)) <= 0.6
    assert grades_of(GRADED, np.array([0.0, 1, 9, 10])).tolist() == [0, 1, 1, 2]


def test_both_packs_are_for_research_and_say_so() -> None:
    for wanted in (MALARIA_FIELD, SPUTUM_AFB):
        assert RECIPES[wanted.model]().research
        assert "research" in wanted.title["en"]
        assert "研究" in wanted.title["zh"]
    assert not RECIPES["blood-cells"]().research


@pytest.mark.torch
def test_a_sorter_learns_what_it_is_shown_and_the_same_again() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from desktop.learning.detector_sorter import Sorter, halves, sorter_lesson, steps_of
    from desktop.learning.training import Schedule, train

    found = photographs(MALARIA, [12, 12], 20.0)
    for one in found:
        for left, top, right, bottom, kind in one.boxes.astype(int):
            one.pixels[:, top:bottom, left:right] = 40 if kind == 1 else 220
    assert steps_of(found, 6) == 1
    assert halves(found)[0].boxes[0].tolist() == [*(found[0].boxes[0, :4] / 2), 0]
    schedule = Schedule(epochs=2, steps=3, rate=1e-2, to_the_end=True)

    def learned() -> Any:
        lesson = sorter_lesson("sorter", "x", found, schedule, 7, 6)
        return train(lesson, Sorter, None, Job(), lambda _text: None)

    first, second = learned(), learned()
    assert first.curve[-1].training_loss < first.curve[0].training_loss
    states = [one.network.state_dict() for one in (first, second)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.torch
def test_tiles_keep_cells_and_their_sorts_together() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from desktop.learning.detector_sorter import STRIDE, sorter_lesson
    from desktop.learning.training import Schedule

    found = photographs(MALARIA, [20], 20.0)
    found[0].pixels[:] = 128
    for left, top, right, bottom, kind in found[0].boxes.astype(int):
        found[0].pixels[:, top:bottom, left:right] = 20 if kind == 1 else 236
    lesson = sorter_lesson("sorter", "x", found, Schedule(epochs=1, steps=4), 7, 6)
    for batch in lesson.batches(0, torch.Generator().manual_seed(1)):
        middles = torch.nn.functional.avg_pool2d(batch.inputs.mean(1), STRIDE)
        kind, weight = batch.targets[:, 0] == 1, batch.targets[:, 1] > 0
        assert (kind & weight).any()
        assert middles[kind & weight].max() < middles[~kind & weight].min()
