"""Convolutions along a line, done as those of a picture one row high."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the package onnx to change a graph")
torch = pytest.importorskip("torch", reason="the networks are PyTorch's")

from desktop.inference.manifest import TensorSpec  # noqa: E402  # PyTorch may be missing
from desktop.inference.rhythm_strips import SAMPLES  # noqa: E402  # PyTorch may be missing
from desktop.inference.runner_onnx import OnnxRunner  # noqa: E402  # PyTorch may be missing
from desktop.learning.export import export  # noqa: E402  # PyTorch may be missing
from desktop.learning.one_row import one_row_high  # noqa: E402  # PyTorch may be missing
from desktop.learning.rhythm_network import BeatNetwork, StripNetwork, Together  # noqa: E402  # PyTorch may be missing

pytestmark = pytest.mark.torch


def strips() -> tuple[Any, int]:
    return Together([StripNetwork((8, 16, 24), 4) for _ in range(2)]), SAMPLES


def beats() -> tuple[Any, int]:
    return Together([BeatNetwork(torch.zeros(20), torch.ones(20), 80, 4) for _ in range(2)]), 80


def ranks(graph: bytes) -> set[int]:
    """Of the weights of all convolutions."""
    model = onnx.load_model_from_string(graph).graph
    dims = {one.name: len(one.dims) for one in model.initializer}
    return {dims[node.input[1]] for node in model.node if node.op_type == "Conv"}


def unsaid(graph: bytes) -> bytes:
    """The same graph whose convolutions leave it to their weights how large their kernels are."""
    model = onnx.load_model_from_string(graph)
    for node in model.graph.node:
        if node.op_type == "Conv":
            kept = [one for one in node.attribute if one.name != "kernel_shape"]
            del node.attribute[:]
            node.attribute.extend(kept)
    written: bytes = model.SerializeToString()
    return written


@pytest.mark.parametrize("made", [strips, beats])
def test_the_graph_says_the_same(made: Any, tmp_path: Path) -> None:
    torch.manual_seed(2)
    network, samples = made()
    path = tmp_path / "line.onnx"
    export(network, (3, samples), ("logits", "member_logits"), path)
    line = path.read_bytes()
    row = one_row_high(line)
    assert ranks(row) == {4}
    assert one_row_high(row) == row
    assert ranks(one_row_high(unsaid(line))) == {4}
    traces = np.random.default_rng(3).normal(size=(5, 3, samples)).astype(np.float32)
    outputs = (TensorSpec("logits", (4,)), TensorSpec("member_logits", (8,)))
    before, after = (OnnxRunner(graph, TensorSpec("image", (3, samples)), outputs) for graph in (line, row))
    for trace in traces:
        wanted, found = before.run(trace[None]), after.run(trace[None])
        for name, values in wanted.items():
            assert np.allclose(found[name], values, atol=1e-5)
        assert np.ptp(wanted["logits"]) > 1e-3


def test_weights_that_are_worked_out_are_refused() -> None:
    from onnx import TensorProto, helper

    wave, weights = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("image", [1, 1, 9]), ("weights", [1, 1, 3]))
    )
    said = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 1, 7])
    node = helper.make_node("Conv", ["image", "weights"], ["logits"], kernel_shape=[3])
    model = helper.make_model(helper.make_graph([node], "line", [wave, weights], [said]))
    with pytest.raises(ValueError, match="no constant"):
        one_row_high(model.SerializeToString())
