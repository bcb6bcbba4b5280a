"""A graph without what nothing is calculated from, and its weights in half the bytes. Needs onnx."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import GraphProto

LEARNED = "members."
"""How the names of what a training learned begin, as PyTorch wrote them (`network.Ensemble`, `PictureEnsemble`)."""
_LARGE = 256
"""Values; smaller tensors are not worth a node."""


def bare(graph: bytes) -> bytes:
    """The same graph without what the exporter noted down beside its nodes (from which line each came, what it is
    called, what shape it has): a megabyte of a large one that nothing is calculated from. Large constants that it wrote
    down wherever they are used are kept once."""
    import onnx

    model = onnx.load_model_from_string(graph)
    for node in model.graph.node:
        node.ClearField("doc_string")
        node.ClearField("name")
        del node.metadata_props[:]
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    _kept_once(model.graph)
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString()
    return written


def _kept_once(graph: "GraphProto") -> None:
    """One tensor for all that hold the same large numbers."""
    from onnx import numpy_helper

    kept, names, first = [], dict[str, str](), dict[tuple[int, tuple[int, ...], bytes], str]()
    given = {one.name for one in graph.output}
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        # What a lesson may change is two things even where it is the same now.
        if values.size >= _LARGE and tensor.name not in given and not tensor.name.startswith(LEARNED):
            same = first.setdefault((tensor.data_type, values.shape, values.tobytes()), tensor.name)
            if same != tensor.name:
                names[tensor.name] = same
                continue
        kept.append(tensor)
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def halved(graph: bytes) -> bytes:
    """The same graph with its large tables kept in half precision, and cast back to single when it is loaded: it is
    calculated with as before, and the file is half as large. Weights beyond half precision's range stay as they are."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load_model_from_string(graph)
    kept, casts = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            small = values.astype(np.float16)
        # Biases are few, and move the answers most.
        plain = tensor.data_type != TensorProto.FLOAT or values.size < _LARGE or values.ndim < 2
        if plain or not np.isfinite(small).all():
            kept.append(tensor)
            continue
        kept.append(numpy_helper.from_array(small, f"{tensor.name}_half"))
        casts.append(helper.make_node("Cast", [f"{tensor.name}_half"], [tensor.name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:]
    del model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString()
    return written
