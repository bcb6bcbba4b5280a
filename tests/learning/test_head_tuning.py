"""The challenger: learns what there is to learn, nothing where there is nothing, and is not believed on too few."""

import numpy as np
import pytest

from desktop.inference.calibration import ConformalThresholds
from desktop.learning.head_tuning import (
    LEAST_CASES,
    LIMIT,
    LOCKED_SHARE,
    Cases,
    Verdict,
    enough,
    fit,
    is_locked,
    tune,
)

KEY = "clinic"
CUTS = ConformalThresholds(0.4, 0.6, 0.1, 0.1)


def cases(
    n: int, *, shift: float = 0.0, hidden: float = 0.0, seed: int = 1, weak: float = 0.0, width: int = 96
) -> Cases:
    """Pictures of n people. shift: how far the shipped log-odds are off; hidden: how much of the truth lies in a
    direction of the features that the shipped model does not look at."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, width)) * np.linspace(2.0, 0.2, width)
    logits = 1.5 * random.normal(size=n)
    true = logits + shift + hidden * features[:, 1]
    truth = (random.random(n) < 1 / (1 + np.exp(-true))).astype(np.float64)
    firm = random.random(n) >= weak
    weight = np.where(firm, 1.0, 0.25)
    return Cases(features, logits, truth, weight, tuple(f"p{number}" for number in range(n)), firm)


@pytest.mark.parametrize("n", [0, 5, LEAST_CASES])
def test_with_few_cases_nothing_is_learned_and_it_is_said_what_is_missing(n: int) -> None:
    found = tune(cases(n, hidden=2.0), CUTS, KEY)
    assert found.verdict is Verdict.TOO_FEW
    assert found.correction is None
    assert found.enough.missing_cases == LEAST_CASES - found.enough.cases > 0


def test_a_class_that_is_missing_is_said() -> None:
    some = cases(400)
    found = enough(Cases(some.features, some.logits, np.zeros(400), some.weight, some.patients, some.firm), KEY)
    assert (found.missing_cases, found.missing_present, found.missing_absent) == (0, 10, 0)


def test_what_the_features_hide_is_learned_and_better_on_the_locked_part() -> None:
    found = tune(cases(1500, hidden=1.2), CUTS, KEY)
    assert found.verdict is Verdict.BETTER
    assert found.champion is not None
    assert found.challenger is not None
    assert found.challenger.auc.low > found.champion.auc.value
    assert found.challenger.loss < found.champion.loss


def test_another_base_rate_is_learned() -> None:
    found = fit(cases(400, shift=-1.0))
    assert found is not None
    assert found.of(np.zeros((1, 96)))[0] == pytest.approx(-1.0, abs=0.35)


@pytest.mark.parametrize("seed", range(6))
def test_where_nothing_is_wrong_nothing_is_promoted(seed: int) -> None:
    found = tune(cases(600, seed=seed), CUTS, KEY)
    assert found.verdict in (Verdict.NOTHING_GAINED, Verdict.NO_BETTER)


def test_five_thousand_are_learned_in_a_moment() -> None:
    found = tune(cases(5000, hidden=1.0, width=128), CUTS, KEY)
    assert found.verdict is Verdict.BETTER
    assert found.enough.cases == pytest.approx(5000 * (1 - LOCKED_SHARE), rel=0.05)


def test_no_answer_moves_farther_than_the_limit() -> None:
    found = fit(cases(800, hidden=5.0))
    assert found is not None
    moved = found.of(100.0 * np.random.default_rng(0).normal(size=(50, 96)))
    assert np.abs(moved).max() <= LIMIT


def test_a_learner_of_nonsense_is_refused_by_the_locked_part() -> None:
    """Where those who are learned from are labelled upside down, the locked part says that it is worse."""
    some = cases(1200, hidden=1.0)
    locked = np.array([is_locked(one, KEY) for one in some.patients])
    truth = np.where(locked, some.truth, 1 - some.truth)
    found = tune(Cases(some.features, some.logits, truth, some.weight, some.patients, some.firm), CUTS, KEY)
    assert found.verdict is Verdict.WORSE
    assert found.worse


def test_words_said_after_the_suggestion_never_compare() -> None:
    found = tune(cases(800, hidden=1.5, weak=1.0), CUTS, KEY)
    assert found.verdict is Verdict.TOO_FEW_LOCKED
    assert (found.enough.locked_present, found.enough.locked_absent) == (0, 0)
    assert found.champion is None


def test_the_locked_part_stays_the_same_and_holds_whole_patients() -> None:
    names = [f"patient {number}" for number in range(2000)]
    first = [is_locked(name, KEY) for name in names]
    assert first == [is_locked(name, KEY) for name in names]
    assert np.mean(first) == pytest.approx(LOCKED_SHARE, abs=0.04)
    assert first != [is_locked(name, "another clinic") for name in names]


def test_it_depends_on_neither_order_nor_chance() -> None:
    some = cases(300, hidden=1.5)
    turned = np.random.default_rng(3).permutation(300)
    other = Cases(
        some.features[turned],
        some.logits[turned],
        some.truth[turned],
        some.weight[turned],
        tuple(some.patients[index] for index in turned),
        some.firm[turned],
    )
    one, two = fit(some), fit(other)
    assert one is not None
    assert two is not None
    assert np.allclose(one.weights, two.weights, atol=1e-6)
    assert one.bias == pytest.approx(two.bias, abs=1e-6)


def test_a_weak_word_pulls_less() -> None:
    some = cases(300, shift=1.0)
    heavy = fit(some)
    light = fit(Cases(some.features, some.logits, some.truth, 0.25 * some.weight, some.patients, some.firm))
    assert heavy is not None
    strength = [abs(one.bias) if one is not None else 0.0 for one in (light, heavy)]
    assert strength[0] < strength[1]


def test_it_can_be_stopped() -> None:
    class Stop(Exception):
        pass

    def check() -> None:
        raise Stop

    with pytest.raises(Stop):
        tune(cases(300, hidden=1.0), CUTS, KEY, check=check)
