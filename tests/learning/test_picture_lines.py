"""Lines that take the place of networks, and the films of tuberculosis that they are for."""

import csv
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from desktop.errors import UserFacingError
from desktop.inference import Subject, golden
from desktop.inference.model import STUDY
from desktop.inference.preparation import light_of
from desktop.inference.registry import read_picture_model
from desktop.jobs import Job
from desktop.learning import RECIPES, picture_lines
from desktop.learning.films import read_picture
from desktop.learning.learning_curve import curve_points, curve_table
from desktop.learning.picture_sets import LINES_GRID, Example, LinesSettings, PictureFinding, PictureSet, Split
from desktop.learning.picture_settings import PictureSettings
from desktop.learning.picture_tb import CHEST_XRAY_TB, read_films
from desktop.learning.recipes.pictures import Pictures
from desktop.learning.records import Study
from desktop.records import AnalysisStatus, Decision

torch = pytest.importorskip("torch", reason="needs PyTorch to measure pictures as a graph")
pytest.importorskip("onnxscript", reason="needs the exporter to write graphs")

COLUMNS = ("file", "label", "tb", "site", "patient_id", "sex", "age", "reading", "width", "height")


def quiet(_: str) -> None:
    """Nobody listens."""


def row(number: int, **changed: str) -> dict[str, str]:
    values = dict.fromkeys(COLUMNS, "")
    values |= {
        "file": f"images/{number}.png",
        "tb": str(number % 2),
        "site": ("shenzhen", "montgomery")[number // 2 % 2],
    }
    return values | {"patient_id": f"p{number}"} | changed


def write_tables(root: Path, rows: list[dict[str, str]], extra: list[dict[str, str]]) -> Path:
    folder = root / "cxr" / "tb_nlm128"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("labels.csv", rows), ("labels_augmented_extra.csv", extra)):
        with (folder / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows(content)
    return root


def test_children_are_left_out_and_changed_copies_judge_nothing(tmp_path: Path) -> None:
    rows = [row(0, age="34", sex="M"), row(1, age="14"), row(2), row(3, age="15", sex="F")]
    root = write_tables(tmp_path, rows, [row(4, age="9"), row(5, age="50")])
    films = {one.group: one for one in read_films(root)}
    assert set(films) == {"tb:p0", "tb:p2", "tb:p3", "tb:p5"}
    assert read_films(root / "cxr") == read_films(root)
    assert [films[name].judged for name in ("tb:p0", "tb:p2", "tb:p3", "tb:p5")] == [True, True, True, False]
    assert films["tb:p0"].facts == {"site": "shenzhen", "sex": "M", "age": "up to 40"}
    assert films["tb:p2"].facts == {"site": "montgomery"}
    assert films["tb:p3"].answers == {"tuberculosis": 1.0}


@pytest.mark.parametrize("changed", [{"tb": "maybe"}, {"site": "elsewhere"}, {"age": "old"}, {"patient_id": ""}])
def test_a_table_that_is_not_as_it_should_be_is_not_learned_from(tmp_path: Path, changed: dict[str, str]) -> None:
    with pytest.raises(UserFacingError) as caught:
        read_films(write_tables(tmp_path, [row(0, **changed)], []))
    assert caught.value.key == "learning.bad_table"


def test_without_films_there_is_nothing_to_learn(tmp_path: Path) -> None:
    with pytest.raises(UserFacingError) as caught:
        read_films(tmp_path)
    assert caught.value.key == "learning.no_data"


def test_the_pack_is_for_research_and_for_grown_ups() -> None:
    assert RECIPES["chest-xray-tb"]().research
    assert CHEST_XRAY_TB.ages == (15, 150)
    assert all(word in CHEST_XRAY_TB.title[language] for language, word in (("en", "research"), ("zh", "研究")))


def read(data: Path) -> list[Example]:
    return [
        Example(
            path,
            f"drawn/{path.name}",
            f"p{path.stem}",
            {"patch": float(int(path.stem) % 2)},
            {"site": "AB"[int(path.stem) // 2 % 2]},
        )
        for path in sorted(data.glob("*.png"))
    ]


def words(text: str) -> dict[str, str]:
    return {"en": text, "zh": text}


DRAWN = PictureSet(
    model="drawn",
    version="0.1.0",
    title=words("Drawn (research, 研究)"),
    intended_use=words("A trial."),
    source=words("{n} of {groups}"),
    caution=words("Drawn."),
    findings=(PictureFinding("patch", words("Patch"), (), goals={"site A": 0.5, "site B": 1.0}),),
    wanted="drawn",
    read=read,
    data=({"name": "Drawn", "licence": "none", "credit": "nobody"},),
    published="",
    modalities=("PHOTO",),
    golden="lung-phantom/1",
    format="radiograph",
    research=True,
    facts=("site",),
    splits=(Split("learned in A, tested in B", "site", "B"),),
    ages=(15, 150),
    pixels={"least_spread": 0.05},
    settings=PictureSettings(members=2, side=80, large_side=80, corners=0.2),
    lines=LinesSettings(components=20, ridge=10.0, kept=6),
)


def quickly(network: Any, shape: tuple[int, ...], outputs: Sequence[str], path: Path) -> None:
    """As `export`, by the older exporter, which takes a twentieth of the time."""
    dynamic = {name: {0: "batch"} for name in ("image", *outputs)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(2, *shape),),
            str(path),
            input_names=["image"],
            output_names=list(outputs),
            dynamic_axes=dynamic,
            opset_version=17,
            dynamo=False,
        )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model of drawn films, every other one with a bright patch on one side or the other."""
    data, out = tmp_path_factory.mktemp("films"), tmp_path_factory.mktemp("models")
    for number in range(32):
        film = golden.lung_phantom() + np.random.default_rng(number).normal(0, 0.02, (300, 340)).astype(np.float32)
        if number % 2:
            film[90:150, (60 if number % 4 == 1 else 220) :][:, :60] += 0.4
        Image.fromarray(np.rint(np.clip(film, 0, 1) * 255).astype(np.uint8)).save(data / f"{number:02}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("desktop.learning.export.export", quickly)
        patch.setattr("desktop.learning.picture_evaluation.THUMBNAIL", 8)
        record = Pictures(DRAWN).train(data, out, Job(), quiet)
    return data, out / "drawn", record


def test_lines_find_a_patch_on_either_side_and_show_where(trained: Any) -> None:
    data, folder, _ = trained
    model = read_picture_model(folder)
    assert model.self_test().ok
    found = {}
    for number in (0, 1, 3):
        answer = model.analyse(read_picture(data / f"{number:02}.png"), Subject(age_years=40.0), Job())
        assert answer.status is AnalysisStatus.OK
        found[number] = (answer.findings[0].probability, answer.activations[0].heat)
    assert found[1][0] > found[0][0]
    assert found[3][0] > found[0][0]
    left, right = found[1][1], found[3][1]
    assert left.shape == right.shape == (LINES_GRID, LINES_GRID)
    half = LINES_GRID // 2
    assert left[:, :half].sum() - left[:, half:].sum() > right[:, :half].sum() - right[:, half:].sum()


def test_nothing_is_decided_of_a_child_or_where_the_age_is_unknown(trained: Any) -> None:
    data, folder, _ = trained
    model = read_picture_model(folder)
    for age in (None, 9.0):
        answer = model.analyse(read_picture(data / "01.png"), Subject(age_years=age), Job())
        assert answer.status is AnalysisStatus.OK
        assert answer.findings[0].decision is Decision.CANNOT_SAY


def test_the_card_states_one_place_against_the_other_first(trained: Any) -> None:
    _, folder, record = trained
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    assert card.index("learned in A, tested in B") < card.index("## Figures")
    assert "research" in card
    assert "Apache" not in card
    assert set(record.calibration["splits"]) == {"learned in A, tested in B"}


def test_the_learning_curve_tells_the_places_apart_and_ends_at_the_cards_own_figures(trained: Any) -> None:
    data, folder, record = trained
    study = Study.read(folder / STUDY, record.data_sha256)
    assert study is not None
    points = curve_points(study.rows)
    assert [one.share for one in points] == [25, 50, 100]
    assert all(one.learned < other.learned for one, other in pairwise(points))
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    assert curve_table(points, "people") in card
    figures = Pictures(DRAWN).evaluate(data, folder, Job(), quiet)
    assert figures.study == study.rows
    assert (folder / "CARD.md").read_text(encoding="utf-8") == card
    told: Any = figures.figures["findings"]
    for place in ("site A", "site B"):
        assert points[-1].figures[f"patch, {place}"] == pytest.approx(
            told["patch"]["by"][place]["all_pairs"]["value"], abs=0.02
        )


def test_the_same_lines_again_from_the_same_seed(trained: Any) -> None:
    data, folder, _ = trained
    assert DRAWN.lines is not None
    one, two = (picture_lines.learn(DRAWN, DRAWN.lines, read(data), Job(), quiet) for _ in range(2))
    for first, second in zip(one.members, two.members, strict=True):
        assert np.array_equal(first.lines[0].weights, second.lines[0].weights)
    assert np.array_equal(one.answers.distances, two.answers.distances)
    model = read_picture_model(folder)
    prepared = [light_of(read_picture(one.path), model.manifest.preparation) for one in read(data)]
    shipped = np.array([model.outputs(light)[1]["logits"][0] for light in prepared])
    assert np.corrcoef(shipped, one.answers.said[:, 0])[0, 1] > 0.8
