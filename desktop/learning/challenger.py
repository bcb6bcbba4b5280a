"""A tuned model as a pack of its own: the shipped files, with corrections inside the graph and a word on where they
came from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.inference import MANIFEST, PictureModel, read_manifest
from desktop.inference.golden import PICTURES
from desktop.inference.picture_manifest import PictureManifest
from desktop.inference.runner_onnx import read_weights
from desktop.learning.graph_correction import add_correction
from desktop.learning.head_tuning import LIMIT, Correction, Figures, Tuned, Verdict
from desktop.learning.publishing import CARD, graph_entry, install, manifest_text
from desktop.learning.records import Json
from desktop.learning.statistics import interval

CORRECTION = "correction.json"
"""What was learned, as numbers, beside the graph that holds it: a later tuning keeps what it does not better."""

_NEAR = 1e-4
_COPIED = (".json", ".onnx", ".md", ".txt")
_WORDS = {
    "en": "Tuned at this clinic on {day} from its own answers ({findings}); no log-odds move by more than {limit}. The "
    "figures above are those of the model before tuning: how it does now on the patients they come from is not "
    "known.",
    "zh": "已于 {day} 用本诊所自己的回答调整（{findings}），对数优势的改变不超过 {limit}。以上数字是调整前模型的，"
    "调整后在原来那些患者中表现如何尚不清楚。",
}
_FINDING = {"en": "{name}: {cases} cases", "zh": "{name} {cases} 例"}


@dataclass(frozen=True)
class Origin:
    """What a tuned pack was made of. sha256: of the graph of the version it started from. whole: the whole network
    learned, else its answers are corrected."""

    version: str
    sha256: str
    whole: bool = False


def origin_of(folder: Path) -> Origin | None:
    """What the pack in a folder was tuned from; None where it was not tuned. Raises KnownFailure."""
    try:
        told = json.loads(read_manifest(folder)).get("tuned")
        whole = bool(told and told.get("whole"))
        return Origin(str(told["base_version"]), str(told["base_sha256"]), whole) if told else None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KnownFailure("inference.manifest_damaged", kind=ErrorKind.IO, model=folder.name) from error


def corrections_in(folder: Path) -> Mapping[str, Correction]:
    """The corrections of a tuned pack, by finding; empty where it was not tuned. Raises KnownFailure."""
    try:
        told = json.loads((folder / CORRECTION).read_text(encoding="utf-8"))
        return {
            key: Correction(np.asarray(one["weights"], dtype=np.float64), float(one["bias"]), float(one["strength"]))
            for key, one in told.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KnownFailure("inference.manifest_damaged", kind=ErrorKind.IO, model=folder.name) from error


def build(
    base: PictureModel,
    folder: Path,
    out: Path,
    version: str,
    day: str,
    corrections: Mapping[str, Correction],
    tuned: Mapping[str, Tuned],
) -> None:
    """Write the challenger's folder. base: the model it starts from, which lies in `folder`. corrections: all it has,
    by finding; tuned: those learned now, with their figures. day: ISO 8601.

    The new graph's answer to the golden example is compared with the one worked out by hand. Raises KnownFailure where
    it differs, OSError.
    """
    manifest = base.manifest
    weights, bias, limit = _columns(manifest, corrections)
    try:
        graph = add_correction(read_weights(folder, manifest.weights), weights, bias, limit)
    except ValueError as error:
        raise UserFacingError("learning.graph_not_tunable", model=manifest.name) from error
    _, shipped = base.outputs(PICTURES[manifest.golden.picture]())
    moved = np.clip(shipped[manifest.embedding.name] @ weights + bias, -limit, limit)
    golden = [round(float(value), 6) for value in shipped[manifest.logits.name] + moved]
    out.mkdir(parents=True, exist_ok=True)
    (out / manifest.weights.file).write_bytes(graph)
    document: dict[str, Any] = json.loads(read_manifest(folder))
    document["version"] = version
    document["weights"] = graph_entry(out / manifest.weights.file)
    document["golden"]["logits"] = golden
    document["golden"]["tolerance"] = max(float(document["golden"]["tolerance"]), _NEAR)
    document["limits"] = _limits(document, tuned, day)
    document["tuned"] = _tuned_member(base, corrections, tuned, day)
    files = {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.suffix in _COPIED and path.is_file() and path.name not in (MANIFEST, manifest.weights.file, CORRECTION)
    }
    files[CARD] = files.get(CARD, b"") + _card_section(document).encode()
    files[CORRECTION] = _numbers(corrections)
    files[MANIFEST] = manifest_text(document).encode()
    install(out, files)


def figures_json(figures: Figures | None) -> Json:
    """As it stands in a manifest and on the command line; None where there are none."""
    if figures is None:
        return None
    shares: dict[str, Json] = {point.value: interval(share) for point, share in figures.points.items()}
    return {"auc": interval(figures.auc), "log_loss": round(figures.loss, 4), **shares}


def _columns(
    manifest: PictureManifest, corrections: Mapping[str, Correction]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Weights, bias and limit in the network's own logits: what is learned is in calibrated log-odds."""
    count, width = len(manifest.findings), manifest.embedding.shape[0]
    weights, bias, limit = np.zeros((width, count)), np.zeros(count), np.zeros(count)
    for spec in manifest.findings:
        correction = corrections.get(spec.key)
        if correction is not None:
            scale = spec.calibration.temperature
            weights[:, spec.output] = scale * correction.weights
            bias[spec.output] = scale * correction.bias
            limit[spec.output] = scale * LIMIT
    return weights, bias, limit


def _limits(document: Mapping[str, Any], tuned: Mapping[str, Tuned], day: str) -> dict[str, str]:
    better = {key: one for key, one in tuned.items() if one.verdict is Verdict.BETTER}
    names = {item["key"]: item["name"] for item in document["findings"]}
    said = {}
    for language, text in document["limits"].items():
        pattern = _FINDING.get(language, _FINDING["en"])
        parts = [pattern.format(name=names[key][language], cases=one.enough.cases) for key, one in better.items()]
        words = _WORDS.get(language, _WORDS["en"])
        joined = ("、" if language == "zh" else ", ").join(parts)
        said[language] = f"{text} {words.format(day=day, findings=joined, limit=LIMIT)}"
    return said


def _tuned_member(
    base: PictureModel, corrections: Mapping[str, Correction], tuned: Mapping[str, Tuned], day: str
) -> dict[str, object]:
    findings = []
    for key in corrections:
        one = tuned.get(key)
        entry: dict[str, object] = {"key": key}
        if one is not None:
            there = one.enough
            entry |= {
                "cases": there.cases,
                "present": there.present,
                "absent": there.absent,
                "locked_present": there.locked_present,
                "locked_absent": there.locked_absent,
                "champion": figures_json(one.champion),
                "challenger": figures_json(one.challenger),
            }
        findings.append(entry)
    return {
        "base_version": base.version,
        "base_sha256": base.sha256,
        "day": day,
        "limit_log_odds": LIMIT,
        "original_validation": "not re-run: its pictures are not on this computer; bounded by limit_log_odds only",
        "findings": findings,
    }


def _card_section(document: Mapping[str, Any]) -> str:
    """What was done here, in words, at the end of the card."""
    told = document["tuned"]
    lines = [
        "",
        "## Tuned at a clinic",
        "",
        f"Version {document['version']} is version {told['base_version']} with a linear correction from its own",
        f"features, learned on {told['day']} from the clinic's own answers; no log-odds move by more than",
        f"{told['limit_log_odds']:g}. The figures above are those of version {told['base_version']}.",
        "",
        *compared_lines(told["findings"]),
        "",
    ]
    return "\n".join(lines)


def compared_lines(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The table of a card that says what became of each finding on the locked patients."""
    lines = [
        "| finding | learned from | locked part (with, without) | area before | area now |",
        "|---|---|---|---|---|",
    ]
    for one in findings:
        if "cases" not in one:
            lines.append(f"| {one['key']} | kept from an earlier tuning | | | |")
            continue
        before, now = (_in_words(one[name]) for name in ("champion", "challenger"))
        held = f"{one['locked_present']}, {one['locked_absent']}"
        lines.append(f"| {one['key']} | {one['cases']} ({one['present']} with it) | {held} | {before} | {now} |")
    return lines


def _in_words(figures: Mapping[str, Any] | None) -> str:
    area = figures["auc"] if figures else None
    return f"{area['value']:.3f} ({area['low']:.3f}–{area['high']:.3f})" if area and area["low"] is not None else "–"


def _numbers(corrections: Mapping[str, Correction]) -> bytes:
    told = {
        key: {
            "weights": [float(f"{value:.9g}") for value in one.weights],
            "bias": one.bias,
            "strength": min(one.strength, 1e9),
        }
        for key, one in corrections.items()
    }
    return json.dumps(told, allow_nan=False).encode() + b"\n"
