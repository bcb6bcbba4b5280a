"""The manifest of a model that reads traces: an electrocardiogram of twelve leads, or any lead of one."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from desktop.inference.fields import Fields, ManifestError
from desktop.inference.manifest import (
    GraphFile,
    Manifest,
    TensorSpec,
    common_members,
    graph_file,
    is_slug,
    slug,
    tensor,
)
from desktop.inference.subject import AgeRange, age_range

MAIN_GRAPH = "model"
"""The key of model.onnx among a model's graphs."""

_LONGEST = 7 * 86400.0


class WantedLeads(StrEnum):
    """What a model reads: the twelve standard leads together, or one or more of any of an electrocardiogram's."""

    STANDARD_12 = "standard_12"
    ANY = "any"


@dataclass(frozen=True)
class TraceRange:
    """Which recordings the model reads; others are refused. ages: it has learned from, None where it does not ask."""

    leads: WantedLeads
    lowest_rate: float
    shortest_seconds: float
    longest_seconds: float
    ages: AgeRange | None


@dataclass(frozen=True)
class TracePreparation:
    """How a trace becomes the graphs' inputs: the name and version of a method in our own code, such as
    `ecg-features/1`, and the rate in Hz it works at."""

    method: str
    rate: float


@dataclass(frozen=True)
class TraceGraph:
    """One graph. input: the tensor it takes; it may be asked for several at once. outputs: the tensors asked of it."""

    key: str
    file: GraphFile
    input: TensorSpec
    outputs: tuple[TensorSpec, ...]

    def output(self, name: str) -> TensorSpec:
        """The output of that name. Raises KeyError."""
        for spec in self.outputs:
            if spec.name == name:
                return spec
        raise KeyError(name)


@dataclass(frozen=True)
class TraceGolden:
    """A trace drawn by our own code (`golden.TRACES`) and the evidence the model gave for it when it was made."""

    trace: str
    evidence: tuple[float, ...]
    tolerance: float


@dataclass(frozen=True)
class TraceManifest(Manifest):
    """Everything about one model of traces, valid once built. graphs: model.onnx first, then those it needs besides."""

    range: TraceRange
    preparation: TracePreparation
    graphs: tuple[TraceGraph, ...]
    golden: TraceGolden

    def graph(self, key: str) -> TraceGraph:
        """The graph with this key. Raises KeyError."""
        for graph in self.graphs:
            if graph.key == key:
                return graph
        raise KeyError(key)


def read_trace_manifest(fields: Fields) -> TraceManifest:
    """The manifest in a document. Raises ManifestError, naming the place, for whatever does not hold."""
    return TraceManifest(**trace_members(fields))


def trace_members(fields: Fields) -> dict[str, Any]:
    """The arguments of a `TraceManifest`, for kinds of task that add some. Raises ManifestError."""
    common = common_members(fields)
    graphs = [_graph(MAIN_GRAPH, common["weights"], fields.inner("network_data_format"))]
    if fields.has("graphs"):
        graphs += [
            _graph(slug(item, "key"), graph_file(item), item.inner("network_data_format"))
            for item in fields.objects("graphs")
        ]
    if len({graph.key for graph in graphs}) != len(graphs):
        raise ManifestError("graphs", "each graph needs a key of its own")
    return common | {
        "range": _range(fields.inner("applicability")),
        "preparation": _preparation(fields.inner("preparation")),
        "graphs": tuple(graphs),
        "golden": _golden(fields.inner("golden")),
    }


def _graph(key: str, file: GraphFile, tensors: Fields) -> TraceGraph:
    inputs = _tensors(tensors.inner("inputs"))
    if len(inputs) != 1:
        raise ManifestError(tensors.place("inputs"), "one input was expected")
    return TraceGraph(key, file, inputs[0], _tensors(tensors.inner("outputs")))


def _tensors(fields: Fields) -> tuple[TensorSpec, ...]:
    for name in fields.members:
        if not is_slug(name):
            raise ManifestError(fields.place(name), "the name of a tensor was expected")
    found = tuple(tensor(fields.inner(name), name) for name in fields.members)
    if not found:
        raise ManifestError(fields.where, "a tensor was expected")
    return found


def _range(fields: Fields) -> TraceRange:
    leads = fields.text("leads")
    if leads not in tuple(WantedLeads):
        raise ManifestError(fields.place("leads"), "standard_12 or any was expected")
    shortest = fields.number("shortest_seconds", low=0.1, high=_LONGEST)
    return TraceRange(
        leads=WantedLeads(leads),
        lowest_rate=fields.number("lowest_rate_hz", low=1.0, high=100_000.0),
        shortest_seconds=shortest,
        longest_seconds=fields.number("longest_seconds", low=shortest, high=_LONGEST),
        ages=age_range(fields.inner("age_years")) if fields.has("age_years") else None,
    )


def _preparation(fields: Fields) -> TracePreparation:
    return TracePreparation(fields.text("method"), fields.number("rate_hz", low=1.0, high=100_000.0))


def _golden(fields: Fields) -> TraceGolden:
    evidence = fields.numbers("evidence")
    if not evidence:
        raise ManifestError(fields.place("evidence"), "numbers were expected")
    return TraceGolden(fields.text("trace"), evidence, fields.number("tolerance", low=0.0, high=1.0))
