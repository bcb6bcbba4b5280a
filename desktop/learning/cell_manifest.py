"""The manifest of the malaria cell model."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from desktop.inference import golden
from desktop.inference.calibration import Calibration, ConformalThresholds
from desktop.inference.manifest import FORMAT, TensorSpec
from desktop.inference.picture_manifest import OneBody, PictureKind
from desktop.inference.preparation import prepare
from desktop.inference.runner_onnx import OnnxRunner
from desktop.learning.cell_settings import Settings
from desktop.learning.publishing import NOT_MEASURED, graph_entry

NAME = "malaria-cell"
VERSION = "1.1.1"
KEY = "parasitized"
GOLDEN = "cell-phantom/1"

TITLE = {"en": "Red cell: malaria parasite", "zh": "红细胞：疟原虫"}
FINDING = {"en": "Malaria parasite in the red cell", "zh": "红细胞内有疟原虫"}
INTENDED_USE = {
    "en": "A second opinion on single red cells cut out of a Giemsa-stained thin blood film, in colour or grey, black "
    "around the cell. It does not replace the examination of the film: it neither finds cells nor names the species, "
    "and one cell is no diagnosis.",
    "zh": "对吉姆萨染色薄血膜中裁出的单个红细胞（彩色或灰度，四周为黑色）提供第二意见。不能代替血膜镜检：不会寻找细胞，"
    "也不判断虫种；单个细胞不能作为诊断。",
}
CODINGS = (
    {
        "system": "http://hl7.org/fhir/sid/icd-10",
        "code": "B50.9",
        "display": "Plasmodium falciparum malaria, unspecified",
    },
)
DATA = (
    {
        "name": "NIH/NLM malaria cell images (thin films, Chittagong)",
        "licence": "NLM data, open with attribution",
        "credit": "Lister Hill National Center for Biomedical Communications, National Library of Medicine. Cite "
        "Rajaraman et al., PeerJ 6:e4568 (2018).",
    },
)
# Measured on the cells learned from and on films, retinas, slices and smears: see the card.
KIND = PictureKind(
    shortest_side=24, longest_side=320, longest_aspect=3.0, one_body=OneBody(border=0.62, even=0.88, murky=0.09)
)
PIXELS = {
    "shortest_side": 24,
    "longest_aspect": 3.0,
    "brightest_median": 0.99,
    "black_share": 0.8,
    "white_share": 0.5,
    "coloured_share": 1.0,
}
# Beyond so many times the distance up to which there are decisions, a picture is no cell at all.
STRANGE = 1.5


def document(
    work: Path,
    settings: Settings,
    calibration: Calibration,
    thresholds: ConformalThresholds,
    distance_limit: float,
) -> dict[str, object]:
    """The manifest for the graph in `work`, its limits not measured yet."""
    return {
        "format": FORMAT,
        "name": NAME,
        "version": VERSION,
        "task": "image-classification",
        "title": TITLE,
        "intended_use": INTENDED_USE,
        "limits": NOT_MEASURED,
        "licence": "Apache-2.0 (weights); trained on open data of the National Library of Medicine, see data",
        "weights": graph_entry(work / "model.onnx"),
        "network_data_format": _network_data_format(settings),
        "preparation": {"method": "cell", **asdict(settings.preparation)},
        "findings": [_finding(calibration, thresholds)],
        "applicability": {"modalities": ["PHOTO", "SC", "OT"], "picture": _kind()},
        "out_of_distribution": {
            "method": "Mahalanobis distance of the embedding per root dimension, shrunken covariance, inside the graph",
            "limit": round(distance_limit, 4),
            "refused": round(STRANGE * distance_limit, 4),
        },
        "quality": {"pixels": PIXELS},
        "golden": golden_entry(work, settings),
        "budget": {"memory_mb": 400, "milliseconds": 100},
        "data": list(DATA),
        "training": "training.json",
    }


def _kind() -> dict[str, object]:
    assert KIND.one_body is not None
    return {
        "shortest_side": KIND.shortest_side,
        "longest_side": KIND.longest_side,
        "longest_aspect": KIND.longest_aspect,
        "one_body": asdict(KIND.one_body),
    }


def _shapes(settings: Settings) -> Mapping[str, list[int]]:
    """Of the graph's outputs."""
    grid = settings.side // (settings.fold * 2 ** (len(settings.widths) - 1))
    return {
        "logits": [1],
        "activation": [1, grid, grid],
        "embedding": [settings.members * 2 * settings.widths[-1]],
        "distance": [1],
        "member_logits": [settings.members],
    }


def _network_data_format(settings: Settings) -> dict[str, object]:
    """Inputs and outputs of model.onnx, by the MONAI Bundle's names."""
    image = {
        "type": "image",
        "format": "photograph of one cell",
        "modality": "light microscopy",
        "num_channels": 3,
        "spatial_shape": [settings.side, settings.side],
        "shape": [3, settings.side, settings.side],
        "dtype": "float32",
        "value_range": [-6, 6],
        "is_patch_data": False,
        "channel_def": {
            str(place): f"{colour}, against the cell's own mean, in spreads of the cell"
            for place, colour in enumerate(("red", "green", "blue"))
        },
    }
    outputs = {
        name: {"type": "tensor", "shape": shape, "dtype": "float32"} for name, shape in _shapes(settings).items()
    }
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


def golden_entry(work: Path, settings: Settings) -> dict[str, object]:
    """What the graph answers to the golden picture, by the clinic's own runner."""
    spec = TensorSpec("image", (3, settings.side, settings.side))
    runner = OnnxRunner((work / "model.onnx").read_bytes(), spec, (TensorSpec("logits", (1,)),))
    answer = runner.run(prepare(golden.PICTURES[GOLDEN](), settings.preparation).tensor)["logits"]
    logits = [round(float(value), 6) for value in answer]
    return {"picture": GOLDEN, "logits": logits, "quality_logits": [], "tolerance": 0.002}
