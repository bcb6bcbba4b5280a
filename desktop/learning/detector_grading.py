"""The grade of a photograph, by how many of a kind were counted on it: how the count is chosen for it, and how well it
agrees with the grade of the boxes that people drew. numpy only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.inference.calibration import Calibration, ConformalThresholds
from desktop.inference.detection_model import expectation
from desktop.learning.detector_data import Photograph
from desktop.learning.detector_figures import Judged
from desktop.learning.detector_sets import Graded
from desktop.learning.detector_settings import DetectorSettings
from desktop.learning.fundus_grading import quadratic_kappa
from desktop.learning.records import Json
from desktop.learning.statistics import auc, by_patient, fit_calibration, interval, thresholds_of, wilson

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_TRIED = np.round(np.arange(0.05, 0.95, 0.01), 2)
_AS_GOOD = 0.01
"""Of kappa: what is that near to the best is as good."""
_RED = 30
"""A pixel is red that is by so many levels redder, against green and blue, than the photograph's mean."""


@dataclass(frozen=True)
class FindingFit:
    """How what is expected on a photograph becomes the probability that there is any, and a three-way answer."""

    calibration: Calibration
    thresholds: ConformalThresholds


def grades_of(graded: Graded, counts: Floats) -> Ints:
    """(n,) grades of counts."""
    return np.asarray(sum((counts >= cut).astype(np.int64) for cut in graded.cuts), dtype=np.int64)


def threshold_of(graded: Graded, judged: Judged) -> float:
    """The probability from which on a box counts so that the grades agree best; of those as good, the one whose counts
    are off by the least, photograph by photograph. judged: boxes with probabilities."""
    rows = []
    for threshold in _TRIED:
        said, true = judged.counts(graded.kind, float(threshold))
        kappa = quadratic_kappa(grades_of(graded, said), grades_of(graded, true))
        rows.append((kappa if np.isfinite(kappa) else -1.0, float(np.abs(said - true).sum())))
    best = max(kappa for kappa, _ in rows)
    close = [index for index, (kappa, _) in enumerate(rows) if kappa >= best - _AS_GOOD]
    return float(_TRIED[min(close, key=lambda index: rows[index][1])])


def evidence_of(graded: Graded, said: Sequence[Floats], listed: float) -> Floats:
    """(n,) what the finding's probability comes from. said: boxes with probabilities."""
    kinds = [boxes[boxes[:, 4] == graded.kind, 5] for boxes in said]
    return np.array([expectation(float(one[one >= listed].sum())) for one in kinds])


def fit_finding(
    graded: Graded, said: Sequence[Floats], drawn: Sequence[Floats], settings: DetectorSettings
) -> FindingFit:
    """From photographs that the answers come fresh to."""
    evidence, labels = evidence_of(graded, said, settings.listed), _any(graded, drawn)
    if labels.all() or not labels.any():
        return FindingFit(Calibration(), ConformalThresholds(0.5, 0.5, 0.0, 0.0))
    calibration = Calibration(*fit_calibration(evidence, labels))
    probabilities = np.array([calibration.probability(float(one)) for one in evidence])
    return FindingFit(calibration, thresholds_of(probabilities, labels, settings.alphas))


def grade_figures(
    graded: Graded, said: Sequence[Floats], photographs: Sequence[Photograph], thresholds: Sequence[float]
) -> Json:
    """How grades agree. said: boxes with probabilities. thresholds: of each photograph."""
    counts = np.array(
        [
            float(((boxes[:, 4] == graded.kind) & (boxes[:, 5] >= least)).sum())
            for boxes, least in zip(said, thresholds, strict=True)
        ]
    )
    found, true = grades_of(graded, counts), _true_grades(graded, photographs)
    return {
        "kappa": _kappa(found, true, photographs),
        "right": interval(wilson(int((found == true).sum()), len(true))),
        "table": [
            [int(((true == row) & (found == column)).sum()) for column in range(len(graded.cuts) + 1)]
            for row in range(len(graded.cuts) + 1)
        ],
    }


def finding_figures(
    graded: Graded, said: Sequence[Floats], photographs: Sequence[Photograph], part: Ints, settings: DetectorSettings
) -> Json:
    """How the finding fares, each part with what was fitted on the others."""
    drawn = [one.boxes for one in photographs]
    labels, evidence = _any(graded, drawn), evidence_of(graded, said, settings.listed)
    decisions: list[tuple[str, bool]] = []
    for number in range(settings.members):
        others, own = np.flatnonzero(part != number).tolist(), np.flatnonzero(part == number)
        fitted = fit_finding(graded, [said[i] for i in others], [drawn[i] for i in others], settings)
        for index in own:
            probability = fitted.calibration.probability(float(evidence[index]))
            decisions.append((fitted.thresholds.decide(probability).value, bool(labels[index])))
    runs = [str(one.run) for one in photographs]
    return {
        "none_drawn": int((~labels).sum()),
        "auc": interval(by_patient(lambda chosen: auc(evidence[chosen], labels[chosen]), runs, rounds=200)),
        "decisions": {
            value: [sum(said == value and there is wanted for said, there in decisions) for wanted in (False, True)]
            for value in ("likely", "unlikely", "cannot_say")
        },
    }


def comparators(graded: Graded, photographs: Sequence[Photograph], part: Ints) -> Json:
    """What simpler ways reach: the share of red pixels with cuts chosen on the other parts."""
    red = np.array([_red_share(one) for one in photographs])
    true = _true_grades(graded, photographs)
    found = np.zeros(len(true), np.int64)
    for number in np.unique(part):
        found[part == number] = np.searchsorted(_cuts(red[part != number], true[part != number]), red[part == number])
    usual = np.full(len(true), int(np.bincount(true).argmax()))
    return {
        "red_pixels": {
            "kappa": _kappa(found, true, photographs),
            "right": interval(wilson(int((found == true).sum()), len(true))),
        },
        "most_frequent": {"kappa": 0.0, "right": interval(wilson(int((usual == true).sum()), len(true)))},
    }


def _cuts(values: Floats, true: Ints) -> Floats:
    """Where to cut values so that the grades agree best, tried at percentiles."""
    tried = np.unique(np.percentile(values, np.arange(1, 100, 3)))
    best, chosen = -2.0, (tried[0], tried[-1])
    for place, low in enumerate(tried):
        for high in tried[place:]:
            kappa = quadratic_kappa(np.searchsorted(np.array([low, high]), values), true)
            if kappa > best:
                best, chosen = kappa, (low, high)
    return np.array(chosen)


def _kappa(found: Ints, true: Ints, photographs: Sequence[Photograph]) -> Json:
    runs = [str(one.run) for one in photographs]
    return interval(by_patient(lambda chosen: quadratic_kappa(found[chosen], true[chosen]), runs, rounds=400))


def _true_grades(graded: Graded, photographs: Sequence[Photograph]) -> Ints:
    counts = [float((one.boxes[:, 4] == graded.kind).sum()) for one in photographs]
    return grades_of(graded, np.array(counts))


def _any(graded: Graded, drawn: Sequence[Floats]) -> Bools:
    return np.array([bool((boxes[:, 4] == graded.kind).any()) for boxes in drawn])


def _red_share(one: Photograph) -> float:
    pixels = one.pixels.astype(np.float64)
    red = pixels[0] - (pixels[1] + pixels[2]) / 2
    return float(np.mean(red > red.mean() + _RED))
