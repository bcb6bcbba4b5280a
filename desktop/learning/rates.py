"""How often a model answers how in this clinic, and where that is unlike the rest: the figures of the drift board.

No reference is needed for these: they say that something changed, not who is right.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from desktop.learning.statistics import Interval, wilson
from desktop.records import Decision

TOO_FEW = 20
"""Cases under which a share of a group says nothing: its interval is wider than 40 points."""

# Of a share that differs by chance alone, one in 370 is flagged: the limits of a control chart at three sigma
# (Shewhart 1931), by Fisher's exact test, which holds for groups of any size.
_CHANCE = 0.0027


class RateKind(StrEnum):
    """What is counted. refused: not judged, of all asked. likely, cannot_say: of the findings judged. changed: amended
    or rejected, of those the doctor decided."""

    REFUSED = "refused"
    LIKELY = "likely"
    CANNOT_SAY = "cannot_say"
    CHANGED = "changed"


class Trend(StrEnum):
    """Whether a share is unlike that of all other groups together."""

    USUAL = "usual"
    MORE = "more"
    LESS = "less"


@dataclass(frozen=True)
class Answered:
    """One answer of a model. group: what it is counted under. findings: decisions by key, empty where it was refused.
    changed: whether the doctor held something else, for each finding that was decided."""

    group: str
    refused: bool
    findings: Mapping[str, Decision]
    changed: Mapping[str, bool]


@dataclass(frozen=True)
class Rate:
    """A share of one group with its 95 % interval. finding: the key, empty where it is of the whole answer. limits:
    between which it is usual, given all other groups together; None where one of both has too few cases."""

    kind: RateKind
    finding: str
    share: Interval
    trend: Trend
    limits: tuple[float, float] | None = None

    @property
    def enough(self) -> bool:
        """Whether there are cases enough to look at."""
        return self.share.n >= TOO_FEW


@dataclass(frozen=True)
class RateRow:
    """The rates of one group. asked: how many answers it has."""

    group: str
    asked: int
    rates: tuple[Rate, ...]

    @property
    def unusual(self) -> tuple[Rate, ...]:
        """Those unlike the rest."""
        return tuple(rate for rate in self.rates if rate.trend is not Trend.USUAL)


def board(answers: Sequence[Answered]) -> tuple[RateRow, ...]:
    """One row for each group, by the group's name."""
    findings = sorted({key for answer in answers for key in answer.findings})
    counted: list[tuple[RateKind, str, Callable[[Answered], bool | None]]] = [(RateKind.REFUSED, "", _refused)]
    for key in findings:
        counted += [
            (RateKind.LIKELY, key, _decided_as(key, Decision.LIKELY)),
            (RateKind.CANNOT_SAY, key, _decided_as(key, Decision.CANNOT_SAY)),
            (RateKind.CHANGED, key, _changed(key)),
        ]
    groups = sorted({answer.group for answer in answers})
    tallies = {(kind, key): _tally(answers, told) for kind, key, told in counted}
    rows = []
    for group in groups:
        rates = tuple(_rate(kind, key, group, tallies[kind, key]) for kind, key, _ in counted)
        rows.append(RateRow(group, sum(answer.group == group for answer in answers), rates))
    return tuple(rows)


def _tally(answers: Sequence[Answered], told: Callable[[Answered], bool | None]) -> dict[str, tuple[int, int]]:
    """Hits and cases by group."""
    found: dict[str, tuple[int, int]] = {}
    for answer in answers:
        hit = told(answer)
        hits, cases = found.get(answer.group, (0, 0))
        if hit is not None:
            found[answer.group] = hits + int(hit), cases + 1
    return found


def _rate(kind: RateKind, key: str, group: str, tally: Mapping[str, tuple[int, int]]) -> Rate:
    hits, cases = tally.get(group, (0, 0))
    others = [counts for name, counts in tally.items() if name != group]
    rest = sum(count[0] for count in others), sum(count[1] for count in others)
    if cases < TOO_FEW or rest[1] < TOO_FEW:
        return Rate(kind, key, wilson(hits, cases), Trend.USUAL)
    low, high = _usual(cases, rest)
    trend = Trend.LESS if hits < low else Trend.MORE if hits > high else Trend.USUAL
    return Rate(kind, key, wilson(hits, cases), trend, (low / cases, high / cases))


def _usual(cases: int, rest: tuple[int, int]) -> tuple[int, int]:
    """The fewest and the most hits among so many cases that are no less likely than one in 370, if the group is like
    the rest (hits, cases)."""
    middle = round(cases * rest[0] / rest[1])
    fewest = bisect_left(range(middle), True, key=lambda hits: fisher(hits, cases, rest) >= _CHANCE)
    above = range(middle + 1, cases + 1)
    return fewest, middle + bisect_left(above, True, key=lambda hits: fisher(hits, cases, rest) < _CHANCE)


def fisher(hits: int, cases: int, rest: tuple[int, int]) -> float:
    """The chance of a table this far from even or farther, two-sided, by Fisher's exact test: of all tables with these
    sums, those no likelier than this one. rest: hits and cases of the other group. A board asks thousands of times."""
    every, found = cases + rest[1], hits + rest[0]
    kept = np.arange(max(0, found - rest[1]), min(cases, found) + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, every + 1)))])
    ways = -(logs[kept] + logs[cases - kept] + logs[found - kept] + logs[rest[1] - found + kept])
    chances = np.exp(ways - ways.max())
    own = chances[hits - int(kept[0])]
    return float(chances[chances <= own * (1 + 1e-7)].sum() / chances.sum())


def _refused(answer: Answered) -> bool | None:
    return answer.refused


def _decided_as(key: str, decision: Decision) -> Callable[[Answered], bool | None]:
    return lambda answer: answer.findings[key] is decision if key in answer.findings else None


def _changed(key: str) -> Callable[[Answered], bool | None]:
    return lambda answer: answer.changed.get(key)
