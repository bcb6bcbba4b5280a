"""Probabilities keep the order of logits; each class keeps its promise of coverage."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.inference.calibration import Calibration, ConformalThresholds, conformal_thresholds
from desktop.records import Decision

shares = st.floats(0, 1)
logits = st.floats(-1e6, 1e6)


@given(logits, logits, st.floats(0.01, 100), st.floats(-10, 10))
def test_probability_is_a_share_and_keeps_the_order(low: float, high: float, temperature: float, offset: float) -> None:
    calibration = Calibration(temperature, offset)
    low, high = sorted((low, high))
    first, second = calibration.probability(low), calibration.probability(high)
    assert 0.0 <= first <= second <= 1.0


@given(st.floats(-30, 30))
def test_probability_is_symmetric(logit: float) -> None:
    plain = Calibration()
    assert plain.probability(logit) + plain.probability(-logit) == pytest.approx(1.0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_has_no_probability(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Calibration().probability(value)


@pytest.mark.parametrize(("temperature", "offset"), [(0.0, 0.0), (-1.0, 0.0), (math.nan, 0.0), (1.0, math.inf)])
def test_an_impossible_calibration_cannot_be_built(temperature: float, offset: float) -> None:
    with pytest.raises(ValueError, match="temperature"):
        Calibration(temperature, offset)


@given(shares, shares, shares, shares)
def test_more_probability_never_speaks_less_for_the_finding(
    positive: float, negative: float, first: float, second: float
) -> None:
    thresholds = ConformalThresholds(positive, negative, 0.05, 0.05)
    order = [Decision.UNLIKELY, Decision.CANNOT_SAY, Decision.LIKELY]
    low, high = sorted((first, second))
    assert order.index(thresholds.decide(low)) <= order.index(thresholds.decide(high))


@given(
    st.lists(shares, min_size=1, max_size=200),
    st.lists(shares, min_size=1, max_size=200),
    st.floats(0.0, 0.5),
    st.floats(0.0, 0.5),
)
def test_at_most_alpha_of_each_class_is_excluded(
    positives: list[float], negatives: list[float], alpha_positive: float, alpha_negative: float
) -> None:
    thresholds = conformal_thresholds(positives, negatives, alpha_positive, alpha_negative)
    wrongly_out = sum(value < thresholds.positive for value in positives)
    wrongly_in = sum(value > thresholds.negative for value in negatives)
    assert wrongly_out <= alpha_positive * (len(positives) + 1)
    assert wrongly_in <= alpha_negative * (len(negatives) + 1) + 1e-9


def test_too_few_cases_exclude_nothing() -> None:
    thresholds = conformal_thresholds([0.9] * 5, [0.1] * 5, 0.05, 0.05)
    assert (thresholds.positive, thresholds.negative) == (0.0, 1.0)
    assert thresholds.decide(0.5) is Decision.CANNOT_SAY
    assert thresholds.decide(1.0) is Decision.CANNOT_SAY


def test_the_three_answers() -> None:
    overlapping = ConformalThresholds(0.3, 0.6, 0.05, 0.05)
    assert [overlapping.decide(p) for p in (0.1, 0.3, 0.6, 0.7)] == [
        Decision.UNLIKELY,
        Decision.CANNOT_SAY,
        Decision.CANNOT_SAY,
        Decision.LIKELY,
    ]
    apart = ConformalThresholds(0.7, 0.2, 0.05, 0.05)
    assert [apart.decide(p) for p in (0.2, 0.5, 0.7)] == [
        Decision.UNLIKELY,
        Decision.CANNOT_SAY,
        Decision.LIKELY,
    ]


def test_a_class_without_cases_is_refused() -> None:
    with pytest.raises(ValueError, match="each class"):
        conformal_thresholds([], [0.1], 0.05, 0.05)
