"""What a card says beyond the model itself: fewer patients, poor recordings, the same hearts at another rate."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.inference import Subject, TraceModel
from desktop.inference.tasks.trace_findings import features
from desktop.jobs import Job
from desktop.learning.additive import Bools, Floats
from desktop.learning.ecg_data import FINDINGS, EcgTable, read_trace, records_of
from desktop.learning.ecg_evaluation import macro
from desktop.learning.ecg_training import EcgSettings, calibrated, said, unseen, unseen_of
from desktop.learning.records import Json, Study
from desktop.learning.robustness import Fared, losses, operating_point, two_sided
from desktop.learning.statistics import auc, thresholds_of
from desktop.learning.trace_changes import TREMOR_HERTZ, noisy, swinging
from desktop.records import STANDARD_LEADS, Trace

LOST = "lost"
"""Kind of the rows that tell what is lost where findings are decided."""
_EXAMPLES = "ptbxl500_examples"
_SHARES = (0.25, 0.5, 0.75)
_TREES = 100
_RATE_HIGH = "500 Hz"

Samples = npt.NDArray[np.float64]


def _noise(trace: Trace, random: np.random.Generator) -> Samples:
    return noisy(trace.samples.astype(np.float64), 0.05, random)


def _wander(trace: Trace, random: np.random.Generator) -> Samples:
    return swinging(trace.samples.astype(np.float64), trace.rate, 0.3, 0.25, random)


def _mains(trace: Trace, random: np.random.Generator) -> Samples:
    return swinging(trace.samples.astype(np.float64), trace.rate, 0.1, TREMOR_HERTZ, random)


def _half(trace: Trace, _random: np.random.Generator) -> Samples:
    return trace.samples[:, : trace.length // 2].astype(np.float64)


def _arms_swapped(trace: Trace, _random: np.random.Generator) -> Samples:
    """The cables of the arms exchanged: I turned over, II and III exchanged, aVR and aVL exchanged."""
    lead = {name: trace.samples[row].astype(np.float64) for row, name in enumerate(STANDARD_LEADS)}
    swapped = lead | {"I": -lead["I"], "II": lead["III"], "III": lead["II"], "aVR": lead["aVL"], "aVL": lead["aVR"]}
    return np.stack([swapped[name] for name in STANDARD_LEADS])


BATTERY: Mapping[str, Callable[[Trace, np.random.Generator], Samples]] = {
    "white noise, 0.05 mV": _noise,
    "slow wander, 0.3 mV at 0.25 Hz": _wander,
    "tremor, 0.1 mV at 35 Hz": _mains,
    "the first five seconds only": _half,
    "arm cables exchanged": _arms_swapped,
}


def study_of(
    data: Path, table: EcgTable, settings: EcgSettings, model: TraceModel[Any], job: Job, say: Callable[[str], None]
) -> Study:
    """Everything the study has, in rows of a name and its figures."""
    small = replace(settings, trees=min(settings.trees, _TREES))
    rows = [*_learning_curve(table, small, job, say), *_battery(data, table, small, job, say)]
    return Study(table.sha256, 0, [*rows, *_other_rate(data, model, job)])


def _row(kind: str, name: str, logits: Floats, table: EcgTable) -> Json:
    found = {key: round(auc(logits[:, place], table.labels[:, place]), 4) for place, key in enumerate(FINDINGS)}
    return {"kind": kind, "name": name, "macro_auc": round(macro(logits, table.labels), 4), "findings": {**found}}


def _learning_curve(table: EcgTable, settings: EcgSettings, job: Job, say: Callable[[str], None]) -> list[Json]:
    """With fewer patients, drawn at random; each judged by forests made without him."""
    names = np.array(sorted(set(table.patients)))
    order = np.random.default_rng(settings.seed).permutation(len(names))
    rows: list[Json] = []
    for share in (*_SHARES, 1.0):
        kept = set(names[order[: round(share * len(names))]].tolist())
        part = table.part(np.array([patient in kept for patient in table.patients], dtype=bool))
        say(f"learning curve: {len(kept)} patients")
        rows.append(_row("learning curve", f"{len(kept)} patients", unseen(part, settings, settings.seed, job), part))
    return rows


def _battery(data: Path, table: EcgTable, settings: EcgSettings, job: Job, say: Callable[[str], None]) -> list[Json]:
    """Recordings made worse, judged by forests that learned from good ones of other patients: how well they are ranked,
    and what is lost where findings are decided."""
    records, _ = records_of(data)
    versions, silent = [table.numbers], [np.zeros(len(table.ids), dtype=bool)]
    for name, spoil in BATTERY.items():
        say(f"measuring again: {name}")
        random = np.random.default_rng(settings.seed)
        rows, unclear = [], []
        for record in records:
            job.check()
            trace = read_trace(record.path)
            tensor, twelve = features(replace(trace, samples=spoil(trace, random).astype(np.float32)))
            rows.append(tensor[0])
            unclear.append(twelve.beat is None or bool(twelve.silent.any()))
        versions.append(np.array(rows, dtype=np.float64))
        silent.append(np.array(unclear))
    found = unseen_of(table, np.stack(versions), settings, settings.seed, job)
    names = ("as recorded", *BATTERY)
    ranked = [_row("battery", name, logits, table) for name, logits in zip(names, found, strict=True)]
    return [*ranked, *lost_of(table, names, found, silent, settings)]


def lost_of(
    table: EcgTable, names: Sequence[str], found: Floats, silent: Sequence[Bools], settings: EcgSettings
) -> list[Json]:
    """What is lost where likely and unlikely part, see `robustness`, as rows of a study. found: (k, n, findings) of all
    versions, the first as recorded, which sets calibration and thresholds. silent: (n,) of each: nothing is decided."""
    points = []
    for place in range(len(FINDINGS)):
        labels = table.labels[:, place]
        calibration = calibrated(found[0][:, place], labels)
        usual = said(calibration, found[0][:, place])
        point = operating_point(thresholds_of(usual, labels, settings.alphas, settings.strictness))
        points.append((calibration, point))
    fared = []
    for name, logits, unclear in zip(names, found, silent, strict=True):
        scores = {
            key: two_sided(said(points[place][0], logits[:, place]) >= points[place][1], table.labels[:, place])
            for place, key in enumerate(FINDINGS)
        }
        fared.append(Fared(name, scores, unclear))
    return [{"kind": LOST, "told": row} for row in losses(fared, table.patients)]


def _other_rate(data: Path, model: TraceModel[Any], job: Job) -> list[Json]:
    """How far the shipped model's probabilities are from each other for one recording at 100 and at 500 Hz."""
    records, _ = records_of(data)
    known = {record.id.zfill(5): record for record in records}
    differences, flips = [], 0
    for root in (data / "ecg", data):
        for path in sorted((root / _EXAMPLES).glob("**/*_hr.hea")):
            record = known.get(path.stem.removesuffix("_hr"))
            if record is None:
                continue
            low, high = (model.answer(read_trace(one), Subject(), job).findings for one in (record.path, path))
            differences += [abs(a.probability - b.probability) for a, b in zip(low, high, strict=True)]
            flips += sum(a.decision is not b.decision for a, b in zip(low, high, strict=True))
    if not differences:
        return []
    return [
        {
            "kind": "other rate",
            "name": _RATE_HIGH,
            "answers": len(differences),
            "median_difference": round(float(np.median(differences)), 4),
            "largest_difference": round(float(np.max(differences)), 4),
            "other_decisions": flips,
        }
    ]
