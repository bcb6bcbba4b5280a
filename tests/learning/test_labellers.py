"""The labellers' board: exact counts against gold and the others, and nobody judged by few answers."""

import math

import numpy as np
import pytest

from desktop.learning.dawid_skene import Basis, Vote
from desktop.learning.labellers import TOO_FEW, board


def votes_of(who: str, answers: str) -> list[Vote]:
    """One answer for each item: + there, - not there, ? unsure, a space: not asked."""
    present = {"+": True, "-": False, "?": None}
    return [Vote(f"i{place}", who, present[sign]) for place, sign in enumerate(answers) if sign != " "]


def test_counts_against_gold_are_exact() -> None:
    gold = {"i0": True, "i1": True, "i2": True, "i3": False, "i4": False}
    (row,) = board(votes_of("a", "++--+?+"), gold).rows
    assert row.answers == 7
    assert row.unsure.value == pytest.approx(1 / 7)
    assert row.sensitivity.value == pytest.approx(2 / 3)
    assert row.sensitivity.n == 3
    assert (row.specificity.value, row.specificity.n) == (0.5, 2)
    assert not row.enough(row.sensitivity)


def test_an_unsure_answer_about_gold_is_no_error() -> None:
    (row,) = board(votes_of("a", "?"), {"i0": True}).rows
    assert row.sensitivity.n == 0
    assert math.isnan(row.sensitivity.value)


def test_two_are_compared_with_each_other() -> None:
    found = board([*votes_of("a", "+" * 20 + "-" * 20), *votes_of("b", "+" * 16 + "-" * 24)], {})
    assert found.basis is Basis.TWO
    assert [(row.agreement.value, row.agreement.n) for row in found.rows] == [(0.9, 40), (0.9, 40)]
    assert all(row.enough(row.agreement) for row in found.rows)
    assert found.shared == 40
    assert 0.75 < found.agreement.value < 0.85


def test_agreement_is_one_where_all_agree_and_nothing_by_chance() -> None:
    assert board([*votes_of("a", "+-+-"), *votes_of("b", "+-+-")], {}).agreement.value == pytest.approx(1.0)
    random = np.random.default_rng(8)
    guesses = ["".join(random.choice(["+", "-"], 500)) for _ in range(2)]
    agreement = board([*votes_of("a", guesses[0]), *votes_of("b", guesses[1])], {}).agreement
    assert agreement.low < 0 < agreement.high


def test_nobody_is_compared_with_themselves() -> None:
    found = board(votes_of("a", "+-" * TOO_FEW), {})
    (row,) = found.rows
    assert row.agreement.n == 0
    assert (found.shared, found.basis) == (0, Basis.ONE)
    assert math.isnan(found.agreement.value)


def test_an_empty_board() -> None:
    found = board([], {})
    assert (found.rows, found.shared, found.gold, found.basis) == ((), 0, 0, Basis.NOBODY)


def test_what_two_others_say_with_one_voice_is_gold_for_the_third() -> None:
    found = board([*votes_of("a", "+-+-"), *votes_of("b", "+-+?"), *votes_of("c", "++-+")], {})
    rows = {row.labeller: row for row in found.rows}
    assert (rows["c"].sensitivity.value, rows["c"].sensitivity.n) == (0.5, 2)
    assert (rows["c"].specificity.value, rows["c"].specificity.n) == (0.0, 1)
    assert (rows["a"].sensitivity.n, rows["a"].specificity.n) == (1, 0)


def test_what_is_known_outweighs_what_others_say() -> None:
    found = board([*votes_of("a", "+"), *votes_of("b", "+"), *votes_of("c", "-")], {"i0": False})
    rows = {row.labeller: row for row in found.rows}
    assert rows["c"].specificity.value == 1.0
