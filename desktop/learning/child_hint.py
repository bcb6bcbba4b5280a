"""Whether a pneumonia looks like those that bacteria caused: a hint beside the child model's own answer. Needs onnx.

The networks learn to tell pneumonia from none and see more than that. Their last maps, in small, and what is measured
on the film beside them (`child_lines`) are told by one straight line for each member, learned from the same children as
the member itself, and the lines are put into the finished graph: what it says of pneumonia stays the same to the last
digit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from desktop.inference.picture_manifest import Preparation
from desktop.jobs import Job
from desktop.learning import child_graph, picture_ridge
from desktop.learning.child_graph import MEASURED
from desktop.learning.child_settings import Settings
from desktop.learning.films import Film, fold_of

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

KEY = "bacterial_if_pneumonia"
BACTERIAL, VIRAL = "bacterial", "viral"
GRID = 4
"""Places along a side that the maps are brought down to, where they have more."""
_OUTPUTS = ("logits", "activation")
_PLACES = "hint_places_"


@dataclass(frozen=True, eq=False)
class Hint:
    """The finished graph, and what each member says of the films of pneumonia whose cause is known and whose child it
    never saw: logits (n), bacterial (n)."""

    graph: bytes
    logits: Floats
    bacterial: Bools


@dataclass(frozen=True, eq=False)
class Told:
    """Films of pneumonia whose cause is known, as the lines see them. bacterial, parts: (n). numbers: (n, members,
    numbers), those of each member's maps in small, then those measured on the film."""

    films: Sequence[Film]
    bacterial: Bools
    parts: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.float32]

    def lines(self, settings: Settings, chosen: Bools) -> tuple[list[picture_ridge.Line], Floats]:
        """Each member's line, learned from those chosen (n) of the parts that are its own to learn from, and what the
        lines say of the part that each never saw (n). Raises ValueError where a cause is missing."""
        logits, lines = np.zeros(len(self.films)), []
        for part in range(settings.members):
            own, learned = self.parts == part, (self.parts != part) & chosen
            seen = self.numbers[learned, part].astype(np.float64)
            components = picture_ridge.components_of(seen, settings.hint_components)
            lines.append(picture_ridge.fit(components, seen, self.bacterial[learned], settings.hint_ridge))
            logits[own] = lines[-1].scores(self.numbers[own, part].astype(np.float64))
        return lines, logits


def tell(graph: bytes, films: Sequence[Film], preparation: Preparation, settings: Settings, job: Job) -> Told | None:
    """What the lines learn from, seen by a graph with or without a hint in it.

    None where the films do not tell bacteria from viruses on either side of a split. Raises Cancelled.
    """
    told = [film for film in films if film.pneumonia and film.subtype in (BACTERIAL, VIRAL)]
    bacterial = np.array([film.subtype == BACTERIAL for film in told], dtype=bool)
    parts = np.array([fold_of(film.group, settings.seed, settings.members) for film in told], dtype=np.int64)
    for part in range(settings.members):
        learned = bacterial[parts != part]
        if not len(learned) or learned.all() or not learned.any():
            return None
    model = child_graph.model_of(graph)
    places = [f"{_PLACES}{index}" for index in range(settings.members)]
    if not child_graph.made(model, places[0]):
        _add_places(model)
    sizes = dict.fromkeys(places, settings.widths[-1] * _places(model)[0] ** 2)
    measured = child_graph.measured_size(model)
    sizes |= {MEASURED: measured} if measured else {}
    child_graph.tell(model, sizes)
    seen = child_graph.answers(model, sizes, told, preparation, settings.threads, job)
    beside = [seen[MEASURED]] if measured else []
    numbers = np.stack([np.concatenate([seen[name], *beside], axis=1) for name in places], axis=1)
    return Told(told, bacterial, parts, numbers)


def add(
    graph: bytes,
    films: Sequence[Film],
    preparation: Preparation,
    settings: Settings,
    job: Job,
    say: Callable[[str], None],
) -> Hint | None:
    """Learn the lines and put them into a graph of an ensemble, as it was exported or with lines of pneumonia in it.

    None where the films do not tell bacteria from viruses on either side of a split. Raises Cancelled.
    """
    told = tell(graph, films, preparation, settings, job)
    if told is None:
        return None
    say(f"a hint from {len(told.films)} films of pneumonia whose cause is known")
    lines, logits = told.lines(settings, np.ones(len(told.films), dtype=bool))
    usual = told.numbers.mean(axis=0, dtype=np.float64)
    return Hint(_finished(graph, lines, usual), logits, told.bacterial)


def _maps_of(model: "ModelProto") -> list[tuple[str, str]]:
    """Each member's last maps, and their means: what the graph's embedding is put together from."""
    means = list(child_graph.maker(model, "embedding").input)
    return [(child_graph.maker(model, mean).input[0], mean) for mean in means]


def _places(model: "ModelProto") -> tuple[int, int]:
    """Along a side of the maps in small; and how many of the maps' own make one of them."""
    shape = next(item for item in model.graph.output if item.name == "activation").type.tensor_type.shape
    side = int(shape.dim[-1].dim_value)
    grid = min(GRID, side)
    return grid, side // grid


def _add_places(model: "ModelProto") -> list[str]:
    """Each member's maps in small, (n, channels × grid × grid), as tensors of the graph."""
    from onnx import helper

    cell, names = _places(model)[1], []
    for index, (maps, _) in enumerate(_maps_of(model)):
        small, name = f"hint_maps_{index}", f"{_PLACES}{index}"
        pooled = helper.make_node("AveragePool", [maps], [small], kernel_shape=[cell, cell], strides=[cell, cell])
        model.graph.node.extend([pooled, helper.make_node("Flatten", [small], [name], axis=1)])
        names.append(name)
    return names


def _finished(graph: bytes, lines: Sequence[picture_ridge.Line], usual: Floats) -> bytes:
    """The graph with a second logit and its map, each member's own as `member_hints`, and the embedding as how far it
    is from the mean of what was learned from. usual: (members, numbers), what the lines see in the mean. The map is
    that of the networks: what is measured on the film beside them has none."""
    from onnx import helper

    model = child_graph.model_of(graph)
    pooled = _maps_of(model)
    child_graph.rename(model, {name: f"pneumonia_{name}" for name in _OUTPUTS})
    told = [
        _add_line(model, index, name, pooled[index][0], line, usual[index], len(lines))
        for index, (name, line) in enumerate(zip(_add_places(model), lines, strict=True))
    ]
    child_graph.maker(model, "embedding").input[:] = [_less_its_mean(model, mean) for _, mean in pooled]
    shown = [f"hint_map_{index}" for index in range(len(lines))]
    model.graph.initializer.append(_axis())
    model.graph.node.extend(
        [
            helper.make_node("Concat", told, ["member_hints"], axis=1),
            helper.make_node("ReduceMean", ["member_hints", "hint_channels"], ["hint"], keepdims=1),
            helper.make_node("Sum", shown, ["hint_map"]),
            helper.make_node("Concat", ["pneumonia_logits", "hint"], ["logits"], axis=1),
            helper.make_node("Concat", ["pneumonia_activation", "hint_map"], ["activation"], axis=1),
        ]
    )
    child_graph.tell(model, {"member_hints": len(lines)})
    for item in model.graph.output:
        if item.name in _OUTPUTS:
            item.type.tensor_type.shape.dim[1].dim_value = 2
    return child_graph.finished(model)


def _add_line(
    model: "ModelProto", index: int, name: str, maps: str, line: picture_ridge.Line, usual: Floats, members: int
) -> str:
    """A member's line and its map; what the line says. name, maps: the member's maps in small, and themselves."""
    from onnx import helper

    grid, cell = _places(model)
    size = len(line.weights) - child_graph.measured_size(model)
    spread = line.weights[:size].reshape(-1, grid, grid).repeat(cell, axis=1).repeat(cell, axis=2) / cell**2
    mean = usual[:size].reshape(-1, grid, grid).repeat(cell, axis=1).repeat(cell, axis=2)
    weights, bias, wide, known = (f"hint_{what}_{index}" for what in ("weights", "bias", "spread", "usual"))
    values = {
        weights: line.weights[:size, None],
        bias: [line.bias],
        wide: spread[None] / members,
        known: -(spread * mean).sum(axis=0)[None, None] / members,
    }
    terms = [f"hint_sum_{index}", bias]
    nodes = [
        helper.make_node("MatMul", [name, weights], [terms[0]]),
        helper.make_node("Mul", [maps, wide], [f"hint_each_{index}"]),
        helper.make_node("ReduceSum", [f"hint_each_{index}", "hint_channels"], [f"hint_all_{index}"], keepdims=1),
        helper.make_node("Add", [f"hint_all_{index}", known], [f"hint_map_{index}"]),
    ]
    if size < len(line.weights):
        values[f"hint_measured_{index}"] = line.weights[size:, None]
        terms.append(f"hint_beside_{index}")
        nodes.append(helper.make_node("MatMul", [MEASURED, f"hint_measured_{index}"], [terms[-1]]))
    child_graph.keep(model, values)
    model.graph.node.extend([*nodes, helper.make_node("Sum", terms, [f"hint_{index}"])])
    return f"hint_{index}"


def _axis() -> "TensorProto":
    """The channels, to add up over."""
    from onnx import numpy_helper

    return numpy_helper.from_array(np.array([1], np.int64), "hint_channels")


def _less_its_mean(model: "ModelProto", mean: str) -> str:
    """The tensor that is a member's embedding less the mean of what it learned from, as its distance is told by."""
    return next(str(node.output[0]) for node in model.graph.node if node.op_type == "Sub" and node.input[0] == mean)
