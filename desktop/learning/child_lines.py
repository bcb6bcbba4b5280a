"""A straight line beside each child network, of what is measured on a film, put into the finished graph. Needs onnx.

Directions of gradients, texture and the film in small (`picture_network.measured`) tell pneumonia about as well as a
small network does, and err on other films. So each member answers by the mean of two log-odds, its network's and its
line's, each calibrated on the children of the parts that the member does learn from, by members that never saw them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from desktop.inference.picture_manifest import Preparation
from desktop.jobs import Job
from desktop.learning import child_graph, picture_ridge
from desktop.learning.child_graph import ALONE, LINES, MEASURED
from desktop.learning.child_settings import Settings
from desktop.learning.films import Film, fold_of
from desktop.learning.statistics import fit_calibration

if TYPE_CHECKING:
    from onnx import ModelProto

Floats = npt.NDArray[np.float64]

_RAW = "member_networks_raw"


@dataclass(frozen=True, eq=False)
class Beside:
    """The graph with the lines in it, and what each film's own held-out member says now: logits (n)."""

    graph: bytes
    logits: Floats


@dataclass(frozen=True, eq=False)
class _Member:
    """What one member is put together from. network, told: (temperature, offset) of its network's and its line's
    logits."""

    line: picture_ridge.Line
    network: tuple[float, float]
    told: tuple[float, float]


def add(
    graph: bytes,
    films: Sequence[Film],
    networks: Floats,
    preparation: Preparation,
    settings: Settings,
    job: Job,
    say: Callable[[str], None],
) -> Beside:
    """Learn the lines and put them into a graph of an ensemble as it was exported, one that measures too.

    networks: what each film's own held-out network says of it (n). Raises Cancelled, and ValueError where a class is
    missing from what a member learns from.
    """
    from onnx.utils import Extractor

    say(f"measuring {len(films)} films, for the lines beside the networks")
    model = child_graph.model_of(graph)
    measuring = Extractor(model).extract_model(["image"], [MEASURED])
    sizes = {MEASURED: int(measuring.graph.output[0].type.tensor_type.shape.dim[1].dim_value)}
    numbers = child_graph.answers(measuring, sizes, films, preparation, settings.threads, job)[MEASURED]
    labels = np.array([film.pneumonia for film in films])
    parts = np.array([fold_of(film.group, settings.seed, settings.members) for film in films], dtype=np.int64)
    lines, told = [], np.zeros(len(films))
    for part in range(settings.members):
        job.check()
        learned = parts != part
        seen = numbers[learned].astype(np.float64)
        components = picture_ridge.components_of(seen, settings.line_components)
        lines.append(picture_ridge.fit(components, seen, labels[learned], settings.line_ridge))
        told[~learned] = lines[-1].scores(numbers[~learned].astype(np.float64))
    members, logits = [], np.zeros(len(films))
    for part, line in enumerate(lines):
        own, others = parts == part, parts != part
        scales = [fit_calibration(said[others], labels[others]) for said in (networks, told)]
        members.append(_Member(line, *scales))
        each = [said[own] / scale[0] + scale[1] for said, scale in zip((networks, told), scales, strict=True)]
        logits[own] = (each[0] + each[1]) / 2
    return Beside(_finished(model, members), logits)


def _finished(model: "ModelProto", members: Sequence[_Member]) -> bytes:
    """The graph whose members answer by network and line together; its map stays that of the networks."""
    from onnx import helper

    measured = next(item for item in model.graph.output if item.name == MEASURED)
    model.graph.output.remove(measured)
    # Only what makes it: the mean over the members is now that of what the nodes below make.
    child_graph.maker(model, "member_logits").output[:] = [_RAW]
    child_graph.keep(
        model,
        {
            LINES: np.stack([one.line.weights / one.told[0] for one in members], axis=1),
            "lines_bias": [[one.line.bias / one.told[0] + one.told[1] for one in members]],
            "networks_scale": [[1 / one.network[0] for one in members]],
            "networks_bias": [[one.network[1] for one in members]],
            "members_half": [0.5],
        },
    )
    networks, lines = ALONE
    model.graph.node.extend(
        [
            helper.make_node("MatMul", [MEASURED, LINES], ["lines_sum"]),
            helper.make_node("Add", ["lines_sum", "lines_bias"], [lines]),
            helper.make_node("Mul", [_RAW, "networks_scale"], ["networks_scaled"]),
            helper.make_node("Add", ["networks_scaled", "networks_bias"], [networks]),
            helper.make_node("Add", [networks, lines], ["members_sum"]),
            helper.make_node("Mul", ["members_sum", "members_half"], ["member_logits"]),
        ]
    )
    child_graph.tell(model, dict.fromkeys(ALONE, len(members)))
    return child_graph.finished(model)
