"""A model whose whole network learned on here, as a pack of its own: the shipped files with the new graph, calibrated
anew, and a word on where it came from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from desktop.inference import MANIFEST, PictureModel, read_manifest
from desktop.inference.golden import PICTURES
from desktop.inference.manifest import TensorSpec
from desktop.inference.runner_onnx import OnnxRunner
from desktop.learning.challenger import CORRECTION, compared_lines, figures_json
from desktop.learning.head_tuning import Tuned, Verdict
from desktop.learning.publishing import CARD, graph_entry, install, manifest_text
from desktop.learning.whole_tuning import KEPT_DECISIONS, WholeEpoch, WholeSettings

_COPIED = (".json", ".onnx", ".md", ".txt")
_DIGITS = 6
_WORDS = {
    "en": "Its whole network learned on at this clinic on {day} from the clinic's own answers ({findings}). The "
    "figures above are those of the model before: how it does now on the patients they come from is not known.",
    "zh": "已于 {day} 在本诊所用自己的回答对整个网络继续学习（{findings}）。以上数字是学习前模型的，"
    "学习后在原来那些患者中表现如何尚不清楚。",
}
_SILENT = {
    "en": " It no longer decides on this: {names}. Nobody here could tell whether that still holds.",
    "zh": "不再判断：{names}，因为本诊所无法得知它是否仍然成立。",
}
_FINDING = {"en": "{name}: {cases} cases", "zh": "{name} {cases} 例"}


@dataclass(frozen=True, eq=False)
class WholeChange:
    """What is new in a pack. graph: the file. calibration: temperature and offset by finding, where they are new.
    farther: what every limit of distance is multiplied by. results: what became of each finding. silent: hints that
    no longer decide."""

    graph: bytes
    calibration: Mapping[str, tuple[float, float]]
    farther: float
    results: Mapping[str, Tuned]
    curve: Sequence[WholeEpoch]
    settings: WholeSettings
    silent: Sequence[str] = ()


def build_whole(base: PictureModel, folder: Path, out: Path, version: str, day: str, change: WholeChange) -> None:
    """Write the challenger's folder. base: the model it learned on from, which lies in `folder`. day: ISO 8601.

    The golden example is answered anew by the new graph. Raises KnownFailure where it does not run, OSError.
    """
    manifest = base.manifest
    out.mkdir(parents=True, exist_ok=True)
    (out / manifest.weights.file).write_bytes(change.graph)
    document: dict[str, Any] = json.loads(read_manifest(folder))
    document["version"] = version
    document["weights"] = graph_entry(out / manifest.weights.file)
    document["golden"]["logits"] = _golden(base, change.graph)
    for finding in document["findings"]:
        if finding["key"] in change.calibration:
            temperature, offset = change.calibration[finding["key"]]
            finding["calibration"]["temperature"] = round(temperature, _DIGITS)
            finding["calibration"]["offset"] = round(offset, _DIGITS)
        if finding["key"] in change.silent:  # having it and lacking it fit every probability
            finding["thresholds"].update(positive=0.0, negative=1.0)
    strange = document["out_of_distribution"]
    for name in ("limit", "refused"):
        if name in strange:
            strange[name] = round(strange[name] * change.farther, 4)
    document["limits"] = _limits(document, change, day)
    document["tuned"] = _tuned_member(base, change, day)
    files = {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.suffix in _COPIED and path.is_file() and path.name not in (MANIFEST, manifest.weights.file, CORRECTION)
    }
    files[CARD] = files.get(CARD, b"") + _card_section(document).encode()
    files[MANIFEST] = manifest_text(document).encode()
    install(out, files)


def _golden(base: PictureModel, graph: bytes) -> list[float]:
    """What the new graph says of the golden picture. Raises KnownFailure."""
    manifest = base.manifest
    runner = OnnxRunner(graph, manifest.input, (TensorSpec(manifest.logits.name, manifest.logits.shape),))
    tensor = base.prepared_light(PICTURES[manifest.golden.picture]()).tensor
    return [round(float(value), _DIGITS) for value in runner.run(tensor)[manifest.logits.name]]


def _limits(document: Mapping[str, Any], change: WholeChange, day: str) -> dict[str, str]:
    names = {item["key"]: item["name"] for item in document["findings"]}
    said = {}
    for language, text in document["limits"].items():
        pattern = _FINDING.get(language, _FINDING["en"])
        parts = [
            pattern.format(name=names[key][language], cases=one.enough.cases)
            for key, one in change.results.items()
            if one.verdict in (Verdict.BETTER, Verdict.NO_BETTER)
        ]
        stop = "、" if language == "zh" else ", "
        words = _WORDS.get(language, _WORDS["en"]).format(day=day, findings=stop.join(parts))
        said[language] = f"{text} {words}"
        if change.silent:
            silent = stop.join(names[key][language] for key in change.silent)
            said[language] += _SILENT.get(language, _SILENT["en"]).format(names=silent)
    return said


def _tuned_member(base: PictureModel, change: WholeChange, day: str) -> dict[str, object]:
    return {
        "base_version": base.version,
        "base_sha256": base.sha256,
        "day": day,
        "whole": True,
        "settings": {name: value for name, value in asdict(change.settings).items() if name != "threads"},
        "rounds": [{"epoch": one.epoch, "inner_log_loss": round(one.loss, 4)} for one in change.curve],
        "original_validation": "not re-run: its pictures are not on this computer; findings that could not be compared "
        f"kept their decisions on at least {100 * KEPT_DECISIONS:g} of 100 locked pictures",
        "findings": [
            {
                "key": key,
                "cases": one.enough.cases,
                "present": one.enough.present,
                "absent": one.enough.absent,
                "locked_present": one.enough.locked_present,
                "locked_absent": one.enough.locked_absent,
                "verdict": one.verdict.value,
                "champion": figures_json(one.champion),
                "challenger": figures_json(one.challenger),
            }
            for key, one in change.results.items()
        ],
    }


def _card_section(document: Mapping[str, Any]) -> str:
    """What was done here, in words, at the end of the card."""
    told = document["tuned"]
    lines = [
        "",
        "## Learned on at a clinic",
        "",
        f"Version {document['version']} is version {told['base_version']}, whose whole network learned on from the",
        f"clinic's own answers on {told['day']}, drawn back to its first weights, and was calibrated anew. The figures",
        f"above are those of version {told['base_version']}. On patients of this clinic who were never learned from:",
        "",
        *compared_lines(told["findings"]),
        "",
    ]
    return "\n".join(lines)
