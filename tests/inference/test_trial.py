"""A model nobody has run yet is tried in a process of its own: what it does there ends the trial and nothing else."""

import hashlib
import json
import pickle
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from desktop.errors import Cancelled, KnownFailure
from desktop.inference import read_picture_model
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.inference.trial import try_out

onnx = pytest.importorskip("onnx", reason="needs the package onnx to write graphs")

MakeModel = Callable[..., Path]


def put(folder: Path, weights: bytes) -> None:
    """Other weights, whose size and hash the manifest tells rightly."""
    (folder / "model.onnx").write_bytes(weights)
    document = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    document["weights"] |= {"sha256": hashlib.sha256(weights).hexdigest(), "bytes": len(weights)}
    (folder / "manifest.json").write_text(json.dumps(document), encoding="utf-8")


def answering_after(nodes: list[object], constants: list[object]) -> bytes:
    """A graph of the toy's shape whose outputs all wait for a tensor `silence` that the nodes make of `image`."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    image = helper.make_tensor_value_info("image", kind, ["batch", 1, 16, 16])
    shapes = {"logits": [1], "activation": [1, 2, 2], "embedding": [3], "distance": [1]}
    infos = []
    for name, shape in shapes.items():
        count = 1
        for size in shape:
            count *= size
        constants.append(helper.make_tensor(f"{name}_values", kind, [1, *shape], [0.5] * count))
        nodes.append(helper.make_node("Add", [f"{name}_values", "silence"], [name]))
        infos.append(helper.make_tensor_value_info(name, kind, ["batch", *shape]))
    graph = helper.make_graph(nodes, "hand", [image], infos, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    data: bytes = model.SerializeToString()
    return data


def endless() -> bytes:
    """A graph that counts for days."""
    helper, kind = onnx.helper, onnx.TensorProto
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Add", ["kept", "nought"], ["next"])],
        "body",
        [
            helper.make_tensor_value_info("number", kind.INT64, []),
            helper.make_tensor_value_info("go", kind.BOOL, []),
            helper.make_tensor_value_info("kept", kind.FLOAT, []),
        ],
        [helper.make_tensor_value_info("go_on", kind.BOOL, []), helper.make_tensor_value_info("next", kind.FLOAT, [])],
    )
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nought"], ["start"]),
        helper.make_node("Loop", ["times", "true", "start"], ["silence"], body=body),
    ]
    constants = [
        helper.make_tensor("nought", kind.FLOAT, [], [0.0]),
        helper.make_tensor("times", kind.INT64, [], [2**62]),
        helper.make_tensor("true", kind.BOOL, [], [True]),
    ]
    return answering_after(nodes, constants)


def greedy() -> bytes:
    """A graph that wants sixteen gigabytes for a moment."""
    helper, kind = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0),
        helper.make_node("Expand", ["mean", "vast"], ["filled"]),
        helper.make_node("Mul", ["filled", "filled"], ["squared"]),
        helper.make_node("ReduceMean", ["squared"], ["small"], keepdims=0),
        helper.make_node("Mul", ["small", "nought"], ["silence"]),
    ]
    constants = [
        helper.make_tensor("nought", kind.FLOAT, [], [0.0]),
        helper.make_tensor("vast", kind.INT64, [1], [2**31]),
    ]
    return answering_after(nodes, constants)


def test_a_sound_model_answers_as_it_should(make_model: MakeModel) -> None:
    tested = try_out(make_model(logit=1.0))
    assert (tested.name, tested.version, tested.ok, tested.error) == ("toy", "0.1", True, "")
    assert tested.max_difference < 1e-5


def test_one_that_answers_otherwise_is_told_apart(make_model: MakeModel) -> None:
    tested = try_out(make_model(logit=1.0, golden=1.5))
    assert (tested.ok, tested.error) == (False, "inference.golden_differs")


def test_one_that_never_ends_is_stopped(make_model: MakeModel) -> None:
    folder = make_model()
    put(folder, endless())
    with pytest.raises(KnownFailure) as caught:
        try_out(folder, seconds=4.0)
    assert caught.value.key == "inference.trial_too_long"


def test_one_that_never_ends_later_is_stopped_too_and_not_asked_again(make_model: MakeModel) -> None:
    folder = make_model()
    put(folder, endless())
    manifest = read_picture_model(folder).manifest
    weights = read_weights(folder, manifest.weights)
    runner = OnnxRunner(weights, manifest.input, (manifest.logits,), seconds=0.3)
    question = np.zeros((1, 1, 16, 16), np.float32)
    for _ in range(2):
        began = time.process_time()
        with pytest.raises(KnownFailure) as caught:
            runner.run(question)
        assert caught.value.key == "inference.run_too_long"
    assert time.process_time() - began < 0.2, "it was asked again"


def test_one_that_eats_memory_gets_no_more_than_its_share(make_model: MakeModel) -> None:
    folder = make_model()
    put(folder, greedy())
    # The runtime is refused the memory, or the system ends the process.
    refused = "inference.run_failed"
    try:
        said = try_out(folder, megabytes=800).error
    except KnownFailure as failure:
        said, refused = failure.key, "inference.trial_failed"
    assert said == refused


def test_a_pickle_in_disguise_is_no_graph(make_model: MakeModel, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
            import os

            return os.system, (f"touch {tmp_path / 'sprung'}",)

    folder = make_model()
    put(folder, pickle.dumps(Trap()))
    tested = try_out(folder)
    assert (tested.ok, tested.error) == (False, "inference.weights_unusable")
    assert not (tmp_path / "sprung").exists()


def test_what_is_no_model_is_said_to_be_none(make_model: MakeModel, tmp_path: Path) -> None:
    folder = make_model()
    (folder / "manifest.json").write_text('{"format": "lantern-model/1"}', encoding="utf-8")
    with pytest.raises(KnownFailure) as caught:
        try_out(folder)
    assert caught.value.key == "inference.manifest_damaged"


def test_whoever_waits_may_give_up(make_model: MakeModel) -> None:
    def give_up() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        try_out(make_model(), check=give_up)
