"""What a card says of goals for each place and of the learning curve."""

from typing import Any

import pytest

from desktop.learning.learning_curve import CurvePoint
from desktop.learning.picture_adult import CHEST_XRAY_ADULT
from desktop.learning.picture_curve_card import goals, section
from desktop.learning.picture_tb import CHEST_XRAY_TB

NAMES = ("tuberculosis, site shenzhen", "tuberculosis, site montgomery")


def figures(shenzhen: float, montgomery: float) -> dict[str, Any]:
    by = {
        "site shenzhen": {"n": 406, "all_pairs": {"value": shenzhen, "low": shenzhen - 0.03, "high": shenzhen + 0.03}},
        "site montgomery": {
            "n": 58,
            "all_pairs": {"value": montgomery, "low": montgomery - 0.1, "high": montgomery + 0.1},
        },
    }
    return {"findings": {"tuberculosis": {"by": by}}}


def points(*areas: tuple[float, float]) -> list[CurvePoint]:
    shares = (25, 50, 100)[-len(areas) :]
    return [
        CurvePoint(share, share * 5, dict(zip(NAMES, pair, strict=True)))
        for share, pair in zip(shares, areas, strict=True)
    ]


def test_each_place_is_held_against_its_own_goal() -> None:
    said = goals(CHEST_XRAY_TB, figures(0.90, 0.86)).splitlines()
    assert any("shenzhen: 0.89 was wanted" in line and line.endswith("reached.") for line in said)
    assert any("montgomery: 0.91 was wanted" in line and "not reached; see the learning curve" in line for line in said)
    assert "not reached" not in goals(CHEST_XRAY_TB, figures(0.89, 0.91))


def test_the_curve_says_whether_it_rises_and_where_a_goal_was_missed() -> None:
    said = section(CHEST_XRAY_TB, figures(0.90, 0.86), points((0.80, 0.70), (0.895, 0.80), (0.90, 0.86)))
    flat, rising = said.splitlines()[-2:]
    assert "+0.005" in flat
    assert "it is flat" in flat
    assert "missed" not in flat
    assert "+0.060" in rising
    assert "more people should help" in rising
    assert "The goal of 0.91 was missed there, and the figure's own interval (0.76–0.96)" in rising


def test_where_every_goal_is_reached_none_is_called_missed() -> None:
    assert "missed" not in section(CHEST_XRAY_TB, figures(0.90, 0.92), points((0.8, 0.7), (0.9, 0.92)))


def test_of_too_few_people_no_curve_is_drawn() -> None:
    assert "None: there are too few" in section(CHEST_XRAY_TB, figures(0.9, 0.9), points((0.9, 0.9)))


@pytest.mark.parametrize("some", [(), points((0.8, 0.7), (0.9, 0.9))])
def test_a_set_of_networks_has_neither(some: list[CurvePoint]) -> None:
    assert section(CHEST_XRAY_ADULT, figures(0.9, 0.9), some) == ""
    assert goals(CHEST_XRAY_ADULT, figures(0.9, 0.9)) == ""
