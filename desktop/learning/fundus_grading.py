"""Fitting the forests that grade retinas, and what they say of eyes they have not seen. numpy only.

A forest for each level of a grade learns whether a retina reaches it; a level counts as reached at even odds. What
forests made without an eye (and without its neighbours by number, often the other eye of the same person) say of it
calibrates them and sets the thresholds of a decision.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop.errors import ErrorKind, UserFacingError
from desktop.inference.calibration import Calibration, ConformalThresholds
from desktop.inference.fundus_field import find_circle
from desktop.inference.fundus_lesions import lesion_measures
from desktop.jobs import Job
from desktop.learning.additive import Bools, Floats
from desktop.learning.forest import Forest, ForestPlan, grow
from desktop.learning.forest_graph import Familiar, familiar_of, log_odds
from desktop.learning.fundus_data import GRADES, Bytes, GradedEye, colours_of
from desktop.learning.fundus_settings import FundusSettings
from desktop.learning.recipe import Say
from desktop.learning.statistics import fit_calibration, thresholds_of

Ints = npt.NDArray[np.int64]

DR, DME = "referable_dr", "referable_dme"
LEVELS = ((DR, 2), (DME, 2), (DR, 1), (DR, 3), (DR, 4), (DME, 1))
"""What each forest tells: that the grade of a kind is at least so high. The first two are what is referred."""

KINDS = (DR, DME)
STEPS = {
    kind: tuple(sorted((least, place) for place, (of, least) in enumerate(LEVELS) if of == kind)) for kind in KINDS
}
"""Of each kind: its levels in order, and which forest tells each."""

EVEN = 0.0
"""Log-odds from which on a level counts as reached. Cuts fitted for the highest kappa had none higher on other eyes,
and were right less often."""


@dataclass(frozen=True, eq=False)
class FittedGrades:
    """Forests in the order of LEVELS; calibrations and thresholds in that of KINDS."""

    forests: tuple[Forest, ...]
    calibrations: tuple[Calibration, ...]
    thresholds: tuple[ConformalThresholds, ...]
    familiar: Familiar


@dataclass(frozen=True, eq=False)
class Fitted:
    """What is fitted on what forests said of eyes they had not seen, of one kind."""

    calibration: Calibration
    thresholds: ConformalThresholds


def measured(pixels: Bytes) -> list[float]:
    """The measures of a photograph. Raises UserFacingError where no retina is seen on it."""
    circle = find_circle(pixels)
    if circle is None:
        raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=GRADES)
    return list(lesion_measures(pixels, circle).values())


def measure_all(eyes: Sequence[GradedEye], job: Job, say: Say) -> Floats:
    """(n, measures) of all eyes."""
    rows = []
    for place, eye in enumerate(eyes):
        job.check()
        rows.append(measured(colours_of(eye.path)))
        if (place + 1) % 100 == 0:
            say(f"measured {place + 1} of {len(eyes)} photographs")
    return np.array(rows)


def reached(eyes: Sequence[GradedEye]) -> Bools:
    """(n, levels) whether each eye reaches each level."""
    grades = {DR: np.array([eye.dr for eye in eyes]), DME: np.array([eye.dme for eye in eyes])}
    return np.stack([grades[kind] >= least for kind, least in LEVELS], axis=1)


def grades_of(levels: Bools, kind: str) -> Ints:
    """(n,) grades of one kind from the levels that are reached."""
    chosen: Ints = levels[:, [place for _, place in STEPS[kind]]].sum(axis=1)
    return chosen


def grow_levels(rows: Floats, levels: Bools, settings: FundusSettings, seed: int, job: Job) -> tuple[Forest, ...]:
    """A forest for each level."""
    plan, forests = ForestPlan(settings.trees, settings.least, settings.share), []
    for place in range(len(LEVELS)):
        job.check()
        forests.append(grow(rows, levels[:, place], plan, seed + place))
    return tuple(forests)


def shares_of(forests: Sequence[Forest], rows: Floats) -> Floats:
    """(n, levels) log-odds of the forests' shares."""
    return np.stack([log_odds(forest.shares(rows)) for forest in forests], axis=1)


@dataclass(frozen=True, eq=False)
class Unseen:
    """parts: (n,) of each eye. forests: of each part, made without it. logits: (n, levels), each eye's by those."""

    parts: Ints
    forests: tuple[tuple[Forest, ...], ...]
    logits: Floats

    def asked(self, rows: Floats, chosen: Ints) -> Floats:
        """(len(chosen), levels) of other measures of some of the eyes, each by forests made without it."""
        logits = np.zeros((len(chosen), len(LEVELS)))
        for part, forests in enumerate(self.forests):
            own = self.parts[chosen] == part
            if own.any():
                logits[own] = shares_of(forests, rows[own])
        return logits


def unseen(rows: Floats, levels: Bools, parts: Ints, settings: FundusSettings, job: Job, say: Say) -> Unseen:
    """What forests made without an eye's part say of it. Raises UserFacingError where a level is reached by all or none
    of the others: then there is too little to learn from."""
    for part in range(settings.folds):
        others = levels[parts != part]
        if others.all(axis=0).any() or not others.any(axis=0).all():
            raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=GRADES)
    logits, kept = np.zeros(levels.shape), []
    for part in range(settings.folds):
        say(f"forests without part {part + 1} of {settings.folds}")
        out = parts == part
        forests = grow_levels(rows[~out], levels[~out], settings, settings.seed + 100 * part, job)
        logits[out] = shares_of(forests, rows[out])
        kept.append(forests)
    return Unseen(parts, tuple(kept), logits)


def fit_kind(kind: str, logits: Floats, levels: Bools, settings: FundusSettings) -> Fitted:
    """logits: of eyes by forests that had not seen them."""
    place = KINDS.index(kind)
    labels = levels[:, place]
    calibration = Calibration(*(round(value, 6) for value in fit_calibration(logits[:, place], labels)))
    said = np.array([calibration.probability(float(one)) for one in logits[:, place]])
    return Fitted(calibration, thresholds_of(said, labels, settings.alphas))


def fit_grades(rows: Floats, levels: Bools, logits: Floats, settings: FundusSettings, job: Job) -> FittedGrades:
    """The model's own forests, from all eyes, and what the unseen logits say about how to read them."""
    fitted = [fit_kind(kind, logits, levels, settings) for kind in KINDS]
    return FittedGrades(
        forests=grow_levels(rows, levels, settings, settings.seed + 10_000, job),
        calibrations=tuple(one.calibration for one in fitted),
        thresholds=tuple(one.thresholds for one in fitted),
        familiar=familiar_of(rows, settings.familiar),
    )


def graded(logits: Floats) -> Ints:
    """(n,) grades: as many levels as are reached one after the other. logits: (n, levels of one kind, in order)."""
    return np.asarray(np.cumprod(logits >= EVEN, axis=1).sum(axis=1), dtype=np.int64)


def quadratic_kappa(said: Ints, true: Ints) -> float:
    """Cohen's kappa with quadratic weights; NaN where all are one grade."""
    count = int(max(said.max(), true.max())) + 1
    seen = np.zeros((count, count))
    np.add.at(seen, (true, said), 1.0)
    weight = np.subtract.outer(np.arange(count), np.arange(count)).astype(np.float64) ** 2
    by_chance = np.outer(seen.sum(axis=1), seen.sum(axis=0)) / seen.sum()
    expected = float((weight * by_chance).sum())
    return 1.0 - float((weight * seen).sum()) / expected if expected else float("nan")
