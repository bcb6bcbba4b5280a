"""The manifest of a model of retinas."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np

from desktop.inference.fundus_field import find_circle
from desktop.inference.fundus_gate import Limit
from desktop.inference.fundus_lesions import METHOD, lesion_measures
from desktop.inference.fundus_model import VESSELS, SeenRetina, golden_evidence
from desktop.inference.fundus_vessels import VesselPreparation, prepare_vessels
from desktop.inference.golden_fundus import RETINAS
from desktop.inference.manifest import FORMAT, TensorSpec
from desktop.inference.runner_onnx import OnnxRunner
from desktop.learning.forest_graph import forest_graph
from desktop.learning.fundus_data import Bytes
from desktop.learning.fundus_gating import SHAPE
from desktop.learning.fundus_grading import DME, DR, EVEN, KINDS, LEVELS, STEPS, FittedGrades
from desktop.learning.fundus_sets import FundusSet
from desktop.learning.publishing import NOT_MEASURED

GRAPH, GRADES_GRAPH = "model.onnx", "grades.onnx"
GOLDEN = "retina/1"
MEMBERS = "member_vessels"

NAMES: Mapping[str, Mapping[str, str]] = {
    DR: {"en": "Referable diabetic retinopathy", "zh": "需转诊的糖尿病视网膜病变"},
    DME: {"en": "Referable macular oedema", "zh": "需转诊的黄斑水肿"},
}
_SNOMED = "http://snomed.info/sct"
CODINGS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    DR: ((_SNOMED, "4855003", "Retinopathy due to diabetes mellitus"),),
    DME: ((_SNOMED, "312912001", "Macular edema due to diabetes mellitus"),),
}
_DIGITS = 6
_TOLERANCE = 0.2
"""Two or three of 200 trees that fall the other way, where arithmetic differs in the last digit."""
LEAST_AGE = 15
"""Years under which no grade is decided: it learned from grown-ups with diabetes."""

_SHORTEST_SIDE = 200
_LONGEST_SIDE = 12_000


@dataclass(frozen=True, eq=False)
class Graphs:
    """The bytes of what is shipped. grades: None where it only draws vessels."""

    vessels: bytes
    grades: bytes | None


def vessel_runner(graph: bytes, preparation: VesselPreparation, members: int) -> OnnxRunner:
    """The network of vessels, asked for each member's answer as well."""
    side = preparation.side
    outputs = (TensorSpec(VESSELS, (side, side)), TensorSpec(MEMBERS, (members, side, side)))
    return OnnxRunner(graph, TensorSpec("image", preparation.shape), outputs)


def look_with(runner: OnnxRunner, preparation: VesselPreparation, pixels: Bytes) -> SeenRetina | None:
    """A photograph as the clinic looks at it."""
    circle = find_circle(pixels)
    if circle is None:
        return None
    tensor, retina = prepare_vessels(pixels, circle, preparation)
    return SeenRetina(pixels, circle, retina, tensor, runner.run(tensor)[VESSELS])


def grades_graph(fitted: FittedGrades) -> bytes:
    """`measures` (n, numbers) → `logits` (n, levels), `distance` (n, 1)."""
    return forest_graph(fitted.forests, fitted.familiar, "measures")


def document(
    graphs: Graphs,
    runner: OnnxRunner,
    wanted: FundusSet,
    threshold: float,
    sight: Sequence[Limit],
    fitted: FittedGrades | None,
) -> dict[str, object]:
    """The manifest, but for its limits, which an evaluation states. runner: of the vessels."""
    manifest: dict[str, object] = {
        "format": FORMAT,
        "name": wanted.model,
        "version": wanted.version,
        "task": "fundus",
        "title": dict(wanted.title),
        "intended_use": dict(wanted.intended_use),
        "limits": NOT_MEASURED,
        "licence": "Apache-2.0 (weights); trained on data under " + ", ".join(one["licence"] for one in wanted.data),
        "research": wanted.research,
        "weights": _file(GRAPH, graphs.vessels),
        "network_data_format": _network_data_format(wanted.preparation),
        "preparation": _preparation(wanted.preparation),
        "vessels": {"threshold": round(threshold, _DIGITS)},
        "findings": [] if fitted is None else [_finding(fitted, place, kind) for place, kind in enumerate(KINDS)],
        "applicability": _applicability(),
        "quality": {"sight": [_limit(one) for one in sight]},
        "golden": {},
        "budget": {"memory_mb": 400, "milliseconds": 400},
        "data": [dict(one) for one in wanted.data],
        "training": "training.json",
    }
    if not wanted.research:
        del manifest["research"]
    if fitted is not None and graphs.grades is not None:
        manifest["grades"] = _grades(graphs.grades, fitted)
        manifest["out_of_distribution"] = {
            "method": "root mean square of robust z-scores of the measurements, inside the graph",
            "limit": fitted.familiar.limit,
        }
        manifest["applicability"] = {**_applicability(), "age_years": {"minimum": LEAST_AGE, "maximum": 120}}
    manifest["golden"] = _golden(runner, wanted.preparation, graphs.grades)
    return manifest


def _applicability() -> dict[str, object]:
    return {
        "modalities": ["OP", "XC", "SC", "OT", "PHOTO"],
        "picture": {"colour": "colour", "shortest_side": _SHORTEST_SIDE, "longest_side": _LONGEST_SIDE},
        "shape": [_limit(one) for one in SHAPE],
    }


def _preparation(preparation: VesselPreparation) -> dict[str, object]:
    """Without what is as usual."""
    stated = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(preparation).items()}
    usual = {one.name: one.default for one in fields(preparation)}
    return {name: value for name, value in stated.items() if getattr(preparation, name) != usual[name]}


def _network_data_format(preparation: VesselPreparation) -> dict[str, object]:
    side = preparation.side
    return {
        "inputs": {
            "image": {
                "type": "image",
                "format": "retina",
                "num_channels": len(preparation.lights),
                "spatial_shape": [side, side],
                "shape": list(preparation.shape),
                "dtype": "float32",
                "value_range": [-6, 6],
                "is_patch_data": False,
                "channel_def": {
                    str(at): f"{light} against its surroundings" for at, light in enumerate(preparation.lights)
                },
            }
        },
        "outputs": {VESSELS: {"type": "probability", "shape": [side, side], "dtype": "float32"}},
    }


def _file(name: str, data: bytes) -> dict[str, object]:
    return {"file": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _grades(graph: bytes, fitted: FittedGrades) -> dict[str, object]:
    return {
        **_file(GRADES_GRAPH, graph),
        "method": METHOD,
        "network_data_format": {
            "inputs": {
                "measures": {
                    "type": "measurements of a retina",
                    "shape": [len(fitted.familiar.usual)],
                    "dtype": "float32",
                }
            },
            "outputs": {"logits": {"type": "tensor", "shape": [len(LEVELS)], "dtype": "float32"}},
        },
        "gradings": [
            {"finding": kind, "outputs": [forest for _, forest in STEPS[kind]], "cuts": [EVEN] * len(STEPS[kind])}
            for kind in KINDS
        ],
    }


def _finding(fitted: FittedGrades, place: int, kind: str) -> dict[str, object]:
    calibration, thresholds = fitted.calibrations[place], fitted.thresholds[place]
    return {
        "key": kind,
        "output": place,
        "name": dict(NAMES[kind]),
        "codings": [{"system": system, "code": code, "display": display} for system, code, display in CODINGS[kind]],
        "calibration": {
            "method": "temperature and offset on photographs the judging forests never saw",
            "temperature": calibration.temperature,
            "offset": calibration.offset,
        },
        "thresholds": {
            "method": "class-conditional split conformal on photographs the judging forests never saw",
            "positive": round(thresholds.positive, _DIGITS),
            "negative": round(thresholds.negative, _DIGITS),
            "alpha_positive": thresholds.alpha_positive,
            "alpha_negative": thresholds.alpha_negative,
        },
    }


def _limit(limit: Limit) -> dict[str, object]:
    """Without the side that has none."""
    sides = {"low": limit.low, "high": limit.high}
    return {
        "measure": limit.measure,
        **{name: value for name, value in sides.items() if math.isfinite(value)},
        "problem": limit.problem,
    }


def _golden(runner: OnnxRunner, preparation: VesselPreparation, grades: bytes | None) -> dict[str, object]:
    """What the graphs answer to a drawn retina, by the clinic's own runner."""
    seen = look_with(runner, preparation, RETINAS[GOLDEN]())
    assert seen is not None, "the drawn retina is a circle"
    answers = {}
    if grades is not None:
        measures = np.array([list(lesion_measures(seen.pixels, seen.circle).values())], dtype=np.float32)
        outputs = (TensorSpec("logits", (len(LEVELS),)), TensorSpec("distance", (1,)))
        forests = OnnxRunner(grades, TensorSpec("measures", (measures.shape[1],)), outputs, threads=1)
        answers = dict(forests.run(measures))
    evidence = [round(float(value), _DIGITS) for value in golden_evidence(seen, answers)]
    return {"picture": GOLDEN, "evidence": evidence, "tolerance": _TOLERANCE}
