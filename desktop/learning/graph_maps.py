"""A picture model's graph that also gives each member's own map: of a picture that one member never saw, only that one
may say where it looked."""

from collections.abc import Mapping

from desktop.learning.graph_bytes import (
    BYTES,
    GRAPH_NODE,
    GRAPH_OUTPUT,
    MODEL_GRAPH,
    NODE_INPUT,
    NODE_OP,
    NODE_OUTPUT,
    fields,
    message,
    texts,
)

_WHOLE = "activation"
_NAME = 1
"""onnx.proto: ValueInfoProto.name; a runner works out the rest."""


def with_member_maps(model: bytes, members: int) -> tuple[bytes, tuple[str, ...]]:
    """The graph with the maps of so many members as outputs, and their names in the members' order.

    The shipped map is the members' sum, each added to those before it, divided by how many there are. Raises ValueError
    where the graph does not end like that.
    """
    parts, names = [], tuple[str, ...]()
    for number, kind, value, raw in fields(model):
        if (number, kind) == (MODEL_GRAPH, BYTES):
            names = _added_up(value, members)
            parts.append(message(MODEL_GRAPH, value + b"".join(_output(name) for name in names)))
        else:
            parts.append(raw)
    if not names:
        raise ValueError("no graph was found")
    return b"".join(parts), names


def _output(name: str) -> bytes:
    return message(GRAPH_OUTPUT, message(_NAME, name.encode()))


def _added_up(graph: bytes, members: int) -> tuple[str, ...]:
    """What is added up to the map, in order. Raises ValueError."""
    made: dict[str, tuple[str, list[str]]] = {}
    for number, kind, value, _ in fields(graph):
        if (number, kind) == (GRAPH_NODE, BYTES):
            made |= dict.fromkeys(texts(value, NODE_OUTPUT), (texts(value, NODE_OP)[0], texts(value, NODE_INPUT)))
    place, found = _inputs(made, _WHOLE, "Div")[0], list[str]()
    for _ in range(members - 1):
        place, added = _inputs(made, place, "Add")
        found.insert(0, added)
    if place in made and made[place][0] == "Add":
        raise ValueError("the map is the mean of more members' maps")
    return (place, *found)


def _inputs(made: Mapping[str, tuple[str, list[str]]], name: str, operation: str) -> list[str]:
    if name not in made or made[name][0] != operation or len(made[name][1]) != 2:
        raise ValueError("the map is no mean of the members' maps")
    return made[name][1]
