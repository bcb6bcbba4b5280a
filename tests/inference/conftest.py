"""A model of a few bytes, written by hand: enough to try everything around the weights."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SIDE = 16


def _graph(outputs: dict[str, list[float]], shapes: dict[str, list[int]], side: int) -> bytes:
    """An ONNX graph that answers the given constants plus nought times the picture's mean."""
    onnx = pytest.importorskip("onnx", reason="needs the package onnx to write a graph")
    helper = onnx.helper
    image = helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["batch", 1, side, side])
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nought"], ["silence"]),
    ]
    constants = [helper.make_tensor("nought", onnx.TensorProto.FLOAT, [], [0.0])]
    infos = []
    for name, values in outputs.items():
        shape = [1, *shapes[name]]
        constants.append(helper.make_tensor(f"{name}_values", onnx.TensorProto.FLOAT, shape, values))
        nodes.append(helper.make_node("Add", [f"{name}_values", "silence"], [name]))
        infos.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", *shapes[name]]))
    graph = helper.make_graph(nodes, "hand", [image], infos, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    data: bytes = model.SerializeToString()
    return data


def write_model(
    folder: Path,
    *,
    logit: float = 1.0,
    distance: float = 1.0,
    gate: tuple[float, float] = (4.0, -4.0),
    golden: float | None = None,
) -> Path:
    """A whole model folder `folder/toy` whose network always answers the same."""
    place = folder / "toy"
    place.mkdir(parents=True)
    shapes = {"logits": [1], "activation": [1, 2, 2], "embedding": [3], "distance": [1]}
    answers = {name: [0.5] * _count(shape) for name, shape in shapes.items()}
    answers["logits"], answers["distance"] = [logit], [distance]
    answers["activation"] = [float(value) for value in range(_count(shapes["activation"]))]
    (place / "model.onnx").write_bytes(_graph(answers, shapes, SIDE))
    gate_shapes = {"logits": [2], "distance": [1]}
    (place / "quality.onnx").write_bytes(_graph({"logits": list(gate), "distance": [0.5]}, gate_shapes, SIDE))
    (place / "manifest.json").write_text(
        json.dumps(manifest_document(place, logit if golden is None else golden, gate)), encoding="utf-8"
    )
    (place / "CARD.md").write_text("# toy\n", encoding="utf-8")
    return place


def _count(shape: list[int]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def _entry(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"file": path.name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def manifest_document(place: Path, logit: float = 1.0, gate: tuple[float, float] = (4.0, -4.0)) -> dict[str, Any]:
    """A manifest that fits `write_model`'s graphs."""
    words = {"en": "Toy", "zh": "玩具"}
    preparation = {"side": SIDE, "low_percentile": 0.5, "high_percentile": 99.5, "epsilon": 0.05}
    tensor = {"dtype": "float32"}
    return {
        "format": "lantern-model/1",
        "name": "toy",
        "version": "0.1",
        "task": "image-classification",
        "title": words,
        "intended_use": words,
        "limits": words,
        "licence": "Apache-2.0",
        "weights": _entry(place / "model.onnx"),
        "network_data_format": {
            "inputs": {"image": {**tensor, "shape": [1, SIDE, SIDE]}},
            "outputs": {
                "logits": {**tensor, "shape": [1]},
                "activation": {**tensor, "shape": [1, 2, 2]},
                "embedding": {**tensor, "shape": [3]},
            },
        },
        "preparation": preparation,
        "findings": [
            {
                "key": "pneumonia",
                "output": 0,
                "name": {"en": "Pneumonia", "zh": "肺炎"},
                "codings": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "J18.9"}],
                "calibration": {"temperature": 1.0, "offset": 0.0},
                "thresholds": {"positive": 0.4, "negative": 0.6, "alpha_positive": 0.03, "alpha_negative": 0.03},
            }
        ],
        "applicability": {"age_years": {"minimum": 1, "maximum": 5}, "modalities": ["CR", "DX", "PHOTO", "HOLOGRAM"]},
        "out_of_distribution": {"limit": 2.0},
        "quality": {
            **_entry(place / "quality.onnx"),
            "preparation": preparation,
            "classes": ["good", "not_chest"],
            "pass_at": 0.5,
            "distance_limit": 3.0,
        },
        "golden": {
            "picture": "lung-phantom/1",
            "logits": [logit],
            "quality_logits": list(gate),
            "tolerance": 0.001,
        },
        "data": [{"name": "none", "licence": "none", "credit": "none"}],
        "something_newer": {"a later writer": "may know more"},
    }


@pytest.fixture
def make_model(tmp_path: Path) -> Callable[..., Path]:
    """Writes a toy model below the test's folder and gives its folder."""

    def make(**options: Any) -> Path:
        return write_model(tmp_path / "models", **options)

    return make
