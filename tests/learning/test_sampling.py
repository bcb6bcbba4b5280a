"""What to label next: unsure before sure, unlike before alike, the same again with the same seed."""

import numpy as np
import numpy.typing as npt

from desktop.learning.sampling import Candidate, in_order, uncertainty


def candidate(key: str, probability: float | None, features: list[float] | None = None, group: str = "") -> Candidate:
    vector: npt.NDArray[np.float32] | None = None if features is None else np.array(features, dtype=np.float32)
    return Candidate(key, group or key, probability, vector)


def test_uncertainty_is_greatest_in_the_middle_and_never_nothing() -> None:
    assert uncertainty(0.5) == uncertainty(None) == 1.0
    assert uncertainty(0.25) == uncertainty(0.75) == 0.5
    assert 0 < uncertainty(0.0) == uncertainty(1.0) < uncertainty(0.1)


def test_the_least_sure_come_first() -> None:
    some = [candidate(f"p{percent}", percent / 100) for percent in (2, 97, 45, 80, 60)]
    assert in_order(some, 5, "day")[:3] == ("p45", "p60", "p80")


def test_pictures_of_one_study_do_not_fill_the_list() -> None:
    same = [candidate(f"same{number}", 0.5, group="one") for number in range(10)]
    others = [candidate(f"other{number}", 0.3, group=f"g{number}") for number in range(4)]
    chosen = in_order([*same, *others], 5, "day")
    assert sum(key.startswith("same") for key in chosen) == 1


def test_clusters_are_all_visited_before_one_is_visited_twice() -> None:
    random = np.random.default_rng(4)
    some = [
        candidate(f"{name}{number}", 0.5, [*(np.array(centre) + random.normal(0, 0.1, 2))])
        for name, centre in (("a", (0, 0)), ("b", (10, 0)), ("c", (0, 10)))
        for number in range(20)
    ]
    assert {key[0] for key in in_order(some, 3, "day")} == {"a", "b", "c"}
    known = [candidate("old", 0.5, [0.0, 0.0])]
    assert {key[0] for key in in_order(some, 2, "day", labelled=known)} == {"b", "c"}


def test_the_order_is_the_same_with_the_same_seed_only() -> None:
    some = [candidate(f"i{number}", 0.5) for number in range(40)]
    once = in_order(some, 40, "2026-11-22/anna")
    assert once == in_order(some[::-1], 40, "2026-11-22/anna")
    assert once != in_order(some, 40, "2026-11-23/anna")
    assert sorted(once) == sorted(one.key for one in some)


def test_features_of_different_length_are_not_compared() -> None:
    some = [candidate("a", 0.4, [1.0, 2.0]), candidate("b", 0.5, [1.0])]
    assert in_order(some, 2, "day") == ("b", "a")


def test_pools_of_different_models_are_merged_by_worth() -> None:
    first = [candidate(f"a{number}", 0.5, [float(number), 0.0]) for number in range(3)]
    second = [candidate(f"b{number}", 0.2, [float(number), 0.0, 0.0]) for number in range(3)]
    chosen = in_order([*first, *second], 3, "day")
    assert chosen[0][0] == "a"
    assert len(set(chosen)) == 3
    assert set(in_order([*first, *second], 6, "day")) == {one.key for one in (*first, *second)}


def test_nothing_gives_nothing_and_equal_features_are_no_trouble() -> None:
    assert in_order([], 5, "day") == ()
    assert in_order([candidate("a", 0.5)], 0, "day") == ()
    assert sorted(in_order([candidate(key, 0.5, [1.0, 1.0]) for key in "abc"], 9, "day")) == ["a", "b", "c"]
