"""How near a graph comes to the machine's matrix multiplication."""

import statistics
import time
from collections.abc import Callable, Mapping, Set
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

FloatArray = npt.NDArray[np.float32]

_SIZE = 1024
_ROUNDS, _RUNS = 12, 8
_REST = 0.1
"""Seconds until the threads of one library, which wait awake for more, have left the processor to the other."""


def work_of(graph: bytes, image: FloatArray) -> float:
    """Multiplications and additions of one pass through a graph's convolutions and products of matrices, for this
    image. What is worked out once, when the graph is loaded, is not counted, and no multiplication by a nought of a
    constant matrix: of one that blurs most are."""
    onnx = pytest.importorskip("onnx", reason="needs the package onnx to read a graph")
    import onnxruntime

    model = onnx.load_model_from_string(graph)
    # Which tensors the image changes: the others, weights in half precision or in whole numbers too, are constants.
    changing = {one.name for one in model.graph.input}
    steps = []
    for node in model.graph.node:
        if changing.intersection(node.input):
            changing.update(node.output)
            if node.op_type in ("Conv", "Gemm", "MatMul"):
                steps.append(node)
    asked = sorted({name for node in steps for name in (*node.input[:2], node.output[0])} - {model.graph.input[0].name})
    made = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer if one.name in asked}
    asked = [name for name in asked if name not in made]
    del model.graph.output[:]
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in asked)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    made |= {model.graph.input[0].name: image}
    made |= dict(zip(asked, session.run(asked, {model.graph.input[0].name: image}), strict=True))
    return sum(2.0 * _products(node, made, changing) for node in steps)


def _products(node: Any, made: Mapping[str, FloatArray], changing: Set[str]) -> float:
    """How many products of two numbers a step adds up."""
    left, right, answer = (made[name] for name in (*node.input[:2], node.output[0]))
    if node.op_type == "Conv":
        return float(answer.size) * float(np.prod(right.shape[1:]))
    transposed = any(one.name == "transA" and one.i for one in node.attribute)
    constant = [one for one, name in zip((left, right), node.input, strict=False) if name not in changing]
    filled = [np.count_nonzero(one) / one.size for one in constant]
    return float(answer.size) * float(left.shape[-2 if transposed else -1]) * min([1.0, *filled])


def in_turns(first: Callable[[], object], second: Callable[[], object]) -> tuple[list[float], list[float]]:
    """Seconds of each run of both, taken in turns, a few at a time: what else the machine does then slows both."""
    ours, theirs = list[float](), list[float]()
    for _ in range(_ROUNDS):
        ours += _times(first)
        theirs += _times(second)
    return ours, theirs


def share_of_product(run: Callable[[], object], work: float) -> tuple[float, float]:
    """Seconds that a run takes in the middle; and its rate at its best as a share of the best of numpy's product of two
    matrices of 1,024 × 1,024: what else the machine does only ever makes either longer."""
    left, right = np.ones((_SIZE, _SIZE), np.float32), np.ones((_SIZE, _SIZE), np.float32)
    ours, theirs = in_turns(run, lambda: left @ right)
    return statistics.median(ours), work / min(ours) / (2 * _SIZE**3 / min(theirs))


def _times(work: Callable[[], object]) -> list[float]:
    """Of some runs in a row, after one to warm up."""
    time.sleep(_REST)
    work()
    times = []
    for _ in range(_RUNS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return times
