"""How near a graph comes to the machine's matrix multiplication."""

import statistics
import time
from collections.abc import Callable, Mapping
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
    image; what is worked out once, when the graph is loaded, is not counted."""
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
    return sum(2.0 * np.size(made[node.output[0]]) * _added_up(node, made) for node in steps)


def _added_up(node: Any, made: Mapping[str, FloatArray]) -> float:
    """How many products each number of a step's answer is the sum of."""
    left, right = (made[name].shape for name in node.input[:2])
    if node.op_type == "Conv":
        return float(np.prod(right[1:]))
    turned = any(one.name == "transA" and one.i for one in node.attribute)
    return float(left[-2] if turned else left[-1])


def share_of_product(run: Callable[[], object], work: float) -> tuple[float, float]:
    """Seconds that a run takes in the middle; and its rate as a share of numpy's product of two matrices of 1,024 ×
    1,024. The two are taken in turns, and the shortest time of each counts: what else the machine does only ever
    makes them longer."""
    left, right = np.ones((_SIZE, _SIZE), np.float32), np.ones((_SIZE, _SIZE), np.float32)
    ours, theirs = list[float](), list[float]()
    for _ in range(_ROUNDS):
        ours += _times(run)
        theirs += _times(lambda: left @ right)
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
