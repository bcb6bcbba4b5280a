"""Figures against definitions written out the slow way."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.learning import statistics

scored = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=60)


@given(scored)
def test_auc_is_the_share_of_pairs_in_order(cases: list[tuple[int, bool]]) -> None:
    scores = np.array([float(score) for score, _ in cases])
    labels = np.array([label for _, label in cases])
    found = statistics.auc(scores, labels)
    if labels.all() or not labels.any():
        assert math.isnan(found)
        return
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[labels] for b in scores[~labels]]
    assert found == pytest.approx(sum(pairs) / len(pairs))


@given(st.integers(1, 500), st.data())
def test_wilson_holds_the_share_and_stays_a_share(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    found = statistics.wilson(hits, n)
    assert 0.0 <= found.low <= hits / n + 1e-12
    assert hits / n - 1e-12 <= found.high <= 1.0


def test_wilson_against_a_published_example() -> None:
    # Newcombe 1998, Stat Med 17:857, table I: 81 of 263 → 0.2553 to 0.3662.
    found = statistics.wilson(81, 263)
    assert found.low == pytest.approx(0.2553, abs=1e-4)
    assert found.high == pytest.approx(0.3662, abs=1e-4)


def test_patients_are_drawn_whole() -> None:
    labels = np.array([True] * 50 + [False] * 50)
    scores = np.r_[np.ones(50), np.zeros(50)] + np.random.default_rng(0).normal(0, 0.9, 100)

    def figure(index: npt.NDArray[np.int64]) -> float:
        return statistics.auc(scores[index], labels[index])

    alone = statistics.by_patient(figure, [str(number) for number in range(100)])
    pairs = statistics.by_patient(figure, [str(number // 10) for number in range(100)])
    assert alone.low < alone.value < alone.high
    assert pairs.value == alone.value
    assert (pairs.low, pairs.high) != (alone.low, alone.high)


def test_calibration_finds_the_scale_and_the_offset_back() -> None:
    random = np.random.default_rng(1)
    truth = random.normal(0.5, 2.0, 20_000)
    labels = random.random(20_000) < 1 / (1 + np.exp(-truth))
    temperature, offset = statistics.fit_calibration(truth * 3 + 1.2, labels)
    assert temperature == pytest.approx(3.0, rel=0.06)
    assert offset == pytest.approx(-0.4, abs=0.06)


def test_calibration_survives_perfect_separation_and_wants_both_classes() -> None:
    logits = np.r_[np.full(30, -4.0), np.full(30, 4.0)]
    temperature, offset = statistics.fit_calibration(logits, logits > 0)
    assert temperature > 0
    assert math.isfinite(offset)
    with pytest.raises(ValueError, match="both classes"):
        statistics.fit_calibration(logits, np.ones(60, dtype=bool))


def test_calibration_error_of_honest_and_of_boasting_probabilities() -> None:
    random = np.random.default_rng(2)
    said = random.random(50_000)
    labels = random.random(50_000) < said
    assert statistics.calibration_error(said, labels) < 0.01
    boasting = np.where(said > 0.5, 1.0, 0.0)
    assert statistics.calibration_error(boasting, labels) > 0.2
    table = statistics.reliability(said, labels)
    assert sum(row.n for row in table) == 50_000
    assert statistics.reliability(np.array([1.0]), np.array([True]))[0].low == pytest.approx(0.9)
