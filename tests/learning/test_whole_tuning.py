"""A whole network learning on: what it takes, what is calibrated anew, what holds it back. Needs no PyTorch."""

import numpy as np
import pytest

from desktop.inference.calibration import ConformalThresholds
from desktop.learning.head_tuning import Enough, is_locked
from desktop.learning.whole_tuning import (
    INNER_SHARE,
    LEAST_OF_EACH_ALL,
    Learned,
    Material,
    WholeEnough,
    WholeSettings,
    farther,
    gain,
    identity,
    is_inner,
    keeps_decisions,
    recalibrated,
    refuses_more,
)

KEY = "a clinic"


def material(n: int = 40) -> Material:
    random = np.random.default_rng(3)
    truths = np.full((n, 2), np.nan, np.float32)
    truths[:, 0] = random.random(n) < 0.5
    weights = np.zeros((n, 2), np.float32)
    weights[:, 0] = 1.0
    fits = np.array([[0.5, 1.0], [1.0, 0.0]], np.float32)
    pictures = random.normal(size=(n, 1, 8, 8)).astype(np.float16)
    return Material(pictures, truths, weights, np.arange(n) % 2 == 0, fits)


def learned(before: np.ndarray, after: np.ndarray) -> Learned:
    away = np.linspace(0.1, 1.0, len(before))
    return Learned(b"graph", (), 1, before, after, away, 1.5 * away)


@pytest.mark.parametrize(
    ("present", "absent", "wanting", "may"),
    [(0, 0, (100, 100), False), (5, 50, (95, 50), False), (99, 400, (1, 0), False), (100, 100, (0, 0), True)],
)
def test_it_takes_more_than_a_correction_does(present: int, absent: int, wanting: tuple[int, int], may: bool) -> None:
    there = WholeEnough(Enough(present + absent, present, absent, 30, 30))
    assert LEAST_OF_EACH_ALL == 100
    assert (there.missing_present, there.missing_absent) == wanting
    assert there.to_learn is may


def test_the_inner_part_is_a_fifth_whoever_is_locked() -> None:
    people = [f"p{number}" for number in range(4000)]
    free = [one for one in people if not is_locked(one, KEY)]
    share = sum(is_inner(one, KEY) for one in free) / len(free)
    assert abs(share - INNER_SHARE) < 0.03
    assert is_inner("p7", KEY) == is_inner("p7", KEY)


def test_probabilities_that_went_astray_are_calibrated_anew() -> None:
    random = np.random.default_rng(5)
    raw = random.normal(0, 1, 4000)
    truth = (random.random(4000) < 1 / (1 + np.exp(-(1.5 * raw - 1.0)))).astype(float)
    temperature, offset = recalibrated(raw, truth, np.ones(4000), 1.0, 1.0)
    assert 1 / temperature == pytest.approx(1.5, abs=0.15)
    assert offset == pytest.approx(-1.0, abs=0.15)
    few = recalibrated(raw[:4], np.ones(4), np.ones(4), 1.0, 0.0)
    assert few[1] < 1.0, "four cases move little"


def test_a_gain_is_told_with_its_error_and_the_limits_of_distance_go_along() -> None:
    given = material()
    wanted = np.nan_to_num(given.truths[given.inner]).astype(np.float64)
    nothing = np.zeros_like(wanted)
    better = np.where(wanted > 0, 1.0, -1.5)
    mean, error = gain(given, learned(nothing, better))
    assert mean > 3 * error > 0
    assert gain(given, learned(better, nothing))[0] < 0
    assert farther(learned(nothing, better)) == pytest.approx(1.5)
    assert farther(Learned(b"", (), 0, nothing[:0], nothing[:0], np.zeros(0), np.zeros(0))) == 1.0


def test_what_cannot_be_compared_must_decide_as_before() -> None:
    thresholds = ConformalThresholds(0.3, 0.7, 0.05, 0.05)
    before = np.linspace(-4, 4, 100)
    assert keeps_decisions(before, before + 0.01, thresholds)
    assert not keeps_decisions(before, before + 1.0, thresholds)
    assert not keeps_decisions(before[:5], before[:5], thresholds), "of five nobody can say so"


def test_more_strange_pictures_hold_it_back() -> None:
    assert not refuses_more(2, 3, 100)
    assert refuses_more(2, 12, 100)
    assert not refuses_more(0, 0, 0)


def test_another_lesson_does_not_go_on_where_one_was_left() -> None:
    given, settings = material(), WholeSettings()
    mark = identity(b"graph", given, settings, ("a",))
    assert mark == identity(b"graph", material(), WholeSettings(threads=7), ("a",))
    assert mark != identity(b"graph", given, settings, ("b",))
    assert mark != identity(b"other", given, settings, ("a",))
    assert mark != identity(b"graph", material(41), settings, ("a",))
    assert mark != identity(b"graph", given, WholeSettings(rate=1e-3), ("a",))
