"""Forests of measured numbers as they are shipped: the log-odds of their shares, and how far a row is from the usual.

Needs onnx for the graph only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.learning.additive import Floats
from desktop.learning.forest import Forest, ensemble, filled_in, usual_of

EDGE = 1e-3
"""Shares are kept this far from 0 and 1, in the graph as well."""

CLIPPED = 8.0
_TENTHS_APART = 2.563
"""Standard deviations between the first and the last tenth of a normal distribution."""
_OPSET, _ML_OPSET, _IR = 17, 3, 9


@dataclass(frozen=True, eq=False)
class Familiar:
    """What numbers are usual: their median and spread (columns,), and the distance beyond which nothing is decided."""

    usual: npt.NDArray[np.float32]
    spread: npt.NDArray[np.float32]
    limit: float

    def distance(self, rows: Floats) -> Floats:
        """(n,) root mean square of how many spreads each number lies from the usual, each at most CLIPPED."""
        away = np.clip((filled_in(rows, self.usual) - self.usual) / self.spread, -CLIPPED, CLIPPED)
        return np.asarray(np.sqrt((away**2).mean(axis=1)), dtype=np.float64)


def familiar_of(rows: Floats, margin: float) -> Familiar:
    """What is usual among these rows. margin: how many times the farthest row's distance is still familiar."""
    usual = usual_of(rows)
    known = filled_in(rows, usual).astype(np.float64)
    low, high = np.percentile(known, [10, 90], axis=0)
    spread = np.maximum((high - low) / _TENTHS_APART, np.maximum(1e-3, 0.05 * known.std(axis=0))).astype(np.float32)
    found = Familiar(usual, spread, np.inf)
    return Familiar(usual, spread, round(margin * float(found.distance(rows).max()), 3))


def log_odds(shares: Floats) -> Floats:
    """Of shares, kept from 0 and 1."""
    kept = np.clip(shares, EDGE, 1 - EDGE)
    return np.asarray(np.log(kept / (1 - kept)), dtype=np.float64)


def forest_graph(forests: Sequence[Forest], familiar: Familiar, name: str) -> bytes:
    """A graph with the input `name` (n, columns), NaN where missing → `logits` (n, forests), the log-odds of each
    forest's share, and `distance` (n, 1), how far the numbers are from those learned from."""
    from onnx import TensorProto, helper, numpy_helper

    constants = {
        "usual": familiar.usual[None],
        "spread": familiar.spread[None],
        "edge": np.float32(EDGE),
        "other_edge": np.float32(1 - EDGE),
        "one": np.float32(1.0),
        "below": np.float32(-CLIPPED),
        "above": np.float32(CLIPPED),
    }
    node = helper.make_node
    nodes = [
        node("IsNaN", [name], ["missing"]),
        node("Where", ["missing", "usual", name], ["known"]),
        node("TreeEnsembleRegressor", ["known"], ["shares"], domain="ai.onnx.ml", **ensemble(forests)),
        node("Clip", ["shares", "edge", "other_edge"], ["kept"]),
        node("Sub", ["one", "kept"], ["against"]),
        node("Div", ["kept", "against"], ["odds"]),
        node("Log", ["odds"], ["logits"]),
        node("Sub", ["known", "usual"], ["apart"]),
        node("Div", ["apart", "spread"], ["spreads"]),
        node("Clip", ["spreads", "below", "above"], ["away"]),
        node("Mul", ["away", "away"], ["squares"]),
        node("ReduceMean", ["squares"], ["mean"], axes=[1], keepdims=1),
        node("Sqrt", ["mean"], ["distance"]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "forests",
        [value(name, TensorProto.FLOAT, ["batch", len(familiar.usual)])],
        [
            value("logits", TensorProto.FLOAT, ["batch", len(forests)]),
            value("distance", TensorProto.FLOAT, ["batch", 1]),
        ],
        [numpy_helper.from_array(np.asarray(held, dtype=np.float32), key) for key, held in constants.items()],
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _ML_OPSET)]
    data: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=_IR).SerializeToString()
    return data
