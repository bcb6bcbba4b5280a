"""Thresholds fitted to a clinic: the numbers by hand, the promise on new cases, and honesty about the same ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.inference.calibration import ConformalThresholds
from desktop.learning.clinical_validation import Answers, Judged
from desktop.learning.site_fit import fit, shortfall
from desktop.records import Decision

PROGRAM = ConformalThresholds(0.2, 0.8, 0.05, 0.05)


def case(number: object, said: float, present: bool) -> Judged:
    return Judged(f"p{number}", said, Decision.CANNOT_SAY, present)


def clinic(having: int, without: int, seed: int = 5) -> list[Judged]:
    generator = np.random.default_rng(seed)
    said = [*generator.beta(4, 2, having), *generator.beta(2, 4, without)]
    return [case(number, float(one), number < having) for number, one in enumerate(said)]


@pytest.mark.parametrize(
    ("having", "without", "missing"),
    [(25, 24, (1, 0, 0)), (9, 41, (0, 1, 0)), (45, 5, (0, 0, 5)), (0, 0, (50, 10, 10)), (10, 40, (0, 0, 0))],
)
def test_what_is_missing(having: int, without: int, missing: tuple[int, int, int]) -> None:
    found = shortfall(clinic(having, without))
    assert (found.cases, found.present, found.absent) == missing
    assert found.any is (max(missing) > 0)


def test_too_few_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        fit(clinic(9, 60), 0.9, 0.9, PROGRAM)
    with pytest.raises(ValueError, match="too few"):
        fit(clinic(30, 30), 1.0, 0.9, PROGRAM)


def test_the_thresholds_by_hand() -> None:
    """39 with it at 0.40, 0.41 … 0.78 and 19 without it at 0.05 … 0.95. Nine tenths: rank 4 of 40, rank 2 of 20."""
    made = [case(n, 0.40 + 0.01 * n, True) for n in range(39)]
    made += [case(100 + n, 0.05 * (n + 1), False) for n in range(19)]
    found = fit(made, 0.9, 0.9, PROGRAM)
    assert found.thresholds.positive == pytest.approx(0.43)
    assert found.thresholds.negative == pytest.approx(0.90)
    # Three lie below 0.43; of the others none lies above 0.90.
    assert found.same.present == Answers(0, 36, 3)
    assert found.same.kept.value == pytest.approx(36 / 39)
    # Without it: 0.05 … 0.40 are unlikely, 0.95 is likely.
    assert found.same.absent == Answers(1, 10, 8)
    assert found.same.cleared.value == pytest.approx(18 / 19)
    assert found.before.present == Answers(0, 39, 0)


def test_a_share_no_such_number_can_promise_is_never_said() -> None:
    found = fit(clinic(12, 60), 0.95, 0.9, PROGRAM)
    assert found.never_unlikely
    assert not found.never_likely
    assert found.same.present.unlikely == found.same.absent.unlikely == 0


def test_new_patients_keep_the_promise_and_the_same_ones_flatter() -> None:
    """The mean over many clinics: of new patients with the finding at most a tenth is called unlikely."""
    missed, honest = [], []
    fresh = clinic(2000, 2000, 99)
    for seed in range(60):
        found = fit(clinic(30, 40, seed), 0.9, 0.9, PROGRAM)
        said = [found.thresholds.decide(one.probability) for one in fresh if one.present]
        missed.append(said.count(Decision.UNLIKELY) / len(said))
        honest.append(1 - found.honest.kept.value)
    assert np.mean(missed) <= 0.1 + 0.01
    assert np.mean(honest) == pytest.approx(np.mean(missed), abs=0.02)


def test_a_patients_pictures_are_left_out_together() -> None:
    made = clinic(30, 40)
    twice = made + [Judged(one.patient, one.probability, one.decision, one.present) for one in made]
    apart = made + [Judged(f"x{n}", one.probability, one.decision, one.present) for n, one in enumerate(made)]
    assert fit(twice, 0.9, 0.9, PROGRAM).thresholds == fit(apart, 0.9, 0.9, PROGRAM).thresholds
    assert fit(twice, 0.9, 0.9, PROGRAM).honest.kept.value <= fit(apart, 0.9, 0.9, PROGRAM).honest.kept.value


@settings(max_examples=40, deadline=None)
@given(st.integers(15, 60), st.integers(40, 80), st.floats(0.5, 0.99), st.floats(0.5, 0.99), st.integers(0, 99))
def test_more_sensitivity_never_costs_less(
    having: int, without: int, sensitivity: float, specificity: float, seed: int
) -> None:
    made = clinic(having, without, seed)
    found = fit(made, sensitivity, specificity, PROGRAM)
    more = fit(made, (1 + sensitivity) / 2, specificity, PROGRAM)
    assert more.thresholds.positive <= found.thresholds.positive
    assert more.thresholds.negative == found.thresholds.negative
    assert found.same.kept.value >= sensitivity - 1e-9
    assert found.same.cleared.value >= specificity - 1e-9
    assert found.same.present.total + found.same.absent.total == len(made)
