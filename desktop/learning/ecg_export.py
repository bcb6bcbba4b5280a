"""The forests of twelve leads as a single-file ONNX graph, and their manifest."""

import hashlib
from collections.abc import Mapping

from desktop.inference import golden
from desktop.inference.manifest import FORMAT, TensorSpec
from desktop.inference.runner_onnx import OnnxRunner
from desktop.inference.tasks.trace_findings import features
from desktop.learning.ecg_data import FINDINGS
from desktop.learning.ecg_training import FittedEcg
from desktop.learning.forest_graph import forest_graph
from desktop.learning.publishing import NOT_MEASURED
from desktop.signals.twelve import RATE
from desktop.signals.twelve_features import COUNT, METHOD

NAME = "ecg-12-lead"
VERSION = "1.0.0"
GRAPH = "model.onnx"
GOLDEN = "resting-heart/1"

TITLE = {"en": "Electrocardiogram, twelve leads", "zh": "十二导联心电图"}
INTENDED_USE = {
    "en": "A second opinion on a resting electrocardiogram of a grown-up, shown after the doctor's own reading. It "
    "judges six findings independently. It does not see when something began, and a normal answer does not exclude an "
    "acute infarction: with chest pain, act on the patient, not on the model.",
    "zh": "为成人静息心电图提供第二意见，在医生先读图之后显示。模型分别判断六项结果，不能说明病变何时开始；"
    "结果正常并不排除急性心肌梗死：有胸痛时，应以患者情况为准，而不是以模型为准。",
}
NAMES: Mapping[str, Mapping[str, str]] = {
    "normal_ecg": {"en": "Normal electrocardiogram", "zh": "正常心电图"},
    "myocardial_infarction": {"en": "Myocardial infarction, old or new", "zh": "心肌梗死（陈旧或新发）"},
    "st_t_change": {"en": "ST-T change", "zh": "ST-T 改变"},
    "conduction_disturbance": {"en": "Conduction disturbance", "zh": "传导异常"},
    "hypertrophy": {"en": "Hypertrophy", "zh": "心室或心房肥大"},
    "atrial_fibrillation": {"en": "Atrial fibrillation", "zh": "心房颤动"},
}
_SNOMED, _ICD = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10"
CODINGS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "normal_ecg": ((_SNOMED, "164854000", "Electrocardiogram normal"),),
    "myocardial_infarction": ((_SNOMED, "164865005", "Electrocardiogram: myocardial infarction"),),
    "st_t_change": ((_ICD, "R94.3", "Abnormal results of cardiovascular function studies"),),
    "conduction_disturbance": (
        (_SNOMED, "44808001", "Conduction disorder of the heart"),
        (_ICD, "I45.9", "Conduction disorder, unspecified"),
    ),
    "hypertrophy": (),
    "atrial_fibrillation": (
        (_SNOMED, "164889003", "Electrocardiographic atrial fibrillation"),
        (_ICD, "I48.9", "Atrial fibrillation and atrial flutter, unspecified"),
    ),
}
DATA = (
    {
        "name": "PTB-XL, a large publicly available electrocardiography dataset (432 of its recordings at 100 Hz)",
        "licence": "CC BY 4.0",
        "credit": "Wagner P., Strodthoff N., Bousseljot R., Samek W., Schaeffter T.; PhysioNet. Cite Wagner et al., "
        "Scientific Data 7:154 (2020), and Goldberger et al., Circulation 101:e215 (2000).",
    },
)
_TOLERANCE = 0.05
_DIGITS = 6


def graph_of(fitted: FittedEcg) -> bytes:
    """`features` (n, COUNT), NaN where missing → `logits` (n, findings) and `distance` (n, 1), see `forest_graph`."""
    return forest_graph(fitted.forests, fitted.familiar, "features")


def document(data: bytes, fitted: FittedEcg) -> dict[str, object]:
    """The manifest, but for its limits, which an evaluation states. data: the graph's bytes."""
    return {
        "format": FORMAT,
        "name": NAME,
        "version": VERSION,
        "task": "trace-findings",
        "title": TITLE,
        "intended_use": INTENDED_USE,
        "limits": NOT_MEASURED,
        "licence": "Apache-2.0 (weights); trained on data under CC BY 4.0",
        "weights": {"file": GRAPH, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)},
        "network_data_format": {
            "inputs": {"features": {"type": "measurements of a trace", "shape": [COUNT], "dtype": "float32"}},
            "outputs": {
                "logits": {"type": "tensor", "shape": [len(FINDINGS)], "dtype": "float32"},
                "distance": {"type": "tensor", "shape": [1], "dtype": "float32"},
            },
        },
        "preparation": {"method": METHOD, "rate_hz": RATE},
        "findings": [_finding(fitted, place, key) for place, key in enumerate(FINDINGS)],
        "applicability": {
            "leads": "standard_12",
            "lowest_rate_hz": 100,
            "shortest_seconds": 5,
            "longest_seconds": 1900,
            "age_years": {"minimum": 16, "maximum": 150},
        },
        "out_of_distribution": {
            "method": "root mean square of robust z-scores of the measurements, inside the graph",
            "limit": fitted.familiar.limit,
        },
        "golden": _golden(data),
        "budget": {"memory_mb": 400, "milliseconds": 200},
        "data": list(DATA),
        "training": "training.json",
    }


def _finding(fitted: FittedEcg, place: int, key: str) -> dict[str, object]:
    calibration, thresholds = fitted.calibrations[place], fitted.thresholds[place]
    return {
        "key": key,
        "output": place,
        "name": dict(NAMES[key]),
        "codings": [{"system": system, "code": code, "display": display} for system, code, display in CODINGS[key]],
        "calibration": {
            "method": "temperature and offset on patients the judging forests never saw",
            "temperature": calibration.temperature,
            "offset": calibration.offset,
        },
        "thresholds": {
            "method": "class-conditional split conformal on patients the judging forests never saw",
            "positive": round(thresholds.positive, _DIGITS),
            "negative": round(thresholds.negative, _DIGITS),
            "alpha_positive": thresholds.alpha_positive,
            "alpha_negative": thresholds.alpha_negative,
        },
    }


def _golden(data: bytes) -> dict[str, object]:
    """What the graph answers to a drawn heart, by the clinic's own runner."""
    runner = OnnxRunner(
        data,
        TensorSpec("features", (COUNT,)),
        (TensorSpec("logits", (len(FINDINGS),)), TensorSpec("distance", (1,))),
        threads=1,
    )
    outputs = runner.run(features(golden.TRACES[GOLDEN]())[0])
    evidence = [round(float(value), _DIGITS) for name in ("logits", "distance") for value in outputs[name]]
    return {"trace": GOLDEN, "evidence": evidence, "tolerance": _TOLERANCE}
