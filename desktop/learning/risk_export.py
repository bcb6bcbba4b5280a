"""An additive model as a single-file ONNX graph, and its manifest."""

import hashlib
from collections.abc import Sequence

import numpy as np

from desktop.inference.manifest import FORMAT, TensorSpec
from desktop.inference.runner_onnx import OnnxRunner
from desktop.learning.additive import Additive, Curve, Floats
from desktop.learning.publishing import NOT_MEASURED
from desktop.learning.risk_sets import ColumnText, RiskSet
from desktop.learning.risk_training import Fitted
from desktop.learning.tables import Table

VERSION = "1.0.0"
GRAPH = "model.onnx"
INTENDED_USE = {
    "en": "A second opinion on the risk of one disease from what was asked and measured, with what each value adds. "
    "An association in past data is not a cause: changing a value need not change the risk.",
    "zh": "根据问诊和检查结果，对某一种疾病的风险提供第二意见，并列出每项数值的影响。"
    "既往数据中的关联不是因果：改变某个数值不一定改变风险。",
}
_TOLERANCE = 1e-4
_DIGITS = 6
_OPSET = 17
_IR = 9


def graph_of(model: Additive) -> bytes:
    """`values` (1, columns), NaN where absent → `contributions` (1, columns), `logits` (1, 1).

    Each value is brought to 0..1 between the ends of its curve, and the curve is a sum of hinges there, so that single
    precision is enough for a cell count of 26,400 as well.
    """
    from onnx import TensorProto, helper, numpy_helper

    low, span, starts, bends, first = _hinges(model.curves)
    constants = {
        "low": low,
        "span": span,
        "starts": starts,
        "bends": bends,
        "first": first,
        "nought": np.zeros(1),
        "one": np.ones(1),
        "baseline": np.array([[model.baseline]]),
    }
    node = helper.make_node
    nodes = [
        node("IsNaN", ["values"], ["missing"]),
        node("Where", ["missing", "low", "values"], ["known"]),
        node("Sub", ["known", "low"], ["above"]),
        node("Div", ["above", "span"], ["free"]),
        node("Max", ["free", "nought"], ["not_below"]),
        node("Min", ["not_below", "one"], ["place"]),
        node("Unsqueeze", ["place", "last"], ["places"]),
        node("Sub", ["places", "starts"], ["beyond"]),
        node("Relu", ["beyond"], ["hinges"]),
        node("Mul", ["hinges", "bends"], ["bent"]),
        node("ReduceSum", ["bent", "last"], ["risen"], keepdims=0),
        node("Add", ["risen", "first"], ["added"]),
        node("Where", ["missing", "nought", "added"], ["contributions"]),
        node("ReduceSum", ["contributions", "second"], ["sum"], keepdims=1),
        node("Add", ["sum", "baseline"], ["logits"]),
    ]
    tensors = [numpy_helper.from_array(np.asarray(value, dtype=np.float32), name) for name, value in constants.items()]
    tensors += [numpy_helper.from_array(np.array([place], dtype=np.int64), name) for name, place in _AXES.items()]
    count = len(model.curves)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "additive",
        [value("values", TensorProto.FLOAT, ["batch", count])],
        [
            value("logits", TensorProto.FLOAT, ["batch", 1]),
            value("contributions", TensorProto.FLOAT, ["batch", count]),
        ],
        tensors,
    )
    data: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR
    ).SerializeToString()
    return data


_AXES = {"last": 2, "second": 1}


def _hinges(curves: Sequence[Curve]) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Low end and span (columns,), where each hinge starts and how much the slope changes there (columns, hinges),
    and the height at the low end."""
    most = max(2, *(len(curve.knots) for curve in curves)) - 1
    low = np.array([curve.knots[0] for curve in curves])
    span = np.array([(curve.knots[-1] - curve.knots[0]) or 1.0 for curve in curves])
    starts, bends = np.zeros((len(curves), most)), np.zeros((len(curves), most))
    for row, curve in enumerate(curves):
        places = (curve.knots - low[row]) / span[row]
        slopes = np.diff(curve.heights) / np.diff(places)
        starts[row, : len(slopes)] = places[:-1]
        bends[row, : len(slopes)] = np.diff(slopes, prepend=0.0)
    first = np.array([curve.heights[0] for curve in curves])
    return low, span, starts, bends, first


def document(data: bytes, risk: RiskSet, fitted: Fitted, table: Table, missing_limit: float) -> dict[str, object]:
    """The manifest, but for its limits, which an evaluation states. data: the graph's bytes."""
    count = len(risk.columns)
    thresholds, baseline = fitted.thresholds, _stated(fitted.model.baseline)
    system, (code, display) = "http://hl7.org/fhir/sid/icd-10", risk.coding
    return {
        "format": FORMAT,
        "name": risk.model,
        "version": VERSION,
        "task": "table-additive",
        "title": dict(risk.title),
        "intended_use": INTENDED_USE,
        "limits": NOT_MEASURED,
        "licence": f"Apache-2.0 (weights); trained on data under {risk.licence}",
        "weights": {"file": GRAPH, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)},
        "network_data_format": {
            "inputs": {"values": {"type": "table row", "shape": [count], "dtype": "float32"}},
            "outputs": {
                "logits": {"type": "tensor", "shape": [1], "dtype": "float32"},
                "contributions": {"type": "tensor", "shape": [count], "dtype": "float32"},
            },
        },
        "columns": [
            _column(column, values, float(weight))
            for column, values, weight in zip(risk.columns, table.rows.T, fitted.weights, strict=True)
        ],
        "baseline": baseline,
        "findings": [
            {
                "key": risk.finding,
                "output": 0,
                "name": dict(risk.finding_name),
                "codings": [{"system": system, "code": code, "display": display}],
                "calibration": {
                    "method": "slope and offset by cross-validation, within the graph",
                    "temperature": 1.0,
                    "offset": 0.0,
                },
                "thresholds": {
                    "method": "class-conditional split conformal on people the judging models never saw",
                    "positive": round(thresholds.positive, _DIGITS),
                    "negative": round(thresholds.negative, _DIGITS),
                    "alpha_positive": thresholds.alpha_positive,
                    "alpha_negative": thresholds.alpha_negative,
                },
            }
        ],
        "applicability": {
            "missing_limit": missing_limit,
            "people": {language: text.format(n=len(table.labels)) for language, text in risk.people.items()},
            **({"sexes": list(risk.sexes)} if risk.sexes else {}),
        },
        "golden": _golden(data, risk, table),
        "budget": {"memory_mb": 400, "milliseconds": 50},
        "data": [{"name": risk.data_name, "licence": risk.licence, "credit": risk.credit}],
    }


def _stated(baseline: float) -> float:
    """As the graph holds it, in single precision."""
    return float(np.float32(baseline))


def _column(column: ColumnText, values: Floats, weight: float) -> dict[str, object]:
    members: dict[str, object] = {"key": column.key, "name": dict(column.name)}
    if column.unit:
        members["unit"] = column.unit
    if column.choices:
        members["choices"] = [{"value": value, "name": dict(name)} for value, name in column.choices.items()]
    else:
        members |= {"low": float(np.nanmin(values)), "high": float(np.nanmax(values))}
    return {**members, "weight": weight}


def _golden(data: bytes, risk: RiskSet, table: Table) -> dict[str, object]:
    """A made-up row: a third of the way up each column, the second choice, and nothing in every fifth column."""
    row: list[float | None] = []
    for place, (column, values) in enumerate(zip(risk.columns, table.rows.T, strict=True)):
        if place % 5 == 4:
            row.append(None)
        elif column.choices:
            row.append(1.0)
        else:
            low, high = float(np.nanmin(values)), float(np.nanmax(values))
            row.append(round(low + (high - low) / 3, 2))
    count = len(row)
    runner = OnnxRunner(
        data, TensorSpec("values", (count,)), (TensorSpec("logits", (1,)), TensorSpec("contributions", (count,)))
    )
    asked = np.array([[np.nan if value is None else value for value in row]], dtype=np.float32)
    answer = runner.run(asked)
    return {
        "values": row,
        "logit": round(float(answer["logits"][0]), _DIGITS),
        "contributions": [round(float(value), _DIGITS) for value in answer["contributions"]],
        "tolerance": _TOLERANCE,
    }
