"""A part of the people fails where its interval lies below that of all; the manifest then says so."""

from typing import Any

from desktop.learning import subgroups
from desktop.learning.subgroups import OLDEST, of_age_words, of_ages, of_origin, of_sex, of_view

WHOLE = {"value": 0.80, "low": 0.76, "high": 0.84, "n": 900}


def area(low: float, high: float, n: int = subgroups.FEWEST) -> dict[str, Any]:
    return {"value": (low + high) / 2, "low": low, "high": high, "n": n}


def test_only_what_lies_below_all_together_beyond_chance_fails() -> None:
    parts = [
        (of_sex("women", "female"), area(0.60, 0.7599)),
        (of_sex("men", "male"), area(0.60, 0.76)),
        (of_view("view PA", "pa"), None),
        (of_origin("collector A"), area(0.5, 0.6)),
    ]
    failed = subgroups.failed_parts("effusion", WHOLE, parts)
    assert [one.part.name for one in failed] == ["women", "collector A"]
    assert subgroups.failed_parts("effusion", None, parts) == []


def test_a_part_of_few_or_without_an_interval_fails_nothing() -> None:
    few, unknown = area(0.75, 0.75, subgroups.FEWEST - 1), area(0.5, 0.6) | {"low": None, "high": None}
    assert subgroups.failed_parts("effusion", WHOLE, [(of_origin("D"), few), (of_origin("E"), unknown)]) == []
    assert len(subgroups.failed_parts("effusion", WHOLE, [(of_origin("F"), area(0.75, 0.75))])) == 1
    assert subgroups.failed_parts("effusion", unknown, [(of_origin("F"), area(0.1, 0.2))]) == []


def test_ages_begin_where_the_younger_end() -> None:
    names = ["sex F", "age up to 50", "age over 65", "age up to 35", "age up to 65"]
    assert of_age_words(names, up_to="age up to ", over="age over ") == [
        of_ages("age up to 50", 36, 50),
        of_ages("age over 65", 66, OLDEST),
        of_ages("age up to 35", 0, 35),
        of_ages("age up to 65", 51, 65),
    ]
    assert of_age_words(["up to 29 years", "above 29 years"], up_to="up to ", over="above ") == [
        of_ages("up to 29 years", 0, 29),
        of_ages("above 29 years", 30, OLDEST),
    ]


def test_the_manifest_is_stated_anew_each_time() -> None:
    manifest: dict[str, Any] = {"findings": [{"key": "effusion", "withheld": [{"part": "old"}]}, {"key": "edema"}]}
    failed = subgroups.failed_parts("edema", WHOLE, [(of_view("view PA", "PA"), area(0.5, 0.6))])
    stated = subgroups.with_withheld(manifest, failed)
    assert stated["findings"] == [
        {"key": "effusion"},
        {"key": "edema", "withheld": [{"part": "view PA", "view": "PA"}]},
    ]
    assert manifest["findings"][0]["withheld"], "the document that came in is left alone"


def test_the_card_says_the_rule_and_what_failed() -> None:
    assert subgroups.withheld_text([]).endswith("No part failed.")
    failed = subgroups.failed_parts("edema", WHOLE, [(of_origin("collector A"), area(0.5, 0.6))])
    assert "| edema | collector A | 0.55 (0.50–0.60) | 0.80 (0.76–0.84) | everywhere |" in subgroups.withheld_text(
        failed
    )
