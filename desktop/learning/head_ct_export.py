"""The lines of head CT as a single-file ONNX graph, and their manifest."""

import hashlib
from collections.abc import Mapping

import numpy as np

from desktop.inference import golden
from desktop.inference.head_slice import COUNT, METHOD, measure
from desktop.inference.manifest import FORMAT, TensorSpec
from desktop.inference.picture_manifest import HeadOnBlack
from desktop.inference.runner_onnx import OnnxRunner
from desktop.learning.forest_graph import CLIPPED
from desktop.learning.head_ct_data import FINDINGS
from desktop.learning.head_ct_training import FittedHeadCt, Lines
from desktop.learning.publishing import NOT_MEASURED

NAME = "head-ct"
VERSION = "1.0.0"
GRAPH = "model.onnx"
GOLDEN = "head-phantom/1"
TITLE = {"en": "Head CT slice: haemorrhage, fracture (research)", "zh": "头部 CT 单层：出血、骨折（研究）"}
INTENDED_USE = {
    "en": "A research pack: a second opinion on one slice of a head CT without contrast, in a brain window, of "
    "somebody who was hurt; shown after the doctor's own reading. It judges each slice by itself, knows no others of "
    "the series, and a slice without a finding says nothing of the head.",
    "zh": "研究包：对外伤患者平扫头部 CT 脑窗单层图像提供第二意见，在医生先读片之后显示。"
    "它逐层单独判断，不了解同一序列的其他层面；某一层未见异常并不说明整个头部。",
}
NAMES: Mapping[str, Mapping[str, str]] = {
    "haemorrhage": {"en": "Haemorrhage inside the skull", "zh": "颅内出血"},
    "fracture": {"en": "Fracture of the skull", "zh": "颅骨骨折"},
}
_SNOMED, _ICD = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10"
CODINGS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "haemorrhage": ((_SNOMED, "1386000", "Intracranial hemorrhage (disorder)"),),
    "fracture": ((_ICD, "S02.9", "Fracture of skull and facial bones, part unspecified"),),
}
DATA = (
    {
        "name": "CT-ICH: CT images for intracranial haemorrhage detection and segmentation (551 slices)",
        "licence": "CC BY 4.0 as PhysioNet released versions 1.0 to 1.3.0 (stated in the paper); a later version is "
        "under restricted access, so the weights are for research here and are not passed on",
        "credit": "Hssayeni M. D. et al., PhysioNet. Cite Hssayeni et al., Data 5:14 (2020), and Goldberger et al., "
        "Circulation 101:e215 (2000).",
    },
)
# Of 551 slices the least black is 45 %, the least white head 9 %, and none reaches the edge; of other pictures here
# (films, retinas, smears, the same heads in a bone window) none is within.
HEAD = HeadOnBlack(ground=0.35, bone=0.05, edge=0.08)
_SHORTEST = 128
# The plain limits are those of films; what matters here is asked of the head itself.
_PIXELS = {
    "darkest_median": 0.0,
    "brightest_median": 1.0,
    "black_share": 1.0,
    "white_share": 1.0,
    "longest_aspect": 2.0,
}
_TOLERANCE = 0.25
_DIGITS = 6
_OPSET, _IR = 17, 9


def graph_of(lines: Lines) -> bytes:
    """`image` (n, COUNT): measured numbers, NaN where missing → `logits` (n, findings), `embedding` (n, COUNT): how far
    each number is from the usual, `distance` (n, 1): how far they are together."""
    from onnx import TensorProto, helper, numpy_helper

    constants = {
        "usual": lines.familiar.usual[None],
        "spread": lines.familiar.spread[None],
        "least": -lines.clipped,
        "most": lines.clipped,
        "below": -CLIPPED,
        "above": CLIPPED,
        "weights": lines.weights,
        "biases": lines.biases[None],
    }
    node = helper.make_node
    nodes = [
        node("IsNaN", ["image"], ["missing"]),
        node("Where", ["missing", "usual", "image"], ["known"]),
        node("Sub", ["known", "usual"], ["apart"]),
        node("Div", ["apart", "spread"], ["spreads"]),
        node("Clip", ["spreads", "least", "most"], ["embedding"]),
        node("MatMul", ["embedding", "weights"], ["sums"]),
        node("Add", ["sums", "biases"], ["logits"]),
        node("Clip", ["spreads", "below", "above"], ["away"]),
        node("Mul", ["away", "away"], ["squares"]),
        node("ReduceMean", ["squares"], ["mean"], axes=[1], keepdims=1),
        node("Sqrt", ["mean"], ["distance"]),
    ]
    sizes = {"image": COUNT, "logits": len(FINDINGS), "embedding": COUNT, "distance": 1}
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size]) for name, size in sizes.items()]
    graph = helper.make_graph(
        nodes,
        "lines",
        values[:1],
        values[1:],
        [numpy_helper.from_array(np.asarray(held, dtype=np.float32), key) for key, held in constants.items()],
    )
    opsets = [helper.make_opsetid("", _OPSET)]
    data: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=_IR).SerializeToString()
    return data


def document(data: bytes, fitted: FittedHeadCt) -> dict[str, object]:
    """The manifest, but for its limits, which an evaluation states. data: the graph's bytes."""
    return {
        "format": FORMAT,
        "name": NAME,
        "version": VERSION,
        "task": "image-classification",
        "research": True,
        "title": TITLE,
        "intended_use": INTENDED_USE,
        "limits": NOT_MEASURED,
        "licence": "for research where it was made; not to be passed on, see data",
        "weights": {"file": GRAPH, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)},
        "network_data_format": _tensors(),
        "preparation": {"method": METHOD, "count": COUNT},
        "findings": [_finding(fitted, place, key) for place, key in enumerate(FINDINGS)],
        "applicability": {
            "modalities": ["PHOTO", "SC", "OT"],
            "body_part": "head",
            "picture": {"shortest_side": _SHORTEST, "longest_side": 4096, "longest_aspect": 2.0, "head": _head()},
        },
        "out_of_distribution": {
            "method": "root mean square of robust z-scores of the measurements, inside the graph",
            "limit": fitted.lines.familiar.limit,
        },
        "quality": {"pixels": _PIXELS},
        "golden": _golden(data),
        "budget": {"memory_mb": 400, "milliseconds": 200},
        "data": list(DATA),
        "training": "training.json",
    }


def _head() -> dict[str, float]:
    return {"ground": HEAD.ground, "bone": HEAD.bone, "edge": HEAD.edge}


def _tensors() -> dict[str, object]:
    shapes = {"logits": [len(FINDINGS)], "embedding": [COUNT], "distance": [1]}
    return {
        "inputs": {"image": {"type": "measurements of a picture", "shape": [COUNT], "dtype": "float32"}},
        "outputs": {name: {"type": "tensor", "shape": shape, "dtype": "float32"} for name, shape in shapes.items()},
    }


def _finding(fitted: FittedHeadCt, place: int, key: str) -> dict[str, object]:
    calibration, thresholds = fitted.calibrations[place], fitted.thresholds[place]
    return {
        "key": key,
        "output": place,
        "name": dict(NAMES[key]),
        "codings": [{"system": system, "code": code, "display": display} for system, code, display in CODINGS[key]],
        "calibration": {
            "method": "temperature and offset on people the judging lines never saw",
            "temperature": calibration.temperature,
            "offset": calibration.offset,
        },
        "thresholds": {
            "method": "class-conditional split conformal on people the judging lines never saw",
            "positive": round(thresholds.positive, _DIGITS),
            "negative": round(thresholds.negative, _DIGITS),
            "alpha_positive": thresholds.alpha_positive,
            "alpha_negative": thresholds.alpha_negative,
        },
    }


def _golden(data: bytes) -> dict[str, object]:
    """What the graph answers to a drawn head, by the clinic's own runner."""
    runner = OnnxRunner(data, TensorSpec("image", (COUNT,)), (TensorSpec("logits", (len(FINDINGS),)),), threads=1)
    answer = runner.run(measure(golden.PICTURES[GOLDEN]()))["logits"]
    logits = [round(float(value), _DIGITS) for value in answer]
    return {"picture": GOLDEN, "logits": logits, "quality_logits": [], "tolerance": _TOLERANCE}
