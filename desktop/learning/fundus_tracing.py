"""How well drawn vessels are found again: overlap with what a person drew, point by point. numpy only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.learning.fundus_data import DrawnEye
from desktop.learning.records import Json
from desktop.learning.statistics import Interval, by_patient, interval

FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

BINS = 200
_STEPS = np.arange(40, 141)
"""Thresholds that are tried, in bins: 0.2 to 0.7."""


@dataclass(frozen=True, eq=False)
class Traced:
    """How often each probability was said of an eye's points, by what a person drew; both (BINS,). missed: points drawn
    beyond the field. wide: points in the field."""

    vessel: Ints
    other: Ints
    missed: int

    def dice(self) -> Floats:
        """(BINS,) overlap for a threshold at the lower edge of each bin."""
        hits = self.vessel[::-1].cumsum()[::-1]
        false = self.other[::-1].cumsum()[::-1]
        drawn = self.vessel.sum() + self.missed
        return np.asarray(2 * hits / np.maximum(1, hits + false + drawn), dtype=np.float64)

    def at(self, threshold: int) -> tuple[int, int, int, int]:
        """Points rightly and wrongly called vessel, missed, and rightly left, in the field."""
        hits, false = int(self.vessel[threshold:].sum()), int(self.other[threshold:].sum())
        return hits, false, int(self.vessel[:threshold].sum()), int(self.other[:threshold].sum())


def traced(eye: DrawnEye, vessels: FloatArray) -> Traced:
    """vessels: (side, side) probability of each prepared point."""
    shape = (eye.drawn.shape[0], eye.drawn.shape[1])
    field = eye.retina.back(eye.retina.field.astype(np.float32), shape) > 0.5
    said = eye.retina.back(vessels * eye.retina.field, shape)
    place = np.minimum((said * BINS).astype(np.int64), BINS - 1)
    return Traced(
        np.bincount(place[field & eye.drawn], minlength=BINS),
        np.bincount(place[field & ~eye.drawn], minlength=BINS),
        int((eye.drawn & ~field).sum()),
    )


def best_threshold(eyes: Sequence[Traced]) -> int:
    """The bin from which on points are called vessel for the highest mean overlap."""
    mean = np.mean([eye.dice() for eye in eyes], axis=0)
    return int(_STEPS[int(np.argmax(mean[_STEPS]))])


def tracing_figures(
    eyes: Sequence[DrawnEye], found: Sequence[Traced], thresholds: Sequence[int], plain: Sequence[Traced]
) -> dict[str, Json]:
    """thresholds: of each eye. plain: the same eyes told by how dark they are, each with the best threshold of all, the
    trivial comparator."""
    subjects = [eye.subject for eye in eyes]
    dice = np.array([one.dice()[at] for one, at in zip(found, thresholds, strict=True)])
    counts = np.array([one.at(at) for one, at in zip(found, thresholds, strict=True)], dtype=np.float64)
    dark = best_threshold_of_all(plain)
    figures: dict[str, Json] = {
        "photographs": len(eyes),
        "subjects": len(set(subjects)),
        "dice": interval(_mean(dice, subjects)),
        "sensitivity": interval(_mean(counts[:, 0] / (counts[:, 0] + counts[:, 2]), subjects)),
        "specificity": interval(_mean(counts[:, 3] / (counts[:, 1] + counts[:, 3]), subjects)),
        "accuracy": interval(_mean((counts[:, 0] + counts[:, 3]) / counts.sum(axis=1), subjects)),
        "auc": interval(_mean(np.array([area_of(one) for one in found]), subjects)),
        "dice_of_darkness": interval(_mean(np.array([one.dice()[dark] for one in plain]), subjects)),
    }
    second = [
        2 * int((eye.second & eye.drawn).sum()) / int(eye.second.sum() + eye.drawn.sum())
        for eye in eyes
        if eye.second is not None
    ]
    if len(second) == len(eyes):
        figures["dice_of_second_observer"] = interval(_mean(np.array(second), subjects))
    return figures


def best_threshold_of_all(eyes: Sequence[Traced]) -> int:
    """As `best_threshold`, without bounds."""
    return int(np.argmax(np.mean([eye.dice() for eye in eyes], axis=0)))


def _mean(values: Floats, subjects: Sequence[str]) -> Interval:
    return by_patient(lambda chosen: float(values[chosen].mean()), subjects)


def area_of(one: Traced) -> float:
    """Under the ROC curve, of points in the field."""
    below = np.concatenate([[0], one.other.cumsum()[:-1]]) + one.other / 2
    return float((one.vessel * below).sum() / (one.vessel.sum() * one.other.sum()))
