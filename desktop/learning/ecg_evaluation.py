"""The figures of the model of twelve leads: what forests that never saw a patient said of him, beside a comparator."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.inference.tasks.trace_findings import TraceFindingsManifest
from desktop.inference.trace_manifest import MAIN_GRAPH
from desktop.jobs import Job
from desktop.learning.additive import Bools, Floats
from desktop.learning.baseline import logistic_scores
from desktop.learning.ecg_data import FINDINGS, EcgTable
from desktop.learning.ecg_training import EcgSettings, calibrated, said, split, unseen
from desktop.learning.records import Json
from desktop.learning.statistics import (
    Interval,
    auc,
    by_patient,
    calibration_error,
    calibration_slope,
    interval,
    thresholds_of,
    wilson,
)
from desktop.records import Decision
from desktop.signals.twelve_features import NAMES

PRINTED = (
    "rate", "rr_spread", "pr", "p_seen", "qrs", "qtc", "qrs_axis_sin", "qrs_axis_cos", "sokolow", "cornell",
    "st_lowest", "st_highest", "t_lowest", "q_inferior", "q_anterior",
)  # fmt: skip  # one line for each kind
"""What a recorder prints, and a reader's first glance: the comparator learns from these alone."""

_OLD = 60.0
_FEWEST = 5


@dataclass(frozen=True, eq=False)
class Judged:
    """What was said of each recording by a model made without its patient: (n, findings) log-odds before calibration,
    probabilities, decisions."""

    table: EcgTable
    logits: Floats
    probabilities: Floats
    decisions: npt.NDArray[np.object_]


def cross_validated(
    table: EcgTable, settings: EcgSettings, job: Job, first: Floats | None = None
) -> Mapping[str, Json]:
    """What the card prints. first: what `unseen` said with the settings' seed, where it was asked already."""
    rounds = [first if first is not None else unseen(table, settings, settings.seed, job)]
    for again in range(1, settings.repeats):
        rounds.append(unseen(table, settings, settings.seed + 1000 * again, job))
    found = judge(table, rounds[0], settings)
    return {
        **figures(found, settings.rounds),
        "judged_by": "models made without the patient",
        "macro_auc_of_each_repeat": [round(macro(logits, table.labels), 4) for logits in rounds],
        "comparator": areas(table, printed_only(table, settings), settings.rounds),
    }


def judge(table: EcgTable, logits: Floats, settings: EcgSettings) -> Judged:
    """Calibration and thresholds for each patient from the others only. logits: by forests made without him."""
    parts = split(table.patients, settings.folds, settings.seed + 1)
    probabilities, decisions = np.zeros(logits.shape), np.empty(logits.shape, dtype=object)
    for place in range(len(FINDINGS)):
        labels = table.labels[:, place]
        for part in range(settings.folds):
            out = parts == part
            calibration = calibrated(logits[~out, place], labels[~out])
            others = said(calibration, logits[~out, place])
            thresholds = thresholds_of(others, labels[~out], settings.alphas, settings.strictness)
            probabilities[out, place] = said(calibration, logits[out, place])
            decisions[out, place] = [thresholds.decide(float(one)) for one in probabilities[out, place]]
    return Judged(table, logits, probabilities, decisions)


def figures(found: Judged, rounds: int) -> dict[str, Json]:
    """Of every finding, and by group. rounds: of the bootstrap."""
    table = found.table
    everybody = np.ones(len(table.ids), dtype=bool)
    groups = {
        "women": table.women,
        "men": ~table.women,
        "under 60 years": table.ages < _OLD,
        "60 years and over": table.ages >= _OLD,
    }
    return {
        "recordings": len(table.ids),
        "patients": len(set(table.patients)),
        "macro_auc": _macro_interval(found.logits, table, rounds),
        "findings": {key: _finding(found, place, everybody, rounds) for place, key in enumerate(FINDINGS)},
        "groups": {
            name: {
                "recordings": int(chosen.sum()),
                "findings": {key: _area(found, place, chosen, rounds) for place, key in enumerate(FINDINGS)},
            }
            for name, chosen in groups.items()
        },
    }


def areas(table: EcgTable, logits: Floats, rounds: int) -> dict[str, Json]:
    """The area under the curve of each finding, and their mean."""
    return {
        "macro_auc": _macro_interval(logits, table, rounds),
        "findings": {
            key: interval(_auc(logits[:, place], table.labels[:, place], table.patients, rounds))
            for place, key in enumerate(FINDINGS)
        },
    }


def macro(logits: Floats, labels: Bools) -> float:
    """The mean area under the curve over the findings."""
    return float(np.mean([auc(logits[:, place], labels[:, place]) for place in range(len(FINDINGS))]))


def printed_only(table: EcgTable, settings: EcgSettings) -> Floats:
    """(n, findings) log-odds by the comparator: a plain logistic regression on what recorders print."""
    rows = table.numbers[:, [NAMES.index(name) for name in PRINTED]]
    parts, logits = split(table.patients, settings.folds, settings.seed), np.zeros(table.labels.shape)
    for part in range(settings.folds):
        inside = parts != part
        filled = np.where(np.isnan(rows), np.nanmedian(rows[inside], axis=0), rows)
        for place in range(len(FINDINGS)):
            logits[~inside, place] = logistic_scores(filled[inside], table.labels[inside, place], filled[~inside])
    return logits


def _finding(found: Judged, place: int, chosen: Bools, rounds: int) -> dict[str, Json]:
    labels, decisions = found.table.labels[chosen, place], found.decisions[chosen, place]
    probabilities = found.probabilities[chosen, place]
    decided = decisions != Decision.CANNOT_SAY
    likely = decisions == Decision.LIKELY
    return {
        "with_finding": int(labels.sum()),
        "auc": _area(found, place, chosen, rounds),
        "calibration_slope": interval(calibration_slope(_log_odds(probabilities), labels)),
        "calibration_error": round(calibration_error(probabilities, labels), 4),
        "decided": interval(wilson(int(decided.sum()), len(labels))),
        "sensitivity": interval(wilson(int((likely & labels & decided).sum()), int((labels & decided).sum()))),
        "specificity": interval(wilson(int((~likely & ~labels & decided).sum()), int((~labels & decided).sum()))),
    }


def _area(found: Judged, place: int, chosen: Bools, rounds: int) -> Json:
    """None where too few have, or have not, the finding."""
    labels = found.table.labels[chosen, place]
    if min(int(labels.sum()), int((~labels).sum())) < _FEWEST:
        return None
    patients = tuple(np.array(found.table.patients)[chosen].tolist())
    return interval(_auc(found.logits[chosen, place], labels, patients, rounds))


def _auc(logits: Floats, labels: Bools, patients: tuple[str, ...], rounds: int) -> Interval:
    return by_patient(lambda index: auc(logits[index], labels[index]), patients, rounds=rounds)


def _macro_interval(logits: Floats, table: EcgTable, rounds: int) -> Json:
    return interval(by_patient(lambda index: macro(logits[index], table.labels[index]), table.patients, rounds=rounds))


def _log_odds(probabilities: Floats) -> Floats:
    kept = np.clip(probabilities, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(kept / (1 - kept)))


def shipped(table: EcgTable, manifest: TraceFindingsManifest, folder: Path, rounds: int) -> Mapping[str, Json]:
    """The figures of the model itself on recordings it did not learn from."""
    graph = manifest.graph(MAIN_GRAPH)
    runner = OnnxRunner(read_weights(folder, graph.file), graph.input, graph.outputs, threads=1)
    outputs = runner.run_many(table.numbers.astype(np.float32))
    logits = outputs["logits"].astype(np.float64)[:, [spec.output for spec in manifest.findings]]
    strange = outputs["distance"][:, 0] > manifest.distance_limit
    probabilities, decisions = np.zeros(logits.shape), np.empty(logits.shape, dtype=object)
    for place, spec in enumerate(manifest.findings):
        probabilities[:, place] = said(spec.calibration, logits[:, place])
        decisions[:, place] = [spec.thresholds.decide(float(one)) for one in probabilities[:, place]]
    decisions[strange] = Decision.CANNOT_SAY
    return {**figures(Judged(table, logits, probabilities, decisions), rounds), "judged_by": "the model itself"}
