"""A graph of convolutions along a line as one of pictures one row high: the same numbers, which runners reach faster.
Needs onnx."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

_ALONG = ("Conv", "AveragePool")
_PLACE_BY_PLACE = ("Add", "Relu")
_ROW = "one_row_axis"


def one_row_high(graph: bytes) -> bytes:
    """The same graph, whose convolutions and averages along a line run along the one row of a picture. A graph that has
    none is given back as it is. Raises ValueError where such a convolution's weights are no constant of the graph."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load_model_from_string(graph)
    ranks = {one.name: len(one.dims) for one in model.graph.initializer}
    if not any(_along_a_line(node, ranks) for node in model.graph.node):
        return graph
    rows, nodes = dict[str, str](), list["NodeProto"]()
    for node in model.graph.node:
        if _along_a_line(node, ranks):
            if node.input[0] not in rows:
                rows[node.input[0]] = f"{node.input[0]}_row"
                nodes.append(helper.make_node("Unsqueeze", [node.input[0], _ROW], [rows[node.input[0]]]))
            _widen(node, model.graph)
            node.input[0] = rows[node.input[0]]
        elif node.op_type in _PLACE_BY_PLACE and all(name in rows for name in node.input):
            node.input[:] = [rows[name] for name in node.input]
        else:
            nodes.append(node)
            continue
        # What else takes it finds it under its own name, without the row; where nothing does, a runner leaves that out.
        line = node.output[0]
        rows[line] = node.output[0] = f"{line}_row"
        nodes += [node, helper.make_node("Squeeze", [rows[line], _ROW], [line])]
    taken = {name for node in nodes for name in node.input} | {one.name for one in model.graph.output}
    kept = [type(node).FromString(node.SerializeToString()) for node in nodes if taken.intersection(node.output)]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    model.graph.initializer.append(numpy_helper.from_array(np.array([2], np.int64), _ROW))
    onnx.checker.check_model(model, full_check=True)
    written: bytes = model.SerializeToString()
    return written


def _along_a_line(node: "NodeProto", ranks: Mapping[str, int]) -> bool:
    """ranks: of the graph's constants. A convolution need not say how large its kernel is: its weights do."""
    if node.op_type not in _ALONG:
        return False
    for one in node.attribute:
        if one.name == "kernel_shape":
            return len(one.ints) == 1
    return ranks.get(node.input[1]) == 3


def _widen(node: "NodeProto", graph: "GraphProto") -> None:
    """Its kernel, steps and edges, and the weights it is given."""
    from onnx import numpy_helper

    for one in node.attribute:
        if one.name in ("kernel_shape", "strides", "dilations"):
            one.ints[:] = [1, *one.ints]
        elif one.name == "pads":
            one.ints[:] = [0, one.ints[0], 0, one.ints[1]]
    if node.op_type == "Conv":
        tensor = next((one for one in graph.initializer if one.name == node.input[1]), None)
        if tensor is None:
            raise ValueError("the weights of a convolution are no constant of the graph")
        weights = numpy_helper.to_array(tensor)
        if weights.ndim == 3:
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(weights[:, :, None]), tensor.name))
