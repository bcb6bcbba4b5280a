"""Half the bytes, the same graph."""

import numpy as np
import pytest

from desktop.inference.manifest import TensorSpec
from desktop.inference.runner_onnx import OnnxRunner
from desktop.learning.compact import bare, halved

onnx = pytest.importorskip("onnx", reason="needs the package onnx to write a graph")


def graph(weights: np.ndarray) -> bytes:
    """values (1, 32) → product (1, 64)."""
    value, make = onnx.helper.make_tensor_value_info, onnx.helper.make_node
    made = onnx.helper.make_graph(
        [make("MatMul", ["values", "weights"], ["product"])],
        "one",
        [value("values", onnx.TensorProto.FLOAT, ["batch", 32])],
        [value("product", onnx.TensorProto.FLOAT, ["batch", 64])],
        [onnx.numpy_helper.from_array(weights, "weights")],
    )
    written: bytes = onnx.helper.make_model(
        made, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9
    ).SerializeToString()
    return written


def product(data: bytes, values: np.ndarray) -> np.ndarray:
    runner = OnnxRunner(data, TensorSpec("values", (32,)), (TensorSpec("product", (64,)),))
    return runner.run(values)["product"]


def test_half_the_bytes_give_nearly_the_same() -> None:
    random = np.random.default_rng(2)
    weights, values = random.normal(size=(32, 64)).astype(np.float32), random.normal(size=(1, 32)).astype(np.float32)
    whole = graph(weights)
    half = halved(whole)
    assert len(half) < 0.6 * len(whole)
    assert np.allclose(product(half, values), product(whole, values), atol=0.02)
    exact = weights.astype(np.float16).astype(np.float32)
    assert np.allclose(product(half, values), values @ exact, atol=1e-5)


def test_what_does_not_fit_stays_as_it_is() -> None:
    weights = np.full((32, 64), 1e6, np.float32)
    whole = graph(weights)
    assert len(halved(whole)) >= len(whole) - 64
    assert product(halved(whole), np.ones((1, 32), np.float32))[0] == pytest.approx(3.2e7)


def test_what_the_exporter_noted_down_is_left_out() -> None:
    weights = np.random.default_rng(4).normal(size=(32, 64)).astype(np.float32)
    noted = onnx.load_model_from_string(graph(weights))
    noted.graph.node[0].metadata_props.add(key="stack", value="a line of code " * 200)
    noted.graph.node[0].doc_string = "what somebody thought"
    noted.graph.node[0].name = "the product nobody asks by name"
    whole = noted.SerializeToString()
    left = bare(whole)
    assert len(left) < len(whole) - 2000
    assert b"a line of code" not in left
    assert b"nobody asks by name" not in left
    values = np.ones((1, 32), np.float32)
    assert np.array_equal(product(left, values), product(whole, values))


def test_the_same_numbers_are_kept_once() -> None:
    random = np.random.default_rng(5)
    weights, values = random.normal(size=(32, 64)).astype(np.float32), random.normal(size=(1, 32)).astype(np.float32)
    twice = onnx.load_model_from_string(graph(weights))
    twice.graph.initializer.append(onnx.numpy_helper.from_array(weights, "again"))
    twice.graph.node[0].output[0] = "first"
    twice.graph.node.append(onnx.helper.make_node("MatMul", ["values", "again"], ["second"]))
    twice.graph.node.append(onnx.helper.make_node("Add", ["first", "second"], ["product"]))
    whole = twice.SerializeToString()
    once = bare(whole)
    assert len(once) < len(whole) - weights.nbytes + 64
    assert np.array_equal(product(once, values), product(whole, values))
    other = onnx.load_model_from_string(whole)
    other.graph.initializer[1].CopyFrom(onnx.numpy_helper.from_array(weights + 1, "again"))
    assert len(bare(other.SerializeToString())) > len(whole) - 64
    model = onnx.load_model_from_string(whole)
    for one in (*model.graph.initializer,):
        one.name = f"members.{one.name}"
    for node in model.graph.node:
        node.input[:] = [f"members.{name}" if name in ("weights", "again") else name for name in node.input]
    assert len(bare(model.SerializeToString())) > len(whole) - 64, "what is learned on may part again"
