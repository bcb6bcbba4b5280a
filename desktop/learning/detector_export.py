"""The manifest of a detector."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from desktop.inference.calibration import Calibration
from desktop.inference.detection_manifest import TileSpec
from desktop.inference.detection_model import golden_evidence
from desktop.inference.field_picture import prepare_field
from desktop.inference.golden_fields import FIELDS
from desktop.inference.manifest import FORMAT
from desktop.inference.runner_onnx import OnnxRunner
from desktop.inference.usual_answers import UsualAnswers
from desktop.learning.detector_data import preparation_of
from desktop.learning.detector_evaluation import KindFit, Measured
from desktop.learning.detector_sets import DetectorSet
from desktop.learning.detector_settings import DetectorSettings
from desktop.learning.publishing import NOT_MEASURED

GRAPH = "model.onnx"
_DIGITS = 6
_SHORTEST_SIDE = 240
"""Pixels of a photograph's shorter side: below, a platelet is a few pixels wide."""
_TINTED_SHARE = 0.02
_TOLERANCE = 0.02


def document(
    graph: bytes, runner: OnnxRunner, wanted: DetectorSet, measured: Measured, settings: DetectorSettings
) -> dict[str, Any]:
    """The manifest, but for its limits, which an evaluation states. graph: its bytes; runner: the same."""
    return {
        "format": FORMAT,
        "name": wanted.model,
        "version": wanted.version,
        "task": "object-detection",
        "title": dict(wanted.title),
        "intended_use": dict(wanted.intended_use),
        "limits": NOT_MEASURED,
        **({"research": True} if wanted.research else {}),
        "licence": "for research where it was made; not to be passed on, see data"
        if wanted.research
        else "Apache-2.0 (weights); trained on data under " + ", ".join(one["licence"] for one in wanted.data),
        "weights": {"file": GRAPH, "sha256": hashlib.sha256(graph).hexdigest(), "bytes": len(graph)},
        "network_data_format": _network_data_format(wanted, len(measured.usual.members) if measured.usual else 0),
        "preparation": {"width": wanted.width, "height": wanted.height},
        "findings": _findings(wanted, measured),
        "boxes": {
            "overlap": settings.overlap,
            "listed": settings.listed,
            **({"stride": wanted.stride, "each_once": True} if wanted.each_once else {}),
            "kinds": [
                _kind(kind.key, kind.name, kind.codings, fit)
                for kind, fit in zip(wanted.kinds, measured.kinds, strict=True)
            ],
            **_grade(wanted),
            **_tiles(measured.tiles),
        },
        "applicability": {
            "modalities": ["GM", "SM", "XC", "SC", "OT", "PHOTO"],
            "picture": {"colour": "colour", "shortest_side": _SHORTEST_SIDE},
            "tinted_share": _TINTED_SHARE,
            **_stain(wanted),
        },
        "out_of_distribution": {
            "method": "Mahalanobis distance of the embedding per root dimension, shrunken covariance, inside the graph",
            "limit": round(settings.distance_margin * measured.farthest, 4),
            **_usual(measured.usual),
        },
        "golden": _golden(runner, wanted),
        "budget": {"memory_mb": 400, "milliseconds": 3000},
        "data": [dict(one) for one in wanted.data],
        "training": "training.json",
    }


def with_tiles(manifest: Mapping[str, Any], tiles: TileSpec | None) -> dict[str, Any]:
    """A manifest that says when a photograph is looked at in tiles, or that none is."""
    boxes = {name: value for name, value in manifest["boxes"].items() if name != "tiles"}
    return {**manifest, "boxes": boxes | _tiles(tiles)}


def _tiles(tiles: TileSpec | None) -> dict[str, object]:
    return {} if tiles is None else {"tiles": asdict(tiles)}


def _findings(wanted: DetectorSet, measured: Measured) -> list[object]:
    """The finding that a count grades, where there is one."""
    graded, fit = wanted.graded, measured.finding
    if graded is None or fit is None:
        return []
    return [
        {
            "key": graded.key,
            "output": 0,
            "name": dict(graded.name),
            "codings": [dict(coding) for coding in graded.codings],
            "calibration": _calibration(fit.calibration),
            "thresholds": {name: round(value, _DIGITS) for name, value in asdict(fit.thresholds).items()},
        }
    ]


def _usual(usual: UsualAnswers | None) -> dict[str, object]:
    if usual is None:
        return {}
    members = [{"mean": list(one.mean), "precision": list(one.precision)} for one in usual.members]
    return {"answers": {"members": members, "limit": usual.limit}}


def _grade(wanted: DetectorSet) -> dict[str, object]:
    graded = wanted.graded
    if graded is None:
        return {}
    return {"grade": {"finding": graded.key, "kind": wanted.kinds[graded.kind].key, "cuts": list(graded.cuts)}}


def _stain(wanted: DetectorSet) -> dict[str, object]:
    if wanted.stain is None:
        return {}
    return {"stain": {name: at for name, at in zip(("low", "high"), wanted.stain, strict=True) if at is not None}}


def _calibration(fit: Calibration) -> dict[str, float]:
    return {"temperature": round(fit.temperature, _DIGITS), "offset": round(fit.offset, _DIGITS)}


def _network_data_format(wanted: DetectorSet, members: int) -> dict[str, object]:
    """members: whose maps the clinic asks for too, 0 for none."""
    own = {"type": "tensor", "dtype": "float32"}
    cells = [wanted.height // wanted.stride, wanted.width // wanted.stride]
    return {
        "inputs": {
            "image": {
                "type": "image",
                "format": "photograph",
                "num_channels": 3,
                "spatial_shape": [wanted.height, wanted.width],
                "shape": [3, wanted.height, wanted.width],
                "dtype": "float32",
                "value_range": [0, 255],
                "is_patch_data": False,
                "channel_def": {"0": "red", "1": "green", "2": "blue"},
            }
        },
        "outputs": {
            "scores": {"type": "tensor", "shape": [len(wanted.kinds), *cells], "dtype": "float32"},
            "reach": {"type": "tensor", "shape": [4, *cells], "dtype": "float32"},
            **({"member_scores": {**own, "shape": [2 * members, *cells]}} if members else {}),
        },
    }


def _kind(key: str, name: Mapping[str, str], codings: Sequence[Mapping[str, str]], fit: KindFit) -> dict[str, object]:
    return {
        "key": key,
        "name": dict(name),
        "codings": [dict(coding) for coding in codings],
        "calibration": _calibration(fit.calibration),
        **({"calibration_at_rim": _calibration(fit.rim)} if fit.rim is not None else {}),
        "threshold": round(fit.threshold, _DIGITS),
        "spread": [round(value, 4) for value in fit.spread],
    }


def _golden(runner: OnnxRunner, wanted: DetectorSet) -> dict[str, object]:
    field = prepare_field(FIELDS[wanted.golden](), preparation_of(wanted))
    evidence = golden_evidence(runner.run(field.tensor))
    return {
        "picture": wanted.golden,
        "evidence": [round(float(value), _DIGITS) for value in np.asarray(evidence)],
        "tolerance": _TOLERANCE,
    }
