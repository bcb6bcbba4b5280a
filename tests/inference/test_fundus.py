"""Retinas: their circle, what is measured on them, and the shipped model, which will not look at anything else."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.inference import REASON_OTHER_KIND, FundusModel, Registry, Subject, golden
from desktop.inference.fields import Fields, ManifestError
from desktop.inference.fundus_field import cut_out, find_circle
from desktop.inference.fundus_gate import NOT_RETINA
from desktop.inference.fundus_lesions import curvatures, lesion_measures
from desktop.inference.fundus_manifest import Grading, read_fundus_manifest
from desktop.inference.fundus_vessels import VesselPreparation, prepare_vessels
from desktop.inference.golden_fields import smear_field
from desktop.inference.golden_fundus import drawn_retina, drawn_vessels
from desktop.inference.picture_model import REASON_QUALITY
from desktop.jobs import Job
from desktop.records import AnalysisStatus, Decision, FileHeader, Modality, Photometric, Picture

MODELS = Path(__file__).resolve().parents[2] / "models"
NAME = "fundus"


@pytest.fixture(scope="module")
def retina() -> np.ndarray:
    return drawn_retina()


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    loaded = Registry.load([MODELS])
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def model(registry: Registry) -> FundusModel:
    found = registry.looking_model(NAME)
    assert isinstance(found, FundusModel)
    return found


def photograph(pixels: np.ndarray, kind: Photometric = Photometric.RGB) -> Picture:
    return Picture(np.ascontiguousarray(pixels.astype(np.uint8)), kind, FileHeader(modality=Modality.PHOTO))


def resized(pixels: np.ndarray, factor: float) -> np.ndarray:
    size = (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))


def test_the_circle_is_found_where_it_was_drawn(retina: np.ndarray) -> None:
    circle = find_circle(retina)
    assert circle is not None
    assert (circle.x, circle.y, circle.radius) == pytest.approx((306, 300, 280), abs=1.5)
    assert circle.rim < 0.01
    # Cut off above and below, as many cameras do, it is the same circle.
    cut = find_circle(retina[60:540])
    assert cut is not None
    assert (cut.x, cut.y, cut.radius) == pytest.approx((306, 240, 280), abs=2)


@pytest.mark.parametrize("name", ["black", "white", "noise", "tiny"])
def test_there_is_no_circle_in_what_is_none(name: str) -> None:
    pictures = {
        "black": np.zeros((300, 300, 3), np.uint8),
        "white": np.full((300, 300, 3), 255, np.uint8),
        "noise": np.random.default_rng(1).integers(0, 255, (300, 300, 3)).astype(np.uint8),
        "tiny": np.full((4, 4, 3), 90, np.uint8),
    }
    assert find_circle(pictures[name]) is None


@pytest.mark.parametrize("factor", [1.0, 0.97, 0.6, 2.1])
def test_what_is_seen_on_a_cut_goes_back_to_its_place(retina: np.ndarray, factor: float) -> None:
    pixels = resized(retina, factor)
    circle = find_circle(pixels)
    assert circle is not None
    cut = cut_out(pixels, circle, 544, 560)
    back = cut.back(cut.pixels[..., 1].astype(np.float32), pixels.shape[:2])
    inside = cut.back(cut.field.astype(np.float32), pixels.shape[:2]) > 0.99
    assert np.abs(back - pixels[..., 1])[inside].mean() < 2.0
    assert inside.mean() > 0.5


def test_more_light_and_the_whole_circle_are_seen_where_that_is_said(retina: np.ndarray) -> None:
    circle = find_circle(retina)
    assert circle is not None
    usual, wide = VesselPreparation(544, 560, 34.0), VesselPreparation(544, 560, 34.0, 1.0, ("green", "red"))
    (green, cut), (both, whole) = (prepare_vessels(retina, circle, one) for one in (usual, wide))
    assert (green.shape, both.shape) == ((1, *usual.shape), (1, *wide.shape))
    assert cut.field[whole.field].mean() == pytest.approx(0.985**2, abs=0.003)
    assert not cut.field[~whole.field].any()
    only_green = retina * np.array([0, 1, 0], np.uint8)
    dimmed = prepare_vessels(only_green, circle, wide)[0]
    np.testing.assert_array_equal(dimmed[0, 0], both[0, 0])
    assert not dimmed[0, 1].any()
    assert both[0, 1].any()


@pytest.mark.parametrize(
    ("preparation", "place"),
    [
        ({}, ""),
        ({"inside": 1.0}, ""),
        ({"inside": 1.01}, "preparation.inside"),
        ({"lights": ["red"]}, "preparation.lights"),
        ({"lights": ["green", "green"]}, "preparation.lights"),
        ({"lights": ["green", "infrared"]}, "preparation.lights"),
        ({"lights": []}, "preparation.lights"),
        ({"lights": ["green", "red"]}, "network_data_format.inputs.image"),
    ],
)
def test_a_manifest_says_what_is_seen(preparation: dict[str, object], place: str) -> None:
    document = json.loads((MODELS / NAME / "manifest.json").read_text(encoding="utf-8"))
    document["preparation"] |= preparation
    fields = Fields.of(document, "")
    if not place:
        read = read_fundus_manifest(fields).preparation
        assert (read.inside, read.lights) == (preparation.get("inside", 0.985), ("green",))
        return
    with pytest.raises(ManifestError, match=place):
        read_fundus_manifest(fields)


def test_a_spot_is_told_from_a_vessel() -> None:
    rows, columns = np.mgrid[0:60, 0:60].astype(np.float64)
    spot = -np.exp(-((rows - 30) ** 2 + (columns - 30) ** 2) / 18).astype(np.float32)
    vessel = -np.exp(-((columns - 30) ** 2) / 18).astype(np.float32)
    dark, _ = curvatures(spot, 3.0)
    along, _ = curvatures(vessel, 3.0)
    assert dark[30, 30] > 0.1
    assert abs(along[30, 30]) < 0.02 * dark[30, 30]


def test_measures_tell_the_ill_retina_at_any_size(retina: np.ndarray) -> None:
    well = drawn_retina(ill=False)
    measured = []
    for pixels in (retina, resized(retina, 1.5), well):
        circle = find_circle(pixels)
        assert circle is not None
        measured.append(lesion_measures(pixels, circle))
    ill, larger, healthy = measured
    assert list(ill) == list(larger) == list(healthy)
    assert all(np.isfinite(list(one.values())).all() for one in measured)
    for key in ("green dark 2.7 #3", "green bright 2.7 #3", "bright 0.14 area"):
        assert ill[key] > 1.5 * healthy[key]
        assert larger[key] == pytest.approx(ill[key], rel=0.35)


def test_a_grade_is_reached_level_by_level() -> None:
    grading = Grading((2, 0, 1), (0.0, 0.5, 1.0))
    assert grading.grade([0.6, 2.0, 0.1]) == 3
    assert grading.grade([0.4, 2.0, 0.1]) == 1
    assert grading.grade([9.0, 9.0, -0.1]) == 0


def test_it_answers_its_golden_retina(model: FundusModel) -> None:
    result = model.self_test()
    assert (result.ok, result.error) == (True, "")


def test_a_drawn_retina_is_graded_and_its_vessels_are_found(model: FundusModel, retina: np.ndarray) -> None:
    analysis = model.analyse(photograph(retina), Subject(), Job())
    assert analysis.status is AnalysisStatus.OK
    assert [finding.key for finding in analysis.findings] == ["referable_dr", "referable_dme"]
    dr, dme = analysis.findings
    assert dr.grade in range(5)
    assert dme.grade in range(3)
    (mask,) = analysis.masks
    assert mask.key == "vessels"
    from io import BytesIO

    image = Image.open(BytesIO(mask.png))
    assert (image.mode, image.size) == ("L", (620, 600))
    said, true = np.asarray(image) > 0, drawn_vessels() > 0.5
    assert set(np.unique(np.asarray(image))) == {0, 255}
    assert 2 * (said & true).sum() / (said.sum() + true.sum()) > 0.6


@pytest.mark.parametrize(("years", "decides"), [(14.99, False), (15.0, True), (None, True), (121.0, False)])
def test_no_grade_is_decided_of_a_child(
    model: FundusModel, retina: np.ndarray, years: float | None, decides: bool
) -> None:
    usual = model.analyse(photograph(retina), Subject(), Job())
    said = model.analyse(photograph(retina), Subject(years), Job())
    assert [one.probability for one in said.findings] == [one.probability for one in usual.findings]
    assert said.masks == usual.masks
    if decides:
        assert said.findings == usual.findings
    else:
        assert {(one.decision, one.reason) for one in said.findings} == {
            (Decision.CANNOT_SAY, "inference.reason.age_outside")
        }


@pytest.mark.parametrize("name", ["film", "smear", "cell", "noise", "black", "tiny", "grey retina"])
def test_what_is_no_retina_is_refused(model: FundusModel, retina: np.ndarray, name: str) -> None:
    pictures = {
        "film": photograph(np.round(golden.lung_phantom() * 255), Photometric.MONOCHROME2),
        "smear": smear_field(),
        "cell": photograph(np.repeat(np.repeat(golden.cell_phantom() * 255, 4, axis=0), 4, axis=1)),
        "noise": photograph(np.random.default_rng(1).integers(0, 255, (480, 640, 3))),
        "black": photograph(np.zeros((480, 640, 3))),
        "tiny": photograph(resized(retina, 0.2)),
        "grey retina": photograph(retina[..., 1], Photometric.MONOCHROME2),
    }
    analysis = model.analyse(pictures[name], Subject(), Job())
    assert analysis.status is AnalysisStatus.REFUSED
    assert analysis.reason == REASON_OTHER_KIND
    assert analysis.quality.problems
    assert (analysis.findings, analysis.masks) == ((), ())
    assert not model.fits(pictures[name])


@pytest.mark.parametrize(
    ("name", "problem"),
    [("dark", "dark_retina"), ("blurred", "blurred_retina"), ("half", "field_cut"), ("middle", NOT_RETINA)],
)
def test_a_retina_that_cannot_be_judged_is_refused(
    model: FundusModel, retina: np.ndarray, name: str, problem: str
) -> None:
    changed = {
        "dark": retina * 0.25,
        "blurred": resized(resized(retina, 0.08), 12.5),
        "half": retina[:, :306],
        "middle": retina[200:400, 200:420],
    }
    analysis = model.analyse(photograph(changed[name]), Subject(), Job())
    assert analysis.status is AnalysisStatus.REFUSED
    assert problem in [one.key for one in analysis.quality.problems]
    assert analysis.reason == (REASON_OTHER_KIND if problem == NOT_RETINA else REASON_QUALITY)


def test_a_retina_is_asked_of_its_model_alone(registry: Registry, retina: np.ndarray) -> None:
    assert [model.name for model in registry.fitting(photograph(retina))] == [NAME]
    assert NAME not in [model.name for model in registry.fitting(smear_field())]
