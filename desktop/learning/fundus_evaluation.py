"""The figures of a model of retinas: what was said of each eye by what had not seen it, beside simple comparators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from desktop.inference.calibration import Calibration
from desktop.inference.fundus_field import Circle, find_circle
from desktop.inference.fundus_gate import Limit, problems, shape_measures, sight_measures
from desktop.inference.fundus_lesions import lesion_measures
from desktop.inference.fundus_manifest import FundusManifest
from desktop.inference.fundus_model import VESSELS, FundusModel
from desktop.inference.fundus_vessels import VesselPreparation, prepare_vessels
from desktop.inference.runner_onnx import OnnxRunner
from desktop.jobs import Job
from desktop.learning import picture_changes
from desktop.learning.additive import Bools, Floats
from desktop.learning.baseline import logistic_scores
from desktop.learning.binary import Answered, yes_or_no
from desktop.learning.fundus_data import Bytes, DrawnEye, GradedEye, colours_of, grade_parts, vessel_parts
from desktop.learning.fundus_export import MEMBERS
from desktop.learning.fundus_gating import SHAPE, changed
from desktop.learning.fundus_grading import (
    KINDS,
    STEPS,
    Fitted,
    FittedGrades,
    Ints,
    Unseen,
    fit_kind,
    graded,
    grades_of,
    quadratic_kappa,
    reached,
    shares_of,
)
from desktop.learning.fundus_settings import FundusSettings
from desktop.learning.fundus_tracing import BINS, Traced, best_threshold, traced, tracing_figures
from desktop.learning.picture_changes import Change
from desktop.learning.records import Json
from desktop.learning.robustness import Fared, losses, operating_point, overlaps, two_sided
from desktop.learning.statistics import Interval, auc, by_patient, interval
from desktop.records import Decision

_THUMBNAIL = 16
_EVERY_GRADED, _EVERY_DRAWN = 8, 2
_DARKEST = 3.0
"""Spreads: a prepared point that much darker than its surroundings counts as certainly dark."""

_RESIZED = "twice the pixels"

MILD: Mapping[str, Change | None] = {
    "as it is": None,
    "noise of 8 of 255 levels": picture_changes.noise(8 / 255),
    "out of focus by 1 in 500": picture_changes.blur(1 / 500),
    "darker by 30 %": picture_changes.exposure(0.7),
    "brighter by 15 %": picture_changes.exposure(1.15),
    "JPEG of quality 40": picture_changes.jpeg(40),
    "yellow light": picture_changes.exposure(1.0, 0.92, 0.8),
    "phone held to the eyepiece": picture_changes.PHONE_AT_EYEPIECE,
    _RESIZED: picture_changes.scale(2.0),
}
"""What a camera or an export may do to a photograph that can still be judged."""


@dataclass(frozen=True, eq=False)
class TracedEyes:
    """Each eye as it was traced by the network that never saw it, and by how dark its points are."""

    found: list[Traced]
    plain: list[Traced]


def trace_unseen(runner: OnnxRunner, eyes: Sequence[DrawnEye], settings: FundusSettings, job: Job) -> TracedEyes:
    """Ask of every eye the member that left out its part."""
    found, plain = [], []
    for eye, part in zip(eyes, vessel_parts(eyes, settings.members), strict=True):
        job.check()
        each = runner.run(eye.light[None])[MEMBERS]
        found.append(traced(eye, each[part]))
        plain.append(traced(eye, np.clip(-eye.light[0] / np.float32(_DARKEST), 0, 1)))
    return TracedEyes(found, plain)


def threshold_of(bin_number: int) -> float:
    """The probability at the lower edge of a bin."""
    return bin_number / BINS


def at_best_threshold(seen: TracedEyes) -> tuple[float, float]:
    """Mean sensitivity and overlap at the threshold that is best for all eyes together."""
    best = best_threshold(seen.found)
    counts = np.array([one.at(best) for one in seen.found], dtype=np.float64)
    dice = float(np.mean([one.dice()[best] for one in seen.found]))
    return float(np.mean(counts[:, 0] / (counts[:, 0] + counts[:, 2]))), dice


def vessel_figures(eyes: Sequence[DrawnEye], seen: TracedEyes, settings: FundusSettings) -> dict[str, Json]:
    """Each part by the threshold that is best for the others."""
    parts = vessel_parts(eyes, settings.members)
    thresholds = [0] * len(eyes)
    for part in range(settings.members):
        best = best_threshold([one for one, of in zip(seen.found, parts, strict=True) if of != part])
        for index in np.flatnonzero(parts == part):
            thresholds[int(index)] = best
    return tracing_figures(eyes, seen.found, thresholds, seen.plain)


def vessel_battery(
    runner: OnnxRunner,
    preparation: VesselPreparation,
    eyes: Sequence[DrawnEye],
    threshold: int,
    sight: Sequence[Limit],
    settings: FundusSettings,
    job: Job,
) -> tuple[list[Json], list[Json]]:
    """Overlap on some eyes after mild changes, by the member that never saw them. And what is lost of it, see
    `robustness`."""
    parts, chosen = vessel_parts(eyes, settings.members), range(0, len(eyes), _EVERY_DRAWN)
    rows: list[Json] = []
    fared: list[Fared] = []
    for name, change in MILD.items():
        if name == _RESIZED:  # what was drawn is not resized with it
            continue
        dice, refused = [], []
        for index in chosen:
            job.check()
            pixels = changed(colours_of(eyes[index].path), change)
            circle = find_circle(pixels)
            assert circle is not None, "a mild change leaves the circle"
            tensor, _ = prepare_vessels(pixels, circle, preparation)
            dice.append(float(traced(eyes[index], runner.run(tensor)[MEMBERS][parts[index]]).dice()[threshold]))
            refused.append(out_of_sight(pixels, circle, preparation, sight))
        rows.append({"changed": name, "photographs": len(dice), "dice": round(float(np.mean(dice)), 4)})
        fared.append(Fared(name, {"vessels": overlaps(dice)}, np.array(refused)))
    return rows, losses(fared, [eyes[index].subject for index in chosen])


def grade_figures(eyes: Sequence[GradedEye], logits: Floats, settings: FundusSettings) -> dict[str, Json]:
    """Each part by what was fitted on the others. logits: (n, levels) by forests that had not seen the eye."""
    levels = reached(eyes)
    parts = grade_parts(eyes, settings.folds, settings.seed + 1)
    figures: dict[str, Json] = {}
    for kind in KINDS:
        fits: list[Fitted | None] = [None] * len(eyes)
        for part in range(settings.folds):
            fitted = fit_kind(kind, logits[parts != part], levels[parts != part], settings)
            for index in np.flatnonzero(parts == part):
                fits[int(index)] = fitted
        figures[kind] = _kind_figures(kind, eyes, logits, levels, [one for one in fits if one is not None])
    return figures


def own_grade_figures(eyes: Sequence[GradedEye], logits: Floats, manifest: FundusManifest) -> dict[str, Json]:
    """The model's own figures. logits: (n, levels) by its forests."""
    assert manifest.grades is not None, "it grades"
    levels = reached(eyes)
    figures: dict[str, Json] = {}
    for kind in KINDS:
        spec = manifest.finding(kind)
        fitted = Fitted(spec.calibration, spec.thresholds)
        figures[kind] = _kind_figures(kind, eyes, logits, levels, [fitted] * len(eyes))
    return figures


def _kind_figures(
    kind: str, eyes: Sequence[GradedEye], logits: Floats, levels: Bools, fits: Sequence[Fitted]
) -> dict[str, Json]:
    place, runs = KINDS.index(kind), [str(eye.run) for eye in eyes]
    steps = [forest for _, forest in STEPS[kind]]
    said = np.array([_said(one.calibration, logits[index, place]) for index, one in enumerate(fits)])
    decisions = [one.thresholds.decide(float(value)) for one, value in zip(fits, said, strict=True)]
    grades = graded(logits[:, steps])
    true = grades_of(levels, kind)
    answered = Answered(
        levels[:, place],
        said,
        said,
        np.array([one is not Decision.CANNOT_SAY for one in decisions]),
        np.array([one is Decision.LIKELY for one in decisions]),
        runs,
    )
    confusion = np.zeros((len(steps) + 1, len(steps) + 1), dtype=np.int64)
    np.add.at(confusion, (true, grades), 1)
    table: list[Json] = [[int(one) for one in row] for row in confusion]
    return {
        "with_finding": int(levels[:, place].sum()),
        **yes_or_no(answered),
        "kappa": interval(by_patient(lambda chosen: quadratic_kappa(grades[chosen], true[chosen]), runs)),
        "grade_right": round(float(np.mean(grades == true)), 4),
        "confusion": table,
    }


def _said(calibration: Calibration, logit: float) -> float:
    return calibration.probability(float(logit))


def thumbnail_figures(eyes: Sequence[GradedEye], settings: FundusSettings) -> dict[str, Json]:
    """What a plain logistic regression on the pixels of a tiny copy reaches: the trivial comparator."""
    import cv2

    rows = np.array(
        [
            cv2.resize(colours_of(eye.path), (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA).ravel() / 255.0
            for eye in eyes
        ]
    )
    levels, parts = reached(eyes), grade_parts(eyes, settings.folds, settings.seed)
    runs = [str(eye.run) for eye in eyes]
    figures: dict[str, Json] = {}
    for place, kind in enumerate(KINDS):
        scores, labels = np.zeros(len(eyes)), levels[:, place]
        for part in range(settings.folds):
            out = parts == part
            scores[out] = logistic_scores(rows[~out], labels[~out], rows[out], ridge=10.0)
        figures[kind] = interval(_auc(scores, labels, runs))
    return figures


def _auc(scores: Floats, labels: Bools, runs: Sequence[str]) -> Interval:
    return by_patient(lambda chosen: auc(scores[chosen], labels[chosen]), runs)


def grade_battery(
    eyes: Sequence[GradedEye],
    forests: Unseen,
    fitted: FittedGrades,
    preparation: VesselPreparation,
    sight: Sequence[Limit],
    job: Job,
) -> tuple[list[Json], list[Json]]:
    """How well some eyes are ranked after mild changes, by forests that had not seen them. And what is lost where
    likely and unlikely part, see `robustness`."""
    chosen: Ints = np.arange(0, len(eyes), _EVERY_GRADED)
    levels = reached(eyes)[chosen]
    photographs = [colours_of(eyes[int(index)].path) for index in chosen]
    rows: list[Json] = []
    fared: list[Fared] = []
    points = [operating_point(one) for one in fitted.thresholds]
    for name, change in MILD.items():
        measures, refused = [], []
        for pixels in photographs:
            job.check()
            spoilt = changed(pixels, change)
            circle = find_circle(spoilt)
            assert circle is not None, "a mild change leaves the circle"
            measures.append(list(lesion_measures(spoilt, circle).values()))
            refused.append(out_of_sight(spoilt, circle, preparation, sight))
        logits = forests.asked(np.array(measures), chosen)
        row: dict[str, Json] = {"changed": name, "photographs": len(chosen)}
        rows.append(row | {kind: round(auc(logits[:, at], levels[:, at]), 4) for at, kind in enumerate(KINDS)})
        said = [np.array([_said(fitted.calibrations[at], one) for one in logits[:, at]]) for at in range(len(KINDS))]
        scores = {kind: two_sided(said[at] >= points[at], levels[:, at]) for at, kind in enumerate(KINDS)}
        fared.append(Fared(name, scores, np.array(refused)))
    return rows, losses(fared, [str(eyes[int(index)].run) for index in chosen])


def out_of_sight(pixels: Bytes, circle: Circle, preparation: VesselPreparation, sight: Sequence[Limit]) -> bool:
    """Whether the gate would refuse a photograph, but for the limit that only a network of vessels can tell: to ask it
    of every change would take minutes."""
    if problems(SHAPE, shape_measures(pixels, circle)):
        return True
    retina = prepare_vessels(pixels, circle, preparation)[1]
    found = sight_measures(retina, circle, np.zeros(retina.field.shape, np.float32))
    return bool(problems([one for one in sight if one.measure != VESSELS], found))


def grades_elsewhere(eyes: Sequence[DrawnEye], forests: Unseen, fitted: FittedGrades, job: Job) -> dict[str, Json]:
    """What is said of retinas of another camera that nobody graded, by the forests of all parts together."""
    rows = []
    for eye in eyes:
        job.check()
        pixels = colours_of(eye.path)
        circle = find_circle(pixels)
        assert circle is not None, "the circle was found when it was read"
        rows.append(list(lesion_measures(pixels, circle).values()))
    logits = np.mean([shares_of(part, np.array(rows)) for part in forests.forests], axis=0)
    figures: dict[str, Json] = {"photographs": len(eyes)}
    for place, kind in enumerate(KINDS):
        calibration, thresholds = fitted.calibrations[place], fitted.thresholds[place]
        said = [thresholds.decide(_said(calibration, value)) for value in logits[:, place]]
        figures[kind] = {decision.value: said.count(decision) for decision in Decision}
    return figures


def ask_model(model: FundusModel, eyes: Sequence[GradedEye], job: Job) -> Floats:
    """(n, levels) by the model's own forests, as the clinic asks them."""
    logits = []
    for eye in eyes:
        job.check()
        seen = model.look(colours_of(eye.path))
        assert seen is not None, "a graded photograph shows a circle"
        logits.append(model.graded(seen)["logits"])
    return np.array(logits, dtype=np.float64)


def trace_by_all(runner: OnnxRunner, eyes: Sequence[DrawnEye], job: Job) -> TracedEyes:
    """Each eye by the members' mean, as the clinic asks them."""
    found, plain = [], []
    for eye in eyes:
        job.check()
        found.append(traced(eye, runner.run(eye.light[None])[VESSELS]))
        plain.append(traced(eye, np.clip(-eye.light[0] / np.float32(_DARKEST), 0, 1)))
    return TracedEyes(found, plain)
