"""Merging answers: simulated labellers are recovered, names and order do not matter, and little is said of few."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.learning.dawid_skene import ENOUGH_SHARED, Basis, Merged, Vote, merge

SKILLS = {"a": (0.95, 0.9), "b": (0.8, 0.85), "c": (0.7, 0.95), "d": (0.6, 0.7)}


def simulated(
    skills: dict[str, tuple[float, float]], items: int, *, share: float = 0.4, answered: float = 0.8, seed: int = 3
) -> tuple[dict[str, bool], list[Vote]]:
    draws = np.random.default_rng(seed)
    truth = {f"i{number:05d}": bool(draws.random() < share) for number in range(items)}
    votes = []
    for item, present in truth.items():
        for who, (seen, cleared) in skills.items():
            if draws.random() < answered:
                right = draws.random() < (seen if present else cleared)
                votes.append(Vote(item, who, present if right else not present))
            elif draws.random() < 0.5:
                votes.append(Vote(item, who, None))
    return truth, votes


def errors(merged: Merged, truth: dict[str, bool]) -> float:
    return float(np.mean([(merged.answers[item] > 0.5) != truth[item] for item in merged.answers]))


def test_simulated_labellers_are_recovered() -> None:
    truth, votes = simulated(SKILLS, 1500)
    merged = merge(votes)
    assert merged.basis is Basis.MANY
    assert merged.prevalence == pytest.approx(0.4, abs=0.05)
    for who, (seen, cleared) in SKILLS.items():
        assert merged.skills[who].sensitivity.value == pytest.approx(seen, abs=0.06)
        assert merged.skills[who].specificity.value == pytest.approx(cleared, abs=0.06)
    majority = {
        item: np.mean([v.present for v in votes if v.item == item and v.present is not None]) > 0.5
        for item in merged.answers
    }
    assert errors(merged, truth) < np.mean([majority[item] != truth[item] for item in majority])


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False), st.permutations(["v", "w", "x", "y"]))
def test_names_and_order_do_not_matter(shuffler: random.Random, names: list[str]) -> None:
    _, votes = simulated(SKILLS, 60, seed=5)
    other = dict(zip(SKILLS, names, strict=True))
    renamed = [Vote(f"z{int(vote.item[1:]) * 7919 % 60:03d}", other[vote.labeller], vote.present) for vote in votes]
    shuffler.shuffle(renamed)
    one, two = merge(votes), merge(renamed)
    for item, chance in one.answers.items():
        assert two.answers[f"z{int(item[1:]) * 7919 % 60:03d}"] == pytest.approx(chance, abs=1e-5)
    for who, skill in one.skills.items():
        assert two.skills[other[who]].sensitivity.value == pytest.approx(skill.sensitivity.value, abs=1e-5)


def test_one_honest_labeller_among_random_ones_is_found_by_gold() -> None:
    skills = {"honest": (0.95, 0.95), **{f"random{number}": (0.5, 0.5) for number in range(4)}}
    truth, votes = simulated(skills, 600, answered=1.0)
    gold = {item: present for number, (item, present) in enumerate(truth.items()) if number % 10 == 0}
    merged = merge(votes, gold)
    left = Merged(merged.basis, {i: c for i, c in merged.answers.items() if i not in gold}, {}, 0.4)
    assert errors(left, truth) < 0.1
    assert merged.skills["honest"].sensitivity.low > 0.8
    assert all(merged.skills[f"random{number}"].sensitivity.high < 0.75 for number in range(4))


def test_a_labeller_who_mixes_up_the_keys_is_seen_through() -> None:
    skills = {"a": (0.9, 0.9), "b": (0.9, 0.9), "c": (0.85, 0.9), "swapped": (0.1, 0.1)}
    truth, votes = simulated(skills, 400, answered=1.0)
    merged = merge(votes)
    assert merged.skills["swapped"].sensitivity.high < 0.3
    assert errors(merged, truth) < 0.05


def test_nobody_says_nothing() -> None:
    merged = merge([])
    assert (merged.basis, dict(merged.answers), dict(merged.skills)) == (Basis.NOBODY, {}, {})
    assert math.isnan(merged.prevalence)
    assert merge([], {"i": True}).answers == {"i": 1.0}


def test_only_unsure_answers_are_no_answers() -> None:
    assert merge([Vote("i", "a", None), Vote("j", "b", None)]).basis is Basis.NOBODY


def test_a_lone_labellers_word_stands_though_the_thing_is_rare() -> None:
    merged = merge([Vote(f"i{number}", "a", number == 0) for number in range(200)])
    assert merged.basis is Basis.ONE
    assert merged.answers["i0"] == pytest.approx(0.8)
    assert merged.answers["i1"] == pytest.approx(0.2)
    assert math.isnan(merged.skills["a"].sensitivity.value)


def test_of_two_who_differ_nothing_says_who_is_right() -> None:
    merged = merge([Vote("i", "a", True), Vote("i", "b", False), Vote("j", "a", True), Vote("j", "b", True)])
    assert merged.basis is Basis.TWO
    assert merged.answers["i"] == pytest.approx(0.5)
    assert merged.answers["j"] > 0.9


def test_gold_judges_two_labellers() -> None:
    truth, votes = simulated({"good": (0.95, 0.95), "poor": (0.55, 0.55)}, 300, answered=1.0)
    merged = merge(votes, dict(list(truth.items())[:100]))
    assert merged.basis is Basis.TWO
    assert merged.skills["good"].sensitivity.low > merged.skills["poor"].sensitivity.high
    assert errors(merged, truth) < 0.1


def test_three_who_hardly_met_are_not_judged_by_each_other() -> None:
    votes = [Vote(f"i{number}", who, True) for number in range(ENOUGH_SHARED - 1) for who in "abc"]
    assert merge(votes).basis is Basis.TWO
    assert merge([*votes, *(Vote("last", who, True) for who in "abc")]).basis is Basis.MANY


def test_the_later_answer_holds() -> None:
    assert merge([Vote("i", "a", True), Vote("i", "a", False)]).answers["i"] == pytest.approx(0.2)
    assert merge([Vote("i", "a", True), Vote("i", "a", None)]).basis is Basis.NOBODY
