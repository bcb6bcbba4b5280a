"""The few bytes of an ONNX file that are read or rewritten here.

A clinic's PC has no library that takes graphs apart (it comes with PyTorch's); a file's own format is Protocol Buffers
(field numbers from onnx.proto, ONNX 1.0 and later). Whatever is not concerned is copied byte by byte.
"""

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types."""
MODEL_GRAPH = 7
"""onnx.proto: ModelProto.graph."""
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_OUTPUT = 1, 5, 12
"""GraphProto.node, .initializer, .output."""
NODE_INPUT, NODE_OUTPUT, NODE_NAME, NODE_OP = 1, 2, 3, 4
"""NodeProto.input, .output, .name, .op_type."""


def fields(message: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Number, wire type, content and all bytes of each field. Raises ValueError."""
    place = 0
    while place < len(message):
        start = place
        tag, place = _read_varint(message, place)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            _, end = _read_varint(message, place)
        elif kind == BYTES:
            size, place = _read_varint(message, place)
            end = place + size
        elif kind in (FIXED64, FIXED32):
            end = place + (8 if kind == FIXED64 else 4)
        else:
            raise ValueError("not a message")
        if number == 0 or end > len(message):
            raise ValueError("not a message")
        yield number, kind, message[place:end], message[start:end]
        place = end


def texts(message: bytes, wanted: int) -> list[str]:
    """The texts of one field. Raises ValueError."""
    return [value.decode() for number, kind, value, _ in fields(message) if (number, kind) == (wanted, BYTES)]


def varint(value: int) -> bytes:
    """A whole number as it is written."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def tag(number: int, kind: int) -> bytes:
    """What stands before a field."""
    return varint(number << 3 | kind)


def message(number: int, content: bytes) -> bytes:
    """A field that holds bytes: a text, or a message of its own."""
    return tag(number, BYTES) + varint(len(content)) + content


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
