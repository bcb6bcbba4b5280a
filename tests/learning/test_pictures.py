"""A model of pictures learns from drawn ones, leaves a model that the clinic can load, and states its own figures."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from scipy import ndimage

from desktop.errors import KnownFailure, UserFacingError
from desktop.inference import Subject, golden
from desktop.inference.registry import read_picture_model
from desktop.jobs import Job
from desktop.learning import binary, picture_evaluation, picture_figures, picture_ridge, robustness
from desktop.learning.films import read_picture
from desktop.learning.picture_adult import CHEST_XRAY_ADULT, read_adults, read_earlier
from desktop.learning.picture_data import read_examples
from desktop.learning.picture_sets import Example, PictureFinding, PictureSet, Split
from desktop.learning.picture_settings import PictureSettings
from desktop.learning.statistics import Interval, by_patient
from desktop.records import AnalysisStatus

PICTURES = 48
TINY = PictureSettings(
    members=2, side=80, large_side=96, widths=(8, 12), blocks=(0, 0), batch=16, epochs=1, earlier_epochs=1,
    components=8, corners=0.1, mixing=0.2, surroundings=0.1, texture=True, network_share=0.5,
    threads=2,
)  # fmt: skip  # one line for each kind


def draw(folder: Path, count: int = PICTURES, first: int = 0) -> None:
    """The golden film with grain; every third has a bright patch on its left, every fourth one on its right."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        film = golden.lung_phantom() + np.random.default_rng(number).normal(0, 0.02, (300, 340))
        if number % 3 == 0:
            film[150:220, 60:150] += 0.5
        if number % 4 == 0:
            film[80:150, 220:300] += 0.5
        Image.fromarray(np.rint(np.clip(film, 0, 1) * 255).astype(np.uint8)).save(folder / f"{number:03}.png")


def example(path: Path) -> Example:
    """Its answers by its number; the right patch is not known of every fifth picture; the last ones teach only."""
    number = int(path.stem)
    answers = {"left": float(number % 3 == 0), "odd": float(number % 2)}
    if number % 5:
        answers["right"] = float(number % 4 == 0)
    facts = {"site": "AB"[number // 2 % 2]}
    return Example(path, f"drawn/{path.name}", f"p{number // 2}", answers, facts, judged=number < 44)


def read(data: Path) -> list[Example]:
    return [example(path) for path in sorted(data.glob("*.png"))]


def earlier(data: Path) -> list[Example]:
    return [
        Example(path, f"first/{path.name}", f"q{path.stem}", {"any": float(number % 2)})
        for number, path in enumerate(sorted((data / "first").glob("*.png")))
    ]


def words(text: str) -> Mapping[str, str]:
    return {"en": text, "zh": text}


DRAWN = PictureSet(
    model="drawn",
    version="0.1.0",
    title=words("Drawn"),
    intended_use=words("A trial."),
    source=words("{n} of {groups}"),
    caution=words("Drawn."),
    findings=(
        PictureFinding("left", words("Left"), (), goal=0.8),
        PictureFinding("right", words("Right"), ()),
        PictureFinding("odd", words("Odd"), (), earned=True),
    ),
    wanted="drawn",
    read=read,
    data=({"name": "Drawn", "licence": "none", "credit": "us"},),
    published="",
    modalities=("DX", "PHOTO"),
    golden="lung-phantom/1",
    format="radiograph",
    earlier=earlier,
    earlier_questions=("any",),
    facts=("site",),
    splits=(Split("A, tested on B", "site", "B"),),
    ages=(15, 120),
    pixels={},
    settings=TINY,
)


@pytest.fixture(scope="module", autouse=True)
def few_draws() -> Iterator[None]:
    """Intervals from a few draws: here it matters only that they are told, and told again."""

    def few(
        figure: Callable[[npt.NDArray[np.int64]], float], patients: Sequence[str], *, rounds: int = 0, seed: int = 7
    ) -> Interval:
        return by_patient(figure, patients, rounds=20, seed=seed)

    with pytest.MonkeyPatch.context() as patch:
        for module in (binary, picture_figures, robustness):
            patch.setattr(module, "by_patient", few)
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    draw(folder)
    draw(folder / "first", 20, 500)
    return folder


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from desktop.learning.recipes.pictures import Pictures

    out = tmp_path_factory.mktemp("models")
    record = Pictures(DRAWN).train(data, out, Job(), lambda _text: None)
    return out / "drawn", json.loads(record.to_json())


@pytest.mark.torch
def test_a_trained_model_is_loaded_and_is_itself(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, record = trained
    assert {path.name for path in folder.iterdir()} == {"CARD.md", "manifest.json", "model.onnx", "training.json"}
    assert record["films"] == PICTURES
    assert set(record["curves"]) == {"first", "member 1", "member 2"}
    assert set(record["calibration"]["splits"]["A, tested on B"]) == {"left", "right", "odd"}
    model = read_picture_model(folder)
    result = model.self_test()
    assert (result.ok, result.error) == (True, "")
    model.close()


@pytest.mark.torch
def test_what_does_not_beat_its_thumbnail_is_in_no_answer(trained: tuple[Path, dict[str, Any]], data: Path) -> None:
    folder, record = trained
    model = read_picture_model(folder)
    analysis = model.analyse(read_picture(data / "001.png"), Subject(40.0), Job())
    assert analysis.status is AnalysisStatus.OK
    said = [finding.key for finding in analysis.findings]
    assert said == record["calibration"]["spoken"] == ["left", "right"]
    assert set(record["calibration"]["left_out"]) == {"odd"}
    assert [one.finding for one in analysis.activations] == said
    model.close()


@pytest.mark.torch
def test_evaluation_makes_the_figures_again(trained: tuple[Path, dict[str, Any]], data: Path) -> None:
    from desktop.learning.recipes.pictures import Pictures

    folder, record = trained
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    figures = Pictures(DRAWN).evaluate(data, folder, Job(), lambda _text: None)
    assert figures.data_sha256 == record["data_sha256"]
    assert (folder / "CARD.md").read_text(encoding="utf-8") == card
    lost: Any = figures.figures["robustness"]
    changes = list(picture_evaluation.CHANGES)[1:]
    assert [(row["change"], row["of"]) for row in lost] == [(one, key) for one in changes for key in ("left", "right")]
    assert "## What may be lost" in card
    stated = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["limits"]["en"]
    for key in ("left", "right"):
        found: Any = figures.figures["findings"]
        assert f"{key} {found[key]['auc']['value']:.2f}" in stated


@pytest.mark.torch
def test_a_model_in_another_models_folder_is_not_evaluated(
    trained: tuple[Path, dict[str, Any]], data: Path, tmp_path: Path
) -> None:
    from desktop.learning.recipes.pictures import Pictures

    folder = shutil.copytree(trained[0], tmp_path / "elsewhere")
    with pytest.raises(KnownFailure) as caught:
        Pictures(DRAWN).evaluate(data, folder, Job(), lambda _text: None)
    assert caught.value.key == "inference.manifest_damaged"


@pytest.mark.torch
def test_people_it_has_learned_from_are_not_judged_elsewhere(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    from desktop.learning.recipes.pictures import Pictures

    draw(tmp_path, 4, 40)
    draw(tmp_path, 12, 100)
    one = replace(DRAWN, read=lambda folder: [replace(item, judged=True) for item in read(folder)])
    figures = Pictures(one).evaluate(tmp_path, trained[0], Job(), lambda _text: None)
    assert figures.films == 12


@pytest.mark.parametrize("answers", [{"left": 0.5}, {"elsewhere": 1.0}, {}])
def test_a_wrong_table_is_never_learned(data: Path, answers: dict[str, float]) -> None:
    examples = [replace(one, answers=answers) for one in read(data)]
    with pytest.raises(UserFacingError) as caught:
        read_examples(DRAWN, examples)
    assert caught.value.key == "learning.bad_table"


def test_a_finding_nobody_knows_is_never_learned(tmp_path: Path) -> None:
    folder = tmp_path / "cxr" / "nih_chestxray14"
    folder.mkdir(parents=True)
    (folder / "labels.csv").write_text("file,label,patient_id,age,sex,view,collector\na.png,Gremlins,1,40,M,PA,A\n")
    with pytest.raises(UserFacingError):
        read_adults(tmp_path)
    with pytest.raises(UserFacingError) as caught:
        read_adults(tmp_path / "elsewhere")
    assert caught.value.key == "learning.no_data"


def test_a_regression_finds_what_tells_the_classes_apart() -> None:
    random = np.random.default_rng(3)
    numbers, labels = random.normal(size=(60, 200)), np.arange(60) % 2 == 0
    numbers[labels, :20] += 1.5
    line = picture_ridge.fit(picture_ridge.components_of(numbers[:40], 20), numbers[:40], labels[:40], 10.0)
    scores = line.scores(numbers[40:])
    assert scores[labels[40:]].mean() > scores[~labels[40:]].mean() + 1
    with pytest.raises(ValueError, match="classes"):
        picture_ridge.fit(picture_ridge.components_of(numbers, 20), numbers, np.ones(60, bool), 10.0)


def test_no_part_is_calibrated_by_itself() -> None:
    logits, labels = np.arange(40) / 10 - 2.0, np.arange(40) % 3 == 0
    parts = np.arange(40) % 2
    settings = PictureSettings(alpha=0.2, strictness=1.0)
    groups = [str(index) for index in range(40)]
    once = picture_figures.cross_fitted(logits, labels, groups, parts, settings)
    # Turning the labels of one part round changes what is said of the other, never of itself.
    turned = picture_figures.cross_fitted(logits, np.where(parts == 0, ~labels, labels), groups, parts, settings)
    assert np.array_equal(once.probabilities[parts == 0], turned.probabilities[parts == 0])
    assert not np.array_equal(once.probabilities[parts == 1], turned.probabilities[parts == 1])


def test_pictures_are_only_ranked_against_those_the_same_network_judged() -> None:
    labels, parts = np.array([False, True, False, True, True]), np.array([0, 0, 1, 1, 2])
    scores = np.array([0.0, 1.0, 10.0, 9.0, -5.0])
    # One pair is the right way round, one is not; nobody judged the last one beside another.
    assert picture_figures.area_within(scores, labels, parts) == 0.5
    shifted = scores + np.array([0.0, 0.0, -30.0, -30.0, 7.0])
    assert picture_figures.area_within(shifted, labels, parts) == 0.5
    assert np.isnan(picture_figures.area_within(scores[4:], labels[4:], parts[4:]))
    groups = [str(index) for index in range(40)]
    many, half = np.arange(40) % 4 == 0, np.arange(40) // 20
    lead = picture_figures.margin(many * 1.0, 1.0 - many, many, groups, half)
    assert (lead.value, lead.low, lead.high) == (1.0, 1.0, 1.0)


@pytest.mark.torch
@pytest.mark.parametrize("texture", [False, True])
def test_what_is_told_against_its_surroundings_has_no_side(texture: bool) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from desktop.learning.picture_network import Measures, measured
    from desktop.learning.picture_texture import CELLS, CHANNELS

    film = torch.from_numpy(golden.lung_phantom()[None, None, :240, :240].copy()) * 4 - 2
    film = film + torch.randn(film.shape, generator=torch.Generator().manual_seed(5)) * 0.2
    measures = Measures(240, 0.075, texture=texture)
    plain, once, mirrored = Measures(240, 0.0, texture=False)(film), measures(film), measures(film.flip(3))
    assert torch.equal(plain, measured(film))
    assert torch.equal(Measures(240, 0.0, texture=False).both_sides(plain), plain)
    half = plain.shape[1]
    assert once.shape[1] == 2 * half + (CHANNELS * CELLS**2 if texture else 0)
    assert not torch.allclose(once, mirrored, atol=1e-2)
    both = measures.both_sides(once)
    assert torch.equal(both[:, :half], once[:, :half])
    assert torch.allclose(both[:, half:], (once[:, half:] + mirrored[:, half:]) / 2, atol=1e-4)
    assert torch.allclose(both[:, half:], measures.both_sides(mirrored)[:, half:], atol=1e-4)


@pytest.mark.torch
def test_a_line_that_learned_from_both_sides_answers_the_same_from_one() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from desktop.learning import picture_ridge
    from desktop.learning.picture_network import Measures

    random = torch.Generator().manual_seed(6)
    measures = Measures(160, 0.075, texture=True)
    numbers = measures(torch.randn(24, 1, 160, 160, generator=random))
    both = measures.both_sides(numbers).double().numpy()
    labels = np.arange(24) % 3 == 0
    line = picture_ridge.fit(picture_ridge.components_of(both, 10), both, labels, 1.0)
    assert np.ptp(line.scores(both)) > 0.1
    assert np.allclose(line.scores(numbers.double().numpy()), line.scores(both), atol=1e-5)


@pytest.mark.torch
@pytest.mark.parametrize(("side", "deviation"), [(160, 12.0), (160, 1.0), (40, 1.0), (200, 2.0)])
def test_blurring_is_the_one_that_is_meant(side: int, deviation: float) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from desktop.learning.picture_network import blurred

    picture = np.random.default_rng(7).normal(size=(side, side)).astype(np.float32)
    wanted = ndimage.gaussian_filter(picture, deviation, mode="nearest", truncate=3.0)
    found = blurred(torch.from_numpy(picture)[None, None], deviation)[0, 0].numpy()
    assert np.allclose(found, wanted, atol=1e-5)


@pytest.mark.data
def test_nobody_whose_films_are_judged_is_learned_from_first(shared_data: Path) -> None:
    first, later = read_earlier(shared_data), read_adults(shared_data)
    assert len([one for one in first if one.name.startswith("nih64/")]) > 500
    assert len(first) > 5000
    assert not {one.group for one in first} & {one.group for one in later}
    known = set(CHEST_XRAY_ADULT.earlier_questions)
    assert all(set(one.answers) <= known for one in first)


@pytest.mark.data
def test_the_adult_films_are_what_their_table_says(shared_data: Path) -> None:
    examples = read_examples(CHEST_XRAY_ADULT, read_adults(shared_data))
    judged = [one for one in examples if one.judged]
    assert len(judged) > 1000
    assert all(one.group.startswith("nih:") for one in examples)
    assert sum(one.answers["effusion"] for one in judged) > 100
    assert not any(one.answers["effusion"] and one.answers["no_finding"] for one in examples)
