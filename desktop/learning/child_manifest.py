"""The manifest of the child pneumonia model."""

from pathlib import Path

import numpy as np

from desktop.inference import golden
from desktop.inference.calibration import Calibration, ConformalThresholds, conformal_thresholds
from desktop.inference.manifest import FORMAT, TensorSpec
from desktop.inference.picture_manifest import Preparation
from desktop.inference.preparation import prepare
from desktop.inference.runner_onnx import OnnxRunner
from desktop.learning.child_data import FRAME_LEVEL, PERCENTILES
from desktop.learning.child_settings import Settings
from desktop.learning.publishing import NOT_MEASURED, graph_entry

NAME = "chest-xray-child"
VERSION = "1.0.0"
KEY = "pneumonia"
GOLDEN = "lung-phantom/1"
EPSILON = 0.05

TITLE = {"en": "Child chest X-ray: pneumonia", "zh": "儿童胸片：肺炎"}
FINDING = {"en": "Pneumonia", "zh": "肺炎"}
INTENDED_USE = {
    "en": "A second opinion on frontal chest X-rays of children aged 1 to 5 with a cough or fever, shown after the "
    "doctor's own reading. It does not replace the examination, and it does not say what causes a pneumonia.",
    "zh": "用于 1–5 岁有咳嗽或发热的儿童正位胸片，在医生先读片之后提供第二意见。不能代替查体，也不判断肺炎的病因。",
}
CODINGS = (
    {"system": "http://hl7.org/fhir/sid/icd-10", "code": "J18.9", "display": "Pneumonia, unspecified"},
    {"system": "http://snomed.info/sct", "code": "233604007", "display": "Pneumonia (disorder)"},
    {"system": "http://radlex.org", "code": "RID5350", "display": "pneumonia"},
)
DATA = (
    {
        "name": "Labeled Optical Coherence Tomography (OCT) and Chest X-Ray Images, Mendeley Data rscbjbr9sj",
        "licence": "CC BY 4.0",
        "credit": "Kermany D., Zhang K., Goldbaum M. (2018). Guangzhou Women and Children's Medical Center. "
        "Cite Kermany et al., Cell 172:1122-1131 (2018).",
    },
    {
        "name": "NIH ChestX-ray14 (quality gate only)",
        "licence": "no restriction on use, attribution requested",
        "credit": "NIH Clinical Center; cite Wang et al., CVPR 2017.",
    },
    {
        "name": "COVID-19 Image Repository, Hannover Medical School (quality gate only)",
        "licence": "CC BY 3.0",
        "credit": "Hannover Medical School, Diagnostic and Interventional Radiology (Winther et al. 2020).",
    },
)


def fitted(
    probabilities: "np.typing.NDArray[np.float64]", labels: "np.typing.NDArray[np.bool_]", settings: Settings
) -> ConformalThresholds:
    """Class-conditional thresholds from held-out films."""
    return conformal_thresholds(
        probabilities[labels].tolist(), probabilities[~labels].tolist(), settings.alpha, settings.alpha
    )


def document(
    work: Path,
    settings: Settings,
    calibration: Calibration,
    thresholds: ConformalThresholds,
    distance_limit: float,
    gate: dict[str, object],
    credits_: tuple[dict[str, str], ...] = DATA,
) -> dict[str, object]:
    """The manifest for the graphs in `work`, its limits not measured yet. gate: classes, pass_at, distance_limit."""
    return {
        "format": FORMAT,
        "name": NAME,
        "version": VERSION,
        "task": "image-classification",
        "title": TITLE,
        "intended_use": INTENDED_USE,
        "limits": NOT_MEASURED,
        "licence": "Apache-2.0 (weights); trained on data under CC BY 4.0 and CC BY 3.0, see data",
        "weights": graph_entry(work / "model.onnx"),
        "network_data_format": _network_data_format(settings),
        "preparation": _preparation(settings.side),
        "findings": [_finding(calibration, thresholds)],
        "applicability": {
            "age_years": {"minimum": 1, "maximum": 5},
            "modalities": ["CR", "DX", "SC", "OT", "PHOTO"],
            "body_part": "CHEST",
            "view": "frontal",
        },
        "out_of_distribution": {
            "method": "Mahalanobis distance of the embedding per root dimension, shrunken covariance, inside the graph",
            "limit": round(distance_limit, 4),
        },
        "quality": {**graph_entry(work / "quality.onnx"), "preparation": _preparation(settings.gate_side), **gate},
        "golden": golden_entry(work, settings, gate),
        "budget": {"memory_mb": 400, "milliseconds": 400},
        "data": list(credits_),
        "training": "training.json",
    }


def _network_data_format(settings: Settings) -> dict[str, object]:
    """Inputs and outputs of model.onnx, by the MONAI Bundle's names."""
    width = settings.widths[-1]
    grid = settings.side // 16
    shapes = {
        "logits": [1],
        "activation": [1, grid, grid],
        "embedding": [settings.members * width],
        "distance": [1],
        "member_logits": [settings.members],
    }
    image = {
        "type": "image",
        "format": "radiograph",
        "modality": "CR, DX",
        "num_channels": 1,
        "spatial_shape": [settings.side, settings.side],
        "shape": [1, settings.side, settings.side],
        "dtype": "float32",
        "value_range": [-10, 10],
        "is_patch_data": False,
        "channel_def": {"0": "radiodensity, bright is dense, standardised"},
    }
    outputs = {name: {"type": "tensor", "shape": shape, "dtype": "float32"} for name, shape in shapes.items()}
    return {"inputs": {"image": image}, "outputs": outputs}


def _finding(calibration: Calibration, thresholds: ConformalThresholds) -> dict[str, object]:
    return {
        "key": KEY,
        "output": 0,
        "name": FINDING,
        "codings": list(CODINGS),
        "calibration": {
            "method": "temperature and offset on held-out patients",
            "temperature": round(calibration.temperature, 6),
            "offset": round(calibration.offset, 6),
        },
        "thresholds": {
            "method": "class-conditional split conformal on held-out patients",
            "positive": round(thresholds.positive, 6),
            "negative": round(thresholds.negative, 6),
            "alpha_positive": thresholds.alpha_positive,
            "alpha_negative": thresholds.alpha_negative,
        },
    }


def _preparation(side: int) -> dict[str, object]:
    return {
        "side": side,
        "low_percentile": PERCENTILES[0],
        "high_percentile": PERCENTILES[1],
        "epsilon": EPSILON,
        "frame_level": FRAME_LEVEL,
    }


def golden_entry(work: Path, settings: Settings, gate: dict[str, object]) -> dict[str, object]:
    """What both graphs answer to the golden picture, by the clinic's own runner."""
    picture = golden.PICTURES[GOLDEN]()
    classes = gate["classes"]
    assert isinstance(classes, list)
    answers = []
    for file, side, count in (
        ("model.onnx", settings.side, 1),
        ("quality.onnx", settings.gate_side, len(classes)),
    ):
        spec = TensorSpec("image", (1, side, side))
        runner = OnnxRunner((work / file).read_bytes(), spec, (TensorSpec("logits", (count,)),))
        tensor = prepare(picture, Preparation(side, *PERCENTILES, EPSILON, FRAME_LEVEL)).tensor
        answers.append([round(float(value), 6) for value in runner.run(tensor)["logits"]])
    return {"picture": GOLDEN, "logits": answers[0], "quality_logits": answers[1], "tolerance": 0.002}
