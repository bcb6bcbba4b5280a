"""Rates by group: exact counts, and a flag only where chance does not explain the difference."""

import math

import numpy as np
import pytest

from desktop.learning.rates import TOO_FEW, Answered, RateKind, RateRow, Trend, board
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
