"""The figures of one yes-or-no finding, as every card prints them. numpy only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.learning.records import Json
from desktop.learning.statistics import auc, by_patient, calibration_error, interval, wilson

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Answered:
    """What was said of n pictures, and what was true. All (n).

    scores: what ranks them, such as logits. decided: likely or unlikely; likely: the former.
    """

    labels: Bools
    scores: Floats
    probabilities: Floats
    decided: Bools
    likely: Bools
    patients: Sequence[str]

    def part(self, chosen: Bools) -> "Answered":
        """Some of them."""
        patients = [patient for patient, taken in zip(self.patients, chosen, strict=True) if taken]
        return Answered(
            self.labels[chosen],
            self.scores[chosen],
            self.probabilities[chosen],
            self.decided[chosen],
            self.likely[chosen],
            patients,
        )


def yes_or_no(answered: Answered) -> dict[str, Json]:
    """AUC and F1 by patients drawn with replacement; shares with Wilson intervals; at probability one half, and
    three-way."""
    labels, probabilities, decided = answered.labels, answered.probabilities, answered.decided
    called = probabilities >= 0.5
    hits, false = int((called & labels).sum()), int((called & ~labels).sum())
    missed, cleared = int((~called & labels).sum()), int((~called & ~labels).sum())
    right = answered.likely == labels

    def ranked(index: npt.NDArray[np.int64]) -> float:
        return auc(answered.scores[index], labels[index])

    def f1(index: npt.NDArray[np.int64]) -> float:
        found = float((called[index] & labels[index]).sum())
        total = float(called[index].sum() + labels[index].sum())
        return 2 * found / total if total else float("nan")

    return {
        "auc": interval(by_patient(ranked, answered.patients)),
        "sensitivity": interval(wilson(hits, hits + missed)),
        "specificity": interval(wilson(cleared, cleared + false)),
        "ppv": interval(wilson(hits, hits + false)),
        "npv": interval(wilson(cleared, cleared + missed)),
        "f1": interval(by_patient(f1, answered.patients, rounds=200)),
        "calibration_error": round(calibration_error(probabilities, labels), 4),
        "brier": round(float(np.mean((probabilities - labels) ** 2)), 4),
        "decided": interval(wilson(int(decided.sum()), len(labels))),
        "decided_right": interval(wilson(int((decided & right).sum()), int(decided.sum()))),
    }
