"""A model of twelve leads of a few bytes, written by hand, and drawn recordings to ask it about."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.records import FileHeader, Modality, Recording, Trace, TraceFormat
from desktop.signals.synthetic import DrawnHeart, draw
from desktop.signals.twelve_features import COUNT, METHOD

WORDS = {"en": "Toy", "zh": "玩具"}


def heart(**options: Any) -> Trace:
    """Ten seconds of a drawn heart, unless told otherwise."""
    return draw(DrawnHeart(rr=(820.0, 840.0, 800.0)), **options).trace


def recording(trace: Trace) -> Recording:
    """A file that holds one trace."""
    return Recording((trace,), FileHeader(modality=Modality.ECG), TraceFormat.WFDB)


def only(trace: Trace, *names: str) -> Trace:
    """Some of a trace's leads, in the order of the names."""
    rows = [row for name in names if (row := trace.row(name)) is not None]
    return replace(trace, samples=trace.samples[rows], leads=tuple(trace.leads[row] for row in rows))


def graph(logits: list[float], distance: float) -> bytes:
    """An ONNX graph that answers the given constants plus nought times the largest number."""
    onnx = pytest.importorskip("onnx", reason="needs the package onnx to write a graph")
    helper = onnx.helper
    single = onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("IsNaN", ["features"], ["missing"]),
        helper.make_node("Where", ["missing", "nought", "features"], ["known"]),
        helper.make_node("ReduceMax", ["known"], ["largest"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["largest", "nought"], ["silence"]),
        helper.make_node("Add", ["logits_values", "silence"], ["logits"]),
        helper.make_node("Add", ["distance_values", "silence"], ["distance"]),
    ]
    constants = [
        helper.make_tensor("nought", single, [], [0.0]),
        helper.make_tensor("logits_values", single, [1, len(logits)], logits),
        helper.make_tensor("distance_values", single, [1, 1], [distance]),
    ]
    made = helper.make_graph(
        nodes,
        "hand",
        [helper.make_tensor_value_info("features", single, ["batch", COUNT])],
        [
            helper.make_tensor_value_info("logits", single, ["batch", len(logits)]),
            helper.make_tensor_value_info("distance", single, ["batch", 1]),
        ],
        constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    data: bytes = model.SerializeToString()
    return data


def document(data: bytes, logits: list[float], distance: float) -> dict[str, Any]:
    """A manifest that fits `graph`."""
    tensor = {"dtype": "float32"}
    thresholds = {"positive": 0.4, "negative": 0.6, "alpha_positive": 0.03, "alpha_negative": 0.03}
    findings = [
        {
            "key": f"finding_{place}",
            "output": place,
            "name": WORDS,
            "codings": [],
            "calibration": {"temperature": 1.0, "offset": 0.0},
            "thresholds": thresholds,
        }
        for place in range(len(logits))
    ]
    return {
        "format": "lantern-model/1",
        "name": "toy-traces",
        "version": "0.1",
        "task": "trace-findings",
        "title": WORDS,
        "intended_use": WORDS,
        "limits": WORDS,
        "licence": "Apache-2.0",
        "weights": {"file": "model.onnx", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)},
        "network_data_format": {
            "inputs": {"features": {**tensor, "shape": [COUNT]}},
            "outputs": {"logits": {**tensor, "shape": [len(logits)]}, "distance": {**tensor, "shape": [1]}},
        },
        "preparation": {"method": METHOD, "rate_hz": 100},
        "findings": findings,
        "applicability": {
            "leads": "standard_12",
            "lowest_rate_hz": 100,
            "shortest_seconds": 5,
            "longest_seconds": 60,
            "age_years": {"minimum": 16, "maximum": 150},
        },
        "out_of_distribution": {"limit": 2.0},
        "golden": {"trace": "resting-heart/1", "evidence": [*logits, distance], "tolerance": 0.001},
        "data": [{"name": "none", "licence": "none", "credit": "none"}],
    }


def write_trace_model(folder: Path, *, logits: tuple[float, ...] = (2.0, -2.0), distance: float = 1.0) -> Path:
    """A whole model folder `folder/toy-traces` whose graph always answers the same."""
    place = folder / "toy-traces"
    place.mkdir(parents=True)
    data = graph(list(logits), distance)
    (place / "model.onnx").write_bytes(data)
    (place / "manifest.json").write_text(json.dumps(document(data, list(logits), distance)), encoding="utf-8")
    (place / "CARD.md").write_text("# toy\n", encoding="utf-8")
    return place


def write_wfdb(folder: Path, name: str, trace: Trace, *, unit: str = "mV", gain: float = 1000.0) -> Path:
    """The trace as a WFDB record of one file of 16-bit samples. gain: steps for a unit. Gives the header's path."""
    folder.mkdir(parents=True, exist_ok=True)
    factor = {"mV": 1.0, "uV": 1000.0}[unit]
    values = np.rint(np.nan_to_num(trace.samples) * factor * gain).astype("<i2")
    (folder / f"{name}.dat").write_bytes(values.T.tobytes())
    lines = [f"{name} {len(trace.leads)} {trace.rate:g} {trace.length}"]
    for lead, row in zip(trace.leads, values, strict=True):
        lines.append(f"{name}.dat 16 {gain:g}(0)/{unit} 16 0 {row[0]} 0 0 {lead.name}")
    path = folder / f"{name}.hea"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path
