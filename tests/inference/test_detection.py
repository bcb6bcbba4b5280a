"""Boxes out of maps, places in a photograph and back, and a manifest that must hold together."""

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.inference.detection_decoding import STRIDE, at_rim, boxes_of, overlaps
from desktop.inference.detection_manifest import read_detection_manifest
from desktop.inference.detection_model import log_odds, tinted_share
from desktop.inference.field_picture import FieldPreparation, prepare_field
from desktop.inference.fields import Fields, ManifestError
from desktop.inference.golden_fields import FIELDS, smear_field
from desktop.records import FileHeader, Modality, Photometric, Picture

WANTED = FieldPreparation(320, 240)


def picture(rows: int, columns: int, colour: bool = True) -> Picture:
    shape = (rows, columns, 3) if colour else (rows, columns)
    pixels = np.random.default_rng(3).integers(0, 255, shape).astype(np.uint8)
    kind = Photometric.RGB if colour else Photometric.MONOCHROME2
    return Picture(pixels, kind, FileHeader(modality=Modality.PHOTO))


@given(rows=st.integers(40, 700), columns=st.integers(40, 700), seed=st.integers(0, 99))
def test_boxes_come_back_where_they_were(rows: int, columns: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    low = random.uniform(0, 0.6, (5, 2)) * [columns, rows]
    boxes = np.concatenate([low, low + random.uniform(0.05, 0.4, (5, 2)) * [columns, rows]], axis=1)
    field = prepare_field(picture(rows, columns), WANTED)
    assert field.tensor.shape == (1, 3, 240, 320)
    there = field.into(boxes)
    assert (there[:, 2] <= 320.5).all()
    assert (there[:, 3] <= 240.5).all()
    assert np.allclose(field.back(there), boxes)


def test_an_upright_photograph_is_laid_on_its_side() -> None:
    upright = picture(640, 480)
    lying = Picture(np.ascontiguousarray(upright.pixels.transpose(1, 0, 2)), Photometric.RGB, upright.header)
    assert np.array_equal(prepare_field(upright, WANTED).tensor, prepare_field(lying, WANTED).tensor)


@pytest.mark.parametrize(
    ("rows", "columns", "extent"), [(480, 640, (320, 240)), (640, 480, (320, 240)), (240, 640, (320, 120))]
)
def test_a_photograph_ends_where_its_margin_begins(rows: int, columns: int, extent: tuple[int, int]) -> None:
    field = prepare_field(picture(rows, columns), WANTED)
    inner, low = np.array([[3.0, 3, 40, 40]]), np.array([[3.0, 3, 40, extent[1] - 1]])
    boxes = field.back(np.concatenate([inner, low, inner - 2]))
    assert at_rim(boxes, columns, rows, STRIDE / field.scale).tolist() == [False, True, True]


def test_a_grey_picture_has_three_equal_channels() -> None:
    tensor = prepare_field(picture(480, 640, colour=False), WANTED).tensor
    assert np.array_equal(tensor[0, 0], tensor[0, 2])


def test_peaks_become_boxes_the_surest_first() -> None:
    scores, reach = np.zeros((2, 6, 8), np.float32), np.full((4, 6, 8), 6.0, np.float32)
    scores[0, 2, 3], scores[0, 2, 4], scores[1, 4, 6], scores[0, 5, 0] = 0.6, 0.9, 0.7, 0.04
    found = boxes_of(scores, reach, [0.05, 0.05], 0.4)
    x, y = 4.5 * STRIDE, 2.5 * STRIDE
    assert found[:, 4].tolist() == [0, 1]
    assert found[0].tolist() == pytest.approx([x - 6, y - 6, x + 6, y + 6, 0, 0.9])
    # The box four pixels beside it shares half of the union: at a looser limit it is another thing.
    assert len(boxes_of(scores, reach, [0.05, 0.05], 0.6)) == 3
    assert len(boxes_of(scores, reach, [0.01, 0.05], 0.4)) == 3


def test_nothing_found_is_no_box() -> None:
    assert boxes_of(np.zeros((1, 4, 4), np.float32), np.ones((4, 4, 4), np.float32), [0.0], 0.5).shape == (0, 6)


def test_overlap_is_intersection_over_union() -> None:
    first = np.array([[0.0, 0, 10, 10]])
    second = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]])
    assert overlaps(first, second)[0].tolist() == pytest.approx([1.0, 50 / 150, 0.0])


@given(st.floats(0.0, 1.0))
def test_every_score_has_finite_odds(score: float) -> None:
    assert np.isfinite(log_odds(score))


def test_the_drawn_field_is_coloured_and_always_the_same() -> None:
    field = smear_field()
    assert field.pixels.shape == (480, 640, 3)
    assert tinted_share(field.pixels) > 0.3
    assert np.array_equal(field.pixels, FIELDS["smear-field/1"]().pixels)


DOCUMENT: dict[str, Any] = {
    "format": "lantern-model/1",
    "name": "some-cells",
    "version": "1",
    "task": "object-detection",
    "title": {"en": "a", "zh": "b"},
    "intended_use": {"en": "a", "zh": "b"},
    "limits": {"en": "a", "zh": "b"},
    "licence": "x",
    "weights": {"file": "model.onnx", "sha256": "ab" * 32, "bytes": 7},
    "network_data_format": {
        "inputs": {"image": {"shape": [3, 240, 320], "dtype": "float32"}},
        "outputs": {
            "scores": {"shape": [1, 60, 80], "dtype": "float32"},
            "reach": {"shape": [4, 60, 80], "dtype": "float32"},
        },
    },
    "preparation": {"width": 320, "height": 240},
    "findings": [],
    "boxes": {
        "overlap": 0.45,
        "listed": 0.05,
        "kinds": [
            {
                "key": "red_cell",
                "name": {"en": "Red cell", "zh": "红细胞"},
                "codings": [],
                "calibration": {"temperature": 1.0, "offset": 0.0},
                "threshold": 0.5,
                "spread": [-0.5, 0.5],
            }
        ],
    },
    "applicability": {"modalities": ["PHOTO"], "picture": {"colour": "colour"}, "tinted_share": 0.02},
    "out_of_distribution": {"limit": 2.0},
    "golden": {"picture": "smear-field/1", "evidence": [3.0, 1.0], "tolerance": 0.02},
    "data": [],
}


def test_a_manifest_that_holds_together_is_read() -> None:
    manifest = read_detection_manifest(Fields.of(DOCUMENT, ""))
    assert [kind.key for kind in manifest.kinds] == ["red_cell"]
    assert manifest.preparation == WANTED


def test_what_the_rim_may_cut_is_calibrated_by_itself_where_the_manifest_says_so() -> None:
    document = copy.deepcopy(DOCUMENT)
    kind = document["boxes"]["kinds"][0]
    usual = read_detection_manifest(Fields.of(document, "")).kinds[0]
    assert usual.calibration_of(True) is usual.calibration
    kind["calibration_at_rim"] = {"temperature": 2.0, "offset": -1.0}
    own = read_detection_manifest(Fields.of(document, "")).kinds[0]
    assert own.calibration_of(False) == usual.calibration
    assert own.calibration_of(True).probability(0.0) == pytest.approx(1 / (1 + np.e))
    document["boxes"] |= {"each_once": True, "kinds": [kind, kind | {"key": "other"}]}
    with pytest.raises(ManifestError, match="the same at the rim"):
        read_detection_manifest(Fields.of(document, ""))


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("boxes.kinds", [], "boxes.kinds"),
        ("boxes.kinds.0.spread", [0.1, 0.5], "boxes.kinds[0].spread"),
        ("boxes.kinds.0.threshold", 1.2, "boxes.kinds[0].threshold"),
        ("preparation.width", 330, "preparation.width"),
        ("preparation.width", 352, "network_data_format.inputs.image"),
        ("network_data_format.outputs.scores.shape", [2, 60, 80], "network_data_format.outputs.scores"),
        ("network_data_format.outputs.reach.shape", [4, 60, 81], "network_data_format.outputs.reach"),
        ("golden.evidence", [1.0], "golden.evidence"),
        ("applicability.modalities", ["NEW"], "applicability.modalities"),
    ],
)
def test_a_manifest_that_does_not_is_named_by_place(path: str, value: object, where: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    place: Any = document
    *way, last = path.split(".")
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    place[last] = value
    with pytest.raises(ManifestError) as caught:
        read_detection_manifest(Fields.of(document, ""))
    assert caught.value.where == where
