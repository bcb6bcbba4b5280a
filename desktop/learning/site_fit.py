"""Thresholds for one clinic, fitted to its own confirmed cases, and how honest such a fit is.

The rule is the one the thresholds of every model are made by (class-conditional split conformal prediction, see
`inference.calibration`); only the cases are the clinic's own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from desktop.inference.calibration import ConformalThresholds, conformal_thresholds
from desktop.learning.clinical_validation import Answers, Judged
from desktop.learning.statistics import Interval, wilson
from desktop.records import Decision

FEWEST_TO_FIT = 50
"""Confirmed cases under which nothing is fitted."""

FEWEST_OF_CLASS_TO_FIT = 10
"""Cases with the finding, and cases without it, under which nothing is fitted."""

# Each patient is left out by turns; of many, a tenth at a time, which tells as much and takes no longer.
_TURNS, _PARTS = 200, 10


@dataclass(frozen=True)
class Shortfall:
    """What is missing before thresholds can be fitted: cases, with the finding, without it."""

    cases: int
    present: int
    absent: int

    @property
    def any(self) -> bool:
        """Whether something is missing."""
        return max(self.cases, self.present, self.absent) > 0


@dataclass(frozen=True)
class Outcome:
    """What thresholds make of some cases. kept: share of those with the finding that are not called unlikely. cleared:
    share of those without it that are not called likely. found: share of those with it called likely. ruled_out: share
    of those without it called unlikely. decided: share called either."""

    present: Answers
    absent: Answers
    kept: Interval
    cleared: Interval
    found: Interval
    ruled_out: Interval
    decided: Interval


@dataclass(frozen=True)
class SiteFit:
    """Thresholds fitted to some cases. same: judged on the very cases they were fitted to, which flatters. honest: each
    patient's cases judged by thresholds fitted without them. before: what the thresholds in use until now make of the
    same cases. never_unlikely, never_likely: there are too few cases of a class for the share asked for, so that the
    model would never say so."""

    thresholds: ConformalThresholds
    same: Outcome
    honest: Outcome
    before: Outcome
    never_unlikely: bool
    never_likely: bool


def shortfall(cases: Sequence[Judged]) -> Shortfall:
    """What is missing before thresholds can be fitted to these."""
    present = sum(case.present for case in cases)
    return Shortfall(
        max(0, FEWEST_TO_FIT - len(cases)),
        max(0, FEWEST_OF_CLASS_TO_FIT - present),
        max(0, FEWEST_OF_CLASS_TO_FIT - (len(cases) - present)),
    )


def fit(cases: Sequence[Judged], sensitivity: float, specificity: float, before: ConformalThresholds) -> SiteFit:
    """Thresholds so that of those with the finding at least `sensitivity` are not called unlikely, and of those without
    it at least `specificity` are not called likely, as far as new cases are like these.

    The cases' decisions are not looked at: thresholds decide those whose probability alone decides, so what the model
    would not judge for another reason must be left out before. Raises ValueError where cases are short, or a share is
    not inside 0 to 1.
    """
    if shortfall(cases).any or not (0 < sensitivity < 1 and 0 < specificity < 1):
        raise ValueError("too few cases, or a share that is none")
    found = _fitted(cases, sensitivity, specificity)
    same = [found.decide(case.probability) for case in cases]
    return SiteFit(
        thresholds=found,
        same=_outcome(cases, same),
        honest=_outcome(cases, _left_out(cases, sensitivity, specificity)),
        before=_outcome(cases, [before.decide(case.probability) for case in cases]),
        never_unlikely=found.positive <= 0.0,
        never_likely=found.negative >= 1.0,
    )


def _fitted(cases: Sequence[Judged], sensitivity: float, specificity: float) -> ConformalThresholds:
    # What is left of 1 is rounded: 1 - 0.9 is a little less than a tenth, and would ask for one case more.
    return conformal_thresholds(
        [case.probability for case in cases if case.present],
        [case.probability for case in cases if not case.present],
        round(1 - sensitivity, 9),
        round(1 - specificity, 9),
    )


def _left_out(cases: Sequence[Judged], sensitivity: float, specificity: float) -> list[Decision]:
    """Each case's decision by thresholds that never saw its patient. A class that is missing without that patient
    decides nothing."""
    names = sorted({case.patient for case in cases})
    parts = len(names) if len(names) <= _TURNS else _PARTS
    part_of = {name: place % parts for place, name in enumerate(names)}
    decide: list[Callable[[float], Decision]] = []
    for part in range(parts):
        others = [case for case in cases if part_of[case.patient] != part]
        if all(case.present for case in others) or not any(case.present for case in others):
            decide.append(_nothing)
        else:
            decide.append(_fitted(others, sensitivity, specificity).decide)
    return [decide[part_of[case.patient]](case.probability) for case in cases]


def _nothing(probability: float) -> Decision:
    return Decision.CANNOT_SAY


def _outcome(cases: Sequence[Judged], decisions: Sequence[Decision]) -> Outcome:
    pairs = list(zip(cases, decisions, strict=True))

    def counted(present: bool) -> Answers:
        said = [decision for case, decision in pairs if case.present is present]
        return Answers(*(said.count(one) for one in (Decision.LIKELY, Decision.CANNOT_SAY, Decision.UNLIKELY)))

    present, absent = counted(True), counted(False)
    return Outcome(
        present,
        absent,
        kept=wilson(present.total - present.unlikely, present.total),
        cleared=wilson(absent.total - absent.likely, absent.total),
        found=wilson(present.likely, present.total),
        ruled_out=wilson(absent.unlikely, absent.total),
        decided=wilson(present.decided + absent.decided, len(cases)),
    )
