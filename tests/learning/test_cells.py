"""Cells are read strictly, shown in many ways, and learned from to a model the clinic can load."""

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from desktop.errors import UserFacingError
from desktop.inference import Subject, golden
from desktop.inference.model import STUDY
from desktop.inference.preparation import against_body, cell_square, prepare_cell
from desktop.inference.registry import read_picture_model
from desktop.jobs import Job
from desktop.learning import cell_battery, cell_card, cell_evaluation, picture_changes
from desktop.learning.cell_settings import Settings
from desktop.learning.cells import CELL_SET, find_cells, read_cells
from desktop.learning.films import read_picture
from desktop.learning.learning_curve import CurvePoint, curve_points, curve_table
from desktop.learning.publishing import manifest_text
from desktop.learning.recipes.malaria_cell import MalariaCell
from desktop.learning.records import Study
from desktop.records import AnalysisStatus
from desktop.settings import model_folder
from tests.learning.stated import lost_beyond

FloatArray = npt.NDArray[np.float32]

PREPARATION = Settings().preparation
TINY = Settings(
    widths=(8, 8, 8), blocks=(0, 0, 1), side=32, batch=16, epochs=2, stop_after=2, parts=3, members=1, threads=1
)


def draw_cell(number: int, *, parasitized: bool) -> FloatArray:
    """The phantom in a stain of its own with grain; a healthy one is its own lower half mirrored upwards."""
    random = np.random.default_rng(number)
    cell = golden.cell_phantom()[::2, ::2]
    if not parasitized:
        cell = np.concatenate([cell[24:][::-1], cell[24:]])
    tint = random.uniform(0.8, 1.1, 3) * random.uniform(0.8, 1.0)
    grain = random.normal(0, 0.02, cell.shape[:2])[:, :, None] * (cell.max(axis=2, keepdims=True) > 0.1)
    light: FloatArray = np.clip(cell * tint + grain, 0, 1).astype(np.float32)
    return light


@pytest.fixture(scope="module")
def drawn_cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with 120 drawn cells of 30 people, ten of them healthy."""
    root = tmp_path_factory.mktemp("data")
    folder = root / CELL_SET
    (folder / "images").mkdir(parents=True)
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "label", "patient", "width", "height"])
        for number in range(120):
            person = number // 4
            sick = person % 3 != 0 and number % 2 == 0
            file = f"images/d{number:05}.png"
            pixels = np.rint(draw_cell(number, parasitized=sick) * 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / file)
            writer.writerow([file, "parasitized" if sick else "uninfected", f"P{person}", 44, 48])
    return root


def quiet(text: str) -> None:
    """Progress nobody reads."""


def test_cells_are_found_and_read_in_order(drawn_cells: Path) -> None:
    cells = read_cells(find_cells(drawn_cells))
    assert cells == read_cells(find_cells(drawn_cells / CELL_SET))
    assert (len(cells), len({cell.patient for cell in cells})) == (120, 30)
    assert sum(cell.parasitized for cell in cells) == 40


@pytest.mark.parametrize(
    "line", ["images/d00000.png,ill,P1,4,4", "images/none.png,uninfected,P1,4,4", "images/d00000.png,uninfected,,4,4"]
)
def test_a_table_that_is_not_right_teaches_nothing(drawn_cells: Path, tmp_path: Path, line: str) -> None:
    folder = shutil.copytree(drawn_cells / CELL_SET, tmp_path / CELL_SET)
    with (folder / "labels.csv").open("a", encoding="utf-8") as stream:
        stream.write(f"{line}\n")
    with pytest.raises(UserFacingError) as caught:
        read_cells(folder)
    assert caught.value.key == "learning.bad_table"


def test_without_cells_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserFacingError) as caught:
        find_cells(tmp_path)
    assert caught.value.key == "learning.no_data"


def test_light_white_balance_contrast_and_ground_make_no_difference() -> None:
    cell = golden.cell_phantom()
    usual = prepare_cell(cell, PREPARATION).tensor
    other = np.pad(cell * np.array([0.7, 0.5, 0.6], np.float32), ((20, 5), (0, 40), (0, 0)))
    assert usual.shape == (1, 3, 64, 64)
    assert np.abs(prepare_cell(other, PREPARATION).tensor - usual).mean() < 0.05
    left, top, right, bottom = prepare_cell(other, PREPARATION).box
    assert (left, top) == pytest.approx((0, 20 / 121), abs=0.02)
    assert (right, bottom) == pytest.approx((88 / 128, 116 / 121), abs=0.02)


def test_a_grey_cell_fills_three_channels_alike() -> None:
    grey = golden.cell_phantom() @ np.array([0.3, 0.6, 0.1], np.float32)
    square, _ = cell_square(grey, 64, PREPARATION.frame_level)
    assert np.array_equal(square[0], square[1])
    assert np.array_equal(square[0], square[2])
    assert not against_body(np.zeros((3, 64, 64), np.float32), PREPARATION).any(), "black is no cell"


@pytest.mark.parametrize("shape", [(40, 50), (40, 50, 3)])
def test_changes_keep_a_picture_a_picture(shape: Sequence[int]) -> None:
    light = np.random.default_rng(3).random(shape).astype(np.float32)
    for change in (
        picture_changes.noise(0.1),
        picture_changes.blur(0.02),
        picture_changes.gamma(1.4),
        picture_changes.exposure(1.5),
        picture_changes.jpeg(20),
        picture_changes.turn(30),
        picture_changes.vignette(0.3),
        picture_changes.in_turn([picture_changes.blur(0.01), picture_changes.jpeg(50)]),
    ):
        changed = change(light)
        assert (changed.shape, str(changed.dtype)) == (light.shape, "float32")
        assert 0 <= float(changed.min()) <= float(changed.max()) <= 1
        assert not np.array_equal(changed, light)
    assert picture_changes.scale(0.5)(light).shape[:2] == (20, 25)
    assert picture_changes.stretch(32)(light).shape[:2] == (32, 32)


@pytest.mark.torch
def test_training_prepares_a_cell_as_the_clinic_does() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from desktop.learning import cell_lessons

    square, _ = cell_square(golden.cell_phantom(), 64, PREPARATION.frame_level)
    taught = cell_lessons.against_body(torch.from_numpy(square)[None], PREPARATION).numpy()[0]
    assert np.abs(taught - against_body(square, PREPARATION)).max() < 1e-3


@pytest.mark.torch
def test_a_cell_is_shown_in_many_ways_and_the_same_again_from_the_same_seed() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from desktop.learning import cell_lessons

    cells = torch.from_numpy(golden.cell_phantom()).permute(2, 0, 1)[None].expand(12, -1, -1, -1)
    first, again = (cell_lessons.augment(cells, 64, torch.Generator().manual_seed(4)) for _ in range(2))
    assert first.shape == (12, 3, 64, 64)
    assert torch.equal(first, again)
    assert 0 <= float(first.min()) <= float(first.max()) <= 1
    assert len({round(float(one.mean()), 4) for one in first}) == 12
    grey = (first[:, 0] == first[:, 1]).flatten(1).all(1)
    assert 0 < int(grey.sum()) < 12


@pytest.mark.torch
def test_turning_or_mirroring_a_cell_turns_its_map_and_nothing_else() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from desktop.learning import cell_training

    torch.manual_seed(1)
    network = cell_training.build(TINY).eval()
    cell = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        logit, heat, embedding = cell_training.all_ways(network, cell)
        turned = cell_training.all_ways(network, torch.rot90(cell, 1, (2, 3)).flip(3))
    assert torch.allclose(turned[0], logit, atol=1e-5)
    assert torch.allclose(turned[1], torch.rot90(heat, 1, (2, 3)).flip(3), atol=1e-5)
    assert torch.allclose(turned[2], embedding, atol=1e-5)
    assert not torch.allclose(network(cell)[0], network(cell.flip(3))[0], atol=1e-7), "one look alone is not so"


@pytest.mark.torch
@pytest.mark.slow
def test_a_tiny_training_gives_a_model_the_clinic_can_load(
    drawn_cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    few = {name: cell_battery.CHANGES[name] for name in ("as it is", "half the pixels")}
    monkeypatch.setattr(cell_battery, "CHANGES", few)
    lines: list[str] = []
    record = MalariaCell(TINY).train(drawn_cells, tmp_path, Job(), lines.append)
    folder = tmp_path / "malaria-cell"
    assert {path.name for path in folder.iterdir()} == {"CARD.md", "manifest.json", "model.onnx", "training.json"}
    assert any(line.startswith("member 1: epoch 2/2") for line in lines)
    assert (record.films, record.patients, len(record.patient_marks)) == (120, 30, 30)
    model = read_picture_model(folder)
    assert (model.self_test().ok, model.sha256) == (True, record.sha256)
    analysis = model.analyse(read_picture(find_cells(drawn_cells) / "images/d00004.png"), Subject(), Job())
    assert analysis.status in (AnalysisStatus.OK, AnalysisStatus.REFUSED)
    stated = {name: (folder / name).read_text(encoding="utf-8") for name in ("CARD.md", "manifest.json")}
    (folder / "CARD.md").unlink()
    again = MalariaCell().evaluate(drawn_cells, folder, Job(), lines.append, study=True)
    points = curve_points(again.study)
    assert [one.share for one in points] == [25, 50, 100]
    assert any(line.startswith("member 1 with 25 %: epoch 2/2") for line in lines)
    assert not (folder / ".study").exists()
    told = stated["CARD.md"].replace(cell_card.curve_section(None), cell_card.curve_section(Study("", 2, again.study)))
    assert told != stated["CARD.md"]
    once_more = json.loads(MalariaCell().evaluate(drawn_cells, folder, Job(), quiet).to_json())
    assert (folder / "CARD.md").read_text(encoding="utf-8") == told, "the curve stays until it is made again"
    assert (folder / "manifest.json").read_text(encoding="utf-8") == stated["manifest.json"]
    assert once_more["study"] == json.loads(again.to_json())["study"]
    assert set(once_more["figures"]["comparators"])
    colour = once_more["figures"]["groups"]["colour"]["auc"]
    assert (colour["n"] < 120, colour["value"]) == (True, points[2].figures["colour"])
    stated["CARD.md"] = told
    others = shutil.copytree(drawn_cells, tmp_path / "others")
    table = others / CELL_SET / "labels.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(",P", ",Q"), encoding="utf-8")
    new = MalariaCell().evaluate(others, folder, Job(), quiet)
    assert (new.figures["judged_by"], new.figures["patients"]) == ("the whole model", 30)
    assert (folder / "CARD.md").read_text(encoding="utf-8") == stated["CARD.md"], "other data is not on the card"


def test_the_shipped_curve_ends_at_the_figures_of_the_card() -> None:
    folder = model_folder() / MalariaCell.name
    training = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    study = Study.read(folder / STUDY, training["data_sha256"])
    assert study is not None
    points = curve_points(study.rows)
    assert [one.share for one in points] == [25, 50, 100]
    said = (folder / "CARD.md").read_text(encoding="utf-8")
    assert curve_table(points, "people") in said
    for name in (cell_card.COLOUR, cell_card.GREY):
        row = next(line for line in said.splitlines() if line.startswith(f"| {name} |"))
        assert row.split("|")[4].split()[0] == f"{points[-1].figures[name]:.3f}"


@pytest.mark.parametrize(
    ("half", "whole", "said"),
    [
        ((0.97, 0.96), (0.9701, 0.97), "It still rises in grey, 50 × 50: more"),
        (
            (0.97, 0.96),
            (0.97, 0.955),
            "from 50 % to 100 %: +0.000 colour, -0.005 grey, 50 × 50.\nThere is no clear rise",
        ),
    ],
)
def test_a_card_says_in_words_what_the_curve_shows(
    half: tuple[float, float], whole: tuple[float, float], said: str
) -> None:
    names = (cell_card.COLOUR, cell_card.GREY)
    points = [
        CurvePoint(share, share, dict(zip(names, areas, strict=True))) for share, areas in ((50, half), (100, whole))
    ]
    study = Study("", 6, [point.to_row() for point in points])
    assert said in cell_card.curve_section(study)


def test_the_shipped_card_and_limits_tell_the_same_figures() -> None:
    folder = model_folder() / MalariaCell.name
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    training = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    said = (folder / "CARD.md").read_text(encoding="utf-8")
    areas = {}
    for name in (cell_card.COLOUR, cell_card.GREY):
        row = next(line for line in said.splitlines() if line.startswith(f"| {name} |"))
        areas[name] = {"auc": {"value": float(row.split("|")[4].split()[0])}}
    assert manifest["limits"] == cell_card.limits(
        training["patients"], {"groups": areas, "robustness": lost_beyond(said)}
    )
    assert manifest_text(manifest) == (folder / "manifest.json").read_text(encoding="utf-8")


def test_the_examiner_sees_what_the_clinic_would_refuse() -> None:
    folder = model_folder() / MalariaCell.name
    examiner = cell_evaluation.Examiner(folder)
    assert examiner.problems(golden.cell_phantom()) == ()
    assert examiner.problems(golden.lung_phantom())[0] == "other_size"
