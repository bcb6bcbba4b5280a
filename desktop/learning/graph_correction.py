"""A linear correction put into a finished ONNX file: logits + clip(features · weights + bias).

Everything stays inside one file and so inside its hash; see `graph_bytes`. What comes out is run and compared before
anybody uses it.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from desktop.learning.graph_bytes import (
    BYTES,
    GRAPH_INITIALIZER,
    GRAPH_NODE,
    MODEL_GRAPH,
    NODE_INPUT,
    NODE_NAME,
    NODE_OP,
    NODE_OUTPUT,
    VARINT,
    fields,
    message,
    tag,
    varint,
)

Floats = npt.NDArray[np.float64]

SHIPPED = "logits_shipped"
"""What the logits are called before the correction."""

_LOGITS, _FEATURES = "logits", "embedding"
_FLOAT = 1
# onnx.proto: TensorProto.dims, .data_type, .name, .raw_data.
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW = 1, 2, 8, 9


def add_correction(model: bytes, weights: Floats, bias: Floats, limit: Floats) -> bytes:
    """The file with the correction in it.

    model: a graph with the outputs `logits` (n, findings) and `embedding` (n, features). weights: (features, findings),
    bias and limit: (findings,), all in logits; no correction is larger than the limit. Raises ValueError where the
    bytes are no such graph, or one that was corrected before.
    """
    if weights.ndim != 2 or bias.shape != limit.shape or bias.shape != weights.shape[1:]:
        raise ValueError("one weight for each feature and finding was expected")
    parts, found = [], False
    for number, kind, value, raw in fields(model):
        if number == MODEL_GRAPH and kind == BYTES:
            parts.append(message(MODEL_GRAPH, _corrected(value, weights, bias, limit)))
            found = True
        else:
            parts.append(raw)
    if not found:
        raise ValueError("no graph was found")
    return b"".join(parts)


def _corrected(graph: bytes, weights: Floats, bias: Floats, limit: Floats) -> bytes:
    parts, made, named = [], False, set()
    for number, kind, value, raw in fields(graph):
        if number == GRAPH_NODE and kind == BYTES:
            node, outputs = _renamed(value)
            named |= outputs
            made = made or SHIPPED in outputs
            parts.append(message(GRAPH_NODE, node))
        else:
            parts.append(raw)
    if not made or _FEATURES not in named or "correction" in named:
        raise ValueError("the graph has no logits and features of its own, or was corrected before")
    tensors = {"correction_weights": weights, "correction_bias": bias, "limit_high": limit, "limit_low": -limit}
    parts += [message(GRAPH_INITIALIZER, _tensor(name, value)) for name, value in tensors.items()]
    for operation, inputs, output in (
        ("MatMul", (_FEATURES, "correction_weights"), "correction_product"),
        ("Add", ("correction_product", "correction_bias"), "correction_whole"),
        ("Max", ("correction_whole", "limit_low"), "correction_above"),
        ("Min", ("correction_above", "limit_high"), "correction"),
        ("Add", (SHIPPED, "correction"), _LOGITS),
    ):
        parts.append(message(GRAPH_NODE, _node(operation, inputs, output)))
    return b"".join(parts)


def _renamed(node: bytes) -> tuple[bytes, set[str]]:
    """A node in which the logits have their new name, and the names of its outputs."""
    parts, outputs = [], set()
    for number, kind, value, raw in fields(node):
        if number in (NODE_INPUT, NODE_OUTPUT) and kind == BYTES:
            name = value.decode()
            if number == NODE_OUTPUT and name == SHIPPED:
                raise ValueError("the graph was corrected before")
            name = SHIPPED if name == _LOGITS else name
            if number == NODE_OUTPUT:
                outputs.add(name)
            parts.append(message(number, name.encode()))
        else:
            parts.append(raw)
    return b"".join(parts), outputs


def _node(operation: str, inputs: Sequence[str], output: str) -> bytes:
    texts = [(NODE_INPUT, name) for name in inputs] + [(NODE_OUTPUT, output)]
    texts += [(NODE_NAME, f"local_{output}"), (NODE_OP, operation)]
    return b"".join(message(number, text.encode()) for number, text in texts)


def _tensor(name: str, values: Floats) -> bytes:
    sizes = b"".join(tag(_TENSOR_DIMS, VARINT) + varint(size) for size in values.shape)
    kind = tag(_TENSOR_TYPE, VARINT) + varint(_FLOAT)
    raw = np.ascontiguousarray(values, dtype="<f4").tobytes()
    return sizes + kind + message(_TENSOR_NAME, name.encode()) + message(_TENSOR_RAW, raw)
