"""A finished ONNX graph, run and taught in PyTorch. Needs torch and onnx.

The graph is the network: each of its steps is done by PyTorch's own operation, and what a training learned (the weights
and biases of its convolutions and fully connected layers) can be learned on. Whoever wrote the graph (three members in
one, half-precision weights, a regression beside a network, lines for a hint), no second copy of the architecture has to
agree with it, and what was learned goes back into the very same file: the same steps, names and outputs, other numbers.
Whether PyTorch answers as ONNX Runtime does is looked at before anything is learned (`largest_difference`).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import ModelProto, NodeProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from desktop.learning.compact import LEARNED

FloatArray = npt.NDArray[np.float32]

_LAYERS = ("Conv", "Gemm")
_EDGES = {b"edge": "replicate", b"constant": "constant", b"reflect": "reflect"}


class GraphNetwork(nn.Module):
    """image (n, *shape) float32 → the graph's outputs by name, each (n, *shape).

    weights: what can be learned on; names: what each is called in the graph.

    Statistics of normalisation stay as they are: a clinic's few pictures would spoil them. Raises ValueError where the
    graph has a step that is not known here, or nothing that can be learned.
    """

    def __init__(self, model: bytes) -> None:
        super().__init__()
        self._model: ModelProto = onnx.load_from_string(model)
        graph = self._model.graph
        values = {one.name: numpy_helper.to_array(one).copy() for one in graph.initializer}
        self._input, self._outputs = graph.input[0].name, tuple(one.name for one in graph.output)
        if unknown := sorted({node.op_type for node in graph.node} - _STEPS.keys()):
            raise ValueError(f"steps that cannot be learned through: {', '.join(unknown)}")
        self.names = learned_names(self._model)
        if not self.names:
            raise ValueError("nothing in the graph can be learned on")
        self.weights = nn.ParameterList([nn.Parameter(_tensor(values[name]).float()) for name in self.names])
        self._constants = {name: _tensor(value) for name, value in values.items() if name not in set(self.names)}
        self._steps: list[tuple[NodeProto, dict[str, Any]]] = []
        for node in graph.node:
            if all(name in self._constants for name in node.input if name):
                # Neither the image nor what is learned changes it: once is enough.
                _do(node, _attributes(node), self._constants)
            else:
                self._steps.append((node, _attributes(node)))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        held: dict[str, Tensor] = dict(self._constants)
        held[self._input] = image
        held.update(zip(self.names, self.weights, strict=True))
        for node, attributes in self._steps:
            _do(node, attributes, held)
        return {name: held[name] for name in self._outputs}

    def exported(self) -> bytes:
        """The same file with what was learned in it, each number in the precision it had."""
        model = ModelProto()
        model.CopyFrom(self._model)
        learned = dict(zip(self.names, self.weights, strict=True))
        for one in model.graph.initializer:
            if one.name in learned:
                kind = numpy_helper.to_array(one).dtype
                value = learned[one.name].detach().numpy().astype(kind)
                one.CopyFrom(numpy_helper.from_array(value, one.name))
        return bytes(model.SerializeToString())


def _do(node: NodeProto, attributes: Mapping[str, Any], held: dict[str, Tensor]) -> None:
    """One step, of tensors held by name, to more of them."""
    given = [held[name] if name else None for name in node.input]
    made = _STEPS[node.op_type](given, attributes)
    held.update(zip(node.output, made if isinstance(made, tuple) else (made,), strict=True))


def learned_names(model: ModelProto) -> tuple[str, ...]:
    """Weights and biases of the layers that a training learned, in the graph's order; as they lie in the file, also
    where a step first makes them longer."""
    cast = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Cast"}
    layers = [name for node in model.graph.node if node.op_type in _LAYERS for name in node.input[1:]]
    used = {cast.get(name, name) for name in layers}
    return tuple(one.name for one in model.graph.initializer if one.name in used and one.name.startswith(LEARNED))


def largest_difference(network: GraphNetwork, image: FloatArray, wanted: Mapping[str, FloatArray]) -> float:
    """How far PyTorch's answer is from another's, over all outputs, in shares of each output's largest value where that
    is over 1. image: (1, *shape); wanted: by output, without the first axis."""
    with torch.inference_mode():
        said = network(torch.from_numpy(image))
    differences = [
        float(np.abs(said[name][0].numpy() - value).max()) / max(1.0, float(np.abs(value).max()))
        for name, value in wanted.items()
    ]
    return max(differences)


def _tensor(value: npt.NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.array(value))


def _attributes(node: NodeProto) -> dict[str, Any]:
    return {one.name: helper.get_attribute_value(one) for one in node.attribute}


# What each step does, as the ONNX operator specification has it. given: inputs in order, None where one is left out.

Given = Sequence[Tensor | None]
Attributes = Mapping[str, Any]


def _need(value: Tensor | None) -> Tensor:
    if value is None:
        raise ValueError("a step lacks an input")
    return value


def _whole(value: Tensor | None) -> list[int]:
    return [int(one) for one in _need(value).reshape(-1).tolist()]


def _reshape(given: Given, attributes: Attributes) -> Tensor:
    value, sizes = _need(given[0]), _whole(given[1])
    kept = [value.shape[place] if size == 0 else size for place, size in enumerate(sizes)]
    return value.reshape(sizes if attributes.get("allowzero") else kept)


def _convolution(given: Given, attributes: Attributes) -> Tensor:
    value, weight = _need(given[0]), _need(given[1])
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    if (top, left) != (bottom, right):
        value, top, left = functional.pad(value, (left, right, top, bottom)), 0, 0
    bias = given[2] if len(given) > 2 else None
    strides, spread = attributes.get("strides", [1, 1]), attributes.get("dilations", [1, 1])
    return functional.conv2d(value, weight, bias, strides, (top, left), spread, attributes.get("group", 1))


def _layer(given: Given, attributes: Attributes) -> Tensor:
    value, weight = _need(given[0]), _need(given[1])
    value = value.T if attributes.get("transA") else value
    weight = weight.T if attributes.get("transB") else weight
    found = (value @ weight) * float(attributes.get("alpha", 1.0))
    return found if len(given) < 3 else found + _need(given[2]) * float(attributes.get("beta", 1.0))


def _reduced(reduce: Callable[[Tensor, list[int], bool], Tensor]) -> Callable[[Given, Attributes], Tensor]:
    def step(given: Given, attributes: Attributes) -> Tensor:
        value = _need(given[0])
        told = attributes.get("axes")
        axes = _whole(given[1]) if len(given) > 1 and given[1] is not None else [int(one) for one in told or ()]
        if not axes and attributes.get("noop_with_empty_axes"):
            return value
        return reduce(value, axes or list(range(value.ndim)), bool(attributes.get("keepdims", 1)))

    return step


def _pooled(given: Given, attributes: Attributes) -> Tensor:
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    if (top, left) != (bottom, right):
        raise ValueError("an average over uneven edges")
    kernel = [int(one) for one in attributes["kernel_shape"]]
    strides = [int(one) for one in attributes.get("strides", [1, 1])]
    edges, ceil = bool(attributes.get("count_include_pad", 0)), bool(attributes.get("ceil_mode", 0))
    return functional.avg_pool2d(_need(given[0]), kernel, strides, [top, left], ceil, edges)


def _padded(given: Given, attributes: Attributes) -> Tensor:
    value, told = _need(given[0]), _whole(given[1])
    axes = _whole(given[3]) if len(given) > 3 and given[3] is not None else list(range(value.ndim))
    before = dict(zip(axes, told[: len(axes)], strict=True))
    after = dict(zip(axes, told[len(axes) :], strict=True))
    sizes = [edge for axis in reversed(range(value.ndim)) for edge in (before.get(axis, 0), after.get(axis, 0))]
    if any(sizes[4:]):
        raise ValueError("edges beyond rows and columns")
    sizes = sizes[:4]
    mode = _EDGES[attributes.get("mode", b"constant")]
    if mode == "constant":
        fill = given[2] if len(given) > 2 else None
        return functional.pad(value, sizes, value=0.0 if fill is None else float(fill))
    return functional.pad(value, sizes, mode=mode)


def _sliced(given: Given, attributes: Attributes) -> Tensor:
    value, starts, ends = _need(given[0]), _whole(given[1]), _whole(given[2])
    axes = _whole(given[3]) if len(given) > 3 and given[3] is not None else list(range(len(starts)))
    steps = _whole(given[4]) if len(given) > 4 and given[4] is not None else [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        # PyTorch has no steps backwards: the places themselves are counted.
        place = range(value.shape[axis])[slice(start, None if step < 0 and end < -value.shape[axis] else end, step)]
        value = value.index_select(axis, torch.tensor(list(place), dtype=torch.long))
    return value


def _clipped(given: Given, attributes: Attributes) -> Tensor:
    low, high = (given[place] if len(given) > place else None for place in (1, 2))
    return torch.clamp(_need(given[0]), low, high)


def _normalised(given: Given, attributes: Attributes) -> Tensor:
    value, weight, bias, mean, variance = (_need(one) for one in given[:5])
    return functional.batch_norm(value, mean, variance, weight, bias, False, 0.0, attributes.get("epsilon", 1e-5))


def _gathered(given: Given, attributes: Attributes) -> Tensor:
    value, places, axis = _need(given[0]), _need(given[1]), int(attributes.get("axis", 0))
    found = value.index_select(axis, places.reshape(-1).long() % value.shape[axis])
    return found.reshape((*value.shape[:axis], *places.shape, *value.shape[axis + 1 :]))


def _unsqueezed(given: Given, attributes: Attributes) -> Tensor:
    value = _need(given[0])
    axes = _whole(given[1])
    size = value.ndim + len(axes)
    for axis in sorted(axis % size for axis in axes):
        value = value.unsqueeze(axis)
    return value


def _squeezed(given: Given, attributes: Attributes) -> Tensor:
    value = _need(given[0])
    axes = _whole(given[1]) if len(given) > 1 and given[1] is not None else None
    return value.squeeze() if axes is None else value.squeeze(tuple(axes))


def _shape(given: Given, attributes: Attributes) -> Tensor:
    sizes = _need(given[0]).shape[int(attributes.get("start", 0)) : attributes.get("end")]
    return torch.tensor(sizes, dtype=torch.long)


def _split(given: Given, attributes: Attributes) -> tuple[Tensor, ...]:
    value, axis = _need(given[0]), int(attributes.get("axis", 0))
    if len(given) > 1 and given[1] is not None:
        return torch.split(value, _whole(given[1]), axis)
    if "num_outputs" not in attributes:
        raise ValueError("a split into parts of no given size")
    return torch.split(value, math.ceil(value.shape[axis] / int(attributes["num_outputs"])), axis)


def _flat(given: Given, attributes: Attributes) -> Tensor:
    value, axis = _need(given[0]), int(attributes.get("axis", 1))
    return value.reshape(math.prod(value.shape[:axis]), -1)


def _cast(given: Given, attributes: Attributes) -> Tensor:
    kinds = {1: torch.float32, 6: torch.int32, 7: torch.int64, 10: torch.float16}
    value, kind = _need(given[0]), kinds[int(attributes["to"])]
    # What is learned is held at full length until it is written.
    return value if value.dtype is torch.float32 and kind is torch.float16 else value.to(kind)


def _one(function: Callable[[Tensor], Tensor]) -> Callable[[Given, Attributes], Tensor]:
    return lambda given, attributes: function(_need(given[0]))


def _two(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Given, Attributes], Tensor]:
    return lambda given, attributes: function(_need(given[0]), _need(given[1]))


def _summed(given: Given, attributes: Attributes) -> Tensor:
    found = _need(given[0])
    for one in given[1:]:
        found = found + _need(one)
    return found


_STEPS: Mapping[str, Callable[[Given, Attributes], Tensor | tuple[Tensor, ...]]] = {
    "Add": _two(torch.add),
    "AveragePool": _pooled,
    "BatchNormalization": _normalised,
    "Cast": _cast,
    "Clip": _clipped,
    "Concat": lambda given, attributes: torch.cat([_need(one) for one in given], int(attributes["axis"])),
    "Conv": _convolution,
    "Div": _two(torch.div),
    "Einsum": lambda given, attributes: torch.einsum(attributes["equation"].decode(), *(_need(one) for one in given)),
    "Flatten": _flat,
    "Gather": _gathered,
    "Gemm": _layer,
    "Identity": _one(lambda value: value),
    "Log": _one(torch.log),
    "MatMul": _two(torch.matmul),
    "Mul": _two(torch.mul),
    "Pad": _padded,
    "Pow": _two(torch.pow),
    "ReduceMax": _reduced(lambda value, axes, keep: torch.amax(value, axes, keep)),
    "ReduceMean": _reduced(lambda value, axes, keep: torch.mean(value, axes, keep)),
    "ReduceSum": _reduced(lambda value, axes, keep: torch.sum(value, axes, keep)),
    "Relu": _one(functional.relu),
    "Reshape": _reshape,
    "Shape": _shape,
    "Sigmoid": _one(torch.sigmoid),
    "Slice": _sliced,
    "Split": _split,
    "Sqrt": _one(torch.sqrt),
    "Squeeze": _squeezed,
    "Sub": _two(torch.sub),
    "Sum": _summed,
    "Transpose": lambda given, attributes: _need(given[0]).permute([int(one) for one in attributes["perm"]]),
    "Unsqueeze": _unsqueezed,
}
