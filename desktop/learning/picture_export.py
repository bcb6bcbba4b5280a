"""The manifest of a picture model."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from desktop.errors import ErrorKind, KnownFailure
from desktop.inference.golden import PICTURES
from desktop.inference.manifest import FORMAT, TensorSpec
from desktop.inference.preparation import prepare
from desktop.inference.registry import MANIFEST, read_picture_model
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.learning.picture_figures import Fit
from desktop.learning.picture_sets import LINES_GRID, PictureFinding, PictureSet
from desktop.learning.picture_settings import PictureSettings
from desktop.learning.publishing import NOT_MEASURED
from desktop.settings import model_folder

GRAPH = "model.onnx"
GATE = "quality.onnx"
_DIGITS = 6


@dataclass(frozen=True, eq=False)
class BorrowedGate:
    """The quality gate of a bundled model. graph: its file; entry: `quality` of a manifest; golden: what it answers to
    the golden picture."""

    graph: bytes
    entry: Mapping[str, Any]
    golden: Sequence[float]


def borrow_gate(wanted: PictureSet) -> BorrowedGate | None:
    """The gate that looks first, None where only plain limits do. Raises KnownFailure where the bundled model that has
    it is missing or damaged."""
    if wanted.gate is None:
        return None
    folder = model_folder() / wanted.gate
    model = read_picture_model(folder)
    gate = model.manifest.gate
    if gate is None:
        raise KnownFailure("inference.manifest_damaged", kind=ErrorKind.IO, model=wanted.gate)
    graph = read_weights(folder, gate.graph)
    entry = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["quality"]
    side = gate.preparation.side
    runner = OnnxRunner(graph, TensorSpec("image", (1, side, side)), (TensorSpec("logits", (len(gate.classes),)),))
    answer = runner.run(prepare(PICTURES[wanted.golden](), gate.preparation).tensor)["logits"]
    return BorrowedGate(graph, {**entry, "file": GATE}, [round(float(value), _DIGITS) for value in answer])


def document(
    graph: bytes,
    golden_logits: Sequence[float],
    gate: BorrowedGate | None,
    wanted: PictureSet,
    spoken: Sequence[PictureFinding],
    fits: Sequence[Fit],
    distance_limit: float,
    settings: PictureSettings,
) -> dict[str, object]:
    """The manifest, but for its limits, which an evaluation states. graph: its bytes."""
    return {
        "format": FORMAT,
        "name": wanted.model,
        "version": wanted.version,
        "task": "image-classification",
        **({"research": True} if wanted.research else {}),
        "title": dict(wanted.title),
        "intended_use": dict(wanted.intended_use),
        "limits": NOT_MEASURED,
        "licence": "for research where it was made; not to be passed on, see data"
        if wanted.research
        else "Apache-2.0 (weights); trained on data under " + ", ".join(_licences(wanted)),
        "weights": {"file": GRAPH, "sha256": hashlib.sha256(graph).hexdigest(), "bytes": len(graph)},
        "network_data_format": _network_data_format(len(spoken), wanted, settings),
        "preparation": {
            "side": settings.side,
            "low_percentile": settings.low_percentile,
            "high_percentile": settings.high_percentile,
            "epsilon": settings.epsilon,
            "frame_level": settings.frame_level,
        },
        "findings": [_finding(place, one, fits[place], settings) for place, one in enumerate(spoken)],
        "applicability": _applicability(wanted),
        "out_of_distribution": {
            "method": "Mahalanobis distance of the embedding per root dimension, shrunken covariance, inside the graph",
            "limit": round(distance_limit, 4),
        },
        "quality": dict(gate.entry) if gate else {"pixels": dict(wanted.pixels or {})},
        "golden": {
            "picture": wanted.golden,
            "logits": list(golden_logits),
            "quality_logits": list(gate.golden) if gate else [],
            "tolerance": 0.002,
        },
        "budget": {"memory_mb": 400, "milliseconds": 400},
        "data": [dict(one) for one in wanted.data],
        "training": "training.json",
    }


def _licences(wanted: PictureSet) -> list[str]:
    """Each once, in order."""
    return list(dict.fromkeys(one["licence"] for one in wanted.data))


def _applicability(wanted: PictureSet) -> dict[str, object]:
    found: dict[str, object] = {"modalities": list(wanted.modalities)}
    if wanted.ages is not None:
        found["age_years"] = {"minimum": wanted.ages[0], "maximum": wanted.ages[1]}
    for name, value in (("body_part", wanted.body_part), ("view", wanted.view)):
        if value:
            found[name] = value
    if wanted.picture is not None:
        found["picture"] = dict(wanted.picture)
    return found


def grid_of(settings: PictureSettings) -> int:
    """Places along a side of the map."""
    side = settings.side // settings.fold
    for _ in settings.widths[1:]:
        side = (side + 1) // 2
    return side


def _network_data_format(findings: int, wanted: PictureSet, settings: PictureSettings) -> dict[str, object]:
    """Inputs and outputs of model.onnx, by the MONAI Bundle's names."""
    grid, width = grid_of(settings), settings.widths[-1] * (2 if settings.peaks else 1)
    if wanted.lines is not None:
        grid, width = LINES_GRID, wanted.lines.kept
    shapes = {
        "logits": [findings],
        "activation": [findings, grid, grid],
        "embedding": [settings.members * width],
        "distance": [1],
        "member_logits": [settings.members, findings],
    }
    image = {
        "type": "image",
        "format": wanted.format,
        "num_channels": 1,
        "spatial_shape": [settings.side, settings.side],
        "shape": [1, settings.side, settings.side],
        "dtype": "float32",
        "value_range": [-10, 10],
        "is_patch_data": False,
        "channel_def": {"0": "brightness as displayed, standardised"},
    }
    outputs = {name: {"type": "tensor", "shape": shape, "dtype": "float32"} for name, shape in shapes.items()}
    return {"inputs": {"image": image}, "outputs": outputs}


def _finding(place: int, finding: PictureFinding, fit: Fit, settings: PictureSettings) -> dict[str, object]:
    return {
        "key": finding.key,
        "output": place,
        "name": dict(finding.name),
        "codings": [dict(coding) for coding in finding.codings],
        "calibration": {
            "method": "temperature and offset on held-out patients",
            "temperature": round(fit.calibration.temperature, _DIGITS),
            "offset": round(fit.calibration.offset, _DIGITS),
        },
        "thresholds": {
            "method": "class-conditional split conformal on held-out patients",
            "positive": round(fit.thresholds.positive, _DIGITS),
            "negative": round(fit.thresholds.negative, _DIGITS),
            "alpha_positive": round(fit.thresholds.alpha_positive, _DIGITS),
            "alpha_negative": round(fit.thresholds.alpha_negative, _DIGITS),
        },
    }
