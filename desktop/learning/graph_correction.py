"""A linear correction put into a finished ONNX file: logits + clip(features · weights + bias).

Everything stays inside one file and so inside its hash. A clinic's PC has no library that edits graphs (it comes with
PyTorch's), so the few fields concerned are rewritten here in the file's own format, Protocol Buffers (field numbers
from onnx.proto, ONNX 1.0 and later); whatever is not concerned is copied byte by byte. What comes out is run and
compared before anybody uses it.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SHIPPED = "logits_shipped"
"""What the logits are called before the correction."""

_LOGITS, _FEATURES = "logits", "embedding"
_FLOAT = 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# onnx.proto: ModelProto.graph; GraphProto.node, .initializer; NodeProto.input, .output, .name, .op_type;
# TensorProto.dims, .data_type, .name, .raw_data.
_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INITIALIZER = 1, 5
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_OP = 1, 2, 3, 4
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
    for number, kind, value, raw in _fields(model):
        if number == _MODEL_GRAPH and kind == _BYTES:
            parts.append(_message(_MODEL_GRAPH, _corrected(value, weights, bias, limit)))
            found = True
        else:
            parts.append(raw)
    if not found:
        raise ValueError("no graph was found")
    return b"".join(parts)


def _corrected(graph: bytes, weights: Floats, bias: Floats, limit: Floats) -> bytes:
    parts, made, named = [], False, set()
    for number, kind, value, raw in _fields(graph):
        if number == _GRAPH_NODE and kind == _BYTES:
            node, outputs = _renamed(value)
            named |= outputs
            made = made or SHIPPED in outputs
            parts.append(_message(_GRAPH_NODE, node))
        else:
            parts.append(raw)
    if not made or _FEATURES not in named or "correction" in named:
        raise ValueError("the graph has no logits and features of its own, or was corrected before")
    tensors = {"correction_weights": weights, "correction_bias": bias, "limit_high": limit, "limit_low": -limit}
    parts += [_message(_GRAPH_INITIALIZER, _tensor(name, value)) for name, value in tensors.items()]
    for operation, inputs, output in (
        ("MatMul", (_FEATURES, "correction_weights"), "correction_product"),
        ("Add", ("correction_product", "correction_bias"), "correction_whole"),
        ("Max", ("correction_whole", "limit_low"), "correction_above"),
        ("Min", ("correction_above", "limit_high"), "correction"),
        ("Add", (SHIPPED, "correction"), _LOGITS),
    ):
        parts.append(_message(_GRAPH_NODE, _node(operation, inputs, output)))
    return b"".join(parts)


def _renamed(node: bytes) -> tuple[bytes, set[str]]:
    """A node in which the logits have their new name, and the names of its outputs."""
    parts, outputs = [], set()
    for number, kind, value, raw in _fields(node):
        if number in (_NODE_INPUT, _NODE_OUTPUT) and kind == _BYTES:
            name = value.decode()
            if number == _NODE_OUTPUT and name == SHIPPED:
                raise ValueError("the graph was corrected before")
            name = SHIPPED if name == _LOGITS else name
            if number == _NODE_OUTPUT:
                outputs.add(name)
            parts.append(_message(number, name.encode()))
        else:
            parts.append(raw)
    return b"".join(parts), outputs


def _node(operation: str, inputs: Sequence[str], output: str) -> bytes:
    texts = [(_NODE_INPUT, name) for name in inputs] + [(_NODE_OUTPUT, output)]
    texts += [(_NODE_NAME, f"local_{output}"), (_NODE_OP, operation)]
    return b"".join(_message(number, text.encode()) for number, text in texts)


def _tensor(name: str, values: Floats) -> bytes:
    sizes = b"".join(_tag(_TENSOR_DIMS, _VARINT) + _varint(size) for size in values.shape)
    kind = _tag(_TENSOR_TYPE, _VARINT) + _varint(_FLOAT)
    raw = np.ascontiguousarray(values, dtype="<f4").tobytes()
    return sizes + kind + _message(_TENSOR_NAME, name.encode()) + _message(_TENSOR_RAW, raw)


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Number, wire type, content and all bytes of each field. Raises ValueError."""
    place = 0
    while place < len(message):
        start = place
        tag, place = _read_varint(message, place)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            _, end = _read_varint(message, place)
        elif kind == _BYTES:
            size, place = _read_varint(message, place)
            end = place + size
        elif kind in (_FIXED64, _FIXED32):
            end = place + (8 if kind == _FIXED64 else 4)
        else:
            raise ValueError("not a message")
        if number == 0 or end > len(message):
            raise ValueError("not a message")
        yield number, kind, message[place:end], message[start:end]
        place = end


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(message) or shift > 63:
            raise ValueError("not a message")
        value |= (message[place] & 0x7F) << shift
        shift += 7
        place += 1
        if not message[place - 1] & 0x80:
            return value, place


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _tag(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _message(number: int, content: bytes) -> bytes:
    return _tag(number, _BYTES) + _varint(len(content)) + content
