"""The figures of the pack of head CT: what lines that never saw a person said of his slices, beside a comparator."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from desktop.inference.head_slice import measure
from desktop.inference.picture_kind import is_head
from desktop.inference.picture_manifest import PictureManifest
from desktop.inference.runner_onnx import OnnxRunner, read_weights
from desktop.jobs import Job
from desktop.learning.additive import Bools, Floats
from desktop.learning.baseline import logistic_scores
from desktop.learning.binary import Answered, yes_or_no
from desktop.learning.ecg_training import calibrated, said, split
from desktop.learning.films import read_grey
from desktop.learning.head_ct_data import FINDINGS, KINDS, SliceTable
from desktop.learning.head_ct_export import HEAD
from desktop.learning.head_ct_training import HeadCtSettings, all_unseen, judged, unseen
from desktop.learning.picture_changes import Change, blur, exposure, gamma, in_turn, jpeg, noise, scale, turn
from desktop.learning.records import Json
from desktop.learning.robustness import Fared, losses, two_sided
from desktop.learning.statistics import auc, by_patient, interval
from desktop.records import Decision

_RIDGE = 3.0
_SHARES = (0.25, 0.5, 0.75, 1.0)
# What another scanner, window, export or hand may do to the same slice.
CHANGES: Mapping[str, Change] = {
    "as it is": lambda light: light,
    "noise 0.03": noise(0.03),
    "blur 0.5 % of the side": blur(0.005),
    "exposure × 0.9": exposure(0.9),
    "gamma 1.15": gamma(1.15),
    "JPEG quality 25": jpeg(25),
    "half the pixels": scale(0.5),
    "turned 20 degrees": turn(20),
    "photograph of the screen": in_turn((blur(0.004), gamma(1.1), noise(0.02), turn(3), jpeg(50))),
}


def cross_validated(table: SliceTable, logits: Floats, settings: HeadCtSettings, job: Job) -> dict[str, Json]:
    """What the card prints. logits: what `unseen` said."""
    probabilities, decisions = judged(table, logits, settings)
    repeats = all_unseen(table, table.numbers, settings)
    return {
        **_figures(table, logits, probabilities, decisions),
        "judged_by": "lines made without the person",
        "repeats": {
            key: [round(auc(found[:, place], table.labels[:, place]), 4) for found in repeats]
            for place, key in enumerate(FINDINGS)
        },
        "thumbnail": _thumbnail(table, settings),
        "learning_curve": _learning_curve(table, settings),
        **_battery(table, logits, settings, job),
    }


def shipped(table: SliceTable, manifest: PictureManifest, folder: Path) -> Mapping[str, Json]:
    """The figures of the pack itself on slices it did not learn from."""
    runner = OnnxRunner(read_weights(folder, manifest.weights), manifest.input, manifest.outputs, threads=1)
    outputs = runner.run_many(table.numbers.astype(np.float32))
    logits = outputs["logits"].astype(np.float64)[:, [spec.output for spec in manifest.findings]]
    strange = outputs["distance"][:, 0] > manifest.distance_limit
    probabilities, decisions = np.zeros(logits.shape), []
    for place, spec in enumerate(manifest.findings):
        probabilities[:, place] = said(spec.calibration, logits[:, place])
        found = [spec.thresholds.decide(float(one)) for one in probabilities[:, place]]
        decisions.append([Decision.CANNOT_SAY if far else one for far, one in zip(strange, found, strict=True)])
    return {**_figures(table, logits, probabilities, decisions), "judged_by": "the pack itself"}


def _figures(
    table: SliceTable, logits: Floats, probabilities: Floats, decisions: list[list[Decision]]
) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for place, key in enumerate(FINDINGS):
        decided = np.array([one is not Decision.CANNOT_SAY for one in decisions[place]])
        likely = np.array([one is Decision.LIKELY for one in decisions[place]])
        answered = Answered(
            table.labels[:, place], logits[:, place], probabilities[:, place], decided, likely, table.patients
        )
        found[key] = {"with_finding": int(table.labels[:, place].sum()), **yes_or_no(answered)}
    return {
        "slices": len(table.patients),
        "patients": len(set(table.patients)),
        "findings": found,
        "kinds": {kind: _kind(table, logits[:, 0], place) for place, kind in enumerate(KINDS)},
    }


def _kind(table: SliceTable, logits: Floats, place: int) -> Json:
    """How well slices with one kind of haemorrhage are told from those with none; None where there are few."""
    chosen = table.kinds[:, place] | ~table.labels[:, 0]
    labels = table.kinds[chosen, place]
    if labels.sum() < 5 or labels.all():
        return None
    return {"slices": int(labels.sum()), "auc": _area(logits[chosen], labels, _of(table, chosen))}


def _of(table: SliceTable, chosen: Bools) -> tuple[str, ...]:
    return tuple(patient for patient, taken in zip(table.patients, chosen, strict=True) if taken)


def _area(scores: Floats, labels: Bools, patients: tuple[str, ...]) -> Json:
    return interval(by_patient(lambda index: auc(scores[index], labels[index]), patients))


def _thumbnail(table: SliceTable, settings: HeadCtSettings) -> Json:
    """The comparator: a regression on the whole slice, very small."""
    parts = split(table.patients, settings.folds, settings.seed)
    found = {}
    for place, key in enumerate(FINDINGS):
        labels, scores = table.labels[:, place], np.zeros(len(parts))
        for part in range(settings.folds):
            out = parts == part
            scores[out] = logistic_scores(table.thumbnails[~out], labels[~out], table.thumbnails[out], _RIDGE)
        found[key] = _area(scores, labels, table.patients)
    return found


def _learning_curve(table: SliceTable, settings: HeadCtSettings) -> list[Json]:
    """With fewer people, drawn at random; each judged by lines made without him."""
    names = np.array(sorted(set(table.patients)))
    order = np.random.default_rng(settings.seed).permutation(len(names))
    rows: list[Json] = []
    for share in _SHARES:
        kept = set(names[order[: round(share * len(names))]].tolist())
        part = table.part(np.array([patient in kept for patient in table.patients], dtype=bool))
        found = unseen(part, part.numbers, settings)
        areas = {key: round(auc(found[:, place], part.labels[:, place]), 3) for place, key in enumerate(FINDINGS)}
        rows.append({"people": len(kept), **areas})
    return rows


def _battery(table: SliceTable, logits: Floats, settings: HeadCtSettings, job: Job) -> dict[str, Json]:
    """Some of the slices made worse, judged by lines that learned from good ones of other people. And what is lost at
    one half, see `robustness`, with calibrations from what was said of the good ones."""
    chosen = np.zeros(len(table.slices), dtype=bool)
    chosen[:: settings.every] = True
    rows: list[Json] = []
    fared: list[Fared] = []
    labels = table.labels[chosen]
    fits = [calibrated(logits[:, place], table.labels[:, place]) for place in range(len(FINDINGS))]
    for name, change in CHANGES.items():
        asked, refused = table.numbers.copy(), np.zeros(len(table.slices), dtype=bool)
        for place in np.flatnonzero(chosen):
            job.check()
            worse = change(read_grey(table.slices[place].path))
            asked[place], refused[place] = measure(worse)[0], not is_head(worse, HEAD)
        found = unseen(table, asked, settings)[chosen]
        areas = {key: round(auc(found[:, place], table.labels[chosen, place]), 3) for place, key in enumerate(FINDINGS)}
        rows.append({"name": name, "slices": int(chosen.sum()), **areas})
        called = [said(fit, found[:, place]) >= 0.5 for place, fit in enumerate(fits)]
        scores = {key: two_sided(called[place], labels[:, place]) for place, key in enumerate(FINDINGS)}
        fared.append(Fared(name, scores, refused[chosen]))
    return {"battery": rows, "robustness": losses(fared, _of(table, chosen))}
