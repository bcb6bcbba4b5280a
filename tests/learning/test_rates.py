"""Rates by group: exact counts, and a flag only where chance does not explain the difference."""

import math

import numpy as np
import pytest

from desktop.learning.rates import TOO_FEW, Answered, RateKind, RateRow, Trend, board, fisher
from desktop.records import Decision

KEY = "pneumonia"


def answers(group: str, *, likely: int = 0, unlikely: int = 0, unsure: int = 0, refused: int = 0) -> list[Answered]:
    said = [Decision.LIKELY] * likely + [Decision.UNLIKELY] * unlikely + [Decision.CANNOT_SAY] * unsure
    return [Answered(group, False, {KEY: one}, {}) for one in said] + [Answered(group, True, {}, {})] * refused


def rate_of(row: RateRow, kind: RateKind) -> tuple[float, int, Trend]:
    (found,) = [rate for rate in row.rates if rate.kind is kind]
    return found.share.value, found.share.n, found.trend


def test_counts_are_exact_and_rest_on_those_they_are_of() -> None:
    (row,) = board(answers("2026-11", likely=3, unlikely=5, unsure=2, refused=10))
    assert (row.group, row.asked) == ("2026-11", 20)
    assert rate_of(row, RateKind.REFUSED) == (0.5, 20, Trend.USUAL)
    assert rate_of(row, RateKind.LIKELY) == (0.3, 10, Trend.USUAL)
    assert rate_of(row, RateKind.CANNOT_SAY) == (0.2, 10, Trend.USUAL)
    value, cases, _ = rate_of(row, RateKind.CHANGED)
    assert math.isnan(value)
    assert cases == 0


def test_only_what_was_decided_can_be_changed() -> None:
    decided = [Answered("a", False, {KEY: Decision.LIKELY}, {KEY: changed}) for changed in (True, False, False, False)]
    (row,) = board([*decided, *answers("a", likely=6)])
    assert rate_of(row, RateKind.CHANGED)[:2] == (0.25, 4)


def test_a_month_unlike_the_others_is_flagged_in_its_direction() -> None:
    usual = [one for month in ("01", "02", "03") for one in answers(month, likely=20, unlikely=80)]
    rows = {row.group: row for row in board([*usual, *answers("04", likely=45, unlikely=55)])}
    assert rate_of(rows["04"], RateKind.LIKELY)[2] is Trend.MORE
    assert [rate.kind for rate in rows["04"].unusual] == [RateKind.LIKELY]
    assert rows["01"].unusual == ()
    rows = {row.group: row for row in board([*usual, *answers("04", likely=2, unlikely=98)])}
    assert rate_of(rows["04"], RateKind.LIKELY)[2] is Trend.LESS


@pytest.mark.parametrize("cases", [1, TOO_FEW - 1])
def test_few_cases_are_never_flagged(cases: int) -> None:
    rows = board([*answers("a", unlikely=200), *answers("b", likely=cases)])
    assert all(row.unusual == () for row in rows)
    assert [rate.enough for rate in rows[1].rates if rate.kind is RateKind.LIKELY] == [False]


def test_chance_alone_is_flagged_once_in_hundreds() -> None:
    random = np.random.default_rng(5)
    flagged = 0
    for _ in range(60):
        drawn = [
            one
            for month in ("a", "b", "c", "d")
            for likely in [int(random.binomial(60, 0.3))]
            for one in answers(month, likely=likely, unlikely=60 - likely)
        ]
        flagged += sum(bool(row.unusual) for row in board(drawn))
    assert flagged <= 4


@pytest.mark.parametrize(
    ("hits", "cases", "rest"), [(0, 20, (0, 50)), (7, 30, (5, 60)), (90, 100, (50, 400)), (3, 5, (2, 9))]
)
def test_the_exact_test_is_fishers(hits: int, cases: int, rest: tuple[int, int]) -> None:
    from scipy.stats import fisher_exact

    expected = fisher_exact([[hits, cases - hits], [rest[0], rest[1] - rest[0]]])[1]
    assert fisher(hits, cases, rest) == pytest.approx(expected, rel=1e-6)


def test_the_limits_are_where_chance_ends() -> None:
    said = [Answered("a", False, {"x": Decision.LIKELY if n < 6 else Decision.UNLIKELY}, {}) for n in range(30)]
    said += [Answered("b", False, {"x": Decision.LIKELY if n < 20 else Decision.UNLIKELY}, {}) for n in range(100)]
    rate = next(one for one in board(said)[0].rates if one.kind is RateKind.LIKELY)
    assert rate.limits is not None
    low, high = (round(limit * 30) for limit in rate.limits)
    usual = [hits for hits in range(31) if fisher(hits, 30, (20, 100)) >= 0.0027]
    assert (low, high) == (usual[0], usual[-1])
    refused = next(one for one in board(said[:40])[1].rates if one.kind is RateKind.LIKELY)
    assert refused.limits is None, "ten cases are too few"
