"""Whether a pneumonia looks like those that bacteria caused: a hint beside the child model's own answer. Needs onnx.

The networks learn to tell pneumonia from none and see more than that. Their last maps, in small, are told by one
straight line for each member, learned from the same children as the member itself, and the lines are put into the
finished graph: what it says of pneumonia stays the same to the last digit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from desktop.inference.manifest import TensorSpec
from desktop.inference.picture_manifest import Preparation
from desktop.inference.preparation import prepare
from desktop.inference.runner_onnx import OnnxRunner
from desktop.jobs import Job
from desktop.learning import picture_ridge
from desktop.learning.child_settings import Settings
from desktop.learning.films import Film, fold_of, read_grey

if TYPE_CHECKING:
    from onnx import ModelProto

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

KEY = "bacterial_if_pneumonia"
BACTERIAL, VIRAL = "bacterial", "viral"
GRID = 4
"""Places along a side that the maps are brought down to, where they have more."""
_OUTPUTS = ("logits", "activation")


@dataclass(frozen=True, eq=False)
class Hint:
    """The finished graph, and what each member says of the films of pneumonia whose cause is known and whose child it
    never saw: logits (n), bacterial (n)."""

    graph: bytes
    logits: Floats
    bacterial: Bools


def add(
    graph: bytes,
    films: Sequence[Film],
    preparation: Preparation,
    settings: Settings,
    job: Job,
    say: Callable[[str], None],
) -> Hint | None:
    """Learn the lines and put them into a graph of an ensemble as it was exported.

    None where the films do not tell bacteria from viruses on either side of a split. Raises Cancelled.
    """
    told = [film for film in films if film.pneumonia and film.subtype in (BACTERIAL, VIRAL)]
    bacterial = np.array([film.subtype == BACTERIAL for film in told], dtype=bool)
    parts = np.array([fold_of(film.group, settings.seed, settings.members) for film in told], dtype=np.int64)
    for part in range(settings.members):
        learned = bacterial[parts != part]
        if not len(learned) or learned.all() or not learned.any():
            return None
    say(f"a hint from {len(told)} films of pneumonia whose cause is known")
    numbers = _numbers(graph, told, preparation, settings, job)
    logits, lines = np.zeros(len(told)), []
    for part in range(settings.members):
        job.check()
        own, learned = parts == part, parts != part
        seen = numbers[:, part].astype(np.float64)
        components = picture_ridge.components_of(seen[learned], settings.hint_components)
        lines.append(picture_ridge.fit(components, seen[learned], bacterial[learned], settings.hint_ridge))
        logits[own] = lines[-1].scores(seen[own])
    usual = numbers.mean(axis=0, dtype=np.float64)
    return Hint(_finished(graph, lines, usual), logits, bacterial)


def _numbers(
    graph: bytes, films: Sequence[Film], preparation: Preparation, settings: Settings, job: Job
) -> npt.NDArray[np.float32]:
    """(n, members, numbers) of what each member sees in films as the clinic prepares them."""
    model = _model_of(graph)
    names, size = _add_places(model), settings.widths[-1] * _places(model)[0] ** 2
    _tell(model, names, size)
    shape = (1, preparation.side, preparation.side)
    runner = OnnxRunner(
        model.SerializeToString(),
        TensorSpec("image", shape),
        [TensorSpec(name, (size,)) for name in names],
        threads=settings.threads,
    )
    found = np.empty((len(films), len(names), size), np.float32)
    for index, film in enumerate(films):
        if index % 100 == 0:
            job.report("learning.progress.measuring", index, len(films))
        job.check()
        answer = runner.run(prepare(read_grey(film.path), preparation).tensor)
        found[index] = [answer[name] for name in names]
    return found


def _model_of(graph: bytes) -> "ModelProto":
    import onnx

    return onnx.load_model_from_string(graph)


def _maker(model: "ModelProto", name: str) -> Any:
    """The node that makes a tensor."""
    return next(node for node in model.graph.node if name in node.output)


def _maps_of(model: "ModelProto") -> list[tuple[str, str]]:
    """Each member's last maps, and their means: what the graph's embedding is put together from."""
    means = list(_maker(model, "embedding").input)
    return [(_maker(model, mean).input[0], mean) for mean in means]


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
        small, name = f"hint_maps_{index}", f"hint_places_{index}"
        pooled = helper.make_node("AveragePool", [maps], [small], kernel_shape=[cell, cell], strides=[cell, cell])
        model.graph.node.extend([pooled, helper.make_node("Flatten", [small], [name], axis=1)])
        names.append(name)
    return names


def _tell(model: "ModelProto", names: Sequence[str], size: int) -> None:
    """Tensors as outputs."""
    from onnx import TensorProto, helper

    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size]) for name in names)


def _finished(graph: bytes, lines: Sequence[picture_ridge.Line], usual: Floats) -> bytes:
    """The graph with a second logit and its map, each member's own as `member_hints`, and the embedding as how far it
    is from the mean of what was learned from. usual: (members, numbers), what the lines see in the mean."""
    import onnx
    from onnx import helper, numpy_helper

    model = _model_of(graph)
    pooled = _maps_of(model)
    grid, cell = _places(model)
    _rename(model, {name: f"pneumonia_{name}" for name in _OUTPUTS})
    nodes, told, shown = [], [], []
    for index, (name, line) in enumerate(zip(_add_places(model), lines, strict=True)):
        spread = line.weights.reshape(-1, grid, grid).repeat(cell, axis=1).repeat(cell, axis=2) / cell**2
        mean = usual[index].reshape(-1, grid, grid).repeat(cell, axis=1).repeat(cell, axis=2)
        values = {
            f"hint_weights_{index}": line.weights[:, None],
            f"hint_bias_{index}": np.array([line.bias]),
            f"hint_spread_{index}": spread[None] / len(lines),
            f"hint_usual_{index}": -(spread * mean).sum(axis=0)[None, None] / len(lines),
        }
        for key, value in values.items():
            model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), key))
        told.append(f"hint_{index}")
        shown.append(f"hint_map_{index}")
        nodes += [
            helper.make_node("MatMul", [name, f"hint_weights_{index}"], [f"hint_sum_{index}"]),
            helper.make_node("Add", [f"hint_sum_{index}", f"hint_bias_{index}"], [told[-1]]),
            helper.make_node("Mul", [pooled[index][0], f"hint_spread_{index}"], [f"hint_each_{index}"]),
            helper.make_node("ReduceSum", [f"hint_each_{index}", "hint_channels"], [f"hint_all_{index}"], keepdims=1),
            helper.make_node("Add", [f"hint_all_{index}", f"hint_usual_{index}"], [shown[-1]]),
        ]
    model.graph.initializer.append(numpy_helper.from_array(np.array([1], np.int64), "hint_channels"))
    centred = [_less_its_mean(model, mean) for _, mean in pooled]
    _maker(model, "embedding").input[:] = centred
    nodes += [
        helper.make_node("Concat", told, ["member_hints"], axis=1),
        helper.make_node("ReduceMean", ["member_hints", "hint_channels"], ["hint"], keepdims=1),
        helper.make_node("Sum", shown, ["hint_map"]),
        helper.make_node("Concat", ["pneumonia_logits", "hint"], ["logits"], axis=1),
        helper.make_node("Concat", ["pneumonia_activation", "hint_map"], ["activation"], axis=1),
    ]
    model.graph.node.extend(nodes)
    _tell(model, ["member_hints"], len(lines))
    for item in model.graph.output:
        if item.name in _OUTPUTS:
            item.type.tensor_type.shape.dim[1].dim_value = 2
    _put_in_order(model)
    onnx.checker.check_model(model, full_check=True)
    written: bytes = model.SerializeToString()
    return written


def _less_its_mean(model: "ModelProto", mean: str) -> str:
    """The tensor that is a member's embedding less the mean of what it learned from, as its distance is told by."""
    return next(str(node.output[0]) for node in model.graph.node if node.op_type == "Sub" and node.input[0] == mean)


def _rename(model: "ModelProto", names: dict[str, str]) -> None:
    """Tensors inside the graph; its outputs keep what they are called."""
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


def _put_in_order(model: "ModelProto") -> None:
    """Every node after those that make what it takes, as the format wants it, else in the order they stand in."""
    known = {item.name for item in (*model.graph.input, *model.graph.initializer)} | {""}
    waiting, ordered = list(model.graph.node), []
    while waiting:
        ready = next(node for node in waiting if known.issuperset(node.input))
        waiting.remove(ready)
        known.update(ready.output)
        ordered.append(ready)
    del model.graph.node[:]
    model.graph.node.extend(ordered)
