"""The child model's finished graph, taken apart and put together again. Needs onnx."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from desktop.inference.manifest import TensorSpec
from desktop.inference.picture_manifest import Preparation
from desktop.inference.preparation import prepare
from desktop.inference.runner_onnx import OnnxRunner
from desktop.jobs import Job
from desktop.learning.films import Film, read_grey

if TYPE_CHECKING:
    from onnx import ModelProto

FloatArray = npt.NDArray[np.float32]

MEASURED = "measured"
"""What is measured on a film beside the networks, (n, numbers); see `child_lines`."""
LINES = "lines_weights"
"""Weights of the lines of what is measured, (numbers, members)."""
ALONE = ("member_networks", "member_lines")
"""Outputs (n, members): what each member's network, and its line, would say alone, as calibrated log-odds."""


def model_of(graph: bytes) -> "ModelProto":
    """The bytes of a graph as what can be changed."""
    import onnx

    return onnx.load_model_from_string(graph)


def maker(model: "ModelProto", name: str) -> Any:
    """The node that makes a tensor."""
    return next(node for node in model.graph.node if name in node.output)


def made(model: "ModelProto", name: str) -> bool:
    """Whether some node makes a tensor of that name."""
    return any(name in node.output for node in model.graph.node)


def measured_size(model: "ModelProto") -> int:
    """How many numbers are measured on a film; 0 where none are."""
    return next((int(one.dims[0]) for one in model.graph.initializer if one.name == LINES), 0)


def tell(model: "ModelProto", sizes: Mapping[str, int]) -> None:
    """Tensors (batch, size) as outputs."""
    from onnx import TensorProto, helper

    model.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size]) for name, size in sizes.items()
    )


def keep(model: "ModelProto", values: Mapping[str, npt.ArrayLike]) -> None:
    """Numbers as float32 constants of the graph."""
    from onnx import numpy_helper

    for name, value in values.items():
        array = np.ascontiguousarray(np.asarray(value), np.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, name))


def rename(model: "ModelProto", names: Mapping[str, str]) -> None:
    """Tensors inside the graph; its outputs keep what they are called."""
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


def finished(model: "ModelProto") -> bytes:
    """Every node after those that make what it takes, as the format wants it, else in the order they stand in; looked
    through by the format's own checker."""
    import onnx

    known = {item.name for item in (*model.graph.input, *model.graph.initializer)} | {""}
    waiting, ordered = list(model.graph.node), []
    while waiting:
        ready = next(node for node in waiting if known.issuperset(node.input))
        waiting.remove(ready)
        known.update(ready.output)
        ordered.append(ready)
    del model.graph.node[:]
    model.graph.node.extend(ordered)
    onnx.checker.check_model(model, full_check=True)
    written: bytes = model.SerializeToString()
    return written


def answers(
    model: "ModelProto",
    sizes: Mapping[str, int],
    films: Sequence[Film],
    preparation: Preparation,
    threads: int,
    job: Job,
) -> dict[str, FloatArray]:
    """Each of the outputs, (n, size), for films as the clinic prepares them. Raises Cancelled."""
    runner = OnnxRunner(
        model.SerializeToString(),
        TensorSpec("image", (1, preparation.side, preparation.side)),
        [TensorSpec(name, (size,)) for name, size in sizes.items()],
        threads=threads,
    )
    found = {name: np.empty((len(films), size), np.float32) for name, size in sizes.items()}
    for index, film in enumerate(films):
        if index % 100 == 0:
            job.report("learning.progress.measuring", index, len(films))
        job.check()
        answer = runner.run(prepare(read_grey(film.path), preparation).tensor)
        for name in sizes:
            found[name][index] = answer[name]
    return found
