"""A network in whole numbers says nearly what it said before, in fewer bytes, and the same on any number of threads."""

from pathlib import Path

import numpy as np
import pytest

from desktop.inference.manifest import TensorSpec
from desktop.inference.runner_onnx import OnnxRunner
from desktop.learning.compact import halved
from desktop.learning.whole_numbers import in_whole_numbers

onnx = pytest.importorskip("onnx", reason="needs the package onnx to write graphs")

SIDE = 32
IMAGE, OUTPUT = TensorSpec("image", (1, SIDE, SIDE)), TensorSpec("seen", (8, SIDE, SIDE))


@pytest.fixture(scope="module")
def network() -> bytes:
    """Three convolutions, written by hand, their weights in half precision."""
    helper, kind, numbers = onnx.helper, onnx.TensorProto.FLOAT, np.random.default_rng(5)
    nodes, weights, before = [], [], "image"
    for number, (given, made) in enumerate(((1, 16), (16, 16), (16, 8))):
        values = numbers.normal(size=(made, given, 3, 3)).astype(np.float32) / (3 * given**0.5)
        weights.append(onnx.numpy_helper.from_array(values, f"weights {number}"))
        nodes.append(helper.make_node("Conv", [before, f"weights {number}"], [f"sum {number}"], pads=[1, 1, 1, 1]))
        before = f"seen {number}" if number < 2 else "seen"
        nodes.append(helper.make_node("Relu" if number < 2 else "Sigmoid", [f"sum {number}"], [before]))
    infos = [helper.make_tensor_value_info(one.name, kind, ["batch", *one.shape]) for one in (IMAGE, OUTPUT)]
    graph = helper.make_graph(nodes, "hand", infos[:1], infos[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return halved(model.SerializeToString())


def pictures(count: int, seed: int) -> list[np.ndarray]:
    numbers = np.random.default_rng(seed)
    return [numbers.normal(size=(1, *IMAGE.shape)).astype(np.float32) for _ in range(count)]


def test_it_says_nearly_the_same_in_fewer_bytes(network: bytes) -> None:
    small = in_whole_numbers(network, "image", pictures(6, 1))
    assert small == in_whole_numbers(network, "image", pictures(6, 1)), "the same inputs give the same bytes"
    assert small != network
    before, after = (OnnxRunner(graph, IMAGE, (OUTPUT,)) for graph in (network, small))
    for picture in pictures(4, 2):
        said, says = before.run(picture)["seen"], after.run(picture)["seen"]
        assert 0 < float(np.abs(said - says).max()) < 0.05


def test_it_says_the_same_on_any_number_of_threads(network: bytes) -> None:
    small = in_whole_numbers(network, "image", pictures(6, 1))
    (picture,) = pictures(1, 3)
    answers = [OnnxRunner(small, IMAGE, (OUTPUT,), threads=count).run(picture)["seen"] for count in (1, 2, 4)]
    assert all(np.array_equal(answers[0], other) for other in answers[1:])


def test_nothing_is_left_on_the_disk(network: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    in_whole_numbers(network, "image", pictures(2, 1))
    assert not list(tmp_path.iterdir())
