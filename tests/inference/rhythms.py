"""A model of rhythms whose two graphs, written by hand, always answer the same."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from desktop.inference.rhythm_lead import AFTER, BEFORE
from desktop.inference.rhythm_reading import RHYTHMS
from desktop.inference.rhythm_strips import SAMPLES
from desktop.inference.tasks.rhythm import METHOD
from tests.inference.traces import WORDS


def constant_graph(samples: int, logits: list[float]) -> bytes:
    """`image` (batch, 3, samples) → `logits`, the given ones plus nought times the largest number."""
    onnx = pytest.importorskip("onnx", reason="needs the package onnx to write a graph")
    helper, single = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"], axis=1),
        helper.make_node("ReduceMax", ["flat"], ["largest"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["largest", "nought"], ["silence"]),
        helper.make_node("Add", ["values", "silence"], ["logits"]),
    ]
    constants = [
        helper.make_tensor("nought", single, [], [0.0]),
        helper.make_tensor("values", single, [1, len(logits)], logits),
    ]
    made = helper.make_graph(
        nodes,
        "hand",
        [helper.make_tensor_value_info("image", single, ["batch", 3, samples])],
        [helper.make_tensor_value_info("logits", single, ["batch", len(logits)])],
        constants,
    )
    data: bytes = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    return data


def document(strips: bytes, beats: bytes, evidence: list[float]) -> dict[str, Any]:
    """A manifest that fits the graphs."""

    def graph(name: str, data: bytes) -> dict[str, Any]:
        return {"file": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}

    def tensors(samples: int, classes: int) -> dict[str, Any]:
        return {
            "inputs": {"image": {"shape": [3, samples], "dtype": "float32"}},
            "outputs": {"logits": {"shape": [classes], "dtype": "float32"}},
        }

    return {
        "format": "lantern-model/1",
        "name": "toy-rhythm",
        "version": "0.1",
        "task": "trace-rhythm",
        "title": WORDS,
        "intended_use": WORDS,
        "limits": WORDS,
        "licence": "Apache-2.0",
        "weights": graph("model.onnx", strips),
        "network_data_format": tensors(SAMPLES, 4),
        "graphs": [{"key": "beats", **graph("beats.onnx", beats), "network_data_format": tensors(BEFORE + AFTER, 4)}],
        "preparation": {"method": METHOD, "rate_hz": 100},
        "findings": [
            {
                "key": key,
                "output": place,
                "name": WORDS,
                "codings": [],
                "calibration": {"temperature": 1.0, "offset": 0.0},
                "thresholds": {"positive": 0.2, "negative": 0.3, "alpha_positive": 0.1, "alpha_negative": 0.1},
            }
            for place, key in enumerate(RHYTHMS)
        ],
        "beats": {
            "classes": ["N", "S", "V", "F"],
            "ventricular_at": 0.5,
            "supraventricular_at": 0.5,
            "supraventricular_in_fibrillation_at": 0.9,
        },
        "applicability": {
            "leads": "any",
            "lowest_rate_hz": 100,
            "shortest_seconds": 5,
            "longest_seconds": 1900,
        },
        "golden": {"trace": "irregular-heart/1", "evidence": evidence, "tolerance": 0.001},
        "data": [{"name": "none", "licence": "none", "credit": "none"}],
    }


def write_rhythm_model(
    folder: Path, *, strips: tuple[float, ...] = (2.0, 0.0, 0.0, 0.0), beats: tuple[float, ...] = (3.0, 0.0, 0.0, 0.0)
) -> Path:
    """A whole model folder `folder/toy-rhythm`."""
    place = folder / "toy-rhythm"
    place.mkdir(parents=True)
    of_strips, of_beats = constant_graph(SAMPLES, list(strips)), constant_graph(BEFORE + AFTER, list(beats))
    (place / "model.onnx").write_bytes(of_strips)
    (place / "beats.onnx").write_bytes(of_beats)
    manifest = document(of_strips, of_beats, [*strips, *beats])
    (place / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (place / "CARD.md").write_text("# toy\n", encoding="utf-8")
    return place
