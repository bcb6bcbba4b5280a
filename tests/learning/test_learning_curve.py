"""A learning curve keeps its figures in a study's rows and tells them in a table."""

import pytest

from desktop.learning.learning_curve import CurvePoint, curve_points, curve_table, some_of

HALF = CurvePoint(50, 1200, {"sensitivity": 0.7, "predictive value": 0.45678})
QUARTER = CurvePoint(25, 600, {"sensitivity": 0.6, "predictive value": 0.4})


def test_points_come_back_from_the_rows_least_data_first() -> None:
    rows = [HALF.to_row(), {"kind": "battery", "name": "noise"}, QUARTER.to_row()]
    assert [one.share for one in curve_points(rows)] == [25, 50]
    assert curve_points(rows)[1].figures == {"sensitivity": 0.7, "predictive value": 0.4568}


def test_rows_of_a_curve_told_another_way_are_left_alone() -> None:
    assert curve_points([{"kind": "learning curve", "name": "101 patients", "macro_auc": 0.888}]) == ()


def test_a_card_tells_how_many_were_learned_from() -> None:
    assert curve_table([QUARTER, HALF], "beats") == (
        "| learned from | sensitivity | predictive value |\n|---|---|---|\n"
        "| 600 beats (25 %) | 0.600 | 0.400 |\n"
        "| 1,200 beats (50 %) | 0.700 | 0.457 |"
    )


@pytest.mark.parametrize(
    ("share", "learned", "figures"),
    [(0, 5, {"a": 0.5}), (101, 5, {"a": 0.5}), (50, 0, {"a": 0.5}), (50, 5, {}), (50, 5, {"a": 1.2})],
)
def test_a_point_that_cannot_be_is_refused(share: int, learned: int, figures: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="between 0 and"):
        CurvePoint(share, learned, figures)


def test_fewer_people_are_some_of_more_and_the_same_ones_again() -> None:
    everybody = [f"P{number}" for number in range(40)]
    shares = [some_of(everybody, share, 7) for share in (25, 50, 100)]
    assert [len(one) for one in shares] == [10, 20, 40]
    assert shares[0] < shares[1] < shares[2]
    assert some_of(reversed(everybody * 2), 25, 7) == shares[0]
    assert some_of(everybody, 25, 8) != shares[0]
    assert some_of(["only"], 25, 7) == {"only"}
