"""The overlay must come from what the network has learned: with shuffled weights it is another one (Adebayo et al.,
"Sanity checks for saliency maps", NeurIPS 2018)."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from desktop.imaging.synthetic.anatomy import Opacity
from desktop.imaging.synthetic.film import draw_film
from desktop.inference import read_picture_model
from desktop.inference.occlusion import agreement
from desktop.inference.picture_model import PictureModel
from desktop.inference.preparation import prepare
from desktop.settings import model_folder

FloatArray = npt.NDArray[np.float32]
FILMS = ((1, None), (2, Opacity.RIGHT_LOWER), (3, Opacity.LEFT_LOWER), (4, Opacity.RIGHT_UPPER))
SEEDS = (0, 1, 2)


@cache
def films() -> tuple[FloatArray, ...]:
    """Drawn films, bright = dense, as the network is given them."""
    model = shipped()
    drawn = [draw_film(seed, opacity).astype(np.float32) for seed, opacity in FILMS]
    return tuple(prepare(one / np.float32(4095), model.manifest.preparation).tensor for one in drawn)


@cache
def shipped() -> PictureModel:
    return read_picture_model(model_folder() / "chest-xray-child")


def maps(graph: Any) -> list[FloatArray]:
    """Where a graph looks on each film, (rows, columns) in logits."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return [session.run(["activation"], {"image": film})[0][0, 0] for film in films()]


def shuffled(graph: Any, wanted: Callable[[str], bool], seed: int) -> Any:
    """A copy in which the numbers of the weights wanted are in another order: the same numbers, nothing learned."""
    onnx = pytest.importorskip("onnx", reason="needs the package onnx to take a graph apart")
    random, made = np.random.default_rng(seed), onnx.ModelProto()
    made.CopyFrom(graph)
    for weight in made.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.ndim >= 2 and wanted(weight.name):
            mixed = random.permutation(values.reshape(-1)).reshape(values.shape)
            weight.CopyFrom(onnx.numpy_helper.from_array(mixed, weight.name))
    return made


def heads(graph: Any) -> set[str]:
    """The last weights before the maps: those of the classifier, however they are named."""
    users = {name: node for node in graph.graph.node for name in node.input}
    return {
        weight.name
        for weight in graph.graph.initializer
        if len(weight.dims) >= 2 and ("head" in weight.name or _multiplies_maps(users[weight.name], weight))
    }


def _multiplies_maps(node: Any, weight: Any) -> bool:
    return node.op_type == "Mul" and len(weight.dims) == 4 and list(weight.dims)[2:] == [1, 1]


def rank_correlation(one: FloatArray, other: FloatArray) -> float:
    """Of the whole maps, what speaks against included."""
    found = agreement(one.astype(np.float64), other - other.min())
    assert found is not None
    return found


@pytest.fixture(scope="module")
def graph() -> Any:
    onnx = pytest.importorskip("onnx", reason="needs the package onnx to take a graph apart")
    return onnx.load(str(model_folder() / "chest-xray-child" / "model.onnx"))


def mean_correlation(graph: Any, wanted: Callable[[str], bool]) -> float:
    before = maps(graph)
    found = [
        rank_correlation(one, other)
        for seed in SEEDS
        for one, other in zip(before, maps(shuffled(graph, wanted, seed)), strict=True)
    ]
    return float(np.mean(found))


def test_the_same_weights_give_the_same_overlay(graph: Any) -> None:
    for one, other in zip(maps(graph), maps(shuffled(graph, lambda name: False, 0)), strict=True):
        assert rank_correlation(one, other) == pytest.approx(1.0)


def test_shuffling_the_last_weights_gives_another_overlay(graph: Any) -> None:
    last = heads(graph)
    assert last
    assert mean_correlation(graph, last.__contains__) < 0.5


def test_shuffling_all_weights_leaves_nothing_of_the_overlay(graph: Any) -> None:
    assert abs(mean_correlation(graph, lambda name: True)) < 0.5
