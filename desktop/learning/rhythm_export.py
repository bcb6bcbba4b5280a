"""The graphs of ecg-rhythm as ONNX, and their manifest."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from desktop.inference import golden
from desktop.inference.calibration import ConformalThresholds
from desktop.inference.manifest import FORMAT
from desktop.inference.registry import read_trace_model
from desktop.inference.rhythm_lead import AFTER, BEFORE, RATE
from desktop.inference.rhythm_reading import RHYTHMS, BeatLimits
from desktop.inference.rhythm_strips import SAMPLES
from desktop.inference.subject import Subject
from desktop.inference.tasks.rhythm import METHOD
from desktop.jobs import Job
from desktop.learning.publishing import NOT_MEASURED, graph_entry, manifest_text
from desktop.learning.rhythm_data import BEATS

NAME, VERSION = "ecg-rhythm", "1.2.0"
MODEL, BEAT_GRAPH, MANIFEST = "model.onnx", "beats.onnx", "manifest.json"
GOLDEN = "irregular-heart/1"

TITLE = {"en": "Rhythm of an electrocardiogram", "zh": "心电图节律"}
INTENDED_USE = {
    "en": "A second opinion on the rhythm of an electrocardiogram of one lead or more, from nine seconds to half an "
    "hour, shown after the doctor's own reading. It names one of four rhythms, the class of every beat and the "
    "episodes of atrial fibrillation. It reads one lead, does not look for infarction, and does not replace a doctor.",
    "zh": "为单导联或多导联心电图（9 秒至半小时）的节律提供第二意见，在医生先读图之后显示。模型给出四种节律之一、"
    "每个心搏的类别以及心房颤动的发作时段。模型只读取一个导联，不判断心肌梗死，也不能代替医生。",
}
NAMES: Mapping[str, Mapping[str, str]] = {
    "sinus_rhythm": {"en": "Sinus rhythm", "zh": "窦性心律"},
    "atrial_fibrillation": {"en": "Atrial fibrillation", "zh": "心房颤动"},
    "other_rhythm": {"en": "Another rhythm or extra beats", "zh": "其他节律或早搏"},
    "too_noisy": {"en": "Too noisy to tell", "zh": "噪声过大，无法判断"},
}
_SNOMED, _ICD = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10"
CODINGS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "sinus_rhythm": ((_SNOMED, "426783006", "Electrocardiogram: sinus rhythm"),),
    "atrial_fibrillation": (
        (_SNOMED, "164889003", "Electrocardiographic atrial fibrillation"),
        (_ICD, "I48.9", "Atrial fibrillation and atrial flutter, unspecified"),
    ),
    "other_rhythm": ((_ICD, "I49.9", "Cardiac arrhythmia, unspecified"),),
    "too_noisy": (),
}
DATA = (
    {
        "name": "PhysioNet/Computing in Cardiology Challenge 2017, training set (7,228 of its records, 100 Hz)",
        "licence": "Open Data Commons Attribution 1.0 (from knowledge of PhysioNet's page)",
        "credit": "Clifford G.D., Liu C., Moody B. and others; AliveCor. Cite Clifford et al., Computing in Cardiology "
        "44 (2017), and Goldberger et al., Circulation 101:e215 (2000).",
    },
    {
        "name": "MIT-BIH Arrhythmia Database (22 half hours, set DS1 of de Chazal et al.)",
        "licence": "Open Data Commons Attribution 1.0 (from knowledge of PhysioNet's page)",
        "credit": "Moody G.B., Mark R.G. Cite Moody and Mark, IEEE Eng Med Biol 20:45 (2001), and Goldberger et al., "
        "Circulation 101:e215 (2000).",
    },
)
_TOLERANCE = 0.05
_DIGITS = 6


def write_manifest(
    folder: Path,
    temperature: float,
    offsets: Sequence[float],
    thresholds: Sequence[ConformalThresholds],
    limits: BeatLimits,
    members: tuple[int, int],
) -> None:
    """The manifest beside the graphs in a folder, its golden example asked by the clinic's own code.

    members: how many networks for strips and for beats. Its limits tell no figure yet: those are measured after.
    """
    document = _document(folder, temperature, offsets, thresholds, limits, members)
    (folder / MANIFEST).write_text(manifest_text(document), encoding="utf-8")
    model = read_trace_model(folder)
    evidence = model.answer(golden.TRACES[GOLDEN](), Subject(), Job()).evidence
    model.close()
    document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    document["golden"]["evidence"] = [round(float(value), _DIGITS) for value in evidence]
    (folder / MANIFEST).write_text(manifest_text(document), encoding="utf-8")


def _document(
    folder: Path,
    temperature: float,
    offsets: Sequence[float],
    thresholds: Sequence[ConformalThresholds],
    limits: BeatLimits,
    members: tuple[int, int],
) -> dict[str, object]:
    return {
        "format": FORMAT,
        "name": NAME,
        "version": VERSION,
        "task": "trace-rhythm",
        "title": TITLE,
        "intended_use": INTENDED_USE,
        "limits": NOT_MEASURED,
        "licence": "Apache-2.0 (weights); trained on data under ODC-By 1.0",
        "weights": graph_entry(folder / MODEL),
        "network_data_format": _tensors("strip of half a minute", SAMPLES, len(RHYTHMS), members[0]),
        "graphs": [
            {
                "key": "beats",
                **graph_entry(folder / BEAT_GRAPH),
                "network_data_format": _tensors("beat", BEFORE + AFTER, len(BEATS), members[1]),
            }
        ],
        "preparation": {"method": METHOD, "rate_hz": RATE},
        "findings": [
            _finding(place, temperature, float(offsets[place]), thresholds[place]) for place in range(len(RHYTHMS))
        ],
        "beats": {
            "classes": list(BEATS),
            "ventricular_at": limits.ventricular,
            "supraventricular_at": limits.supraventricular,
            "supraventricular_in_fibrillation_at": limits.in_fibrillation,
        },
        "applicability": {
            "leads": "any",
            "lowest_rate_hz": 100,
            "shortest_seconds": 5,
            "longest_seconds": 1900,
        },
        "golden": {"trace": GOLDEN, "evidence": [0.0] * 8, "tolerance": _TOLERANCE},
        "budget": {"memory_mb": 400, "milliseconds": 200},
        "data": list(DATA),
        "training": "training.json",
    }


def _tensors(what: str, samples: int, classes: int, members: int) -> dict[str, object]:
    return {
        "inputs": {"image": {"type": f"{what}: wave, companion, numbers", "shape": [3, samples], "dtype": "float32"}},
        "outputs": {
            "logits": {"type": "tensor", "shape": [classes], "dtype": "float32"},
            "member_logits": {"type": "tensor", "shape": [members * classes], "dtype": "float32"},
        },
    }


def _finding(place: int, temperature: float, offset: float, thresholds: ConformalThresholds) -> dict[str, object]:
    key = RHYTHMS[place]
    return {
        "key": key,
        "output": place,
        "name": dict(NAMES[key]),
        "codings": [{"system": system, "code": code, "display": display} for system, code, display in CODINGS[key]],
        "calibration": {
            "method": "one temperature, an offset for each rhythm, then softmax over all four; fitted on records the "
            "judging member never saw",
            "temperature": round(temperature, _DIGITS),
            "offset": round(offset, _DIGITS),
        },
        "thresholds": {
            "method": "class-conditional split conformal on records the judging member never saw",
            "positive": round(thresholds.positive, _DIGITS),
            "negative": round(thresholds.negative, _DIGITS),
            "alpha_positive": thresholds.alpha_positive,
            "alpha_negative": thresholds.alpha_negative,
        },
    }
