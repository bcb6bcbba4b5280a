"""The manifest of the child pneumonia model."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from desktop.inference import golden
from desktop.inference.calibration import Calibration, ConformalThresholds, conformal_thresholds
from desktop.inference.manifest import FORMAT, TensorSpec
from desktop.inference.picture_manifest import Preparation
from desktop.inference.preparation import prepare
from desktop.inference.runner_onnx import OnnxRunner
from desktop.learning.child_data import FRAME_LEVEL, PERCENTILES
from desktop.learning.child_graph import ALONE
from desktop.learning.child_hint import KEY as HINT_KEY
from desktop.learning.child_hint import Hint
from desktop.learning.child_settings import Settings
from desktop.learning.publishing import NOT_MEASURED, graph_entry
from desktop.learning.records import Json
from desktop.learning.statistics import fit_calibration

NAME = "chest-xray-child"
VERSION = "1.2.1"
KEY = "pneumonia"
GOLDEN = "lung-phantom/1"
EPSILON = 0.05

TITLE = {"en": "Child chest X-ray: pneumonia", "zh": "儿童胸片：肺炎"}
FINDING = {"en": "Pneumonia", "zh": "肺炎"}
HINT = {
    "en": "Bacterial, if pneumonia (hint)",
    "zh": "若为肺炎则偏细菌性（提示）",
}
INTENDED_USE = {
    "en": "A second opinion on frontal chest X-rays of children aged 1 to 5 with a cough or fever, shown after the "
    "doctor's own reading. It does not replace the examination. Where a film may show pneumonia it also hints "
    "whether it looks like those that bacteria or viruses caused: no hint from a film decides on antibiotics.",
    "zh": "用于 1–5 岁有咳嗽或发热的儿童正位胸片，在医生先读片之后提供第二意见。不能代替查体。"
    "在可能为肺炎的胸片上，它还提示影像更像细菌性还是病毒性；是否使用抗生素不能由胸片的提示决定。",
}
CODINGS = (
    {"system": "http://hl7.org/fhir/sid/icd-10", "code": "J18.9", "display": "Pneumonia, unspecified"},
    {"system": "http://snomed.info/sct", "code": "233604007", "display": "Pneumonia (disorder)"},
    {"system": "http://radlex.org", "code": "RID5350", "display": "pneumonia"},
)
HINT_CODINGS = (
    {"system": "http://hl7.org/fhir/sid/icd-10", "code": "J15.9", "display": "Bacterial pneumonia, unspecified"},
    {"system": "http://snomed.info/sct", "code": "53084003", "display": "Bacterial pneumonia (disorder)"},
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


@dataclass(frozen=True)
class Fit:
    """How a logit becomes a probability and an answer."""

    calibration: Calibration
    thresholds: ConformalThresholds


def fitted(logits: "np.typing.NDArray[np.float64]", labels: "np.typing.NDArray[np.bool_]", alpha: float) -> Fit:
    """Calibration and class-conditional thresholds from held-out films. alpha: share of each class that may wrongly be
    excluded."""
    calibration = Calibration(*fit_calibration(logits, labels))
    said = np.array([calibration.probability(float(logit)) for logit in logits])
    return Fit(calibration, conformal_thresholds(said[labels].tolist(), said[~labels].tolist(), alpha, alpha))


def fitted_hint(hint: Hint, settings: Settings) -> Fit:
    """The same of the hint."""
    return fitted(hint.logits, hint.bacterial, settings.hint_alpha)


def calibrations(fit: Fit, hint: Fit | None) -> dict[str, Json]:
    """As in the record of a training."""
    found: dict[str, Json] = {"temperature": fit.calibration.temperature, "offset": fit.calibration.offset}
    if hint is not None:
        found[HINT_KEY] = {"temperature": hint.calibration.temperature, "offset": hint.calibration.offset}
    return found


def preparation(settings: Settings) -> Preparation:
    """How the clinic prepares a film for the networks."""
    return Preparation(settings.side, *PERCENTILES, EPSILON, FRAME_LEVEL)


def document(
    work: Path,
    settings: Settings,
    fit: Fit,
    hint: Fit | None,
    distance_limit: float,
    gate: dict[str, object],
    credits_: tuple[dict[str, str], ...] = DATA,
) -> dict[str, object]:
    """The manifest for the graphs in `work`, its limits not measured yet. hint: None where the graph gives none. gate:
    classes, pass_at, distance_limit."""
    findings = [_finding(KEY, 0, FINDING, CODINGS, fit)]
    if hint is not None:
        findings.append({**_finding(HINT_KEY, 1, HINT, HINT_CODINGS, hint), "hint_of": KEY})
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
        "network_data_format": _network_data_format(settings, len(findings)),
        "preparation": _preparation(settings.side),
        "findings": findings,
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
        "golden": golden_entry(work, settings, gate, len(findings)),
        "budget": {"memory_mb": 400, "milliseconds": 400},
        "data": list(credits_),
        "training": "training.json",
    }


def _network_data_format(settings: Settings, findings: int) -> dict[str, object]:
    """Inputs and outputs of model.onnx, by the MONAI Bundle's names."""
    width = settings.widths[-1]
    grid = settings.side // 16
    shapes = {
        "logits": [findings],
        "activation": [findings, grid, grid],
        "embedding": [settings.members * width],
        "distance": [1],
        "member_logits": [settings.members],
        **{name: [settings.members] for name in ALONE},
        **({"member_hints": [settings.members]} if findings > 1 else {}),
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


def _finding(
    key: str, output: int, name: dict[str, str], codings: tuple[dict[str, str], ...], fit: Fit
) -> dict[str, object]:
    calibration, thresholds = fit.calibration, fit.thresholds
    return {
        "key": key,
        "output": output,
        "name": name,
        "codings": list(codings),
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


def golden_entry(work: Path, settings: Settings, gate: dict[str, object], findings: int) -> dict[str, object]:
    """What both graphs answer to the golden picture, by the clinic's own runner."""
    picture = golden.PICTURES[GOLDEN]()
    classes = gate["classes"]
    assert isinstance(classes, list)
    answers = []
    for file, side, count in (
        ("model.onnx", settings.side, findings),
        ("quality.onnx", settings.gate_side, len(classes)),
    ):
        spec = TensorSpec("image", (1, side, side))
        runner = OnnxRunner((work / file).read_bytes(), spec, (TensorSpec("logits", (count,)),))
        tensor = prepare(picture, Preparation(side, *PERCENTILES, EPSILON, FRAME_LEVEL)).tensor
        answers.append([round(float(value), 6) for value in runner.run(tensor)["logits"]])
    return {"picture": GOLDEN, "logits": answers[0], "quality_logits": answers[1], "tolerance": 0.002}
