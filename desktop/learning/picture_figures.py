"""The figures of a picture model: each finding judged by the member that never saw the patient, beside its thumbnail.

numpy only.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from desktop.inference.calibration import Calibration, ConformalThresholds
from desktop.learning import picture_ridge
from desktop.learning.binary import Answered, yes_or_no
from desktop.learning.picture_data import Indices, Singles
from desktop.learning.picture_settings import PictureSettings
from desktop.learning.records import Json
from desktop.learning.statistics import (
    Interval,
    auc,
    by_patient,
    fit_calibration,
    interval,
    reliability,
    thresholds_of,
)
from desktop.records import Decision

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FEWEST = 5
"""Pictures of each class; of fewer no figure is given."""


@dataclass(frozen=True)
class Fit:
    """How one finding's logit becomes a probability and an answer."""

    calibration: Calibration
    thresholds: ConformalThresholds


@dataclass(frozen=True, eq=False)
class Said:
    """What was said of one finding, on the pictures whose answer is known. All (n).

    logits: of who answered. thumbnail: scores of the simple method, where there are any. parts: who answered each.
    """

    answered: Answered
    logits: Floats
    thumbnail: Floats | None
    facts: Sequence[Mapping[str, str]]
    parts: Indices


def fit(logits: Floats, labels: Bools, settings: PictureSettings) -> Fit:
    """Calibration and thresholds from pictures of patients the answering networks never saw."""
    calibration = Calibration(*fit_calibration(logits, labels))
    said = probabilities(calibration, logits)
    return Fit(calibration, thresholds_of(said, labels, (settings.alpha,), settings.strictness))


def probabilities(calibration: Calibration, logits: Floats) -> Floats:
    """(n) of (n)."""
    return np.array([calibration.probability(float(logit)) for logit in logits])


def answered(logits: Floats, labels: Bools, groups: Sequence[str], fits: Sequence[Fit]) -> Answered:
    """What comes of logits (n), each by its own fit."""
    said = np.array([one.calibration.probability(float(logit)) for one, logit in zip(fits, logits, strict=True)])
    decisions = [one.thresholds.decide(float(share)) for one, share in zip(fits, said, strict=True)]
    decided = np.array([one is not Decision.CANNOT_SAY for one in decisions], dtype=bool)
    likely = np.array([one is Decision.LIKELY for one in decisions], dtype=bool)
    clipped = np.clip(said, 1e-12, 1 - 1e-12)
    return Answered(labels, np.log(clipped) - np.log1p(-clipped), said, decided, likely, groups)


def cross_fitted(
    logits: Floats, labels: Bools, groups: Sequence[str], parts: Indices, settings: PictureSettings
) -> Answered:
    """Each part by calibration and thresholds fitted on the others."""
    fits: list[Fit | None] = [None] * len(labels)
    for part in np.unique(parts):
        others = parts != part
        made = fit(logits[others], labels[others], settings)
        for index in np.flatnonzero(~others):
            fits[index] = made
    return answered(logits, labels, groups, [one for one in fits if one is not None])


def thumbnail_scores(
    thumbnails: Floats, answers: Singles, learned_from: Bools, parts: Indices, settings: PictureSettings
) -> Floats:
    """(n, findings): what ridge regression on small pictures, (n, pixels), says of each part from the others.

    answers: (n, findings), NaN where not known. learned_from: which of the pictures may be learned from.
    """
    found = np.zeros(answers.shape)
    for part in np.unique(parts):
        own, learned = parts == part, (parts != part) & learned_from
        components = picture_ridge.components_of(thumbnails[learned], settings.components)
        for index in range(answers.shape[1]):
            known = learned & np.isfinite(answers[:, index])
            line = picture_ridge.fit(components, thumbnails[known], answers[known, index] > 0.5, settings.ridge)
            found[own, index] = line.scores(thumbnails[own])
    return found


def area_within(scores: Floats, labels: Bools, parts: Indices) -> float:
    """Area under the ROC curve over the pairs of pictures that the same network ranks; NaN where there is none.

    Scores of several networks lie on scales of their own. To bring them to one scale by what the other parts hold of a
    finding ranks a part the lower the more of it there is in that very part: with few cases that is much.
    """
    total, pairs = 0.0, 0
    for part in np.unique(parts):
        own = parts == part
        count = int(labels[own].sum()) * int((~labels[own]).sum())
        if count:
            total += count * auc(scores[own], labels[own])
            pairs += count
    return total / pairs if pairs else math.nan


def margin(scores: Floats, simple: Floats, labels: Bools, groups: Sequence[str], parts: Indices) -> Interval:
    """By how much the area lies above the simple method's, on the same patients drawn again and again."""

    def lead(index: Indices) -> float:
        own = parts[index]
        return area_within(scores[index], labels[index], own) - area_within(simple[index], labels[index], own)

    return by_patient(lead, groups, rounds=400)


def _area(said: Said, scores: Floats) -> Interval:
    labels, parts = said.answered.labels, said.parts
    return by_patient(lambda index: area_within(scores[index], labels[index], parts[index]), said.answered.patients)


def finding_figures(said: Said, facts: Sequence[str], whole: Collection[str] = ()) -> dict[str, Json]:
    """All figures of one finding: over all, beside its thumbnail, and by each value of each fact. whole: names of parts
    of which the area over all pairs is told too: of few pictures the same network ranks very few pairs."""
    one = said.answered
    found: dict[str, Json] = {
        "n": len(one.labels),
        "positive": int(one.labels.sum()),
        **yes_or_no(one),
        "auc": interval(_area(said, said.logits)),
        "reliability": [asdict(row) for row in reliability(one.probabilities, one.labels)],
    }
    if said.thumbnail is not None:
        simple = said.thumbnail
        found["thumbnail"] = interval(_area(said, simple))
        found["margin"] = interval(margin(said.logits, simple, one.labels, one.patients, said.parts))
    found["by"] = {
        f"{fact} {value}": _part(
            said, np.array([item.get(fact) == value for item in said.facts]), whole=f"{fact} {value}" in whole
        )
        for fact in facts
        for value in sorted({item[fact] for item in said.facts if item.get(fact)})
    }
    return found


def _part(said: Said, chosen: Bools, *, whole: bool) -> Json:
    simple = None if said.thumbnail is None else said.thumbnail[chosen]
    part = Said(said.answered.part(chosen), said.logits[chosen], simple, (), said.parts[chosen])
    labels = part.answered.labels
    positive = int(labels.sum())
    found: dict[str, Json] = {"n": len(labels), "positive": positive, "auc": None, "thumbnail": None}
    if min(positive, len(labels) - positive) >= FEWEST:
        found["auc"] = interval(_area(part, part.logits))
        area = math.nan if simple is None else area_within(simple, labels, part.parts)
        found["thumbnail"] = round(area, 4) if math.isfinite(area) else None
        if whole:
            every = by_patient(lambda index: auc(part.logits[index], labels[index]), part.answered.patients)
            found["all_pairs"] = interval(every)
    return found
