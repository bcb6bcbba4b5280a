"""Precision, counting and intervals of boxes, on cases counted by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.learning.detector_figures import (
    Judged,
    average_precision,
    count_spread,
    counting_threshold,
    matched,
)


def found(*rows: tuple[float, float, float]) -> np.ndarray:
    """Boxes of 10 × 10 at (left, 0), of a kind, with a score."""
    return np.array([(left, 0.0, left + 10, 10.0, kind, score) for left, kind, score in rows]).reshape(-1, 6)


def drawn(*rows: tuple[float, float]) -> np.ndarray:
    return np.array([(left, 0.0, left + 10, 10.0, kind) for left, kind in rows]).reshape(-1, 5)


def test_a_drawn_box_is_found_once_and_by_its_kind_only() -> None:
    boxes = found((0, 0, 0.9), (1, 0, 0.8), (40, 1, 0.7), (80, 0, 0.6))
    truth = drawn((0, 0), (40, 0), (83, 0))
    assert matched(boxes, truth).tolist() == [True, False, False, True]


def test_half_of_the_union_is_enough() -> None:
    # Moved by a third of their width, two boxes share half of their union.
    assert matched(found((3.33, 0, 0.9)), drawn((0, 0))).tolist() == [True]
    assert matched(found((3.34, 0, 0.9)), drawn((0, 0))).tolist() == [False]


def test_average_precision_of_a_known_ranking() -> None:
    # Right, wrong, right of three drawn: precision 1 up to recall 1/3, then 2/3 up to 2/3.
    right = np.array([True, False, True])
    assert average_precision(np.array([0.9, 0.8, 0.7]), right, 3) == pytest.approx(1 / 3 + 2 / 9)
    assert math.isnan(average_precision(np.empty(0), np.empty(0, dtype=np.bool_), 0))
    assert average_precision(np.empty(0), np.empty(0, dtype=np.bool_), 4) == 0.0


def test_a_kind_nobody_drew_is_left_out_of_the_mean() -> None:
    judged = Judged([found((0, 0, 0.9), (30, 1, 0.8))], [drawn((0, 0))])
    assert judged.precision(0) == pytest.approx(1.0)
    assert judged.mean_precision(3) == pytest.approx(1.0)


def test_photographs_drawn_twice_count_twice() -> None:
    judged = Judged([found((0, 0, 0.9)), found((50, 0, 0.8))], [drawn((0, 0)), drawn((0, 0))])
    assert judged.precision(0, [0, 0]) == pytest.approx(1.0)
    assert judged.precision(0, [1, 1]) == pytest.approx(0.0)
    assert judged.precision(0) == pytest.approx(0.5)


def test_the_threshold_that_counts_right_is_chosen() -> None:
    boxes = [found((0, 0, 0.9), (20, 0, 0.6), (40, 0, 0.3)), found((0, 0, 0.8), (20, 0, 0.2))]
    judged = Judged(boxes, [drawn((0, 0), (20, 0)), drawn((0, 0))])
    threshold = counting_threshold(judged, 0)
    assert 0.3 < threshold <= 0.6
    said, true = judged.counts(0, threshold)
    assert said.tolist() == true.tolist() == [2, 1]
    assert judged.recall(0, threshold) == (3, 3, 3)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=20, max_size=60))
def test_an_interval_holds_the_share_it_is_made_for(counts: list[tuple[int, int]]) -> None:
    said, true = np.array(counts, dtype=np.float64).T
    low, high = count_spread(said, true, 0.9)
    assert low <= 0 <= high
    root = np.sqrt(said + 1)
    inside = (np.floor(said + low * root) <= true) & (true <= np.ceil(said + high * root))
    assert inside.mean() >= 0.9 - 2 / len(counts)
